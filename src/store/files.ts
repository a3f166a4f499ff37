/**
 * The few file operations that a run's durability rests on, behind one small interface, so that tests can let the
 * disk fill up or the machine die at any of them. Everything that goes wrong comes out as `environment` with a cure.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { faultCure, faultReason, systemCode } from '../system-faults.ts';

export { systemCode };

/** A file that only grows. */
export interface AppendFile {
  /** Writes at the end and waits until the disk has it. On failure nothing of `text` counts as written. */
  append(text: string): Promise<void>;
  /** Cuts the file to its first `bytes` bytes. */
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface Files {
  /** Whole content, or undefined when there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** Replaces the file as one step: whoever reads sees the old or the new content, never a mixture, even after a crash. */
  writeAtomic(path: string, content: string | Uint8Array): Promise<void>;
  openAppend(path: string): Promise<AppendFile>;
}

/** A failed file operation as an error that a person can act on. */
export function fileError(thrown: unknown, doing: string, path: string): SourcewrightError {
  if (thrown instanceof SourcewrightError) return thrown;
  const code = systemCode(thrown);
  const detail = faultReason(code) ?? String(thrown);
  return new SourcewrightError('environment', `Could not ${doing} a file: ${detail}.`, {
    where: path,
    cure: faultCure(code),
    retry: true,
    cause: thrown,
  });
}

/** SHA-256 in hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Makes a rename or a new file survive a power cut, where the system knows how (not on Windows). */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const RENAME_TRIES = 6;

/** Windows refuses a rename for a moment while a virus scanner or an editor holds the target. */
async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const busy = ['EPERM', 'EACCES', 'EBUSY'].includes(systemCode(error));
      if (process.platform !== 'win32' || !busy || attempt === RENAME_TRIES) throw error;
      await new Promise((done) => setTimeout(done, 20 * attempt));
    }
  }
}

/** An open file takes what is written to it also when it was deleted: it would be lost without a word. */
async function checkStillThere(file: FileHandle, path: string): Promise<void> {
  const [opened, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  if (there?.ino === opened.ino && there.dev === opened.dev) return;
  throw new SourcewrightError(
    'environment',
    `${basename(path)} was deleted or replaced while it was in use.`,
    {
      where: path,
      cure: 'Put it back (from the trash or a backup), then resume. Without it this run can’t go on: start a new one; what is in the connector’s folder stays.',
    },
  );
}

/** File systems without hard links (FAT, some shares) say so in different words. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL'];

/**
 * Creates a file with its whole content in one step, if there is none. Where the file system has no hard links, others may see
 * it for a moment before it is whole.
 * @param options of the writing: permissions, and whether to wait until the disk has it
 * @returns false when there is one already
 * @throws SourcewrightError `environment` when it can't be written
 */
export async function createWhole(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number; readonly flush?: boolean } = {},
): Promise<boolean> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content, { ...options, flag: 'wx' });
    try {
      await link(temporary, path);
    } catch (error) {
      if (!NO_LINKS.includes(systemCode(error))) throw error;
      await writeFile(path, content, { ...options, flag: 'wx' });
    }
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw fileError(error, 'create', path);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** The real file system. */
export const nodeFiles: Files = {
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw fileError(error, 'read', path);
    }
  },

  async writeAtomic(path, content) {
    const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await renameOver(temporary, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw fileError(error, 'write', path);
    }
  },

  async openAppend(path) {
    const attempt = async <T>(doing: string, act: () => Promise<T>): Promise<T> => {
      try {
        return await act();
      } catch (error) {
        throw fileError(error, doing, path);
      }
    };
    const file = await attempt('open', async () => {
      await mkdir(dirname(path), { recursive: true });
      const opened = await open(path, 'a');
      await syncFolder(dirname(path));
      return opened;
    });
    return {
      append: (text) =>
        attempt('write', async () => {
          await checkStillThere(file, path);
          await file.appendFile(text);
          await file.sync();
        }),
      truncate: (bytes) =>
        attempt('cut', async () => {
          await file.truncate(bytes);
          await file.sync();
        }),
      close: () => file.close(),
    };
  },
};
