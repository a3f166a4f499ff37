/** Hand-written blueprints for the tests of the agent face and the documents. */
import { Blueprint } from '../../../src/blueprint/schema.ts';

type Input = Record<string, unknown>;

/** Text that tries to leave every kind of literal, comment, table and tag. */
export const HOSTILE =
  'Evil """ \'\'\' \\ " + __import__("os").system("x") #{x} {{y}} ${z} <script>alert(1)</script> `rm -rf` | cell\n\n' +
  '# Heading\n---\nkey: !!python/object \u2028 \u202Eabc\u0000 \uD800 [a](javascript:alert(1)) ends with \\';

export function parameter(name: string, more: Input = {}): Input {
  return {
    name,
    pythonName: name.toLowerCase().replace(/[^a-z0-9_]/g, '_'),
    in: 'query',
    type: 'string',
    required: false,
    description: `The ${name} to look at.`,
    ...more,
  };
}

export function operation(name: string, more: Input = {}): Input {
  return {
    name,
    method: 'GET',
    path: `/${name}`,
    pointer: `/paths/~1${name}/get`,
    selected: true,
    summary: `List ${name}`,
    kind: 'list',
    parameters: [],
    recordPath: [],
    result: 'dataframe',
    columns: [
      { name: 'id', type: 'integer', role: 'KEY' },
      { name: 'name', type: 'string', role: 'TITLE' },
    ],
    paging: { kind: 'none' },
    next: [],
    ...more,
  };
}

export function stream(name: string, more: Input = {}): Input {
  return {
    name,
    method: 'GET',
    path: `/${name}`,
    pointer: `/paths/~1${name}/get`,
    selected: true,
    parameters: [],
    recordPath: [],
    recordShape: 'list',
    primaryKey: [['id']],
    paging: { kind: 'none' },
    schema: { type: 'object', properties: { id: { type: 'integer' } } },
    ...more,
  };
}

export function blueprint(more: Input = {}): Blueprint {
  return Blueprint.parse({
    schemaVersion: 1,
    name: 'demo',
    api: { title: 'Demo', version: '1' },
    source: { location: 'demo.yaml', format: 'openapi-3.0', sha256: 'ab12', bytes: 34 },
    baseUrl: 'https://api.example.com/v1',
    serverVariables: [],
    auth: [{ name: 'api_key', parts: [{ kind: 'api_key', in: 'header', name: 'X-Key' }] }],
    headers: [],
    rateLimit: { documents429: false },
    streams: [stream('things')],
    operations: [],
    facts: [],
    gaps: [],
    problems: [],
    ...more,
  });
}
