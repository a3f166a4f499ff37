/** Turns an answer into a blueprint: what holds is taken over, what does not is struck, each with its reason. */
import { z } from 'zod';
import type { Blueprint, Evidence } from '../../../blueprint/schema.ts';
import { pythonName } from '../../../openapi/rules/naming.ts';
import { shorten } from '../../../openapi/rules/words.ts';
import type { ClaimedStream, ResearchAnswer, Struck } from './answer.ts';
import { Hypothesis, judgeClaims, keyOf } from './claims.ts';
import {
  claimsOfApi,
  claimsOfStream,
  docsBlueprint,
  KnownApi,
  KnownStream,
  schemaOf,
  type DocsSource,
} from './docs-blueprint.ts';
import { finished } from '../finish-blueprint.ts';
import { pathParameters } from './endpoint.ts';
import type { Library } from './evidence.ts';

/** What has held so far, over the attempts of a run. */
export const Known = z.object({
  claims: z.array(Hypothesis),
  /** Only where there is no description. */
  streams: z.array(KnownStream),
  api: KnownApi.nullable(),
});
export type Known = z.infer<typeof Known>;

export const NOTHING_KNOWN: Known = { claims: [], streams: [], api: null };

/** What an answer is judged by. */
export interface Case {
  /** What rules made of the description; undefined where there is none. */
  readonly base: Blueprint | undefined;
  readonly known: Known;
  readonly sources: Library;
  readonly hosts: ReadonlySet<string>;
  readonly settled: ReadonlySet<string>;
  readonly asked: boolean;
  readonly docs: DocsSource;
}

export interface Judgement {
  /** Undefined where nothing can be built from the answer. */
  readonly blueprint: Blueprint | undefined;
  readonly known: Known;
  readonly struck: readonly Struck[];
}

/** An answer of nothing gives what was known before. */
export type Claims = Pick<ResearchAnswer, 'claims' | 'streams' | 'api' | 'withdrawn'>;
export const NO_CLAIMS: Claims = { claims: [], streams: [], api: null, withdrawn: [] };

export async function judgeAnswer(answer: Claims, one: Case): Promise<Judgement> {
  const gone = new Set(answer.withdrawn.map(keyOf));
  const known = one.known.claims.filter(({ correction }) => !gone.has(keyOf(correction)));
  const judgement =
    one.base === undefined
      ? await judgeDocs(answer, known, gone, one)
      : judgeDescribed(answer, known, one.base, one);
  return {
    ...judgement,
    struck: [...judgement.struck, ...unmetWishes(judgement.blueprint, one.docs.wanted)],
  };
}

/** Streams that the person asked for by a name that none has. */
function unmetWishes(blueprint: Blueprint | undefined, wanted: readonly string[] = []): Struck[] {
  const names = blueprint?.streams.map((stream) => stream.name) ?? wanted;
  return wanted
    .filter((name) => !names.includes(name))
    .map((name) => ({
      claim: `the stream ${shorten(name, 60)}, which the person asked for`,
      because: `there is none of that name, but ${shorten(names.slice(0, 12).join(', '), 200)}`,
    }));
}

function judgeDescribed(answer: Claims, known: readonly Hypothesis[], base: Blueprint, one: Case): Judgement {
  const judged = judgeClaims(base, known, answer.claims, {
    ...rulesOf(one),
    allowsParameter: () => false,
    described: true,
  });
  const streams = answer.streams.map((stream) => ({
    claim: streamWords(stream),
    because: 'streams come from the description',
  }));
  return {
    blueprint: judged.blueprint,
    known: { claims: [...judged.held], streams: [], api: null },
    struck: [...streams, ...judged.struck],
  };
}

function rulesOf({ sources, hosts, settled, asked }: Case) {
  return {
    evidence: (source: { url: string; quote: string }) => sources.evidence(source),
    allowsHttp: (host: string) => hosts.has(host),
    settled,
    asked,
  };
}

