/**
 * Emits what a connector's tests stand on: `tests/fixtures/api.json`, how the API behaves, for the tests' own server,
 * and a file per stream with the rows that it serves. Both come from the blueprint and not from the generated code,
 * so that a mistake in that code can't hide.
 */
import type { Auth, AuthOption, Blueprint, Stream } from '../schema.ts';
import type { CompiledFile } from './compile.ts';
import { credentialFields } from './configuration.ts';
import { collections, type Collection } from './fixture-rows.ts';
import { isStrict, knownRate, recursion } from './features.ts';
import { configValues, resolvedBaseUrl, sentParameters } from './fixture-config.ts';
import { headers } from './streams.ts';

const DAY = 86_400_000;
export const FIRST_MOMENT = Date.UTC(2024, 0, 1);

export function fixtures(blueprint: Blueprint, streams: readonly Stream[]): CompiledFile[] {
  const made = new Map<string, Collection[]>();
  const config = configValues(blueprint);
  for (const stream of parentsFirst(streams)) {
    made.set(stream.name, collections(stream, streams, made, config));
  }
  return [
    file('api', apiBehaviour(blueprint, streams, config)),
    ...streams.map((stream) => file(`streams/${stream.name}`, made.get(stream.name) ?? [])),
  ];
}

function file(name: string, content: unknown): CompiledFile {
  return { path: `tests/fixtures/${name}.json`, content: `${JSON.stringify(content, null, 1)}\n` };
}

/** Parents stand before their children; a circle of parents is left in the order given. */
function parentsFirst(streams: readonly Stream[]): Stream[] {
  const ordered: Stream[] = [];
  const visiting = new Set<string>();
  const visit = (stream: Stream): void => {
    if (visiting.has(stream.name)) return;
    visiting.add(stream.name);
    const parent = streams.find((one) => one.name === stream.parent?.stream);
    if (parent !== undefined) visit(parent);
    ordered.push(stream);
  };
  streams.forEach(visit);
  return ordered;
}

/** How the API behaves, as the tests' server must behave. */
function apiBehaviour(
  blueprint: Blueprint,
  streams: readonly Stream[],
  config: Record<string, unknown>,
): Record<string, unknown> {
  const longest = Math.max(0, ...streams.map((stream) => stream.incremental?.maxWindowDays ?? 0));
  const baseUrl = resolvedBaseUrl(blueprint, config);
  const authenticated = blueprint.auth.some((option) => option.parts.some((part) => part.kind !== 'none'));
  return {
    base_url: baseUrl,
    now: (FIRST_MOMENT + Math.ceil(Math.max(60, 2 * longest + 1)) * DAY) / 1000,
    headers: Object.fromEntries(headers(blueprint).map(({ name, value }) => [name, value])),
    ...limits(blueprint),
    config,
    auth: authenticated ? blueprint.auth.map((option) => authBehaviour(option, baseUrl)) : [],
    streams: Object.fromEntries(streams.map((stream) => [stream.name, streamBehaviour(stream, config)])),
  };
}

/** What is known of the API's limits. */
function limits({ rateLimit }: Blueprint): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  const rate = knownRate(rateLimit);
  if (rate !== undefined) known['rate_limit'] = rate;
  if (rateLimit.remainingHeader !== undefined && rateLimit.resetHeader !== undefined) {
    known['limit_headers'] = { remaining: rateLimit.remainingHeader, reset: rateLimit.resetHeader };
  }
  return known;
}

/** Credentials as the person gives them, and where the server looks for them. Made up, and easy to tell as such. */
function authBehaviour(option: AuthOption, baseUrl: string): Record<string, unknown> {
  const credentials: Record<string, string> = { auth_type: option.name };
  const checks: unknown[] = [];
  const secrets: string[] = [];
  const required: string[] = [];
  for (const { part, fields, names } of credentialFields(option)) {
    for (const field of fields) {
      if (/^(token|login)_url/.test(field.name)) continue;
      credentials[field.name] = madeUp(part, field.name);
      if (field.secret) secrets.push(field.name);
      if (field.required) required.push(field.name);
    }
    const value = (name: string): string => credentials[names.get(name) ?? name] ?? '';
    checks.push(...check(part, value, baseUrl));
  }
  return { credentials, secrets, required, checks };
}

/** Characters that read differently in URLs and JSON: a secret must be hidden in each form. */
function madeUp(part: Auth, field: string): string {
  const plain = `made-up/${field.replaceAll('_', '-')}+1`;
  if (part.kind === 'hmac' && field.startsWith('api_secret') && part.secretEncoding !== 'text') {
    return Buffer.from(plain).toString(part.secretEncoding);
  }
  // A key in a file looks like a leak to whoever scans it: the tests make one when they run.
  if (part.kind === 'jwt_bearer' && field.startsWith('private_key') && !part.algorithm.startsWith('HS')) {
    return `generated:${part.algorithm}`;
  }
  // As long as the algorithm wants it (RFC 7518 §3.2).
  return part.kind === 'jwt_bearer' && field.startsWith('private_key') ? plain.repeat(4) : plain;
}

