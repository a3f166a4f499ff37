/**
 * The API that the readers read, in a process of its own:
 *
 *   node --import tsx test/bench/read/server.ts '{"rows": 1000000, "parts": 1, …}'
 *
 * Every page is rendered before the first request, so that reading is all that is measured. Below `/first/{n}` the same
 * API ends each list after n pages: a slow reader gets a share of the same rows. `POST /reset`, `GET /counts` and
 * `GET /first/{n}/proof` are for the runner.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { indexSince, Prover, type Proof, row } from './rows.ts';

export const TOKEN = 'bench-token-0123456789';

/** How the rows are laid out: one list, a list below each of a parent's rows, or streams beside each other. */
export const Layout = z.enum(['flat', 'accounts', 'streams']);
export type Layout = z.infer<typeof Layout>;

export const ServerOptions = z.object({
  layout: Layout,
  rows: z.number().int().positive(),
  /** Lists that the rows are divided among. */
  parts: z.number().int().positive(),
  pageRows: z.number().int().positive(),
  /** Time that each page takes, in milliseconds. */
  delayMs: z.number().min(0),
  /** Requests that are allowed in each second; further ones get 429 with `Retry-After: 1`. */
  ratePerSecond: z.number().int().positive().nullable(),
});
export type ServerOptions = z.infer<typeof ServerOptions>;

export const ProofAnswer = z.object({ count: z.number().int(), digest: z.string() });

/** What was asked of the API since the last `POST /reset`. */
export const ServerCounts = z.object({
  requests: z.number().int(),
  refused: z.number().int(),
  unauthorized: z.number().int(),
  atOnce: z.number().int(),
});
export type ServerCounts = z.infer<typeof ServerCounts>;

/** Where the list of a part stands. */
export function pathOf(layout: Layout, part: number): string {
  if (layout === 'flat') return '/events';
  return layout === 'accounts' ? `/accounts/${part}/events` : `/events_${part}`;
}

const nothing = (): ServerCounts => ({ requests: 0, refused: 0, unauthorized: 0, atOnce: 0 });

/** A list's page, and its rows' part of it, which is the same memory. */
interface Page {
  readonly start: number;
  readonly end: number;
  readonly rows: Buffer;
  readonly whole: Buffer;
  readonly proof: Proof;
}

const HEAD = Buffer.from('{"data":[');

function wrapped(rows: Buffer, next: number | null): Buffer {
  const cursor = next === null ? 'null' : `"page-${next}"`;
  return Buffer.concat([HEAD, rows, Buffer.from(`],"meta":{"next":${cursor}}}`)]);
}

/** Renders the pages of one list of rows; the cursor of a page is its number. */
function pages(from: number, to: number, pageRows: number): Page[] {
  const rendered: Page[] = [];
  for (let start = from; start < to; start += pageRows) {
    const end = Math.min(start + pageRows, to);
    const prover = new Prover();
    const texts = Array.from({ length: end - start }, (_, index) => row(start + index));
    for (const text of texts) prover.add(text);
    const joined = Buffer.from(texts.join(','));
    const whole = wrapped(joined, end < to ? rendered.length + 1 : null);
    const rows = whole.subarray(HEAD.length, HEAD.length + joined.length);
    rendered.push({ start, end, rows, whole, proof: prover.proof() });
  }
  return rendered;
}

/** The lists by path, each as its pages. */
function lists({ layout, rows, parts, pageRows }: ServerOptions): Map<string, Page[]> {
  const share = Math.ceil(rows / parts);
  const found = new Map<string, Page[]>();
  for (let part = 1; part <= parts; part += 1) {
    const from = Math.min((part - 1) * share, rows);
    found.set(pathOf(layout, part), pages(from, Math.min(part * share, rows), pageRows));
  }
  return found;
}

