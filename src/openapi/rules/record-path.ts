/** Where the rows stand in a response, and whether there are rows at all: lists are told from single objects here. */
import type { Endpoint } from './endpoints.ts';
import { endpointWords, isParameterSegment } from './endpoints.ts';
import { type SchemaReader, type SchemaView, isArray, isObject, isScalar } from './schema-view.ts';
import { singular, squash, stem, words } from './words.ts';

export interface Rows {
  readonly recordPath: readonly string[];
  readonly shape: 'list' | 'map' | 'single';
  /** Schema of one row. */
  readonly row: SchemaView;
  readonly confidence: number;
  readonly rule: string;
  /** Pointer of the schema that holds the rows. */
  readonly pointer: string;
  /** Other places that rows could stand at, best first. */
  readonly others: readonly (readonly string[])[];
}

interface Candidate {
  readonly path: readonly string[];
  readonly shape: 'list' | 'map';
  readonly holder: SchemaView;
  readonly row: SchemaView;
  readonly scalarRows: boolean;
  /** The name says that this is the list which the path speaks of. */
  readonly named: boolean;
  /** A name that APIs give to lists of anything: `items`, `data`, `results`. */
  readonly generic: boolean;
  readonly score: number;
}

const GENERIC = new Set(
  'items item data results result records record rows row entries entry list value values content contents objects resources resource collection hits documents docs nodes edges elements element members payload response body page matches found hydramember member subresources searchresults'.split(
    ' ',
  ),
);

/** Arrays that stand beside the rows and are never the rows, unless the path is named after them. */
const AUXILIARY = new Set(
  'errors error warnings warning links link messages message included includes facets facet filters filter aggregations aggregation aggs sort sorts notices notice debug meta metadata pagination paging params parameters suggestions breadcrumbs breadcrumb schemas schema columns column fields field headers header expand expands permissions scopes context contexts invalid failed failures issues details validationerrors sorting notifications actions operations availablefilters orderby'.split(
    ' ',
  ),
);

/** Names of the scalars that envelopes carry: a body of these and a list is an envelope, not an object of its own. */
const ENVELOPE = new Set(
  'total count size limit offset skip page pages pagesize perpage pagenumber pagecount pageindex currentpage totalpages totalcount totalresults totalrecords totalitems totalelements totalentries totalhits totalsize totalrows lastpage firstpage numpages next previous prev first last nextpage prevpage previouspage nextpageurl previouspageurl nexturl prevurl nextlink nexthref nextpagetoken nexttoken nextcursor prevcursor previouscursor cursor hasmore hasnext hasprevious hasprev hasnextpage haspreviouspage more ismore islast isfirst islastpage islastpage empty numberofelements number start startat startindex maxresults from to status statuscode message msg success ok code error errorcode errormessage object kind etag self selflink href url uri link requestid reqid correlationid traceid timestamp time took timedout took_ms elapsed version apiversion copyright numresults numfound nextsynctoken synctoken resulttype responsetype truncated type returned marker nextmarker continuationtoken continuation scrollid numitems itemcount itemsperpage resultsperpage lastupdated generatedat servertime serverknowledge description odatacontext odatacount odatanextlink odatatype context id2 sort order query duration attribution licence license source docs documentation resultcount totalresultscount'.split(
    ' ',
  ),
);

/** Whether a list's name says nothing of its rows: `items`, `data`. */
export function isNameOfAnyList(name: string): boolean {
  return GENERIC.has(squash(name)) || AUXILIARY.has(squash(name));
}

const MAX_DEPTH = 4;
const MAX_CANDIDATES = 60;
/** Objects of one body that are looked into. */
const MAX_OBJECTS = 150;

