import assert from 'node:assert/strict';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readDescription } from '../../../src/openapi/read.ts';
import { minimal, rejection, withFiles } from './support.ts';

/** What a person may hand over, and what the error must say: message, and cure or place where they help. */
const REFUSED: readonly {
  name: string;
  file?: string;
  content: string | Uint8Array | object;
  message: RegExp;
  cure?: RegExp;
  place?: RegExp;
}[] = [
  { name: 'an empty file', content: '', message: /empty/, cure: /OpenAPI/ },
  { name: 'a file of blanks', content: ' \n\t\n', message: /empty/ },
  {
    name: 'an HTML page',
    content: '<!DOCTYPE html>\n<html><body>Docs</body></html>',
    message: /HTML page/,
    cure: /openapi\.json/,
  },
  { name: 'an HTML page after a comment', content: '<!-- x -->\n<html>', message: /HTML page/ },
  { name: 'a WSDL', content: '<?xml version="1.0"?><wsdl:definitions name="a"/>', message: /WSDL/ },
  {
    name: 'truncated JSON',
    content: JSON.stringify(minimal(), null, 2).slice(0, 200),
    message: /truncated/,
    place: /^line \d+, column \d+$/,
    cure: /again/,
  },
  { name: 'JSON cut inside a string', content: '{"openapi": "3.0', message: /truncated/ },
  {
    name: 'broken JSON',
    content: '{"openapi": "3.0.0",\n "info": {"title" "x"}}',
    message: /JSON is broken/,
    place: /^line 2, column 19$/,
  },
  {
    name: 'broken YAML',
    file: 'api.yaml',
    content: 'openapi: 3.0.0\ninfo:\n  title: x\n version: 1\n',
    message: /YAML is broken/,
    place: /^line 4/,
  },
  {
    name: 'a YAML bomb',
    file: 'bomb.yaml',
    content: `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from(
      { length: 9 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]\n`,
    ).join('')}`,
    message: /aliases unfold/,
    cure: /YAML bomb/,
  },
  {
    name: 'a YAML alias that holds itself',
    file: 'a.yaml',
    content: 'openapi: 3.0.0\npaths: &p\n  /a: *p\n',
    message: /nested deeper/,
  },
  {
    name: 'JSON nested without end',
    content: `{"openapi":"3.0.0","paths":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    message: /nested deeper/,
  },
  {
    name: 'YAML nested without end',
    file: 'deep.yaml',
    content: `a: ${'['.repeat(5000)}${']'.repeat(5000)}`,
    message: /nested deeper|broken/,
  },
  { name: 'a list', content: '[1, 2]', message: /a list, not an object/ },
  { name: 'plain text', file: 'a.txt', content: 'Dear all,\nhere is our API.', message: /plain text/ },
  { name: 'null', content: 'null', message: /nothing/ },
  {
    name: 'other JSON',
    content: { name: 'x', dependencies: {} },
    message: /no "openapi" or "swagger".*"name"/,
  },
  {
    name: 'a Postman collection',
    content: {
      info: {
        _postman_id: '1',
        name: 'x',
        schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
      },
      item: [],
    },
    message: /Postman collection/,
    cure: /OpenAPI/,
  },
  {
    name: 'an AsyncAPI document',
    file: 'a.yaml',
    content: 'asyncapi: 2.6.0\ninfo: {title: x, version: "1"}\nchannels: {}\n',
    message: /AsyncAPI/,
  },
  {
    name: 'a GraphQL schema',
    file: 'a.graphql',
    content: 'type Query {\n  me: User\n}\n',
    message: /GraphQL/,
  },
  { name: 'a GraphQL introspection', content: { data: { __schema: { types: [] } } }, message: /GraphQL/ },
  { name: 'Swagger 1.2', content: { swaggerVersion: '1.2', apis: [] }, message: /Swagger 1/ },
  {
    name: 'OpenAPI 4',
    content: { openapi: '4.0.0', paths: { '/a': {} } },
    message: /4\.0\.0 is not read/,
    place: /^\/openapi$/,
  },
  { name: 'RAML', file: 'a.raml', content: '#%RAML 1.0\ntitle: x\n', message: /RAML/ },
  { name: 'no paths', content: { openapi: '3.1.0', info: {} }, message: /no "paths"/, place: /^\/paths$/ },
  { name: 'empty paths', content: { openapi: '3.1.0', info: {}, paths: {} }, message: /names no path/ },
  {
    name: 'paths that is a list',
    content: { openapi: '3.1.0', info: {}, paths: [] },
    message: /not an object/,
  },
  {
    name: 'webhooks alone',
    content: { openapi: '3.1.0', info: {}, webhooks: { made: { post: {} } } },
    message: /webhooks only/,
  },
  { name: 'a binary file', content: Uint8Array.from([1, 2, 3, 0, 0, 0, 9, 9]), message: /binary/ },
  { name: 'a gzip archive', content: gzipSync('{}'), message: /gzip/, cure: /Unpack/ },
  { name: 'a PDF', content: '%PDF-1.7 ...', message: /PDF/ },
];

