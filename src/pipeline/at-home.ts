/**
 * A run is driven only where it was started. A journal names absolute folders and decides about gates and the engine: one
 * that came with a repository, or was copied from elsewhere, must not have anything written or run outside of where it lies.
 */
import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { runsDir } from '../store/run-folders.ts';
import type { RunRequest } from './contracts.ts';

/** @throws SourcewrightError `input` for a run that lies in another workspace than its journal says */
export async function assertAtHome(runDir: string, { workspace }: RunRequest): Promise<void> {
  const [there, said] = await Promise.all([real(dirname(runDir)), real(runsDir(workspace))]);
  if (there === said) return;
  throw new SourcewrightError('input', 'This run was started in another folder, so it is not driven here.', {
    where: runDir,
    cure: `It belongs to ${workspace}. If that folder was moved, start a new run here.`,
  });
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
