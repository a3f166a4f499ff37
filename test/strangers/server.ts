/**
 * A stateful server on 127.0.0.1 that answers as an API really does, by what a person wrote down about it. It counts
 * every row that it hands out, refuses what the API would refuse, throttles and breaks now and then.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TrueApi, TruePaging, TrueResource } from './contracts.ts';

type Row = Record<string, unknown>;

/** A row's identity over streams and parents: what the judge compares. */
export interface ServedRow {
  readonly resource: string;
  readonly parent: string;
  readonly key: string;
  /** The row as it is handed out. */
  readonly row: Readonly<Row>;
}

export interface StrangerServer {
  readonly url: string;
  /** Every row that exists. */
  readonly truth: readonly ServedRow[];
  /** Lets the API's life go on: rows with a time of change get younger ones beside them, and the oldest is changed. */
  grow(): void;
  /** How often each path was asked for, and the statuses answered. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The requests in order, for the judge's report. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

const EPOCH = Date.UTC(2026, 0, 1);

function place(target: Row, path: readonly string[], value: unknown): void {
  let at = target;
  for (const segment of path.slice(0, -1)) at = (at[segment] ??= {}) as Row;
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

/** A row with what a person says in the place of what the example has. */
function merged(example: Readonly<Row>, said: Readonly<Row>): Row {
  const isObject = (value: unknown): value is Row =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const row: Row = { ...example };
  for (const [name, value] of Object.entries(said)) {
    const shown = row[name];
    row[name] = isObject(value) && isObject(shown) ? merged(shown, value) : value;
  }
  return row;
}

/** A person's word about a field, for one row. */
function filledIn(value: unknown, parent: string, number: number): unknown {
  const text = JSON.stringify(value).replaceAll('{n}', String(number));
  return JSON.parse(text.replaceAll('{parent}', JSON.stringify(parent).slice(1, -1)));
}

function makeRows(resource: TrueResource, parentKey: string): Row[] {
  return Array.from({ length: resource.rows }, (_, index) => {
    const prefix = resource.path.replaceAll(/\{[^}]*\}/g, '').replaceAll(/[^a-z0-9]+/gi, '-');
    const row: Row = {
      ...labelled(resource, `Row ${index + 1}`),
      ...(filledIn(resource.fields, parentKey, index + 1) as Row),
    };
    for (const part of resource.key) row[part] = identity(resource, parentKey + prefix, index + 1);
    if (resource.updated !== undefined) {
      // Two rows share each tick: a strict comparison at the boundary would lose one of them.
      const at = EPOCH + Math.floor(index / 2) * 3_600_000;
      row[resource.updated.field] =
        resource.updated.format === 'iso' ? new Date(at).toISOString() : Math.floor(at / 1000);
    }
    return row;
  });
}

/** The field in which a row says what it is, where it has one. */
function labelled(resource: TrueResource, words: string): Row {
  return resource.label === null ? {} : { [resource.label]: words };
}

function identity(resource: TrueResource, place: string, number: number): string | number {
  switch (resource.idType) {
    case 'integer':
      return hash(place) * 100_000 + number;
    case 'string':
      return `${place}-${number}`;
    case 'uuid': {
      const digits = String(hash(place)).padStart(8, '0');
      return `${digits}-0000-4000-8000-${String(number).padStart(12, '0')}`;
    }
  }
}

function hash(text: string): number {
  let value = 7;
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return value;
}

interface Page {
  readonly body: unknown;
  readonly headers: Record<string, string>;
}

function clampSize(resource: TrueResource, asked: string | null): number {
  const size = asked === null ? resource.defaultSize : Number(asked);
  if (!Number.isInteger(size) || size < 1) return resource.defaultSize;
  return Math.min(size, resource.maxSize);
}

function withQuery(url: URL, changes: Record<string, string>): URL {
  const next = new URL(url);
  for (const [name, value] of Object.entries(changes)) next.searchParams.set(name, value);
  return next;
}