function check(part: Auth, value: (name: string) => string, baseUrl: string): unknown[] {
  switch (part.kind) {
    case 'none':
      return [];
    case 'api_key':
      return [{ in: part.in, name: part.name, value: part.prefix + value('api_key') }];
    case 'bearer':
      return [{ in: 'header', name: 'Authorization', value: `Bearer ${value('access_token')}` }];
    case 'basic': {
      const pair = Buffer.from(`${value('username')}:${value('password')}`).toString('base64');
      return [{ in: 'header', name: 'Authorization', value: `Basic ${pair}` }];
    }
    case 'oauth2_client_credentials':
    case 'oauth2_refresh_token':
      return [
        {
          in: 'oauth2',
          token_url: whole(part.tokenUrl, baseUrl),
          grant_type: part.kind === 'oauth2_refresh_token' ? 'refresh_token' : 'client_credentials',
          client_authentication: part.clientAuthentication,
          client_id: value('client_id'),
          client_secret: value('client_secret'),
          refresh_token: part.kind === 'oauth2_refresh_token' ? value('refresh_token') : null,
          scope: part.scopes.length > 0 ? part.scopes.join(' ') : null,
        },
      ];
    case 'jwt_bearer': {
      const tokenUrl = part.tokenUrl === undefined ? null : whole(part.tokenUrl, baseUrl);
      return [
        {
          in: 'jwt',
          token_url: tokenUrl,
          algorithm: part.algorithm,
          issuer: value('issuer'),
          private_key: value('private_key'),
          audience: part.audience ?? tokenUrl,
          scope: part.scopes.length > 0 ? part.scopes.join(' ') : null,
          key_id: part.keyId === 'none' ? null : value('key_id'),
          subject: part.subject === 'none' ? null : value('subject'),
          lifetime: part.lifetimeSeconds,
        },
      ];
    }
    case 'session':
      return [
        {
          in: 'session',
          token_url: whole(part.loginUrl, baseUrl),
          encoding: part.encoding,
          login: {
            ...part.fields,
            [part.usernameField]: value('username'),
            [part.passwordField]: value('password'),
          },
          token_path: part.tokenPath ?? null,
          token_cookie: part.tokenCookie ?? null,
          sent_in: part.sentIn,
          name: part.name,
          prefix: part.prefix,
        },
      ];
    case 'hmac':
      return [
        {
          in: 'hmac',
          key: value('api_key'),
          secret: value('api_secret'),
          secret_encoding: part.secretEncoding,
          algorithm: part.algorithm,
          message: part.message,
          encoding: part.encoding,
          sent: part.sent,
        },
      ];
  }
}

function whole(url: string, baseUrl: string): string {
  return URL.parse(url, `${baseUrl}/`)?.href ?? url;
}

function streamBehaviour(stream: Stream, config: Record<string, unknown>): Record<string, unknown> {
  const { incremental, paging } = stream;
  return {
    method: stream.method,
    record_path: stream.recordPath,
    shape: stream.recordShape,
    primary_key: stream.primaryKey,
    parent: stream.parent?.stream ?? null,
    ...(recursion(stream) === undefined ? {} : { recursive: recursion(stream) }),
    parameters: sentParameters(stream, config),
    paging: {
      kind: paging.kind,
      param:
        paging.kind === 'page'
          ? paging.pageParam
          : paging.kind === 'offset'
            ? paging.offsetParam
            : paging.kind === 'cursor'
              ? paging.cursorParam
              : null,
      start: paging.kind === 'page' ? paging.startPage : paging.kind === 'offset' ? paging.startOffset : null,
      next_path: 'nextPath' in paging ? (paging.nextPath ?? null) : null,
      last_record_field: paging.kind === 'cursor' ? (paging.lastRecordField ?? null) : null,
      size_param: paging.kind === 'none' ? null : (paging.sizeParam ?? null),
      page_size: paging.kind === 'none' ? null : (paging.pageSize ?? null),
      has_more_path: 'hasMorePath' in paging ? (paging.hasMorePath ?? null) : null,
      total_path: 'totalPath' in paging ? (paging.totalPath ?? null) : null,
      total_pages_path: 'totalPagesPath' in paging ? (paging.totalPagesPath ?? null) : null,
    },
    incremental:
      incremental === undefined
        ? null
        : {
            cursor_field: incremental.cursorField,
            cursor_format: incremental.cursorFormat,
            param: incremental.param ?? null,
            param_format: incremental.paramFormat ?? incremental.cursorFormat,
            strict: isStrict(incremental),
            end_param: incremental.param === undefined ? null : (incremental.endParam ?? null),
            max_window_days: incremental.maxWindowDays ?? null,
            required: incremental.required,
          },
  };
}
