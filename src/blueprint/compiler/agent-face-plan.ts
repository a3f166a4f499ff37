/**
 * What the agent face emits, decided before a line of it is written: names that are unique and valid, the fields of
 * each parameter model, what each operation returns and which operation to call next.
 */
import type { Blueprint, Operation, OperationParameter, OutputColumn, Paging, Stream } from '../schema.ts';
import { className, fieldName, functionName, Names } from './agent-face-names.ts';

/** Rows that a list operation returns where the caller doesn't say, and the most it may ask for. */
export const DEFAULT_LIMIT = 100;
export const GREATEST_LIMIT = 1000;
/** Columns that one operation declares; keys and titles stand first. */
const MOST_COLUMNS = 30;
/** Operations that one docstring names as next steps. */
const MOST_NEXT = 6;
/** Column that says where a row of a table stands (`ROW` of matrix.py). */
export const ROW_NUMBER = '_row';
/** How deep the runtime flattens nested objects (`MAX_NESTING` of tables.py). */
const FLATTENED_LEVELS = 4;

/** A field of an operation's parameter model and where its value goes. */
export interface PlannedField {
  readonly name: string;
  readonly parameter: OperationParameter;
}

/** A step from one operation to another: a value of a row of `from` is a parameter of `to`. */
export interface Step {
  readonly from: PlannedOperation;
  readonly to: PlannedOperation;
  /** Column of `from`'s result. */
  readonly column: string;
  /** Field of `to`'s parameter model. */
  readonly field: PlannedField;
}

export interface PlannedOperation {
  readonly operation: Operation;
  /** Name of the Python function, and so of the connector. */
  readonly name: string;
  readonly paramsClass: string;
  readonly outputConstant: string;
  readonly fields: readonly PlannedField[];
  /** Parameters whose value the blueprint fixes: sent with every call, no fields of the model. */
  readonly constants: readonly OperationParameter[];
  /** Fields that must be given and that a stream reads from the configuration, with the property there. */
  readonly settings: ReadonlyMap<string, string>;
  /** Name of the field that bounds the number of rows; absent where an operation returns one record or a text. */
  readonly limitField: string | undefined;
  /** Rows of a list, values of a map, or a list of lists of which the first names the columns. */
  readonly shape: 'list' | 'map' | 'table';
  columns: readonly OutputColumn[];
  readonly next: Step[];
  /** Where values of its parameters come from: one step per parameter and source. */
  readonly previous: Step[];
}

/** The selected operations of a blueprint in its own order. */
export function planOperations(blueprint: Blueprint): PlannedOperation[] {
  const shapes = new Map(blueprint.streams.map((stream) => [stream.pointer, stream.recordShape]));
  const configured = configuredParameters(blueprint.streams);
  const functions = new Names();
  const classes = new Names();
  const constants = new Names();
  const planned = blueprint.operations
    .filter((operation) => operation.selected)
    .map((operation) =>
      plan(operation, shapes.get(operation.pointer), configured, functions, classes, constants),
    );
  link(planned);
  linkInherited(planned);
  for (const entry of planned) entry.columns = tableColumns(entry);
  return planned;
}

function plan(
  operation: Operation,
  shape: Stream['recordShape'] | undefined,
  configured: ReadonlyMap<string, string>,
  functions: Names,
  classes: Names,
  constants: Names,
): PlannedOperation {
  const name = functions.take(functionName(operation.name));
  const names = new Names();
  const parameters = ownParameters(operation);
  const fields = parameters
    .filter(({ value }) => value === undefined)
    .map((parameter) => ({ name: names.take(fieldName(parameter.pythonName)), parameter }));
  const returnsRows = operation.kind !== 'get' && operation.result === 'dataframe';
  return {
    operation,
    name,
    paramsClass: classes.take(`${className(name)}Params`, ''),
    outputConstant: constants.take(`${name.toUpperCase()}_OUTPUT`),
    fields: [
      ...fields.filter((field) => field.parameter.required),
      ...fields.filter((field) => !field.parameter.required),
    ],
    constants: parameters.filter(({ value }) => value !== undefined),
    settings: new Map(
      fields.flatMap(({ name: field, parameter }) => {
        const property = parameter.required ? configured.get(whereabouts(operation, parameter)) : undefined;
        return property === undefined ? [] : [[field, property] as const];
      }),
    ),
    limitField: returnsRows ? limitName(fields) : undefined,
    shape: returnsRows && (shape === 'map' || shape === 'table') ? shape : 'list',
    columns: [],
    next: [],
    previous: [],
  };
}

/** Properties of the configuration by the parameters of requests that streams fill with them. */
function configuredParameters(streams: readonly Stream[]): Map<string, string> {
  return new Map(
    streams.flatMap((stream) =>
      stream.parameters.flatMap((parameter) =>
        !stream.selected || parameter.configKey === undefined || parameter.value !== undefined
          ? []
          : [[whereabouts(stream, parameter), parameter.configKey] as const],
      ),
    ),
  );
}

/** A parameter of a path is the same for all that lies below it, another one only for the request itself. */
function whereabouts(
  { path, pointer }: Pick<Operation, 'path' | 'pointer'>,
  { in: place, name }: Pick<OperationParameter, 'in' | 'name'>,
): string {
  const above = path.slice(0, Math.max(0, path.indexOf(`{${name}}`)));
  return place === 'path' ? `${name} in ${above}` : `${place} ${name} of ${pointer}`;
}

