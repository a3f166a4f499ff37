/** The probe's requests: slow, few, to the API's own host only, with nothing secret in what is told about them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { retryAfterMs } from '../../agents/retry-after.ts';
import type { AuthOption, Blueprint, Stream } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import { getOnce, type Answer } from '../../openapi/http.ts';
import { isUrl } from '../../openapi/load.ts';
import type { ProbeCredentials } from '../../pipeline/contracts.ts';

export const MAX_REQUESTS = 20;
const PAUSE_MS = 300;
const MAX_ANSWER_BYTES = 10 * 1024 * 1024;
const TIMEOUT_MS = 20_000;
/** Longest `Retry-After` of a busy server that is waited for. */
const MAX_WAIT_MS = 20_000;

/** The probe can't be made, or has to end; the message is for the notes. */
export class ProbeStop extends Error {
  override readonly name = 'ProbeStop';
}

export interface ProbeOptions {
  readonly credentials: ProbeCredentials;
  readonly signal: AbortSignal;
  progress(message: string): void;
}

/** Where requests go and what signs them. */
export interface ProbeTarget {
  readonly base: URL;
  /** How the base is told in notes: never with the person's own values in it. */
  readonly shownBase: string;
  readonly trusted: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** Throws `ProbeStop` when the base URL or the sign-in can't be made from what was given. */
export function targetOf(blueprint: Blueprint, credentials: ProbeCredentials): ProbeTarget {
  const given = credentials.base_url;
  let text = given ?? blueprint.baseUrl;
  for (const variable of blueprint.serverVariables) {
    const value = credentials[variable.configKey] ?? variable.default;
    if (value !== undefined) text = text.replaceAll(`{${variable.name}}`, encodeURIComponent(value));
  }
  if (/[{}]/.test(text) || !isUrl(text) || !URL.canParse(text)) {
    throw new ProbeStop(
      'The API was not asked: its base URL is not complete. Give base_url with the credentials.',
    );
  }
  const base = new URL(text.replace(/\/+$/, ''));
  const local = base.hostname === 'localhost' || base.hostname === '[::1]' || /^127\./.test(base.hostname);
  const { headers, query } = signIn(blueprint.auth, credentials);
  const signed = Object.keys(headers).length + Object.keys(query).length > 0;
  if (base.protocol === 'http:' && signed && !local && given === undefined) {
    throw new ProbeStop(
      'The API was not asked: its base URL is plain http, and secrets are sent over https only.',
    );
  }
  const described = isUrl(blueprint.source.location) ? new URL(blueprint.source.location).host : undefined;
  return {
    base,
    shownBase: given === undefined ? blueprint.baseUrl : base.origin,
    trusted: given !== undefined || base.host === described,
    headers: { ...Object.fromEntries(blueprint.headers.map(({ name, value }) => [name, value])), ...headers },
    query,
  };
}

type Signed = Pick<ProbeTarget, 'headers' | 'query'>;

function signIn(options: readonly AuthOption[], credentials: ProbeCredentials): Signed {
  const wanted = credentials.auth_type;
  const candidates = wanted === undefined ? options : options.filter((option) => option.name === wanted);
  for (const option of candidates) {
    const signed = signWith(option, credentials);
    if (signed !== undefined) return signed;
  }
  const names = [...new Set(candidates.flatMap((option) => option.parts.map((part) => part.kind)))].join(
    ', ',
  );
  throw new ProbeStop(
    `The API was not asked: the credentials given fit none of its ways to sign in (${names}). For OAuth give an access_token.`,
  );
}

function signWith(option: AuthOption, credentials: ProbeCredentials): Signed | undefined {
  const headers: Record<string, string> = {};
  const query: Record<string, string> = {};
  for (const part of option.parts) {
    switch (part.kind) {
      case 'none':
        break;
      case 'api_key': {
        const key = credentials.api_key;
        if (key === undefined) return undefined;
        if (part.in === 'query') query[part.name] = `${part.prefix}${key}`;
        else if (part.in === 'header') headers[part.name] = `${part.prefix}${key}`;
        else headers.cookie = `${part.name}=${part.prefix}${key}`;
        break;
      }
      case 'basic': {
        const { username, password } = credentials;
        if (username === undefined || (password === undefined && part.passwordRequired)) return undefined;
        headers.authorization = `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
        break;
      }
      case 'bearer':
      case 'oauth2_client_credentials':
      case 'oauth2_refresh_token':
      case 'jwt_bearer': {
        const token = credentials.access_token;
        if (token === undefined) return undefined;
        headers.authorization = `Bearer ${token}`;
        break;
      }
      // A probe neither begins sessions nor signs.
      case 'session':
      case 'hmac':
        return undefined;
    }
  }
  return { headers, query };
}

/** Why a stream can't be probed, or its fixed parameters. */
export function fixedParameters(
  stream: Stream,
  credentials: ProbeCredentials,
): { path: string; query: Record<string, string>; headers: Record<string, string> } | string {
  let { path } = stream;
  const query: Record<string, string> = {};
  const headers: Record<string, string> = {};
  for (const parameter of stream.parameters) {
    const given = parameter.configKey === undefined ? undefined : credentials[parameter.configKey];
    const found = parameter.value ?? given;
    if (found === undefined) {
      if (parameter.required) return `it needs a value for "${parameter.name}"`;
      continue;
    }
    const value = typeof found === 'object' ? JSON.stringify(found) : String(found);
    if (parameter.in === 'path') path = path.replaceAll(`{${parameter.name}}`, encodeURIComponent(value));
    else if (parameter.in === 'query') query[parameter.name] = value;
    else if (parameter.in === 'header') headers[parameter.name] = value;
  }
  const { incremental } = stream;
  if (incremental?.required === true && incremental.param !== undefined) {
    const start = credentials.start_date;
    if (start === undefined || incremental.endParam !== undefined)
      return 'it is read by windows of time only';
    query[incremental.param] = start;
  }
  return /[{}]/.test(path) ? 'its path has parameters without a value' : { path, query, headers };
}

/** An answer, and how its request is told in the notes. */
export interface Probed {
  readonly answer: Answer;
  readonly body: unknown;
  readonly shownUrl: string;
  readonly url: string;
  readonly at: string;
}

/** Makes the requests of one probe: counts them, spaces them, and ends it when the API says so. */
export class Prober {
  readonly #target: ProbeTarget;
  readonly #options: ProbeOptions;
  #made = 0;
  #last = -Infinity;

  constructor(target: ProbeTarget, options: ProbeOptions) {
    this.#target = target;
    this.#options = options;
  }

  get left(): number {
    return MAX_REQUESTS - this.#made;
  }

  get made(): number {
    return this.#made;
  }

  get origin(): string {
    return this.#target.base.origin;
  }

  /** The base URL that is asked, without a slash at its end. */
  get base(): string {
    return this.#target.base.href.replace(/\/+$/, '');
  }

  /** The URL of a stream's request with the given query. */
  urlOf(path: string, query: Readonly<Record<string, string>>): URL {
    const { base } = this.#target;
    const [pathname = '', fixedQuery] = path.split('?', 2);
    const url = new URL(`${base.href.replace(/\/+$/, '')}${pathname}`);
    for (const [name, value] of new URLSearchParams(fixedQuery)) url.searchParams.set(name, value);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  /** Throws `ProbeStop` when the API refuses (401, 403, 429), is out of reach or would lead elsewhere. */
  async get(stream: Stream, url: URL, headers: Readonly<Record<string, string>>): Promise<Probed> {
    const shownUrl = `${this.#target.shownBase}${stream.path.split('?', 1)[0] ?? ''}${shownQuery(url, stream)}`;
    const signed = new URL(url);
    for (const [name, value] of Object.entries(this.#target.query)) signed.searchParams.set(name, value);
    if (signed.origin !== this.#target.base.origin)
      throw new ProbeStop('The probe does not leave the host of the API.');
    let answer = await this.#request(signed, headers);
    const wait = retryAfterMs(answer.headers['retry-after'], answer.headers['date'], Date.now());
    if (answer.status === 503 && wait !== undefined && wait <= MAX_WAIT_MS && this.left > 0) {
      await sleep(wait, undefined, { signal: this.#options.signal });
      answer = await this.#request(signed, headers);
    }
    const { status } = answer;
    if (status === 401 || status === 403 || status === 429) {
      const why = status === 429 ? 'it asks for fewer requests' : 'it refuses the credentials';
      throw new ProbeStop(`The probe ended early: the API answered ${status} (${why}).`);
    }
    return { answer, body: jsonOf(answer), shownUrl, url: url.href, at: new Date().toISOString() };
  }

  async #request(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
    if (this.left <= 0) throw new ProbeStop(`The probe ended after ${MAX_REQUESTS} requests, its limit.`);
    const since = performance.now() - this.#last;
    const { signal } = this.#options;
    if (since < PAUSE_MS) await sleep(PAUSE_MS - since, undefined, { signal });
    this.#made += 1;
    try {
      return await getOnce(url.href, {
        trustedHost: this.#target.trusted ? url.host : '',
        maxBytes: MAX_ANSWER_BYTES,
        timeoutMs: TIMEOUT_MS,
        signal,
        accept: 'application/json, */*;q=0.5',
        headers: { ...this.#target.headers, ...headers },
      });
    } catch (error) {
      if (error instanceof SourcewrightError && error.code !== 'cancelled' && error.code !== 'internal') {
        throw new ProbeStop(`The probe ended early: ${error.message}`);
      }
      throw error;
    } finally {
      this.#last = performance.now();
    }
  }
}

function jsonOf(answer: Answer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(answer.bytes)) as unknown;
  } catch {
    return undefined;
  }
}

/** Names of the query parameters; values only of page numbers, offsets and sizes. */
function shownQuery(url: URL, stream: Stream): string {
  const { paging } = stream;
  const numbers = new Set<string | undefined>([
    paging.kind === 'page' ? paging.pageParam : undefined,
    paging.kind === 'offset' ? paging.offsetParam : undefined,
    paging.kind === 'none' ? undefined : paging.sizeParam,
  ]);
  const parts = [...url.searchParams].map(([name, value]) => {
    const shown = numbers.has(name) && /^\d{1,6}$/.test(value);
    return `${encodeURIComponent(name)}=${shown ? value : '…'}`;
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
