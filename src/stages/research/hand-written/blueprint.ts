/** From a hand-written blueprint to the one that the compiler takes: filled in, with a fact for each value. */
import type { Blueprint, Evidence, Fact, FactName, Stream } from '../../../blueprint/schema.ts';
import { connectorName, givenName } from '../../../openapi/rules/naming.ts';
import { pagingText, rateLimitText } from '../../../openapi/rules/questions.ts';
import { shorten } from '../../../openapi/rules/words.ts';
import { finished } from '../finish-blueprint.ts';
import type { HandWrittenBlueprint, HandWrittenStream, Source } from './contracts.ts';

/** A person's word about an API is taken as it is; only the API itself could know better. */
const CONFIDENCE = 0.95;
const RULE = 'hand-written';

export interface HandWrittenSource {
  readonly location: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface HandWrittenChoices {
  /** Connector's name, where the person gave one. */
  readonly name?: string | undefined;
  /** Streams to select; absent = those that the blueprint selects. */
  readonly streams?: readonly string[] | undefined;
}

/** The whole blueprint. Streams that were not asked for are listed as not picked. */
export async function handWrittenBlueprint(
  given: HandWrittenBlueprint,
  source: HandWrittenSource,
  { name, streams: wanted }: HandWrittenChoices,
): Promise<Blueprint> {
  const streams = given.streams.map((stream) => streamOf(stream, wanted));
  const blueprint: Blueprint = {
    schemaVersion: 1,
    name: (name === undefined ? undefined : givenName(name)) ?? connectorName(given.title),
    api: {
      title: given.title,
      version: given.version,
      ...(given.description === undefined ? {} : { description: given.description }),
      ...(given.docsUrl === undefined ? {} : { docsUrl: given.docsUrl }),
    },
    source: { ...source, format: 'blueprint' },
    baseUrl: given.baseUrl.replace(/\/+$/, ''),
    serverVariables: given.serverVariables,
    auth: given.auth,
    headers: given.headers,
    rateLimit: given.rateLimit,
    streams,
    operations: given.operations ?? [],
    facts: [...apiFacts(given), ...given.streams.flatMap((stream) => streamFacts(stream, given))],
    gaps: [],
    problems: [],
  };
  const whole = await finished(blueprint);
  return given.operations === undefined ? whole : { ...whole, operations: given.operations };
}

function streamOf({ sources, ...stream }: HandWrittenStream, wanted: readonly string[] | undefined): Stream {
  const picked = wanted === undefined || wanted.length === 0 ? stream.selected : wanted.includes(stream.name);
  return {
    ...stream,
    pointer: `/streams/${stream.name}`,
    parameters: stream.parameters.map((one) => ({ ...one, required: one.required || one.in === 'path' })),
    selected: picked,
    ...(picked ? {} : { omittedBecause: 'Not picked.' }),
  };
}

function apiFacts(given: HandWrittenBlueprint): Fact[] {
  const kinds = given.auth.map((option) => option.parts.map(({ kind }) => kind).join(' and ')).join(' or ');
  const values: [FactName, string][] = [
    ['base_url', given.baseUrl],
    ['auth', kinds],
    ['rate_limit', rateLimitText(given.rateLimit)],
  ];
  return values.map(([fact, value]) => factOf(null, fact, value, given.sources[fact], given.docsUrl));
}

function streamFacts(stream: HandWrittenStream, given: HandWrittenBlueprint): Fact[] {
  const { primaryKey, incremental, parent, schema } = stream;
  const fields = Object.keys((schema['properties'] as object | undefined) ?? {}).length;
  const values: [FactName, string][] = [
    ['stream', `${stream.method} ${stream.path}`],
    ['record_path', stream.recordPath.join('.') || 'the body itself'],
    ['primary_key', primaryKey.map((part) => part.join('.')).join(' + ') || 'none'],
    ['paging', pagingText(stream.paging)],
    ['schema', `${fields} fields`],
  ];
  if (parent !== undefined)
    values.push(['parent', `${parent.stream}${parent.recursive === undefined ? '' : ', and its own rows'}`]);
  if (incremental !== undefined) values.push(['incremental', incremental.cursorField.join('.')]);
  return values.map(([fact, value]) =>
    factOf(stream.name, fact, value, stream.sources[fact] ?? stream.sources.stream, given.docsUrl),
  );
}

function factOf(
  subject: string | null,
  fact: FactName,
  value: string,
  source: Source | undefined,
  docsUrl: string | undefined,
): Fact {
  return {
    subject,
    fact,
    value: shorten(value, 240),
    confidence: CONFIDENCE,
    rule: RULE,
    evidence: [evidenceOf(source, docsUrl)],
    status: 'confirmed',
  };
}

function evidenceOf(source: Source | undefined, docsUrl: string | undefined): Evidence {
  const document = source?.url ?? docsUrl;
  if (source === undefined) return { source: 'person' };
  return {
    source: 'docs',
    ...(document === undefined ? {} : { document }),
    ...(source.quote === undefined ? {} : { quote: shorten(source.quote, 160) }),
  };
}
