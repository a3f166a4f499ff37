/** A key forgotten in a description, in every place that a text can stand: it is in no output that is made of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import { buildDescription } from '../../../src/openapi/build.ts';
import { inspectionText } from '../../../src/openapi/inspect.ts';
import { buildBlueprint } from '../../../src/openapi/rules/blueprint.ts';

const TEMPLATE = join(import.meta.dirname, '../../../src/blueprint/template');
const LETTERS = 'QWERTYUIOPASDFGHJKLZXCVBNM';
/** Shaped like a real one, another for each place; put together here, so that no scan finds it in this file. */
const canary = (place: number): string =>
  ['AKIA', 'Q3EGUZR7WXYJ', ...[0, 1, 2, 3].map((n) => LETTERS[(place * 7 + n * 3) % 26])].join('');

describe('a key in a description', () => {
  it('is in no file, note or line that is made of it, wherever it stood', async () => {
    const planted: string[] = [];
    const key = (): string => {
      planted.push(canary(planted.length));
      return planted.at(-1) ?? '';
    };
    const schema = {
      type: 'string',
      description: `As ${key()}`,
      example: key(),
      default: key(),
      enum: [key(), 'a'],
    };
    const rows = {
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'string' }, kind: schema } },
    };
    const parameter = {
      name: 'kind',
      in: 'query',
      description: key(),
      schema: { type: 'string', default: key(), enum: [key()] },
      example: key(),
    };
    const document = {
      openapi: '3.0.3',
      info: {
        title: `Harbour ${key()}`,
        version: key(),
        description: `Use ${key()}.`,
        license: { name: key() },
      },
      externalDocs: { url: `https://docs.example/?api_key=${key()}` },
      servers: [
        {
          url: 'https://api.example.com/{tenant}',
          description: key(),
          variables: { tenant: { default: key(), description: key(), enum: [key()] } },
        },
      ],
      security: [{ key: [] }],
      paths: {
        '/ships': {
          get: {
            operationId: `list_${key()}`,
            summary: `List ${key()}`,
            description: `Try ${key()}.`,
            parameters: [parameter],
            responses: {
              200: {
                description: key(),
                content: { 'application/json': { schema: rows, example: [{ id: key(), kind: key() }] } },
              },
            },
          },
        },
      },
      components: {
        securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key', description: key() } },
      },
    };
    const read = await buildDescription(
      { bytes: Buffer.from(JSON.stringify(document)), location: '/api.json' },
      () => Promise.reject(new Error('nothing else is read')),
    );
    const blueprint = buildBlueprint(read, {});
    const outputs = [
      ...compileConnector(blueprint, { templateDir: TEMPLATE }),
      { path: 'the blueprint', content: JSON.stringify(blueprint) },
      { path: 'inspect', content: inspectionText(blueprint, 1) },
    ];
    assert.ok(planted.length >= 20 && outputs.length > 30);
    const found = outputs.flatMap(({ path, content }) =>
      planted.filter((value) => content.includes(value)).map(() => path),
    );
    assert.deepEqual(found, []);
    // What is no credential stays content.
    assert.ok(outputs.some(({ content }) => content.includes('Harbour')));
  });
});
