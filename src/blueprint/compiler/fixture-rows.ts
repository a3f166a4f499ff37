/** The rows that the tests' server of a connector serves: a few for each list, told apart by key, cursor and parent. */
import { withoutCredentials } from './placeholders.ts';
import type { FieldPath, Incremental, Stream } from '../schema.ts';
import { sentParameters } from './fixture-config.ts';
import { recursion } from './features.ts';
import { partitionColumns } from './partitions.ts';
import { get, isRowObject, put, sample, schemaAt, unique, type Json } from './samples.ts';

const ROWS = 5;
/** Rows of a child's first, second, … partition; the last number holds for all that follow. */
const ROWS_OF_PARTITIONS = [3, 0, 1];
/** Rows of the lists below one row of a stream whose rows have rows below them, from the top down. */
const ROWS_BELOW = [3, 1, 0];
/** The keys of such a stream are told apart from those of its parent, which fill the same place in the path. */
const KEYS_BELOW = 500;
const LARGEST_EXAMPLE = 4000;
const FIRST_MOMENT = Date.UTC(2024, 0, 1);
const DAY = 86_400_000;

/** One list of the API: where it is, which parent it belongs to, its rows. */
export interface Collection {
  /** Below the base URL, with its parameters filled in. */
  readonly path: string;
  /** Parameters of the parent that are no part of the path. */
  readonly query: Record<string, Json>;
  /** The parent's values by parameter. */
  readonly partition: Record<string, Json>;
  /** What the connector adds to each row. */
  readonly columns: Record<string, Json>;
  readonly rows: Json[];
}

/** The lists of a stream: one, or one for each row of its parent. */
export function collections(
  stream: Stream,
  all: readonly Stream[],
  made: ReadonlyMap<string, Collection[]>,
  config: Record<string, unknown>,
): Collection[] {
  const columns = partitionColumns(stream, all);
  const keyFields = keysForChildren(stream, all);
  let serial = 0;
  const rows = (count: number): Json[] => {
    const cursors = cursorSteps(stream, count);
    return Array.from(
      { length: stream.recordShape === 'single' ? Math.min(count, 1) : count },
      (_, index) => {
        const row = makeRow(stream, serial, index, cursors[index] ?? 0, keyFields);
        serial += 1;
        return row;
      },
    );
  };
  const collection = (partition: Record<string, Json>, count: number): Collection => {
    const inPath = Object.keys(partition).filter((name) => stream.path.includes(`{${name}}`));
    return {
      path: filledPath(stream, partition, config),
      query: Object.fromEntries(Object.entries(partition).filter(([name]) => !inPath.includes(name))),
      partition,
      columns: Object.fromEntries(
        Object.entries(partition).map(([name, value]) => [columns.get(name) ?? name, value]),
      ),
      rows: rows(count),
    };
  };
  const found = partitions(stream, made).map((partition, index) =>
    collection(
      partition,
      stream.parent === undefined ? ROWS : (ROWS_OF_PARTITIONS[index] ?? ROWS_OF_PARTITIONS.at(-1) ?? 1),
    ),
  );
  return [...found, ...listsBelow(stream, found, collection)];
}

/**
 * The lists below rows of the same stream: three levels of them below a row of the last list that has any, the lowest one
 * empty though its row says otherwise. Where no field tells which rows have any, each row has a list.
 */
function listsBelow(
  stream: Stream,
  lists: readonly Collection[],
  collection: (partition: Record<string, Json>, count: number) => Collection,
): Collection[] {
  const recursive = recursion(stream);
  if (recursive === undefined) return [];
  const { parameter, field, flag } = recursive;
  const found: Collection[] = [];
  const mark = (list: Collection): void => {
    if (flag !== undefined)
      list.rows.forEach((row) => {
        put(row, flag, flagValue(stream, flag, false));
      });
  };
  const below = (list: Collection, row: Json, count: number): Collection => {
    const made = collection({ ...list.partition, [parameter]: get(row, field) ?? null }, count);
    mark(made);
    found.push(made);
    return made;
  };
  lists.forEach(mark);
  const deepest = lists.findLast(({ rows }) => rows.length > 0);
  const waiting: Collection[] = lists.filter((list) => list !== deepest);
  let list = deepest;
  for (const count of ROWS_BELOW) {
    const [row, ...others] = list?.rows ?? [];
    if (list === undefined || row === undefined) break;
    if (flag === undefined) waiting.push({ ...list, rows: others });
    else put(row, flag, flagValue(stream, flag, true));
    list = below(list, row, count);
  }
  if (flag === undefined)
    waiting.forEach((one) => {
      one.rows.forEach((row) => below(one, row, 0));
    });
  return found;
}

function flagValue(stream: Stream, flag: FieldPath, has: boolean): Json {
  const types = [schemaAt(stream.schema, flag)?.['type']].flat();
  if (types.includes('array')) return has ? ['one'] : [];
  return types.includes('integer') || types.includes('number') ? Number(has) : has;
}

/** The values that a stream is read for: one empty set, or one for each row of the parent that has them. */
function partitions(stream: Stream, made: ReadonlyMap<string, Collection[]>): Record<string, Json>[] {
  const { parent } = stream;
  if (parent === undefined) return [{}];
  const found: Record<string, Json>[] = [];
  for (const above of made.get(parent.stream) ?? []) {
    for (const row of above.rows) {
      const values = parent.parameters.map(({ name, from }): [string, Json | undefined] => [
        name,
        from.kind === 'record' ? get(row, from.field) : above.partition[from.parameter],
      ]);
      if (values.every(([, value]) => value !== undefined && value !== null)) {
        found.push(Object.fromEntries(values) as Record<string, Json>);
      }
    }
  }
  return found;
}

