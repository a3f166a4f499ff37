import { asSourcewrightError, SourcewrightError } from '../errors.ts';

/**
 * Settings as they are read in the middle of a run: one that can't be used is no fault of the run, which pauses and goes on
 * once it is corrected. Throws `environment` for what `read` throws as `input`.
 */
export function usable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return asPause(error);
  }
}

/** Throws `environment`, which pauses a run, for a setting's `input`; anything else as it is. */
export function asPause(thrown: unknown): never {
  const { code, message, where, place, cure, cause } = asSourcewrightError(thrown);
  if (code !== 'input') throw thrown;
  throw new SourcewrightError('environment', message, { where, place, cure, cause });
}
