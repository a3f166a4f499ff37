/** The agent face: one operation per GET, with typed parameters, its columns, and what to call next. */
import type { Operation, OperationParameter, Paging } from '../../blueprint/schema.ts';
import { isCredential } from './auth-prose.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { isParameterSegment, seemsToChange, segmentParameters } from './endpoints.ts';
import { NameRegistry, operationNames, pythonName } from './naming.ts';
import { statedDefault, statedMaximum } from './prose.ts';
import type { Rows } from './record-path.ts';
import { columnsOf } from './schemas.ts';
import { type SchemaReader, type SchemaView, isArray } from './schema-view.ts';
import { shapeOf } from './primary-key.ts';
import { shorten, squash } from './words.ts';

/** What the rules know of an endpoint when its operation is made. */
export interface OperationInput {
  readonly endpoint: Endpoint;
  readonly rows: Rows | undefined;
  readonly primaryKey: readonly (readonly string[])[];
  readonly paging: Paging;
  /** Pointer in the person's own file. */
  readonly pointer: string;
}

/** Headers that the client sets itself. */
const CLIENT_HEADERS =
  /^(accept|contenttype|useragent|acceptlanguage|acceptencoding|authorization|ifnonematch|ifmodifiedsince|xrequestid|requestid|host|connection|cachecontrol|idempotencykey)$/;
const MAX_PARAMETERS = 40;

/** All operations, unselected, in the order of the document. */
export function buildOperations(inputs: readonly OperationInput[], schemas: SchemaReader): Operation[] {
  const registry = new NameRegistry();
  return inputs.map((input) => buildOperation(input, schemas, registry));
}

function buildOperation(input: OperationInput, schemas: SchemaReader, registry: NameRegistry): Operation {
  const { endpoint, rows } = input;
  const kind = kindOf(endpoint, rows);
  const name = registry.take(...operationNames(endpoint, kind));
  const summary = shorten(
    endpoint.summary !== '' ? endpoint.summary : firstSentence(endpoint.description),
    160,
  );
  const text = rows === undefined && endpoint.response !== undefined && !endpoint.response.json;
  const description = endpoint.description.trim();
  return {
    name,
    method: endpoint.method,
    path: endpoint.template,
    pointer: input.pointer,
    selected: false,
    summary: summary !== '' ? summary : readable(name),
    ...(description === '' ? {} : { description: shorten(description, 600) }),
    kind,
    parameters: operationParameters(endpoint, schemas),
    recordPath: rows === undefined ? [] : [...rows.recordPath],
    result: text ? 'text' : 'dataframe',
    columns: [],
    paging: kind === 'get' ? { kind: 'none' } : input.paging,
    next: [],
  };
}

function kindOf(endpoint: Endpoint, rows: Rows | undefined): Operation['kind'] {
  if (rows === undefined || rows.shape === 'single') return 'get';
  const searched =
    /search|lookup|autocomplete|suggest|query|find/i.test(`${endpoint.path} ${endpoint.operationId ?? ''}`) ||
    endpoint.parameters.some(
      (parameter) =>
        parameter.in === 'query' &&
        /^(q|query|search|term|keyword|keywords|searchterm)$/.test(squash(parameter.name)),
    );
  return searched ? 'search' : 'list';
}

function firstSentence(text: string): string {
  return text.split(/(?<=[.!?])\s|\n/)[0] ?? '';
}

