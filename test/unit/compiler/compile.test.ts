import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compileConnector, type CompiledFile } from '../../../src/blueprint/compiler/compile.ts';
import { features, generatedStreams } from '../../../src/blueprint/compiler/features.ts';
import { recordSchema } from '../../../src/blueprint/compiler/streams.ts';
import { Blueprint, type Stream } from '../../../src/blueprint/schema.ts';
import { SourcewrightError } from '../../../src/errors.ts';
import { blueprints, everything, outline, plain, shop } from '../../python/blueprints.ts';

const templateDir = fileURLToPath(new URL('../../../src/blueprint/template', import.meta.url));
const interpreter =
  process.env['SOURCEWRIGHT_PYTHON'] ?? (process.platform === 'win32' ? 'python' : 'python3');

function compile(blueprint: Blueprint): CompiledFile[] {
  return compileConnector(blueprint, { templateDir });
}

function textOf(files: readonly CompiledFile[], path: string): string {
  const file = files.find((one) => one.path === path);
  assert.ok(file, `${path} is missing`);
  return file.content;
}

/** The string constants of Python files, and the modules that they import; throws where one does not parse. */
function parsed(files: readonly CompiledFile[]): { strings: string[]; imports: string[]; calls: string[] } {
  const program = `
import ast, json, sys
strings, imports, calls = [], [], []
for path, text in json.load(sys.stdin):
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.append(node.value)
        elif isinstance(node, ast.Import):
            imports += [name.name for name in node.names]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            calls.append(node.func.id)
print(json.dumps({"strings": strings, "imports": imports, "calls": calls}))
`;
  const sources = files.filter((file) => file.path.endsWith('.py')).map((file) => [file.path, file.content]);
  const done = spawnSync(interpreter, ['-c', program], {
    input: JSON.stringify(sources),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout) as { strings: string[]; imports: string[]; calls: string[] };
}

describe('the compiler', function () {
  this.timeout(60_000);

  it('gives the same bytes for the same blueprint, sorted by path, with plain line ends', () => {
    for (const blueprint of blueprints) {
      const first = compile(blueprint);
      assert.deepEqual(compile(Blueprint.parse(structuredClone(blueprint))), first);
      const paths = first.map((file) => file.path);
      assert.deepEqual(paths, [...paths].sort());
      assert.equal(new Set(paths).size, paths.length);
      for (const file of first) {
        assert.ok(!file.content.includes('\r'), file.path);
        assert.ok(file.content === '' || file.content.endsWith('\n'), file.path);
        assert.doesNotMatch(file.path, /(^\/|\.\.|\\)/);
      }
    }
  });

  it('writes Python that parses, with no mark of the template left in it', () => {
    const files = blueprints.flatMap(compile);
    parsed(files);
    for (const file of files) assert.doesNotMatch(file.content, /<\/?feature/, file.path);
  });

  it('takes only what the blueprint needs', () => {
    const files = compile(plain);
    const python = files.filter((file) => file.path.startsWith('src/')).map((file) => file.content);
    const all = python.join('\n');
    for (const absent of ['SecretStr', 'class Offset', 'Incremental', 'PartitionKey', 'rotated', 'deque(']) {
      assert.ok(!all.includes(absent), absent);
    }
    assert.ok(!files.some((file) => /state|incremental/.test(file.path)));
  });

  it('keeps modules of the data face below 400 lines, with everything switched on', () => {
    for (const file of compile(everything)) {
      if (!/^src\/[a-z_]+\.py$/.test(file.path) || /streams|config|operations/.test(file.path)) continue;
      assert.ok(
        file.content.split('\n').length < 440,
        `${file.path}: ${String(file.content.split('\n').length)}`,
      );
    }
  });

  it('has fixtures that the ignore file lets through, and no secret that looks real', () => {
    const files = compile(everything);
    assert.ok(files.some((file) => file.path === 'tests/fixtures/api.json'));
    assert.doesNotMatch(textOf(files, '.gitignore'), /json|fixtures|\*/);
    assert.doesNotMatch(textOf(files, 'tests/fixtures/api.json'), /(sk|ghp|xox[bp])[-_]/);
  });

  it('lets no text of a description out of its literal', () => {
    const hostile = '"""\'\'\'\\"; import turtle\nturtle.bye("x") # \u202e{__import__("turtle")}';
    const stream: Stream = {
      ...(shop.streams[0] as Stream),
      title: hostile,
      description: hostile,
      path: `/a/${hostile.replace(/[?#{}]/g, '')}`,
      recordPath: [hostile],
      paging: {
        kind: 'page',
        pageParam: hostile,
        startPage: 1,
        sizeParam: hostile,
        pageSize: 10,
        totalPath: [hostile],
      },
      parameters: [
        { name: hostile, in: 'query', type: 'string', required: false, value: hostile },
        {
          name: 'k',
          in: 'query',
          type: 'string',
          required: false,
          configKey: 'k',
          description: hostile,
          enum: [hostile, 'b'],
        },
      ],
      incremental: { cursorField: [hostile], cursorFormat: 'date_time', param: hostile, required: false },
      schema: {
        type: 'object',
        title: hostile,
        properties: { [hostile]: { type: 'string', enum: [hostile] } },
      },
    };
    const blueprint = Blueprint.parse({
      ...shop,
      api: { title: hostile, version: hostile, description: hostile, docsUrl: hostile, licence: hostile },
      baseUrl: `https://x.example/${hostile}`,
      serverVariables: [
        { name: hostile, configKey: 'v', description: hostile, default: hostile, enum: [hostile] },
      ],
      auth: [{ name: 'key', parts: [{ kind: 'api_key', in: 'query', name: hostile, prefix: hostile }] }],
      headers: [{ name: 'X-Header', value: hostile }],
      streams: [stream],
    });
    const found = parsed(compile(blueprint));
    assert.ok(found.strings.includes(hostile));
    assert.ok(!found.imports.includes('turtle'));
    assert.ok(!found.calls.includes('__import__'));
  });

  it('generates the parents that a picked child needs, and no stream that nobody picked', () => {
    const picked = shop.streams.map((stream) => ({ ...stream, selected: stream.name === 'lines' }));
    const streams = generatedStreams({ ...shop, streams: picked });
    assert.deepEqual(
      streams.map((stream) => stream.name),
      ['customers', 'orders', 'lines'],
    );
  });

  it("gives the column of a parent's key the type of that key, where it is known", () => {
    const keyed = (key: unknown): { parents: Stream; children: Stream; below: Stream } => {
      const parents: Stream = {
        name: 'parents',
        path: '/parents',
        schema: { type: 'object', properties: { id: key } },
      } as never;
      const child = (name: string, parent: string, from: object): Stream =>
        ({
          ...parents,
          name,
          recordShape: 'list',
          schema: { type: 'object', properties: { id: { type: 'string' } } },
          parent: { stream: parent, parameters: [{ name: 'parent_id', from }] },
        }) as never;
      const children = child('children', 'parents', { kind: 'record', field: ['id'] });
      const below = child('below', 'children', { kind: 'partition', parameter: 'parent_id' });
      return { parents, children, below };
    };
    const typeOf = (key: unknown, of: 'children' | 'below'): unknown => {
      const streams = keyed(key);
      const { properties } = recordSchema(streams[of], Object.values(streams));
      return (properties as Record<string, { type: unknown }>)['parent_id']?.type;
    };
    assert.equal(typeOf({ type: 'integer' }, 'children'), 'integer');
    assert.equal(typeOf({ type: ['string', 'null'], format: 'uuid' }, 'children'), 'string');
    assert.equal(typeOf({ type: 'integer' }, 'below'), 'integer');
    for (const unknown of [{}, { type: ['string', 'integer'] }, { type: 'object' }, undefined])
      assert.deepEqual(typeOf(unknown, 'children'), ['string', 'integer', 'number']);
  });

  it('gives the column both types where rows of a stream lead to lists as its parent’s do', () => {
    const folders = outline.streams.find(({ name }) => name === 'folders') as Stream;
    const { properties } = recordSchema(folders, outline.streams);
    const types = properties as Record<string, { type: unknown }>;
    assert.deepEqual(types['in']?.type, ['integer', 'string']);
    assert.equal(types['document']?.type, 'integer');
  });

  it('demands no field that may be null, because airbyte-cdk leaves out nulls', () => {
    const schema = {
      type: 'object',
      properties: {
        id: { type: 'string' },
        closed_at: { type: ['string', 'null'] },
        state: { type: 'string', enum: ['open', null] },
      },
      required: ['id', 'closed_at', 'state'],
    };
    const rows = { ...(shop.streams[0] as Stream), schema };
    assert.deepEqual(recordSchema(rows, [rows])['required'], ['id']);
    const all = { ...schema, required: ['closed_at'] };
    assert.equal('required' in recordSchema({ ...rows, schema: all }, [rows]), false);
  });

  it('gives a child the key that a person fills in for its parent', () => {
    const parent: Stream = {
      ...(shop.streams[0] as Stream),
      path: '/teams/{team}/customers',
      parameters: [{ name: 'team', in: 'path', type: 'string', required: true, configKey: 'team' }],
    };
    const child = shop.streams[1] as Stream;
    const wrong: Stream = {
      ...child,
      path: '/teams/{team}/customers/{id}/orders',
      parent: {
        stream: 'customers',
        parameters: [
          { name: 'team', from: { kind: 'partition', parameter: 'team' } },
          { name: 'id', from: { kind: 'record', field: ['id'] } },
        ],
      },
    };
    const [, generated] = generatedStreams({ ...shop, streams: [parent, wrong] });
    assert.deepEqual(
      generated?.parent?.parameters.map((one) => one.name),
      ['id'],
    );
    assert.deepEqual(
      generated.parameters.map((one) => [one.name, one.configKey]),
      [['team', 'team']],
    );
  });

  it('keeps a limit by itself only over a short period', () => {
    const limited = (windowSeconds: number): Set<string> =>
      features({ ...plain, rateLimit: { requests: 10, windowSeconds, documents429: true } });
    assert.ok(limited(60).has('rate.bucket'));
    assert.ok(!limited(3600).has('rate.bucket'));
  });

  it('says so where there is nothing to generate, or no template', () => {
    const none = { ...plain, streams: plain.streams.map((stream) => ({ ...stream, selected: false })) };
    assert.throws(
      () => compile(none),
      (error) => error instanceof SourcewrightError && error.code === 'input',
    );
    assert.throws(
      () => compileConnector(plain, { templateDir: '/no/such/folder' }),
      (error) => error instanceof SourcewrightError && error.code === 'environment',
    );
  });
});
