/**
 * How a list pages. Both halves are weighed: what the request takes and what the response gives. Order of trust: vendor
 * extensions, a cursor that both halves name, a URL of the next page, then pages and offsets, then keyset and `Link`.
 */
import type { Paging } from '../../blueprint/schema.ts';
import type { Endpoint } from './endpoints.ts';
import { extensionPaging } from './paging-extensions.ts';
import { type PagingParameter, pagingParameters } from './paging-request.ts';
import { type PagingSignal, type PagingSignals, pagingSignals } from './paging-response.ts';
import { statedDefault, statedFirstPage, statedMaximum } from './prose.ts';
import type { SchemaReader } from './schema-view.ts';
import { squash } from './words.ts';

export interface PagingFinding {
  readonly paging: Paging;
  readonly confidence: number;
  readonly rule: string;
  /** Where it is written: parameters first, then fields of the response. */
  readonly pointers: readonly string[];
  readonly quote: string;
  /** What is not known about it, in words for a gap; the first is the most important. */
  readonly doubts: readonly string[];
  /** Other readings of the same list, likeliest first. */
  readonly alternatives: readonly Paging[];
}

export interface PagingContext {
  readonly schemas: SchemaReader;
  /** The description says in words that its lists page by Link headers. */
  readonly linkInProse: boolean;
  /** Number of the first page as other lists of the API, or the introduction, tell it. */
  readonly firstPage: 0 | 1 | undefined;
}

/** Largest page that is asked for, even where the API allows more: memory and time limits of servers. */
const LARGEST_PAGE = 1000;
/** Maxima above this are types' limits, not the API's. */
const ABSURD_MAXIMUM = 100_000;

type Size = { sizeParam?: string; pageSize?: number };
type Stop = { hasMorePath?: string[]; totalPath?: string[]; totalPagesPath?: string[] };

/** The paging of one list. `primaryKey` is where a keyset cursor is taken from. */
export function findPaging(
  endpoint: Endpoint,
  recordPath: readonly string[],
  primaryKey: readonly string[] | undefined,
  context: PagingContext,
): PagingFinding {
  const request = pagingParameters(endpoint, context.schemas);
  const signals = pagingSignals(endpoint, context.schemas, recordPath);
  const size = pageSize(request);
  const stop = stopConditions(signals);
  const declared = extensionPaging(endpoint, size, stop);
  if (declared !== undefined) return declared;
  const options = [
    cursorOption(endpoint, request, signals, size, stop),
    nextUrlOption(request, signals, size, stop),
    linkOption(endpoint, request, size, context),
    pageOption(request, signals, size, stop, context),
    offsetOption(request, signals, size, stop),
    keysetOption(request, signals, primaryKey, size, stop),
  ].filter((option) => option !== undefined);
  options.sort((left, right) => right.confidence - left.confidence);
  const [best, ...rest] = options;
  if (best === undefined) return nothing(endpoint, request, signals, context);
  return { ...best, alternatives: [...best.alternatives, ...rest.map((option) => option.paging)] };
}

// ------------------------------------------------------------------------------------------------------ page's size

function pageSize(request: readonly PagingParameter[]): Size {
  const sizes = request.filter((parameter) => parameter.role === 'size');
  const best = sizes.sort((left, right) => right.strength - left.strength)[0];
  if (best === undefined) return {};
  const size = sizeToAskFor(best);
  return { sizeParam: best.name, ...(size === undefined ? {} : { pageSize: size }) };
}

function sizeToAskFor(parameter: PagingParameter): number | undefined {
  const { schema, description } = parameter;
  const declared =
    schema.maximum !== undefined && schema.maximum > 0 && schema.maximum <= ABSURD_MAXIMUM
      ? schema.maximum
      : undefined;
  const choices = schema.enum?.map(Number).filter((value) => Number.isInteger(value) && value > 0);
  if (choices !== undefined && choices.length > 0) {
    const within = choices.filter((choice) => choice <= LARGEST_PAGE);
    return within.length > 0 ? Math.max(...within) : Math.min(...choices);
  }
  const maximum = declared ?? statedMaximum(description);
  const usual = integer(schema.default) ?? statedDefault(description);
  if (maximum !== undefined && maximum >= (usual ?? 1))
    return Math.max(Math.min(Math.floor(maximum), LARGEST_PAGE), 1);
  if (usual !== undefined && usual > 0) return Math.min(usual, LARGEST_PAGE);
  return undefined;
}

