/** Reads an API description from a file or URL, within limits. */
import { buildDescription } from './build.ts';
import type { Description } from './description.ts';
import { asSourcewrightError } from '../errors.ts';
import { isUrl, loadDescription, normalizeLocation, referenceLoader, type LoadOptions } from './load.ts';

/** Limits and circumstances of a read. All limits have defaults that suit real documents (`limits.ts`). */
export interface ReadOptions extends LoadOptions {
  /** Ends the read; it then throws `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Largest size of all documents together, in bytes (default 50 MB). */
  readonly maxBytes?: number | undefined;
  /** Longest time for one document over HTTP, in milliseconds (default 30 s). */
  readonly timeoutMs?: number | undefined;
  /** `host:port` that the person named, and that may be private; default: that of the location. */
  readonly trustedHost?: string | undefined;
  /** Folder that files named by `$ref` must lie in, if the description does; default: the description's own folder. */
  readonly root?: string | undefined;
}

/**
 * Loads, parses and lifts a description and what its `$ref`s name. Throws `input` (what was given can't be used),
 * `remote` (the URL did not answer as needed) or `cancelled`; what is merely broken inside becomes a problem.
 */
export async function readDescription(location: string, options: ReadOptions = {}): Promise<Description> {
  try {
    options.signal?.throwIfAborted();
    const typed = normalizeLocation(location);
    const main = await loadDescription(typed, options);
    const load = referenceLoader(main.location, isUrl(typed) ? typed : main.location, options);
    return await buildDescription(main, load, options);
  } catch (error) {
    throw asSourcewrightError(error);
  }
}
