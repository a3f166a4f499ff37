import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Description } from '../../../src/openapi/description.ts';
import { readDescription } from '../../../src/openapi/read.ts';
import { minimal, withFiles } from './support.ts';

async function read(content: object): Promise<Description> {
  return withFiles({ 'api.json': content }, (folder) => readDescription(join(folder, 'api.json')));
}

const SWAGGER = {
  swagger: '2.0',
  info: { title: 'Old', version: '1' },
  host: 'api.example.com/',
  basePath: '/v1/',
  schemes: ['http', 'https'],
  produces: ['application/json'],
  consumes: ['application/json'],
  securityDefinitions: {
    key: { type: 'apiKey', in: 'header', name: 'X-Key' },
    basic: { type: 'basic' },
    oauth: {
      type: 'oauth2',
      flow: 'application',
      tokenUrl: 'https://example.com/token',
      scopes: { read: 'Read' },
    },
  },
  parameters: {
    limit: { name: 'limit', in: 'query', type: 'integer', maximum: 100 },
    body: { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/Filter' } },
  },
  responses: { Missing: { description: 'Missing', schema: { $ref: '#/definitions/Error' } } },
  definitions: {
    Thing: {
      type: 'object',
      properties: {
        id: { type: 'integer' },
        example: { type: 'string' },
        note: { type: 'string', 'x-nullable': true },
      },
    },
    Filter: { type: 'object', properties: { query: { type: 'string' } } },
    Error: { type: 'object' },
  },
  paths: {
    '/things': {
      get: {
        produces: ['text/csv', 'application/json'],
        parameters: [
          { $ref: '#/parameters/limit' },
          { name: 'ids', in: 'query', type: 'array', items: { type: 'string' }, collectionFormat: 'pipes' },
        ],
        responses: {
          200: {
            description: 'ok',
            schema: { type: 'array', items: { $ref: '#/definitions/Thing' } },
            examples: { 'application/json': [{ id: 1 }] },
            headers: { 'X-Total': { type: 'integer' } },
          },
          404: { $ref: '#/responses/Missing' },
        },
      },
    },
    '/search': {
      post: {
        parameters: [{ $ref: '#/parameters/body' }, { name: 'page', in: 'query', type: 'integer' }],
        responses: { 200: { description: 'ok' } },
      },
    },
    '/upload': {
      post: {
        consumes: ['multipart/form-data'],
        parameters: [
          { name: 'file', in: 'formData', type: 'file', required: true },
          { name: 'title', in: 'formData', type: 'string' },
        ],
        responses: { 200: { description: 'ok' } },
      },
    },
  },
};

describe('lifting Swagger 2.0', () => {
  let description: Description;
  before(async () => {
    description = await read(SWAGGER);
  });

  it('has no problem with a sound document', () => {
    assert.deepEqual(description.problems, []);
    assert.equal(description.format, 'swagger-2.0');
  });

  it('makes servers of host, base path and schemes, https first', () => {
    assert.deepEqual(
      description.document.servers.map((server) => server.url),
      ['https://api.example.com/v1', 'http://api.example.com/v1'],
    );
  });

  it('lifts security schemes', () => {
    const { key, basic, oauth } = description.document.components.securitySchemes!;
    assert.deepEqual(key, { type: 'apiKey', in: 'header', name: 'X-Key' });
    assert.deepEqual(basic, { type: 'http', scheme: 'basic' });
    assert.deepEqual(oauth, {
      type: 'oauth2',
      flows: { clientCredentials: { tokenUrl: 'https://example.com/token', scopes: { read: 'Read' } } },
    });
  });

  it('puts response schemas and examples under their media types', () => {
    const response = description.document.paths['/things']!.get!.responses!['200']!;
    const { value } = description.deref(response, '/paths/~1things/get/responses/200')!;
    assert.deepEqual(Object.keys(value.content!), ['text/csv', 'application/json']);
    assert.deepEqual(value.content!['application/json']!.example, [{ id: 1 }]);
    assert.deepEqual((value.headers!['X-Total'] as { schema: unknown }).schema, { type: 'integer' });
  });

  it('gives parameters a schema and a style, and follows shared ones', () => {
    const [limit, ids] = description.document.paths['/things']!.get!.parameters!;
    const shared = description.deref(limit!, '/paths/~1things/get/parameters/0')!;
    assert.deepEqual(shared.value, { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 100 } });
    assert.equal(shared.pointer, '/components/parameters/limit');
    assert.deepEqual(ids, {
      name: 'ids',
      in: 'query',
      style: 'pipeDelimited',
      explode: false,
      schema: { type: 'array', items: { type: 'string' } },
    });
  });

  it('moves bodies and forms into request bodies', () => {
    const search = description.document.paths['/search']!.post!;
    assert.equal(search.parameters!.length, 1);
    const body = search.requestBody as { content: Record<string, { schema: { $ref: string } }> };
    assert.equal(body.content['application/json']!.schema.$ref, '#/components/schemas/Filter');
    const upload = description.document.paths['/upload']!.post!.requestBody as typeof body;
    assert.deepEqual(upload.content['multipart/form-data']!.schema, {
      type: 'object',
      properties: { file: { type: 'string', format: 'binary' }, title: { type: 'string' } },
      required: ['file'],
    });
  });

  it('keeps a property that is named like a keyword', () => {
    const { properties } = description.document.components.schemas!.Thing!;
    assert.deepEqual(properties!.example, { type: 'string' });
    assert.deepEqual(properties!.note!.type, ['string', 'null']);
  });

  for (const [lifted, original] of [
    ['/components/schemas/Thing/properties/id', '/definitions/Thing/properties/id'],
    ['/components/parameters/limit/schema/maximum', '/parameters/limit/maximum'],
    ['/components/responses/Missing/content/application~1json/schema', '/responses/Missing/schema'],
    [
      '/components/securitySchemes/oauth/flows/clientCredentials/tokenUrl',
      '/securityDefinitions/oauth/tokenUrl',
    ],
    ['/servers/0/url', '/host'],
    ['/paths/~1things/get/parameters/1/schema/items', '/paths/~1things/get/parameters/1/items'],
    [
      '/paths/~1things/get/responses/200/content/text~1csv/schema/items',
      '/paths/~1things/get/responses/200/schema/items',
    ],
    [
      '/paths/~1things/get/responses/200/content/application~1json/example/0',
      '/paths/~1things/get/responses/200/examples/application~1json/0',
    ],
    ['/paths/~1search/post/parameters/0/schema', '/paths/~1search/post/parameters/1'],
    [
      '/paths/~1search/post/requestBody/content/application~1json/schema',
      '/paths/~1search/post/parameters/0/schema',
    ],
  ] as const) {
    it(`knows where ${lifted} stood`, () => {
      assert.equal(description.originalPointer(lifted), original);
    });
  }
});

