/** Descriptions that look odd but can be used: they end in a connector, and nothing lands where it should not. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunSummary } from '../../src/terminal/summary.ts';
import { only, removeFolder, sourcewright, temporaryFolder, type Outcome } from './program.ts';

type Json = Record<string, unknown>;

function document(paths: Json, schemas: Json = {}, more: Json = {}): string {
  return JSON.stringify({
    openapi: '3.0.3',
    info: { title: 'Odd API', version: '1' },
    servers: [{ url: 'https://api.example.com/v1' }],
    paths,
    components: { schemas },
    ...more,
  });
}

function list(operationId: string, item: Json, parameters: Json[] = []): Json {
  const schema = { type: 'object', properties: { data: { type: 'array', items: item } } };
  const content = { 'application/json': { schema } };
  return { get: { operationId, parameters, responses: { '200': { description: 'rows', content } } } };
}

const thing = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string' }, name: { type: 'string' } },
};

describe('unusual input', function () {
  this.timeout(600_000);
  let folder = '';
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => removeFolder(folder));

  const said = (outcome: Outcome): RunSummary => only(outcome) as unknown as RunSummary;
  const generate = async (content: string, ...words: string[]): Promise<Outcome> => {
    await writeFile(join(folder, 'api.json'), content);
    return sourcewright(['generate', 'api.json', '--json', ...words], { cwd: folder, timeoutMs: 500_000 });
  };

  it('names that are no Python names, that are keywords, and that lead out of the folder', async () => {
    const paths: Json = {
      '/class': list('class', thing),
      '/import': list('../../../escape', thing),
      '/1st-things': list('1st things!', thing),
      '/größe': list('größe', thing),
      '/None': list('None', thing),
      '/..%2f..%2fetc': list('/etc/passwd', thing),
      '/odd-rows': list('odd rows', {
        type: 'object',
        properties: {
          id: { type: 'string' },
          'not a name': { type: 'string' },
          'a"b\\c\n': { type: 'integer' },
          class: { type: 'boolean' },
          __init__: { type: 'string' },
          '${x} {y} %s """': { type: 'string' },
        },
      }),
      '/odd/{from}/{the-id}': list('odd', thing, [
        { name: 'from', in: 'path', required: true, schema: { type: 'string' } },
        { name: 'the-id', in: 'path', required: true, schema: { type: 'string' } },
        { name: 'lambda', in: 'query', description: 'Ends """ here \\', schema: { type: 'string' } },
      ]),
    };
    const content = document(paths, {}, { info: { title: '../../Evil "API" """ \\', version: '1' } });
    const made = await generate(content, '--auto');
    assert.equal(made.exitCode, 0, made.stderr + made.stdout);
    const { tests, connector, status } = said(made);
    assert.equal(status, 'published');
    assert.equal(tests.passed + tests.skipped, tests.total);
    assert.match(connector.name ?? '', /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    assert.deepEqual((await readdir(folder)).sort(), ['.sourcewright', 'api.json', 'connectors']);
    assert.deepEqual(await readdir(join(folder, 'connectors')), [`source-${connector.name ?? ''}`]);
  });

  it('names that differ only in case: every file is one of its own also where a disk takes them for the same', async () => {
    const odd = {
      ...thing,
      properties: { ...thing.properties, Id: { type: 'string' }, ID: { type: 'string' } },
    };
    const paths: Json = {
      '/books': list('listBooks', odd),
      '/Books': list('ListBooks', thing),
      '/BOOKS': list('listbooks', thing),
    };
    const description = { openapi: '3.0.3', info: { title: 'Case', version: '1' }, paths };
    const servers = [{ url: 'https://api.example.com' }];
    const outcome = await generate(JSON.stringify({ ...description, servers }), '--approve', 'research');
    assert.equal(outcome.exitCode, 3, outcome.stderr);
    const { gate, connector } = said(outcome);
    assert.equal(gate, 'code');
    const files = await readdir(connector.dir ?? '', { recursive: true });
    assert.equal(new Set(files.map((file) => file.toLowerCase())).size, files.length);
    assert.ok(
      ['books.json', 'books_2.json', 'books_3.json'].every((one) =>
        files.includes(join('src', 'schemas', one)),
      ),
    );
  });

  it('schemas that hold themselves', async () => {
    const node = {
      type: 'object',
      properties: {
        id: { type: 'integer' },
        parent: { $ref: '#/components/schemas/Node' },
        children: { type: 'array', items: { $ref: '#/components/schemas/Node' } },
        alias: { $ref: '#/components/schemas/Loop' },
      },
    };
    const schemas = {
      Node: node,
      Loop: { $ref: '#/components/schemas/Pool' },
      Pool: { $ref: '#/components/schemas/Loop' },
    };
    const made = await generate(
      document({ '/nodes': list('nodes', { $ref: '#/components/schemas/Node' }) }, schemas),
      '--auto',
    );
    assert.equal(made.exitCode, 0, made.stderr + made.stdout);
    assert.deepEqual(said(made).streams, ['nodes']);
  });

  it('four thousand operations: some are picked, the rest is listed', async () => {
    const paths: Json = {};
    for (let at = 0; at < 2000; at += 1) {
      paths[`/things${at}`] = list(`list_things_${at}`, thing);
      paths[`/things${at}/{id}`] = {
        get: {
          operationId: `get_thing_${at}`,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: { '200': { description: 'one', content: { 'application/json': { schema: thing } } } },
        },
      };
    }
    const made = await generate(document(paths), '--approve', 'research');
    assert.equal(made.exitCode, 3, made.stderr + made.stdout);
    const { streams, gate } = said(made);
    assert.equal(gate, 'code');
    assert.ok(streams.length >= 10 && streams.length <= 100, `${streams.length} streams`);
    const inspected = await sourcewright(['inspect', 'api.json', '--json'], { cwd: folder });
    assert.equal((only(inspected) as { streams: unknown[] }).streams.length, 2000);
    const picked = await generate(
      document(paths),
      '--approve',
      'research',
      '--streams',
      'things1999,things7',
    );
    assert.deepEqual([...said(picked).streams].sort(), ['things1999', 'things7'], picked.stderr);
  });
});
