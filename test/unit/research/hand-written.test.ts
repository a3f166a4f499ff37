import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import yaml from 'js-yaml';
import { compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import { Blueprint } from '../../../src/blueprint/schema.ts';
import { SourcewrightError } from '../../../src/errors.ts';
import { readSource } from '../../../src/stages/research/read-source.ts';

const root = join(import.meta.dirname, '../../..');
const templateDir = join(root, 'src/blueprint/template');

type Json = Record<string, unknown>;
interface Document extends Json {
  streams: [Json, Json];
}

/** The blueprint that the documentation shows. */
async function documented(): Promise<Document> {
  const page = await readFile(join(root, 'docs/blueprints.md'), 'utf8');
  return yaml.load(/```yaml\n(.*?)```/s.exec(page)?.[1] ?? '') as Document;
}

describe('a blueprint that was written by hand', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sourcewright-blueprint-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  async function read(content: unknown, options: Parameters<typeof readSource>[1] = {}): Promise<Blueprint> {
    const path = join(dir, 'api.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return readSource(path, options);
  }

  /** The error that a changed blueprint is refused with. */
  async function refusal(change: (document: Document) => void): Promise<SourcewrightError> {
    const document = await documented();
    change(document);
    try {
      await read(document);
    } catch (error) {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'input');
      return error;
    }
    throw new assert.AssertionError({ message: 'It was not refused.' });
  }

  it('is read as the documentation shows it, as JSON or YAML', async () => {
    const blueprint = await read(await documented());
    assert.deepEqual(Blueprint.parse(blueprint), blueprint);
    assert.equal(blueprint.name, 'ferry-timetable');
    assert.equal(blueprint.source.format, 'blueprint');
    assert.deepEqual(blueprint.auth, [{ name: 'token', parts: [{ kind: 'bearer' }] }]);
    assert.deepEqual(
      blueprint.streams.map(({ name, selected, method }) => [name, selected, method]),
      [
        ['lines', true, 'GET'],
        ['sailings', true, 'GET'],
      ],
    );
    assert.deepEqual(blueprint.gaps, []);
    const again = await read(yaml.dump(await documented()));
    assert.deepEqual(again.streams, blueprint.streams);
  });

  it('names where each fact is said, and takes the rest as the person’s word', async () => {
    const { facts } = await read(await documented());
    const evidence = (subject: string, fact: string): unknown =>
      facts.find((one) => one.subject === subject && one.fact === fact)?.evidence;
    assert.deepEqual(evidence('lines', 'paging'), [
      { source: 'docs', document: 'https://ferries.example/docs/paging', quote: 'Pass meta.next as after.' },
    ]);
    assert.deepEqual(evidence('lines', 'primary_key'), [{ source: 'person' }]);
    const told = facts.filter(({ fact }) => fact !== 'operation');
    assert.deepEqual([...new Set(told.map(({ status }) => status))], ['confirmed']);
  });

  it('compiles, with an operation for each stream that leads from parents to children', async () => {
    const blueprint = await read(await documented());
    assert.deepEqual(
      blueprint.operations.map(({ name, next }) => [name, next.map(({ operation }) => operation)]),
      [
        ['list_lines', ['list_sailings']],
        ['list_sailings', []],
      ],
    );
    const paths = compileConnector(blueprint, { templateDir }).map(({ path }) => path);
    assert.ok(paths.includes('src/schemas/sailings.json'));
    assert.ok(paths.includes('src/operations.py'));
  });

  it('has operations that send what their streams send, and take what is left open', async () => {
    const document = await documented();
    const [, sailings] = document.streams;
    const filter = { property: 'object', value: 'sailing' };
    sailings['method'] = 'POST';
    sailings['path'] = '/sailings';
    sailings['parameters'] = [
      { name: 'filter', in: 'body', type: 'object', value: filter },
      { name: 'port', in: 'query', type: 'string', description: 'Where it starts.', configKey: 'port' },
    ];
    const [lines, of] = (await read(document)).operations;
    assert.deepEqual(
      of?.parameters.map(({ name, in: place, required, value, description }) => [
        ...[name, place, required, value],
        description,
      ]),
      [
        // The parent's value, which is no part of the path.
        ['line_id', 'query', true, undefined, 'Id of one of the lines.'],
        ['filter', 'body', false, filter, 'Filter.'],
        ['port', 'query', false, undefined, 'Where it starts.'],
        ['changed_since', 'body', false, undefined, 'Changed since.'],
      ],
    );
    assert.deepEqual(lines?.next, [{ operation: 'list_sailings', parameter: 'line_id', field: ['id'] }]);
  });

  it('reads rows below rows of the same kind, and leads from each to those below it', async () => {
    const document = await documented();
    const [, sailings] = document.streams;
    delete sailings['incremental'];
    (sailings['parent'] as Json)['recursive'] = { flag: ['has_legs'] };
    const blueprint = await read(document);
    assert.deepEqual(blueprint.streams[1]?.parent?.recursive, { flag: ['has_legs'] });
    const step = { operation: 'list_sailings', parameter: 'line_id', field: ['id'] };
    assert.deepEqual(
      blueprint.operations.map(({ next }) => next),
      [[step], [step]],
    );
    const files = new Map(compileConnector(blueprint, { templateDir }).map((one) => [one.path, one.content]));
    assert.match(
      files.get('src/streams.py') ?? '',
      /recursion=Recursion\(parameter="line_id", field=\("id",\), flag=\("has_legs",\)\)/,
    );
    assert.ok(files.has('src/recursion.py'));
    const plain = compileConnector(await read(await documented()), { templateDir });
    assert.deepEqual(
      plain.map(({ path }) => path).filter((path) => path.includes('recursion')),
      [],
    );
  });

  it('takes a name and a choice of streams', async () => {
    const blueprint = await read(await documented(), { name: 'boats', streams: ['sailings'] });
    assert.equal(blueprint.name, 'boats');
    assert.deepEqual(
      blueprint.streams.map(({ selected, omittedBecause }) => [selected, omittedBecause]),
      [
        [false, 'Not picked.'],
        [true, undefined],
      ],
    );
  });

  const MISTAKES: readonly [string, (document: Document) => void, RegExp, string][] = [
    ['a misspelt property', (one) => (one.streams[0]['primarykey'] = []), /property/, '/streams/0/primarykey'],
    ['one deep below', (one) => ((one.streams[0]['paging'] as Json)['size'] = 1), /property/, '/streams/0/paging/size'],
    ['an unknown kind of paging', (one) => ((one.streams[0]['paging'] as Json)['kind'] = 'x'), /./, '/streams/0/paging/kind'],
    ['a path without a slash', (one) => (one.streams[1]['path'] = 'x'), /./, '/streams/1/path'],
    ['no title', (one) => delete one['title'], /./, '/title'],
    ['no stream', (one) => ((one as Json)['streams'] = []), /./, '/streams'],
    ['another address', (one) => (one['baseUrl'] = 'ftp://x'), /http/, '/baseUrl'],
    ['two streams of one name', (one) => (one.streams[1]['name'] = 'lines'), /more than one/, '/streams/1/name'],
    ['a parent that is not there', (one) => ((one.streams[1]['parent'] as Json)['stream'] = 'x'), /no stream x/, '/streams/1/parent/stream'],
    ['a stream below itself', (one) => ((one.streams[1]['parent'] as Json)['stream'] = 'sailings'), /own ancestor/, '/streams/1/parent/stream'],
    ['rows below rows that are read by time', (one) => ((one.streams[1]['parent'] as Json)['recursive'] = {}), /in full/, '/streams/1/parent/recursive'],
    ['rows below rows that fill nothing', (one) => Object.assign(one.streams[1]['parent'] as Json, { recursive: {}, parameters: [] }), /exactly one/, '/streams/1/parent/recursive'],
    ['a version to come', (one) => (one['blueprint'] = 2), /./, '/blueprint'],
  ]; // prettier-ignore
  for (const [what, change, message, place] of MISTAKES) {
    it(`refuses ${what}, with the place`, async () => {
      const error = await refusal(change);
      assert.match(error.message, message);
      assert.equal(error.place, place);
      assert.match(error.cure ?? '', /docs\/blueprints\.md/);
    });
  }

  it('is not what a description with a word of that kind is', async () => {
    const description = {
      openapi: '3.0.3',
      info: { title: 'House plans', version: '1' },
      blueprint: 1,
      paths: { '/plans': { get: { responses: { 200: { description: 'x' } } } } },
    };
    assert.equal((await read(description)).source.format, 'openapi-3.0');
  });

  it('is explained like any file that can’t be read', async () => {
    await assert.rejects(readSource(join(dir, 'none.yaml')), /no such file/);
    await assert.rejects(read('blueprint: [1'), (error) => error instanceof SourcewrightError);
  });
});
