import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Blueprint, Paging, Stream } from '../../../src/blueprint/schema.ts';
import { probeApi, type ProbeOutcome } from '../../../src/stages/research/probe.ts';
import { withServer } from '../openapi-reading/support.ts';

const KEY = 'hush-hush-secret';

function stream(name: string, changes: Partial<Stream> = {}): Stream {
  return {
    name,
    method: 'GET',
    path: `/${name}`,
    pointer: `/paths/~1${name}/get`,
    selected: true,
    parameters: [],
    recordPath: ['data'],
    recordShape: 'list',
    primaryKey: [['id']],
    paging: { kind: 'none' },
    schema: { type: 'object' },
    ...changes,
  };
}

function blueprint(baseUrl: string, streams: Stream[], changes: Partial<Blueprint> = {}): Blueprint {
  return {
    schemaVersion: 1,
    name: 'probed',
    api: { title: 'Probed', version: '1' },
    source: { location: 'api.json', format: 'openapi-3.1', sha256: '', bytes: 1 },
    baseUrl,
    serverVariables: [],
    auth: [{ name: 'key', parts: [{ kind: 'api_key', in: 'header', name: 'X-Key', prefix: '' }] }],
    headers: [],
    rateLimit: { documents429: false },
    streams,
    operations: [],
    facts: streams.flatMap(({ name }) =>
      (['record_path', 'primary_key', 'paging'] as const).map((fact) => ({
        subject: name,
        fact,
        value: 'as described',
        confidence: 0.8,
        rule: 'test',
        evidence: [],
        status: 'found' as const,
      })),
    ),
    gaps: streams.map(({ name }) => ({
      id: name,
      stream: name,
      fact: 'paging',
      question: 'How?',
      assumed: 'So.',
      options: [],
    })),
    problems: [],
    ...changes,
  };
}

const ROWS = Array.from({ length: 25 }, (_, i) => ({ id: i + 1, email: `person${i}@example.com`, tag: 'x' }));

function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function query(request: IncomingMessage): URLSearchParams {
  return new URL(request.url ?? '/', 'http://x').searchParams;
}

interface Run {
  readonly outcome: ProbeOutcome;
  readonly asked: { url: string; at: number; method: string; key: string | undefined }[];
}

/** Probes a server; the person gives its address with the credentials. */
async function probe(
  listener: RequestListener,
  streams: Stream[],
  changes: Partial<Blueprint> = {},
): Promise<Run> {
  const asked: Run['asked'] = [];
  return withServer(
    (request, response) => {
      const key = request.headers['x-key'] as string | undefined;
      asked.push({ url: request.url ?? '', at: Date.now(), method: request.method ?? '', key });
      listener(request, response);
    },
    async (origin) => {
      const outcome = await probeApi(blueprint('https://api.example.com', streams, changes), {
        credentials: { api_key: KEY, base_url: origin },
        signal: new AbortController().signal,
        progress: () => undefined,
      });
      return { outcome, asked };
    },
  );
}

function fact(outcome: ProbeOutcome, name: string, subject: string | null = 'users') {
  return outcome.blueprint.facts.find((one) => one.subject === subject && one.fact === name)!;
}