async function judgeDocs(
  answer: Claims,
  knownClaims: readonly Hypothesis[],
  gone: ReadonlySet<string>,
  one: Case,
): Promise<Judgement> {
  const { accepted, struck } = judgeStreams(answer.streams, one.sources);
  const replaced = new Set(accepted.map(({ claimed }) => claimed.name));
  const kept = one.known.streams.filter(
    ({ claimed }) =>
      !replaced.has(claimed.name) && !gone.has(keyOf({ stream: claimed.name, fact: 'stream' })),
  );
  const streams = [...kept, ...accepted];
  const api = apiOf(answer, one.known);
  if (streams.length === 0) {
    return { blueprint: undefined, known: { claims: [], streams: [], api }, struck };
  }
  const names = new Set(kept.map(({ claimed }) => claimed.name));
  const known = knownClaims.filter(({ correction: { stream } }) => stream === null || names.has(stream));
  const judged = judgeClaims(
    docsBlueprint(streams, api ?? undefined, one.docs),
    known,
    docsClaims(answer, accepted),
    { ...rulesOf(one), allowsParameter: (name) => one.sources.mentions(name), described: false },
  );
  return {
    blueprint: await finished(judged.blueprint),
    known: { claims: [...judged.held], streams, api },
    struck: [...struck, ...judged.struck],
  };
}

/** A claim of its own counts more than what a stream says by the way. */
function docsClaims(answer: Claims, streams: readonly KnownStream[]): Claims['claims'] {
  const made = new Set(answer.claims.map(keyOf));
  const implied = [
    ...streams.flatMap(({ claimed }) => claimsOfStream(claimed)),
    ...(answer.api === null ? [] : claimsOfApi(answer.api)),
  ];
  return [
    ...answer.claims,
    ...implied.filter((claim) => claim.value.trim() !== '' && !made.has(keyOf(claim))),
  ];
}

/** The connector is called by the title: it stays as it was first found. */
function apiOf({ api }: Claims, known: Known): KnownApi | null {
  if (api === null) return known.api;
  const { title, version, docsUrl, baseUrl } = api;
  return { title: known.api?.title ?? title, version, docsUrl, baseUrl };
}

function judgeStreams(
  streams: readonly ClaimedStream[],
  sources: Library,
): { accepted: KnownStream[]; struck: Struck[] } {
  const accepted = new Map<string, KnownStream>();
  const struck: Struck[] = [];
  for (const stream of streams) {
    const evidence = accepted.has(stream.name)
      ? 'it was claimed twice; the first counts'
      : streamEvidence(stream, sources);
    if (typeof evidence === 'string') {
      struck.push({ claim: streamWords(stream), because: evidence });
      continue;
    }
    const unread = stream.parameters.filter((one) => one.in !== 'path' && !sources.mentions(one.name));
    for (const { name } of unread) {
      struck.push({
        claim: `${stream.name}, parameter ${shorten(name, 60)}`,
        because: 'no document that was read names it',
      });
    }
    const parameters = stream.parameters.filter((one) => !unread.includes(one));
    accepted.set(stream.name, { claimed: { ...stream, parameters }, evidence });
  }
  return { accepted: [...accepted.values()], struck };
}

/** Headers that the connector sets itself. */
const OWN_HEADERS =
  /^(authorization|proxy-authorization|cookie|host|content-length|connection|transfer-encoding)$/i;

function streamEvidence(stream: ClaimedStream, sources: Library): Evidence | string {
  const { name, path, parameters } = stream;
  if (name === '' || pythonName(name, 'records') !== name) return 'its name is not snake_case';
  if (!/^\/[^\s?#]*$/.test(path) || path.startsWith('//')) {
    return 'its path has to begin with a slash, below the base URL, without a query';
  }
  if (schemaOf(stream) === undefined) return 'rowSchema is not the JSON of an object';
  const own = parameters.find((one) => one.in === 'header' && OWN_HEADERS.test(one.name));
  if (own !== undefined) return `the header ${own.name} is not a parameter: signing in belongs to "auth"`;
  const fixed = path.split('/').findLast((segment) => segment !== '' && pathParameters(segment).length === 0);
  if (fixed !== undefined && !sources.mentions(fixed)) return 'no document that was read names its path';
  return sources.evidence(stream);
}

function streamWords({ name, path }: ClaimedStream): string {
  return `the stream ${shorten(name, 60)} (GET ${shorten(path, 120)})`;
}