/** The rows of a GET's successful answer, or undefined where it gives no list. */
export function findRows(endpoint: Endpoint, schemas: SchemaReader): Rows | undefined {
  const body = endpoint.response;
  if (body?.json !== true) return undefined;
  // `users.info`, `/me`: verbs for one thing, whatever the schema of a careless document says.
  if (/(^|[./_-])(info|identity|profile|me|self|whoami|ping|health)$/i.test(endpoint.segments.at(-1) ?? ''))
    return undefined;
  const root = body.schema;
  if (isArray(root)) return rootArray(root, schemas, body.inferred);
  if (!isObject(root)) return undefined;
  const wholeMap = mapOfObjects(root, [], schemas, endpoint);
  if (wholeMap !== undefined) return wholeMap;
  const candidates = collect(endpoint, root, schemas).sort((left, right) => right.score - left.score);
  const best = candidates[0];
  if (best === undefined || best.score <= 0) return undefined;
  if (!accept(endpoint, root, best, schemas)) return undefined;
  return describe(endpoint, best, candidates, schemas, body.inferred);
}

function rootArray(root: SchemaView, schemas: SchemaReader, inferred: boolean): Rows | undefined {
  if (root.items === undefined) return undefined;
  const row = schemas.view(root.items);
  // Rows that are arrays themselves (matrices, candles) have no columns to read.
  if (isArray(row)) return undefined;
  const scalar = row.properties.size === 0 && isScalar(row);
  const unwrapped = unwrap([], row, schemas);
  return {
    recordPath: unwrapped.path,
    shape: 'list',
    row: unwrapped.row,
    confidence: scalar ? 0.6 : inferred ? 0.85 : 0.97,
    rule: unwrapped.path.length > 0 ? 'root-array-of-wrapped-rows' : 'root-array',
    pointer: root.pointer,
    others: [],
  };
}

/** Rows with one property that is an object (`{"node": {…}}`, `{"subscription": {…}}`) are that object. */
function unwrap(
  path: readonly string[],
  row: SchemaView,
  schemas: SchemaReader,
): { path: readonly string[]; row: SchemaView } {
  if (row.properties.size !== 1 || row.values !== undefined) return { path, row };
  const [entry] = row.properties;
  if (entry === undefined) return { path, row };
  const [name, node] = entry;
  const inner = schemas.view(node);
  if (isArray(inner) || inner.properties.size < 2) return { path, row };
  return { path: [...path, '*', name], row: inner };
}

/** A body that is nothing but a map of objects: `{"EUR": {…}, "USD": {…}}`. */
function mapOfObjects(
  view: SchemaView,
  path: readonly string[],
  schemas: SchemaReader,
  endpoint: Endpoint,
): Rows | undefined {
  if (view.properties.size > 0 || view.values === undefined) return undefined;
  if (isParameterSegment(endpoint.segments.at(-1))) return undefined;
  const row = schemas.view(view.values);
  if (row.properties.size < 2) return undefined;
  return {
    recordPath: path,
    shape: 'map',
    row,
    confidence: 0.7,
    rule: 'map-of-objects',
    pointer: view.pointer,
    others: [],
  };
}

interface Names {
  /** Stem of the last fixed segment of the path. */
  readonly last: string;
  /** Stems of the words of the operation's names and of all fixed segments. */
  readonly any: ReadonlySet<string>;
  readonly opWords: ReadonlySet<string>;
}

function namesOf(endpoint: Endpoint): Names {
  const fixed = endpoint.segments.filter((segment) => !isParameterSegment(segment));
  const last = (fixed.at(-1) ?? '').replace(/\.(json|xml)$/i, '');
  const opWords = new Set([...endpointWords(endpoint)].map(singular));
  return { last: stem(last), any: new Set(fixed.map((segment) => stem(segment))), opWords };
}

function collect(endpoint: Endpoint, root: SchemaView, schemas: SchemaReader): Candidate[] {
  const names = namesOf(endpoint);
  const found: Candidate[] = [];
  const queue: { view: SchemaView; path: readonly string[]; above: ReadonlySet<object> }[] = [
    { view: root, path: [], above: new Set([root.identity]) },
  ];
  // Level by level, so that where a body is huge what is left out lies deep.
  for (let at = 0; at < queue.length && found.length < MAX_CANDIDATES; at += 1) {
    const step = queue[at];
    if (step === undefined) break;
    for (const [name, node] of step.view.properties) {
      const inner = schemas.view(node);
      if (step.above.has(inner.identity)) continue;
      const path = [...step.path, name];
      const candidate = candidateAt(names, step.view, path, inner, schemas);
      if (candidate !== undefined) found.push(candidate);
      const deeper = queue.length < MAX_OBJECTS && !isArray(inner) && inner.properties.size > 0;
      if (deeper && leadsToRows(path)) {
        queue.push({ view: inner, path, above: new Set([...step.above, inner.identity]) });
      }
    }
  }
  return found;
}

