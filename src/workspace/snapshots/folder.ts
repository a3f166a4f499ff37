/** The files of a connector as they are at this moment, as a snapshot describes them. */
import { lstat, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SourcewrightError } from '../../errors.ts';
import { fileError, sha256, systemCode } from '../../store/files.ts';
import { checkConnectorFolder, listFiles } from '../files.ts';
import type { LeftOutFile, SnapshotFile } from './manifest.ts';

export interface FolderState {
  readonly files: readonly SnapshotFile[];
  readonly leftOut: readonly LeftOutFile[];
}

export interface FolderLimits {
  /** A bigger file is left out. Bytes. */
  readonly maxFileBytes: number;
  /** Of all files together: the biggest are left out until the rest is no more. Bytes. */
  readonly maxTotalBytes: number;
}

/** How many files are read at a time. */
const AT_ONCE = 8;

/**
 * Reads the folder. Private files, links and what tools leave behind are not looked at; a folder that is not there is empty.
 * @param keep given every content that belongs to the state, before the state is complete
 * @throws SourcewrightError `environment` where the folder is a link or can't be listed, or `keep` fails
 */
export async function readFolder(
  dir: string,
  limits: FolderLimits,
  keep: (content: Buffer) => Promise<unknown> = () => Promise.resolve(),
): Promise<FolderState> {
  if (!basename(dir).startsWith('source-')) {
    throw new SourcewrightError('input', 'This is not the folder of a connector.', { where: dir });
  }
  await checkConnectorFolder(dirname(dir), dir);
  const listed = await listFiles(dir).catch((error: unknown) => {
    throw fileError(error, 'list', dir);
  });
  const sized = await Promise.all(listed.files.map((path) => sizeOf(dir, path)));
  const { chosen, leftOut } = choose(
    sized.filter((file) => file !== undefined),
    limits,
  );
  const files: SnapshotFile[] = [];
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const content = await read(dir, next.path);
      if (content === 'gone') continue;
      if (content === 'unreadable') {
        leftOut.push({ path: next.path, why: 'unreadable' });
        continue;
      }
      await keep(content);
      files.push({
        path: next.path,
        sha256: sha256(content),
        bytes: content.length,
        ...(next.executable && { executable: true as const }),
      });
    }
  };
  const ended = await Promise.allSettled(
    Array.from({ length: AT_ONCE }, () =>
      work().catch((error: unknown) => {
        // The others stop as well: nothing may be stored any more once this has failed.
        waiting.length = 0;
        throw error;
      }),
    ),
  );
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);
  return { files: files.sort(byPath), leftOut: leftOut.sort(byPath) };
}

interface Sized {
  readonly path: string;
  readonly bytes: number;
  readonly executable: boolean;
}

async function sizeOf(dir: string, path: string): Promise<Sized | undefined> {
  const entry = await lstat(join(dir, path)).catch(() => undefined);
  if (entry?.isFile() !== true) return undefined;
  return { path, bytes: entry.size, executable: process.platform !== 'win32' && (entry.mode & 0o100) !== 0 };
}

function choose(
  sized: readonly Sized[],
  { maxFileBytes, maxTotalBytes }: FolderLimits,
): { readonly chosen: readonly Sized[]; readonly leftOut: LeftOutFile[] } {
  const chosen: Sized[] = [];
  const leftOut: LeftOutFile[] = [];
  let total = 0;
  for (const file of [...sized].sort((a, b) => a.bytes - b.bytes)) {
    total += file.bytes;
    if (file.bytes > maxFileBytes || total > maxTotalBytes) leftOut.push({ path: file.path, why: 'too big' });
    else chosen.push(file);
  }
  return { chosen, leftOut };
}

/** A file may go while we read, and one that can't be read must not keep the others from being kept. */
async function read(dir: string, path: string): Promise<Buffer | 'gone' | 'unreadable'> {
  try {
    return await readFile(join(dir, path));
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? 'gone' : 'unreadable';
  }
}
