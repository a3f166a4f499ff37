/**
 * From a description to a blueprint by rules alone: pure, synchronous, deterministic. One file here per fact; this one
 * only puts their findings together. No rule knows any API by name.
 */
import type { Blueprint, Stream } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import type { Description } from '../description.ts';
import { type AuthFinding, findAuth } from './auth.ts';
import { type Endpoint, readEndpoints } from './endpoints.ts';
import { findHeaders } from './headers.ts';
import { Ledger, SURE } from './ledger.ts';
import { connectorName, givenName } from './naming.ts';
import { type OperationInput, buildOperations, chainOperations, selectOperations } from './operations.ts';
import { recordStream } from './questions.ts';
import { findRateLimit } from './rate-limit.ts';
import { LISTED_DEPTH, rowSchema } from './schemas.ts';
import { SchemaReader } from './schema-view.ts';
import { selectStreams } from './selection.ts';
import { type BaseUrl, findBaseUrl, livesElsewhere } from './servers.ts';
import { streamParameters } from './stream-parameters.ts';
import { type Drafts, type StreamDraft, draftStreams } from './streams.ts';
import { shorten } from './words.ts';

export interface BlueprintOptions {
  /** Kebab-case name of the connector, with or without `source-`; by default made of the title. */
  name?: string | undefined;
  /** Names of the streams to select; by default the sensible ones. */
  streams?: string[] | undefined;
  /** Most streams selected by default. */
  maxStreams?: number | undefined;
}

/**
 * All that rules can tell of an API, with what they can't as gaps. A description without a readable stream gives a
 * blueprint without selected streams. Throws `input` for a name or stream that can't be used.
 */
export function buildBlueprint(description: Description, options: BlueprintOptions): Blueprint {
  const name = nameOf(description, options.name);
  const schemas = new SchemaReader(description);
  const endpoints = readEndpoints(description, schemas);
  const ledger = new Ledger(description);
  const base = findBaseUrl(description, endpoints);
  const auth = findAuth(description, endpoints, base.url);
  const headers = findHeaders(endpoints);
  const rate = findRateLimit(description, endpoints);
  recordApi(ledger, base, auth, rate);
  const drafts = draftStreams(description, endpoints, schemas);
  const apiHeaders = new Set(headers.map((header) => header.name.toLowerCase()));
  const streams = drafts.streams.map((draft) => toStream(draft, schemas, ledger, apiHeaders));
  const inputs = drafts.streams.map((draft, index) => ({
    draft,
    stream: streams[index] as Stream,
    elsewhere: livesElsewhere(draft.endpoint, base.url, description.location),
  }));
  selectStreams(inputs, options);
  for (const { draft, stream } of inputs) stream.schema = schemaOf(draft, schemas, stream.selected);
  for (const { draft, stream } of inputs) recordStream(ledger, draft, stream);
  recordOmitted(ledger, drafts, endpoints);
  const operations = operationsOf(
    endpoints,
    drafts,
    streams,
    schemas,
    ledger,
    options.streams !== undefined && options.streams.length > 0,
  );
  const { info } = description.document;
  return {
    schemaVersion: 1,
    name,
    api: {
      title: textOr(info.title, 'API'),
      version: textOr(info.version, ''),
      ...optional('description', shorten(info.description ?? info.summary ?? '', 2000)),
      ...optional('docsUrl', description.document.externalDocs?.url ?? ''),
      ...optional('licence', info.license?.name ?? info.license?.identifier ?? ''),
    },
    source: {
      location: description.location,
      format: description.format,
      sha256: description.sha256,
      bytes: description.bytes,
    },
    baseUrl: base.url,
    serverVariables: base.variables,
    auth: [...auth.options],
    headers,
    rateLimit: rate.rateLimit,
    streams,
    operations,
    facts: ledger.facts,
    gaps: ledger.gaps,
    problems: [...description.problems],
  };
}

/** The streams that a connector would read: selected, and with rows that the description shows. */
export function readableStreams(blueprint: Blueprint): Stream[] {
  return blueprint.streams.filter((stream) => stream.selected);
}

function textOr(text: string | undefined, fallback: string): string {
  const flat = text === undefined ? '' : shorten(text, 200);
  return flat === '' ? fallback : flat;
}

