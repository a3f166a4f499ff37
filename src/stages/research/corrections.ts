/** The person's corrections of the blueprint: structured, so that rules can apply them exactly. */
import { z } from 'zod';
import {
  Auth,
  AuthOption,
  FactName,
  FieldPath,
  Incremental,
  JsonSchema,
  Paging,
  Parent,
  RateLimit,
  type Blueprint,
  type Fact,
  type Operation,
  Stream,
} from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import { configKey } from '../../openapi/rules/stream-parameters.ts';
import { rateLimitText } from '../../openapi/rules/questions.ts';

export const CORRECTIONS_FILE = 'corrections.json';

export const Correction = z.object({
  /** Stream (or operation, for the fact `operation`); null = the API as a whole. */
  stream: z.string().nullable().default(null),
  fact: FactName,
  /** In the blueprint's own form; null strikes the claim: the connector does without (see `STRIKABLE`). */
  value: z.unknown(),
});
export type Correction = z.infer<typeof Correction>;
export const Corrections = z.array(Correction);

/** A path as a list, or written with dots; '' = the root. */
const PathValue = z
  .union([FieldPath, z.string()])
  .transform((path) => (typeof path !== 'string' ? path : path === '' ? [] : path.split('.')));
const RecordPathValue = z.union([
  PathValue.transform((recordPath) => ({ recordPath, recordShape: undefined })),
  z.object({ recordPath: PathValue, recordShape: Stream.shape.recordShape.optional() }),
]);
/** `"id"`, `["a", "b"]` (two fields) or `[["meta", "id"]]` (one nested field). */
const PrimaryKeyValue = z
  .union([z.string(), z.array(z.union([z.string(), FieldPath]))])
  .transform((key) => (typeof key === 'string' ? [key] : key))
  .transform((parts) => parts.map((part) => (typeof part === 'string' ? part.split('.') : part)));
const AuthValue = z.union([
  z.array(AuthOption).min(1),
  AuthOption.transform((option) => [option]),
  Auth.transform((auth) => [{ name: auth.kind, parts: [auth] }]),
]);

/** What a connector can do without, so that a claim about it can be struck. All else can only be put right. */
export const STRIKABLE: ReadonlySet<FactName> = new Set([
  'rate_limit',
  'stream',
  'primary_key',
  'paging',
  'parent',
  'incremental',
  'operation',
]);

/** What corrections leave: the changed blueprint, and each correction in words for the notes. */
export interface Corrected {
  readonly blueprint: Blueprint;
  readonly applied: readonly string[];
}

/**
 * The blueprint with the corrections on top; `document` is what they stand in. Facts become `corrected` (`confirmed` when
 * they said the same, `struck` when they are done without), and gaps that are answered go. Throws `input` naming the entry
 * that can't be applied.
 */
export function applyCorrections(
  blueprint: Blueprint,
  corrections: readonly Correction[],
  document: string = CORRECTIONS_FILE,
): Corrected {
  if (corrections.length === 0) return { blueprint, applied: [] };
  const changed = structuredClone(blueprint);
  const applied = corrections.map((correction, index) => {
    const before = stateOf(changed, correction);
    const refuse = (message: string): never => {
      throw new SourcewrightError('input', `The correction can't be applied: ${message}`, {
        where: document,
        place: `/${index}`,
        cure: 'Mend that entry. Names and forms of values stand in brief.json under "blueprint".',
      });
    };
    const words = changeBlueprint(changed, correction, refuse);
    const same = stateOf(changed, correction) === before;
    const outcome = outcomeOf(correction, same);
    noteFact(changed, correction, { value: words, document, pointer: `/${index}`, outcome });
    changed.gaps = changed.gaps.filter(
      (gap) => gap.stream !== correction.stream || gap.fact !== correction.fact,
    );
    return correctionWords(correction, words, outcome);
  });
  return { blueprint: changed, applied };
}

/** What a correction does to a claim. */
export type Outcome = 'confirmed' | 'corrected' | 'struck';

/** `same`: the blueprint says what it said before. */
export function outcomeOf({ value }: Pick<Correction, 'value'>, same: boolean): Outcome {
  if (same) return 'confirmed';
  return value === null ? 'struck' : 'corrected';
}

