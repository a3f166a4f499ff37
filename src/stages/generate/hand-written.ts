/** What of a connector is not as it was generated: the part that a person or an agent wrote. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageContext } from '../../pipeline/contracts.ts';
import { RESULTS_FILE } from '../../python/pytest.ts';
import { listFiles } from '../../workspace/files.ts';
import { generatedFiles } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import type { TextPair } from './diffs.ts';

/** Files below a folder that are not as they were generated, with both texts; a file that is not there reads as empty. */
export async function handWritten(
  d: StageDependencies,
  context: StageContext,
  below: 'src/' | 'tests/',
): Promise<TextPair[]> {
  const isOurs = (path: string): boolean => path.startsWith(below) && path !== RESULTS_FILE;
  const generated = (await generatedFiles(d, context)).filter(({ path }) => isOurs(path));
  const before = new Map(generated.map(({ path, content }) => [path, content]));
  const now = (await listFiles(context.connectorDir)).files.filter(isOurs);
  const pairs: TextPair[] = [];
  for (const path of [...new Set([...before.keys(), ...now])].sort()) {
    const after = await readFile(join(context.connectorDir, path), 'utf8').catch(() => '');
    if (after !== (before.get(path) ?? '')) pairs.push({ path, before: before.get(path) ?? '', after });
  }
  return pairs;
}

/** Their names, as a list. */
export function namesOf(files: readonly { readonly path: string }[]): string {
  return files.map(({ path }) => `- ${path}`).join('\n');
}