/** Far down only objects that merely hold the answer lead to its rows. */
function leadsToRows(path: readonly string[]): boolean {
  if (path.length >= MAX_DEPTH) return false;
  const key = squash(path.at(-1) ?? '');
  if (path.length > 1 && AUXILIARY.has(key)) return false;
  return path.length <= 2 || WRAPPERS.has(key);
}

function candidateAt(
  names: Names,
  holder: SchemaView,
  path: readonly string[],
  view: SchemaView,
  schemas: SchemaReader,
): Candidate | undefined {
  if (isArray(view)) return listCandidate(names, holder, path, view, schemas);
  if (view.properties.size > 0 || view.values === undefined) return undefined;
  return mapCandidate(names, holder, path, view, schemas);
}

function listCandidate(
  names: Names,
  holder: SchemaView,
  path: readonly string[],
  list: SchemaView,
  schemas: SchemaReader,
): Candidate | undefined {
  const row: SchemaView | undefined = list.items === undefined ? undefined : schemas.view(list.items);
  if (row === undefined || isArray(row)) return undefined;
  const scalarRows = row.properties.size === 0 && isScalar(row);
  return scored(names, holder, path, 'list', row, scalarRows);
}

function mapCandidate(
  names: Names,
  holder: SchemaView,
  path: readonly string[],
  map: SchemaView,
  schemas: SchemaReader,
): Candidate | undefined {
  if (map.values === undefined) return undefined;
  const row = schemas.view(map.values);
  if (row.properties.size < 2) return undefined;
  const candidate = scored(names, holder, path, 'map', row, false);
  return { ...candidate, score: candidate.score - 2.5 };
}

function scored(
  names: Names,
  holder: SchemaView,
  path: readonly string[],
  shape: 'list' | 'map',
  row: SchemaView,
  scalarRows: boolean,
): Candidate {
  const name = path.at(-1) ?? '';
  const own = stem(name);
  const squashed = squash(name);
  const named =
    own === names.last ||
    (own.length > 3 && (names.last.endsWith(own) || own.endsWith(names.last)) && names.last.length > 3);
  const generic = GENERIC.has(squashed);
  let score = 3;
  if (own === names.last) score += 5;
  else if (named) score += 3.5;
  else if (words(name).every((word) => names.opWords.has(singular(word)))) score += 2;
  if (!named && names.any.has(own)) score += 1;
  if (generic) score += 3;
  if (AUXILIARY.has(squashed) && !named && !isOfThings(squashed, row)) score -= 7;
  if (row.properties.size > 0) score += 1 + Math.min(row.properties.size, 20) / 20;
  if (scalarRows) score -= 4;
  if (holder.required.has(name)) score += 0.5;
  if (row.component !== undefined && stem(row.component).includes(names.last) && names.last.length > 2)
    score += 1.5;
  if ([...row.properties.keys()].some((key) => /^_?id$|uuid$/i.test(key))) score += 0.7;
  const dataDepth = path.slice(0, -1).filter((part) => !WRAPPERS.has(squash(part))).length;
  score -= dataDepth * 2 + (path.length - 1) * 0.2;
  return { path, shape, holder, row, scalarRows, named, generic, score };
}

/** Names that APIs give to notices beside the rows and, as often, to the rows themselves. */
const AMBIGUOUS = new Set(['messages', 'issues', 'notifications']);
/** What a notice has: a row with three fields more than these is a thing of its own. */
const OF_NOTICES =
  /^(code|id|level|severity|type|kind|status|title|text|message|detail|details|description|field|fields|path|location|source|target|reason|param|parameter|value|key|name|url|href|link|timestamp|time|domain|category)$/;

