/**
 * Tells the runs that this person began on this machine from those that came with a folder. A journal decides about gates
 * and holds decisions as a person's: one that a repository ships may say what it likes, but it can't carry the seal, which
 * is made with a key that lies outside of every workspace.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createWhole } from './files.ts';

/** Makes and checks the seals of journals' lines. `content` is what is sealed: the same text gives the same seal. */
export interface RunSeal {
  /** Null where no key can be kept here: such a run is taken for a stranger's when it is opened again. Never rejects. */
  readonly of: (content: string) => Promise<string | null>;
  readonly fits: (seal: string, content: string) => Promise<boolean>;
}

const KEY_FILE = 'runs.key';
const KEY_BYTES = 32;
const LOOKS = 5;
const BETWEEN_LOOKS_MS = 20;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The person's own folder for what is no cache and is not emptied: `SOURCEWRIGHT_STATE`, or the platform's own place (by the
 * XDG Base Directory Specification where that is the custom).
 */
export function stateFolder(environment: Environment = process.env): string {
  const own = environment['SOURCEWRIGHT_STATE'];
  if (own !== undefined && own !== '') return own;
  if (process.platform === 'win32') {
    return join(environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'sourcewright');
  }
  if (process.platform === 'darwin') {
    return join(homedir(), 'Library', 'Application Support', 'sourcewright');
  }
  const xdg = environment['XDG_STATE_HOME'];
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.local', 'state');
  return join(base, 'sourcewright');
}

/** The seal of the person whose programs keep their state in `folder`. The key is made with the first run. */
export function personalSeal(folder: string = stateFolder()): RunSeal {
  return {
    of: async (content) => {
      const key = (await readKey(folder)) ?? (await makeKey(folder));
      return key === undefined ? null : sealed(key, content).toString('hex');
    },
    fits: async (seal, content) => {
      const key = await readKey(folder);
      if (key === undefined) return false;
      const [given, right] = [Buffer.from(seal, 'hex'), sealed(key, content)];
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

function sealed(key: Buffer, content: string): Buffer {
  return createHmac('sha256', key).update(content).digest();
}

/** Undefined where there is none that can be used. */
async function readKey(folder: string): Promise<Buffer | undefined> {
  const key = await readFile(join(folder, KEY_FILE)).catch(() => undefined);
  return key?.length === KEY_BYTES ? key : undefined;
}

/** Makes the key in one step, so that two programs that begin at the same moment have the same. */
async function makeKey(folder: string): Promise<Buffer | undefined> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await createWhole(join(folder, KEY_FILE), randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
  } catch {
    // A home that can't be written: runs go on, they only have no seal.
    return undefined;
  }
  // Where a system has no hard links, another program's key may not be whole yet.
  for (let look = 1; look < LOOKS; look += 1) {
    const key = await readKey(folder);
    if (key !== undefined) return key;
    await delay(BETWEEN_LOOKS_MS);
  }
  return readKey(folder);
}