/** Fields of this stream's rows that children take their path values from. */
function keysForChildren(stream: Stream, all: readonly Stream[]): FieldPath[] {
  const own = recursion(stream);
  const below = all
    .filter((child) => child.parent?.stream === stream.name)
    .flatMap((child) => child.parent?.parameters ?? [])
    .flatMap(({ from }) => (from.kind === 'record' ? [from.field] : []));
  return own === undefined ? below : [...below, own.field];
}

function filledPath(
  stream: Stream,
  partition: Record<string, Json>,
  config: Record<string, unknown>,
): string {
  let path = stream.path.split('?')[0] ?? stream.path;
  for (const [name, value] of Object.entries(partition)) {
    path = path.replaceAll(`{${name}}`, quoted(stream, name, textOf(value)));
  }
  for (const { name, in: place, value } of sentParameters(stream, config)) {
    if (place === 'path') path = path.replaceAll(`{${name}}`, textOf(value));
  }
  return path;
}

function makeRow(
  stream: Stream,
  serial: number,
  index: number,
  step: number,
  keyFields: readonly FieldPath[],
): Json {
  const { schema } = stream;
  if (!isRowObject(schema)) return scalarRow(stream, serial);
  const row = baseRow(stream, serial);
  const { incremental } = stream;
  const apart = recursion(stream) === undefined ? 0 : KEYS_BELOW;
  const isCursor = (path: FieldPath): boolean => incremental?.cursorField.join('.') === path.join('.');
  if (incremental !== undefined) put(row, incremental.cursorField, cursorValue(stream, incremental, step));
  for (const path of [...stream.primaryKey, ...keyFields, ...lastRecordField(stream)]) {
    if (!isCursor(path)) put(row, path, unique(schema, path, serial + apart, stream.name));
  }
  if (stream.recordShape === 'table')
    return { ...(row as Record<string, Json>), x_not_described: 'kept', _row: index + 2 };
  // Fields that the description doesn't know are kept.
  if (index === 0) put(row, ['x_not_described'], { kept: true });
  if (stream.recordShape === 'map')
    return { ...(row as Record<string, Json>), _key: `key-${String(serial + 1)}` };
  return row;
}

function scalarRow(stream: Stream, serial: number): Json {
  const value = sample(stream.schema, serial, stream.name);
  return typeof value === 'string' ? `${value} (${String(serial)})` : value;
}

function baseRow(stream: Stream, serial: number): Json {
  const { example } = stream;
  const usable = typeof example === 'object' && example !== null && !Array.isArray(example);
  if (serial === 0 && usable && JSON.stringify(example).length <= LARGEST_EXAMPLE) {
    return withoutCredentials(structuredClone(example)) as Json;
  }
  const row = sample(stream.schema, serial, stream.name);
  return typeof row === 'object' && row !== null && !Array.isArray(row) ? row : {};
}

function lastRecordField(stream: Stream): FieldPath[] {
  return stream.paging.kind === 'cursor' && stream.paging.lastRecordField !== undefined
    ? [stream.paging.lastRecordField]
    : [];
}

/** Where each row stands in time, in steps; out of order, and the two newest at the same moment. */
function cursorSteps(stream: Stream, count: number): number[] {
  const cursor = stream.incremental?.cursorField.join('.');
  const isKey = [...stream.primaryKey, ...lastRecordField(stream)].some((path) => path.join('.') === cursor);
  const newest = isKey ? count - 1 : Math.max(count - 2, 0);
  const steps = Array.from({ length: count }, (_, index) => Math.min(index, newest));
  return isKey ? steps : [...steps.slice(1), ...steps.slice(0, 1)];
}

function cursorValue(stream: Stream, incremental: Incremental, step: number): Json {
  const window = incremental.maxWindowDays ?? 2;
  // Every other row stands exactly where one window of time ends and the next begins.
  const days = incremental.cursorFormat === 'date' ? Math.max(1, Math.floor(window / 2)) : window / 2;
  const moment = FIRST_MOMENT + step * days * DAY;
  const field = schemaAt(stream.schema, incremental.cursorField);
  const type = [field?.['type']].flat().find((one) => one !== 'null');
  const written = (value: number): Json => (type === 'string' ? String(value) : value);
  switch (incremental.cursorFormat) {
    case 'date_time':
      if (type === 'integer' || type === 'number') return moment / 1000;
      return new Date(moment).toISOString().replace('.000Z', 'Z');
    case 'date':
      return new Date(moment).toISOString().slice(0, 10);
    case 'unix_seconds':
      return written(moment / 1000);
    case 'unix_milliseconds':
      return written(moment);
    case 'integer':
      return written(100 + step);
    case 'string':
      return `v${String(step).padStart(4, '0')}`;
  }
}

function quoted(stream: Stream, parameter: string, text: string): string {
  const quote = stream.parent?.parameters.find(({ name }) => name === parameter)?.quote;
  return quote === undefined ? text : quote + text.replaceAll(quote, quote + quote) + quote;
}

/** A value as it stands in a path. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
