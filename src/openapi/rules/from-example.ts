/** Schemas inferred from an example, for the many responses that show one and describe nothing. */
import type { SchemaObject } from '../document.ts';

const MAX_DEPTH = 8;
const MAX_ELEMENTS = 20;

/** The schema that an example value obeys. Properties seen in every element of a list are not called required. */
export function schemaOfExample(value: unknown, depth = 0): SchemaObject {
  if (depth > MAX_DEPTH || value === undefined) return {};
  if (value === null) return { type: ['null'] };
  if (Array.isArray(value)) return { type: 'array', items: schemaOfElements(value, depth) };
  switch (typeof value) {
    case 'string':
      return { type: 'string', ...formatOf(value) };
    case 'number':
      return { type: Number.isInteger(value) ? 'integer' : 'number' };
    case 'boolean':
      return { type: 'boolean' };
    case 'object': {
      const properties: { [name: string]: SchemaObject } = {};
      for (const [name, inner] of Object.entries(value)) {
        Object.defineProperty(properties, name, {
          value: schemaOfExample(inner, depth + 1),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return { type: 'object', properties };
    }
    default:
      return {};
  }
}

function schemaOfElements(values: readonly unknown[], depth: number): SchemaObject {
  const [first] = values;
  if (first === undefined) return {};
  const shapes = values.slice(0, MAX_ELEMENTS).map((value) => schemaOfExample(value, depth + 1));
  const properties: { [name: string]: SchemaObject } = {};
  for (const shape of shapes) {
    for (const [name, inner] of Object.entries(shape.properties ?? {})) {
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
      const merged = known === undefined ? inner : mergeTypes(known, inner);
      Object.defineProperty(properties, name, {
        value: merged,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  if (Object.keys(properties).length > 0) return { type: 'object', properties };
  return shapes[0] ?? {};
}

function mergeTypes(left: SchemaObject, right: SchemaObject): SchemaObject {
  const types = [...new Set([left.type ?? [], right.type ?? []].flat())];
  const richer = Object.keys(right).length > Object.keys(left).length ? right : left;
  const only = types.length === 1 ? types[0] : undefined;
  return { ...richer, ...(only === undefined ? { type: types } : { type: only }) };
}

function formatOf(text: string): { format?: string } {
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text)) return { format: 'date-time' };
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return { format: 'date' };
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return { format: 'uuid' };
  if (/^https?:\/\//.test(text)) return { format: 'uri' };
  return {};
}
