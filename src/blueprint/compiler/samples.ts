/**
 * Makes rows from a JSON schema for the fixtures of a connector's tests: deterministic, each row different, small
 * whatever the schema.
 */
import { withoutCredentials } from './placeholders.ts';
import type { FieldPath, JsonSchema } from '../schema.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const DEEPEST = 3;
const MOST_PROPERTIES = 25;
const LONGEST_TEXT = 60;
const FIRST_DAY = Date.UTC(2024, 0, 1);
const DAY = 86_400_000;

/** A value of a schema. `row` counts from 0 and makes the difference between rows; `name` is the field's name. */
export function sample(schema: unknown, row: number, name = 'value', depth = 0): Json {
  if (!isObject(schema)) return null;
  const whole = merged(schema);
  const fixed = whole['const'];
  if (fixed !== undefined) return isJson(fixed) ? fixed : null;
  const choices = Array.isArray(whole['enum'])
    ? whole['enum'].filter((one) => one !== null).filter(isJson)
    : [];
  if (choices.length > 0) return choices[row % choices.length] ?? null;
  switch (typeOf(whole)) {
    case 'object':
      return sampleObject(whole, row, depth);
    case 'array':
      return depth >= DEEPEST ? [] : [sample(whole['items'] ?? { type: 'string' }, row, name, depth + 1)];
    case 'integer':
      return Math.trunc(bounded(whole, row + 1));
    case 'number':
      return bounded(whole, row + 1.5);
    case 'boolean':
      return row % 2 === 0;
    case 'null':
      return null;
    default:
      return sampleText(whole, row, name);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJson(value: unknown): value is Json {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** The schema with `allOf` folded in, and the first real choice of `oneOf` or `anyOf`. */
function merged(schema: Record<string, unknown>): Record<string, unknown> {
  let whole = schema;
  for (const part of list(schema['allOf'])) whole = combine(whole, merged(part));
  const choice = [...list(schema['oneOf']), ...list(schema['anyOf'])].find((one) => one['type'] !== 'null');
  return choice === undefined ? whole : combine(whole, merged(choice));
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function combine(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const properties = { ...asObject(a['properties']), ...asObject(b['properties']) };
  return { ...a, ...b, ...(Object.keys(properties).length > 0 ? { properties } : {}) };
}

function asObject(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

function typeOf(schema: Record<string, unknown>): string {
  const types = [schema['type']]
    .flat()
    .filter((type): type is string => typeof type === 'string' && type !== 'null');
  if (types[0] !== undefined) return types[0];
  if (isObject(schema['properties']) || isObject(schema['additionalProperties'])) return 'object';
  if (schema['items'] !== undefined) return 'array';
  return [schema['type']].flat().includes('null') ? 'null' : 'string';
}

function sampleObject(schema: Record<string, unknown>, row: number, depth: number): Json {
  if (depth >= DEEPEST) return {};
  const properties = Object.entries(asObject(schema['properties'])).slice(0, MOST_PROPERTIES);
  const sampled = properties.map(([name, inner]): [string, Json] => {
    // A row in the middle shows which fields may be null.
    const absent = row % 3 === 2 && isNullable(inner) && depth === 0;
    return [name, absent ? null : sample(inner, row, name, depth + 1)];
  });
  if (sampled.length === 0 && isObject(schema['additionalProperties'])) {
    return { key: sample(schema['additionalProperties'], row, 'value', depth + 1) };
  }
  return object(sampled);
}

/** Like `Object.fromEntries`, but `__proto__` is a key like any other. */
function object(entries: readonly [string, Json][]): { [key: string]: Json } {
  const made: { [key: string]: Json } = {};
  for (const [key, value] of entries) {
    Object.defineProperty(made, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return made;
}

function isNullable(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  return schema['nullable'] === true || [schema['type']].flat().includes('null');
}

function bounded(schema: Record<string, unknown>, value: number): number {
  const least = numeric(schema['minimum']) ?? numeric(schema['exclusiveMinimum']);
  const most = numeric(schema['maximum']) ?? numeric(schema['exclusiveMaximum']);
  let result = value;
  if (least !== undefined && result <= least) result = least + value;
  if (most !== undefined && result > most) result = most;
  return result;
}

function numeric(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(Math.trunc(value)) ? value : undefined;
}

function sampleText(schema: Record<string, unknown>, row: number, name: string): string {
  const label = name.replace(/[^A-Za-z0-9]+/g, ' ').trim() || 'text';
  const number = String(row + 1);
  switch (schema['format']) {
    case 'date-time':
      return time(row);
    case 'date':
      return time(row).slice(0, 10);
    case 'time':
      return `0${String(row % 10)}:00:00Z`;
    case 'email':
      return `person${number}@example.com`;
    case 'uri':
    case 'url':
      return `https://www.example.com/${number}`;
    case 'uuid':
      return uuid(row);
    case 'hostname':
      return `host${number}.example.com`;
    case 'ipv4':
      return `192.0.2.${String((row % 250) + 1)}`;
    case 'byte':
      return Buffer.from(number).toString('base64');
  }
  const example = schema['example'] ?? list([{ all: schema['examples'] }]).flatMap((one) => one['all'])[0];
  if (row === 0 && typeof example === 'string' && example.length <= LONGEST_TEXT)
    return withoutCredentials(example);
  const most = numeric(schema['maxLength']) ?? LONGEST_TEXT;
  const text = `${label} ${number}`;
  return text.length <= most ? text : number.padStart(1, '0').slice(-Math.max(most, 1));
}

function time(row: number): string {
  return new Date(FIRST_DAY + row * DAY).toISOString().replace('.000Z', 'Z');
}

export function uuid(row: number): string {
  return `00000000-0000-4000-8000-${String(row + 1).padStart(12, '0')}`;
}

/** What a schema says of a field, through `allOf` and the like. */
export function schemaAt(schema: JsonSchema, path: FieldPath): Record<string, unknown> | undefined {
  let node: unknown = schema;
  for (const key of path) {
    if (!isObject(node)) return undefined;
    node = asObject(merged(node)['properties'])[key];
  }
  return isObject(node) ? merged(node) : undefined;
}

/** A value that no other row has, of the type that the schema gives a field. */
export function unique(schema: JsonSchema, path: FieldPath, row: number, stream: string): string | number {
  const field = schemaAt(schema, path);
  const type = field === undefined ? 'string' : typeOf(field);
  if (type === 'integer' || type === 'number') return 1001 + row;
  if (field?.['format'] === 'uuid') return uuid(row);
  if (field?.['format'] === 'date-time' || field?.['format'] === 'date') return sampleText(field, row, '');
  if (field?.['format'] === 'email') return `person${String(row + 1)}@example.com`;
  return `${stream}-${String(row + 1)}`;
}

/** Sets what stands at a path, making the objects on the way. */
export function put(target: Json, path: FieldPath, value: Json): void {
  let node = target;
  path.forEach((key, index) => {
    if (!isObject(node)) return;
    const record = node;
    if (index === path.length - 1) {
      Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true });
    } else {
      if (!isObject(record[key]) || !Object.hasOwn(record, key)) {
        Object.defineProperty(record, key, {
          value: {},
          enumerable: true,
          writable: true,
          configurable: true,
        });
      }
      node = record[key] as Json;
    }
  });
}

/** What stands at a path, or undefined. */
export function get(value: Json, path: FieldPath): Json | undefined {
  let node: Json | undefined = value;
  for (const key of path) {
    if (!isObject(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}

/** Whether a schema's value is an object, as rows most often are. */
export function isRowObject(schema: JsonSchema): boolean {
  const whole = merged(schema);
  return (
    Object.keys(whole).length === 0 ||
    typeOf(whole) === 'object' ||
    (whole['type'] === undefined && !('items' in whole) && !('enum' in whole))
  );
}

export type { Json };
