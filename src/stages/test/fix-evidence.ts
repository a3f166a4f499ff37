/** What a fix of the tests has to be measured by: the suite as it was, and what its last run did that this one does not. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Roles } from '../../agents/policy/paths.ts';
import type { CompiledFile } from '../../blueprint/compiler/compile.ts';
import type { StageContext, TestCase, TestReport } from '../../pipeline/contracts.ts';
import { listFiles } from '../../workspace/files.ts';
import { copyFiles, replaceFolder } from '../generate/sitting.ts';
import { type Difference, difference, type EarlierSuite } from './integrity.ts';

/** Tests of a folder that a tester may write. */
async function suiteIn(dir: string): Promise<CompiledFile[]> {
  const paths = (await listFiles(dir)).files.filter((path) => Roles.tests.mayWrite(path));
  const files: CompiledFile[] = [];
  for (const path of paths) files.push({ path, content: await readFile(join(dir, path), 'utf8') });
  return files;
}

/** The suite of a copy that was taken before a fix. */
export async function suiteBefore(copy: string): Promise<EarlierSuite> {
  return { files: await suiteIn(copy), fixed: true, when: 'before this fix', kind: 'former' };
}

function writtenFolder(context: StageContext): string {
  return join(context.runDir, 'suite');
}

/**
 * Keeps the suite as the tester wrote it: what a later fix takes away of it is found by every run after, not only by the one
 * of that fix.
 */
export async function rememberSuite(context: StageContext): Promise<void> {
  await replaceFolder(writtenFolder(context), (folder) =>
    copyFiles(context.connectorDir, folder, (path) => Roles.tests.mayWrite(path)),
  );
}

/** The suite as the tester wrote it in this run; nothing where it was only compiled. */
export async function suiteAsWritten(context: StageContext): Promise<EarlierSuite[]> {
  const files = await suiteIn(writtenFolder(context));
  if (files.length === 0) return [];
  return [{ files, fixed: false, when: 'when the tester wrote it', kind: 'tester’s' }];
}

/** `tests/test_read.py::TestX::test_y` of `tests/test_read.py::TestX::test_y[param]`. */
function functionOf({ id }: TestCase): string {
  return id.replace(/\[.*$/s, '');
}

function countByFunction(cases: readonly TestCase[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const entry of cases) counts.set(functionOf(entry), (counts.get(functionOf(entry)) ?? 0) + 1);
  return counts;
}

/** Tests that ran in more cases before. */
function lostCases(before: TestReport, after: TestReport): Difference[] {
  const now = countByFunction(after.cases);
  const known = new Map(before.cases.map((entry) => [functionOf(entry), entry]));
  // Of a file that can't be collected nothing can be said, and it fails anyway.
  const broken = new Set(after.cases.filter((entry) => !entry.id.includes('::')).map((entry) => entry.file));
  return [...countByFunction(before.cases)].flatMap(([id, count]) => {
    const file = known.get(id)?.file ?? '';
    const left = now.get(id) ?? 0;
    if (left >= count || broken.has(file) || !id.includes('::')) return [];
    const about = id.slice(file.length + '::'.length);
    const message = `${about} ran in ${count} cases before this fix and in ${left} now.`;
    return [difference('integrity-removed-test', 'error', message, { file, about })];
  });
}

/** Tests that did not run although they did before, or that are new and do not run. */
function newlySkipped(before: TestReport, after: TestReport): Difference[] {
  const skipped = new Set(
    before.cases.filter((entry) => entry.outcome === 'skipped').map((entry) => entry.id),
  );
  return after.cases
    .filter((entry) => entry.outcome === 'skipped' && !skipped.has(entry.id))
    .map((entry) => {
      const message = `${entry.id} did not count in this run.`;
      const place = { file: entry.file, line: entry.line ?? 1, about: functionOf(entry) };
      return difference('integrity-skip', 'error', message, place);
    });
}

/** What the run after a fix does not do any more. */
export function missingInRun(before: TestReport | undefined, after: TestReport): Difference[] {
  if (before === undefined || before.verdict === 'unusable' || after.verdict === 'unusable') return [];
  return [...lostCases(before, after), ...newlySkipped(before, after)];
}
