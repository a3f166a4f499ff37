/** Emits `streams.py` and `schemas/`: what the streams are, declared. */
import type { Blueprint, Incremental, Paging, Stream } from '../schema.ts';
import { LINE_LENGTH, plainText } from './agent-face-python.ts';
import { generatedStreams, isResumable, isStrict, knownRate, recursion } from './features.ts';
import { partitionColumns, partitionTypes } from './partitions.ts';
import {
  assign,
  call,
  dict,
  jsonValue,
  list,
  path,
  print,
  raw,
  scalar,
  str,
  tuple,
  type Code,
} from './python.ts';

/** The text of `streams.py`. */
export function streamsModule(blueprint: Blueprint): string {
  const streams = generatedStreams(blueprint);
  const body = streams.map((stream) => assign(constant(stream), streamCode(stream, streams)));
  const names = list(streams.map((stream) => raw(constant(stream))));
  const short = `STREAMS: dict[str, Stream] = {stream.name: stream for stream in ${names.flat}}`;
  const all =
    short.length <= LINE_LENGTH
      ? short
      : `_ALL = ${print(names, '', '_ALL = '.length)}\n\nSTREAMS: dict[str, Stream] = {stream.name: stream for stream in _ALL}`;
  const code = body.join('\n');
  const used = (wanted: readonly string[]): string[] => wanted.filter((name) => code.includes(`${name}(`));
  const models = [
    'Stream',
    ...used(['Incremental', 'Parameter', 'Parent', 'PartitionKey', 'Recursion']),
  ].sort();
  const paging = used(['Cursor', 'LinkHeader', 'NextUrl', 'Offset', 'PageNumber']);
  return [
    '"""The streams: what the API lists, and how."""',
    '',
    `from .models import ${models.join(', ')}`,
    ...(paging.length === 0 ? [] : [`from .paging import ${paging.join(', ')}`]),
    '',
    code,
    all,
    '"""Every stream by its name."""',
    '',
  ].join('\n');
}

function constant(stream: Stream): string {
  return stream.name.toUpperCase() === stream.name.toLowerCase() || stream.name.startsWith('_')
    ? `STREAM${stream.name.toUpperCase()}`
    : stream.name.toUpperCase();
}

function streamCode(stream: Stream, all: readonly Stream[]): Code {
  const parameters = stream.parameters.filter(
    (one) => one.value !== undefined || one.configKey !== undefined,
  );
  return call('Stream', [
    ['name', str(stream.name)],
    ['path', str(stream.path)],
    ['method', stream.method === 'GET' ? undefined : str(stream.method)],
    ['record_path', stream.recordPath.length === 0 ? undefined : path(stream.recordPath)],
    ['shape', stream.recordShape === 'list' ? undefined : str(stream.recordShape)],
    ['primary_key', stream.primaryKey.length === 0 ? undefined : tuple(stream.primaryKey.map(path))],
    ['paging', pagingCode(stream.paging)],
    [
      'parameters',
      parameters.length === 0
        ? undefined
        : tuple(
            parameters.map((one) =>
              call('Parameter', [
                ['name', str(one.name)],
                ['location', one.in === 'query' ? undefined : str(one.in)],
                ['value', one.value === undefined ? undefined : jsonValue(one.value)],
                [
                  'config_key',
                  one.value !== undefined || one.configKey === undefined ? undefined : str(one.configKey),
                ],
              ]),
            ),
          ),
    ],
    ['parent', parentCode(stream, all)],
    ['incremental', stream.incremental === undefined ? undefined : incrementalCode(stream.incremental)],
    ['is_resumable', isResumable(stream) ? raw('True') : undefined],
  ]);
}

/** A way of paging as the template's class for it; `undefined` for none. */
export function pagingCode(paging: Paging): Code | undefined {
  if (paging.kind === 'none') return undefined;
  const optionalPath = (value: readonly string[] | undefined): Code | undefined =>
    value === undefined ? undefined : path(value);
  const size: [string, Code | undefined][] = [
    ['size_param', paging.sizeParam === undefined ? undefined : str(paging.sizeParam)],
    ['page_size', paging.pageSize === undefined ? undefined : scalar(paging.pageSize)],
  ];
  if (paging.kind === 'link') return call('LinkHeader', size);
  const common: [string, Code | undefined][] = [
    ...size,
    ['has_more_path', optionalPath(paging.hasMorePath)],
    ['total_path', optionalPath(paging.totalPath)],
    ['total_pages_path', optionalPath(paging.totalPagesPath)],
  ];
  switch (paging.kind) {
    case 'page':
      return call('PageNumber', [
        ['page_param', str(paging.pageParam)],
        ['start_page', paging.startPage === 1 ? undefined : scalar(paging.startPage)],
        ...common,
      ]);
    case 'offset':
      return call('Offset', [
        ['offset_param', str(paging.offsetParam)],
        ['start_offset', paging.startOffset === 0 ? undefined : scalar(paging.startOffset)],
        ...common,
      ]);
    case 'cursor':
      return call('Cursor', [
        ['cursor_param', str(paging.cursorParam)],
        [
          'next_path',
          optionalPath(paging.lastRecordField === undefined ? (paging.nextPath ?? []) : undefined),
        ],
        ['last_record_field', optionalPath(paging.lastRecordField)],
        ...common,
      ]);
    case 'next_url':
      return call('NextUrl', [['next_path', path(paging.nextPath)], ...common]);
  }
}