describe('descriptions that can not be read', () => {
  for (const { name, file = 'api.json', content, message, cure, place } of REFUSED) {
    it(`refuses ${name}`, async () => {
      await withFiles({ [file]: content }, async (folder) => {
        const path = join(folder, file);
        const error = await rejection(readDescription(path));
        assert.equal(error.code, 'input');
        assert.match(error.message, message);
        assert.equal(error.where, path);
        assert.ok((error.cure ?? '').length > 10, 'says what to do');
        if (cure !== undefined) assert.match(error.cure ?? '', cure);
        if (place !== undefined) assert.match(error.place ?? '', place);
      });
    });
  }

  it('refuses a file of 100 MB without reading it', async () => {
    await withFiles({}, async (folder) => {
      const path = join(folder, 'large.json');
      await writeFile(path, '{');
      await truncate(path, 100 * 1024 * 1024);
      const before = process.memoryUsage().arrayBuffers;
      const error = await rejection(readDescription(path));
      assert.equal(error.code, 'input');
      assert.match(error.message, /100 MB of at most 50 MB/);
      assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000, 'was not read');
    });
  });

  it('names a likely file when it is given a folder', async () => {
    await withFiles({ 'spec/openapi.yaml': 'x', 'spec/readme.md': 'y' }, async (folder) => {
      const error = await rejection(readDescription(join(folder, 'spec')));
      assert.equal(error.code, 'input');
      assert.match(error.message, /folder/);
      assert.match(error.cure ?? '', /openapi\.yaml/);
    });
  });

  it('tells what a text is in bounded time, whatever its marks', async () => {
    const texts = [
      '"""'.repeat(1400),
      '#\n   '.repeat(800),
      '<!--'.repeat(1000),
      '# a\n'.repeat(1000),
      '<a '.repeat(1300),
    ];
    for (const text of texts) {
      await withFiles({ 'a.yaml': text }, async (folder) => {
        const started = performance.now();
        await rejection(readDescription(join(folder, 'a.yaml')));
        assert.ok(performance.now() - started < 1000, text.slice(0, 20));
      });
    }
  });

  it('refuses what is no regular file', async () => {
    const error = await rejection(readDescription('/dev/zero'));
    assert.equal(error.code, 'input');
    assert.match(error.message, /not a regular file/);
  });

  for (const location of [
    '',
    'nowhere.yaml',
    'ftp://example.com/openapi.json',
    'http://',
    'a\0b.json',
    'file://host/%zz',
  ]) {
    it(`refuses the location ${JSON.stringify(location)}`, async () => {
      const error = await rejection(readDescription(location));
      assert.equal(error.code, 'input');
      assert.ok(error.cure);
    });
  }

  it('stops when asked to', async () => {
    await withFiles({ 'a.json': minimal() }, async (folder) => {
      const error = await rejection(readDescription(join(folder, 'a.json'), { signal: AbortSignal.abort() }));
      assert.equal(error.code, 'cancelled');
    });
  });

  it('refuses further documents beyond the size limit, and reads the rest', async () => {
    const main = minimal({ components: { schemas: { Thing: { $ref: 'big.json' } } } });
    await withFiles({ 'a.json': main, 'big.json': { description: 'x'.repeat(5000) } }, async (folder) => {
      const description = await readDescription(join(folder, 'a.json'), { maxBytes: 4000 });
      assert.equal(description.problems.length, 1);
      assert.match(description.problems[0]!.message, /big\.json.*larger than the limit/);
    });
  });

  it('makes nothing of a folder that may not be listed', async () => {
    await withFiles({}, async (folder) => {
      await mkdir(join(folder, 'empty'));
      const error = await rejection(readDescription(join(folder, 'empty')));
      assert.match(error.cure ?? '', /file inside/);
    });
  });
});

