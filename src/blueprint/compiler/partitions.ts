/** Which columns tell the rows of a child stream apart by parent. */
import type { FieldPath, Stream } from '../schema.ts';
import { recursion } from './features.ts';

/** Names that say nothing without the parent's. */
const BARE = new Set([
  'id',
  'sid',
  'gid',
  'uid',
  'uuid',
  'key',
  'name',
  'slug',
  'code',
  'index',
  'number',
  'handle',
]);

/**
 * Column for each path parameter of a child, by parameter: its own name in snake_case where that is clear
 * (`workspace_id`), with the parent's name before it where it isn't (`id` → `customer_id`).
 */
export function partitionColumns(stream: Stream, all: readonly Stream[]): Map<string, string> {
  const columns = new Map<string, string>();
  if (stream.parent === undefined) return columns;
  const own = new Set(
    Object.keys((stream.schema['properties'] as Record<string, unknown> | undefined) ?? {}),
  );
  const owner = (parameter: string): string => ownerOf(stream, parameter, all);
  for (const { name } of stream.parent.parameters) {
    const plain = snake(name);
    let column = BARE.has(plain) ? `${singular(owner(name))}_${plain}` : plain;
    // A row may have a field of that name with a meaning of its own.
    if (own.has(column) && (BARE.has(plain) || isNested(stream, column))) column = `parent_${column}`;
    columns.set(name, column);
  }
  return columns;
}

/** The types that a value in a path can have. */
const PLAIN = ['string', 'integer', 'number'];

/**
 * The type of each of those columns, by column: that of the field which the value comes from, where the parent's schema
 * says it, and both where rows of the stream itself give it, too. Clients make a column of that type, and need one for
 * values that are only known to be plain.
 */
export function partitionTypes(stream: Stream, all: readonly Stream[]): Map<string, string | string[]> {
  const types = new Map<string, string | string[]>();
  for (const [parameter, column] of partitionColumns(stream, all)) {
    const found = sourceTypes(stream, parameter, all) ?? PLAIN;
    const [first] = found;
    types.set(column, found.length === 1 && first !== undefined ? first : found);
  }
  return types;
}

function sourceTypes(stream: Stream, parameter: string, all: readonly Stream[]): string[] | undefined {
  const source = stream.parent?.parameters.find((one) => one.name === parameter)?.from;
  const above = all.find((one) => one.name === stream.parent?.stream);
  if (source === undefined || above === undefined) return undefined;
  if (source.kind === 'partition')
    return above === stream ? undefined : sourceTypes(above, source.parameter, all);
  const types = [plainType(above.schema, source.field)];
  const own = recursion(stream);
  if (own?.parameter === parameter) types.push(plainType(stream.schema, own.field));
  const known = types.filter((type) => type !== undefined);
  return known.length < types.length ? undefined : [...new Set(known)];
}

function plainType(row: unknown, field: FieldPath): string | undefined {
  let schema = row;
  for (const name of field) schema = member(member(schema, 'properties'), name);
  const types = [member(schema, 'type')].flat().filter((type) => type !== 'null');
  const [type] = types;
  return types.length === 1 && typeof type === 'string' && PLAIN.includes(type) ? type : undefined;
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** Whether a field of the rows is an object or a list: never the parent's value itself. */
function isNested(stream: Stream, field: string): boolean {
  const properties = stream.schema['properties'] as
    Record<string, { type?: unknown } | undefined> | undefined;
  const types = [properties?.[field]?.type].flat();
  return types.includes('object') || types.includes('array');
}

/** The stream whose rows a parameter's value really comes from. */
function ownerOf(stream: Stream, parameter: string, all: readonly Stream[]): string {
  const { parent } = stream;
  const source = parent?.parameters.find((one) => one.name === parameter)?.from;
  if (parent === undefined) return stream.name;
  const above = all.find((one) => one.name === parent.stream);
  if (source?.kind === 'partition' && above !== undefined && above !== stream) {
    return ownerOf(above, source.parameter, all);
  }
  return parent.stream;
}

function snake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}

function singular(name: string): string {
  if (name.endsWith('ies') && name.length > 4) return `${name.slice(0, -3)}y`;
  if (/(ss|us|is)$/.test(name) || !name.endsWith('s')) return name;
  return /(ses|xes|ches|shes)$/.test(name) ? name.slice(0, -2) : name.slice(0, -1);
}
