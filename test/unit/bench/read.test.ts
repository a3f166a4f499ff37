import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { prove } from '../../bench/read/measure.ts';
import { Prover, row, updatedAt } from '../../bench/read/rows.ts';
import { ProofAnswer, serve, type ServerOptions, TOKEN } from '../../bench/read/server.ts';

const Body = z.object({
  data: z.array(z.record(z.string(), z.unknown())),
  meta: z.object({ next: z.string().nullable() }),
});
const OPTIONS: ServerOptions = {
  layout: 'flat',
  rows: 25,
  parts: 1,
  pageRows: 10,
  delayMs: 0,
  ratePerSecond: null,
};
const headers = { authorization: `Bearer ${TOKEN}` };

/** Reads a list to its end, as lines of an Airbyte source. */
async function read(base: string, path: string, query: Record<string, string> = {}): Promise<string[]> {
  const lines: string[] = [];
  let cursor: string | null = null;
  do {
    const params = new URLSearchParams(cursor === null ? query : { ...query, cursor });
    const response = await fetch(`${base}${path}?${params.toString()}`, { headers });
    const { data, meta } = Body.parse(await response.json());
    for (const one of data)
      lines.push(JSON.stringify({ type: 'RECORD', record: { stream: 'events', data: one } }));
    cursor = meta.next;
  } while (cursor !== null);
  return lines;
}

async function digest(lines: readonly string[]): Promise<unknown> {
  const prover = new Prover();
  await prove(Readable.from(lines.map((line) => `${line}\n`)), prover);
  return prover.proof();
}

describe('the bench of reading speed', () => {
  let server: Server | undefined;

  async function start(options: Partial<ServerOptions>): Promise<string> {
    const started = await serve({ ...OPTIONS, ...options });
    server = started.server;
    return started.url;
  }

  async function proofOf(base: string, query = ''): Promise<unknown> {
    return ProofAnswer.parse(await (await fetch(`${base}/proof${query}`)).json());
  }

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  it('proves all rows, in whatever order they come', async () => {
    const base = `${await start({})}/first/3`;
    const lines = await read(base, '/events');
    assert.equal(lines.length, 25);
    assert.deepEqual(await digest(lines.reverse()), await proofOf(base));
  });

  it('finds a row that is missing, twice there, or changed', async () => {
    const base = `${await start({})}/first/3`;
    const lines = await read(base, '/events');
    const due = await proofOf(base);
    assert.notDeepEqual(await digest(lines.slice(1)), due);
    assert.notDeepEqual(await digest([...lines.slice(1), lines[1] ?? '']), due);
    assert.notDeepEqual(
      await digest(lines.map((line) => line.replace('Row 000000003', 'Row 000000004'))),
      due,
    );
  });

  it('takes the lines of a Singer tap and lists of rows for the same', async () => {
    const rows = [0, 1, 2].map((index) => JSON.parse(row(index)) as unknown);
    const singer = rows.map((record) => JSON.stringify({ type: 'RECORD', stream: 'events', record }));
    assert.deepEqual(await digest(singer), await digest([JSON.stringify(rows)]));
  });

  it('ends a share after its pages', async () => {
    const base = `${await start({})}/first/2`;
    const lines = await read(base, '/events');
    assert.equal(lines.length, 20);
    assert.deepEqual(await digest(lines), await proofOf(base));
  });

  it('gives rows from a moment on, also from the middle of a page', async () => {
    const base = `${await start({})}/first/3`;
    const since = updatedAt(13);
    const lines = await read(base, '/events', { updated_since: since });
    assert.equal(lines.length, 12);
    assert.deepEqual(await digest(lines), await proofOf(base, `?updated_since=${since}`));
  });

  it('divides the rows among the parents', async () => {
    const base = `${await start({ layout: 'accounts', parts: 2 })}/first/2`;
    const lines = [...(await read(base, '/accounts/1/events')), ...(await read(base, '/accounts/2/events'))];
    assert.equal(lines.length, 25);
    assert.deepEqual(await digest(lines), await proofOf(base));
  });

  it('refuses who has no token, and more requests than it allows', async () => {
    const base = `${await start({ ratePerSecond: 1 })}/first/3`;
    assert.equal((await fetch(`${base}/events`)).status, 401);
    const answers = await Promise.all([1, 2, 3].map(() => fetch(`${base}/events`, { headers })));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0);
    assert.equal(refused[0]?.headers.get('retry-after'), '1');
  });
});
