/** Which parts of the template a blueprint switches on, and the streams that a connector has. */
import type { Auth, Blueprint, Incremental, Paging, Stream } from '../schema.ts';

/** The streams to generate: those picked, and the parents that they can't be read without. Sorted by the blueprint. */
export function generatedStreams(blueprint: Blueprint): Stream[] {
  const byName = new Map(blueprint.streams.map((stream) => [stream.name, stream]));
  const wanted = new Set<string>();
  const want = (stream: Stream | undefined): void => {
    if (stream === undefined || wanted.has(stream.name)) return;
    wanted.add(stream.name);
    if (stream.parent !== undefined) want(byName.get(stream.parent.stream));
  };
  blueprint.streams.filter((stream) => stream.selected).forEach(want);
  return [...byName.values()].filter((stream) => wanted.has(stream.name));
}

/** Whether a cursor is a point in time, so that a start date makes sense. */
export function isTime(incremental: Incremental): boolean {
  return incremental.cursorFormat !== 'integer' && incremental.cursorFormat !== 'string';
}

/** A filter whose name says "after" may leave out the rows of the very moment that it names. */
export function isStrict(incremental: Incremental): boolean {
  return incremental.param !== undefined && /after|(^|[^a-z])gt($|[^a-z])|greater/i.test(incremental.param);
}

/** Longest period of a limit that the connector keeps by itself, in seconds; of a longer one only the API knows the state. */
const LONGEST_PERIOD = 60;

/** The limit that the connector keeps by itself, if any. */
export function knownRate(limit: Blueprint['rateLimit']): { requests: number; seconds: number } | undefined {
  const { requests, windowSeconds } = limit;
  if (requests === undefined || windowSeconds === undefined || windowSeconds > LONGEST_PERIOD)
    return undefined;
  return { requests: Math.max(1, Math.floor(requests)), seconds: windowSeconds };
}

export function features(blueprint: Blueprint): Set<string> {
  const found = new Set<string>();
  for (const option of blueprint.auth) {
    for (const part of option.parts) authFeatures(part).forEach((name) => found.add(name));
  }
  for (const stream of generatedStreams(blueprint)) {
    streamFeatures(stream).forEach((name) => found.add(name));
  }
  for (const operation of blueprint.operations) {
    if (operation.selected) pagingFeatures(operation.paging).forEach((name) => found.add(name));
  }
  for (const operation of blueprint.operations) {
    if (operation.selected) pagingFeatures(operation.paging).forEach((name) => found.add(name));
  }
  const { rateLimit } = blueprint;
  if (knownRate(rateLimit) !== undefined) found.add('rate.bucket');
  if (rateLimit.remainingHeader !== undefined && rateLimit.resetHeader !== undefined)
    found.add('rate.headers');
  return found;
}

function authFeatures(auth: Auth): string[] {
  switch (auth.kind) {
    case 'none':
      return [];
    case 'api_key':
      return ['auth.any', `auth.api_key.${auth.in}`];
    case 'bearer':
    case 'basic':
      return ['auth.any', `auth.${auth.kind}`];
    case 'oauth2_client_credentials':
      return ['auth.any', 'auth.oauth2', 'auth.client_credentials'];
    case 'oauth2_refresh_token':
      return ['auth.any', 'auth.oauth2', 'auth.refresh_token'];
  }
}

function streamFeatures(stream: Stream): string[] {
  const found = [...pagingFeatures(stream.paging), `shape.${stream.recordShape}`];
  if (stream.recordPath.includes('*')) found.push('wildcard');
  if (stream.method === 'POST') found.push('post');
  if (stream.parent !== undefined) found.push('parents');
  if (
    stream.parameters.some((parameter) => parameter.value !== undefined || parameter.configKey !== undefined)
  ) {
    found.push('parameters');
  }
  const { incremental } = stream;
  if (incremental !== undefined) {
    found.push('incremental');
    if (isTime(incremental)) found.push('incremental.time');
    if (incremental.param !== undefined) found.push('incremental.param');
    if (isStrict(incremental)) found.push('incremental.strict');
    if (incremental.endParam !== undefined) found.push('incremental.end');
  }
  return found;
}

function pagingFeatures(paging: Paging): string[] {
  if (paging.kind === 'none') return ['paging.none'];
  const found = ['paging.any', `paging.${paging.kind}`];
  if (paging.kind === 'cursor') {
    found.push(paging.lastRecordField === undefined ? 'cursor.body' : 'cursor.last_record');
  }
  if (paging.kind === 'link') return found;
  if (paging.hasMorePath !== undefined) found.push('stop.has_more');
  if (paging.totalPath !== undefined) found.push('stop.total');
  if (paging.totalPagesPath !== undefined) found.push('stop.total_pages');
  return found;
}