/** Messages of a chat, not of a server. */
function isOfThings(name: string, row: SchemaView): boolean {
  const own = [...row.properties.keys()].filter((key) => !OF_NOTICES.test(squash(key)));
  return AMBIGUOUS.has(name) && own.length >= 3;
}

/** Objects that only hold the answer. */
const WRAPPERS = new Set(
  'data result results response payload body embedded content value hits feed resultset output list page'.split(
    ' ',
  ),
);

/**
 * A list in a body is the answer's list, and not a property of one object, where the body is an envelope: hardly any
 * scalar of its own, or a list that is named as the path is.
 */
function accept(endpoint: Endpoint, root: SchemaView, best: Candidate, schemas: SchemaReader): boolean {
  const endsInParameter = isParameterSegment(endpoint.segments.at(-1));
  const foreign = foreignFields(root, best, schemas);
  const paged = endpoint.parameters.some(
    (parameter) =>
      parameter.in === 'query' &&
      /^(page|pagenumber|pageno|offset|limit|perpage|pagesize|cursor|after|pagetoken|startingafter|skip|start|startat|startindex|maxresults|nexttoken|marker)$/.test(
        squash(parameter.name),
      ),
  );
  if (best.scalarRows) {
    return (
      !endsInParameter && (foreign === 0 || (best.named && foreign <= 1)) && (best.named || best.generic)
    );
  }
  if (endsInParameter) return (best.generic || paged) && foreign <= (paged ? 3 : 1);
  if (best.named) return foreign <= 8 || paged;
  if (best.generic) return foreign <= 4 || paged;
  return foreign <= (paged ? 5 : 1);
}

/** Fields of the objects on the way to the rows that no envelope has: signs of an object in its own right. */
function foreignFields(root: SchemaView, best: Candidate, schemas: SchemaReader): number {
  let count = 0;
  let view: SchemaView | undefined = root;
  for (const segment of best.path) {
    if (view === undefined) break;
    // An id beside the list: the list belongs to one thing.
    if ([...view.properties.keys()].some((key) => /^_?(id|uuid|gid|guid|sid)$/i.test(key))) count += 4;
    for (const [name, node] of view.properties) {
      if (name === segment || name.startsWith('_') || name.startsWith('@')) continue;
      const squashed = squash(name);
      if (ENVELOPE.has(squashed) || AUXILIARY.has(squashed) || GENERIC.has(squashed)) continue;
      if (/(page|cursor|total|count|next|prev|offset|limit|token)/.test(squashed)) continue;
      const inner = schemas.view(node);
      count += isArray(inner) || inner.properties.size > 0 ? 0.5 : 1;
    }
    view = schemas.property(view, segment);
  }
  return count;
}

function describe(
  endpoint: Endpoint,
  best: Candidate,
  candidates: readonly Candidate[],
  schemas: SchemaReader,
  inferred: boolean,
): Rows {
  const inner = best.shape === 'list' && !best.named ? innerList(endpoint, best, schemas) : undefined;
  const start = inner ?? { path: best.path, row: best.row };
  const unwrapped = best.shape === 'list' ? unwrap(start.path, start.row, schemas) : start;
  const rivals = candidates.filter((other) => other !== best && other.score > 1 && !other.scalarRows);
  const margin = best.score - (rivals[0]?.score ?? 0);
  const alone = rivals.length === 0;
  let confidence = alone ? 0.95 : margin >= 3 ? 0.9 : margin >= 1 ? 0.75 : 0.55;
  if (inferred) confidence -= 0.08;
  if (best.shape === 'map') confidence -= 0.2;
  if (best.scalarRows) confidence = Math.min(confidence, 0.6);
  if (inner !== undefined) confidence = Math.min(confidence, 0.7);
  return {
    recordPath: unwrapped.path,
    shape: best.shape,
    row: unwrapped.row,
    confidence,
    rule: alone
      ? 'only-list'
      : best.named
        ? 'list-named-as-path'
        : best.generic
          ? 'list-of-envelope'
          : 'likeliest-list',
    pointer: best.row.pointer,
    others: [...(inner === undefined ? [] : [best.path]), ...rivals.slice(0, 4).map((other) => other.path)],
  };
}

