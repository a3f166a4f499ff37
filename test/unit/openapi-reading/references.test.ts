import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { splitPointer } from '../../../src/openapi/description.ts';
import type { ResponseObject, SchemaObject } from '../../../src/openapi/document.ts';
import { readDescription, type ReadOptions } from '../../../src/openapi/read.ts';
import { minimal, rejection, withFiles, withServer, type Files } from './support.ts';

async function read(files: Files, main = 'api.json', options: ReadOptions = {}) {
  return withFiles(files, (folder) => readDescription(join(folder, main), options));
}

const withThing = (Thing: object) => minimal({ components: { schemas: { Thing } } });

describe('references inside a description', () => {
  it('are followed through chains, and say where they end', async () => {
    const description = await read({
      'api.json': minimal({
        components: {
          schemas: {
            Thing: { $ref: '#/components/schemas/B~1C' },
            'B/C': { $ref: '#/components/schemas/D%20E' },
            'D E': { type: 'object' },
          },
        },
      }),
    });
    const found = description.deref<SchemaObject>(
      { ...description.document.components.schemas!.Thing },
      '/x',
    );
    assert.deepEqual(found, { value: { type: 'object' }, pointer: '/components/schemas/D E' });
    assert.deepEqual(description.problems, []);
  });

  it('may be circular as schemas', async () => {
    const description = await read({
      'api.json': withThing({
        type: 'object',
        properties: { parent: { $ref: '#/components/schemas/Thing' } },
      }),
    });
    const thing = description.document.components.schemas!.Thing!;
    assert.equal(description.deref(thing.properties!.parent!, '/p')!.value, thing);
  });

  it('give nothing and a problem when they only lead to each other', async () => {
    const description = await read({
      'api.json': minimal({
        components: {
          schemas: {
            Thing: { $ref: '#/components/schemas/Other' },
            Other: { $ref: '#/components/schemas/Thing' },
          },
        },
      }),
    });
    assert.equal(
      description.deref(description.document.components.schemas!.Thing!, '/components/schemas/Thing'),
      undefined,
    );
    assert.match(description.problems[0]!.message, /only lead to each other/);
    assert.equal(description.problems[0]!.pointer, '/components/schemas/Thing');
  });

  it('are reported once each when broken, and stop nothing', async () => {
    const description = await read({
      'api.json': withThing({
        type: 'object',
        properties: {
          a: { $ref: '#/components/schemas/Gone' },
          b: { $ref: '#/components/schemas/Gone' },
          c: { $ref: '#/nowhere' },
          d: { $ref: 7 },
          e: { type: 'string' },
        },
      }),
    });
    const errors = description.problems.filter(({ severity }) => severity === 'error');
    assert.deepEqual(
      errors.map(({ message, pointer }) => [message, pointer]),
      [
        [
          'The reference "#/components/schemas/Gone" leads nowhere (used 2 times).',
          '/components/schemas/Thing/properties/a',
        ],
        ['The reference "#/nowhere" leads nowhere.', '/components/schemas/Thing/properties/c'],
      ],
    );
    const { properties } = description.document.components.schemas!.Thing!;
    assert.equal(description.deref(properties!.a!, '/a'), undefined);
    assert.deepEqual(properties!.e, { type: 'string' });
  });

  it('are reported in vendor extensions as warnings', async () => {
    const description = await read({ 'api.json': minimal({ 'x-policies': [{ $ref: '../policies.yaml' }] }) });
    assert.deepEqual(
      description.problems.map(({ severity, pointer }) => [severity, pointer]),
      [['warning', '/x-policies/0']],
    );
  });

  it('find components and headers whose names begin with x-', async () => {
    const description = await read({
      'api.json': minimal({
        paths: {
          '/a': {
            get: {
              parameters: [{ $ref: '#/components/parameters/x-version' }],
              responses: {
                200: { description: 'ok', headers: { 'x-total': { $ref: '#/components/headers/x-total' } } },
                'x-note': { anything: true },
              },
            },
          },
        },
        components: {
          parameters: { 'x-version': { name: 'x-version', in: 'header' } },
          headers: { 'x-total': { schema: { type: 'integer' } } },
          schemas: { 'x-thing': { type: 'object' } },
        },
      }),
    });
    assert.deepEqual(description.problems, []);
    const operation = description.document.paths['/a']!.get!;
    assert.equal(description.deref(operation.parameters![0]!, 'x')!.value.name, 'x-version');
    assert.deepEqual(Object.keys(operation.responses!), ['200']);
    const { headers } = operation.responses!['200'] as ResponseObject;
    assert.equal(description.deref(headers!['x-total']!, 'x')!.value.schema!.type, 'integer');
    assert.ok(description.document.components.schemas!['x-thing']);
  });

  it('find anchors and schemas outside components', async () => {
    const description = await read({
      'api.json': minimal({
        'x-schemas': { Odd: { type: 'string', nullable: true } },
        components: {
          schemas: {
            Thing: { type: 'object', properties: { a: { $ref: '#named' }, b: { $ref: '#/x-schemas/Odd' } } },
            Named: { $anchor: 'named', type: 'integer' },
          },
        },
      }),
    });
    const { a, b } = description.document.components.schemas!.Thing!.properties!;
    assert.equal(description.deref(a!, '/a')!.value.type, 'integer');
    assert.deepEqual(description.deref(b!, '/b')!.value.type, ['string', 'null']);
    assert.deepEqual(description.problems, []);
  });
});

