/** Mutated descriptions: whatever comes, the reader gives a description or one of our own errors, in bounded time. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import yaml from 'js-yaml';
import { SourcewrightError } from '../../../src/errors.ts';
import { buildDescription } from '../../../src/openapi/build.ts';
import { duplicateKey } from '../../../src/openapi/json-duplicates.ts';
import { HTTP_METHODS, type SchemaObject } from '../../../src/openapi/document.ts';
import type { Description } from '../../../src/openapi/description.ts';
import { minimal } from './support.ts';

const SEEDS: readonly object[] = [
  minimal(),
  minimal({
    openapi: '3.0.3',
    security: [{ key: [] }],
    components: {
      securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X' } },
      parameters: { limit: { name: 'limit', in: 'query', schema: { type: 'integer', nullable: true } } },
      responses: {
        Ok: {
          description: 'ok',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
        },
      },
      schemas: {
        Thing: {
          allOf: [
            { $ref: '#/components/schemas/Base' },
            { type: 'object', properties: { a: { oneOf: [{ type: 'string' }, { type: 'integer' }] } } },
          ],
        },
        Base: { type: 'object' },
      },
    },
  }),
  {
    swagger: '2.0',
    info: { title: 'x', version: '1' },
    host: 'h.example',
    basePath: '/v1',
    produces: ['application/json'],
    parameters: {
      p: { name: 'p', in: 'query', type: 'array', items: { type: 'string' }, collectionFormat: 'csv' },
    },
    definitions: {
      T: { type: 'object', properties: { id: { type: 'integer', exclusiveMinimum: true, minimum: 1 } } },
    },
    securityDefinitions: { o: { type: 'oauth2', flow: 'accessCode', scopes: { a: 'b' } } },
    paths: {
      '/t': {
        parameters: [{ name: 'b', in: 'body', schema: { $ref: '#/definitions/T' } }],
        get: {
          parameters: [{ $ref: '#/parameters/p' }],
          responses: {
            200: { description: 'ok', schema: { type: 'array', items: { $ref: '#/definitions/T' } } },
          },
        },
      },
    },
  },
];

const JUNK = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    null,
    true,
    {},
    [],
    'x',
    0,
    { $ref: '#' },
    { $ref: '#/paths' },
    { $ref: '' },
    { $ref: '#/components/schemas/Thing' },
    { $ref: 'other.json' },
    { $ref: '%zz#/%zz' },
    { $ref: 5 },
    { $ref: '#/definitions/__proto__/x' },
    [[{}]],
  ),
);

/** Replaces, removes or adds something at a place that `path` picks. */
function mutate(root: unknown, path: readonly number[], junk: unknown, kind: 'set' | 'delete' | 'add'): void {
  let node = root as Record<string, unknown>;
  for (const [depth, step] of path.entries()) {
    const keys = Object.keys(node);
    if (keys.length === 0) return;
    const key = keys[step % keys.length]!;
    const child = node[key];
    const last = depth === path.length - 1 || typeof child !== 'object' || child === null;
    if (!last) {
      node = child as Record<string, unknown>;
      continue;
    }
    if (kind === 'set') node[key] = junk;
    else if (kind === 'delete') Reflect.deleteProperty(node, key);
    else
      node[
        ['$ref', 'get', 'items', 'properties', 'schema', '__proto__', 'constructor', 'parameters'][step % 8]!
      ] = junk;
    return;
  }
}

const mutations = fc.array(
  fc.record({
    path: fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }),
    junk: JUNK,
    kind: fc.constantFrom('set' as const, 'delete' as const, 'add' as const),
  }),
  { minLength: 1, maxLength: 6 },
);

async function build(text: string | Uint8Array): Promise<Description | SourcewrightError> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  try {
    return await buildDescription({ bytes, location: '/spec/api.json' }, (location) =>
      location.endsWith('other.json')
        ? Promise.resolve({ bytes: Buffer.from('{"type": "object", "$ref": "api.json#/info"}'), location })
        : Promise.reject(new SourcewrightError('input', 'There is no such file.', { where: location })),
    );
  } catch (error) {
    if (error instanceof SourcewrightError && error.code === 'input') return error;
    throw error;
  }
}

