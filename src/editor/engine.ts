/**
 * Everything heavy behind one door: built into a bundle of its own (`dist/engine.cjs`), which the extension loads with
 * the first command that needs it. Nothing here imports `vscode`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Review, type RunRequest } from '../pipeline/contracts.ts';
import { readJournal } from '../pipeline/journal.ts';
import { nodeFiles } from '../store/files.ts';

export { researchDescription } from '../openapi/research.ts';
export { openRun, runStage, startRun } from '../pipeline/run.ts';
export { createRulesStages } from '../stages/rules.ts';
export { renderReport } from './reports/report-markdown.ts';
export { lockHolder } from '../store/lock.ts';
export { runLockPath } from '../store/run-folders.ts';
export { listRuns } from '../store/runs.ts';

/** What the person asked for, from the run's journal. Throws `corrupt` where that is damaged. */
export async function readRequest(runDir: string): Promise<RunRequest> {
  return (await readJournal(runDir, nodeFiles)).request;
}

/** The ledger of a run that is not open; undefined where there is none (yet). Throws on a damaged file. */
export async function readReview(runDir: string): Promise<Review | undefined> {
  let text: string;
  try {
    text = await readFile(join(runDir, 'review.json'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return Review.parse(JSON.parse(text));
}
