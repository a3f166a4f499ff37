/**
 * A small PagerDuty on 127.0.0.1: it answers what pagerduty.openapi.yaml describes, from the rows of data.ts, keeps what
 * is posted to it, and counts every request. Start it by itself with `npm run sample:server`; `npm start` does so for you.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { addIncident, makeAccount, NOW, time, type Account, type Row } from './data.ts';

export interface SampleOptions {
  /** 0 (default) takes any free port. */
  readonly port?: number;
  /** The one API key that is accepted. */
  readonly apiKey?: string;
  readonly incidents?: number;
  /** Every n-th request is answered with 429, to be tried again after `retryAfterSeconds` (1). 0 (default) = never. */
  readonly throttleEvery?: number;
  readonly retryAfterSeconds?: number;
}

export interface SampleServer {
  readonly url: string;
  readonly apiKey: string;
  readonly account: Account;
  /** Requests by path pattern and status, such as `GET /incidents/{id}/notes 200`. */
  readonly requests: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export const SAMPLE_API_KEY = 'sample-key-of-nobody';
const DAY = 86_400_000;
const MAX_LIMIT = 100;
const DEEPEST_ROW = 10_000;

/** An answer other than 200, in the API's own form. */
class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
    readonly details: readonly string[] = [],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

interface Request {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

type Handler = (request: Request) => { readonly status?: number; readonly body: unknown };

interface Route {
  readonly method: string;
  readonly pattern: string;
  readonly handler: Handler;
}

// ------------------------------------------------------------------------------------------------ parameters of a query

function whole(query: URLSearchParams, name: string, fallback: number, least: number, most: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (!/^\d+$/.test(text)) throw invalid(`${name} must be a whole number`);
  const value = Number(text);
  if (value < least) throw invalid(`${name} must be at least ${least}`);
  // The API does not refuse a limit above its maximum, it takes the maximum.
  return Math.min(value, most);
}

function invalid(detail: string): ApiError {
  return new ApiError(400, 2001, 'Invalid Input Provided', [detail]);
}

function instant(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Date.parse(text);
  if (Number.isNaN(value)) throw invalid(`${name} is not a date and time`);
  return value;
}

/** The rows whose `field` lies in [since, until); the defaults and the widest range are the API's. */
function inRange(
  rows: readonly Row[],
  query: URLSearchParams,
  field: string,
  limits: { readonly defaultDays?: number; readonly mostDays?: number },
): Row[] {
  const until = instant(query, 'until') ?? Number.POSITIVE_INFINITY;
  const start =
    limits.defaultDays === undefined ? 0 : Math.min(until, NOW.getTime()) - limits.defaultDays * DAY;
  const since = instant(query, 'since') ?? start;
  const last = Number.isFinite(until) ? until : Math.max(since, NOW.getTime());
  if (limits.mostDays !== undefined && last - since > limits.mostDays * DAY) {
    throw invalid(`until may lie at most ${limits.mostDays} days after since`);
  }
  return rows.filter((row) => {
    const at = Date.parse(String(row[field]));
    return at >= since && at < until;
  });
}

function offsetPage(name: string, rows: readonly unknown[], query: URLSearchParams): { body: unknown } {
  const limit = whole(query, 'limit', 25, 1, MAX_LIMIT);
  const offset = whole(query, 'offset', 0, 0, Number.MAX_SAFE_INTEGER);
  if (offset + limit > DEEPEST_ROW) throw invalid(`Offset must be less than ${DEEPEST_ROW - limit}`);
  return {
    body: {
      [name]: rows.slice(offset, offset + limit),
      limit,
      offset,
      more: offset + limit < rows.length,
      total: query.get('total') === 'true' ? rows.length : null,
    },
  };
}

/** The cursor holds the place and the range it was made for: one from another range is refused, as the API does. */
function cursorPage(name: string, rows: readonly unknown[], query: URLSearchParams): { body: unknown } {
  const limit = whole(query, 'limit', 25, 1, MAX_LIMIT);
  const range = `${query.get('since') ?? ''}|${query.get('until') ?? ''}`;
  let from = 0;
  const cursor = query.get('cursor');
  if (cursor !== null) {
    const [place, of] = Buffer.from(cursor, 'base64url').toString('utf8').split('#');
    if (place === undefined || of !== range || !/^\d+$/.test(place)) throw invalid('cursor is not valid');
    from = Number(place);
  }
  const next = from + limit;
  return {
    body: {
      [name]: rows.slice(from, next),
      next_cursor: next < rows.length ? Buffer.from(`${next}#${range}`).toString('base64url') : null,
      limit,
    },
  };
}

function named(rows: readonly Row[], query: URLSearchParams, ...fields: string[]): readonly Row[] {
  const text = query.get('query')?.toLowerCase();
  if (text === undefined) return rows;
  return rows.filter((row) => fields.some((field) => String(row[field]).toLowerCase().includes(text)));
}

// -------------------------------------------------------------------------------------------------------------- routes

function detail(name: string, rows: readonly Row[], id: string | undefined): { body: unknown } {
  const row = rows.find((candidate) => candidate.id === id);
  if (row === undefined) throw new ApiError(404, 2100, 'Not Found');
  return { body: { [name]: row } };
}

function below<T>(map: ReadonlyMap<string, T>, id: string | undefined): T {
  const value = map.get(id ?? '');
  if (value === undefined) throw new ApiError(404, 2100, 'Not Found');
  return value;
}

function incidents(account: Account, query: URLSearchParams): Row[] {
  const statuses = query.getAll('statuses[]');
  const urgencies = query.getAll('urgencies[]');
  const services = query.getAll('service_ids[]');
  const rows = inRange(account.incidents, query, 'created_at', { defaultDays: 31, mostDays: 180 }).filter(
    (row) =>
      (statuses.length === 0 || statuses.includes(String(row['status']))) &&
      (urgencies.length === 0 || urgencies.includes(String(row['urgency']))) &&
      (services.length === 0 || services.includes((row['service'] as Row).id)),
  );
  return query.get('sort_by')?.endsWith(':desc') === true ? rows.reverse() : rows;
}

function newIncident(account: Account, request: Request): { status: number; body: unknown } {
  const from = request.headers['from'];
  const person = account.users.find((user) => user['email'] === from);
  if (person === undefined) throw invalid('The From header must name a user of the account');
  const asked = (
    request.body as { incident?: { title?: unknown; service?: { id?: unknown }; urgency?: unknown } } | null
  )?.incident;
  const service = account.services.find((row) => row.id === asked?.service?.id);
  if (typeof asked?.title !== 'string' || asked.title === '') throw invalid('Title cannot be empty');
  if (service === undefined) throw invalid('Service could not be found');
  const newest = account.incidents.at(-1)?.['created_at'];
  const last = typeof newest === 'string' ? Date.parse(newest) : NOW.getTime();
  const opened = new Date(Math.max(NOW.getTime(), last + 60_000));
  const incident = addIncident(account, {
    title: asked.title,
    service,
    urgency: asked.urgency === 'low' ? 'low' : 'high',
    opened,
    state: 'triggered',
    changed: opened,
    person,
    priority: null,
    notes: 0,
  });
  return { status: 201, body: { incident } };
}

function routes(account: Account): Route[] {
  const get = (pattern: string, handler: Handler): Route => ({ method: 'GET', pattern, handler });
  const newestFirst = (rows: readonly Row[]): Row[] => [...rows].reverse();
  const exists = (id: string | undefined): void => void detail('incident', account.incidents, id);
  return [
    get('/incidents', ({ query }) => offsetPage('incidents', incidents(account, query), query)),
    { method: 'POST', pattern: '/incidents', handler: (request) => newIncident(account, request) },
    get('/incidents/{id}', ({ params }) => detail('incident', account.incidents, params['id'])),
    get('/incidents/{id}/notes', ({ params }) => ({
      body: { notes: newestFirst(below(account.notes, params['id'])) },
    })),
    get('/incidents/{id}/log_entries', ({ params, query }) => {
      exists(params['id']);
      const rows = account.logEntries.filter((entry) => (entry['incident'] as Row).id === params['id']);
      return offsetPage('log_entries', newestFirst(rows), query);
    }),
    get('/log_entries', ({ query }) => {
      const overview = query.get('is_overview') === 'true';
      const rows = inRange(account.logEntries, query, 'created_at', {});
      return offsetPage(
        'log_entries',
        newestFirst(rows.filter((row) => !overview || row['type'] !== 'assign_log_entry')),
        query,
      );
    }),
    get('/services', ({ query }) => offsetPage('services', named(account.services, query, 'name'), query)),
    get('/services/{id}', ({ params }) => detail('service', account.services, params['id'])),
    get('/users', ({ query }) => offsetPage('users', named(account.users, query, 'name', 'email'), query)),
    get('/users/{id}', ({ params }) => detail('user', account.users, params['id'])),
    get('/users/{id}/contact_methods', ({ params }) => ({
      body: { contact_methods: below(account.contactMethods, params['id']) },
    })),
    get('/teams', ({ query }) => offsetPage('teams', named(account.teams, query, 'name'), query)),
    get('/teams/{id}', ({ params }) => detail('team', account.teams, params['id'])),
    get('/teams/{id}/members', ({ params, query }) =>
      offsetPage('members', below(account.members, params['id']), query),
    ),
    get('/escalation_policies', ({ query }) =>
      offsetPage('escalation_policies', account.escalationPolicies, query),
    ),
    get('/escalation_policies/{id}', ({ params }) =>
      detail('escalation_policy', account.escalationPolicies, params['id']),
    ),
    get('/schedules', ({ query }) => offsetPage('schedules', account.schedules, query)),
    get('/schedules/{id}', ({ params }) => detail('schedule', account.schedules, params['id'])),
    get('/priorities', ({ query }) => offsetPage('priorities', account.priorities, query)),
    get('/audit/records', ({ query }) =>
      cursorPage(
        'records',
        inRange(account.auditRecords, query, 'execution_time', { defaultDays: 1, mostDays: 31 }),
        query,
      ),
    ),
  ];
}

/** The number of rows that a full read of each path finds. */
export function rowsByPath(account: Account): Record<string, number> {
  const all = (map: ReadonlyMap<string, readonly unknown[]>): number => [...map.values()].flat().length;
  return {
    '/incidents': account.incidents.length,
    '/incidents/{id}': account.incidents.length,
    '/incidents/{id}/notes': all(account.notes),
    '/incidents/{id}/log_entries': account.logEntries.length,
    '/log_entries': account.logEntries.length,
    '/services': account.services.length,
    '/services/{id}': account.services.length,
    '/users': account.users.length,
    '/users/{id}': account.users.length,
    '/users/{id}/contact_methods': all(account.contactMethods),
    '/teams': account.teams.length,
    '/teams/{id}': account.teams.length,
    '/teams/{id}/members': all(account.members),
    '/escalation_policies': account.escalationPolicies.length,
    '/escalation_policies/{id}': account.escalationPolicies.length,
    '/schedules': account.schedules.length,
    '/schedules/{id}': account.schedules.length,
    '/priorities': account.priorities.length,
    '/audit/records': account.auditRecords.length,
  };
}

function match(route: Route, path: string): Record<string, string> | undefined {
  const wanted = route.pattern.split('/');
  const parts = path.split('/');
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, segment] of wanted.entries()) {
    const part = parts[at] ?? '';
    if (segment.startsWith('{')) params[segment.slice(1, -1)] = decodeURIComponent(part);
    else if (segment !== part) return undefined;
  }
  return params;
}

