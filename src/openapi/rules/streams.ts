/** The lists of an API as drafts of streams: every fact found, nothing selected yet. */
import type { Description } from '../description.ts';
import type { Endpoint } from './endpoints.ts';
import { isParameterSegment, segmentParameters } from './endpoints.ts';
import { type IncrementalFinding, countSpellings, findIncremental } from './incremental.ts';
import { NameRegistry, streamNames } from './naming.ts';
import { type PagingContext, type PagingFinding, findPaging, saysLinkHeader } from './paging.ts';
import { pagingParameters } from './paging-request.ts';
import { FieldFinder, type ParentCandidate } from './parent-fields.ts';
import { type ParentFinding, ParentIndex } from './parents.ts';
import { QueryParentIndex } from './query-parents.ts';
import {
  type DetailIndex,
  type PrimaryKey,
  findPrimaryKey,
  houseIds,
  indexDetails,
  shapeOf,
} from './primary-key.ts';
import { statedFirstPage } from './prose.ts';
import { type Rows, findRows, isBareEnvelope, mistakenObject, singleRow } from './record-path.ts';
import { type SchemaReader, isArray } from './schema-view.ts';
import { squash, words } from './words.ts';

export interface StreamDraft {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly rows: Rows;
  readonly primaryKey: PrimaryKey;
  readonly paging: PagingFinding;
  readonly parent: ParentFinding;
  readonly incremental: IncrementalFinding;
  /** The description shows no answer: the rows are unknown. */
  readonly unseen: boolean;
  readonly schemas: SchemaReader;
}

export interface Drafts {
  readonly streams: readonly StreamDraft[];
  readonly parents: ParentIndex;
  readonly candidates: ReadonlyMap<Endpoint, ParentCandidate>;
  /** Lists that are read by POST. */
  readonly posted: readonly Endpoint[];
  /** The one object that an operation gives, for operations that are no streams. */
  singleRows(endpoint: Endpoint): Rows | undefined;
}

interface Seed {
  readonly endpoint: Endpoint;
  readonly rows: Rows;
  readonly unseen: boolean;
}

/** Drafts of all streams in the order of the document. */
export function draftStreams(
  description: Description,
  endpoints: readonly Endpoint[],
  schemas: SchemaReader,
): Drafts {
  const details = indexDetails(Object.keys(description.document.paths));
  const seeds = findSeeds(endpoints, schemas, details);
  const names = nameSeeds(seeds);
  const house = houseIds(
    seeds.filter((seed) => !seed.unseen).map((seed) => ({ endpoint: seed.endpoint, row: seed.rows.row })),
  );
  const keys = new Map(seeds.map((seed) => [seed, keyOf(seed, schemas, details, house)]));
  const candidates = new Map<Endpoint, ParentCandidate>();
  for (const seed of seeds) {
    if (seed.unseen) continue;
    candidates.set(seed.endpoint, {
      name: names.get(seed) ?? 'records',
      endpoint: seed.endpoint,
      recordPath: seed.rows.recordPath,
      row: seed.rows.row,
      primaryKey: keys.get(seed)?.paths ?? [],
      shape: seed.rows.shape,
    });
  }
  const fields = new FieldFinder(schemas);
  const parents = new ParentIndex([...candidates.values()], details, fields);
  const byQuery = new QueryParentIndex([...candidates.values()], fields, schemas);
  const context = pagingContext(description, seeds, schemas);
  const spellings = countSpellings(seeds.map((seed) => seed.rows.row));
  const streams = seeds.map((seed): StreamDraft => {
    const primaryKey = keys.get(seed) ?? keyOf(seed, schemas, details, house);
    const single = primaryKey.paths.length === 1 ? primaryKey.paths[0] : undefined;
    return {
      name: names.get(seed) ?? 'records',
      endpoint: seed.endpoint,
      rows: seed.rows,
      primaryKey,
      paging: pagingOf(seed, single, context),
      parent:
        (seed.rows.shape === 'single' ? undefined : byQuery.find(seed.endpoint)) ??
        parents.find(seed.endpoint),
      incremental: findIncremental(seed.endpoint, seed.rows.row, schemas, spellings),
      unseen: seed.unseen,
      schemas,
    };
  });
  const weighed = weighByOthers(streams);
  const posted = endpoints.filter(
    (endpoint) => endpoint.method === 'POST' && isPostedList(endpoint, schemas),
  );
  return {
    streams: weighed,
    parents,
    candidates,
    posted,
    singleRows: (endpoint) => singleRow(endpoint, schemas),
  };
}