describe('the probe', () => {
  it('confirms rows, key and paging from two pages, slowly, and keeps no value', async () => {
    const paging: Paging = {
      kind: 'page',
      pageParam: 'page',
      startPage: 1,
      sizeParam: 'per_page',
      pageSize: 100,
    };
    const { outcome, asked } = await probe(
      (request, response) => {
        const page = Number(query(request).get('page'));
        const size = Number(query(request).get('per_page'));
        json(
          response,
          { data: ROWS.slice((page - 1) * size, page * size) },
          { 'X-RateLimit-Remaining': '50', 'X-RateLimit-Reset': '1' },
        );
      },
      [stream('users', { paging })],
    );
    assert.deepEqual(
      asked.map(({ url }) => url),
      ['/users?per_page=10&page=1', '/users?per_page=10&page=2'],
    );
    assert.ok(asked[1]!.at - asked[0]!.at >= 290, 'waits between requests');
    assert.ok(asked.every(({ method, key }) => method === 'GET' && key === KEY));
    for (const name of ['record_path', 'primary_key', 'paging']) {
      assert.equal(fact(outcome, name).status, 'confirmed', name);
      assert.ok(fact(outcome, name).confidence > 0.9);
      assert.equal(fact(outcome, name).evidence.at(-1)!.source, 'probe');
    }
    assert.equal(outcome.blueprint.rateLimit.remainingHeader, 'x-ratelimit-remaining');
    assert.equal(fact(outcome, 'rate_limit', null).status, 'corrected');
    assert.deepEqual(outcome.blueprint.gaps, []);
    assert.deepEqual(
      outcome.probes.map(({ status, rows }) => [status, rows]),
      [
        [200, 10],
        [200, 10],
      ],
    );
    assert.match(outcome.probes[0]!.observation, /\{id: integer, email: string, tag: string\}/);
    assert.match(outcome.probes[1]!.url, /^http:\/\/127\.0\.0\.1:\d+\/users\?per_page=10&page=2$/);
    const told = JSON.stringify(outcome);
    assert.ok(!told.includes(KEY) && !told.includes('person1'), 'keeps no secret and no value');
  });

  it('corrects where the rows are, their key and their schema', async () => {
    const rows = ROWS.map(({ email, tag }) => ({ uuid: `u-${email}`, tag }));
    const { outcome } = await probe(
      (_request, response) => {
        json(response, { result: { people: rows }, errors: [] });
      },
      [stream('users')],
    );
    const [users] = outcome.blueprint.streams;
    assert.deepEqual(users!.recordPath, ['result', 'people']);
    assert.deepEqual(users!.primaryKey, [['uuid']]);
    assert.deepEqual(Object.keys(users!.schema.properties as object), ['uuid', 'tag']);
    assert.equal(fact(outcome, 'record_path').status, 'corrected');
    assert.equal(fact(outcome, 'primary_key').value, 'uuid');
  });

  it('finds Link headers and next URLs that the description does not tell', async () => {
    const { outcome } = await probe(
      (request, response) => {
        const page = Number(query(request).get('page') ?? 1);
        const rows = ROWS.slice((page - 1) * 10, page * 10);
        const next = `/${request.url!.slice(1).split('?')[0]!}?page=${page + 1}`;
        if (request.url!.startsWith('/linked'))
          json(response, { data: rows }, { link: `<${next}>; rel="next"` });
        else json(response, { data: rows, links: { next } });
      },
      [stream('linked'), stream('bodied')],
    );
    const [linked, bodied] = outcome.blueprint.streams;
    assert.deepEqual(linked!.paging, { kind: 'link' });
    assert.deepEqual(bodied!.paging, { kind: 'next_url', nextPath: ['links', 'next'] });
    assert.equal(fact(outcome, 'paging', 'linked').status, 'corrected');
    assert.deepEqual(
      outcome.probes.map(({ rows }) => rows),
      [10, 10, 10, 10],
    );
  });

  it('follows cursors without telling them', async () => {
    const paging: Paging = { kind: 'cursor', cursorParam: 'after', nextPath: ['next'] };
    const { outcome, asked } = await probe(
      (request, response) => {
        const second = query(request).get('after') === 'c/123456';
        json(response, { data: ROWS.slice(second ? 10 : 0, second ? 20 : 10), next: 'c/123456' });
      },
      [stream('users', { paging })],
    );
    assert.equal(asked[1]!.url, '/users?after=c%2F123456');
    assert.equal(fact(outcome, 'paging').status, 'confirmed');
    assert.ok(!JSON.stringify(outcome).includes('123456'));
  });

  it('doubts paging that repeats itself, and mends a first page that is one', async () => {
    const page = (startPage: number): Paging => ({ kind: 'page', pageParam: 'p', startPage });
    const same: RequestListener = (_request, response) => {
      json(response, { data: ROWS.slice(0, 10) });
    };
    const doubted = (await probe(same, [stream('users', { paging: page(1) })])).outcome;
    assert.equal(fact(doubted, 'paging').status, 'unconfirmed');
    assert.ok(doubted.blueprint.gaps.some(({ id }) => id === 'users.paging.probe'));
    const mended = (await probe(same, [stream('users', { paging: page(0) })])).outcome;
    assert.deepEqual(mended.blueprint.streams[0]!.paging, page(1));
    assert.equal(fact(mended, 'paging').status, 'corrected');
  });

  for (const status of [401, 403, 429]) {
    it(`stops at ${status}`, async () => {
      const { outcome, asked } = await probe(
        (_request, response) => response.writeHead(status).end(),
        [stream('users'), stream('teams')],
      );
      assert.equal(asked.length, 1);
      assert.match(outcome.note ?? '', new RegExp(String(status)));
      assert.equal(fact(outcome, 'paging').status, 'found', 'nothing is judged by a refusal');
    });
  }

  it('waits as a busy server asks, once', async () => {
    let first = true;
    const { asked, outcome } = await probe(
      (_request, response) => {
        if (first) response.writeHead(503, { 'retry-after': '1' }).end();
        else json(response, { data: ROWS });
        first = false;
      },
      [stream('users')],
    );
    assert.equal(asked.length, 2);
    assert.ok(asked[1]!.at - asked[0]!.at >= 950);
    assert.equal(fact(outcome, 'record_path').status, 'confirmed');
  });

  it('asks at most twenty times', async () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      stream(`s${i}`, { paging: { kind: 'offset', offsetParam: 'o', startOffset: 0 } }),
    );
    const { asked, outcome } = await probe((request, response) => {
      const from = Number(query(request).get('o'));
      json(response, { data: ROWS.slice(from, from + 10) });
    }, many);
    assert.equal(asked.length, 20);
    assert.match(outcome.note ?? '', /20 requests/);
  }).timeout(30_000);

  it('never leaves the host of the API', async () => {
    let reached = 0;
    await withServer(
      (_request, response) => {
        reached += 1;
        response.end('{}');
      },
      async (other) => {
        const { outcome } = await probe(
          (request, response) => {
            if (request.url === '/moved') response.writeHead(302, { location: `${other}/x` }).end();
            else
              json(
                response,
                { data: ROWS, next: `${other}/users?page=2` },
                { link: `<${other}/x>; rel="next"` },
              );
          },
          [
            stream('users', { paging: { kind: 'next_url', nextPath: ['next'] } }),
            stream('teams', { paging: { kind: 'link' } }),
            stream('moved'),
          ],
        );
        assert.equal(fact(outcome, 'paging', 'users').status, 'unconfirmed');
        assert.equal(fact(outcome, 'paging', 'teams').status, 'unconfirmed');
        assert.equal(outcome.probes.at(-1)!.status, 302);
      },
    );
    assert.equal(reached, 0);
  });

  it('asks nothing where it lacks what a request needs', async () => {
    const required = {
      name: 'q',
      in: 'query' as const,
      type: 'string' as const,
      required: true,
      configKey: 'q',
    };
    const { asked, outcome } = await probe(
      (_request, response) => {
        json(response, {});
      },
      [
        stream('a', { parameters: [required] }),
        stream('b', { path: '/b/{id}' }),
        stream('c', { selected: false }),
        stream('d', { parent: { stream: 'a', parameters: [] } }),
        stream('e', { method: 'POST' }),
      ],
    );
    assert.equal(asked.length, 0);
    assert.match(outcome.note ?? '', /No stream/);
  });

  it('does not send secrets to what a description calls its host, when that is private or plain http', async () => {
    let reached = false;
    await withServer(
      (_request, response) => {
        reached = true;
        response.end('{}');
      },
      async (origin) => {
        const run = (baseUrl: string, credentials: Record<string, string>) =>
          probeApi(blueprint(baseUrl, [stream('users')]), {
            credentials,
            signal: new AbortController().signal,
            progress: () => undefined,
          });
        assert.match((await run(origin, { api_key: KEY })).note ?? '', /private address/);
        assert.match((await run('http://api.example.com', { api_key: KEY })).note ?? '', /https only/);
        assert.match(
          (await run('https://{tenant}.example.com', { api_key: KEY })).note ?? '',
          /not complete/,
        );
        assert.match((await run(origin, { username: 'x' })).note ?? '', /fit none/);
      },
    );
    assert.equal(reached, false);
  });
});
