/**
 * A run is driven only where it was started. A journal names absolute folders and decides about gates and the engine: one
 * that came with a repository, or was copied from elsewhere, must not have anything written or run outside of where it lies.
 */
import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { runsDir } from '../store/run-folders.ts';
import type { PipelineDependencies, RunRequest } from './contracts.ts';
import type { JournalContent } from './journal.ts';

/** @throws SourcewrightError `input` for a run that lies in another workspace than its journal says */
export async function assertAtHome(runDir: string, { workspace }: RunRequest): Promise<void> {
  const [there, said] = await Promise.all([real(dirname(runDir)), real(runsDir(workspace))]);
  if (there === said) return;
  throw new SourcewrightError('input', 'This run was started in another folder, so it is not driven here.', {
    where: runDir,
    cure: `It belongs to ${workspace}. If that folder was moved, start a new run here.`,
  });
}

/** Whether any line of the journal was neither written nor taken on by this person on this machine. */
export async function isForeign(
  content: JournalContent,
  { seal }: Pick<PipelineDependencies, 'seal'>,
): Promise<boolean> {
  if (seal === undefined) return false;
  const { mark } = content;
  return mark === undefined || !(await seal.fits(mark.mark, mark.content));
}

/** Why a stranger's run is not driven as it is: its gates and decisions would count as the person's own. */
export function foreignRun(runDir: string): SourcewrightError {
  return new SourcewrightError(
    'input',
    'This run was not begun by you on this machine, or its journal was changed since: it is not driven without your word.',
    {
      where: runDir,
      cure: 'Its gates, and decisions that were made in it, would count as yours. Look at the run first, then take it on in the Pipeline view or with `resume --adopt`; or start a new run.',
    },
  );
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