/** The API: what it serves, what it refuses, what it counts. */
class Api {
  readonly #counts = nothing();
  readonly #lists: Map<string, Page[]>;
  readonly #options: ServerOptions;
  readonly #parents: Buffer;
  #second = 0;
  #inSecond = 0;
  #open = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#lists = lists(options);
    const ids = Array.from({ length: options.parts }, (_, index) => index + 1);
    const parents = ids.map((id) => `{"id":${id},"name":"Account ${id}"}`).join(',');
    this.#parents = wrapped(Buffer.from(parents), null);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const [, first, path = ''] = /^\/first\/(\d+)(\/.*)$/.exec(url.pathname) ?? [];
    const limit = Number(first);
    if (url.pathname === '/counts') {
      send(response, 200, json(this.#counts));
    } else if (url.pathname === '/reset') {
      Object.assign(this.#counts, nothing());
      send(response, 200, json({}));
    } else if (path === '/proof') {
      send(response, 200, json(this.#proof(limit, url.searchParams.get('updated_since'))));
    } else {
      this.#serve(request, response, () => this.#body(path, limit, url.searchParams));
    }
  }

  /** What a reader must have read of the first pages, all lists together. */
  #proof(limit: number, since: string | null): Proof {
    const prover = new Prover();
    const index = since === null ? 0 : indexSince(since);
    for (const list of this.#lists.values()) {
      for (const page of list.slice(0, limit)) {
        if (page.start >= index) prover.merge(page.proof);
        else for (let at = index; at < page.end; at += 1) prover.add(row(at));
      }
    }
    return prover.proof();
  }

  #serve(request: IncomingMessage, response: ServerResponse, body: () => Buffer | undefined): void {
    this.#counts.requests += 1;
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      this.#counts.unauthorized += 1;
      send(response, 401, json({ error: 'unauthorized' }));
    } else if (!this.#allows()) {
      this.#counts.refused += 1;
      send(response, 429, json({ error: 'too many requests' }), { 'Retry-After': '1' });
    } else {
      this.#later(response, body());
    }
  }

  #body(path: string, limit: number, query: URLSearchParams): Buffer | undefined {
    if (path === '/accounts' && this.#options.layout === 'accounts') return this.#parents;
    const list = this.#lists.get(path)?.slice(0, limit);
    const cursor = query.get('cursor');
    const since = query.get('updated_since');
    if (list === undefined) return undefined;
    if (cursor !== null) return pageOf(list, Number(cursor.replace('page-', '')));
    return since === null ? pageOf(list, 0) : firstSince(list, indexSince(since));
  }

  #later(response: ServerResponse, body: Buffer | undefined): void {
    this.#open += 1;
    this.#counts.atOnce = Math.max(this.#counts.atOnce, this.#open);
    const finish = (): void => {
      this.#open -= 1;
      if (body === undefined) send(response, 404, json({ error: 'not found' }));
      else send(response, 200, body);
    };
    if (this.#options.delayMs === 0) finish();
    else setTimeout(finish, this.#options.delayMs);
  }

  /** Counts by whole seconds, as the simplest of real limiters do. */
  #allows(): boolean {
    const { ratePerSecond } = this.#options;
    if (ratePerSecond === null) return true;
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
    return this.#inSecond <= ratePerSecond;
  }
}

function pageOf(list: readonly Page[], number: number): Buffer | undefined {
  const page = list[number];
  if (page === undefined) return undefined;
  // The share of a slow reader ends where the whole list goes on.
  return number === list.length - 1 ? wrapped(page.rows, null) : page.whole;
}

/** The first page of a list that is asked for from a row on; the rest of its first page only. */
function firstSince(list: readonly Page[], index: number): Buffer | undefined {
  const number = list.findIndex((page) => index < page.end);
  const page = list[number];
  if (page === undefined) return wrapped(Buffer.from(''), null);
  if (index <= page.start) return pageOf(list, number);
  const rows = Array.from({ length: page.end - index }, (_, offset) => row(index + offset));
  return wrapped(Buffer.from(rows.join(',')), number === list.length - 1 ? null : number + 1);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function send(
  response: ServerResponse,
  status: number,
  body: Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    ...headers,
  });
  response.end(body);
}

/** Starts the API in this process, on a port of its own. */
export function serve(options: ServerOptions): Promise<{ readonly url: string; readonly server: Server }> {
  const api = new Api(options);
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    api.answer(request, response);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ url: `http://127.0.0.1:${port}`, server });
    });
  });
}

async function main(argument: string | undefined): Promise<void> {
  const { url } = await serve(ServerOptions.parse(JSON.parse(argument ?? '{}')));
  process.stdout.write(`${url}\n`);
  // Whoever started it holds its input open: with them it ends.
  process.stdin.resume().on('end', () => process.exit(0));
}

if (import.meta.filename === process.argv[1]) await main(process.argv[2]);