describe('lifting schemas', () => {
  async function schema(one: object, version = '3.0.3'): Promise<unknown> {
    const description = await read({
      ...minimal({ components: { schemas: { Thing: one } } }),
      openapi: version,
    });
    return description.document.components.schemas!.Thing;
  }

  it('turns nullable into types, branches and enum values', async () => {
    assert.deepEqual(await schema({ type: 'string', nullable: true }), { type: ['string', 'null'] });
    assert.deepEqual(await schema({ type: 'string', enum: ['a'], nullable: true }), {
      type: ['string', 'null'],
      enum: ['a', null],
    });
    assert.deepEqual(await schema({ anyOf: [{ type: 'string' }], nullable: true }), {
      anyOf: [{ type: 'string' }, { type: 'null' }],
    });
    assert.deepEqual(await schema({ allOf: [{ type: 'object' }], nullable: true }), {
      allOf: [{ type: 'object' }],
      nullable: true,
    });
    assert.deepEqual(await schema({ type: 'string', nullable: false }), { type: 'string' });
    assert.deepEqual(await schema({ type: ['string'], nullable: true }, '3.1.0'), {
      type: ['string', 'null'],
    });
  });

  it('turns exclusive flags into bounds', async () => {
    assert.deepEqual(
      await schema({
        type: 'integer',
        minimum: 1,
        exclusiveMinimum: true,
        maximum: 5,
        exclusiveMaximum: false,
      }),
      {
        type: 'integer',
        exclusiveMinimum: 1,
        maximum: 5,
      },
    );
  });

  it('never touches example data', async () => {
    const example = { type: 'string', nullable: true, properties: [], $ref: 4, example: { nullable: true } };
    assert.deepEqual(await schema({ type: 'object', example, default: example }), {
      type: 'object',
      example,
      default: example,
    });
  });

  it('takes properties named like keywords for names', async () => {
    const properties = {
      type: { type: 'string' },
      nullable: { type: 'boolean' },
      $ref: { type: 'string' },
      items: { type: 'string' },
    };
    assert.deepEqual(await schema({ type: 'object', properties: structuredClone(properties) }), {
      type: 'object',
      properties,
    });
  });

  it('makes objects of boolean schemas', async () => {
    assert.deepEqual(
      await schema(
        { type: 'object', properties: { any: true, none: false }, additionalProperties: false },
        '3.1.0',
      ),
      {
        type: 'object',
        properties: { any: {}, none: { not: {} } },
        additionalProperties: { not: {} },
      },
    );
  });
});