/** Looks at everything that the types promise, as the rules would. */
function walk(description: Description): void {
  const { document } = description;
  const seen = new Set<object>();
  const schema = (node: SchemaObject | undefined): void => {
    if (node === undefined) return;
    const found = description.deref<SchemaObject>(node, '/x')?.value;
    if (found === undefined || seen.has(found)) return;
    seen.add(found);
    assert.ok(typeof found === 'object' && !Array.isArray(found));
    for (const child of Object.values(found.properties ?? {})) schema(child);
    for (const list of [found.allOf, found.anyOf, found.oneOf, found.prefixItems])
      for (const one of list ?? []) schema(one);
    schema(found.items);
    schema(found.additionalProperties);
    for (const name of found.required ?? []) assert.equal(typeof name, 'string');
    assert.ok(found.enum === undefined || Array.isArray(found.enum));
  };
  for (const [path, node] of Object.entries(document.paths)) {
    assert.ok(path.startsWith('/'));
    const item = description.deref(node as { $ref: string }, '/p')?.value as typeof node | undefined;
    if (item === undefined) continue;
    for (const method of HTTP_METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      for (const one of [...(item.parameters ?? []), ...(operation.parameters ?? [])]) {
        const parameter = description.deref(one, '/q')?.value;
        if (parameter !== undefined) schema(parameter.schema);
      }
      for (const one of Object.values(operation.responses ?? {})) {
        const response = description.deref(one, '/r')?.value;
        for (const media of Object.values(response?.content ?? {})) schema(media.schema);
      }
    }
  }
  for (const server of document.servers) assert.equal(typeof server.url, 'string');
  for (const one of Object.values(document.components.schemas ?? {})) schema(one);
  for (const { message, pointer } of description.problems)
    assert.ok(message.length > 0 && typeof pointer === 'string');
}

describe('the reader, fuzzed', () => {
  it('follows a reference to the whole document without taking its texts for schemas', async () => {
    const root = structuredClone(SEEDS[0]) as Record<string, unknown>;
    root['properties'] = { $ref: 'other.json' };
    root['components'] = { schemas: { Whole: { type: 'array', items: { $ref: '' } } } };
    const result = await build(JSON.stringify(root));
    assert.ok(!(result instanceof SourcewrightError));
    walk(result);
  });

  it('reads or refuses any mutated description, in JSON and YAML', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SEEDS), mutations, fc.boolean(), async (seed, changes, asYaml) => {
        const root = structuredClone(seed);
        for (const { path, junk, kind } of changes) mutate(root, path, structuredClone(junk), kind);
        const result = await build(asYaml ? yaml.dump(root, { noRefs: true }) : JSON.stringify(root));
        if (!(result instanceof SourcewrightError)) walk(result);
      }),
      { numRuns: 1500 },
    );
  }).timeout(60_000);

  it('reads or refuses any text that began as a description', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SEEDS),
        fc.boolean(),
        fc.array(
          fc.record({
            at: fc.nat(2000),
            cut: fc.nat(40),
            put: fc.oneof(
              fc.string(),
              fc.constantFrom('*a', '&a', '<<: *a', '\t', '"', '{', '[', '\u0000', '- ', ': '),
            ),
          }),
          { maxLength: 4 },
        ),
        async (seed, asYaml, edits) => {
          let text = asYaml ? yaml.dump(seed) : JSON.stringify(seed);
          for (const { at, cut, put } of edits)
            text = text.slice(0, at % text.length) + put + text.slice((at % text.length) + cut);
          const result = await build(text);
          if (!(result instanceof SourcewrightError)) walk(result);
        },
      ),
      { numRuns: 1500 },
    );
  }).timeout(60_000);

  it('reads or refuses any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await build(bytes);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same result twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SEEDS), mutations, async (seed, changes) => {
        const root = structuredClone(seed);
        for (const { path, junk, kind } of changes) mutate(root, path, structuredClone(junk), kind);
        const [one, two] = [await build(JSON.stringify(root)), await build(JSON.stringify(root))];
        const told = (result: Description | SourcewrightError): string =>
          result instanceof SourcewrightError
            ? result.toText()
            : JSON.stringify([result.document, result.problems, result.sha256]);
        assert.equal(told(one), told(two));
      }),
      { numRuns: 200 },
    );
  });

  it('finds a duplicate key exactly where JSON has one', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
        assert.equal(duplicateKey(JSON.stringify(value, null, indent)), undefined);
      }),
    );
    assert.deepEqual(duplicateKey('{"a": {"b": 1, "c\\"": "}", "b": 2}}'), { key: 'b', offset: 27 });
    assert.equal(duplicateKey('[{"a": 1}, {"a": "a"}, "a", "a"]'), undefined);
  });
});
