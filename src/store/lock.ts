/**
 * Locks between processes: a file that exists only while somebody works. It names its holder (process, its start,
 * computer), so that a lock whose holder is gone is recognised and taken over, and a refusal can say who is in the way.
 */
import { execFile } from 'node:child_process';
import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { fileError, systemCode } from './files.ts';

const run = promisify(execFile);

const Holder = z.object({
  pid: z.number().int().positive(),
  /** When the process started, in the system's own form: tells a reused process number from the holder. */
  process: z.string(),
  host: z.string(),
  /** What it is doing, for the person who is refused. */
  doing: z.string(),
  since: z.string(),
});
export type Holder = z.infer<typeof Holder>;

/** A lock from another computer is taken over when its holder has not touched it for so long. */
const FOREIGN_STALE_MS = 5 * 60_000;
const TOUCH_EVERY_MS = 60_000;
/** A lock file that can't be read yet may be in the middle of being written. */
const UNREADABLE_STALE_MS = 5_000;
const TAKEOVER_STALE_MS = 10_000;

/** When a process started, or '' where that can't be found out. Never throws. */
async function processStart(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') {
      const line = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The second field, the name, may hold blanks and brackets: count from behind it. Field 22 is the start time.
      return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    }
    if (process.platform === 'win32') return '';
    const { stdout } = await run('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], { timeout: 5_000 });
    return stdout.trim();
  } catch {
    return '';
  }
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

interface LockState {
  readonly holder: Holder | undefined;
  /** Milliseconds since the file was last written or touched. */
  readonly age: number;
}

async function readLock(path: string): Promise<LockState | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { holder: parseHolder(text), age: Date.now() - mtimeMs };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw fileError(error, 'read', path);
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return Holder.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function isStale({ holder, age }: LockState): Promise<boolean> {
  if (holder === undefined) return age > UNREADABLE_STALE_MS;
  if (holder.host !== hostname()) return age > FOREIGN_STALE_MS;
  if (!processLives(holder.pid)) return true;
  const start = await processStart(holder.pid);
  return start !== '' && holder.process !== '' && start !== holder.process;
}

/** Who holds a lock at this moment, or undefined when nobody living does. */
export async function lockHolder(path: string): Promise<Holder | undefined> {
  const state = await readLock(path);
  return state === undefined || (await isStale(state)) ? undefined : state.holder;
}

/** Creates the lock file if nobody has one. False when there is one already. */
async function create(path: string, holder: Holder): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'wx');
    try {
      await file.writeFile(`${JSON.stringify(holder)}\n`);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw fileError(error, 'create', path);
  }
}

/**
 * Removes a stale lock. Only one process at a time may do so: between its look and its removal, another could have
 * taken the lock over, and would lose a living lock.
 */
async function removeStale(path: string, holder: Holder): Promise<void> {
  const takeover = `${path}.takeover`;
  if (!(await create(takeover, holder))) {
    const other = await readLock(takeover);
    if (other !== undefined && other.age > TAKEOVER_STALE_MS) await rm(takeover, { force: true });
    return;
  }
  try {
    const state = await readLock(path);
    if (state !== undefined && (await isStale(state))) await rm(path, { force: true });
  } finally {
    await rm(takeover, { force: true });
  }
}

function lockedError(what: string, path: string, holder: Holder | undefined): SourcewrightError {
  const who =
    holder === undefined
      ? 'another process'
      : `process ${holder.pid} on ${holder.host} (${holder.doing}, since ${holder.since})`;
  return new SourcewrightError('locked', `${what} is in use by ${who}.`, {
    where: path,
    cure: 'Wait until it has finished or close it there. If nothing is running any more, delete this file.',
    retry: true,
  });
}

/** A lock that is held. */
export interface Lock {
  /** Gives the lock back; calling it again does nothing. */
  release(): Promise<void>;
}

const ATTEMPTS = 5;

/**
 * Takes a lock without waiting for it.
 * @param what the thing that is locked, as the refusal names it ("The run …")
 * @param doing what the holder does, for those who are refused
 * @throws SourcewrightError `locked` when a living process holds it; `environment` when the file can't be written
 */
export async function takeLock(path: string, what: string, doing: string): Promise<Lock> {
  const holder: Holder = {
    pid: process.pid,
    process: await processStart(process.pid),
    host: hostname(),
    doing,
    since: new Date().toISOString(),
  };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (await create(path, holder)) return hold(path, holder);
    const state = await readLock(path);
    if (state === undefined) continue;
    if (!(await isStale(state))) throw lockedError(what, path, state.holder);
    await removeStale(path, holder);
    await new Promise((done) => setTimeout(done, 10 * attempt));
  }
  throw lockedError(what, path, (await readLock(path))?.holder);
}

function hold(path: string, holder: Holder): Lock {
  const touch = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_EVERY_MS);
  touch.unref();
  let held = true;
  return {
    async release() {
      if (!held) return;
      held = false;
      clearInterval(touch);
      // Somebody may have deleted ours and another taken it since: remove only what is still ours.
      const now = await readLock(path).catch(() => undefined);
      if (now?.holder?.pid === holder.pid && now.holder.since === holder.since) {
        await rm(path, { force: true }).catch(() => undefined);
      }
    },
  };
}
