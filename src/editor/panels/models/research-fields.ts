/** Values of the blueprint as texts in inputs, and back. Whether a value can be used is for the corrections to say. */
import type { Blueprint, FactName, FieldPath, Paging, Stream } from '../../../blueprint/schema.ts';
import { SourcewrightError } from '../../../errors.ts';

export type Fields = Readonly<Record<string, string>>;

/** What the blueprint says about a fact, in the form that a correction of it has. */
export function currentValue(blueprint: Blueprint, stream: Stream | undefined, fact: FactName): unknown {
  switch (fact) {
    case 'auth':
      return blueprint.auth;
    case 'base_url':
      return blueprint.baseUrl;
    case 'rate_limit':
      return blueprint.rateLimit;
    case 'stream':
      return stream?.selected;
    case 'record_path':
      return stream === undefined
        ? undefined
        : { recordPath: stream.recordPath, recordShape: stream.recordShape };
    case 'primary_key':
      return stream?.primaryKey;
    case 'paging':
      return stream?.paging;
    case 'parent':
      return stream?.parent ?? null;
    case 'incremental':
      return stream?.incremental ?? null;
    case 'schema':
      return stream?.schema;
    case 'operation':
      return undefined;
  }
}

/** `meta.next`; as a JSON list where a name has a dot in it (`["@odata.nextLink"]`). */
export function pathToText(path: FieldPath): string {
  const plain = path.every((segment) => /^[^.[\]"\s]+$/.test(segment));
  return plain ? path.join('.') : JSON.stringify(path);
}

function textToPath(text: string, label: string): string[] {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  if (trimmed.startsWith('[')) {
    const list = parseJson(trimmed, label);
    if (Array.isArray(list) && list.every((one) => typeof one === 'string')) return list;
    throw wrong(`${label}: a path in brackets is a list of names, each in double quotes.`);
  }
  const segments = trimmed.split('.').map((segment) => segment.trim());
  if (segments.includes('')) throw wrong(`${label}: names are joined by single dots.`);
  return segments;
}

function parseJson(text: string, label: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 160) : '';
    throw wrong(`${label} is not valid JSON: ${why}.`);
  }
}

function wrong(message: string): SourcewrightError {
  return new SourcewrightError('input', message);
}

/** Names of the optional fields of paging that hold a path in the answer. */
const PAGING_PATHS = ['nextPath', 'lastRecordField', 'hasMorePath', 'totalPath', 'totalPagesPath'] as const;
const PAGING_TEXTS = ['pageParam', 'offsetParam', 'cursorParam', 'sizeParam'] as const;
const PAGING_NUMBERS = ['startPage', 'startOffset', 'pageSize'] as const;

/** Which fields a kind of paging has. */
export const PAGING_FIELDS: Readonly<Record<Paging['kind'], readonly string[]>> = {
  none: [],
  page: ['pageParam', 'startPage', 'sizeParam', 'pageSize', 'hasMorePath', 'totalPath', 'totalPagesPath'],
  offset: [
    'offsetParam',
    'startOffset',
    'sizeParam',
    'pageSize',
    'hasMorePath',
    'totalPath',
    'totalPagesPath',
  ],
  cursor: [
    'cursorParam',
    'nextPath',
    'lastRecordField',
    'sizeParam',
    'pageSize',
    'hasMorePath',
    'totalPath',
    'totalPagesPath',
  ],
  next_url: ['nextPath', 'sizeParam', 'pageSize', 'hasMorePath', 'totalPath', 'totalPagesPath'],
  link: ['sizeParam', 'pageSize'],
};

/** What the fields of paging are called, in the order in which they are asked. */
export const PAGING_LABELS: Readonly<Record<string, string>> = {
  pageParam: 'Parameter with the number of the page',
  startPage: 'Number of the first page',
  offsetParam: 'Parameter with the offset',
  startOffset: 'First offset',
  cursorParam: 'Parameter with the cursor',
  nextPath: 'Where in the answer the next one stands',
  lastRecordField: 'or the field of the last row that it is',
  sizeParam: 'Parameter with the rows a page',
  pageSize: 'Rows a page',
  hasMorePath: 'Where the answer says whether more follow',
  totalPath: 'Where it says how many rows there are',
  totalPagesPath: 'Where it says how many pages there are',
};
export const RATE_LIMIT_HEADERS = ['retryAfterHeader', 'remainingHeader', 'resetHeader'] as const;
const INCREMENTAL_TEXTS = ['cursorFormat', 'param', 'paramFormat', 'endParam'] as const;