function optional<K extends string>(key: K, text: string): { [key in K]?: string } {
  return text === '' ? {} : ({ [key]: text } as { [key in K]?: string });
}

function nameOf(description: Description, given: string | undefined): string {
  if (given !== undefined) {
    const name = givenName(given);
    if (name !== undefined) return name;
    throw new SourcewrightError('input', `"${shorten(given, 60)}" can't be used as a connector's name.`, {
      where: '--name',
      cure: 'Give a name with letters, digits and hyphens, such as "my-api".',
    });
  }
  return connectorName(description.document.info.title ?? '');
}

function toStream(
  draft: StreamDraft,
  schemas: SchemaReader,
  ledger: Ledger,
  apiHeaders: ReadonlySet<string>,
): Stream {
  const { endpoint, rows } = draft;
  const example = exampleRow(endpoint, rows);
  const { incremental } = draft.incremental;
  return {
    name: draft.name,
    ...optional('title', shorten(endpoint.summary, 120)),
    ...optional('description', shorten(endpoint.description, 400)),
    method: endpoint.method,
    path: endpoint.template,
    pointer: ledger.locate(endpoint.place).pointer,
    selected: false,
    parameters: streamParameters(draft, apiHeaders),
    recordPath: [...rows.recordPath],
    recordShape: rows.shape,
    primaryKey: draft.primaryKey.paths.map((path) => [...path]),
    paging: draft.paging.paging,
    ...(draft.parent.parent === undefined ? {} : { parent: draft.parent.parent }),
    ...(incremental === undefined || rows.shape === 'single' ? {} : { incremental }),
    schema: {},
    ...(example === undefined ? {} : { example }),
  };
}

/** The whole schema of a row where it is read; of streams that are only listed its first level. */
function schemaOf({ rows }: StreamDraft, schemas: SchemaReader, selected: boolean): Stream['schema'] {
  const schema = selected ? rowSchema(rows.row, schemas) : rowSchema(rows.row, schemas, LISTED_DEPTH);
  return rows.shape === 'map' ? withMapKey(schema) : schema;
}

/** Rows of a map carry the key that they stood under. */
function withMapKey(schema: Stream['schema']): Stream['schema'] {
  const properties =
    typeof schema['properties'] === 'object' && schema['properties'] !== null ? schema['properties'] : {};
  return { ...schema, properties: { _key: { type: 'string' }, ...properties } };
}

const MAX_EXAMPLE_CHARACTERS = 8000;

/** One row of the answer's example, where it has one at the place of the rows and it is not huge. */
function exampleRow(endpoint: Endpoint, rows: StreamDraft['rows']): unknown {
  let here: unknown[] = [endpoint.response?.example?.value];
  for (const segment of rows.recordPath) {
    here = here.flatMap((value) => childrenOf(value, segment)).slice(0, 5);
  }
  if (rows.shape !== 'single') here = here.flatMap((value) => childrenOf(value, '*'));
  const [row] = here;
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return undefined;
  return JSON.stringify(row).length <= MAX_EXAMPLE_CHARACTERS ? row : undefined;
}

function childrenOf(value: unknown, segment: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (segment === '*')
    return (Array.isArray(value) ? (value as unknown[]) : Object.values(value)).slice(0, 5);
  return Object.hasOwn(value, segment) ? [(value as Record<string, unknown>)[segment]] : [];
}

// --------------------------------------------------------------------------------------------------- the whole API

