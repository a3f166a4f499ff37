/** The schema of a row as the blueprint holds it: free of references, bounded, circular parts cut. */
import type { JsonSchema, OutputColumn } from '../../blueprint/schema.ts';
import { type SchemaReader, type SchemaView, isArray, isScalar } from './schema-view.ts';
import { squash } from './words.ts';

const MAX_DEPTH = 6;
/** Depth of the schemas of streams that are only listed. */
export const LISTED_DEPTH = 1;
/** Schemas in one row's schema: beyond that, what is nested reads as `{}`. */
const MAX_NODES = 500;
const MAX_PROPERTIES = 250;
const MAX_ENUM = 60;

/** The schema of one row, `$ref`-free. What is circular, too deep or too much reads as `{}`: anything goes. */
export function rowSchema(row: SchemaView, schemas: SchemaReader, maxDepth = MAX_DEPTH): JsonSchema {
  const budget = { nodes: MAX_NODES, depth: maxDepth };
  if (row.properties.size === 0 && isScalar(row)) {
    // Rows that are bare values are read as {"value": …}.
    const value = emit(row, schemas, 1, budget, new Set());
    return { type: 'object', properties: { value } };
  }
  return emit(row, schemas, 0, budget, new Set());
}

function emit(
  view: SchemaView,
  schemas: SchemaReader,
  depth: number,
  budget: { nodes: number; depth: number },
  above: ReadonlySet<object>,
): JsonSchema {
  if (depth > budget.depth || budget.nodes <= 0 || above.has(view.identity)) return {};
  budget.nodes -= 1;
  const schema: JsonSchema = {};
  const types = [...view.types].filter((type) => KNOWN_TYPES.has(type));
  if (types.length > 0) {
    const all = view.nullable ? [...types, 'null'] : types;
    schema['type'] = all.length === 1 ? all[0] : all;
  }
  if (view.format !== undefined) schema['format'] = view.format;
  if (view.enum !== undefined) {
    const values = view.enum.filter((value) => value === null || typeof value !== 'object');
    if (values.length > 0 && values.length <= MAX_ENUM) schema['enum'] = [...new Set(values)];
  }
  const within = new Set([...above, view.identity]);
  if (view.properties.size > 0) schema['properties'] = emitProperties(view, schemas, depth, budget, within);
  const required = [...view.required].filter((name) => view.properties.has(name)).slice(0, MAX_PROPERTIES);
  if (required.length > 0) schema['required'] = required;
  if (view.items !== undefined && isArray(view)) {
    schema['items'] = emit(schemas.view(view.items), schemas, depth + 1, budget, within);
  }
  if (view.values !== undefined && view.properties.size === 0) {
    schema['additionalProperties'] = emit(schemas.view(view.values), schemas, depth + 1, budget, within);
  }
  const text = view.description.replace(/\s+/g, ' ').trim();
  if (text !== '') schema['description'] = text.length > 200 ? `${text.slice(0, 199)}…` : text;
  return schema;
}

const KNOWN_TYPES = new Set(['string', 'integer', 'number', 'boolean', 'array', 'object']);

function emitProperties(
  view: SchemaView,
  schemas: SchemaReader,
  depth: number,
  budget: { nodes: number; depth: number },
  within: ReadonlySet<object>,
): JsonSchema {
  const properties: JsonSchema = {};
  // Scalars first: where the budget ends, it ends inside nested objects.
  const entries = [...view.properties]
    .slice(0, MAX_PROPERTIES)
    .map(([name, node]) => ({ name, view: schemas.view(node) }));
  const emitted = new Map<string, JsonSchema>();
  for (const nested of [false, true]) {
    for (const entry of entries) {
      if (isScalar(entry.view) === nested) continue;
      emitted.set(entry.name, emit(entry.view, schemas, depth + 1, budget, within));
    }
  }
  for (const { name } of entries) {
    Object.defineProperty(properties, name, {
      value: emitted.get(name) ?? {},
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return properties;
}

// ----------------------------------------------------------------------------------------------------------- columns

const MAX_COLUMNS = 80;
const TITLES =
  /^(name|title|displayname|label|subject|fullname|friendlyname|summary|headline|login|username|email|filename|nameen|caption)$/;
const METADATA =
  /^(createdat|updatedat|created|updated|modified|etag|url|href|self|links|link|htmlurl|apiurl|object|kind|type_|deleted|archived|nodeid|version|datecreated|dateupdated|modifiedat|lastmodified)$/;

/** The columns of a table of such rows: objects flattened by dots, lists kept as JSON. */
export function columnsOf(
  row: SchemaView,
  schemas: SchemaReader,
  primaryKey: readonly (readonly string[])[],
): OutputColumn[] {
  if (row.properties.size === 0) {
    return isScalar(row) ? [{ name: 'value', type: columnType(row), role: 'DATA' }] : [];
  }
  const columns: OutputColumn[] = [];
  const walk = (view: SchemaView, prefix: string, depth: number, above: ReadonlySet<object>): void => {
    for (const [name, node] of view.properties) {
      if (columns.length >= MAX_COLUMNS) return;
      const inner = schemas.view(node);
      const path = prefix === '' ? name : `${prefix}.${name}`;
      if (inner.properties.size > 0 && depth < 2 && !isArray(inner) && !above.has(inner.identity)) {
        walk(inner, path, depth + 1, new Set([...above, inner.identity]));
      } else {
        columns.push({
          name: path,
          type: columnType(inner),
          role: METADATA.test(squash(name)) ? 'METADATA' : 'DATA',
        });
      }
    }
  };
  walk(row, '', 0, new Set([row.identity]));
  return withRoles(columns, primaryKey);
}

/** A key column goes with exactly one title column; without a title there is no key either. */
function withRoles(
  columns: readonly OutputColumn[],
  primaryKey: readonly (readonly string[])[],
): OutputColumn[] {
  const key = primaryKey.length === 1 ? primaryKey[0]?.join('.') : undefined;
  const titled = columns.find(
    (column) => column.name !== key && column.type === 'string' && TITLES.test(squash(column.name)),
  );
  if (key === undefined || titled === undefined || !columns.some((column) => column.name === key))
    return [...columns];
  return columns.map((column): OutputColumn => {
    if (column.name === key) return { ...column, role: 'KEY' };
    return column.name === titled.name ? { ...column, role: 'TITLE' } : column;
  });
}

function columnType(view: SchemaView): OutputColumn['type'] {
  if (!isScalar(view)) return 'json';
  if (view.types.size > 1)
    return view.types.has('integer') && view.types.has('number') && view.types.size === 2 ? 'number' : 'json';
  const [type] = view.types;
  if (type === 'string') return view.format === 'date-time' || view.format === 'date' ? 'datetime' : 'string';
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  return 'json';
}
