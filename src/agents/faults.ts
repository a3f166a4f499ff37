/** What a failed request means: try again and when, or pause with the cause and the cure. Never by the words of a message. */
import { AnthropicError, APIConnectionError, APIError, APIUserAbortError } from '@anthropic-ai/sdk';
import type { PauseCause } from '../pipeline/contracts.ts';
import { retryAfterMs } from './retry-after.ts';

/** A stream that went silent. Our own watchdog's word: the SDK's time limit ends with the first byte. */
export class StalledError extends Error {
  override readonly name = 'StalledError';
  constructor(seconds: number) {
    super(`The model's stream has been silent for ${seconds} seconds.`);
  }
}

export type Fault =
  | {
      readonly kind: 'retry';
      /** In a few words, for the countdown: `overloaded (529)`. */
      readonly why: string;
      /** What the API asked to wait, in milliseconds. */
      readonly waitMs: number | undefined;
      /** What a pause is called when trying again did not help. */
      readonly cause: Extract<PauseCause, 'rate_limit' | 'environment'>;
    }
  | { readonly kind: 'pause'; readonly cause: PauseCause; readonly message: string; readonly cure: string }
  /** Not a fault of the request: thrown on. */
  | { readonly kind: 'other' };

const RAISE_LIMIT = 'Wait a little, or raise the limits of the key’s organisation, then resume.';
const CHECK_NETWORK = 'Check the network and the address of the API (or of your gateway), then resume.';

/** Statuses that a later try may get past, with what they are called. */
const RETRIED: Readonly<Record<number, string>> = {
  408: 'request timed out (408)',
  409: 'conflict (409)',
  429: 'rate limit (429)',
  500: 'error of the API (500)',
  502: 'bad gateway (502)',
  503: 'service unavailable (503)',
  504: 'gateway timed out (504)',
  529: 'overloaded (529)',
};

/** What is told to a person of the API's own words: one line, bounded. */
function said(error: APIError): string {
  const words = (error.apiMessage ?? error.message).replace(/\s+/g, ' ').trim();
  return words.length <= 240 ? words : `${words.slice(0, 239)}…`;
}

/** `retry-after-ms` or `retry-after` (RFC 9110 §10.2.3: seconds or a date), in milliseconds. */
export function retryAfter(headers: Headers | undefined, now: number): number | undefined {
  const milliseconds = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  return retryAfterMs(headers?.get('retry-after'), headers?.get('date'), now);
}

export function faultOf(error: unknown, now: number): Fault {
  if (error instanceof StalledError) {
    return { kind: 'retry', why: 'the stream went silent', waitMs: undefined, cause: 'environment' };
  }
  if (error instanceof APIUserAbortError) return { kind: 'other' };
  if (error instanceof APIConnectionError) {
    return { kind: 'retry', why: 'the connection failed', waitMs: undefined, cause: 'environment' };
  }
  if (error instanceof APIError) return ofApi(error as APIError, now);
  // The stream broke off, or held something that is not JSON: the same request may well come through.
  if (error instanceof AnthropicError) {
    return { kind: 'retry', why: 'the answer broke off', waitMs: undefined, cause: 'environment' };
  }
  return { kind: 'other' };
}

function ofApi(error: APIError, now: number): Fault {
  // An error inside a stream that had begun with 200 has no status, only a type.
  const status = error.status ?? (error.type === null ? undefined : STATUS_OF[error.type]);
  const why = status === undefined ? undefined : RETRIED[status];
  if (status !== undefined && (why !== undefined || status >= 500)) {
    return {
      kind: 'retry',
      why: why ?? `error of the API (${status})`,
      waitMs: retryAfter(error.headers, now),
      cause: status === 429 || status === 529 ? 'rate_limit' : 'environment',
    };
  }
  if (status === undefined) {
    return { kind: 'retry', why: 'the answer broke off', waitMs: undefined, cause: 'environment' };
  }
  return ofStatus(status, error);
}

const STATUS_OF: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

function ofStatus(status: number, error: APIError): Fault {
  const pause = (cause: PauseCause, what: string, cure: string): Fault => ({
    kind: 'pause',
    cause,
    message: `${what} (${status}): ${said(error)}`,
    cure,
  });
  switch (status) {
    case 401:
      return pause('credentials', 'The API refuses the key', 'Set a valid key, then resume.');
    case 402:
      return pause('budget', 'The account can’t pay', 'Add credit to the key’s organisation, then resume.');
    case 403:
      return pause(
        'credentials',
        'The key may not do this',
        'Use a key that may call this model (or choose another model), then resume.',
      );
    case 404:
      return pause(
        'environment',
        'The API does not know the model or the address',
        'Choose a model that the key has (`sourcewright models` lists them) or correct the base URL, then resume.',
      );
    case 413:
      return pause('environment', 'The request is too large', 'Choose fewer streams, then start again.');
    default:
      return pause(
        'environment',
        'The API refuses the request',
        'Look at the message; if it names nothing that you can correct, please report it with the transcript.',
      );
  }
}

/** A waits longer than this are not waited for: the run pauses, and says when it may go on. Milliseconds. */
export const LONGEST_WAIT_MS = 120_000;
/** Requests of one turn, the first included. */
export const TRIES = 8;

/** Milliseconds before the next try: what the API asked for, else growing and jittered (1, 2, 4 … 60 s). */
export function backoffMs(attempt: number, asked: number | undefined, random: () => number): number {
  if (asked !== undefined) return asked;
  const grown = Math.min(60_000, 1000 * 2 ** (attempt - 1));
  return Math.round(grown * (0.75 + random() * 0.5));
}

/** The pause after the last try, or where the API asks for more patience than a run has. */
export function exhausted(fault: Extract<Fault, { kind: 'retry' }>, tries: number, waitMs?: number): Fault {
  const later = waitMs === undefined ? '' : ` The API asks to wait ${Math.ceil(waitMs / 60_000)} minutes.`;
  const times = tries === 1 ? 'once' : `${tries} times`;
  return {
    kind: 'pause',
    cause: fault.cause,
    message: `The request to the model failed ${times}: ${fault.why}.${later}`,
    cure: fault.cause === 'rate_limit' ? RAISE_LIMIT : CHECK_NETWORK,
  };
}
