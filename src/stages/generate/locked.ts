/**
 * What an agent may not write is put back when it was changed all the same, past the tools (by code that ran). What stood
 * there is kept: it may be the work of a person who had the file open meanwhile.
 */
import { lstat, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changedLocked, type Lock, lockHash, type Role } from '../../agents/policy/paths.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import { removeInside, writeInside } from '../../workspace/files.ts';
import { copyFiles } from './sitting.ts';

export interface LockedCopy {
  /** Puts back what was changed; returns its paths. What stood there is written to `keepAs` in the run's folder. */
  restore(keepAs: string): Promise<string[]>;
  dispose(): Promise<void>;
}

async function isLink(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;
}

/** Copies what a role may not write, so that it can be put back. */
export async function lockConnector(context: StageContext, role: Role): Promise<LockedCopy> {
  const { connectorDir, runDir } = context;
  const folder = await mkdtemp(join(tmpdir(), 'sourcewright-locked-'));
  await copyFiles(connectorDir, folder, (path) => !role.mayWrite(path));
  const before: Lock = await lockHash(connectorDir, role);
  return {
    async restore(keepAs) {
      const changed = changedLocked(before, await lockHash(connectorDir, role));
      if (changed.length === 0) return changed;
      const stood: { path: string; content: string | null }[] = [];
      // Links first: nothing is read or written through one.
      for (const path of changed) {
        if (await isLink(join(connectorDir, path))) await rm(join(connectorDir, path));
      }
      for (const path of changed) {
        const content = await readFile(join(connectorDir, path), 'utf8').catch(() => null);
        stood.push({ path, content });
      }
      await writeInside(runDir, keepAs, JSON.stringify({ schemaVersion: 1, files: stood }, null, 2));
      for (const path of changed) {
        const content = await readFile(join(folder, path)).catch(() => undefined);
        if (content === undefined) await removeInside(connectorDir, path);
        else await writeInside(connectorDir, path, content);
      }
      return changed;
    },
    dispose: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}
