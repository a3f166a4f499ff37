/** What of a connector is not as it was compiled: the part that a person or an agent wrote. */
import type { StageContext } from '../pipeline/contracts.ts';
import type { PythonEnvironment } from '../python/environments.ts';
import { type TextPair, unifiedDiffs } from '../python/text-diff.ts';
import { LOCK_FILE } from '../python/lock.ts';
import { generatedFiles } from './connector.ts';
import type { StageDependencies } from './dependencies.ts';
import { TextFiles } from './text-files.ts';

/** A file with its text as compiled and as it is. */
export interface WrittenFile extends TextPair {
  readonly path: string;
}

/** What the stages write themselves, whoever works on the connector: `PROVENANCE` of publishing, and the lock. */
const OWN_RECORDS: ReadonlySet<string> = new Set(['provenance.json', LOCK_FILE]);

/** Files that were compiled otherwise, are new or are gone, in order of path. */
export async function handWritten(
  d: StageDependencies,
  context: StageContext,
  wanted: (path: string) => boolean,
): Promise<WrittenFile[]> {
  const before = new Map((await generatedFiles(d, context)).map((file) => [file.path, file.content]));
  const now = await TextFiles.read(context.connectorDir, (path) => wanted(path) && !OWN_RECORDS.has(path));
  const paths = [...new Set([...[...before.keys()].filter(wanted), ...now.paths])].sort();
  return paths
    .map((path) => ({ path, before: before.get(path) ?? null, after: now.text(path) ?? null }))
    .filter((file) => file.before !== file.after);
}

/** `src/client.py`, `src/lengths.py (new)`, `src/api.py (removed)`. */
export function nameOf({ path, before, after }: WrittenFile): string {
  return `${path}${before === null ? ' (new)' : after === null ? ' (removed)' : ''}`;
}

/** Their names, as a list. */
export function namesOf(files: readonly WrittenFile[]): string {
  return files.map((file) => `- ${nameOf(file)}`).join('\n');
}

/** Less than this of a file is not worth showing. Characters. */
const LEAST_SHOWN = 1500;

/** The files' diffs as one text of about `limit` characters; what has no room is named, to be read. */
export async function differencesText(
  files: readonly WrittenFile[],
  limit: number,
  context: StageContext,
  environment: PythonEnvironment,
): Promise<string> {
  const { connectorDir: cwd, signal } = context;
  const diffs = await unifiedDiffs(files, { environment, cwd, signal });
  const shown: string[] = [];
  const left: string[] = [];
  let room = limit;
  for (const [index, file] of files.entries()) {
    const diff = diffs[index] ?? '';
    if (room < Math.min(LEAST_SHOWN, diff.length)) left.push(file.path);
    else {
      const cut = diff.length > room ? `${diff.slice(0, room)}\n… (cut: read the file)` : diff;
      shown.push(`### ${nameOf(file)}\n${cut}`);
      room -= cut.length;
    }
  }
  if (left.length > 0) shown.push(`Differ as well, but had no room here: ${left.join(', ')}. Read them.`);
  return shown.join('\n\n');
}