function findSeeds(endpoints: readonly Endpoint[], schemas: SchemaReader, details: DetailIndex): Seed[] {
  const gets = endpoints.filter((endpoint) => endpoint.method === 'GET');
  const lists = new Map<Endpoint, Seed>();
  for (const endpoint of gets) {
    const rows =
      findRows(endpoint, schemas) ??
      mistakenObject(endpoint, schemas, details.has(shapeOf(endpoint.segments)));
    if (rows !== undefined) lists.set(endpoint, { endpoint, rows, unseen: false });
  }
  const usual = usualRecordPath([...lists.values()]);
  for (const endpoint of gets) {
    if (lists.has(endpoint) || !namedAsList(endpoint, schemas)) continue;
    lists.set(endpoint, { endpoint, rows: unseenRows(endpoint, schemas, usual), unseen: true });
  }
  const readable = [...lists.values()].some((seed) => !seed.unseen);
  const seeds: Seed[] = [];
  for (const endpoint of gets) {
    const list = lists.get(endpoint);
    if (list !== undefined) {
      seeds.push(list);
      continue;
    }
    // Single objects are streams of one row where no path parameter is needed, or where the API has no lists at all.
    const plain = endpoint.segments.every((segment) => !isParameterSegment(segment));
    if (!plain && readable) continue;
    const rows = singleRow(endpoint, schemas);
    if (rows !== undefined) seeds.push({ endpoint, rows, unseen: false });
  }
  return seeds;
}

/** A GET without a described answer that is a list by every other sign. */
function namedAsList(endpoint: Endpoint, schemas: SchemaReader): boolean {
  const body = endpoint.response;
  const described =
    body !== undefined &&
    (body.schema.properties.size > 0 || isArray(body.schema) || body.schema.values !== undefined);
  if (described && !isBareEnvelope(body.schema, schemas)) return false;
  if (body !== undefined && body.mediaType !== '' && !body.json) return false;
  const last = endpoint.segments.at(-1);
  if (last === undefined || isParameterSegment(last)) return false;
  const verb = words(endpoint.operationId ?? '');
  const listed =
    /^(list|search|index|getall|findall|query|fetchall)$/.test(verb[0] ?? '') ||
    verb.includes('list') ||
    /^(list|get all|returns? (a |the )?list|retrieve (a |the )?list|fetch all|search)/i.test(
      endpoint.summary,
    );
  const paged = endpoint.parameters.some(
    (parameter) =>
      parameter.in === 'query' &&
      /^(page|offset|limit|perpage|pagesize|cursor|skip)$/.test(squash(parameter.name)),
  );
  return (listed && !described) || paged;
}

/** Where the rows of most lists of the API stand: the best guess for one whose answer is not shown. */
function usualRecordPath(seeds: readonly Seed[]): readonly string[] {
  const counts = new Map<string, { path: readonly string[]; count: number }>();
  for (const { rows } of seeds) {
    const key = rows.recordPath.join('\0');
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { path: rows.recordPath, count: 1 });
    else known.count += 1;
  }
  const [most] = [...counts.values()].sort((left, right) => right.count - left.count);
  return most !== undefined && most.count * 2 > seeds.length ? most.path : [];
}

function unseenRows(endpoint: Endpoint, schemas: SchemaReader, usual: readonly string[]): Rows {
  const row = schemas.view({ value: {}, pointer: endpoint.pointer });
  return {
    recordPath: usual,
    shape: 'list',
    row,
    confidence: 0.3,
    rule: 'answer-not-described',
    pointer: endpoint.pointer,
    others: [],
  };
}

