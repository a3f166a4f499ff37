/** The response's half of paging: where a body says what comes next and how much there is. */
import type { Endpoint } from './endpoints.ts';
import { type SchemaReader, type SchemaView, isArray, isScalar } from './schema-view.ts';
import { squash } from './words.ts';

export interface PagingSignal {
  readonly path: readonly string[];
  readonly schema: SchemaView;
  readonly pointer: string;
  /** How surely the field is what it is taken for. */
  readonly strength: number;
}

export interface PagingSignals {
  /** A URL of the next page, surest first. */
  readonly nextUrls: readonly PagingSignal[];
  /** Tokens for the next request, surest first. */
  readonly nextCursors: readonly PagingSignal[];
  /** Fields called `next` that may be either. */
  readonly ambiguous: readonly PagingSignal[];
  /** The number of the next page. */
  readonly nextPage: PagingSignal | undefined;
  readonly hasMore: PagingSignal | undefined;
  readonly total: PagingSignal | undefined;
  readonly totalPages: PagingSignal | undefined;
  /** Number of the page returned. */
  readonly currentPage: PagingSignal | undefined;
  /** Any field at all that belongs to paging: without one, and without a parameter, a list is likely whole. */
  readonly any: boolean;
}

const vocabulary = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const NEXT_URL = vocabulary(
  'nextpageurl nexturl nextpageuri nexturi nextlink nexthref odatanextlink nextpagelink nextpagehref nextrecordsurl nextpagepath linknext nexturlpath nextresultsurl linksnext pagenexturl nextresource urlnext nextpageurlpath moreurl',
);
const NEXT_CURSOR = vocabulary(
  'nextcursor nextpagetoken nexttoken nextpagecursor nextpageid nextid nextmarker nextkey nextpagekey nextstartkey continuationtoken nextcontinuationtoken continuation continuationkey scrollid endcursor aftercursor cursornext pagetoken nextcursormark nextbookmark bookmark lastevaluatedkey paginationtoken nextpaginationtoken nextafter cursorafter nextscrollid nextposition nextcontinuation nextpagingtoken pagingtoken resumptiontoken nextanchor nextskiptoken skiptoken nextstart nextpagestate pagingstate lastkey nextstartingafter nextpagemarker nextpagebookmark startafter nextiterator nextstartid cursornextpage cursorforward pagecursor nextcursortoken nextsearchafter lastcursor nextpagecursortoken nextpagingcursor forwardcursor nextoffset offsetnext nextstarttoken moretoken',
);
const HAS_MORE = vocabulary(
  'hasmore hasnext hasnextpage moreresults morerecords morepages hasmorepages hasmoreresults hasmoreitems hasmoredata more ismore moreavailable hasmorerecords morerecordsavailable hasadditionalresults isnextpageavailable moreitemsincollection nextpageavailable hasnextpages hasmoreentries moredata isnext hasfollowing incomplete hasnextresults',
);
const TOTAL = vocabulary(
  'total totalcount totalresults totalrecords totalitems totalelements totalentries totalhits totalsize totalrows recordcount numfound totalnumber totalobjects odatacount counttotal totalnumberofitems totalnumberofresults totalnumberofrecords totalmatches resultcounttotal totalresultcount totalrecordcount totalitemcount totalresultscount totalcountofitems totalmatched totalamountofitems numtotal itemstotal itemtotal recordstotal totalnumresults totalavailable fullcount total_found totalfound hydratotalitems',
);
const TOTAL_PAGES = vocabulary(
  'totalpages pagecount lastpage numpages pagestotal totalpagecount maxpage numberofpages totalpagenumber totalnumberofpages pagetotal maxpages totalnumpages lastpagenumber pagescount nbpages',
);
const CURRENT_PAGE = vocabulary('page currentpage pagenumber pageindex pageno pagenum current');

const MAX_DEPTH = 4;

/** What the envelope around the rows at `recordPath` says about paging. */
export function pagingSignals(
  endpoint: Endpoint,
  schemas: SchemaReader,
  recordPath: readonly string[],
): PagingSignals {
  const found = new Collector();
  const root = endpoint.response?.schema;
  if (root !== undefined && !isArray(root))
    walk(root, [], schemas, recordPath, found, new Set([root.identity]));
  return found.signals();
}

