/** What an answer of the API looks like: names, types and numbers, never a value. */
import type { FieldPath, JsonSchema, Stream } from '../../blueprint/schema.ts';

export type Row = Readonly<Record<string, unknown>>;

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path; undefined where nothing is. `*` is not followed. */
export function at(value: unknown, path: FieldPath): unknown {
  let current = value;
  for (const segment of path) {
    if (!isRow(current) || !Object.hasOwn(current, segment)) return undefined;
    current = current[segment];
  }
  return current;
}

/** The rows at the stream's record path, or undefined when the answer has another shape. */
export function rowsAt(body: unknown, path: FieldPath, shape: Stream['recordShape']): Row[] | undefined {
  const star = path.indexOf('*');
  if (star >= 0) {
    const outer = at(body, path.slice(0, star));
    if (typeof outer !== 'object' || outer === null) return undefined;
    const parts = Object.values(outer).map((one: unknown) => rowsAt(one, path.slice(star + 1), shape));
    return parts.some((part) => part === undefined) ? undefined : parts.flatMap((part) => part ?? []);
  }
  const value = at(body, path);
  if (shape === 'list') return Array.isArray(value) && value.every(isRow) ? value : undefined;
  if (!isRow(value)) return undefined;
  if (shape === 'single') return [value];
  const rows = Object.values(value);
  return rows.every(isRow) ? rows : undefined;
}

/** Lists of objects in an answer, those with more rows first. At most `depth` keys deep. */
export function listsIn(body: unknown, depth = 3): { path: FieldPath; rows: Row[] }[] {
  const found: { path: FieldPath; rows: Row[] }[] = [];
  const walk = (value: unknown, path: FieldPath): void => {
    if (Array.isArray(value)) {
      if (value.length > 0 && value.every(isRow)) found.push({ path, rows: value });
      return;
    }
    if (!isRow(value) || path.length >= depth) return;
    for (const [key, child] of Object.entries(value)) walk(child, [...path, key]);
  };
  walk(body, []);
  return found.sort((a, b) => b.rows.length - a.rows.length || a.path.length - b.path.length);
}

/** True when every row has a value at every part, and no two rows have the same ones. */
export function isKey(rows: readonly Row[], key: readonly FieldPath[]): boolean {
  if (key.length === 0 || rows.length === 0) return false;
  const seen = new Set<string>();
  for (const row of rows) {
    const values = key.map((part) => at(row, part));
    if (values.some((value) => value === undefined || value === null || typeof value === 'object'))
      return false;
    const text = JSON.stringify(values);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}

const KEY_NAMES = ['id', '_id', 'uuid', 'guid', 'uid', 'gid', 'sid', 'key', 'code', 'slug', 'email', 'name'];

/** A field that is a key over these rows: the usual names first, then what ends like an identifier. */
export function keyOf(rows: readonly Row[]): FieldPath[] | undefined {
  const [first] = rows;
  if (first === undefined || rows.length < 2) return undefined;
  const names = Object.keys(first);
  const usual = KEY_NAMES.filter((name) => names.includes(name));
  const others = names.filter(
    (name) => /(^|_)(id|uuid|key)$|[a-z](Id|Uuid|Key)$/.test(name) && !usual.includes(name),
  );
  for (const name of [...usual, ...others]) if (isKey(rows, [[name]])) return [[name]];
  return undefined;
}

/** A schema of rows, as far as these show it. */
export function schemaOf(rows: readonly Row[]): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      const types = new Set<string>([
        ...((properties[name]?.type as string[] | undefined) ?? []),
        typeOf(value),
      ]);
      if (types.has('number')) types.delete('integer');
      properties[name] = { type: [...types] };
    }
  }
  return { type: 'object', properties, additionalProperties: true };
}

export function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** `{id: integer, name: string, …}`. Names that do not look like field names may be data, and are not told. */
export function shapeWords(row: Row | undefined): string {
  if (row === undefined) return 'no fields';
  const fields = Object.entries(row).slice(0, 25);
  const words = fields.map(
    ([name, value]) => `${/^[A-Za-z_][\w.-]{0,60}$/.test(name) ? name : '…'}: ${typeOf(value)}`,
  );
  const more = Object.keys(row).length > fields.length ? ', …' : '';
  return `{${words.join(', ')}${more}}`;
}