/** Names go to the paths with the fewest parameters first, so that `/users` is `users` and `/orgs/{id}/users` is not. */
function nameSeeds(seeds: readonly Seed[]): Map<Seed, string> {
  const registry = new NameRegistry();
  const depth = (seed: Seed): number =>
    seed.endpoint.segments.flatMap(segmentParameters).length * 100 +
    (seed.rows.shape === 'single' ? 50 : 0) +
    (seed.endpoint.deprecated ? 40 : 0) +
    (/search|find|lookup/i.test(seed.endpoint.template) ? 600 : 0) +
    seed.endpoint.segments.length;
  const ordered = [...seeds].sort((left, right) => depth(left) - depth(right));
  return new Map(ordered.map((seed) => [seed, registry.take(...streamNames(seed.endpoint))]));
}

function keyOf(
  seed: Seed,
  schemas: SchemaReader,
  details: DetailIndex,
  house: ReadonlySet<string>,
): PrimaryKey {
  if (seed.unseen || seed.rows.row.properties.size === 0) {
    const scalar = !seed.unseen && seed.rows.row.types.size > 0;
    return {
      paths: scalar ? [['value']] : [],
      confidence: scalar ? 0.6 : 0.2,
      rule: scalar ? 'bare-values' : 'rows-unknown',
      pointer: seed.rows.pointer,
      others: [],
    };
  }
  if (seed.rows.shape === 'single') {
    const found = findPrimaryKey(seed.endpoint, seed.rows.row, schemas, details, house);
    // One row needs no key; one that is plainly there is kept.
    return found.confidence >= 0.85 ? found : { ...found, paths: [], confidence: 0.8, rule: 'single-row' };
  }
  const found = findPrimaryKey(seed.endpoint, seed.rows.row, schemas, details, house);
  if (seed.rows.shape !== 'map' || found.confidence >= 0.85) return found;
  // What the values of a map are called is what tells them apart; rows carry it as `_key`.
  return { ...found, paths: [['_key']], confidence: 0.85, rule: 'key-of-the-map', others: found.paths };
}

function pagingOf(
  seed: Seed,
  primaryKey: readonly string[] | undefined,
  context: PagingContext,
): PagingFinding {
  if (seed.rows.shape === 'single') {
    return {
      paging: { kind: 'none' },
      confidence: 0.95,
      rule: 'single-object',
      pointers: [seed.endpoint.pointer],
      quote: '',
      doubts: [],
      alternatives: [],
    };
  }
  return findPaging(seed.endpoint, seed.rows.recordPath, primaryKey, context);
}

/** Lists without a sign of paging, in an API whose other lists page, are a question. */
function weighByOthers(streams: readonly StreamDraft[]): StreamDraft[] {
  const lists = streams.filter((stream) => stream.rows.shape !== 'single');
  const counts = new Map<string, { paging: PagingFinding['paging']; count: number }>();
  let paged = 0;
  for (const { paging } of lists) {
    if (paging.paging.kind === 'none') continue;
    paged += 1;
    const key = JSON.stringify({ ...paging.paging, pageSize: undefined });
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { paging: paging.paging, count: 1 });
    else known.count += 1;
  }
  const [usual] = [...counts.values()].sort((left, right) => right.count - left.count);
  const cursors = lists.flatMap(({ paging: { paging } }) =>
    paging.kind === 'cursor' && paging.nextPath !== undefined ? [paging] : [],
  );
  const completed = streams.map((stream) => withBorrowedCursor(stream, cursors));
  if (usual === undefined || paged < 3 || paged < lists.length * 0.4) return completed;
  return completed.map((stream) => {
    if (stream.rows.shape === 'single') return stream;
    if (stream.paging.rule !== 'no-sign-of-paging')
      return usual.paging.kind === 'link' ? withUsualLink(stream) : stream;
    const paging: PagingFinding = {
      ...stream.paging,
      confidence: Math.min(stream.paging.confidence, 0.65),
      doubts: [...stream.paging.doubts, 'whether it gives all rows at once: other lists of the API page'],
      alternatives: [...stream.paging.alternatives, usual.paging],
    };
    return { ...stream, paging };
  });
}

/**
 * `after` alone may take the last row's id, or what a Link header says: where the API's other lists send Link headers,
 * this one does, too.
 */