function recordApi(
  ledger: Ledger,
  base: BaseUrl,
  auth: AuthFinding,
  rate: ReturnType<typeof findRateLimit>,
): void {
  ledger.fact({
    subject: null,
    fact: 'base_url',
    value: base.url,
    confidence: base.confidence,
    rule: base.rule,
    pointers: [base.pointer],
    quote: base.url,
  });
  if (base.doubts.length > 0 || base.confidence < SURE) {
    ledger.gap({
      stream: null,
      fact: 'base_url',
      question: `Which base URL does the connector use? Not told: ${base.doubts.join('; ') || 'whether it is right'}.`,
      assumed:
        base.rule === 'no-server'
          ? 'None: base_url must be set in the configuration.'
          : `${base.url}, unless base_url is set.`,
      pointer: base.pointer,
      options: [base.url, ...base.others].map((url) => ({ label: url, value: url })),
    });
  }
  const shown = auth.options.map((option) => option.parts.map((part) => part.kind).join(' + ')).join(' or ');
  ledger.fact({
    subject: null,
    fact: 'auth',
    value: shown,
    confidence: auth.confidence,
    rule: auth.rule,
    pointers: auth.pointers,
    quote: auth.quote,
  });
  for (const doubt of auth.doubts) {
    ledger.gap({
      stream: null,
      fact: 'auth',
      question: `How does the connector authenticate? Not told: ${doubt}.`,
      assumed: `By ${shown}.`,
      pointer: auth.pointers[0],
      options: auth.options.map((option) => ({ label: option.name, value: option })),
    });
  }
  const { requests, windowSeconds } = rate.rateLimit;
  const limit =
    requests === undefined
      ? rate.rateLimit.documents429
        ? '429 is documented, no numbers'
        : 'none documented'
      : `${String(requests)} requests in ${String(windowSeconds)} s`;
  ledger.fact({
    subject: null,
    fact: 'rate_limit',
    value: limit,
    confidence: rate.confidence,
    rule: rate.rule,
    pointers: [rate.pointer],
    quote: rate.quote,
  });
  if (requests === undefined) {
    ledger.gap({
      stream: null,
      fact: 'rate_limit',
      question: 'How often may the API be called? The description names no numbers.',
      assumed: 'As the answers say: 429 and Retry-After are obeyed.',
      pointer: rate.pointer,
    });
  }
}

const MAX_LISTED = 12;

/** What could not become a stream is named, so that nobody takes it for covered. */
function recordOmitted(ledger: Ledger, drafts: Drafts, endpoints: readonly Endpoint[]): void {
  if (drafts.posted.length > 0) {
    const paths = drafts.posted.slice(0, MAX_LISTED).map((endpoint) => endpoint.path);
    const more =
      drafts.posted.length > paths.length ? ` and ${String(drafts.posted.length - paths.length)} more` : '';
    ledger.gap({
      stream: null,
      fact: 'stream',
      question: `Shall lists that are read by POST become streams? (${paths.join(', ')}${more})`,
      assumed: 'No: only GET is used.',
      pointer: drafts.posted[0]?.pointer,
    });
  }
  if (!drafts.streams.some((stream) => stream.rows.shape !== 'single')) {
    const gets = endpoints.filter((endpoint) => endpoint.method === 'GET').length;
    ledger.gap({
      stream: null,
      fact: 'stream',
      question:
        gets === 0
          ? 'How is data read from this API? The description has no GET operation.'
          : 'Which operations give lists of rows? None of the GET operations shows one.',
      assumed: 'There is nothing to read as a list.',
      pointer: '/paths',
    });
  }
}

function operationsOf(
  endpoints: readonly Endpoint[],
  drafts: Drafts,
  streams: readonly Stream[],
  schemas: SchemaReader,
  ledger: Ledger,
  named: boolean,
): Blueprint['operations'] {
  const byEndpoint = new Map(drafts.streams.map((draft) => [draft.endpoint, draft]));
  const inputs = endpoints
    .filter((endpoint) => endpoint.method === 'GET')
    .map((endpoint): OperationInput => {
      const draft = byEndpoint.get(endpoint);
      const rows = draft === undefined || draft.unseen ? drafts.singleRows(endpoint) : draft.rows;
      return {
        endpoint,
        rows,
        primaryKey: draft?.primaryKey.paths ?? [],
        paging: draft?.paging.paging ?? { kind: 'none' },
        pointer: ledger.locate(endpoint.place).pointer,
      };
    });
  const operations = buildOperations(inputs, schemas);
  chainOperations(operations, inputs, (list, parameter) => {
    const candidate = drafts.candidates.get(list.endpoint);
    return candidate === undefined ? undefined : drafts.parents.fieldOf(candidate, parameter);
  });
  const selected = new Set(streams.filter((stream) => stream.selected).map((stream) => stream.pointer));
  selectOperations(operations, inputs, selected, named, schemas);
  const chosen = operations.filter((operation) => operation.selected).length;
  ledger.fact({
    subject: null,
    fact: 'operation',
    value: `${String(chosen)} of ${String(operations.length)} operations selected`,
    confidence: 0.95,
    rule: 'get-operations',
    pointers: ['/paths'],
  });
  return operations;
}
