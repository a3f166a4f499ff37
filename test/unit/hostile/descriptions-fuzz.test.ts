/** A slice of what `npm run fuzz` does: mutated real descriptions, read, understood and compiled within limits. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { readDescription } from '../../../src/openapi/read.ts';
import { buildBlueprint } from '../../../src/openapi/rules/blueprint.ts';
import { Judge } from '../../fuzz/pool.ts';
import { casesOf, sources } from '../../fuzz/sources.ts';
import { temporaryFolder } from '../pipeline/scripted.ts';

const SLICE = 60;

describe('mutated real descriptions', function () {
  this.timeout(180_000);

  it(`${SLICE} of them crash nothing, hang nothing, and compile to files that parse`, async () => {
    // Those that every machine has, and of these the smaller ones: the slice takes seconds.
    const from = sources('').filter(({ bytes }) => bytes < 120_000);
    const judge = new Judge({ timeMs: 60_000, heapMb: 512 });
    const outcomes = new Map<string, number>();
    try {
      for (const one of casesOf(SLICE, 20_261_128, from)) {
        const { outcome, detail, changes } = await judge.judge(one);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        const about = `${one.path} seed ${one.seed} (${changes.join(', ')}): ${outcome}\n${detail}`;
        assert.ok(['compiled', 'nothing to read', 'refused'].includes(outcome), about);
      }
    } finally {
      judge.close();
    }
    // The slice would prove little if it hardly got anywhere.
    assert.ok((outcomes.get('compiled') ?? 0) >= 10, JSON.stringify([...outcomes]));
  });
});

describe('a description that was made to do harm', function () {
  this.timeout(60_000);
  const minimal = (changes: object): object => ({
    openapi: '3.1.0',
    info: { title: 'x', version: '1' },
    servers: [{ url: 'https://api.example.com' }],
    paths: {
      '/things': {
        get: {
          responses: {
            200: {
              description: 'ok',
              content: {
                'application/json': {
                  schema: {
                    type: 'array',
                    items: { type: 'object', properties: { id: { type: 'string' } } },
                  },
                },
              },
            },
          },
        },
      },
    },
    ...changes,
  });

  async function read(text: string, name = 'api.yaml'): Promise<string> {
    const folder = await temporaryFolder();
    try {
      const path = join(folder.path, name);
      await writeFile(path, text);
      const blueprint = buildBlueprint(await readDescription(path), {});
      return JSON.stringify(blueprint);
    } catch (error) {
      assert.ok(error instanceof SourcewrightError && error.code === 'input', String(error).slice(0, 300));
      return `refused: ${error.message}`;
    } finally {
      await folder.remove();
    }
  }

  it('unfolds no YAML bomb', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `a${n + 1}: &a${n + 1} [${Array.from({ length: 10 }, () => `*a${n}`).join(', ')}]`,
    );
    const before = process.memoryUsage().rss;
    assert.match(
      await read(`a0: &a0 x\n${levels.join('\n')}\nopenapi: 3.0.0\n`),
      /^refused: The YAML aliases unfold/,
    );
    assert.ok(process.memoryUsage().rss - before < 300_000_000);
    assert.match(await read('openapi: 3.0.0\nx-a: &a [*a]\n'), /^refused/);
  });

  it('gets no deeper than the limit, however it is nested', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['{"allOf":[', ']}'],
    ] as const)
      for (const depth of [500, 20_000, 200_000]) {
        const text = `{"openapi": "3.0.0", "x-deep": ${open.repeat(depth)}1${close.repeat(depth)}}`;
        assert.match(await read(text, 'api.json'), /^refused/, `${open} ${depth}`);
      }
    assert.match(await read(`openapi: 3.0.0\nx: ${'- '.repeat(5000)}a\n`), /^refused/);
    assert.match(await read(`openapi: 3.0.0\nx: ${'{a: '.repeat(5000)}b${'}'.repeat(5000)}\n`), /^refused/);
  });

  it('reads no file and asks no host that a reference names', async () => {
    for (const ref of [
      'file:///etc/passwd',
      '/etc/passwd',
      '../../../../../../etc/passwd',
      'http://127.0.0.1:9/x',
      'https://169.254.169.254/latest/',
      '\\\\evil\\x',
      '%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    ]) {
      const text = JSON.stringify(minimal({ components: { schemas: { Evil: { $ref: ref } } } }));
      const started = performance.now();
      assert.doesNotMatch(await read(text, 'api.json'), /root:/);
      assert.ok(performance.now() - started < 5000, ref);
    }
  });

  it('makes no rule slow, whatever its texts are made of', async () => {
    const units = [
      '/',
      ' ',
      '*',
      '(',
      '[',
      '<',
      '{',
      'a ',
      'a1',
      'aA',
      '_',
      '-',
      '.',
      ',',
      '`',
      '"',
      '&',
      '#',
      '\n',
      '|',
      'page ',
      'limit ',
      '1 request per ',
      'token=',
      'X-',
    ];
    const slow: string[] = [];
    for (const unit of units) {
      const long = unit.repeat(Math.ceil(100_000 / unit.length));
      const parameter = {
        name: `p${unit.repeat(500)}`,
        in: 'query',
        description: long,
        schema: { type: 'string', pattern: long, default: long },
      };
      const document = minimal({
        info: { title: long, version: long, description: long, license: { name: long } },
        servers: [{ url: `https://${long}` }, { url: 'https://api.example.com', description: long }],
        externalDocs: { url: long },
        components: {
          securitySchemes: { key: { type: 'apiKey', in: 'header', name: long, description: long } },
        },
        paths: {
          [`/things${unit.repeat(300)}`]: {
            get: {
              operationId: long,
              summary: long,
              description: long,
              tags: [long],
              parameters: [parameter],
              responses: {
                200: {
                  description: long,
                  content: {
                    'application/json': {
                      schema: {
                        type: 'array',
                        description: long,
                        items: {
                          type: 'object',
                          properties: { id: { type: 'string', description: long, example: long } },
                        },
                      },
                      example: [{ id: long }],
                    },
                  },
                },
              },
            },
          },
        },
      });
      const started = performance.now();
      await read(JSON.stringify(document), 'api.json');
      const ms = performance.now() - started;
      if (ms > 6000) slow.push(`${JSON.stringify(unit)}: ${ms.toFixed(0)} ms`);
    }
    assert.deepEqual(slow, []);
  });

  it('leaves names of a million slashes out, which many operations come by', async () => {
    const long = '/'.repeat(1_000_000);
    const schema = { type: 'array', items: { type: 'object', properties: { id: { type: 'integer' } } } };
    const paths = (response: object): object =>
      Object.fromEntries(
        Array.from({ length: 100 }, (_, n) => [`/things${n}`, { get: { responses: { 200: response } } }]),
      );
    const info = { title: 'Things', version: '1' };
    const shared = {
      openapi: '3.0.3',
      info,
      servers: [{ url: 'https://api.test' }],
      components: {
        responses: {
          R: { description: '', content: { 'application/json': { schema }, [long]: { schema } } },
        },
      },
      paths: paths({ $ref: '#/components/responses/R' }),
    };
    const swagger = {
      ...{ swagger: '2.0', info, host: 'api.test' },
      ...{
        produces: [long, 'application/json'],
        consumes: [long],
        paths: paths({ description: '', schema }),
      },
    };
    for (const document of [shared, swagger]) {
      const found = await read(JSON.stringify(document), 'api.json');
      assert.match(found, /things99/);
      assert.doesNotMatch(found, /\/{200}/);
    }
    assert.match(await read(JSON.stringify(shared), 'api.json'), /A name in \\"content\\" is longer than/);
  });

  it('pollutes no prototype by its keys', async () => {
    const evil =
      '{"openapi":"3.0.0","info":{"title":"x","version":"1"},"__proto__":{"polluted":1},"paths":{"/a":{"__proto__":{"polluted":1},"get":{"responses":{}}},"__proto__":{"get":{}}},"components":{"schemas":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}}';
    await read(evil, 'api.json');
    await read(
      'openapi: 3.0.0\n__proto__: {polluted: 1}\npaths: {"__proto__": {get: {}}}\n<<: {__proto__: {polluted: 1}}\n',
    );
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    assert.deepEqual(Object.keys(Object.prototype), []);
  });
});
