/**
 * Locks between processes: a file that exists only while somebody works. It names its holder (process, its start, the
 * system that it runs on), so that a lock whose holder is gone is recognised and taken over, and a refusal can say who is
 * in the way.
 *
 * A lock comes to be with its whole content, in one step. One that a dead holder left is never deleted by those who want
 * it, for between a look and a deletion another may have taken it. Instead the file `<lock>.after-<hash of the dead
 * one>` is made, which only one of them can do; if that one dies, too, its own file has a successor. So there is one
 * chain of files from the lock on, and who stands at its end holds the lock. The holder then puts itself at the
 * beginning of the chain, and removes the rest.
 */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { createWhole, fileError, sha256, systemCode } from './files.ts';
import { processLives, processStart, systemIdentity } from './process-identity.ts';

const Holder = z.object({
  pid: z.number().int().positive(),
  /** When the process started, in the system's own form: tells a reused process number from the holder. */
  process: z.string(),
  host: z.string(),
  /** Boot of the system and its space of process numbers; '' where that is unknown, as in locks of older versions. */
  system: z.string().default(''),
  /** What it is doing, for the person who is refused. */
  doing: z.string(),
  since: z.string(),
  /** Tells the locks of one process apart. */
  nonce: z.string().default(''),
});
export type Holder = z.infer<typeof Holder>;

const TOUCH_EVERY_MS = 20_000;
/** A lock whose holder's process can't be looked at is taken over when it has not been touched for so long. */
const UNTOUCHED_STALE_MS = 120_000;
/** A lock file that can't be read yet may be in the middle of being written, where a system has no hard links. */
const UNREADABLE_STALE_MS = 5_000;

interface LockState {
  readonly holder: Holder | undefined;
  /** Milliseconds since the file was last written or touched; negative where the clock was set back since. */
  readonly age: number;
  /** The same only for the same file with the same content. */
  readonly identity: string;
}

async function readLock(path: string): Promise<LockState | undefined> {
  try {
    const [text, { mtimeMs, ino }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const holder = parseHolder(text);
    const identity = sha256(holder === undefined ? `${ino} ${mtimeMs} ${text}` : text).slice(0, 16);
    return { holder, age: Date.now() - mtimeMs, identity };
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
  // A file from the future is no newer than one from the past: the clock was set back.
  const untouched = Math.abs(age);
  if (holder === undefined) return untouched > UNREADABLE_STALE_MS;
  const system = await systemIdentity();
  const known = holder.system !== '' && system !== '';
  // Process numbers mean nothing on another computer, after a reboot or in another container.
  if (holder.host !== hostname() || (known && holder.system !== system))
    return untouched > UNTOUCHED_STALE_MS;
  if (!processLives(holder.pid)) return true;
  const start = await processStart(holder.pid);
  if (start !== '' && holder.process !== '') return start !== holder.process;
  return untouched > UNTOUCHED_STALE_MS;
}

/** The end of a lock's chain: who stands there, or that nobody does. */
interface ChainEnd {
  /** Path of the last file that is there; undefined when there is no lock. */
  readonly path: string | undefined;
  readonly state: LockState | undefined;
  /** Where the next one would have to stand. */
  readonly next: string;
}

/** More takeovers than this, each of which died on its way, are no accident. */
const LONGEST_CHAIN = 100;

async function endOfChain(path: string): Promise<ChainEnd> {
  let end: ChainEnd = { path: undefined, state: undefined, next: path };
  for (let links = 0; links < LONGEST_CHAIN; links += 1) {
    const state = await readLock(end.next);
    if (state === undefined) return end;
    end = { path: end.next, state, next: `${path}.after-${state.identity}` };
  }
  throw new SourcewrightError('environment', 'A lock has been taken over too often.', {
    where: path,
    cure: 'If nothing is running any more, delete this file and those beside it that begin with its name.',
  });
}

/** Who holds a lock at this moment, or undefined when nobody living does. */
export async function lockHolder(path: string): Promise<Holder | undefined> {
  const { state } = await endOfChain(path);
  return state === undefined || (await isStale(state)) ? undefined : state.holder;
}

/**
 * Makes the holder of a successor that of the lock itself, and removes what the chain was made of. Whoever stands
 * on the old chain meanwhile finds that it no longer begins at the lock, and looks again.
 */
async function shortenChain(path: string, own: string, content: string): Promise<void> {
  if (own !== path) {
    const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
    await writeFile(temporary, content, { flag: 'wx' });
    try {
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }
  // What stays beside a lock means nothing: it is only untidy.
  await removeBeside(path).catch(() => undefined);
}

/** Successors, and files of those who died while they made one. Only for the holder. */
async function removeBeside(path: string): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)];
  for (const found of await readdir(folder)) {
    if (!found.startsWith(`${name}.`)) continue;
    const rest = found.slice(name.length);
    if (/^\.after-[0-9a-f]{16}$/.test(rest)) await rm(join(folder, found), { force: true });
    else if (/\.[0-9a-f]{8}\.tmp$/.test(rest) && (await isOld(join(folder, found)))) {
      await rm(join(folder, found), { force: true });
    }
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Math.abs(Date.now() - found.mtimeMs) > UNREADABLE_STALE_MS;
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
  /**
   * Whether it is still ours: a person may have deleted it, and another computer may have taken it over while this one
   * slept.
   * @throws SourcewrightError `environment` where that can't be told: the drive may be gone
   */
  isHeld(): Promise<boolean>;
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
    system: await systemIdentity(),
    doing,
    since: new Date().toISOString(),
    nonce: randomBytes(6).toString('hex'),
  };
  const content = `${JSON.stringify(holder)}\n`;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const end = await endOfChain(path);
    if (end.state !== undefined && !(await isStale(end.state)))
      throw lockedError(what, path, end.state.holder);
    if (await createWhole(end.next, content)) {
      if (await standsAtEnd(path, holder)) {
        try {
          await shortenChain(path, end.next, content);
        } catch (error) {
          await rm(end.next, { force: true }).catch(() => undefined);
          throw fileError(error, 'write', path);
        }
        return hold(path, holder);
      }
      // The chain was shortened meanwhile: what we made stands beside it and means nothing.
      await rm(end.next, { force: true });
    }
    await new Promise((done) => setTimeout(done, 10 * attempt));
  }
  throw lockedError(what, path, (await endOfChain(path)).state?.holder);
}

async function standsAtEnd(path: string, holder: Holder): Promise<boolean> {
  return (await endOfChain(path)).state?.holder?.nonce === holder.nonce;
}

function hold(path: string, holder: Holder): Lock {
  const isOurs = async (): Promise<boolean> => (await readLock(path))?.holder?.nonce === holder.nonce;
  const touch = setInterval(() => {
    const now = new Date();
    // Never somebody else's: it would look alive for ever.
    void isOurs()
      .then(async (ours) => (ours ? utimes(path, now, now) : undefined))
      .catch(() => undefined);
  }, TOUCH_EVERY_MS);
  touch.unref();
  let held = true;
  return {
    isHeld: async () => held && (await isOurs()),
    async release() {
      if (!held) return;
      held = false;
      clearInterval(touch);
      // Somebody may have deleted ours and another taken it since: remove only what is still ours.
      if (await isOurs().catch(() => false)) await rm(path, { force: true }).catch(() => undefined);
    },
  };
}