describe('references to other files', () => {
  const files: Files = {
    'api/openapi.yaml': [
      'openapi: 3.0.3',
      'info: {title: Split, version: "1"}',
      'paths:',
      '  /users: {$ref: paths/users.yaml}',
      '  /pets: {$ref: "paths/pets.yaml#/list"}',
      'components: {schemas: {Error: {type: object, nullable: true}}}',
    ].join('\n'),
    'api/paths/users.yaml': [
      'get:',
      '  parameters: [{$ref: "../parameters.json#/Limit"}]',
      '  responses:',
      '    "200": {description: ok, content: {application/json: {schema: {$ref: ../schemas/user.yaml}}}}',
      '    default: {description: bad, content: {application/json: {schema: {$ref: "../openapi.yaml#/components/schemas/Error"}}}}',
    ].join('\n'),
    'api/paths/pets.yaml': 'list: {get: {responses: {"200": {$ref: "#/ok"}}}}\nok: {description: Pets}\n',
    'api/parameters.json': {
      Limit: { name: 'limit', in: 'query', schema: { type: 'integer', nullable: true } },
    },
    'api/schemas/user.yaml':
      'type: object\nproperties:\n  boss: {$ref: user.yaml}\n  pet: {$ref: "#/$defs/Pet"}\n$defs: {Pet: {type: string, nullable: true}}\n',
  };

  it('are loaded before, resolved from where they stand, and lifted', async () => {
    const description = await read(files, 'api/openapi.yaml');
    assert.deepEqual(description.problems, []);
    const users = description.deref(description.document.paths['/users']!, '/paths/~1users')!;
    assert.equal(users.pointer, 'paths/users.yaml#');
    const { get } = users.value;
    const limit = description.deref(get!.parameters![0]!, `${users.pointer}/get/parameters/0`)!;
    assert.equal(limit.pointer, 'parameters.json#/Limit');
    assert.deepEqual(limit.value.schema, { type: ['integer', 'null'] });
    const ok = description.deref(get!.responses!['200']!, 'x')!.value;
    const user = description.deref(ok.content!['application/json']!.schema!, 'x')!;
    assert.deepEqual(splitPointer(user.pointer), { document: 'schemas/user.yaml', pointer: '' });
    assert.equal(description.deref(user.value.properties!.boss!, 'x')!.value, user.value);
    assert.deepEqual(description.deref(user.value.properties!.pet!, 'x')!.value.type, ['string', 'null']);
    const bad = description.deref(get!.responses!.default!, 'x')!.value;
    const error = description.deref(bad.content!['application/json']!.schema!, 'x')!;
    assert.equal(error.pointer, '/components/schemas/Error');
    const pets = description.deref(description.document.paths['/pets']!, 'x')!;
    assert.equal(description.deref(pets.value.get!.responses!['200']!, 'x')!.value.description, 'Pets');
  });

  it('make the same digest each time, and another when a file changes', async () => {
    const one = await read(files, 'api/openapi.yaml');
    const two = await read(files, 'api/openapi.yaml');
    const changed = await read(
      { ...files, 'api/parameters.json': { Limit: { name: 'max', in: 'query' } } },
      'api/openapi.yaml',
    );
    assert.equal(one.sha256, two.sha256);
    assert.notEqual(one.sha256, changed.sha256);
    assert.ok(one.bytes > 700);
  });

  it('may hold all paths or all schemas', async () => {
    const description = await read({
      'api.json': minimal({
        paths: { $ref: 'paths.json' },
        components: { schemas: { $ref: 'schemas.json' } },
      }),
      'paths.json': {
        '/a': { get: { responses: { 200: { $ref: '#/~1a/x-ok' } } }, 'x-ok': { description: 'fine' } },
      },
      'schemas.json': { Thing: { type: 'string', nullable: true } },
    });
    assert.deepEqual(description.problems, []);
    const response = description.document.paths['/a']!.get!.responses!['200']!;
    assert.equal(description.deref(response, 'x')!.value.description, 'fine');
    assert.deepEqual(description.document.components.schemas!.Thing!.type, ['string', 'null']);
    assert.equal(description.originalPointer('/paths/~1a/get'), 'paths.json#/~1a/get');
  });

  it('work for Swagger 2.0 as well', async () => {
    const description = await read({
      'api.json': {
        swagger: '2.0',
        info: { title: 'x', version: '1' },
        host: 'h.example',
        paths: {
          '/a': {
            get: {
              parameters: [{ $ref: 'shared.json#/parameters/body' }, { $ref: 'shared.json#/parameters/q' }],
              responses: { 200: { description: 'ok', schema: { $ref: 'shared.json#/definitions/A' } } },
            },
          },
        },
        definitions: { B: { type: 'string' } },
      },
      'shared.json': {
        parameters: {
          q: { name: 'q', in: 'query', type: 'integer' },
          body: { name: 'b', in: 'body', schema: { type: 'object' } },
        },
        definitions: { A: { type: 'object', properties: { b: { $ref: 'api.json#/definitions/B' } } } },
      },
    });
    assert.deepEqual(description.problems, []);
    const { get } = description.document.paths['/a']!;
    assert.equal(get!.parameters!.length, 1);
    assert.deepEqual(description.deref(get!.parameters![0]!, 'x')!.value, {
      name: 'q',
      in: 'query',
      schema: { type: 'integer' },
    });
    assert.ok(get!.requestBody);
    const ok = description.deref(get!.responses!['200']!, 'x')!.value;
    const a = description.deref(ok.content!['application/json']!.schema!, 'x')!.value;
    assert.equal(description.deref(a.properties!.b!, 'x')!.pointer, '/components/schemas/B');
  });

  it('stay in the folder of the description, or in the folder given', async () => {
    const tree = {
      'specs/api.json': withThing({
        type: 'object',
        properties: { a: { $ref: '../shared/a.json' }, b: { type: 'string' } },
      }),
      'shared/a.json': { type: 'integer' },
    };
    await withFiles(tree, async (folder) => {
      const main = join(folder, 'specs', 'api.json');
      const narrow = await readDescription(main);
      assert.match(narrow.problems[0]!.message, /out of the description's folder/);
      assert.equal(narrow.problems.length, 1);
      const wide = await readDescription(main, { root: folder });
      assert.deepEqual(wide.problems, []);
    });
  });

  it('do not leave by links, devices or the network', async () => {
    const names = [
      'link.json',
      '/etc/hostname',
      'file:///etc/hostname',
      'https://example.com/a.json',
      '../../../../etc/passwd',
      'C:\\x.json',
    ];
    const properties = Object.fromEntries(names.map((name, index) => [`p${index}`, { $ref: name }]));
    await withFiles(
      { 'specs/api.json': withThing({ type: 'object', properties }), 'secret.json': { type: 'integer' } },
      async (folder) => {
        await symlink(join(folder, 'secret.json'), join(folder, 'specs', 'link.json'));
        const description = await readDescription(join(folder, 'specs', 'api.json'));
        assert.equal(description.problems.length, names.length);
        for (const schema of Object.values(description.document.components.schemas!.Thing!.properties!)) {
          assert.equal(description.deref(schema, 'x'), undefined);
        }
        assert.ok(!JSON.stringify(description.problems).includes('root:'));
      },
    );
  });

  it('are left out with their reason when broken, missing or no description', async () => {
    const description = await read({
      'api.json': withThing({
        type: 'object',
        properties: {
          a: { $ref: 'gone.yaml' },
          b: { $ref: 'broken.json' },
          c: { $ref: 'page.html' },
          d: { $ref: 'empty.yaml' },
          ok: { $ref: 'fine.json' },
        },
      }),
      'broken.json': '{"a": ',
      'page.html': '<html>',
      'empty.yaml': '',
      'fine.json': { type: 'string' },
    });
    assert.deepEqual(
      description.problems.map(({ message }) => /"(.*?)"/.exec(message)![1]),
      ['gone.yaml', 'broken.json', 'page.html', 'empty.yaml'],
    );
  });

  it('stop at a number of documents', async () => {
    const many: Record<string, object> = {};
    for (let i = 0; i < 2100; i += 1) many[`s/${i}.json`] = { $ref: `${i + 1}.json` };
    const description = await read({ ...many, 'api.json': withThing({ $ref: 's/0.json' }) });
    assert.match(description.problems[0]!.message, /More than 2000 further documents/);
  }).timeout(30_000);
});

describe('references from a URL', () => {
  it('are loaded from the same origin only', async () => {
    const asked: string[] = [];
    await withServer(
      (_request, response) => {
        asked.push('other');
        response.end('{"type":"string"}');
      },
      (other) =>
        withServer(
          (request, response) => {
            asked.push(request.url ?? '');
            if (request.url === '/v1/schemas/a.json') response.end('{"type":"integer"}');
            else if (request.url === '/v1/away.json') {
              response.writeHead(302, { location: `${other}/x.json` }).end();
            } else {
              response.end(
                JSON.stringify(
                  withThing({
                    type: 'object',
                    properties: {
                      a: { $ref: 'schemas/a.json' },
                      b: { $ref: `${other}/b.json` },
                      c: { $ref: 'away.json' },
                      d: { $ref: 'file:///etc/passwd' },
                    },
                  }),
                ),
              );
            }
          },
          async (origin) => {
            const description = await readDescription(`${origin}/v1/openapi.json`);
            const { a, b, c } = description.document.components.schemas!.Thing!.properties!;
            assert.equal(description.deref(a!, 'x')!.value.type, 'integer');
            assert.equal(description.deref(a!, 'x')!.pointer, 'schemas/a.json#');
            assert.equal(description.deref(b!, 'x'), undefined);
            assert.equal(description.deref(c!, 'x'), undefined);
            assert.equal(description.problems.length, 3);
          },
        ),
    );
    assert.deepEqual(asked, ['/v1/openapi.json', '/v1/schemas/a.json', '/v1/away.json']);
  });

  it('end with the read when it is stopped', async () => {
    const controller = new AbortController();
    await withServer(
      (request, response) => {
        if (request.url === '/a.json') response.end(JSON.stringify(withThing({ $ref: 'slow.json' })));
        else
          setTimeout(() => {
            controller.abort();
          }, 20);
      },
      async (origin) => {
        const error = await rejection(readDescription(`${origin}/a.json`, { signal: controller.signal }));
        assert.equal(error.code, 'cancelled');
      },
    );
  });
});
