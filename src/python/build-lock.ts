/** A lock between processes for the time of a build: who finds it held waits, however long it takes. */
import { setTimeout as delay } from 'node:timers/promises';
import { SourcewrightError } from '../errors.ts';
import { type Lock, takeLock } from '../store/lock.ts';

const LOOK_EVERY_MS = 250;

/** Takes the lock, or tells that a living process holds it. */
async function tryLock(path: string): Promise<Lock | undefined> {
  try {
    return await takeLock(path, 'The Python environment', 'builds a Python environment');
  } catch (error) {
    if (error instanceof SourcewrightError && error.code === 'locked') return undefined;
    throw error;
  }
}

/**
 * Runs `work` while holding the lock at `path`; waits for another holder.
 * @throws SourcewrightError `cancelled` when aborted while waiting.
 */
export async function withBuildLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  let waited = false;
  let lock = await tryLock(path);
  while (lock === undefined) {
    if (signal?.aborted === true) throw new SourcewrightError('cancelled', 'Cancelled.');
    if (!waited) onWait();
    waited = true;
    await delay(LOOK_EVERY_MS);
    lock = await tryLock(path);
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
