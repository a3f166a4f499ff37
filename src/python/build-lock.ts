/** A lock file between processes for the time of a build; a holder that died is recognised and passed over. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SourcewrightError } from '../errors.ts';

/** The holder refreshes its lock this often; one that was not refreshed for `STALE_MS` has no living holder. */
const BEAT_MS = 2000;
const STALE_MS = 20_000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(content);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock whose holder is gone. Moves it away first, so that of two that try only one succeeds. */
async function removeStale(path: string): Promise<void> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  const age = await stat(path).then(
    (entry) => Date.now() - entry.mtimeMs,
    () => 0,
  );
  if (content === undefined) return;
  const pid = Number(content.split(' ')[0]);
  const holderGone = Number.isInteger(pid) && pid > 0 && !isAlive(pid);
  if (!holderGone && age < STALE_MS) return;
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { force: true });
}

/**
 * Runs `work` while holding the lock file at `path`; waits for another holder.
 * @throws SourcewrightError `cancelled` when aborted while waiting.
 */
export async function withBuildLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const token = `${process.pid} ${randomUUID()}`;
  let waited = false;
  while (!(await create(path, token))) {
    if (signal?.aborted === true) throw new SourcewrightError('cancelled', 'Cancelled.');
    await removeStale(path);
    if (!waited) onWait();
    waited = true;
    await delay(100);
  }
  const beat = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => undefined);
  }, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    const content = await readFile(path, 'utf8').catch(() => undefined);
    if (content === token) await rm(path, { force: true });
  }
}