function walk(
  view: SchemaView,
  path: readonly string[],
  schemas: SchemaReader,
  recordPath: readonly string[],
  found: Collector,
  seen: ReadonlySet<object>,
): void {
  if (path.length >= MAX_DEPTH) return;
  for (const [name, node] of view.properties) {
    const inner = schemas.view(node);
    const here = [...path, name];
    const isRows =
      here.length === recordPath.length && here.every((part, index) => part === recordPath[index]);
    if (isRows || seen.has(inner.identity) || isArray(inner)) continue;
    if (inner.properties.size > 0) {
      if (path.length === 0 || found.leadsOn(name) || onTheWay(here, recordPath)) {
        walk(inner, here, schemas, recordPath, found, new Set([...seen, inner.identity]));
      }
      continue;
    }
    if (isScalar(inner)) found.look(here, inner, node.pointer, [...view.properties.keys()]);
    else if (inner.values !== undefined && /^_?links?$/i.test(name))
      found.openLinks(here, inner, node.pointer);
  }
}

function onTheWay(path: readonly string[], recordPath: readonly string[]): boolean {
  return path.length < recordPath.length && path.every((part, index) => part === recordPath[index]);
}

class Collector {
  readonly #nextUrls: PagingSignal[] = [];
  readonly #nextCursors: PagingSignal[] = [];
  readonly #ambiguous: PagingSignal[] = [];
  #nextPage: PagingSignal | undefined;
  #hasMore: PagingSignal | undefined;
  #total: PagingSignal | undefined;
  #totalPages: PagingSignal | undefined;
  #currentPage: PagingSignal | undefined;

  leadsOn(name: string): boolean {
    return /(meta|pag|link|cursor|next|info|data|result|response|list|navigation|envelope|more)/i.test(name);
  }

  /** A map of links with no names given. */
  openLinks(path: readonly string[], schema: SchemaView, pointer: string): void {
    const text = schema.description;
    if (/\bnext\b/i.test(text))
      this.#ambiguous.push({ path: [...path, 'next'], schema, pointer, strength: 0.5 });
  }

  look(path: readonly string[], schema: SchemaView, pointer: string, siblings: readonly string[]): void {
    const key = squash(path.at(-1) ?? '');
    const above = squash(path.at(-2) ?? '');
    const signal = (strength: number): PagingSignal => ({ path, schema, pointer, strength });
    const isNumber = schema.types.has('integer') || schema.types.has('number');
    const isBoolean = schema.types.has('boolean');
    if (/prev|first|self/.test(key) || /^prev|^first$|^self$/.test(above)) return;
    if (HAS_MORE.has(key) && (isBoolean || schema.types.size === 0 || !/^more$|^incomplete$/.test(key))) {
      if (!isNumber && key !== 'incomplete') this.#hasMore ??= signal(0.95);
      return;
    }
    if (isBoolean) return;
    if (NEXT_URL.has(key) && !isNumber) {
      this.#nextUrls.push(signal(0.95));
      return;
    }
    if (/^(href|url|uri|link)$/.test(key) && /^(next|nextpage|linknext|nextlink|linksnext)$/.test(above)) {
      this.#nextUrls.push(signal(0.95));
      return;
    }
    if (key === 'next' || key === 'nextpage' || key === 'nextresults') {
      this.#lookAtNext(path, schema, pointer, siblings, key, above, isNumber);
      return;
    }
    // `pages.next.starting_after`: whatever stands in the object of the next page is what to send.
    if (
      /^next(page)?$/.test(above) &&
      /^(after|startingafter|cursor|token|pagetoken|pageafter|marker|offset|id|scrollid)$/.test(key)
    ) {
      this.#nextCursors.push(signal(0.97));
      return;
    }
    if (key === 'startingafter' || key === 'scrollparam') {
      this.#nextCursors.push(signal(0.85));
      return;
    }
    if (NEXT_CURSOR.has(key)) {
      this.#nextCursors.push(signal(isNumber && key === 'nextstart' ? 0.7 : 0.95));
      return;
    }
    if (key === 'nextoffset' || key === 'nextindex' || key === 'nextskip') {
      this.#nextCursors.push(signal(0.6));
      return;
    }
    if (key === 'nextpagenumber' || key === 'nextpageindex' || key === 'nextpageno') {
      this.#nextPage ??= signal(0.9);
      return;
    }
    if (key === 'after' && /cursor|paging|page|next|pagination|meta|cursors/.test(above)) {
      this.#nextCursors.push(signal(0.9));
      return;
    }
    if ((key === 'cursor' || key === 'marker' || key === 'after' || key === 'iterator') && !isNumber) {
      const top = path.length === 1 || /meta|pag|cursor|info|response|data|result/.test(above);
      if (top)
        this.#nextCursors.push(signal(/next|pag|continu|cursor/i.test(schema.description) ? 0.85 : 0.7));
      return;
    }
    if (key === 'offset' && !isNumber && schema.types.has('string')) {
      this.#nextCursors.push(signal(0.75));
      return;
    }
    if (TOTAL.has(key) && !/^(price|amount|cost|sum)/.test(above)) {
      if (isNumber || schema.types.size === 0) this.#total ??= signal(0.9);
      return;
    }
    if (key === 'count' && isNumber && siblings.some((name) => squash(name) === 'next')) {
      this.#total ??= signal(0.85);
      return;
    }
    if (TOTAL_PAGES.has(key) || (key === 'pages' && isNumber)) {
      if (isNumber || schema.types.size === 0) this.#totalPages ??= signal(0.9);
      return;
    }
    if (CURRENT_PAGE.has(key) && isNumber) this.#currentPage ??= signal(0.9);
  }

