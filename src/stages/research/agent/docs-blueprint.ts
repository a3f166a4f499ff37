/**
 * A blueprint where there is no description: the streams that the agent found in documentation. Here stands what they are
 * made of; how they page, what tells rows apart and the like are claims, judged as any other, and fill it afterwards.
 */
import { z } from 'zod';
import {
  Evidence,
  type Blueprint,
  type Fact,
  type JsonSchema,
  type Stream,
  type StreamParameter,
} from '../../../blueprint/schema.ts';
import { connectorName, givenName, pythonName } from '../../../openapi/rules/naming.ts';
import { UNKNOWN_BASE_URL } from '../../../openapi/rules/servers.ts';
import { shorten } from '../../../openapi/rules/words.ts';
import { ClaimedStream, type Claim, type ClaimedApi } from './answer.ts';
import { isSchema, pathParameters } from './endpoint.ts';
import { docsGaps } from './docs-gaps.ts';

/** Said by documentation, read by a model, seen by nobody at the API. */
export const UNCONFIRMED = 0.5;

/** A stream that has held, as the next attempt gets to know it. */
export const KnownStream = z.object({ claimed: ClaimedStream, evidence: Evidence });
export type KnownStream = z.infer<typeof KnownStream>;

export const KnownApi = z.object({
  title: z.string(),
  version: z.string(),
  docsUrl: z.string(),
  /** As claimed: its variables become settings. */
  baseUrl: z.string(),
});
export type KnownApi = z.infer<typeof KnownApi>;

export interface DocsSource {
  /** Connector's name, where the person gave one. */
  readonly name: string | undefined;
  /** What the person named: an address or an API. */
  readonly location: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Streams that the person asked for; absent = all. */
  readonly wanted: readonly string[] | undefined;
}

/** Row schemas are taken as they were claimed; `finished` reads them. */
export function docsBlueprint(
  known: readonly KnownStream[],
  api: KnownApi | undefined,
  source: DocsSource,
): Blueprint {
  const title = shorten(api?.title ?? '', 200) || shorten(source.location, 200);
  const streams = known.map(({ claimed }) => streamOf(claimed));
  const chosen = streams.filter((stream) => source.wanted?.includes(stream.name) === true);
  for (const stream of streams) {
    if (chosen.length === 0 || chosen.includes(stream)) continue;
    stream.selected = false;
    stream.omittedBecause = 'Not picked.';
  }
  return {
    schemaVersion: 1,
    name: (source.name === undefined ? undefined : givenName(source.name)) ?? connectorName(title),
    api: {
      title,
      version: shorten(api?.version ?? '', 60),
      ...(/^https?:\/\//.test(api?.docsUrl ?? '') ? { docsUrl: api?.docsUrl } : {}),
    },
    source: { location: source.location, format: 'docs', sha256: source.sha256, bytes: source.bytes },
    baseUrl: UNKNOWN_BASE_URL,
    serverVariables: pathParameters(api?.baseUrl ?? '').map((name) => ({
      name,
      configKey: pythonName(name, 'server'),
    })),
    auth: [{ name: 'none', parts: [{ kind: 'none' }] }],
    headers: [],
    rateLimit: { documents429: false },
    streams,
    operations: [],
    facts: [...API_FACTS, ...known.flatMap(streamFacts)],
    gaps: docsGaps(streams),
    problems: [],
  };
}

function streamOf(claimed: ClaimedStream): Stream {
  const recordPath = claimed.recordPath === '' ? [] : claimed.recordPath.split('.');
  return {
    name: claimed.name,
    ...(claimed.title === '' ? {} : { title: shorten(claimed.title, 120) }),
    method: 'GET',
    path: claimed.path,
    pointer: `/streams/${claimed.name}`,
    selected: true,
    parameters: claimed.parameters.map(parameterOf),
    recordPath,
    recordShape: claimed.recordShape,
    primaryKey: [],
    paging: { kind: 'none' },
    schema: schemaOf(claimed) ?? {},
  };
}

/** The claimed schema of a row; undefined where it is none. */
export function schemaOf({ rowSchema }: Pick<ClaimedStream, 'rowSchema'>): JsonSchema | undefined {
  try {
    const schema: unknown = JSON.parse(rowSchema);
    return isSchema(schema) ? schema : undefined;
  } catch {
    return undefined;
  }
}

function parameterOf(claimed: ClaimedStream['parameters'][number]): StreamParameter {
  const { name, type, required, value } = claimed;
  const constant = value === null ? undefined : constantOf(value, type);
  return {
    name,
    in: claimed.in,
    type,
    required: required || claimed.in === 'path',
    ...(constant === undefined ? {} : { value: constant }),
  };
}

function constantOf(value: string, type: string): string | number | boolean {
  if (type === 'boolean' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  const number = Number(value);
  if ((type === 'integer' || type === 'number') && value.trim() !== '' && Number.isFinite(number))
    return number;
  return value;
}

const API_FACTS: readonly Fact[] = (
  [
    ['base_url', 'not known'],
    ['auth', 'none'],
    ['rate_limit', 'not known'],
  ] as const
).map(([fact, value]) => ({
  subject: null,
  fact,
  value,
  confidence: 0.1,
  rule: 'agent',
  evidence: [{ source: 'default' as const }],
  status: 'unconfirmed' as const,
}));

/** What a stream is made of rests on the words that it was claimed with. */
function streamFacts({ claimed, evidence }: KnownStream): Fact[] {
  const fields = schemaOf(claimed)?.['properties'];
  const values = [
    ['stream', `GET ${claimed.path}`],
    ['record_path', claimed.recordPath === '' ? 'the body itself' : claimed.recordPath],
    ['schema', `${isSchema(fields) ? Object.keys(fields).length : 0} fields`],
  ] as const;
  return values.map(([fact, value]) => ({
    subject: claimed.name,
    fact,
    value,
    confidence: UNCONFIRMED,
    rule: 'agent',
    evidence: [evidence],
    status: 'unconfirmed',
  }));
}

/** What else a stream says, as claims: to be judged, and struck one by one. */
export function claimsOfStream(stream: ClaimedStream): Claim[] {
  const { name, url, quote } = stream;
  const claim = (fact: Claim['fact'], value: string): Claim => ({
    stream: name,
    fact,
    value,
    url,
    quote,
    confidence: UNCONFIRMED,
  });
  return [
    ...(stream.primaryKey.length === 0 ? [] : [claim('primary_key', JSON.stringify(stream.primaryKey))]),
    // "It does not page" is what is assumed anyway, and no document says it.
    ...(/"kind"\s*:\s*"none"/.test(stream.paging) ? [] : [claim('paging', stream.paging)]),
    ...(stream.parent === null ? [] : [claim('parent', stream.parent)]),
    ...(stream.incremental === null ? [] : [claim('incremental', stream.incremental)]),
  ];
}

export function claimsOfApi(api: ClaimedApi): Claim[] {
  const claim = (fact: Claim['fact'], value: string, from: ClaimedApi['authFrom']): Claim => ({
    stream: null,
    fact,
    value,
    ...from,
    confidence: UNCONFIRMED,
  });
  return [claim('base_url', api.baseUrl, api.baseUrlFrom), claim('auth', api.auth, api.authFrom)];
}
