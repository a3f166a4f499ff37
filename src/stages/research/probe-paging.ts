/** The next page as an answer of the API announces it. */
import type { FieldPath, Paging } from '../../blueprint/schema.ts';
import type { Probed } from './probe-request.ts';
import { at, isRow, type Row } from './probe-shape.ts';

/** Where bodies commonly say the next page's URL. */
const NEXT_URL_PATHS: readonly FieldPath[] = [
  ['next'],
  ['next_url'],
  ['nextUrl'],
  ['next_page_url'],
  ['nextPageUrl'],
  ['links', 'next'],
  ['links', 'next', 'href'],
  ['_links', 'next'],
  ['_links', 'next', 'href'],
  ['meta', 'next'],
  ['meta', 'next_page_url'],
  ['paging', 'next'],
  ['pagination', 'next'],
  ['pagination', 'next_url'],
  ['@odata.nextLink'],
];

/**
 * The URL of the second page by the stream's paging; undefined when the first page is all there is.
 */
export function nextPage(paging: Paging, first: Probed, rows: readonly Row[]): string | undefined {
  const url = new URL(first.url);
  const asked =
    paging.kind === 'none' || paging.sizeParam === undefined
      ? undefined
      : Number(url.searchParams.get(paging.sizeParam));
  const full = rows.length > 0 && (asked === undefined || asked === 0 || rows.length >= asked);
  switch (paging.kind) {
    case 'none':
      return undefined;
    case 'page':
      if (!full) return undefined;
      url.searchParams.set(paging.pageParam, String(paging.startPage + 1));
      return url.href;
    case 'offset':
      if (!full) return undefined;
      url.searchParams.set(paging.offsetParam, String(paging.startOffset + rows.length));
      return url.href;
    case 'cursor': {
      const cursor =
        paging.nextPath === undefined
          ? at(rows.at(-1), paging.lastRecordField ?? [])
          : at(first.body, paging.nextPath);
      if (cursor === '' || (typeof cursor !== 'string' && typeof cursor !== 'number')) return undefined;
      if (paging.nextPath === undefined && !full) return undefined;
      url.searchParams.set(paging.cursorParam, String(cursor));
      return url.href;
    }
    case 'next_url': {
      const next = at(first.body, paging.nextPath);
      return typeof next === 'string' && next !== '' ? onSameHost(next, url) : undefined;
    }
    case 'link': {
      const next = linkNext(first);
      return next === undefined ? undefined : onSameHost(next, url);
    }
  }
}

/** Paging that the first answer shows plainly and that is not what was thought; undefined when there is none. */
export function pagingShownBy(first: Probed, thought: Paging): { paging: Paging; quote: string } | undefined {
  if (thought.kind !== 'none') return undefined;
  if (linkNext(first) !== undefined)
    return { paging: { kind: 'link' }, quote: 'a Link header with rel="next"' };
  if (!isRow(first.body)) return undefined;
  for (const nextPath of NEXT_URL_PATHS) {
    const value = at(first.body, nextPath);
    if (typeof value === 'string' && /^(https?:\/\/|\/|\?)/.test(value)) {
      return { paging: { kind: 'next_url', nextPath }, quote: `a URL at ${nextPath.join('.')}` };
    }
  }
  return undefined;
}

function linkNext(first: Probed): string | undefined {
  const header = first.answer.headers.link;
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  for (const [, target, parameters] of text.matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*"?[^";]*\bnext\b/i.test(parameters ?? '')) return target;
  }
  return undefined;
}

/** Servers behind a proxy often write http for https: the same host is asked as before. */
function onSameHost(next: string, from: URL): string | undefined {
  if (!URL.canParse(next, from.href)) return undefined;
  const url = new URL(next, from);
  if (url.hostname === from.hostname && url.protocol === 'http:' && from.protocol === 'https:') {
    url.protocol = 'https:';
    url.port = from.port;
  }
  return url.href;
}
