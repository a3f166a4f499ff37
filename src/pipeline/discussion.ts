/**
 * What was said about findings: `discussion.json` in the run's folder. It decides nothing by itself; the words reach the
 * journal with the decision that hands the findings on.
 */
import { join } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import type { Files } from '../store/files.ts';
import { Discussion, MAX_REMARK, Remark } from './contracts.ts';
import { jsonText, readJson } from './json-files.ts';

export const DISCUSSION_FILE = 'discussion.json';

/** Everything said so far, oldest first. Throws `corrupt` when the file is damaged. */
export async function readRemarks(runDir: string, files: Files): Promise<readonly Remark[]> {
  return (await readJson(files, join(runDir, DISCUSSION_FILE), Discussion))?.remarks ?? [];
}

/** Adds a remark as one step. Throws `input` for words that can't be kept, `corrupt` when the file is damaged. */
export async function addRemark(runDir: string, files: Files, remark: Remark): Promise<void> {
  const parsed = Remark.safeParse(remark);
  if (!parsed.success) {
    const long = remark.text.trim() !== '';
    throw new SourcewrightError('input', long ? 'That is too long to be kept.' : 'Say something first.', {
      cure: long ? `Say it in at most ${MAX_REMARK} characters.` : undefined,
    });
  }
  const remarks = [...(await readRemarks(runDir, files)), parsed.data];
  await files.writeAtomic(
    join(runDir, DISCUSSION_FILE),
    jsonText({ schemaVersion: 1, remarks } satisfies Discussion),
  );
}
