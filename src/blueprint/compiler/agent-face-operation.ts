/** The Python of one operation: its output columns, its function, and the docstring that guides a model's next step. */
import type { OperationParameter, Paging, ParameterLocation } from '../schema.ts';
import { constantLines } from './agent-face-constants.ts';
import { paramsModel } from './agent-face-params.ts';
import { dict, print, str } from './python.ts';
import type { PlannedField, PlannedOperation, Step } from './agent-face-plan.ts';
import {
  docstring,
  LINE_LENGTH,
  plainText,
  pythonString,
  pythonTuple,
  pythonValue,
  sentence,
  stringLines,
} from './agent-face-python.ts';

const SUMMARY_LENGTH = 80;
const DESCRIPTION_LENGTH = 500;

/** How the emitted functions take the client: bound by `bind_deps`, or optional where the API needs no credentials. */
export interface ClientNeed {
  readonly required: boolean;
  /** First tag of every operation: the API's name. */
  readonly tag: string;
}

/** Lines of an operation: model, output, function. */
export function operationLines(planned: PlannedOperation, need: ClientNeed): string[] {
  return [
    ...paramsModel(planned),
    '',
    '',
    ...(planned.operation.result === 'dataframe' ? [...outputLines(planned), '', ''] : []),
    ...functionLines(planned, need),
  ];
}

function outputLines(planned: PlannedOperation): string[] {
  if (planned.columns.length === 0) return [`${planned.outputConstant} = OutputConfig()`];
  const columns = planned.columns.flatMap((column) => {
    const role = column.role === 'DATA' ? '' : `, role=ColumnRole.${column.role}`;
    const end = `, dtype=${pythonString(column.type)}${role}),`;
    const whole = `        Column(${pythonString(column.name)}${end}`;
    if (whole.length <= LINE_LENGTH) return [whole];
    return [
      '        Column(',
      ...stringLines('            ', '', column.name, ','),
      `            dtype=${pythonString(column.type)},`,
      ...(role === '' ? [] : [`            ${role.slice(2)},`]),
      '        ),',
    ];
  });
  const only = columns.length === 1 ? columns[0]?.trim() : undefined;
  const short = `${planned.outputConstant} = OutputConfig((${only ?? ''}))`;
  if (only !== undefined && short.length <= LINE_LENGTH) return [short];
  const tuple = `    (${only ?? ''})`;
  if (only !== undefined && tuple.length <= LINE_LENGTH) {
    return [`${planned.outputConstant} = OutputConfig(`, tuple, ')'];
  }
  return [`${planned.outputConstant} = OutputConfig(`, '    (', ...columns, '    )', ')'];
}

function functionLines(planned: PlannedOperation, need: ClientNeed): string[] {
  const { operation, name, paramsClass } = planned;
  const text = operation.result === 'text';
  const tags = [...new Set([need.tag, operation.kind])].map(pythonString).join(', ');
  const shape = text ? 'result_type="text"' : `output=${planned.outputConstant}`;
  return [
    ...decorator([shape, `tags=[${tags}]`], planned.settings),
    ...signature(name, paramsClass, need.required ? 'ApiClient' : 'ApiClient | None = None'),
    ...docstring('    ', sentence(plainText(operation.summary, SUMMARY_LENGTH)), paragraphs(planned)),
    '    request = Request(',
    `        ${pythonString(operation.method)},`,
    ...stringLines('        ', '', operation.path, ','),
    ...pathLines(planned),
    ...queryLines(planned),
    ...headerLines(planned),
    ...wrapped('body', 'given', planned, 'body'),
    '    )',
    ...fetchLines(planned),
  ];
}

/** What the configuration of a served connector answers, where the caller does not, stands among the properties. */
function decorator(parts: readonly string[], settings: ReadonlyMap<string, string>): string[] {
  if (settings.size === 0) return call('@connector', parts);
  const entries = [...settings].map(([field, property]) => [field, str(property)] as const);
  const head = 'properties=';
  const code = `${head}${print(dict([['settings', dict(entries)]]), '    ', head.length)}`;
  return call('@connector', [...parts, code]).flatMap((line) => line.split('\n'));
}

function call(head: string, parts: readonly string[]): string[] {
  const whole = `${head}(${parts.join(', ')})`;
  return whole.length <= LINE_LENGTH ? [whole] : [`${head}(`, ...parts.map((part) => `    ${part},`), ')'];
}

function signature(name: string, paramsClass: string, client: string): string[] {
  const whole = `async def ${name}(params: ${paramsClass}, *, client: ${client}) -> Result:`;
  if (whole.length <= LINE_LENGTH) return [whole];
  const inner = `    params: ${paramsClass}, *, client: ${client}`;
  return inner.length <= LINE_LENGTH
    ? [`async def ${name}(`, inner, ') -> Result:']
    : [
        `async def ${name}(`,
        `    params: ${paramsClass},`,
        '    *,',
        `    client: ${client},`,
        ') -> Result:',
      ];
}

