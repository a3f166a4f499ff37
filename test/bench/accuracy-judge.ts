/** Compares one stream of a hand-made connector with ours, fact by fact. */
import type { Blueprint, FactName, Stream } from '../../src/blueprint/schema.ts';
import type { Description } from '../../src/openapi/description.ts';
import { readEndpoints, type Endpoint } from '../../src/openapi/rules/endpoints.ts';
import { pagingText } from '../../src/openapi/rules/questions.ts';
import { SchemaReader, type SchemaView } from '../../src/openapi/rules/schema-view.ts';

export interface AnswerStream {
  name: string;
  method: string;
  base?: string;
  path: string;
  records: string;
  pk: string[];
  cursor: string | null;
  incParam: string | null;
  pag: { kind: string; param?: string; sizeParam?: string; pageSize?: number; cursor?: string };
  parents: string[];
}
export interface Answer {
  streams: AnswerStream[];
}

export const FACTS = ['record path', 'primary key', 'paging', 'cursor field', 'parent'] as const;
export type JudgedFact = (typeof FACTS)[number];

export interface JudgedValue {
  readonly right: boolean;
  /** The document holds what the answer says, so that rules could have found it. */
  readonly stated: boolean;
  /** The blueprint says that it does not know. */
  readonly gap: boolean;
  readonly ours: string;
  readonly theirs: string;
}
export interface Judgement {
  readonly facts: Record<JudgedFact, JudgedValue>;
}

const GAP_FACT: Record<JudgedFact, FactName> = {
  'record path': 'record_path',
  'primary key': 'primary_key',
  paging: 'paging',
  'cursor field': 'incremental',
  parent: 'parent',
};

/** A path with everything variable made equal. */
function shape(path: string): string {
  return path
    .replace(/\{\{.*?\}\}/g, '{}')
    .replace(/\{%.*?%\}/g, '')
    .replace(/\{[^{}]+\}/g, '{}')
    .replace(/^https?:\/\/[^/]+/, '')
    .replace(/\/+/g, '/')
    .replace(/\/$/, '')
    .replace(/^\/?/, '/');
}

function endpointOf(description: Description, answer: AnswerStream): Endpoint | undefined {
  const schemas = new SchemaReader(description);
  const base = (answer.base ?? '').replace(/\{\{.*?\}\}/g, '');
  const full = shape(
    /^https?:/.test(answer.path)
      ? answer.path
      : `${base.replace(/\/$/, '')}/${answer.path.replace(/^\//, '')}`,
  );
  const servers = description.document.servers.map((server) => shape(server.url));
  const candidates = readEndpoints(description, schemas).filter(
    (endpoint) => endpoint.method === answer.method,
  );
  return candidates.find((endpoint) => {
    const own = shape(endpoint.template);
    return own === full || servers.some((server) => shape(`${server}/${own}`) === full);
  });
}

/** Where an answer's stream stands in the document, and ours for it. */
export function locate(
  description: Description,
  blueprint: Blueprint,
  answer: AnswerStream,
): { inDocument: boolean; stream: Stream | undefined } {
  const endpoint = endpointOf(description, answer);
  if (endpoint === undefined) return { inDocument: false, stream: undefined };
  const stream = blueprint.streams.find(
    (one) => one.method === endpoint.method && one.path === endpoint.template,
  );
  return { inDocument: true, stream };
}

