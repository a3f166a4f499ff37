/** What the blueprints of these tests are put together from: parts with what most of them have. */
import { Blueprint } from '../../src/blueprint/schema.ts';

export type Loose = Record<string, unknown>;

export const text = { type: 'string' };
export const whole = { type: 'integer' };
export const moment = { type: 'string', format: 'date-time' };

/** An object schema. */
export function row(properties: Loose): Loose {
  return { type: 'object', properties };
}

export function stream(name: string, more: Loose = {}): Loose {
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
    schema: row({ id: whole, name: text }),
    ...more,
  };
}

/** An operation that makes the request of a stream. */
export function operation(name: string, of: string, more: Loose = {}): Loose {
  return {
    name,
    method: 'GET',
    path: `/${of}`,
    pointer: `/paths/~1${of}/get`,
    selected: true,
    summary: `List ${of}`,
    kind: 'list',
    parameters: [],
    recordPath: [],
    result: 'dataframe',
    columns: [],
    paging: { kind: 'none' },
    next: [],
    ...more,
  };
}

/** A parameter of an operation. */
export function parameter(name: string, place: string, more: Loose = {}): Loose {
  const pythonName = name.replace(/([A-Z])/g, '_$1').toLowerCase();
  return {
    name,
    pythonName,
    in: place,
    type: 'string',
    required: place === 'path',
    description: `The ${name} to look at.`,
    ...more,
  };
}

export function blueprint(name: string, more: Loose): Blueprint {
  return Blueprint.parse({
    schemaVersion: 1,
    name,
    api: { title: `${name} API`, version: '1.0', docsUrl: 'https://docs.example.com/api' },
    source: { location: `${name}.yaml`, format: 'openapi-3.1', sha256: '0'.repeat(64), bytes: 1 },
    baseUrl: `https://api.${name}.example/v1`,
    serverVariables: [],
    auth: [{ name: 'bearer', parts: [{ kind: 'bearer' }] }],
    headers: [],
    rateLimit: { documents429: false },
    streams: [],
    operations: [],
    facts: [],
    gaps: [],
    problems: [],
    ...more,
  });
}

export const fromId = (parameter: string): Loose => ({
  name: parameter,
  from: { kind: 'record', field: ['id'] },
});