describe('descriptions that other readers stumble over', () => {
  const text = JSON.stringify(minimal());

  it('reads UTF-8 with a mark, and UTF-16 with and without', async () => {
    const little = Buffer.from(text, 'utf16le');
    const big = Buffer.from(little).swap16();
    const files = {
      'utf8.json': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]),
      'le.json': Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
      'be.json': Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
      'le-bare.json': little,
      'be-bare.json': big,
    };
    await withFiles(files, async (folder) => {
      for (const name of Object.keys(files)) {
        const description = await readDescription(join(folder, name));
        assert.equal(description.document.info.title, 'Small', name);
        assert.deepEqual(description.problems, [], name);
      }
    });
  });

  it('reads Windows-1252 with a warning', async () => {
    const bytes = Buffer.from(text.replace('Small', 'Caf\u00e9'), 'latin1');
    await withFiles({ 'a.json': bytes }, async (folder) => {
      const description = await readDescription(join(folder, 'a.json'));
      assert.equal(description.document.info.title, 'Café');
      assert.match(description.problems[0]!.message, /UTF-8/);
    });
  });

  it('takes the last of duplicate keys and says so, in JSON and YAML', async () => {
    const files = {
      'a.json': text.replace('"title":"Small"', '"title":"First","title":"Last"'),
      'a.yaml': 'openapi: 3.0.0\ninfo: {title: First}\ninfo: {title: Last}\npaths: {/a: {get: {}}}\n',
    };
    await withFiles(files, async (folder) => {
      for (const name of Object.keys(files)) {
        const description = await readDescription(join(folder, name));
        assert.equal(description.document.info.title, 'Last', name);
        assert.match(description.problems[0]!.message, /twice/, name);
        assert.match(description.problems[0]!.message, /line \d+, column \d+/, name);
      }
    });
  });

  it('accepts trailing commas with a warning', async () => {
    await withFiles({ 'a.json': text.replace(/}$/, ',}') }, async (folder) => {
      const description = await readDescription(join(folder, 'a.json'));
      assert.match(description.problems[0]!.message, /Not strict JSON/);
    });
  });

  it('reads versions that YAML makes numbers of, dates as text, and merge keys', async () => {
    const yaml = [
      'swagger: 2.0',
      'info: {title: Y, version: 2024-01-02}',
      'x-base: &base {summary: Shared}',
      'paths:',
      '  /a:',
      '    get: {<<: *base, responses: {200: {description: ok}}}',
      '',
    ].join('\n');
    await withFiles({ 'a.yaml': yaml }, async (folder) => {
      const { document, format } = await readDescription(join(folder, 'a.yaml'));
      assert.equal(format, 'swagger-2.0');
      assert.equal(document.info.version, '2024-01-02');
      assert.equal(document.paths['/a']!.get!.summary, 'Shared');
      assert.ok(document.paths['/a']!.get!.responses!['200']);
    });
  });

  it('leaves no way to a prototype', async () => {
    const hostile = text.replace(
      '"properties":{',
      '"properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"},',
    );
    await withFiles({ 'a.json': hostile }, async (folder) => {
      const description = await readDescription(join(folder, 'a.json'));
      const properties = description.document.components.schemas!.Thing!.properties!;
      assert.deepEqual(Object.keys(properties), ['constructor', 'id', 'name']);
      assert.equal(Object.getPrototypeOf(properties), Object.prototype);
    });
  });

  it('reads a description whose version is missing or misnamed, with a warning', async () => {
    const { openapi: _, ...rest } = minimal();
    const files = {
      'none.json': rest,
      'swagger3.json': { swagger: '3.0.0', ...rest },
      'v32.json': { openapi: '3.2.0', ...rest },
    };
    await withFiles(files, async (folder) => {
      for (const [name, format] of [
        ['none.json', 'openapi-3.0'],
        ['swagger3.json', 'openapi-3.0'],
        ['v32.json', 'openapi-3.1'],
      ] as const) {
        const description = await readDescription(join(folder, name));
        assert.equal(description.format, format);
        assert.equal(description.problems.length, 1, name);
      }
    });
  });
});
