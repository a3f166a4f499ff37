/** Which columns tell the rows of a child stream apart by parent. */
import type { Stream } from '../schema.ts';

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
