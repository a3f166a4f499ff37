/** Which fields tell one row from all others. */
import type { Endpoint } from './endpoints.ts';
import { isParameterSegment, segmentParameters } from './endpoints.ts';
import { type SchemaReader, type SchemaView, isArray, isScalar } from './schema-view.ts';
import { singular, squash, stem, words } from './words.ts';

export interface PrimaryKey {
  /** Each part a path in the row; empty = none found. */
  readonly paths: readonly (readonly string[])[];
  readonly confidence: number;
  readonly rule: string;
  readonly pointer: string | undefined;
  /** Other fields that may be the key. */
  readonly others: readonly (readonly string[])[];
}

/** `{webhook_id}` of `/webhooks/{webhook_id}`, by the list's path with parameters made equal. */
export type DetailIndex = ReadonlyMap<string, readonly string[]>;

/** A path with its parameters made equal: `/a/{}/b`. */
export function shapeOf(segments: readonly string[]): string {
  return `/${segments.map((segment) => segment.replace(/\{[^{}]*\}/g, '{}')).join('/')}`;
}

/** For each list path, the parameters by which single rows are addressed below it. Any method counts. */
export function indexDetails(paths: Iterable<string>): DetailIndex {
  const exact = new Map<string, string[]>();
  const passing = new Map<string, string[]>();
  for (const path of paths) {
    const segments = (path.split(/[?#]/)[0] ?? '').split('/').filter((segment) => segment !== '');
    for (const [at, segment] of segments.entries()) {
      if (!/^\{[^{}]+\}(\.json)?$/.test(segment)) continue;
      const [parameter] = segmentParameters(segment);
      if (parameter === undefined) continue;
      // What stands below a row addresses the row as well: `/stones/{code}/cuts`.
      const index = at === segments.length - 1 ? exact : passing;
      const key = shapeOf(segments.slice(0, at));
      const known = index.get(key);
      if (known === undefined) index.set(key, [parameter]);
      else if (!known.includes(parameter)) known.push(parameter);
    }
  }
  for (const [key, parameters] of passing) if (!exact.has(key)) exact.set(key, parameters);
  return exact;
}

/**
 * Ids that an API names after itself (`depot_id` in every row): the first field of many rows that hold it, and no
 * reference, since no list is called by what stands before `id`.
 */
export function houseIds(lists: readonly { endpoint: Endpoint; row: SchemaView }[]): ReadonlySet<string> {
  const rows = lists.filter(({ row }) => row.properties.size > 1);
  const entities = new Set(rows.flatMap(({ endpoint, row }) => [...entityStems(endpoint, row)]));
  const first = new Map<string, number>();
  const held = new Map<string, number>();
  for (const { row } of rows) {
    const names = [...row.properties.keys()];
    for (const name of names) held.set(name, (held.get(name) ?? 0) + 1);
    const [start] = names;
    if (start !== undefined) first.set(start, (first.get(start) ?? 0) + 1);
  }
  const isHouse = ([name, count]: readonly [string, number]): boolean => {
    const base = /^(.+?)(?:uu|gu)?id$/.exec(stem(name))?.[1];
    const widespread = count >= 4 && count >= rows.length * 0.25 && count >= (held.get(name) ?? 0) * 0.5;
    return base !== undefined && widespread && IDS[squash(name)] === undefined && !entities.has(base);
  };
  return new Set([...first].filter(isHouse).map(([name]) => name));
}

interface Scored {
  readonly path: readonly string[];
  readonly score: number;
  readonly rule: string;
  readonly pointer: string;
}

/** Ids by name alone, the surest first. */
const IDS: Readonly<Record<string, number>> = {
  id: 10,
  uuid: 9.2,
  guid: 9,
  gid: 9.2,
  sid: 9.2,
  pk: 8.8,
  uid: 8.2,
  objectid: 7.5,
  oid: 7,
  recordid: 8,
  uniqueid: 8.5,
  entityid: 6.5,
  resourceid: 6.5,
  internalid: 6.5,
  systemid: 6.5,
  sysid: 9,
  rowid: 6,
  globalid: 5.5,
  identifier: 7,
  urn: 6,
  arn: 6,
  isbn: 5,
  ean: 4.5,
  iban: 4.5,
};
/** What follows an entity's name in its key: `webhook_id`, `accountNumber`. */
const KEY_SUFFIXES = [
  'uuid',
  'guid',
  'gid',
  'sid',
  'id',
  'key',
  'code',
  'slug',
  'number',
  'no',
  'ref',
  'identifier',
  'hash',
  'token',
  'name',
  'symbol',
  'uri',
  'url',
  'email',
];
/** What tells people apart, and nothing else. */
const PERSONAL = /^(email|emailaddress|username|login)$/;
const PEOPLE =
  /(user|member|account|person|people|contact|customer|client|employee|owner|author|profile|admin|subscriber|recipient|participant|collaborator|contributor|assignee|reviewer|staff|agent|player|lead|guest|attendee|follower|stargazer|watcher|team|org|organization|organisation|group|block|bounce|suppression|unsubscribe|sender|mailbox|alias|address|identity|student|teacher|patient|candidate|applicant|invitee|invitation|invite|seat|operator|driver|worker|signer|email|login)$/;

/** Natural keys: right where a row is addressed by them or nothing better is there. */
const NATURAL: Readonly<Record<string, number>> = {
  key: 5.5,
  code: 4.5,
  slug: 5,
  number: 3.5,
  reference: 3.2,
  ref: 3,
  sha: 4.5,
  hash: 4,
  symbol: 4,
  ticker: 4,
  sku: 4,
  email: 3.5,
  emailaddress: 3.4,
  username: 3.8,
  login: 3.8,
  handle: 3.5,
  name: 2.6,
  domain: 2.2,
  token: 2.5,
  uri: 2.6,
  url: 2.4,
  href: 2.2,
  selfuri: 3,
  date: 1.8,
  filename: 2,
  fullname: 2.2,
  hostname: 2.2,
  ipaddress: 2,
  path: 1.8,
  version: 1.5,
  resourceuri: 3,
};

/** The primary key of a list's rows. */
export function findPrimaryKey(
  endpoint: Endpoint,
  row: SchemaView,
  schemas: SchemaReader,
  details: DetailIndex,
  house: ReadonlySet<string> = new Set(),
): PrimaryKey {
  if (row.properties.size === 0) {
    return { paths: [], confidence: 0.5, rule: 'rows-without-fields', pointer: row.pointer, others: [] };
  }
  const addressed = details.get(shapeOf(endpoint.segments)) ?? [];
  const entities = entityStems(endpoint, row);
  const flat = scoreFields(row, [], schemas, entities, addressed, house);
  const best = flat[0];
  if (best !== undefined && best.score >= 6) return withForeignIds(single(best, flat), best, row, schemas);
  const link = selfLink(row, schemas);
  if (link !== undefined && (best?.score ?? 0) < 4.4) return link;
  const nested = scoreNested(row, schemas, entities, addressed);
  const all = [...flat, ...nested].sort((left, right) => right.score - left.score);
  const top = all[0];
  if (top !== undefined && top.score >= 4.4) return withForeignIds(single(top, all), top, row, schemas);
  const only = onlyId(endpoint, row, schemas);
  if (only !== undefined && (top?.score ?? 0) < 3.4) return only;
  const pair = composite(row, schemas);
  if (pair !== undefined) return pair;
  if (top !== undefined && top.score >= 3.4) return single(top, all);
  return {
    paths: [],
    confidence: 0.4,
    rule: 'no-key-found',
    pointer: row.pointer,
    others: all.slice(0, 4).map((one) => one.path),
  };
}

function single(best: Scored, all: readonly Scored[]): PrimaryKey {
  const second = all[1];
  const margin = second === undefined ? 10 : best.score - second.score;
  const base =
    best.score >= 10
      ? 0.97
      : best.score >= 8
        ? 0.93
        : best.score >= 6
          ? 0.85
          : best.score >= 4.4
            ? 0.68
            : 0.55;
  return {
    paths: [best.path],
    confidence: margin < 0.5 ? base - 0.1 : base,
    rule: best.rule,
    pointer: best.pointer,
    others: all
      .slice(1, 4)
      .filter((one) => one.score > 2.5)
      .map((one) => one.path),
  };
}

/** A natural key beside ids of other things may repeat for each of them: then it is a part of the key at most. */
function withForeignIds(found: PrimaryKey, best: Scored, row: SchemaView, schemas: SchemaReader): PrimaryKey {
  if (best.score >= 8 || best.rule === 'id-field') return found;
  const own = best.path.join('.');
  const foreign = [...row.properties]
    .filter(
      ([name, node]) =>
        name !== own && /(^|_)(id|uuid|sid)$/.test(words(name).join('_')) && isScalar(schemas.view(node)),
    )
    .map(([name]) => name);
  if (foreign.length === 0) return found;
  return {
    ...found,
    confidence: Math.min(found.confidence, 0.65),
    others: [...foreign.map((name) => [name]), ...found.others],
  };
}

/** Rows of hardly more than a name and a URL: the URL is the row's own address. */
function selfLink(row: SchemaView, schemas: SchemaReader): PrimaryKey | undefined {
  if (row.properties.size > 3) return undefined;
  for (const [name, node] of row.properties) {
    if (!/^(url|uri|href|self|resource_?uri|api_?url|link)$/i.test(name) || !isScalar(schemas.view(node)))
      continue;
    return {
      paths: [[name]],
      confidence: 0.6,
      rule: 'self-link',
      pointer: node.pointer,
      others: [...row.properties.keys()].filter((other) => other !== name).map((other) => [other]),
    };
  }
  return undefined;
}

/** What a row may be called: `task_queues` → taskqueue, queue; the schema's name; `…_list` and such cut off. */
function entityStems(endpoint: Endpoint, row: SchemaView): ReadonlySet<string> {
  const stems = new Set<string>();
  const add = (name: string): void => {
    const parts = words(name).map(singular);
    const kept = parts.filter(
      (part) =>
        !/^(list|response|item|object|dto|model|schema|resource|result|v\d+|api|detail|info|summary|record|entity|data|with|get|simple|full|basic)$/.test(
          part,
        ),
    );
    if (kept.length === 0) return;
    stems.add(kept.join(''));
    const last = kept.at(-1);
    if (last !== undefined) stems.add(last);
    if (kept.length > 2) stems.add(kept.slice(-2).join(''));
  };
  const fixed = endpoint.segments.filter((segment) => !isParameterSegment(segment));
  const last = fixed.at(-1);
  if (last !== undefined) add(last.replace(/\.json$/i, ''));
  if (row.component !== undefined) add(row.component);
  if (row.title !== undefined && row.title.length < 40) add(row.title);
  // `/questions/unaccepted`: a narrower list of what stands before. Behind a parameter it is another thing's.
  const end = endpoint.segments.length - 1;
  const before = endpoint.segments[end - 1];
  if (
    before !== undefined &&
    !isParameterSegment(before) &&
    !isParameterSegment(endpoint.segments[end]) &&
    words(before).every((word) => singular(word) !== word)
  )
    add(before);
  return stems;
}

function scoreFields(
  row: SchemaView,
  prefix: readonly string[],
  schemas: SchemaReader,
  entities: ReadonlySet<string>,
  addressed: readonly string[],
  house: ReadonlySet<string> = new Set(),
): Scored[] {
  const scored: Scored[] = [];
  for (const [name, node] of row.properties) {
    const view = schemas.view(node);
    if (!isScalar(view) || view.types.has('boolean')) continue;
    if (house.has(name)) {
      scored.push({ path: [...prefix, name], score: 9.4, rule: 'id-of-the-house', pointer: node.pointer });
      continue;
    }
    const found = scoreField(name, view, entities, addressed, row.required.has(name));
    if (found === undefined) continue;
    scored.push({ path: [...prefix, name], score: found.score, rule: found.rule, pointer: node.pointer });
  }
  return scored.sort((left, right) => right.score - left.score);
}

function scoreField(
  name: string,
  view: SchemaView,
  entities: ReadonlySet<string>,
  addressed: readonly string[],
  required: boolean,
): { score: number; rule: string } | undefined {
  const key = squash(name);
  const own = stem(name);
  let score = IDS[key] ?? 0;
  let rule = 'id-field';
  // `_id` and `id`: where both are there, the plain one is the API's.
  if (name === '_id') score -= 0.4;
  if (/^[@$]/.test(name)) score = Math.min(score, 5);
  if (score === 0) {
    const suffix = KEY_SUFFIXES.find(
      (end) => own.length > end.length && own.endsWith(end) && entities.has(own.slice(0, -end.length)),
    );
    if (suffix !== undefined) {
      score = /id$/.test(suffix)
        ? 8.6
        : /key|identifier/.test(suffix)
          ? 6.2
          : /name|url|uri|email/.test(suffix)
            ? 3.4
            : 5;
      rule = 'entity-id-field';
    } else if (PERSONAL.test(key) && ![...entities].some((entity) => PEOPLE.test(entity))) {
      // Whose row it is: a person has many messages, log-ins, hours.
      score = 0;
    } else if (NATURAL[key] !== undefined) {
      score = NATURAL[key];
      rule = 'natural-key';
    } else if (entities.has(own)) {
      score = 3;
      rule = 'field-named-as-entity';
    }
  }
  const address = addressed.some(
    (parameter) =>
      addresses(parameter, name, entities) ||
      // `{branch}` of `/branches/{branch}`: an entity's natural key, where the row has no id of its own.
      (entities.has(stem(parameter)) && /^(name|slug|key|code|username|login|symbol|number|path)$/.test(key)),
  );
  if (address) {
    score = score >= 5.5 ? score + 1 : score + 3.2;
    rule = score > 6.5 && rule === 'id-field' ? rule : 'field-addressed-by-path';
  }
  if (
    /\bunique(ly)?\b/i.test(view.description) &&
    /\b(id|identifier|identif\w+|key|name|code|unique \w+)\b/i.test(view.description)
  ) {
    score += score > 0 ? 1.2 : 4;
  } else if (score > 0 && /^(the )?(id|identifier)\b/i.test(view.description)) {
    score += 0.4;
  }
  if (score === 0) return undefined;
  if (view.format === 'uuid') score += 0.5;
  if (view.readOnly) score += 0.2;
  if (required) score += 0.3;
  if (view.nullable) score -= 0.8;
  if (view.types.has('number') && !view.types.has('integer') && score < 8) score -= 0.5;
  if (
    /\b(foreign|parent|owner|of the (user|account|customer|organi[sz]ation) (who|that|to which))\b/i.test(
      view.description,
    ) &&
    score < 9
  ) {
    score -= 1.5;
  }
  return { score, rule };
}

/** True where a detail path's parameter means this field: `{webhook_id}` ↔ `id` or `webhook_id`; `{projectKey}` ↔ `key`. */
export function addresses(parameter: string, field: string, entities: ReadonlySet<string>): boolean {
  const asked = stem(parameter);
  const given = stem(field);
  if (asked === given) return true;
  for (const entity of entities) {
    if (asked === `${entity}${given}` || given === `${entity}${asked}`) return true;
    // `{petname}`, `{holiday}`: an entity's own name as parameter is its id.
    if (asked === entity && given === 'id') return true;
  }
  const tail = words(parameter).map(singular).at(-1);
  if (tail === 'pk' && given === 'id') return true;
  return (
    tail !== undefined && tail === given && words(parameter).length > 1 && IDS[squash(field)] !== undefined
  );
}

/** Rows that wrap what they are about: `{transaction_info: {transaction_id}, …}`, `{added_at, track: {id}}`. */
function scoreNested(
  row: SchemaView,
  schemas: SchemaReader,
  entities: ReadonlySet<string>,
  addressed: readonly string[],
): Scored[] {
  const scored: Scored[] = [];
  for (const [name, node] of row.properties) {
    const view = schemas.view(node);
    if (isArray(view) || view.properties.size === 0) continue;
    const key = stem(name);
    const itself =
      entities.has(key) ||
      /^(attributes|node|resource|data|metadata|object|item|identity|identifier|entity|info|id|sys|properties|fields|summary|basic|header|general)$/.test(
        key,
      ) ||
      [...entities].some(
        (entity) =>
          entity.length > 2 &&
          /^(info|data|detail|summary|resource|record|object|header)$/.test(key.slice(entity.length)) &&
          key.startsWith(entity),
      );
    if (
      /^(link|_link|error|meta|page|owner|user|creator|author|createdby|updatedby|account|parent)s?$/.test(
        key,
      ) &&
      !itself
    )
      continue;
    // Beside a date or two, the one object of the row is what the row is about.
    if (!itself && !(row.properties.size <= 3 && soleObject(row, schemas))) continue;
    const inner = scoreFields(view, [name], schemas, new Set([...entities, key]), addressed);
    const best = inner[0];
    if (best === undefined || best.score < 5) continue;
    scored.push({ ...best, score: best.score - (itself ? 1.5 : 5), rule: 'key-inside-row' });
  }
  return scored.sort((left, right) => right.score - left.score);
}

/** The one field of the row that ends in `id`, where it stands first and names nothing that the path goes through. */
function onlyId(endpoint: Endpoint, row: SchemaView, schemas: SchemaReader): PrimaryKey | undefined {
  const ids = [...row.properties].filter(
    ([name, node]) => /^(id|uuid|guid|sid)$/.test(words(name).at(-1) ?? '') && isScalar(schemas.view(node)),
  );
  const [first] = ids;
  const [start] = row.properties.keys();
  if (ids.length !== 1 || first === undefined || first[0] !== start) return undefined;
  const base = words(first[0]).slice(0, -1).map(singular).join('');
  if (endpoint.segments.slice(0, -1).some((segment) => stem(segment) === base)) return undefined;
  return {
    paths: [[first[0]]],
    confidence: 0.6,
    rule: 'only-id-of-the-row',
    pointer: first[1].pointer,
    others: [],
  };
}

function soleObject(row: SchemaView, schemas: SchemaReader): boolean {
  const views = [...row.properties.values()].map((node) => schemas.view(node));
  return views.filter((view) => view.properties.size > 0).length === 1;
}

/** Link tables: every id of the row together. */
function composite(row: SchemaView, schemas: SchemaReader): PrimaryKey | undefined {
  if (row.properties.size > 8) return undefined;
  const ids: string[] = [];
  for (const [name, node] of row.properties) {
    const view = schemas.view(node);
    if (!isScalar(view) || view.types.has('boolean') || view.nullable) continue;
    if (/(^|[^a-z])(id|uuid|guid|sid|key|email)$/i.test(words(name).join('_'))) ids.push(name);
  }
  if (ids.length < 2 || ids.length > 3) return undefined;
  return {
    paths: ids.map((name) => [name]),
    confidence: 0.5,
    rule: 'all-ids-of-the-row',
    pointer: row.pointer,
    others: ids.map((name) => [name]),
  };
}
