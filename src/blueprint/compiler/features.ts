/** Which parts of the template a blueprint switches on, and the streams that a connector has. */
import type { Auth, Blueprint, FieldPath, Incremental, Paging, Stream, StreamParameter } from '../schema.ts';

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
  const generated = [...byName.values()].filter((stream) => wanted.has(stream.name));
  return generated.map((stream) => withConfiguredKeys(stream, byName));
}

/**
 * A child whose key is no partition of its parent but a property that the person fills in for it (`/files/{file}/…`)
 * reads that property itself.
 */
function withConfiguredKeys(stream: Stream, byName: ReadonlyMap<string, Stream>): Stream {
  const { parent } = stream;
  if (parent === undefined) return stream;
  const configured: StreamParameter[] = [];
  const keys = parent.parameters.filter(({ name, from }) => {
    if (from.kind !== 'partition') return true;
    const found = fixedParameter(byName.get(parent.stream), from.parameter, byName, new Set());
    if (found === undefined) return true;
    if (!stream.parameters.some((one) => one.name === name && one.in === 'path')) {
      configured.push({ ...found, name });
    }
    return false;
  });
  if (configured.length === 0 && keys.length === parent.parameters.length) return stream;
  return {
    ...stream,
    parent: { ...parent, parameters: keys },
    parameters: [...configured, ...stream.parameters],
  };
}

/** The constant or configured parameter that stands for an inherited key, or undefined where it is a partition. */
function fixedParameter(
  stream: Stream | undefined,
  name: string,
  byName: ReadonlyMap<string, Stream>,
  seen: Set<string>,
): StreamParameter | undefined {
  if (stream === undefined || seen.has(stream.name)) return undefined;
  seen.add(stream.name);
  const key = stream.parent?.parameters.find((one) => one.name === name);
  if (key?.from.kind === 'record') return undefined;
  if (key?.from.kind === 'partition' && stream.parent !== undefined) {
    return fixedParameter(byName.get(stream.parent.stream), key.from.parameter, byName, seen);
  }
  return stream.parameters.find(
    (one) => one.name === name && (one.value !== undefined || one.configKey !== undefined),
  );
}

/** How the rows of a stream that have rows of the same kind below them fill its parameter; undefined where none have any. */
export function recursion({
  parent,
}: Stream): { parameter: string; field: FieldPath; flag: FieldPath | undefined } | undefined {
  for (const { name, from } of parent?.recursive === undefined ? [] : parent.parameters) {
    if (from.kind !== 'record') continue;
    return { parameter: name, field: parent?.recursive?.field ?? from.field, flag: parent?.recursive?.flag };
  }
  return undefined;
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

/** Whether a full read that broke off can go on at the page that it had reached. */
export function isResumable(stream: Stream): boolean {
  return stream.parent === undefined && stream.incremental === undefined && stream.paging.kind !== 'none';
}

export function features(blueprint: Blueprint): Set<string> {
  const found = new Set<string>();
  for (const option of blueprint.auth) {
    for (const part of option.parts) authFeatures(part).forEach((name) => found.add(name));
  }
  const streams = generatedStreams(blueprint);
  for (const stream of streams) {
    streamFeatures(stream, streams).forEach((name) => found.add(name));
  }
  for (const operation of blueprint.operations) {
    if (!operation.selected) continue;
    found.add('operations');
    pagingFeatures(operation.paging).forEach((name) => found.add(name));
    if (operation.parameters.some(({ quote }) => quote !== undefined)) found.add('operations.quoted');
    const shape = blueprint.streams.find(({ pointer }) => pointer === operation.pointer)?.recordShape;
    if (shape === 'table' && operation.result === 'dataframe' && operation.kind !== 'get')
      found.add('operations.table');
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
      return [
        'auth.any',
        'auth.fetched',
        'auth.exchanged',
        'auth.expires',
        'auth.oauth2',
        'auth.client_credentials',
      ];
    case 'oauth2_refresh_token':
      return [
        'auth.any',
        'auth.fetched',
        'auth.exchanged',
        'auth.expires',
        'auth.oauth2',
        'auth.refresh_token',
      ];
    case 'jwt_bearer':
      return [
        'auth.any',
        'auth.fetched',
        'auth.jwt_bearer',
        ...(auth.tokenUrl === undefined ? [] : ['auth.exchanged', 'auth.expires']),
      ];
    case 'session':
      return ['auth.any', 'auth.fetched', 'auth.exchanged', 'auth.session'];
    case 'hmac':
      return ['auth.any', 'auth.hmac'];
  }
}

function streamFeatures(stream: Stream, all: readonly Stream[]): string[] {
  const found = [...pagingFeatures(stream.paging), `shape.${stream.recordShape}`];
  if (isResumable(stream)) found.push('resumable');
  if (stream.parent === undefined) {
    // What tests of streams that stand alone can try.
    found.push(`root.${stream.paging.kind}`);
    if (stream.paging.kind !== 'none') found.push('root.paged');
    if (stream.recordPath.some((key) => key !== '*')) found.push('root.path');
  } else if (all.some((one) => one.name === stream.parent?.stream && one.incremental !== undefined)) {
    found.push('parents.incremental');
  }
  if (stream.parent?.parameters.some(({ quote }) => quote !== undefined) === true)
    found.push('parents.quoted');
  if (recursion(stream) !== undefined) found.push('parents.recursive');
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
    if (stream.parent !== undefined) found.push('children.incremental');
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
