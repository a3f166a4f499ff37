/** Whether a program failed for want of space: Python tells of that in so many ways that only the disk itself can be asked. */
import { statfs } from 'node:fs/promises';
import { SourcewrightError } from '../errors.ts';

/** What a run of tests or of a tool needs at least for what it leaves behind. Bytes. */
const LEAST_FREE = 256 * 1024;

/** What is left on the disk of a folder, in bytes; undefined where that is not known: some file systems count nothing. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const disk = await statfs(folder).catch(() => undefined);
  return disk === undefined || disk.blocks === 0 ? undefined : disk.bavail * disk.bsize;
}

/**
 * To be asked after a failure that could be that of the code.
 * @throws SourcewrightError `environment` where the disk of this folder is full: nobody's code is at fault then
 */
export async function refuseFullDisk(folder: string): Promise<void> {
  const free = await freeBytes(folder);
  if (free === undefined || free >= LEAST_FREE) return;
  throw new SourcewrightError(
    'environment',
    'A program failed, and the disk for temporary files is full (ENOSPC).',
    {
      where: folder,
      cure: 'Free some space, or set TMPDIR to a folder on another disk, then resume.',
    },
  );
}