  #lookAtNext(
    path: readonly string[],
    schema: SchemaView,
    pointer: string,
    siblings: readonly string[],
    key: string,
    above: string,
    isNumber: boolean,
  ): void {
    const signal = (strength: number): PagingSignal => ({ path, schema, pointer, strength });
    if (isNumber) {
      this.#nextPage ??= signal(0.85);
      return;
    }
    const text = schema.description;
    const example = typeof schema.example === 'string' ? schema.example : '';
    const urlFormat = /^(uri|url|uri-reference)$/i.test(schema.format ?? '');
    if (urlFormat || /^(https?:\/\/|\/[a-z])/i.test(example) || /^\?\w+=/.test(example)) {
      this.#nextUrls.push(signal(0.95));
    } else if (/\b(url|uri|link|href|hyperlink)s?\b/i.test(text) && !/\b(cursor|token)\b/i.test(text)) {
      this.#nextUrls.push(signal(0.9));
    } else if (/^(links?|pagelinks|paginglinks|paginationlinks)$/.test(above)) {
      this.#nextUrls.push(signal(0.9));
    } else if (/\b(cursor|token|opaque|page ?id)\b/i.test(text)) {
      this.#nextCursors.push(signal(0.85));
    } else if (/^(cursors?|aftercursor)$/.test(above)) {
      this.#nextCursors.push(signal(0.85));
    } else if (/^\d+$/.test(example)) {
      this.#nextPage ??= signal(0.6);
    } else if (example !== '') {
      this.#nextCursors.push(signal(0.7));
    } else {
      const django = key === 'next' && siblings.some((name) => /^(previous|prev)$/i.test(name));
      this.#ambiguous.push(signal(django && siblings.some((name) => squash(name) === 'count') ? 0.8 : 0.5));
    }
  }

  signals(): PagingSignals {
    const best = (left: PagingSignal, right: PagingSignal): number =>
      right.strength - left.strength || left.path.length - right.path.length;
    const any =
      this.#nextUrls.length + this.#nextCursors.length + this.#ambiguous.length > 0 ||
      this.#nextPage !== undefined ||
      this.#hasMore !== undefined ||
      this.#total !== undefined ||
      this.#totalPages !== undefined;
    return {
      nextUrls: this.#nextUrls.sort(best),
      nextCursors: this.#nextCursors.sort(best),
      ambiguous: this.#ambiguous.sort(best),
      nextPage: this.#nextPage,
      hasMore: this.#hasMore,
      total: this.#total,
      totalPages: this.#totalPages,
      currentPage: this.#currentPage,
      any,
    };
  }
}
