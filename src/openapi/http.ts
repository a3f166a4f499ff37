/** One bounded GET: for descriptions, the documents they refer to, and pages that may link to one. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Writable } from 'node:stream';
import { SourcewrightError } from '../errors.ts';
import { assertPublicLiteral, PrivateAddressError, publicLookup } from './addresses.ts';
import { MAX_REDIRECTS } from './limits.ts';

export interface GetOptions {
  /** `host:port` that the person typed: it may be private. Every other host must be public. */
  readonly trustedHost: string;
  /** Only this origin may answer (further documents); absent = redirects may lead to other public hosts. */
  readonly onlyOrigin?: string;
  readonly maxBytes: number;
  /** For the whole exchange with its redirects, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly accept?: string;
  /** Sent beside our own; secrets belong here only for a host that the person means them for. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface GetResult {
  readonly bytes: Uint8Array;
  /** After redirects. */
  readonly url: string;
  readonly contentType: string;
  readonly headers: IncomingMessage['headers'];
}

const ACCEPT =
  'application/vnd.oai.openapi+json, application/json, application/yaml, text/yaml, text/plain;q=0.8, */*;q=0.5';

/** Throws `remote` (no or a bad answer), `input` (too large, an address that is not allowed) or `cancelled`. */
export async function get(url: string, options: GetOptions): Promise<GetResult> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  let current = new URL(url);
  try {
    for (let redirects = 0; ; redirects += 1) {
      const response = await send(current, signal, options);
      const status = response.statusCode ?? 0;
      const target = response.headers.location;
      if (status >= 300 && status < 400 && target !== undefined) {
        response.destroy();
        if (redirects >= MAX_REDIRECTS) throw tooManyRedirects(url);
        current = redirected(current, target, options);
        continue;
      }
      if (status < 200 || status >= 300) {
        response.destroy();
        throw badStatus(publicUrl(current.href), status, response.statusMessage ?? '');
      }
      const bytes = await body(response, current, signal, options.maxBytes);
      return {
        bytes,
        url: current.href,
        contentType: response.headers['content-type'] ?? '',
        headers: response.headers,
      };
    }
  } catch (error) {
    throw worded(error, current, options, deadline);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Uint8Array;
}

/** One request whose status is the caller's to judge; redirects are not followed. Throws what `get` throws but for a status. */
export async function getOnce(url: string, options: GetOptions): Promise<Answer> {
  const target = new URL(url);
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    const response = await send(target, signal, options);
    const bytes = await body(response, target, signal, options.maxBytes);
    return { status: response.statusCode ?? 0, headers: response.headers, bytes };
  } catch (error) {
    throw worded(error, target, options, deadline);
  }
}

function send(url: URL, signal: AbortSignal, options: GetOptions): Promise<IncomingMessage> {
  const trusted = url.host === options.trustedHost;
  if (!trusted) assertPublicLiteral(url.hostname);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      signal,
      headers: {
        accept: options.accept ?? ACCEPT,
        'accept-encoding': 'gzip, deflate, br',
        'user-agent': 'sourcewright',
        ...options.headers,
      },
      // A shared agent would reuse connections made under another rule.
      agent: false,
      ...(trusted ? {} : { lookup: publicLookup }),
    });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function redirected(from: URL, target: string, options: GetOptions): URL {
  let to: URL;
  try {
    to = new URL(target, from);
  } catch {
    throw new SourcewrightError('remote', 'The server redirects to something that is no URL.', {
      where: publicUrl(from.href),
      cure: 'Open the URL in a browser and give the address where the description really stands.',
    });
  }
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw new SourcewrightError(
      'input',
      `The server redirects to a ${to.protocol} address, which is not followed.`,
      {
        where: publicUrl(from.href),
        cure: 'Give an http or https URL.',
      },
    );
  }
  if (from.protocol === 'https:' && to.protocol === 'http:' && to.host !== options.trustedHost) {
    throw new SourcewrightError('input', 'The server redirects from https to http, which is not followed.', {
      where: publicUrl(from.href),
      cure: `If you trust it, give ${publicUrl(to.href)} itself.`,
    });
  }
  if (options.onlyOrigin !== undefined && to.origin !== options.onlyOrigin) {
    throw new SourcewrightError(
      'input',
      'The server redirects to another host, which is not followed here.',
      {
        where: publicUrl(from.href),
      },
    );
  }
  // Credentials in the person's URL are for that host alone.
  if (to.origin === from.origin && to.username === '') {
    to.username = from.username;
    to.password = from.password;
  }
  return to;
}

