import { systemFault } from './system-faults.ts';

/**
 * The errors that a person may see. One class with a closed set of codes: callers switch on `code`, never on
 * message text. `message` says what happened and where, `cure` what to do next, `retry` whether trying the same
 * again can help.
 */
export type ErrorCode =
  /** The person's input (file, URL, name, option) can't be used. Terminal exit code 2. */
  | 'input'
  /** Something on this machine is missing or in the way (Python, git, disk, permissions). Exit code 4. */
  | 'environment'
  /** A remote service did not answer as needed (network, HTTP status, time limit). */
  | 'remote'
  /** Credentials are missing or were refused. */
  | 'credentials'
  /** A budget or a limit of the person's is used up. */
  | 'budget'
  /** The person or the program asked to stop. */
  | 'cancelled'
  /** Another process holds what is needed (a run, a connector's folder). */
  | 'locked'
  /** A stored file does not match its contract (journal, artifact). */
  | 'corrupt'
  /** A model's answer can't be used, also after it was told why. */
  | 'model'
  /** Our own mistake. */
  | 'internal';

export interface ErrorDetails {
  /** File, URL or setting that the error is about. */
  readonly where?: string | undefined;
  /** Line (1-based) or JSON pointer inside `where`. */
  readonly place?: string | undefined;
  /** What the person can do next, as a sentence. */
  readonly cure?: string | undefined;
  /** Whether the same call may succeed later without a change by the person. */
  readonly retry?: boolean;
  readonly cause?: unknown;
}

/** An error worded for the person. Everything thrown across a layer's border is one of these. */
export class SourcewrightError extends Error {
  override readonly name = 'SourcewrightError';
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly place: string | undefined;
  readonly cure: string | undefined;
  readonly retry: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.where = details.where;
    this.place = details.place;
    this.cure = details.cure;
    this.retry = details.retry ?? false;
  }

  /** The whole of it on one or two lines, for a terminal, a log or a notification. */
  toText(): string {
    const at = [this.where, this.place].filter((part) => part !== undefined && part !== '').join(' at ');
    const head = at === '' ? this.message : `${this.message} (${at})`;
    return this.cure === undefined ? head : `${head}\n${this.cure}`;
  }
}

/**
 * Any thrown value as a `SourcewrightError`: a failure of the file system is `environment`, everything else that is not one
 * already is `internal`. The original is the cause.
 */
export function asSourcewrightError(thrown: unknown): SourcewrightError {
  if (thrown instanceof SourcewrightError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new SourcewrightError('cancelled', 'Cancelled.', { cause: thrown });
  }
  const fault = systemFault(thrown);
  if (fault !== undefined) {
    const { message, where, cure } = fault;
    return new SourcewrightError('environment', message, { where, cure, retry: true, cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new SourcewrightError('internal', `Unexpected error: ${message}`, {
    cause: thrown,
    cure: 'This is a mistake in Sourcewright. Please report it with the log.',
  });
}