export function judge(
  description: Description,
  blueprint: Blueprint,
  answer: AnswerStream,
  stream: Stream | undefined,
): Judgement {
  const schemas = new SchemaReader(description);
  const endpoint = endpointOf(description, answer);
  const hasGap = (fact: JudgedFact): boolean =>
    blueprint.gaps.some(
      (gap) =>
        gap.fact === GAP_FACT[fact] &&
        (gap.stream === stream?.name || (gap.stream === null && fact === 'paging')),
    );
  const row = endpoint === undefined ? undefined : rowView(endpoint, schemas, answer, stream);
  const value = (
    fact: JudgedFact,
    right: boolean,
    stated: boolean,
    ours: string,
    theirs: string,
  ): JudgedValue => ({
    right,
    stated: right || stated,
    gap: hasGap(fact),
    ours,
    theirs,
  });
  const records = answer.records.replace(/\.\*$/, '');
  const ourRecords = stream?.recordPath.join('.') ?? '';
  const keys = [...answer.pk].sort().join('+');
  const ourKeys = (stream?.primaryKey ?? []).map((path) => path.join('.')).sort();
  const shortKeys = (stream?.primaryKey ?? []).map((path) => path.at(-1) ?? '').sort();
  const cursor = answer.cursor ?? 'none';
  const ourCursor = stream?.incremental?.cursorField ?? [];
  return {
    facts: {
      'record path': value(
        'record path',
        ourRecords === records,
        endpoint !== undefined && pathStands(endpoint, schemas, records),
        ourRecords === '' ? '(root)' : ourRecords,
        records === '' ? '(root)' : records,
      ),
      'primary key': value(
        'primary key',
        keys === ourKeys.join('+') || keys === shortKeys.join('+'),
        answer.pk.length > 0 && row !== undefined && answer.pk.every((key) => fieldStands(row, key, schemas)),
        ourKeys.join('+') || 'none',
        keys === '' ? 'none' : keys,
      ),
      paging: pagingValue(answer, stream, endpoint, value),
      'cursor field': value(
        'cursor field',
        cursor === (ourCursor.length === 0 ? 'none' : ourCursor.join('.')) || cursor === ourCursor.at(-1),
        answer.cursor !== null &&
          row !== undefined &&
          fieldStands(row, answer.cursor, schemas) &&
          declares(endpoint, answer.incParam),
        ourCursor.join('.') || 'none',
        cursor,
      ),
      parent: value(
        'parent',
        answer.parents.length > 0 === (stream?.parent !== undefined),
        answer.parents.length > 0,
        stream?.parent?.stream ?? 'none',
        answer.parents.join('+') || 'none',
      ),
    },
  };
}

function pagingValue(
  answer: AnswerStream,
  stream: Stream | undefined,
  endpoint: Endpoint | undefined,
  value: (fact: JudgedFact, right: boolean, stated: boolean, ours: string, theirs: string) => JudgedValue,
): JudgedValue {
  const ours = stream?.paging;
  const { kind, param } = answer.pag;
  let right = false;
  if (ours !== undefined) {
    if (kind === 'none') right = ours.kind === 'none';
    else if (kind === 'page') right = ours.kind === 'page' && ours.pageParam === param;
    else if (kind === 'offset') right = ours.kind === 'offset' && ours.offsetParam === param;
    else if (kind === 'cursor') right = ours.kind === 'cursor' && ours.cursorParam === param;
    else if (kind === 'nexturl') right = ours.kind === 'next_url' || ours.kind === 'link';
  }
  const stated = kind === 'nexturl' || (kind !== 'none' && param !== undefined && declares(endpoint, param));
  return value(
    'paging',
    right,
    stated,
    ours === undefined ? '' : pagingText(ours),
    `${kind} ${param ?? ''}`.trim(),
  );
}

function declares(endpoint: Endpoint | undefined, name: string | null | undefined): boolean {
  if (name === null || name === undefined) return false;
  return endpoint?.parameters.some((parameter) => parameter.name === name) ?? false;
}

function rowView(
  endpoint: Endpoint,
  schemas: SchemaReader,
  answer: AnswerStream,
  stream: Stream | undefined,
): SchemaView | undefined {
  const root = endpoint.response?.schema;
  if (root === undefined) return undefined;
  const path = stream?.recordPath ?? answer.records.split('.').filter((part) => part !== '');
  const holder = schemas.at(root, path);
  if (holder === undefined) return undefined;
  return holder.items === undefined ? holder : schemas.view(holder.items);
}

function pathStands(endpoint: Endpoint, schemas: SchemaReader, records: string): boolean {
  const root = endpoint.response?.schema;
  if (root === undefined) return false;
  const holder = schemas.at(
    root,
    records.split('.').filter((part) => part !== ''),
  );
  return holder !== undefined && holder.items !== undefined;
}

/** The field stands in the row, or in an object directly in it (hand-made connectors flatten rows). */
function fieldStands(row: SchemaView, field: string, schemas: SchemaReader): boolean {
  if (schemas.at(row, field.split('.')) !== undefined) return true;
  return [...row.properties.values()].some((node) => schemas.view(node).properties.has(field));
}