function fetchLines(planned: PlannedOperation): string[] {
  const { operation, outputConstant, limitField } = planned;
  if (operation.result === 'text') return ['    return await fetch_text(client, request, params)'];
  const paging = limitField === undefined ? undefined : pagingExpression(operation.paging);
  return [
    '    return await fetch_table(',
    '        client,',
    '        request,',
    '        params,',
    `        ${outputConstant},`,
    ...rowsLines(planned),
    ...(paging === undefined ? [] : argumentLines('        ', `paging=${paging.type}`, paging.arguments)),
    ...(limitField === undefined ? [] : [`        limit=params.${limitField},`]),
    ...(operation.kind === 'search' ? ['        is_search=True,'] : []),
    '    )',
  ];
}

/** Where the rows stand, unless that is the whole body. */
function rowsLines({ operation, shape }: PlannedOperation): string[] {
  const parts = [
    ...(operation.recordPath.length > 0 || shape !== 'list' ? [pythonTuple(operation.recordPath)] : []),
    ...(shape === 'list' ? [] : [`is_${shape}=True`]),
  ];
  return parts.length === 0 ? [] : argumentLines('        ', 'rows_at=RowsAt', parts);
}

function fieldsIn(planned: PlannedOperation, place: ParameterLocation): readonly PlannedField[] {
  return planned.fields.filter((field) => field.parameter.in === place);
}

function pathLines(planned: PlannedOperation): string[] {
  const entries = fieldsIn(planned, 'path').map(({ name, parameter }): MapEntry => {
    const value = parameter.type === 'array' ? `joined(params.${name})` : pathValue(name, parameter);
    return { key: parameter.name, value };
  });
  return mapping('path_params=', [...entries, ...fixedEntries(planned, 'path')]);
}

/** The constants of a place, behind what the caller sets there. */
function fixedEntries({ constants }: PlannedOperation, place: ParameterLocation): MapEntry[] {
  return constants.filter((constant) => constant.in === place).map((constant) => ({ constant }));
}

/** Path templates take scalars: an optional or nested value, which no sane path has, goes in as text. */
function pathValue(name: string, parameter: OperationParameter): string {
  if (isQuoted(parameter)) return quotedValue(name, parameter);
  return parameter.required && parameter.type !== 'object' ? `params.${name}` : `str(params.${name})`;
}

function isQuoted({ quote, required, type }: OperationParameter): boolean {
  return quote !== undefined && required && type !== 'object' && type !== 'array';
}

function quotedValue(name: string, { quote }: OperationParameter): string {
  return `quoted(${pythonString(quote ?? '')}, params.${name})`;
}

function queryLines(planned: PlannedOperation): string[] {
  const entries = fieldsIn(planned, 'query').map(({ name, parameter }): MapEntry =>
    parameter.type === 'object'
      ? { spread: `deep(${pythonString(parameter.name)}, params.${name})` }
      : {
          key: parameter.name,
          value: isQuoted(parameter) ? quotedValue(name, parameter) : `params.${name}`,
        },
  );
  return mapping('params=', [...entries, ...fixedEntries(planned, 'query')]);
}

function headerLines(planned: PlannedOperation): string[] {
  const headers = wrapped('headers', 'texts', planned, 'header');
  const cookies = wrapped('headers', 'cookies', planned, 'cookie');
  if (headers.length === 0 || cookies.length === 0) return [...headers, ...cookies];
  return ['        headers={', ...spread(headers), ...spread(cookies), '        },'];
}

function spread(lines: readonly string[]): string[] {
  return lines.map((line, index) => `    ${index === 0 ? line.replace('headers=', '**') : line}`);
}

function wrapped(
  argument: string,
  helper: string,
  planned: PlannedOperation,
  place: ParameterLocation,
): string[] {
  const entries = [
    ...fieldsIn(planned, place).map((field): MapEntry => ({
      key: field.parameter.name,
      value: `params.${field.name}`,
    })),
    ...fixedEntries(planned, place),
  ].flatMap((entry) => entryLines('                ', entry));
  if (entries.length === 0) return [];
  return [`        ${argument}=${helper}(`, '            {', ...entries, '            }', '        ),'];
}

type MapEntry =
  | { readonly key: string; readonly value: string }
  | { readonly spread: string }
  | { readonly constant: OperationParameter };

function mapping(head: string, entries: readonly MapEntry[]): string[] {
  if (entries.length === 0) return [];
  const lines = entries.flatMap((entry) => entryLines('            ', entry));
  return [`        ${head}{`, ...lines, '        },'];
}