function correctionWords({ stream, fact }: Correction, words: string, outcome: Outcome): string {
  const note = { confirmed: ' (as it was)', struck: ' (struck)', corrected: '' }[outcome];
  return `${stream ?? 'the API'}, ${fact.replace('_', ' ')}: ${words}${note}`;
}

/** What a correction may change, to tell whether it did. */
export function stateOf(blueprint: Blueprint, { stream: name }: Correction): string {
  const { auth, baseUrl, rateLimit, streams, operations } = blueprint;
  if (name === null) return JSON.stringify([auth, baseUrl, rateLimit]);
  return JSON.stringify([...streams, ...operations].filter((one) => one.name === name));
}

export type Refuse = (message: string) => never;

/**
 * Changes the blueprint in place and says the new value in words: the one way by which a value gets in that rules did not
 * find, be it the person's or a model's claim. `refuse` is called before anything has changed.
 */
export function changeBlueprint(blueprint: Blueprint, correction: Correction, refuse: Refuse): string {
  const { fact, stream: name, value } = correction;
  if (value === null && !STRIKABLE.has(fact)) {
    refuse(`without ${fact.replace('_', ' ')} there is no connector: correct it instead of striking it.`);
  }
  switch (fact) {
    case 'auth':
      blueprint.auth = parsed(AuthValue, value, refuse);
      return blueprint.auth.map((option) => option.parts.map((part) => part.kind).join(' and ')).join(' or ');
    case 'base_url': {
      const url = parsed(z.string().min(1), value, refuse).replace(/\/+$/, '');
      if (!/^https?:\/\//.test(url)) refuse('a base URL begins with http:// or https://.');
      blueprint.baseUrl = url;
      const used = (variable: { name: string }): boolean => url.includes(`{${variable.name}}`);
      blueprint.serverVariables = blueprint.serverVariables.filter(used);
      return url;
    }
    case 'rate_limit':
      if (value === null) blueprint.rateLimit = { documents429: blueprint.rateLimit.documents429 };
      else Object.assign(blueprint.rateLimit, parsed(RateLimit.partial(), value, refuse));
      return rateLimitText(blueprint.rateLimit);
    case 'operation': {
      const operation = blueprint.operations.find((one) => one.name === name);
      if (operation === undefined) return refuse(`there is no operation ${JSON.stringify(name)}.`);
      operation.selected = parsed(z.boolean(), value ?? false, refuse);
      return operation.selected ? 'selected' : 'left out';
    }
    default: {
      const stream = blueprint.streams.find((one) => one.name === name);
      if (stream === undefined) return refuse(`there is no stream ${JSON.stringify(name)}.`);
      return changeStream(blueprint, stream, fact, value, refuse);
    }
  }
}

type StreamFact = Exclude<Fact['fact'], 'auth' | 'base_url' | 'rate_limit' | 'operation'>;

function changeStream(
  blueprint: Blueprint,
  stream: Stream,
  fact: StreamFact,
  value: unknown,
  refuse: Refuse,
): string {
  switch (fact) {
    case 'stream':
      selectStream(stream, parsed(z.boolean(), value ?? false, refuse));
      return stream.selected ? 'selected' : 'left out';
    case 'record_path': {
      const { recordPath, recordShape } = parsed(RecordPathValue, value, refuse);
      setRecordPath(blueprint, stream, recordPath, recordShape);
      return recordPath.length === 0 ? '(root)' : recordPath.join('.');
    }
    case 'primary_key':
      stream.primaryKey = parsed(PrimaryKeyValue, value ?? [], refuse);
      return stream.primaryKey.map((part) => part.join('.')).join(' + ') || 'none';
    case 'paging':
      stream.paging = parsed(Paging, value ?? { kind: 'none' }, refuse);
      leaveToReading(stream);
      for (const operation of operationsOf(blueprint, stream)) operation.paging = stream.paging;
      return JSON.stringify(stream.paging);
    case 'parent': {
      const parent = parsed(Parent.nullable(), value, refuse);
      if (parent === null) takeParent(stream);
      else if (blueprint.streams.some((one) => one.name === parent.stream)) setParent(stream, parent);
      else refuse(`there is no stream ${JSON.stringify(parent.stream)} to be the parent.`);
      return parent === null ? 'none' : parent.stream;
    }
    case 'incremental': {
      const incremental = parsed(Incremental.nullable(), value, refuse);
      if (incremental === null) delete stream.incremental;
      else stream.incremental = incremental;
      leaveToReading(stream);
      return incremental === null ? 'none' : incremental.cursorField.join('.');
    }
    case 'schema':
      stream.schema = parsed(JsonSchema, value, refuse);
      return 'a schema given by hand';
  }
}

/** What paging and the incremental filter send themselves is no setting beside them. */
function leaveToReading(stream: Stream): void {
  const sent = new Set(sentByReading(stream));
  stream.parameters = stream.parameters.filter((one) => one.in !== 'query' || !sent.has(one.name));
}

/** Names of the query parameters that paging and the incremental filter send. */
export function sentByReading({ paging, incremental }: Pick<Stream, 'paging' | 'incremental'>): string[] {
  const names = [
    paging.kind === 'page' ? paging.pageParam : undefined,
    paging.kind === 'offset' ? paging.offsetParam : undefined,
    paging.kind === 'cursor' ? paging.cursorParam : undefined,
    paging.kind === 'none' ? undefined : paging.sizeParam,
    incremental?.param,
    incremental?.endParam,
  ];
  return names.filter((name) => name !== undefined);
}

/** Without a parent, what its rows filled is a setting of the person's. */
function takeParent(stream: Stream): void {
  delete stream.parent;
  const segments = stream.path.split('/').filter((segment) => segment !== '');
  const filled = new Set(stream.parameters.filter((one) => one.in === 'path').map((one) => one.name));
  for (const [, name = ''] of stream.path.matchAll(/\{([^{}]+)\}/g)) {
    if (filled.has(name)) continue;
    const key = configKey(name, { segments });
    stream.parameters.push({ name, in: 'path', type: 'string', required: true, configKey: key });
  }
}

/** What the parent's rows fill is no setting of the person's any more. */
function setParent(stream: Stream, parent: Parent): void {
  const filled = new Set(parent.parameters.map(({ name }) => name));
  stream.parent = parent;
  stream.parameters = stream.parameters.filter((one) => one.in !== 'path' || !filled.has(one.name));
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, refuse: Refuse): T {
  const result = schema.safeParse(value);
  return result.success ? result.data : refuse(z.prettifyError(result.error).replace(/\s+/g, ' '));
}

export function selectStream(stream: Stream, selected: boolean, because = 'left out by you'): void {
  stream.selected = selected;
  if (selected) delete stream.omittedBecause;
  else stream.omittedBecause = because;
}

/** New place of the rows. The schema was that of the old place: without it, the rows are taken as they come. */
export function setRecordPath(
  blueprint: Blueprint,
  stream: Stream,
  recordPath: FieldPath,
  recordShape: Stream['recordShape'] | undefined,
): void {
  const moved = JSON.stringify(stream.recordPath) !== JSON.stringify(recordPath);
  stream.recordPath = recordPath;
  if (recordShape !== undefined) stream.recordShape = recordShape;
  if (!moved) return;
  stream.schema = { type: 'object', additionalProperties: true };
  delete stream.example;
  for (const operation of operationsOf(blueprint, stream)) {
    operation.recordPath = recordPath;
    operation.columns = [];
  }
}

/** The operations of the agent face that make the same request as a stream. */
function operationsOf(blueprint: Blueprint, stream: Stream): Operation[] {
  return blueprint.operations.filter(({ method, path }) => method === stream.method && path === stream.path);
}

function noteFact(
  blueprint: Blueprint,
  correction: Correction,
  change: { value: string; document: string; pointer: string; outcome: Outcome },
): void {
  const evidence = { source: 'person' as const, document: change.document, pointer: change.pointer };
  const status = change.outcome;
  const found = blueprint.facts.find(
    (fact) => fact.subject === correction.stream && fact.fact === correction.fact,
  );
  if (found === undefined) {
    blueprint.facts.push({
      subject: correction.stream,
      fact: correction.fact,
      value: change.value,
      confidence: 1,
      rule: 'correction',
      evidence: [evidence],
      status,
    });
    return;
  }
  // What was struck is told as it was claimed; and to say the same again does not bring it back.
  if (status === 'corrected') found.value = change.value;
  found.confidence = 1;
  found.status = status === 'confirmed' && found.status === 'struck' ? 'struck' : status;
  found.evidence.push(evidence);
}
