/** Reads an API description from a file or URL. */
import type { Description } from './description.ts';
import { SourcewrightError } from '../errors.ts';

/** Limits and circumstances of a read. All limits have defaults that suit real documents. */
export interface ReadOptions {
  /** Ends the read; it then throws `cancelled`. */
  readonly signal?: AbortSignal;
  /** Largest size of all documents together, in bytes (default 50 MB). */
  readonly maxBytes?: number;
  /** Longest time for one request, in milliseconds (default 30 s). */
  readonly timeoutMs?: number;
}

/** Throws `input` (what was given can't be used) or `remote` (the URL did not answer as needed). */
export function readDescription(location: string, options: ReadOptions = {}): Promise<Description> {
  void options;
  return Promise.reject(new SourcewrightError('internal', 'Not built yet.', { where: location }));
}