function paged(resource: TrueResource, rows: readonly Row[], url: URL): Page {
  const paging: TruePaging = resource.paging;
  const query = url.searchParams;
  const envelope: Row = structuredClone(resource.envelope);
  const headers: Record<string, string> = {};
  let page: readonly Row[] = rows;
  switch (paging.kind) {
    case 'none':
      break;
    case 'page': {
      const size = clampSize(resource, query.get(paging.sizeParam));
      const number = Number(query.get(paging.pageParam) ?? paging.first);
      const start = (number - paging.first) * size;
      page = rows.slice(start, start + size);
      if (paging.totalPath) place(envelope, paging.totalPath, rows.length);
      if (paging.totalPagesPath) place(envelope, paging.totalPagesPath, Math.ceil(rows.length / size));
      const more = start + size < rows.length;
      const next = withQuery(url, { [paging.pageParam]: String(number + 1) });
      if (paging.link && more) headers['link'] = `<${next.href}>; rel="next"`;
      if (paging.nextUrlPath && more) {
        place(envelope, paging.nextUrlPath, paging.relativeNext ? next.pathname + next.search : next.href);
      } else if (paging.nextUrlPath && paging.end !== 'absent') {
        place(envelope, paging.nextUrlPath, paging.end === 'null' ? null : '');
      }
      break;
    }
    case 'offset': {
      const size = clampSize(resource, query.get(paging.sizeParam));
      const start = Number(query.get(paging.offsetParam) ?? 0);
      page = rows.slice(start, start + size);
      const more = start + size < rows.length;
      if (paging.totalPath) place(envelope, paging.totalPath, rows.length);
      if (paging.hasMorePath) place(envelope, paging.hasMorePath, more);
      if (paging.nextPath) {
        const next = withQuery(url, {
          [paging.offsetParam]: String(start + size),
          [paging.sizeParam]: String(size),
        });
        place(
          envelope,
          paging.nextPath,
          more ? (paging.relativeNext ? next.pathname + next.search : next.href) : null,
        );
      }
      break;
    }
    case 'cursor': {
      const size = clampSize(resource, query.get(paging.sizeParam));
      const cursor = query.get(paging.cursorParam);
      const start = cursor === null || cursor === '' ? 0 : startAfter(resource, rows, paging, cursor);
      page = rows.slice(start, start + size);
      const more = start + size < rows.length;
      const token = Buffer.from(`after:${start + size}`).toString('base64url');
      if (paging.nextPath) {
        if (more) place(envelope, paging.nextPath, token);
        else if (paging.end !== 'absent') place(envelope, paging.nextPath, paging.end === 'null' ? null : '');
      }
      if (paging.hasMorePath) place(envelope, paging.hasMorePath, more);
      if (paging.nextUrlPath && more) {
        place(envelope, paging.nextUrlPath, withQuery(url, { [paging.cursorParam]: token }).href);
      }
      break;
    }
  }
  const { wrapper } = resource;
  const shown = wrapper === undefined ? page : page.map((row) => ({ [wrapper]: row }));
  if (resource.recordPath.length === 0) return { body: shown, headers };
  place(envelope, resource.recordPath, shown);
  return { body: envelope, headers };
}

