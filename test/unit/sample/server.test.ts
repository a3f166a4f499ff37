import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { rowsByPath, startSampleServer, type SampleServer } from '../../../sample/server.ts';

interface Page {
  readonly [name: string]: unknown;
  readonly more?: boolean;
  readonly next_cursor?: string | null;
}

type Schema = Record<string, unknown>;
interface Described {
  readonly paths: Record<
    string,
    { get: { responses: { '200': { content: { 'application/json': { schema: Schema } } } } } }
  >;
  readonly components: { schemas: Record<string, Schema> };
}

/** Required fields are there, no others than described are, all the way down. */
function assertFits(document: Described, value: unknown, schema: Schema, at: string): void {
  const parts = flatten(document, schema);
  if (Array.isArray(value)) {
    const items = parts.find((part) => part['items'] !== undefined)?.['items'] as Schema;
    for (const [index, item] of value.entries()) assertFits(document, item, items, `${at}[${index}]`);
  } else if (typeof value === 'object' && value !== null) {
    const properties = Object.assign({}, ...parts.map((part) => part['properties'] ?? {})) as Record<
      string,
      Schema
    >;
    for (const name of parts.flatMap((part) => (part['required'] ?? []) as string[])) {
      assert.ok(name in value, `${at} has the required ${name}`);
    }
    for (const [name, inner] of Object.entries(value)) {
      assert.ok(properties[name] !== undefined, `${at}.${name} is described`);
      assertFits(document, inner, properties[name], `${at}.${name}`);
    }
  }
}

/** A schema and all that it is made of by reference, allOf and anyOf. */
function flatten(document: Described, schema: Schema): Schema[] {
  const name = typeof schema['$ref'] === 'string' ? (schema['$ref'].split('/').at(-1) ?? '') : undefined;
  const here = name === undefined ? schema : (document.components.schemas[name] ?? {});
  const inner = [...((here['allOf'] ?? []) as Schema[]), ...((here['anyOf'] ?? []) as Schema[])];
  return [here, ...inner.flatMap((part) => flatten(document, part))];
}