function entryLines(indent: string, entry: MapEntry): string[] {
  if ('spread' in entry) return [`${indent}**${entry.spread},`];
  if ('constant' in entry) return constantLines(indent, entry.constant);
  return stringLines(indent, '', entry.key, `: ${entry.value},`);
}

/** A call as an argument, on one line where it fits. */
function argumentLines(indent: string, head: string, parts: readonly string[]): string[] {
  const whole = `${indent}${head}(${parts.join(', ')}),`;
  if (whole.length <= LINE_LENGTH) return [whole];
  return [`${indent}${head}(`, ...parts.map((part) => `${indent}    ${part},`), `${indent}),`];
}

/** The paging rule in terms of the template's paging.py. */
function pagingExpression(paging: Paging): { type: string; arguments: string[] } | undefined {
  if (paging.kind === 'none') return undefined;
  const size = [
    ...(paging.sizeParam === undefined ? [] : [`size_param=${pythonString(paging.sizeParam)}`]),
    ...(paging.pageSize === undefined ? [] : [`page_size=${pythonValue(paging.pageSize)}`]),
  ];
  if (paging.kind === 'link') return { type: 'LinkHeader', arguments: size };
  const path = (name: string, value: readonly string[] | undefined): string[] =>
    value === undefined ? [] : [`${name}=${pythonTuple(value)}`];
  const common = [
    ...size,
    ...path('has_more_path', paging.hasMorePath),
    ...path('total_path', paging.totalPath),
    ...path('total_pages_path', paging.totalPagesPath),
  ];
  switch (paging.kind) {
    case 'page':
      return {
        type: 'PageNumber',
        arguments: [
          `page_param=${pythonString(paging.pageParam)}`,
          `start_page=${pythonValue(paging.startPage)}`,
          ...common,
        ],
      };
    case 'offset':
      return {
        type: 'Offset',
        arguments: [
          `offset_param=${pythonString(paging.offsetParam)}`,
          `start_offset=${pythonValue(paging.startOffset)}`,
          ...common,
        ],
      };
    case 'cursor':
      return {
        type: 'Cursor',
        arguments: [
          `cursor_param=${pythonString(paging.cursorParam)}`,
          ...path('next_path', paging.nextPath),
          ...path('last_record_field', paging.lastRecordField),
          ...common,
        ],
      };
    case 'next_url':
      return { type: 'NextUrl', arguments: [...path('next_path', paging.nextPath), ...common] };
  }
}

// ---------------------------------------------------------------------------------------------------------- docstring

function paragraphs(planned: PlannedOperation): string[] {
  const { operation } = planned;
  const description = plainText(operation.description, DESCRIPTION_LENGTH);
  const summary = plainText(operation.summary, SUMMARY_LENGTH);
  return [
    description === summary ? '' : sentence(description),
    returns(planned),
    ...nextSteps(planned.next),
    ...sources(planned.previous),
  ];
}

function returns(planned: PlannedOperation): string {
  if (planned.operation.result === 'text') return 'Returns text.';
  if (planned.operation.kind === 'get') return 'Returns one record.';
  const limit = planned.limitField ?? 'limit';
  const empty =
    planned.operation.kind === 'search'
      ? ' Raises ValueError with the parameters if nothing matches: change them and try again.'
      : '';
  if (planned.shape === 'table') {
    return `Returns up to \`${limit}\` rows; the first row of the table names the columns, \`_row\` tells where a row stands.${empty}`;
  }
  return `Returns up to \`${limit}\` rows; further pages are fetched as needed.${empty}`;
}

/** "Use id with get_task(task_id=<id>)": a parameter that must be given is a next step, another one a filter that takes codes. */
function nextSteps(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    const target = `${step.to.name}(${step.field.name}=<${plainText(step.column, 60)}>)`;
    const purpose = lowerFirst(plainText(step.to.operation.summary, SUMMARY_LENGTH)).replace(/\.$/, '');
    return isNeeded(step)
      ? `Next: use ${plainText(step.column, 60)} with ${target} to ${purpose || 'go on'}.`
      : `Lookup: ${plainText(step.column, 60)} is a value for the filter in ${target}.`;
  });
}

function isNeeded({ field }: Step): boolean {
  return field.parameter.in === 'path' || field.parameter.required;
}

/** Where the identifiers that it needs come from, one source each. */
function sources(steps: readonly Step[]): string[] {
  const first = new Map<string, Step>();
  for (const step of steps) {
    if (isNeeded(step) && !first.has(step.field.name)) first.set(step.field.name, step);
  }
  const texts = [...first.values()].map(
    (step) => `${step.field.name} from ${plainText(step.column, 60)} of ${step.from.name}`,
  );
  return texts.length === 0 ? [] : [`Get ${texts.join(', ')}.`];
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