function startAfter(
  resource: TrueResource,
  rows: readonly Row[],
  paging: TruePaging,
  cursor: string,
): number {
  if (paging.kind === 'cursor' && paging.nextPath === undefined) {
    const index = rows.findIndex((row) => String(row[resource.key[0] ?? 'id']) === cursor);
    if (index < 0) throw new Error('bad cursor');
    return index + 1;
  }
  const match = /^after:(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw new Error('bad cursor');
  return Number(match[1]);
}

/**
 * Starts the server. `throttleEvery`: each so-many-th request is throttled, another answered 503. `examples`: rows of the
 * description by path, for resources that leave their fields to it.
 */
export async function startStranger(
  written: TrueApi,
  options: { throttleEvery: number; examples?: ReadonlyMap<string, Readonly<Row>> },
): Promise<StrangerServer> {
  const api: TrueApi = {
    ...written,
    resources: written.resources.map((resource) =>
      resource.exampleFields
        ? { ...resource, fields: merged(options.examples?.get(resource.path) ?? {}, resource.fields) }
        : resource,
    ),
  };
  const tables = new Map<string, Map<string, Row[]>>();
  for (const resource of api.resources) {
    const parents = resource.parent === undefined ? [''] : parentKeys(tables, resource);
    tables.set(resource.path, new Map(parents.map((parent) => [parent, makeRows(resource, parent)])));
  }
  const statuses: Record<string, number> = {};
  const requests: string[] = [];
  const routes = api.resources.map((resource) => ({ resource, pattern: routePattern(api, resource) }));
  let count = 0;

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    const send = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      requests.push(`${request.method ?? ''} ${url.pathname}${url.search} -> ${status}`);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    count += 1;
    if (api.auth !== null) {
      const given =
        api.auth.in === 'query'
          ? url.searchParams.get(api.auth.name)
          : request.headers[api.auth.name.toLowerCase()];
      if (given !== api.auth.value) {
        send(api.refusal.status, api.refusal.body, api.refusal.headers);
        return;
      }
    }
    if (count % options.throttleEvery === 0) {
      if (count % (2 * options.throttleEvery) === 0) send(503, { message: 'try again' });
      else send(api.throttle.status, api.throttle.body, api.throttle.headers);
      return;
    }
    for (const { resource, pattern } of routes) {
      const match = pattern.exec(url.pathname);
      if (match === null) continue;
      const parent = parentAsked(resource, match, url);
      const rows = tables.get(resource.path)?.get(parent);
      if (rows === undefined) {
        send(404, { message: 'no such parent' });
        return;
      }
      try {
        const { body, headers } = paged(resource, filtered(resource, rows, url), url);
        send(200, body, headers);
      } catch {
        send(400, { message: 'bad cursor' });
      }
      return;
    }
    send(404, { message: 'not found' });
  };

  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${api.basePath}`,
    get truth() {
      return api.resources.flatMap((resource) => servedRows(resource, tables.get(resource.path)));
    },
    grow: () => {
      for (const resource of api.resources) {
        const table = tables.get(resource.path) ?? new Map<string, Row[]>();
        for (const [parent, rows] of table) growTable(resource, parent, rows);
        // New parents come with children, older than what was read before.
        if (resource.parent === undefined) continue;
        for (const parent of parentKeys(tables, resource)) {
          if (!table.has(parent)) table.set(parent, makeRows(resource, parent));
        }
      }
    },
    statuses,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** The key of the row whose list is asked for; empty where the list belongs to none, or none is named. */
function parentAsked({ parent }: TrueResource, match: RegExpExecArray, url: URL): string {
  if (parent === undefined) return '';
  if (parent.in === 'query') return url.searchParams.get(parent.parameter) ?? '';
  return decodeURIComponent(match.groups?.['parent'] ?? '');
}

function servedRows(resource: TrueResource, table: ReadonlyMap<string, Row[]> | undefined): ServedRow[] {
  const { wrapper } = resource;
  return [...(table ?? [])].flatMap(([parent, rows]) =>
    rows.map((row) => ({
      resource: resource.path,
      parent,
      key: keyOf(resource, row),
      row: wrapper === undefined ? row : { [wrapper]: row },
    })),
  );
}

/** Three rows that are younger than all others, and a new name and time for the oldest. */
function growTable(resource: TrueResource, parent: string, rows: Row[]): void {
  const { updated } = resource;
  if (updated === undefined) return;
  const later = makeRows({ ...resource, rows: rows.length + 3 }, parent).slice(-3);
  const [oldest] = rows;
  const [first] = later;
  if (oldest === undefined || first === undefined) return;
  if (resource.label !== null && resource.key.includes(resource.label))
    throw new Error(`${resource.path}: a key can't be changed`);
  if (updated.changes)
    Object.assign(oldest, labelled(resource, 'Changed'), { [updated.field]: first[updated.field] });
  rows.push(...later);
}

function filtered(resource: TrueResource, rows: readonly Row[], url: URL): readonly Row[] {
  const { updated } = resource;
  if (updated === undefined) return rows;
  const seconds = (row: Row): number => {
    const value = row[updated.field];
    return typeof value === 'number' ? value : Date.parse(String(value)) / 1000;
  };
  const ordered = updated.newestFirst ? rows.toSorted((a, b) => seconds(b) - seconds(a)) : rows;
  const since = updated.param === undefined ? null : url.searchParams.get(updated.param);
  if (since === null) return ordered;
  const from = updated.format === 'unix' ? Number(since) : Date.parse(since) / 1000;
  return ordered.filter((row) => seconds(row) >= from);
}

function parentKeys(tables: ReadonlyMap<string, Map<string, Row[]>>, resource: TrueResource): string[] {
  const table = tables.get(resource.parent?.path ?? '');
  if (table === undefined) throw new Error(`${resource.path}: its parent must stand before it`);
  const field = resource.parent?.field ?? 'id';
  return [...table.values()].flat().map((row) => String(row[field]));
}

/** The identity of a row, by its key fields. */
export function keyOf(resource: TrueResource, row: Row): string {
  const inner = resource.wrapper === undefined ? row : ((row[resource.wrapper] ?? row) as Row);
  return resource.key.map((part) => String(inner[part])).join('|');
}

function routePattern(api: TrueApi, resource: TrueResource): RegExp {
  const source = `${api.basePath}${resource.path}`
    .split(/(\{[^}]+\})/)
    .map((part) => {
      if (!part.startsWith('{')) return part.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
      const name = part.slice(1, -1);
      if (name === resource.parent?.parameter) return '(?<parent>[^/]+)';
      const fixed = api.pathValues[name];
      return fixed ?? '[^/]+';
    })
    .join('');
  return new RegExp(`^${source}/?$`);
}