async function body(
  response: IncomingMessage,
  url: URL,
  signal: AbortSignal,
  maxBytes: number,
): Promise<Uint8Array> {
  const announced = Number(response.headers['content-length'] ?? 0);
  if (announced > maxBytes) {
    response.destroy();
    throw tooLarge(publicUrl(url.href), announced, maxBytes);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const sink = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      size += chunk.length;
      if (size > maxBytes) {
        done(tooLarge(publicUrl(url.href), size, maxBytes));
        return;
      }
      chunks.push(chunk);
      done();
    },
  });
  const decoder = decompressor(response.headers['content-encoding']);
  if (decoder === undefined) await pipeline(response, sink, { signal });
  else await pipeline(response, decoder, sink, { signal });
  return Buffer.concat(chunks);
}

function decompressor(encoding: string | undefined) {
  switch (encoding?.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

/** Refused because of its size. `actual` may be only what was seen until then. */
export function tooLarge(where: string, actual: number, limit: number): SourcewrightError {
  const megabytes = (bytes: number): string => (bytes / (1024 * 1024)).toFixed(bytes < 10_485_760 ? 1 : 0);
  return new SourcewrightError(
    'input',
    `The description is larger than the limit (${megabytes(actual)} MB of at most ${megabytes(limit)} MB).`,
    { where, cure: 'Cut it down to the paths that the connector needs, for example one service or tag.' },
  );
}

function tooManyRedirects(url: string): SourcewrightError {
  return new SourcewrightError('remote', `The server redirects more than ${MAX_REDIRECTS} times.`, {
    where: publicUrl(url),
    cure: 'Open the URL in a browser and give the address where it ends.',
  });
}

function badStatus(where: string, status: number, statusText: string): SourcewrightError {
  const answer = `The server answered ${status}${statusText === '' ? '' : ` ${statusText}`}.`;
  if (status === 401 || status === 403) {
    return new SourcewrightError('remote', answer, {
      where,
      cure: 'The description needs a login: download it in a browser and give the file.',
    });
  }
  if (status === 404 || status === 410) {
    return new SourcewrightError('remote', answer, { where, cure: 'Check the URL: nothing stands there.' });
  }
  const busy = status === 429 || status >= 500;
  return new SourcewrightError('remote', answer, {
    where,
    retry: busy,
    cure: busy ? 'Try again later, or download the description and give the file.' : 'Check the URL.',
  });
}

function worded(error: unknown, url: URL, options: GetOptions, deadline: AbortSignal): SourcewrightError {
  if (error instanceof SourcewrightError) return error;
  const where = publicUrl(url.href);
  if (error instanceof PrivateAddressError) {
    return new SourcewrightError(
      'input',
      `${error.host} is a private address (${error.address}), which is not asked.`,
      {
        where,
        cure: 'Only an address that you give yourself may be private. If you trust it, give this URL directly.',
      },
    );
  }
  if (options.signal?.aborted === true) {
    return new SourcewrightError('cancelled', 'Cancelled.', { where, cause: error });
  }
  if (deadline.aborted) {
    return new SourcewrightError(
      'remote',
      `No full answer within ${Math.round(options.timeoutMs / 1000)} seconds.`,
      {
        where,
        retry: true,
        cure: 'Try again, or download the description and give the file.',
        cause: error,
      },
    );
  }
  const reason =
    REASONS[(error as NodeJS.ErrnoException).code ?? ''] ??
    (error instanceof Error ? error.message : String(error));
  return new SourcewrightError('remote', `The URL can't be reached: ${reason}.`, {
    where,
    retry: true,
    cure: 'Check the URL and the network, or download the description and give the file.',
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no host of that name is known',
  EAI_AGAIN: 'the name could not be looked up (is the network there?)',
  ECONNREFUSED: 'the host refuses the connection',
  ECONNRESET: 'the host closed the connection',
  ETIMEDOUT: 'the host does not answer',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no network',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate can not be verified',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

/** A URL that may be shown and stored: without user and password, and without the values of query parameters that look secret. */
export function publicUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return url;
  }
  parsed.username = '';
  parsed.password = '';
  for (const name of [...parsed.searchParams.keys()]) {
    if (/key|token|secret|sig|auth|password|credential/i.test(name)) parsed.searchParams.set(name, '***');
  }
  return parsed.href;
}