// -------------------------------------------------------------------------------------------------------------- server

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalid('The body is not JSON');
  }
}

/** Starts the server. It listens on 127.0.0.1 only. */
export async function startSampleServer(options: SampleOptions = {}): Promise<SampleServer> {
  const apiKey = options.apiKey ?? SAMPLE_API_KEY;
  const account = makeAccount(options.incidents);
  const table = routes(account);
  const requests: Record<string, number> = {};
  const throttleEvery = options.throttleEvery ?? 0;
  let served = 0;

  const answer = async (
    request: IncomingMessage,
  ): Promise<{ pattern: string; status: number; body: unknown; headers: Record<string, string> }> => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : url.pathname;
    const method = request.method ?? 'GET';
    const found = table
      .map((route) => ({ route, params: match(route, path) }))
      .filter((candidate) => candidate.params !== undefined);
    const exact = found.find((candidate) => candidate.route.method === method);
    const pattern = found[0]?.route.pattern ?? '(unknown)';
    served += 1;
    const headers: Record<string, string> = {
      'ratelimit-limit': '960',
      'ratelimit-remaining': String(Math.max(1, 960 - (served % 900))),
      'ratelimit-reset': '12',
    };
    try {
      if (request.headers.authorization !== `Token token=${apiKey}`) {
        throw new ApiError(401, 2006, 'You are not authorized to perform this request', [
          'Check your API key',
        ]);
      }
      if (throttleEvery > 0 && served % throttleEvery === 0) {
        const wait = String(options.retryAfterSeconds ?? 1);
        throw new ApiError(429, 2020, 'Rate Limit Exceeded', [], {
          'retry-after': wait,
          'ratelimit-remaining': '0',
          'ratelimit-reset': wait,
        });
      }
      if (exact?.params === undefined) {
        throw found.length > 0
          ? new ApiError(405, 2002, 'Method Not Allowed')
          : new ApiError(404, 2100, 'Not Found');
      }
      const result = exact.route.handler({
        method,
        params: exact.params,
        query: url.searchParams,
        headers: request.headers,
        body: method === 'POST' ? await readBody(request) : null,
      });
      return { pattern, status: result.status ?? 200, body: result.body, headers };
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      const error = {
        message: thrown.message,
        code: thrown.code,
        ...(thrown.details.length > 0 && { errors: thrown.details }),
      };
      return { pattern, status: thrown.status, body: { error }, headers: { ...headers, ...thrown.headers } };
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Not a part of the API, for those who check a reader: what was asked so far, and what there is to be read.
    const aside =
      request.url === '/_sample/requests'
        ? requests
        : request.url === '/_sample/rows'
          ? rowsByPath(account)
          : undefined;
    if (aside !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(aside));
      return;
    }
    const { pattern, status, body, headers } = await answer(request);
    const key = `${request.method ?? 'GET'} ${pattern} ${status}`;
    requests[key] = (requests[key] ?? 0) + 1;
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(JSON.stringify(body));
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: String(error), code: 2000 } }));
    });
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(options.port ?? 0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    apiKey,
    account,
    requests,
    close: () =>
      new Promise((done) => {
        server.close(() => {
          done();
        });
        server.closeAllConnections();
      }),
  };
}

/** `--port N --incidents N --throttle-every N`; prints one JSON line with the address and the key, then serves. */
async function main(args: readonly string[]): Promise<void> {
  const option = (name: string): number | undefined => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? undefined : Number(args[at + 1]);
  };
  const port = option('port');
  const amount = option('incidents');
  const throttleEvery = option('throttle-every');
  const server = await startSampleServer({
    ...(port !== undefined && { port }),
    ...(amount !== undefined && { incidents: amount }),
    ...(throttleEvery !== undefined && { throttleEvery }),
  });
  process.stdout.write(`${JSON.stringify({ url: server.url, apiKey: server.apiKey, now: time(NOW) })}\n`);
  const stop = (): void => {
    void server.close().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv.slice(2));
}