describe('malformed parts', () => {
  it('are left out with a problem, and the rest is read', async () => {
    const description = await read({
      openapi: '3.0.0',
      info: null,
      servers: [
        { url: 5 },
        { url: 'https://api.example.com', variables: { v: { default: 1, enum: [1, 2] }, w: null } },
      ],
      security: { key: [] },
      tags: 'x',
      paths: {
        '/a': {
          GET: { parameters: {}, responses: [] },
          post: 'soon',
          parameters: [null, { name: 'x' }, { name: 'y', in: 'query', schema: 'string' }],
        },
        b: {
          get: {
            responses: {
              200: null,
              201: {
                content: {
                  'application/json': {
                    schema: { type: 5, properties: 'no', allOf: {}, required: true, enum: 'a' },
                  },
                },
              },
            },
          },
        },
        '/c': null,
        'x-note': 'y',
      },
      components: { schemas: [], parameters: { p: 'x' } },
    });
    const { document } = description;
    assert.deepEqual(Object.keys(document.paths), ['/a', '/b']);
    assert.deepEqual(document.info, {});
    assert.deepEqual(document.servers, [
      { url: 'https://api.example.com', variables: { v: { default: '1', enum: ['1', '2'] }, w: {} } },
    ]);
    assert.deepEqual(document.paths['/a']!.get, {});
    assert.equal(document.paths['/a']!.post, undefined);
    assert.deepEqual(document.paths['/a']!.parameters, [{ name: 'y', in: 'query' }]);
    assert.deepEqual(document.paths['/b']!.get!.responses, {
      201: { content: { 'application/json': { schema: { allOf: [{}] } } } },
    });
    assert.ok(description.problems.length >= 8);
    assert.equal(description.originalPointer('/paths/~1b/get'), '/paths/b/get');
    assert.equal(description.originalPointer('/paths/~1a/get/responses'), '/paths/~1a/GET/responses');
    assert.equal(description.originalPointer('/paths/~1a/parameters/0/name'), '/paths/~1a/parameters/2/name');
    assert.ok(description.problems.some(({ pointer }) => pointer === '/paths/~1a/parameters/1'));
  });

  it('are counted beyond a limit', async () => {
    const schemas = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`S${i}`, 5]));
    const description = await read(minimal({ components: { schemas: { ...schemas, Thing: {} } } }));
    assert.equal(description.problems.length, 500);
    assert.match(description.problems.at(-1)!.message, /^201 further problems/);
  });
});