function withUsualLink(stream: StreamDraft): StreamDraft {
  const { paging: guess } = stream.paging;
  const vague = stream.paging.rule === 'keyset-by-last-row' || stream.paging.rule === 'cursor-without-source';
  if (!vague || stream.paging.confidence >= 0.8) return stream;
  const size =
    guess.kind === 'cursor'
      ? {
          ...(guess.sizeParam === undefined ? {} : { sizeParam: guess.sizeParam }),
          ...(guess.pageSize === undefined ? {} : { pageSize: guess.pageSize }),
        }
      : {};
  const paging: PagingFinding = {
    ...stream.paging,
    paging: { kind: 'link', ...size },
    confidence: 0.7,
    rule: 'link-header-of-other-lists',
    doubts: ['whether this list sends Link headers, as the other lists of the API do'],
    alternatives: [guess, ...stream.paging.alternatives],
  };
  return { ...stream, paging };
}

/** The one whose cursor stands where most of them have it; the first where none is more usual. */
function usualOf<T extends { readonly nextPath?: readonly string[] | undefined }>(
  cursors: readonly T[],
): T | undefined {
  const place = (cursor: T): string => (cursor.nextPath ?? []).join('\0');
  const count = (one: T): number => cursors.filter((other) => place(other) === place(one)).length;
  return cursors.toSorted((left, right) => count(right) - count(left))[0];
}

/** A cursor that the request takes and the answer does not show comes from where the other lists give theirs. */
function withBorrowedCursor(
  stream: StreamDraft,
  cursors: readonly Extract<PagingFinding['paging'], { kind: 'cursor' }>[],
): StreamDraft {
  if (stream.paging.rule !== 'cursor-without-source') return stream;
  const model = usualOf(cursors.filter((cursor) => cursor.cursorParam === stream.paging.quote));
  if (model?.nextPath === undefined) return stream;
  const size = pagingParameters(stream.endpoint, stream.schemas).find(
    (parameter) => parameter.role === 'size',
  );
  return {
    ...stream,
    paging: {
      ...stream.paging,
      paging: {
        kind: 'cursor',
        cursorParam: model.cursorParam,
        nextPath: model.nextPath,
        ...(size === undefined ? {} : { sizeParam: size.name }),
      },
      confidence: 0.65,
      rule: 'cursor-as-other-lists',
      doubts: [`whether its answer holds ${model.nextPath.join('.')} as those of other lists do`],
      alternatives: [{ kind: 'none' }, ...stream.paging.alternatives],
    },
  };
}

/** What the API as a whole says about paging. */
function pagingContext(
  description: Description,
  seeds: readonly Seed[],
  schemas: SchemaReader,
): PagingContext {
  const introduction = [
    description.document.info.description ?? '',
    ...(description.document.tags ?? []).map((tag) =>
      /pagin|page/i.test(tag.name ?? '') ? (tag.description ?? '') : '',
    ),
  ].join('\n');
  const votes = { 0: 0, 1: 0 };
  let asked = 0;
  for (const seed of seeds) {
    for (const parameter of pagingParameters(seed.endpoint, schemas)) {
      if (parameter.role !== 'page') continue;
      asked += 1;
      const value =
        statedFirstPage(parameter.description) ??
        parameter.schema.default ??
        (parameter.schema.minimum === 1 ? 1 : undefined);
      if (value === 0 || value === '0') votes[0] += 1;
      if (value === 1 || value === '1') votes[1] += 1;
    }
  }
  // One list of many may be an exception, or a slip.
  const enough = Math.max(votes[0], votes[1]) >= asked * 0.2;
  const counted = votes[0] === votes[1] || !enough ? undefined : votes[0] > votes[1] ? 0 : 1;
  return {
    schemas,
    linkInProse: saysLinkHeader(introduction),
    firstPage:
      counted ??
      (/\bpag(e|es|ing|inat\w+)\b/i.test(introduction) ? statedFirstPage(introduction) : undefined),
  };
}

function isPostedList(endpoint: Endpoint, schemas: SchemaReader): boolean {
  const name = words(`${endpoint.segments.at(-1) ?? ''} ${endpoint.operationId ?? ''}`);
  if (!name.some((word) => /^(search|list|query|find|filter|lookup|fetch)$/.test(word))) return false;
  return findRows(endpoint, schemas) !== undefined;
}