/** A value of a fact as its inputs hold it. What is not of the fact's form comes out as JSON. */
export function fieldsOf(fact: FactName, value: unknown): Record<string, string> {
  const of = isObject(value) ? value : {};
  switch (fact) {
    case 'base_url':
      return { url: text(value) };
    case 'rate_limit':
      return pick(of, ['requests', 'windowSeconds', ...RATE_LIMIT_HEADERS], text);
    case 'record_path': {
      const path = Array.isArray(value) ? value : of['recordPath'];
      return { path: pathText(path), ...pick(of, ['recordShape'], text) };
    }
    case 'primary_key':
      return Object.fromEntries(
        (Array.isArray(value) ? value : []).map((part, index) => [`key${index + 1}`, pathText(part)]),
      );
    case 'paging':
      return {
        ...pick(of, ['kind', ...PAGING_TEXTS, ...PAGING_NUMBERS], text),
        ...pick(of, PAGING_PATHS, pathText),
      };
    case 'incremental':
      return {
        ...pick(of, ['cursorField'], pathText),
        ...pick(of, [...INCREMENTAL_TEXTS, 'maxWindowDays'], text),
        required: of['required'] === true ? 'yes' : 'no',
      };
    case 'auth':
    case 'parent':
    case 'schema':
    case 'stream':
    case 'operation':
      return { json: JSON.stringify(value, null, 2) };
  }
}

function pick(
  from: Readonly<Record<string, unknown>>,
  names: readonly string[],
  words: (value: unknown) => string,
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (from[name] === undefined ? [] : [[name, words(from[name])]])),
  );
}

function pathText(value: unknown): string {
  return pathToText(Array.isArray(value) ? value.map(String) : [text(value)]);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value that inputs give. Throws `input` where they hold none, saying which and why. */
export function valueFrom(fact: FactName, fields: Fields): unknown {
  const field = (name: string): string => (fields[name] ?? '').trim();
  switch (fact) {
    case 'base_url':
      return field('url');
    case 'rate_limit':
      return withoutEmpty({
        requests: numberFrom(field('requests'), 'Requests'),
        windowSeconds: numberFrom(field('windowSeconds'), 'Seconds'),
        ...Object.fromEntries(RATE_LIMIT_HEADERS.map((name) => [name, field(name)])),
      });
    case 'record_path': {
      const recordShape = field('recordShape');
      const recordPath = textToPath(field('path'), 'Rows at');
      return recordShape === '' ? { recordPath } : { recordPath, recordShape };
    }
    case 'primary_key':
      return Object.keys(fields)
        .filter((name) => /^key\d+$/.test(name) && field(name) !== '')
        .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)))
        .map((name) => textToPath(field(name), 'Key'));
    case 'paging':
      return pagingFrom(field);
    case 'incremental':
      return incrementalFrom(field);
    case 'auth':
    case 'parent':
    case 'schema':
      return parseJson(field('json'), 'This');
    case 'stream':
    case 'operation':
      return parseJson(field('json') === '' ? 'true' : field('json'), 'This');
  }
}

type Field = (name: string) => string;

function pagingFrom(field: Field): unknown {
  const kind = field('kind');
  const byKind: Readonly<Record<string, readonly string[] | undefined>> = PAGING_FIELDS;
  const names = byKind[kind] ?? [];
  const entries = names.map((name): [string, unknown] => {
    const words = field(name);
    const label = PAGING_LABELS[name] ?? name;
    if (words === '') return [name, undefined];
    if (isOneOf(PAGING_PATHS, name)) return [name, textToPath(words, label)];
    return [name, isOneOf(PAGING_NUMBERS, name) ? numberFrom(words, label) : words];
  });
  const value = withoutEmpty(Object.fromEntries(entries));
  const cursors = [value['nextPath'], value['lastRecordField']].filter((one) => one !== undefined);
  if (kind === 'cursor' && cursors.length !== 1) {
    throw wrong(
      'Say either where the next cursor stands in the answer, or which field of the last row it is.',
    );
  }
  for (const name of [
    'pageParam',
    'offsetParam',
    'cursorParam',
    ...(kind === 'next_url' ? ['nextPath'] : []),
  ]) {
    if (names.includes(name) && value[name] === undefined)
      throw wrong(`${PAGING_LABELS[name] ?? name}: this is missing.`);
  }
  return { kind, ...value };
}

function incrementalFrom(field: Field): unknown {
  const cursorField = textToPath(field('cursorField'), 'Cursor field');
  if (cursorField.length === 0) throw wrong('The cursor field is missing: which field of a row grows?');
  return {
    cursorField,
    ...withoutEmpty(Object.fromEntries(INCREMENTAL_TEXTS.map((name) => [name, field(name)]))),
    required: field('required') === 'yes',
    ...withoutEmpty({ maxWindowDays: numberFrom(field('maxWindowDays'), 'Longest window') }),
  };
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

function numberFrom(words: string, label: string): number | undefined {
  if (words === '') return undefined;
  const number = Number(words);
  if (Number.isFinite(number)) return number;
  throw wrong(`${label}: "${words.slice(0, 40)}" is not a number.`);
}

function withoutEmpty(of: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined && value !== ''));
}