function parentCode(stream: Stream, all: readonly Stream[]): Code | undefined {
  const { parent } = stream;
  if (parent === undefined) return undefined;
  const columns = partitionColumns(stream, all);
  return call('Parent', [
    ['stream', str(parent.stream)],
    [
      'keys',
      tuple(
        parent.parameters.map(({ name, from, quote }) =>
          call('PartitionKey', [
            ['parameter', str(name)],
            ['column', str(columns.get(name) ?? name)],
            ['field', from.kind === 'record' ? path(from.field) : undefined],
            ['inherited', from.kind === 'partition' ? str(from.parameter) : undefined],
            ['quote', quote === undefined ? undefined : str(quote)],
          ]),
        ),
      ),
    ],
    ['recursion', recursionCode(stream)],
  ]);
}

function recursionCode(stream: Stream): Code | undefined {
  const found = recursion(stream);
  if (found === undefined) return undefined;
  return call('Recursion', [
    ['parameter', str(found.parameter)],
    ['field', path(found.field)],
    ['flag', found.flag === undefined ? undefined : path(found.flag)],
  ]);
}

function incrementalCode(incremental: Incremental): Code {
  return call('Incremental', [
    ['cursor_field', path(incremental.cursorField)],
    ['cursor_format', str(incremental.cursorFormat)],
    ['param', incremental.param === undefined ? undefined : str(incremental.param)],
    [
      'param_format',
      incremental.param === undefined ? undefined : str(incremental.paramFormat ?? incremental.cursorFormat),
    ],
    ['param_is_strict', isStrict(incremental) ? raw('True') : undefined],
    ['end_param', incremental.endParam === undefined ? undefined : str(incremental.endParam)],
    [
      'max_window_days',
      incremental.maxWindowDays === undefined || incremental.endParam === undefined
        ? undefined
        : scalar(incremental.maxWindowDays),
    ],
    ['required', incremental.required ? raw('True') : undefined],
  ]);
}

/** The schema of a stream's records, with the columns that the connector adds. Keys stand as the description has them. */
export function recordSchema(stream: Stream, all: readonly Stream[]): Record<string, unknown> {
  const row = stream.schema;
  const added: [string, unknown][] = [...partitionTypes(stream, all)].map(([column, type]) => [
    column,
    {
      type,
      description: 'The row of the parent stream that this one belongs to.',
    },
  ]);
  if (stream.recordShape === 'map')
    added.push(['_key', { type: 'string', description: 'The key of this row in its map.' }]);
  if (stream.recordShape === 'table') {
    added.push([
      '_row',
      { type: 'integer', description: 'Where the row stands; the names of the columns are row 1.' },
    ]);
  }
  const types = [row['type']].flat();
  const isObject = types.includes('object') || 'properties' in row || row['type'] === undefined;
  const properties = isObject ? (row['properties'] as Record<string, unknown> | undefined) : { value: row };
  const { required: _, ...kept } = isObject ? row : {};
  const required = requiredFields(row, properties);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...kept,
    type: 'object',
    properties: { ...Object.fromEntries(added), ...(properties ?? {}) },
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: true,
  };
}

/** Fields that every row has as it reaches a client: airbyte-cdk leaves those out whose value is `null`. */
function requiredFields(
  row: Record<string, unknown>,
  properties: Record<string, unknown> | undefined,
): string[] {
  const names = Array.isArray(row['required'])
    ? row['required'].filter((name) => typeof name === 'string')
    : [];
  return names.filter((name) => {
    const field = properties?.[name];
    const types = [(field as { type?: unknown } | undefined)?.type].flat();
    const values = (field as { enum?: unknown } | undefined)?.enum;
    return !types.includes('null') && !(Array.isArray(values) && values.includes(null));
  });
}

/** `api.py`: what holds for the API as a whole. */
export function apiModule(blueprint: Blueprint): string {
  const { rateLimit, api } = blueprint;
  const docs = /^https?:\/\/[^\s"'<>]+$/.test(api.docsUrl ?? '') ? (api.docsUrl ?? '') : '';
  const lines = [
    '"""What holds for the API as a whole."""',
    '',
    assign('NAME', str(`source-${blueprint.name}`)),
    assign('TITLE', str(plainText(api.title, 100) || blueprint.name)),
    assign('DOCUMENTATION_URL', str(docs)),
    assign('BASE_URL', str(blueprint.baseUrl)),
    assign('HEADERS', dict(headers(blueprint).map(({ name, value }) => [name, str(value)] as const))),
    assign('RETRY_AFTER_HEADER', str(rateLimit.retryAfterHeader ?? 'Retry-After')),
  ];
  if (rateLimit.remainingHeader !== undefined && rateLimit.resetHeader !== undefined) {
    lines.push(
      assign('REMAINING_HEADER', str(rateLimit.remainingHeader)),
      assign('RESET_HEADER', str(rateLimit.resetHeader)),
    );
  }
  const rate = knownRate(rateLimit);
  if (rate !== undefined) {
    const seconds = Number.isInteger(rate.seconds) ? `${String(rate.seconds)}.0` : String(rate.seconds);
    lines.push(
      assign('RATE_LIMIT_REQUESTS', scalar(rate.requests)),
      assign('RATE_LIMIT_SECONDS', raw(seconds)),
    );
  }
  return lines.map((line) => line.trimEnd()).join('\n') + '\n';
}

/** The headers that every request carries, without those that no HTTP client can send. */
export function headers(blueprint: Blueprint): { name: string; value: string }[] {
  const accept = blueprint.headers.some((header) => header.name.toLowerCase() === 'accept');
  const usable = blueprint.headers.filter(
    ({ name, value }) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value),
  );
  return [...(accept ? [] : [{ name: 'Accept', value: 'application/json' }]), ...usable];
}