function readable(name: string): string {
  const text = name.replaceAll('_', ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// -------------------------------------------------------------------------------------------------------- parameters

function operationParameters(endpoint: Endpoint, schemas: SchemaReader): OperationParameter[] {
  const registry = new NameRegistry();
  const listed = endpoint.parameters
    .filter((parameter) => !isCredential(parameter))
    .filter((parameter) => parameter.in === 'path' || !parameter.deprecated || parameter.required)
    .filter((parameter) => parameter.in !== 'header' || !CLIENT_HEADERS.test(squash(parameter.name)))
    .filter((parameter) => parameter.in !== 'cookie');
  const ordered = [...listed.filter((one) => one.required), ...listed.filter((one) => !one.required)].slice(
    0,
    MAX_PARAMETERS,
  );
  return ordered.map((parameter) => {
    const pythonic = registry.take(pythonName(parameter.name, 'value'));
    return operationParameter(parameter, pythonic, schemas);
  });
}

function operationParameter(
  parameter: Parameter,
  pythonic: string,
  schemas: SchemaReader,
): OperationParameter {
  const { schema } = parameter;
  const type = scalarTypeOf(schema);
  const items = type === 'array' && schema.items !== undefined ? schemas.view(schema.items) : undefined;
  const values = enumOf(items ?? schema);
  const bounds = type === 'integer' || type === 'number' ? boundsOf(parameter) : {};
  const text = shorten(parameter.description, 300);
  return {
    name: parameter.name,
    pythonName: pythonic,
    in: parameter.in,
    type,
    ...(items === undefined ? {} : { itemType: scalarTypeOf(items) }),
    required: parameter.required,
    description: text !== '' ? text : `${readable(pythonic)}.`,
    ...(values === undefined ? {} : { enum: values }),
    ...(schema.default === undefined || schema.default === null ? {} : { default: schema.default }),
    ...bounds,
    ...(schema.pattern !== undefined && type === 'string' && schema.pattern.length <= 200
      ? { pattern: schema.pattern }
      : {}),
  };
}

/** The one type of a parameter; where several are allowed the most lenient. */
export function scalarTypeOf(schema: SchemaView): OperationParameter['type'] {
  if (isArray(schema)) return 'array';
  for (const type of ['string', 'number', 'integer', 'boolean', 'object'] as const) {
    if (schema.types.has(type)) return type;
  }
  return 'string';
}

export function enumOf(schema: SchemaView): (string | number | boolean)[] | undefined {
  const values = schema.enum?.filter(
    (value): value is string | number | boolean =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean',
  );
  if (values === undefined || values.length === 0 || values.length > 200) return undefined;
  return [...new Set(values)];
}

function boundsOf(parameter: Parameter): { minimum?: number; maximum?: number } {
  const { schema, description } = parameter;
  const size = /^(limit|perpage|pagesize|count|maxresults|size|take|top|first|rows|page|offset|skip)$/.test(
    squash(parameter.name),
  );
  const usual = statedDefault(description);
  const told = size ? statedMaximum(description) : undefined;
  const maximum = schema.maximum ?? (told !== undefined && told >= (usual ?? 1) ? told : undefined);
  const minimum = schema.minimum;
  return {
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined || maximum < (minimum ?? maximum) ? {} : { maximum }),
  };
}

// ----------------------------------------------------------------------------------------------------------- chaining

const MAX_NEXT = 4;

/** Fills `next`: from a list to the operation that gets one of its rows, and to the lists below one of its rows. */
export function chainOperations(
  operations: Operation[],
  inputs: readonly OperationInput[],
  fieldFor: (list: OperationInput, parameter: Parameter) => readonly string[] | undefined,
): void {
  const byListShape = new Map<string, number[]>();
  for (const [index, { endpoint }] of inputs.entries()) {
    const at = endpoint.segments.findLastIndex(isParameterSegment);
    if (at < 0) continue;
    const shape = shapeOf(endpoint.segments.slice(0, at));
    const known = byListShape.get(shape);
    if (known === undefined) byListShape.set(shape, [index]);
    else known.push(index);
  }
  for (const [index, input] of inputs.entries()) {
    const operation = operations[index];
    if (operation === undefined || operation.kind === 'get') continue;
    for (const below of byListShape.get(shapeOf(input.endpoint.segments)) ?? []) {
      const target = operations[below];
      const targetInput = inputs[below];
      if (target === undefined || targetInput === undefined || operation.next.length >= MAX_NEXT) continue;
      const name = targetInput.endpoint.segments.flatMap(segmentParameters).at(-1);
      const wire = targetInput.endpoint.parameters.find((one) => one.in === 'path' && one.name === name);
      const parameter = target.parameters.find((one) => one.in === 'path' && one.name === name);
      if (wire === undefined || parameter === undefined) continue;
      const field = fieldFor(input, wire);
      if (field === undefined) continue;
      operation.next.push({ operation: target.name, parameter: parameter.pythonName, field: [...field] });
    }
    operation.next.sort((left, right) => left.operation.length - right.operation.length);
  }
}

const MAX_SELECTED = 40;
/** Parameters that only a person may fill in: what trades them for a token is how one signs in, not what one reads. */
const SECRET =
  /^(secret|(client|app|consumer|shared)secret|secretkey|privatekey|refreshtoken|passw(or)?d|passphrase)$/;

function hasColumns(rows: Rows | undefined): boolean {
  return rows !== undefined && (rows.row.properties.size > 0 || rows.row.types.size > 0);
}

/**
 * Picks the operations of a connector: those of the selected streams with what gets one row of them, then others by use,
 * at most 40. The rest stays listed.
 */
export function selectOperations(
  operations: Operation[],
  inputs: readonly OperationInput[],
  selectedStreams: ReadonlySet<string>,
  /** Whether the person named the streams: then nothing but these and their details is picked. */
  named: boolean,
  schemas: SchemaReader,
): void {
  const score = (operation: Operation, input: OperationInput): number => {
    let value = 0;
    if (selectedStreams.has(input.pointer)) value += 20;
    if (operation.kind === 'search') value += 4;
    const last = input.endpoint.segments.at(-1);
    const listPath = shapeOf(input.endpoint.segments.slice(0, -1));
    if (isParameterSegment(last) && selectedShapes.has(listPath)) value += 10;
    value -= operation.parameters.filter((one) => one.required).length;
    return value;
  };
  const selectedShapes = new Set(
    inputs
      .filter((input) => selectedStreams.has(input.pointer))
      .map((input) => shapeOf(input.endpoint.segments)),
  );
  const ranked = operations
    .map((operation, index) => ({ operation, input: inputs[index], index }))
    .flatMap(({ operation, input, index }) =>
      input === undefined ? [] : [{ operation, input, index, value: score(operation, input) }],
    )
    .filter(
      ({ input }) =>
        !input.endpoint.deprecated && !seemsToChange(input.endpoint) && input.endpoint.response !== undefined,
    )
    .filter(({ input }) => !input.endpoint.parameters.some(({ name }) => SECRET.test(squash(name))))
    .filter(({ operation, input }) => operation.result === 'text' || hasColumns(input.rows))
    .filter(({ value }) => !named || value >= 6)
    .sort((left, right) => right.value - left.value || left.index - right.index);
  // Only what is generated needs its columns; the rest is listed.
  for (const { operation, input } of ranked.slice(0, MAX_SELECTED)) {
    operation.selected = true;
    if (input.rows !== undefined) operation.columns = columnsOf(input.rows.row, schemas, input.primaryKey);
  }
  const chosen = new Set(
    operations.filter((operation) => operation.selected).map((operation) => operation.name),
  );
  for (const operation of operations) {
    operation.next = operation.next.filter((step) => chosen.has(step.operation));
  }
}
