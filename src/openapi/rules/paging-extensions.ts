/** Paging as vendors' extensions declare it: written by people who know the API, so trusted before any guess. */
import type { Paging } from '../../blueprint/schema.ts';
import { pointerAt } from '../description.ts';
import type { Endpoint } from './endpoints.ts';
import type { PagingFinding } from './paging.ts';

type Size = { sizeParam?: string; pageSize?: number };
type Stop = { hasMorePath?: string[]; totalPath?: string[]; totalPagesPath?: string[] };

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `$response.meta.next`, `$.meta.next`, `meta.next` → path. */
function bodyPath(expression: string): string[] {
  const bare = expression.replace(/^\$?(response|body)?\.?/i, '').replace(/^\$\.?/, '');
  return bare
    .replace(/\[['"]?([^\]'"]+)['"]?\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '' && part !== '$');
}

function requestName(expression: string): string {
  return expression.replace(/^\$?request\.(query\.)?/i, '').replace(/^\$\.?/, '');
}

/** The paging that `x-fern-pagination`, `x-speakeasy-pagination`, `x-ms-pageable` or `x-pagination` declares. */
export function extensionPaging(endpoint: Endpoint, size: Size, stop: Stop): PagingFinding | undefined {
  const { operation } = endpoint;
  const readers: [`x-${string}`, (value: unknown) => Paging | undefined][] = [
    ['x-fern-pagination', (value) => fern(endpoint, value, size, stop)],
    ['x-speakeasy-pagination', (value) => speakeasy(value, size, stop)],
    ['x-ms-pageable', (value) => msPageable(value, size)],
    ['x-pagination', (value) => fern(endpoint, value, size, stop)],
  ];
  for (const [name, read] of readers) {
    const value = operation[name];
    if (value === undefined) continue;
    const paging = read(value);
    if (paging === undefined) continue;
    return {
      paging,
      confidence: 0.97,
      rule: name,
      pointers: [pointerAt(endpoint.pointer, name)],
      quote: name,
      doubts: [],
      alternatives: [],
    };
  }
  return undefined;
}

function fern(endpoint: Endpoint, value: unknown, size: Size, stop: Stop): Paging | undefined {
  const declared = record(value);
  if (declared === undefined) return undefined;
  const cursor = text(declared['cursor']);
  const next = text(declared['next_cursor']);
  const offset = text(declared['offset']);
  const more = text(declared['has-next-page']);
  const stops = more === undefined ? stop : { ...stop, hasMorePath: bodyPath(more) };
  if (cursor !== undefined && next !== undefined) {
    const hasMore = stops.hasMorePath === undefined ? {} : { hasMorePath: stops.hasMorePath };
    return {
      kind: 'cursor',
      cursorParam: requestName(cursor),
      nextPath: bodyPath(next),
      ...size,
      ...hasMore,
    };
  }
  const uri = text(declared['next_uri']) ?? text(declared['next_url']);
  if (uri !== undefined) return { kind: 'next_url', nextPath: bodyPath(uri), ...size };
  if (offset === undefined) return undefined;
  const name = requestName(offset);
  const counted = endpoint.parameters.find((parameter) => parameter.name === name);
  if (/page/i.test(name)) {
    const first = counted?.schema.default === 0 || counted?.schema.minimum === 0 ? 0 : 1;
    return { kind: 'page', pageParam: name, startPage: first, ...size, ...stops };
  }
  return { kind: 'offset', offsetParam: name, startOffset: 0, ...size, ...stops };
}

function speakeasy(value: unknown, size: Size, stop: Stop): Paging | undefined {
  const declared = record(value);
  if (declared === undefined) return undefined;
  const inputs = Array.isArray(declared['inputs']) ? declared['inputs'].map(record) : [];
  const outputs = record(declared['outputs']) ?? {};
  const input = (type: string): string | undefined => {
    const found = inputs.find((one) => one?.['type'] === type);
    const where = text(found?.['in']);
    return where === undefined || where === 'parameters' ? text(found?.['name']) : undefined;
  };
  const limit = input('limit');
  const sized = limit === undefined ? size : { ...size, sizeParam: limit };
  const kind = text(declared['type']);
  const nextCursor = text(outputs['nextCursor']);
  const cursor = input('cursor');
  if (kind === 'cursor' && cursor !== undefined && nextCursor !== undefined) {
    return { kind: 'cursor', cursorParam: cursor, nextPath: bodyPath(nextCursor), ...sized };
  }
  const nextUrl = text(outputs['nextUrl']);
  if (kind === 'url' && nextUrl !== undefined)
    return { kind: 'next_url', nextPath: bodyPath(nextUrl), ...sized };
  const page = input('page');
  if (page !== undefined) return { kind: 'page', pageParam: page, startPage: 1, ...sized, ...stop };
  const offset = input('offset');
  if (offset !== undefined) return { kind: 'offset', offsetParam: offset, startOffset: 0, ...sized, ...stop };
  return undefined;
}

function msPageable(value: unknown, size: Size): Paging | undefined {
  const declared = record(value);
  if (declared === undefined) return undefined;
  const next = declared['nextLinkName'];
  // null says that the service returns everything at once.
  if (next === null) return { kind: 'none' };
  const name = text(next);
  return name === undefined ? undefined : { kind: 'next_url', nextPath: [name], ...size };
}
