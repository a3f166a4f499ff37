/**
 * Emits what the tests of a connector's operations run on: for each operation valid parameters, what they must become
 * on the wire, and the rows that a played API answers with. The tests themselves are in the template.
 */
import type { Blueprint, OperationParameter, OutputColumn, Paging } from '../schema.ts';
import { enumerates, orderedBounds } from './agent-face-params.ts';
import { ROW_NUMBER, type PlannedField, type PlannedOperation } from './agent-face-plan.ts';
import type { Field } from './configuration.ts';
import { asksForCredentials, fieldsOf, requiredConfig } from './documentation-config.ts';
import type { CompiledFile } from './compile.ts';

/** Rows of each list: more than two pages of the played API. */
const ROWS = 5;
/** Start of every secret in the tests' configuration; the tests look for it where no secret may be. */
const SECRET = 'test-secret';

/** `tests/fixtures/operations.json`. */
export function operationTests(blueprint: Blueprint, planned: readonly PlannedOperation[]): CompiledFile[] {
  const fixture = {
    config: testConfig(blueprint),
    secret: SECRET,
    operations: Object.fromEntries(planned.map((entry) => [entry.name, operationFixture(blueprint, entry)])),
  };
  return [{ path: 'tests/fixtures/operations.json', content: `${JSON.stringify(fixture, null, 2)}\n` }];
}

/** A complete configuration: the first way to authenticate, and every required property. */
function testConfig(blueprint: Blueprint): Record<string, unknown> {
  const option = blueprint.auth.find(asksForCredentials);
  const fields = option === undefined ? [] : fieldsOf(option);
  const credentials = Object.fromEntries(fields.map((field) => [field.name, credential(field)]));
  return {
    ...requiredConfig(blueprint),
    ...(option === undefined ? {} : { credentials: { auth_type: option.name, ...credentials } }),
    base_url: 'https://api.test/base',
  };
}

function credential({ name, secret }: Field): string {
  if (name.startsWith('token_url')) return 'https://login.test/token';
  return secret ? `${SECRET}-${name}` : `test-${name}`;
}

function operationFixture(blueprint: Blueprint, planned: PlannedOperation): Record<string, unknown> {
  const { operation } = planned;
  const many = planned.limitField !== undefined;
  return {
    kind: operation.kind,
    result: operation.result,
    method: operation.method,
    path: operation.path,
    limit: planned.limitField ?? null,
    required: values(planned.fields.filter((field) => field.parameter.required)),
    every: values(planned.fields),
    wire: planned.fields.map(({ name, parameter }) => ({
      field: name,
      in: parameter.in,
      name: parameter.name,
      type: parameter.type,
      ...(parameter.quote === undefined || !parameter.required ? {} : { quote: parameter.quote }),
    })),
    constants: planned.constants.map((constant) => ({
      in: constant.in,
      name: constant.name,
      value: constant.value,
    })),
    settings: Object.fromEntries(planned.settings),
    record_path: operation.recordPath,
    shape: planned.shape,
    paging: many ? operation.paging : { kind: 'none' },
    columns: planned.columns.map(({ name, type, role }) => ({ name, type, role })),
    rows: rows(planned, many ? ROWS : 1),
    next: planned.next.map((step) => ({
      operation: step.to.name,
      parameter: step.field.name,
      column: step.column,
    })),
    bounds: planned.fields.flatMap(({ name, parameter }) => boundsOf(name, parameter)),
    tag: blueprint.name.replaceAll('-', '_'),
  };
}

function values(fields: readonly PlannedField[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, value(field.parameter)]));
}

/** A valid value of a parameter. */
function value(parameter: OperationParameter): unknown {
  const list = parameter.type === 'array';
  const first = parameter.enum?.[0];
  if (first !== undefined && enumerates(parameter)) return list ? [first] : first;
  const one = scalarValue(
    list ? (parameter.itemType ?? 'string') : parameter.type,
    list ? {} : orderedBounds(parameter),
  );
  return list ? [one, one] : one;
}

function scalarValue(
  type: OperationParameter['type'],
  bounds: { minimum?: number; maximum?: number },
): unknown {
  switch (type) {
    case 'integer':
      return inside(1, bounds, Math.ceil, Math.floor);
    case 'number':
      return inside(1.5, bounds, Number, Number);
    case 'boolean':
      return true;
    case 'object':
      return { key: 'value' };
    case 'array':
      return ['text'];
    case 'string':
      return 'text a/b';
  }
}

function inside(
  wanted: number,
  { minimum, maximum }: { minimum?: number; maximum?: number },
  up: (value: number) => number,
  down: (value: number) => number,
): number {
  if (minimum !== undefined && wanted < minimum) return up(minimum);
  return maximum !== undefined && wanted > maximum ? down(maximum) : wanted;
}

function boundsOf(name: string, parameter: OperationParameter): { field: string; outside: number }[] {
  if (enumerates(parameter) || (parameter.type !== 'integer' && parameter.type !== 'number')) return [];
  const { minimum, maximum } = orderedBounds(parameter);
  const below = minimum === undefined ? [] : [{ field: name, outside: Math.ceil(minimum) - 1 }];
  const above = maximum === undefined ? [] : [{ field: name, outside: Math.floor(maximum) + 1 }];
  return [...below, ...above].filter((bound) => Number.isSafeInteger(bound.outside));
}

/** Rows with every column of the operation; keys and texts differ from row to row. */
function rows(planned: PlannedOperation, count: number): Record<string, unknown>[] {
  const paging: Paging = planned.operation.paging;
  const isTable = planned.shape === 'table';
  const columns = planned.columns.filter(({ name }) => !isTable || name !== ROW_NUMBER);
  return Array.from({ length: count }, (_, index) => {
    const row: Record<string, unknown> = {};
    // The columns of a table have names, and no paths.
    for (const column of columns)
      put(row, isTable ? [column.name] : column.name.split('.'), cell(column, index));
    if (columns.length === 0) put(row, ['value'], `value ${String(index + 1)}`);
    if (paging.kind === 'cursor' && paging.lastRecordField !== undefined) {
      put(row, paging.lastRecordField, `key-${String(index + 1)}`);
    }
    if (isTable) row[ROW_NUMBER] = index + 2;
    return row;
  });
}

function cell(column: OutputColumn, index: number): unknown {
  const number = index + 1;
  switch (column.type) {
    case 'string':
      return `${column.name} ${String(number)}`;
    case 'integer':
      return number;
    case 'number':
      return number + 0.5;
    case 'boolean':
      return index % 2 === 0;
    case 'datetime':
      return `2024-01-0${String(number)}T00:00:00Z`;
    case 'json':
      return [{ position: number }];
  }
}

/** Sets a value at a path; a value that already stands on the way stays. */
function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    set(target, key, value);
    return;
  }
  const inner = Object.hasOwn(target, key) ? target[key] : undefined;
  if (inner === undefined) set(target, key, {});
  const next = target[key];
  if (typeof next === 'object' && next !== null && !Array.isArray(next))
    put(next as Record<string, unknown>, rest, value);
}

/** Own property even for `__proto__`. */
function set(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