describe('the sample server', () => {
  let server: SampleServer;
  before(async () => {
    server = await startSampleServer();
  });
  after(() => server.close());

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, {
      ...init,
      headers: { authorization: `Token token=${server.apiKey}`, ...(init.headers as Record<string, string>) },
    });
  const page = async (path: string): Promise<Page> => {
    const response = await ask(path);
    assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
    return (await response.json()) as Page;
  };
  const rows = (body: Page, name: string): { id: string; created_at: string }[] =>
    body[name] as { id: string; created_at: string }[];
  const from = 'since=2025-12-01T00:00:00Z';

  it('answers every GET path of the description, with rows as the description has them', async () => {
    const text = await readFile(new URL('../../../sample/pagerduty.openapi.yaml', import.meta.url), 'utf8');
    const document = load(text) as Described;
    const ids: Record<string, string> = {
      incidents: (server.account.incidents[0] as { id: string }).id,
      services: 'PSVC001',
      users: 'PUSR001',
      teams: 'PTEA001',
      escalation_policies: 'PESC001',
      schedules: 'PSCH001',
    };
    for (const [path, { get }] of Object.entries(document.paths)) {
      const id = ids[path.split('/')[1] ?? ''] ?? '';
      const response = await ask(path.replace('{id}', id));
      assert.equal(response.status, 200, path);
      assert.ok(path in rowsByPath(server.account), `the number of rows of ${path} is known`);
      assertFits(
        document,
        await response.json(),
        get.responses['200'].content['application/json'].schema,
        path,
      );
    }
  });

  it('wants its key in the form that the API has', async () => {
    for (const authorization of [undefined, server.apiKey, `Bearer ${server.apiKey}`, 'Token token=wrong']) {
      const response = await fetch(
        `${server.url}/users`,
        authorization ? { headers: { authorization } } : {},
      );
      assert.equal(response.status, 401);
      assert.equal(((await response.json()) as { error: { code: number } }).error.code, 2006);
    }
  });

  it('pages by offset: every row once, and never more than a hundred a page', async () => {
    const seen: string[] = [];
    let more = true;
    while (more) {
      const body = await page(`/incidents?${from}&limit=7&offset=${seen.length}`);
      seen.push(...rows(body, 'incidents').map((row) => row.id));
      more = body.more === true;
      assert.equal(body['total'], null);
    }
    assert.equal(seen.length, server.account.incidents.length);
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(rows(await page(`/incidents?${from}&limit=1000`), 'incidents').length, 100);
    assert.equal((await page(`/incidents?${from}&limit=1&total=true`))['total'], seen.length);
    assert.equal((await ask('/users?limit=100&offset=9901')).status, 400);
    assert.equal((await ask('/users?limit=ten')).status, 400);
  });

  it('pages by cursor, and refuses a cursor that belongs to another range', async () => {
    const range = 'since=2026-02-01T00:00:00Z&until=2026-03-01T00:00:00Z';
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const body = await page(`/audit/records?${range}&limit=10${cursor ? `&cursor=${cursor}` : ''}`);
      seen.push(...rows(body, 'records').map((row) => row.id));
      cursor = body.next_cursor;
    } while (cursor);
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(
      seen.length,
      server.account.auditRecords.filter((row) => String(row['execution_time']) >= '2026-02-01').length,
    );
    const first = await page(`/audit/records?${range}&limit=10`);
    const other = await ask(`/audit/records?since=2026-02-10T00:00:00Z&cursor=${String(first.next_cursor)}`);
    assert.equal(other.status, 400);
  });

  it('filters as the API does, with its defaults and its widest ranges', async () => {
    const open = await page(`/incidents?${from}&statuses[]=triggered&statuses[]=acknowledged&limit=100`);
    assert.equal(rows(open, 'incidents').length, 6);
    const lastMonth = rows(await page('/incidents?limit=100'), 'incidents');
    assert.ok(lastMonth.length > 0 && lastMonth.every((row) => row.created_at >= '2026-01-29'));
    const window = await page('/incidents?since=2026-01-01T00:00:00Z&until=2026-01-08T00:00:00Z&limit=100');
    assert.ok(
      rows(window, 'incidents').every(
        (row) => row.created_at >= '2026-01-01' && row.created_at < '2026-01-08',
      ),
    );
    assert.equal((await ask('/incidents?since=2025-01-01T00:00:00Z')).status, 400);
    assert.equal((await ask('/audit/records?since=2025-12-01T00:00:00Z')).status, 400);
    assert.equal((await ask('/incidents?since=yesterday')).status, 400);
    assert.ok(rows(await page('/users?query=haddad'), 'users').length > 0);
    assert.equal(rows(await page('/users?query=nobody-here'), 'users').length, 0);
  });

  it('says what is not there', async () => {
    for (const path of ['/incidents/NONE', '/incidents/NONE/notes', '/teams/NONE/members', '/nothing', '/']) {
      assert.equal((await ask(path)).status, 404, path);
    }
    assert.equal((await ask('/users', { method: 'DELETE' })).status, 405);
  });

  it('keeps what is posted', async () => {
    const body = {
      incident: { type: 'incident', title: 'New', service: { id: 'PSVC002', type: 'service_reference' } },
    };
    const post = (headers: Record<string, string>): Promise<Response> =>
      ask('/incidents', { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal((await post({})).status, 400, 'without a From header');
    const created = await post({ from: 'noor.haddad@example.com' });
    assert.equal(created.status, 201);
    const { incident } = (await created.json()) as { incident: { id: string; created_at: string } };
    assert.ok(incident.created_at > '2026-03-01');
    const found = rows(await page('/incidents?since=2026-03-01T00:00:00Z'), 'incidents');
    assert.deepEqual(
      found.map((row) => row.id),
      [incident.id],
    );
    const entries = await page(`/incidents/${incident.id}/log_entries`);
    assert.equal(rows(entries, 'log_entries').length, 2);
  });

  it('throttles when it is told to, and counts what it was asked', async () => {
    const slow = await startSampleServer({ throttleEvery: 3, retryAfterSeconds: 2 });
    try {
      const headers = { authorization: `Token token=${slow.apiKey}` };
      const statuses: number[] = [];
      for (let at = 0; at < 6; at += 1) {
        const response = await fetch(`${slow.url}/teams`, { headers });
        statuses.push(response.status);
        if (response.status === 429) assert.equal(response.headers.get('retry-after'), '2');
      }
      assert.deepEqual(statuses, [200, 200, 429, 200, 200, 429]);
      assert.deepEqual(slow.requests, { 'GET /teams 200': 4, 'GET /teams 429': 2 });
    } finally {
      await slow.close();
    }
  });

  it('holds the same rows at every start', async () => {
    const other = await startSampleServer();
    try {
      assert.deepEqual(other.account.users, server.account.users);
      assert.deepEqual(other.account.auditRecords, server.account.auditRecords);
    } finally {
      await other.close();
    }
  });
});