/** Each parameter once; those that paging sets are left to the runtime. */
function ownParameters(operation: Operation): OperationParameter[] {
  const own = pagingParameters(operation.paging);
  const seen = new Set<string>();
  return operation.parameters.filter((parameter) => {
    const key = `${parameter.in} ${parameter.name}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return !(parameter.in !== 'path' && own.has(parameter.name));
  });
}

function pagingParameters(paging: Paging): Set<string> {
  const names = new Set<string>();
  if (paging.kind === 'none') return names;
  if (paging.sizeParam !== undefined) names.add(paging.sizeParam);
  if (paging.kind === 'page') names.add(paging.pageParam);
  if (paging.kind === 'offset') names.add(paging.offsetParam);
  if (paging.kind === 'cursor') names.add(paging.cursorParam);
  return names;
}

function limitName(fields: readonly PlannedField[]): string {
  const taken = new Set(fields.map((field) => field.name));
  return ['limit', 'max_rows', 'rows_wanted'].find((name) => !taken.has(name)) ?? 'limit_of_rows';
}

/**
 * Columns with unique names, at most one TITLE, and exactly one where there is a KEY beside other columns: the runtime
 * takes no other set. A record that was fetched by a column of a list has that column as its KEY.
 */
function tableColumns({ operation, previous, shape }: PlannedOperation): OutputColumn[] {
  if (operation.result !== 'dataframe') return [];
  const keys = new Set(
    previous.filter(({ field }) => field.parameter.in === 'path').map(({ column }) => column),
  );
  const keyless = !operation.columns.some((column) => column.role === 'KEY');
  const fetched = operation.columns.map((column): OutputColumn =>
    operation.kind === 'get' &&
    keyless &&
    (keys.has(column.name) || (keys.size === 0 && column.name === 'id'))
      ? { ...column, role: 'KEY' }
      : column,
  );
  const unique = [...new Map(fetched.map((column) => [column.name, column])).values()].filter(
    (column) =>
      column.name !== '' &&
      column.name !== (shape === 'table' ? ROW_NUMBER : '') &&
      column.name.split('.').length <= FLATTENED_LEVELS,
  );
  if (shape === 'table') unique.push({ name: ROW_NUMBER, type: 'integer', role: 'METADATA' });
  const title = unique.find((column) => column.role === 'TITLE') ?? likelyTitle(unique);
  const roles = unique.map((column): OutputColumn => {
    if (column === title) return { ...column, role: 'TITLE' };
    return column.role === 'TITLE' ? { ...column, role: 'DATA' } : column;
  });
  const weight = { KEY: 0, TITLE: 1, DATA: 2, METADATA: 3 };
  return roles
    .map((column, index) => ({ column, index }))
    .sort((a, b) => weight[a.column.role] - weight[b.column.role] || a.index - b.index)
    .map(({ column }) => column)
    .slice(0, MOST_COLUMNS);
}

/** What names a row for people, best first. */
const TELLING = [
  /name$/i,
  /title$/i,
  /(label|subject|summary)$/i,
  /(email|slug|description)$/i,
  /(status|type)$/i,
];

function likelyTitle(columns: readonly OutputColumn[]): OutputColumn | undefined {
  if (!columns.some((column) => column.role === 'KEY')) return undefined;
  const others = columns.filter((column) => column.role !== 'KEY');
  const texts = others.filter((column) => column.type === 'string');
  for (const pattern of TELLING) {
    const found = texts.find((column) => pattern.test(column.name));
    if (found !== undefined) return found;
  }
  return texts[0] ?? others[0];
}

/** Connects each operation with those that take a value of its rows; steps to operations left out are dropped. */
function link(planned: readonly PlannedOperation[]): void {
  const byName = new Map(planned.map((entry) => [entry.operation.name, entry]));
  for (const from of planned) {
    for (const { operation, parameter, field } of from.operation.next) {
      const to = byName.get(operation);
      const target = to?.fields.find((entry) => entry.parameter.pythonName === parameter);
      if (to === undefined || target === undefined || from.next.length >= MOST_NEXT) continue;
      const step: Step = { from, to, column: field.join('.'), field: target };
      from.next.push(step);
      to.previous.push(step);
    }
  }
}

/**
 * A parameter higher up in a path comes from where operations of that shorter path get it:
 * `/emails/{id}/attachments/{attachment}` needs an `id` just as `/emails/{id}` does.
 */
function linkInherited(planned: readonly PlannedOperation[]): void {
  const sources = new Map<string, Step>();
  for (const step of planned.flatMap((entry) => entry.previous)) {
    const key = pathUpTo(step.to, step.field);
    if (key !== undefined && !sources.has(key)) sources.set(key, step);
  }
  for (const to of planned) {
    for (const field of to.fields) {
      if (to.previous.some((step) => step.field === field)) continue;
      const key = pathUpTo(to, field);
      const source = key === undefined ? undefined : sources.get(key);
      if (source !== undefined && source.from !== to) to.previous.push({ ...source, to, field });
    }
  }
}

/** The path up to and with a parameter; names of parameters before it don't matter. */
function pathUpTo({ operation }: PlannedOperation, { parameter }: PlannedField): string | undefined {
  const at = operation.path.indexOf(`{${parameter.name}}`);
  if (parameter.in !== 'path' || at < 0) return undefined;
  return operation.path.slice(0, at).replace(/\{[^{}]*\}/g, '{}');
}