/** Groups of rows (`category_groups[].categories`): the rows are the inner list where the path is named after that. */
function innerList(
  endpoint: Endpoint,
  best: Candidate,
  schemas: SchemaReader,
): { path: readonly string[]; row: SchemaView } | undefined {
  const { last } = namesOf(endpoint);
  for (const [name, node] of best.row.properties) {
    if (stem(name) !== last) continue;
    const inner = schemas.view(node);
    if (!isArray(inner) || inner.items === undefined) continue;
    const row = schemas.view(inner.items);
    if (row.properties.size >= 2) return { path: [...best.path, '*', name], row };
  }
  return undefined;
}

/**
 * A list that the description writes as one object: `{"items": {…}}` or a plain entity at `/members`, where single
 * members are addressed below. Documents that contradict themselves so are common enough; the value is always a question.
 */
export function mistakenObject(
  endpoint: Endpoint,
  schemas: SchemaReader,
  addressed: boolean,
): Rows | undefined {
  const body = endpoint.response;
  const last = endpoint.segments.at(-1);
  if (body?.json !== true || last === undefined || isParameterSegment(last)) return undefined;
  const plural = words(last).at(-1);
  if (plural === undefined || singular(plural) === plural) return undefined;
  if (asksForPages(endpoint) && body.schema.properties.has('id')) {
    return {
      recordPath: [],
      shape: 'list',
      row: body.schema,
      confidence: 0.6,
      rule: 'object-where-a-list-is-meant',
      pointer: body.schema.pointer,
      others: [],
    };
  }
  if (!addressed) return undefined;
  for (const [name, node] of body.schema.properties) {
    if (!GENERIC.has(squash(name)) && stem(name) !== stem(last)) continue;
    const row = schemas.view(node);
    if (![...row.properties.keys()].some((key) => /^_?(id|uuid|key|sid|gid)$/i.test(key))) continue;
    return {
      recordPath: [name],
      shape: 'list',
      row,
      confidence: 0.6,
      rule: 'object-where-a-list-is-meant',
      pointer: row.pointer,
      others: [],
    };
  }
  return undefined;
}

/** Nobody asks for a page, and its size, of one object. */
function asksForPages(endpoint: Endpoint): boolean {
  const names = endpoint.parameters
    .filter(({ in: place }) => place === 'query')
    .map(({ name }) => squash(name));
  const page = names.some((name) => /^(page|pagenumber|offset|cursor|startat|pagetoken)$/.test(name));
  return page && names.some((name) => /^(perpage|pagesize|limit|size|maxresults|count)$/.test(name));
}

/** True for a body that holds nothing but an envelope's own fields: the rows are left out of the description. */
export function isBareEnvelope(view: SchemaView, schemas: SchemaReader): boolean {
  if (view.properties.size === 0) return false;
  return [...view.properties].every(([name, node]) => {
    const inner = schemas.view(node);
    if (isArray(inner)) return inner.items === undefined || Object.keys(inner.items.value).length === 0;
    const key = squash(name);
    return inner.properties.size === 0 && (ENVELOPE.has(key) || GENERIC.has(key) || AUXILIARY.has(key));
  });
}

/** An answer that is one object: a stream of a single row. */
export function singleRow(endpoint: Endpoint, schemas: SchemaReader): Rows | undefined {
  const body = endpoint.response;
  if (body?.json !== true) return undefined;
  let view = body.schema;
  const path: string[] = [];
  while (view.properties.size === 1 && path.length < 3) {
    const [entry] = view.properties;
    if (entry === undefined) break;
    const inner = schemas.view(entry[1]);
    if (inner.properties.size === 0) break;
    path.push(entry[0]);
    view = inner;
  }
  if (view.properties.size === 0) return undefined;
  return {
    recordPath: path,
    shape: 'single',
    row: view,
    confidence: 0.8,
    rule: 'single-object',
    pointer: view.pointer,
    others: [],
  };
}
