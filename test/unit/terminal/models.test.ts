/** The list of models, asked of a server on this machine. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRICES_AS_OF } from '../../../src/agents/cost/prices.ts';
import { call, type Called } from './calls.ts';

const model = (id: string): object => ({
  type: 'model',
  id,
  display_name: id,
  created_at: '2026-10-01T00:00:00Z',
});

describe('terminal: models', () => {
  let folder = '';
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-models-'));
    server = createServer((request, response) => {
      answer(request, response);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await rm(folder, { recursive: true, force: true });
  });

  const json = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const models = (...words: string[]): Promise<Called> => {
    const { port } = server.address() as AddressInfo;
    const env = { ANTHROPIC_API_KEY: 'a-key-for-tests', ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}` };
    return call(['models', ...words], { cwd: folder, env });
  };
  const list = (...ids: string[]): void => {
    answer = (request, response) => {
      assert.match(request.url ?? '', /^\/v1\/models/);
      json(response, 200, { data: ids.map(model), has_more: false, first_id: null, last_id: null });
    };
  };

  it('says of each what it costs and where it works by default', async () => {
    list('claude-opus-5-5-20260922', 'claude-haiku-5-5', 'claude-unheard-of');
    const made = await models();
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(
      made.stdout.split('\n').map((line) => line.replace(/ +/g, ' ')),
      [
        'claude-opus-5-5-20260922 $4 in, $20 out generate',
        'claude-haiku-5-5 $0.1 in, $0.5 out publish',
        'claude-unheard-of price not known',
        '',
      ],
    );
    assert.match(made.stderr, new RegExp(`table of ${PRICES_AS_OF}[^]*--prices FILE`));
    assert.equal(made.setting, undefined);
  });

  it('says it to scripts, with prices of one’s own', async () => {
    list('claude-haiku-5-5', 'claude-unheard-of');
    await writeFile(join(folder, 'prices.json'), '{"claude-unheard-of": {"input": 1, "output": 2}}');
    const made = await models('--json', '--prices', 'prices.json');
    assert.deepEqual(JSON.parse(made.stdout), {
      models: [
        {
          id: 'claude-haiku-5-5',
          price: { input: 0.1, output: 0.5, source: 'table' },
          defaultFor: ['publish'],
        },
        { id: 'claude-unheard-of', price: { input: 1, output: 2, source: 'setting' }, defaultFor: [] },
      ],
      pricesAsOf: PRICES_AS_OF,
      warning: null,
    });
  });

  it('says that a gateway has no such list', async () => {
    answer = (_, response) => {
      json(response, 404, { type: 'error', error: { type: 'not_found_error', message: 'none' } });
    };
    const made = await models();
    assert.equal(made.code, 0, made.stderr);
    assert.equal(made.stdout, '');
    assert.match(made.stderr, /warning: .*no list of models/);
  });

  it('ends with exit code 4 for a refused key or none, and 2 where nothing answers', async () => {
    answer = (_, response) => {
      json(response, 401, { type: 'error', error: { type: 'authentication_error', message: 'invalid' } });
    };
    const refused = await models();
    assert.equal(refused.code, 4, refused.stderr);
    assert.doesNotMatch(refused.stderr, /a-key-for-tests/);
    const none = await call(['models'], { cwd: folder });
    assert.equal(none.code, 4);
    assert.match(none.stderr, /ANTHROPIC_API_KEY/);
    answer = (_, response) => {
      response.destroy();
    };
    assert.equal((await models()).code, 2);
  });
});
