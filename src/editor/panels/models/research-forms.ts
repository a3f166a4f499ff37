/** The inputs with which a claim can be put right, or a question answered. */
import {
  type Blueprint,
  type FactName,
  Paging,
  type Stream,
  Stream as StreamSchema,
  TimeFormat,
} from '../../../blueprint/schema.ts';
import type { FormField } from '../../../webview/research/contract.ts';
import {
  currentValue,
  fieldsOf,
  PAGING_FIELDS,
  PAGING_LABELS,
  pathToText,
  type Fields,
} from './research-fields.ts';

/** A larger text is not sent to the panel: whoever wants to replace it gives a new one. */
const LARGEST_JSON = 20_000;
const MOST_SUGGESTIONS = 60;

/** Empty for what has no value to give: whether a stream is read is picked in the list of streams. */
export function formOf(blueprint: Blueprint, stream: Stream | undefined, fact: FactName): FormField[] {
  const fields = fieldsOf(fact, currentValue(blueprint, stream, fact));
  switch (fact) {
    case 'base_url':
      return [{ ...input('url', 'Base URL', fields), hint: 'Begins with https:// or http://.' }];
    case 'rate_limit':
      return [
        { ...input('requests', 'Requests', fields), kind: 'number' },
        { ...input('windowSeconds', 'in so many seconds', fields), kind: 'number' },
        input('retryAfterHeader', 'Header with the time to wait', fields),
        input('remainingHeader', 'Header with the requests left', fields),
        input('resetHeader', 'Header with the time of reset', fields),
      ];
    case 'record_path':
      return [
        {
          ...input('path', 'Rows at', fields),
          hint: 'Path in the answer, joined by dots; empty = the answer itself.',
        },
        select('recordShape', 'as', fields, StreamSchema.shape.recordShape.options, SHAPES),
      ];
    case 'primary_key':
      return keyInputs(fields, stream);
    case 'paging':
      return pagingInputs(fields);
    case 'incremental':
      return incrementalInputs(fields, stream);
    case 'auth':
      return [json(fields, `A list of ways to sign in, as in brief.json.`)];
    case 'parent':
      return [json(fields, 'As in brief.json: {"stream": …, "parameters": […]}; null = no parent.')];
    case 'schema':
      return [json(fields, 'A JSON Schema of one row.')];
    case 'stream':
    case 'operation':
      return [];
  }
}

function input(name: string, label: string, fields: Fields): FormField {
  return { name, label, kind: 'text', value: fields[name] ?? '' };
}

function select(
  name: string,
  label: string,
  fields: Fields,
  options: readonly string[],
  words: Readonly<Record<string, string>> = {},
): FormField {
  const { value } = input(name, label, fields);
  return {
    ...input(name, label, fields),
    kind: 'select',
    value: options.includes(value) ? value : (options[0] ?? ''),
    options: options.map((value) => ({ value, label: words[value] ?? value.replaceAll('_', ' ') })),
  };
}

function json({ json: value = '' }: Fields, hint: string): FormField {
  const tooLong = value.length > LARGEST_JSON;
  return {
    name: 'json',
    label: 'JSON',
    kind: 'json',
    value: tooLong ? '' : value,
    hint: tooLong
      ? `${hint} The present one is too long to show here (${Math.ceil(value.length / 1024)} kB): give the whole of it.`
      : hint,
  };
}

const SHAPES: Readonly<Record<string, string>> = {
  list: 'a list of rows',
  map: 'an object whose values are rows',
  single: 'one row',
  table: 'a table whose first row names the columns',
};

/** Fields of a row, those one level down too, as paths. */
function rowFields(stream: Stream | undefined): string[] {
  const properties = (schema: unknown): [string, unknown][] => {
    const inside = (schema as { properties?: unknown } | undefined)?.properties;
    return typeof inside === 'object' && inside !== null ? Object.entries(inside) : [];
  };
  const top = properties(stream?.schema);
  const below = top.flatMap(([name, schema]) => properties(schema).map(([inner]) => [name, inner]));
  return [...top.map(([name]) => [name]), ...below].slice(0, MOST_SUGGESTIONS).map(pathToText);
}

function keyInputs(fields: Fields, stream: Stream | undefined): FormField[] {
  const suggestions = rowFields(stream);
  const known = Object.keys(fields).length;
  return Array.from({ length: Math.max(2, known + 1) }, (_, index) => ({
    ...input(`key${index + 1}`, index === 0 ? 'Key field' : `and field ${index + 1}`, fields),
    suggestions,
  }));
}

const PAGING_KINDS: Readonly<Record<string, string>> = {
  none: 'one request gives all rows',
  page: 'number of the page',
  offset: 'offset',
  cursor: 'cursor',
  next_url: 'URL of the next page in the answer',
  link: 'Link header',
};

const NUMBERS: ReadonlySet<string> = new Set(['startPage', 'startOffset', 'pageSize']);

function pagingInputs(fields: Fields): FormField[] {
  const kinds = Paging.options.map((option) => option.shape.kind.value);
  return [
    select('kind', 'Pages by', fields, kinds, PAGING_KINDS),
    ...Object.entries(PAGING_LABELS).map(([name, label]): FormField => ({
      ...input(name, label, fields),
      kind: NUMBERS.has(name) ? 'number' : 'text',
      when: { field: 'kind', is: kinds.filter((kind) => PAGING_FIELDS[kind].includes(name)) },
    })),
  ];
}

function incrementalInputs(fields: Fields, stream: Stream | undefined): FormField[] {
  const formats = TimeFormat.options;
  return [
    {
      ...input('cursorField', 'Field that grows', fields),
      suggestions: rowFields(stream),
    },
    select('cursorFormat', 'Its form', fields, formats),
    {
      ...input('param', 'Query parameter that filters "at or after"', fields),
      hint: 'Empty: rows are filtered here.',
    },
    select('paramFormat', "The parameter's form", fields, ['', ...formats], { '': "like the field's" }),
    input('endParam', "Query parameter for the window's end", fields),
    select('required', 'The API refuses requests without the filter', fields, ['no', 'yes']),
    { ...input('maxWindowDays', 'Longest window, in days', fields), kind: 'number' },
  ];
}