function integer(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

function stopConditions(signals: PagingSignals): Stop {
  return {
    ...(signals.hasMore === undefined ? {} : { hasMorePath: [...signals.hasMore.path] }),
    ...(signals.total === undefined ? {} : { totalPath: [...signals.total.path] }),
    ...(signals.totalPages === undefined ? {} : { totalPagesPath: [...signals.totalPages.path] }),
  };
}

// ---------------------------------------------------------------------------------------------------------- options

type Option = Omit<PagingFinding, 'alternatives'> & { alternatives: readonly Paging[] };

function byRole(request: readonly PagingParameter[], role: PagingParameter['role']): PagingParameter[] {
  return request
    .filter((parameter) => parameter.role === role)
    .sort((left, right) => right.strength - left.strength);
}

/** How well a cursor's parameter and a field of the response go together by name. */
function affinity(parameter: PagingParameter, signal: PagingSignal): number {
  const asked = squash(parameter.name);
  const given = signal.path.map(squash);
  const last = given.at(-1) ?? '';
  const joined = given.join('');
  if (asked === last) return 1;
  if (last === `next${asked}` || asked === `next${last}` || `next${last}` === asked) return 1;
  if (joined.endsWith(asked) || last.includes(asked) || asked.includes(last)) return 0.9;
  const core = (text: string): string =>
    text.replace(/next|page|starting|exclusive|paging|pagination|id$/g, '');
  if (core(asked) !== '' && core(asked) === core(last)) return 0.85;
  return 0.5;
}

function cursorOption(
  endpoint: Endpoint,
  request: readonly PagingParameter[],
  signals: PagingSignals,
  size: Size,
  stop: Stop,
): Option | undefined {
  // An offset that is text is no number of rows, but an opaque value from the answer before.
  const opaque = byRole(request, 'offset').filter(
    ({ schema }) => schema.types.has('string') && !schema.types.has('integer'),
  );
  const takers = [...byRole(request, 'cursor'), ...byRole(request, 'keyset'), ...opaque];
  const givers = [
    ...signals.nextCursors,
    ...signals.ambiguous,
    ...(signals.nextPage === undefined ? [] : [signals.nextPage]),
  ];
  let best: { taker: PagingParameter; giver: PagingSignal; fit: number } | undefined;
  for (const taker of takers) {
    for (const giver of givers) {
      if (/prev|before|ending/.test(squash(taker.name))) continue;
      const fit = affinity(taker, giver) * 0.5 + giver.strength * 0.3 + taker.strength * 0.2;
      if (best === undefined || fit > best.fit) best = { taker, giver, fit };
    }
  }
  if (best === undefined) return undefined;
  const paging: Paging = {
    kind: 'cursor',
    cursorParam: best.taker.name,
    nextPath: [...best.giver.path],
    ...size,
    ...withoutCounts(stop),
  };
  // A cursor that must be switched on, beside plain pages, is not the API's usual way.
  const rival = byRole(request, 'page').length > 0 || byRole(request, 'offset').length > 0;
  const weak = best.fit < 0.7;
  const switched = endpoint.parameters.some(
    (parameter) => parameter.schema.types.has('boolean') && /cursor|marker|token/i.test(parameter.name),
  );
  const confidence = rival && weak ? 0.5 : best.fit >= 0.85 ? 0.95 : best.fit >= 0.7 ? 0.85 : 0.66;
  return {
    paging,
    confidence: rival ? confidence - (switched || best.fit < 0.85 ? 0.12 : 0.03) : confidence,
    rule: 'cursor-in-both-halves',
    pointers: [best.taker.pointer, best.giver.pointer],
    quote: `${best.taker.name} ← ${best.giver.path.join('.')}`,
    doubts: weak ? [`whether ${best.giver.path.join('.')} is what ${best.taker.name} takes`] : [],
    alternatives: [],
  };
}

/** Totals end a read early where they count something else; a cursor ends by itself. */
function withoutCounts(stop: Stop): Stop {
  return stop.hasMorePath === undefined ? {} : { hasMorePath: stop.hasMorePath };
}

function nextUrlOption(
  request: readonly PagingParameter[],
  signals: PagingSignals,
  size: Size,
  stop: Stop,
): Option | undefined {
  const sure = signals.nextUrls[0];
  const numbered = byRole(request, 'page').length > 0 || byRole(request, 'offset').length > 0;
  const cursor = byRole(request, 'cursor').length > 0;
  const signal = sure ?? (cursor ? undefined : signals.ambiguous[0]);
  if (signal === undefined) return undefined;
  // Some frameworks leave the page's size out of the URLs that they hand out: where pages can be counted, count them.
  const forgetful =
    byRole(request, 'page').length > 0 &&
    signals.currentPage !== undefined &&
    signals.totalPages !== undefined;
  let confidence = sure === undefined ? (signal.strength >= 0.8 ? 0.8 : 0.55) : signal.strength - 0.03;
  if (forgetful) confidence = Math.min(confidence, 0.75);
  if (sure === undefined && numbered && signal.strength < 0.8) confidence = 0.45;
  return {
    paging: { kind: 'next_url', nextPath: [...signal.path], ...size, ...withoutCounts(stop) },
    confidence,
    rule: sure === undefined ? 'next-field' : 'next-url-in-body',
    pointers: [signal.pointer],
    quote: signal.path.join('.'),
    doubts: sure === undefined ? [`whether ${signal.path.join('.')} holds a URL or a cursor`] : [],
    alternatives: [],
  };
}

function linkOption(
  endpoint: Endpoint,
  request: readonly PagingParameter[],
  size: Size,
  context: PagingContext,
): Option | undefined {
  const header = endpoint.response?.headers.get('link');
  const inHeader = header !== undefined && !/preload|stylesheet/i.test(header);
  const inText =
    saysLinkHeader(endpoint.description) ||
    request.some((parameter) => saysLinkHeader(parameter.description));
  const pages = request.some((parameter) => parameter.role !== 'size');
  if (!inHeader && !inText && !(context.linkInProse && request.length > 0)) return undefined;
  const confidence = inHeader ? 0.93 : inText ? 0.88 : pages ? 0.6 : 0.75;
  return {
    paging: { kind: 'link', ...size },
    confidence,
    rule: inHeader ? 'link-header-documented' : 'link-header-in-prose',
    pointers: [inHeader ? (endpoint.response?.pointer ?? endpoint.pointer) : endpoint.pointer],
    quote: inHeader ? 'Link' : 'Link header in the text',
    doubts:
      confidence < 0.8 ? ['whether this list sends Link headers, as the introduction says of the API'] : [],
    alternatives: [],
  };
}

/** True for prose that speaks of paging by the Link header. */
export function saysLinkHeader(text: string): boolean {
  if (text === '') return false;
  return (
    /\blink[`'"*]*(?:\s+response)?\s+(?:http\s+)?headers?\b/i.test(text) &&
    /\b(pag(e|es|ing|inat\w+)|next|rel=)/i.test(text)
  );
}

function pageOption(
  request: readonly PagingParameter[],
  signals: PagingSignals,
  size: Size,
  stop: Stop,
  context: PagingContext,
): Option | undefined {
  const page = byRole(request, 'page')[0];
  if (page === undefined) return undefined;
  const first = firstPage(page, signals, context);
  const told = signals.any || size.sizeParam !== undefined;
  return {
    paging: { kind: 'page', pageParam: page.name, startPage: first.page, ...size, ...stop },
    confidence: (told ? 0.9 : 0.75) * page.strength - (first.known ? 0 : 0.05),
    rule: 'page-parameter',
    pointers: [page.pointer, ...evidence(signals)],
    quote: size.sizeParam === undefined ? page.name : `${page.name}, ${size.sizeParam}`,
    doubts: first.known
      ? []
      : [`whether the first page is ${String(first.page)} or ${first.page === 1 ? '0' : '1'}`],
    alternatives: [],
  };
}

function firstPage(
  page: PagingParameter,
  signals: PagingSignals,
  context: PagingContext,
): { page: 0 | 1; known: boolean } {
  const stated = statedFirstPage(page.description);
  if (stated !== undefined) return { page: stated, known: true };
  const usual = integer(page.schema.default) ?? statedZeroDefault(page.description);
  if (usual === 0 || usual === 1) return { page: usual, known: true };
  if (page.schema.minimum === 1) return { page: 1, known: true };
  if (context.firstPage !== undefined) return { page: context.firstPage, known: true };
  if (page.schema.minimum === 0) return { page: 0, known: true };
  const example = integer(page.example);
  if (example === 0) return { page: 0, known: true };
  // Spring's pages (`totalElements`, `numberOfElements`) begin at 0, and so do most that are called an index.
  const spring = signals.total?.path.at(-1) === 'totalElements';
  if (spring || /index$/i.test(page.name)) return { page: 0, known: spring };
  return { page: 1, known: example === 1 };
}

function statedZeroDefault(text: string): number | undefined {
  const match = /\bdefaults?(?:\s+(?:value|page|number))*\s*(?:is|of|:|=|to)?\s*`?([01])\b/i.exec(text)?.[1];
  return match === undefined ? undefined : Number(match);
}

function offsetOption(
  request: readonly PagingParameter[],
  signals: PagingSignals,
  size: Size,
  stop: Stop,
): Option | undefined {
  const offset = byRole(request, 'offset')[0];
  if (offset === undefined) return undefined;
  const start = offset.schema.minimum === 1 || integer(offset.schema.default) === 1 ? 1 : 0;
  return {
    paging: { kind: 'offset', offsetParam: offset.name, startOffset: start, ...size, ...stop },
    confidence: (signals.any || size.sizeParam !== undefined ? 0.89 : 0.7) * Math.max(offset.strength, 0.8),
    rule: 'offset-parameter',
    pointers: [offset.pointer, ...evidence(signals)],
    quote: size.sizeParam === undefined ? offset.name : `${offset.name}, ${size.sizeParam}`,
    doubts: [],
    alternatives: [],
  };
}

function evidence(signals: PagingSignals): string[] {
  return [signals.total, signals.totalPages, signals.hasMore].flatMap((signal) =>
    signal === undefined ? [] : [signal.pointer],
  );
}

/** The id of the last row is the next cursor (`starting_after` with `has_more`). */
function keysetOption(
  request: readonly PagingParameter[],
  signals: PagingSignals,
  primaryKey: readonly string[] | undefined,
  size: Size,
  stop: Stop,
): Option | undefined {
  const takers = [...byRole(request, 'keyset'), ...byRole(request, 'cursor')].filter(
    (parameter) => !/prev|before|ending/.test(squash(parameter.name)),
  );
  const taker = takers[0];
  if (taker === undefined || primaryKey === undefined) return undefined;
  const plain = /^(after|pageafter)$/.test(squash(taker.name));
  if (taker.role === 'cursor' && !plain) return undefined;
  const more = signals.hasMore !== undefined;
  const confidence = taker.role === 'keyset' ? (more ? 0.93 : 0.8) : more ? 0.85 : 0.5;
  return {
    paging: {
      kind: 'cursor',
      cursorParam: taker.name,
      lastRecordField: [...primaryKey],
      ...size,
      ...withoutCounts(stop),
    },
    confidence,
    rule: 'keyset-by-last-row',
    pointers: [taker.pointer, ...(signals.hasMore === undefined ? [] : [signals.hasMore.pointer])],
    quote: `${taker.name} ← ${primaryKey.join('.')} of the last row`,
    doubts:
      confidence < 0.8 ? [`whether ${taker.name} takes the ${primaryKey.join('.')} of the last row`] : [],
    alternatives: [],
  };
}

function nothing(
  endpoint: Endpoint,
  request: readonly PagingParameter[],
  signals: PagingSignals,
  context: PagingContext,
): PagingFinding {
  const size = request.find((parameter) => parameter.role === 'size');
  const taker = request.find((parameter) => parameter.role === 'cursor');
  const bare = { paging: { kind: 'none' } as const, alternatives: [], quote: '' };
  if (taker !== undefined) {
    return {
      ...bare,
      confidence: 0.3,
      rule: 'cursor-without-source',
      pointers: [taker.pointer],
      quote: taker.name,
      doubts: [`which field of the response holds the value for ${taker.name}`],
    };
  }
  if (size !== undefined) {
    return {
      ...bare,
      confidence: 0.4,
      rule: 'size-parameter-alone',
      pointers: [size.pointer],
      quote: size.name,
      doubts: [`how to get the rows after the first ${size.name}`],
    };
  }
  if (signals.any) {
    const signal =
      signals.total ?? signals.totalPages ?? signals.hasMore ?? signals.nextCursors[0] ?? signals.nextPage;
    const onlyTotal =
      signals.totalPages === undefined &&
      signals.hasMore === undefined &&
      signals.nextCursors.length === 0 &&
      signals.nextPage === undefined;
    return {
      ...bare,
      confidence: onlyTotal ? 0.6 : 0.3,
      rule: 'paging-fields-without-parameter',
      pointers: signal === undefined ? [] : [signal.pointer],
      quote: signal?.path.join('.') ?? '',
      doubts: ['which parameter asks for the next page'],
    };
  }
  const text = endpoint.description;
  const promised =
    /\bpaginat(ed|ion)\b|next page/i.test(text) &&
    !/not paginated|no pagination|without pagination/i.test(text);
  return {
    ...bare,
    confidence: promised ? 0.3 : context.linkInProse ? 0.5 : 0.75,
    rule: 'no-sign-of-paging',
    pointers: [endpoint.pointer],
    doubts: promised ? ['how it pages: the text says that it does'] : [],
  };
}
