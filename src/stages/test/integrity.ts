/**
 * Has the suite been bent? Compares the tests that ran with those that were compiled: new skips, removed tests and
 * asserts, edited fixtures, hooks that leave tests out. A person may do any of this; it is shown, never hidden.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompiledFile } from '../../blueprint/compiler/compile.ts';
import type { Finding, StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { inspectSuite, type SuiteInspection } from '../../python/suite-inspection.ts';
import { hashFile, sha256, writeInside } from '../../workspace/files.ts';
import { generatedFiles, helperScript } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { finishFindings, type FindingDraft } from '../findings.ts';

type InspectedFile = SuiteInspection['files'][number];

function draft(
  rule: string,
  severity: Finding['severity'],
  message: string,
  file: string,
  line = 1,
): FindingDraft {
  return { rule, source: 'integrity', severity, category: 'tests', message, file, startLine: line };
}

/** Entries of `after` that `before` does not have as often. */
function added(
  before: readonly { what: string }[],
  after: readonly { what: string; line: number }[],
): typeof after {
  const left = new Map<string, number>();
  for (const { what } of before) left.set(what, (left.get(what) ?? 0) + 1);
  return after.filter(({ what }) => {
    const n = left.get(what) ?? 0;
    left.set(what, n - 1);
    return n <= 0;
  });
}

function compareFile(path: string, before: InspectedFile | undefined, after: InspectedFile): FindingDraft[] {
  const drafts: FindingDraft[] = [];
  for (const { line, what } of added(before?.skips ?? [], after.skips)) {
    drafts.push(draft('integrity-skip', 'error', `${what} keeps a test from counting.`, path, line));
  }
  for (const { line, what } of added(before?.hooks ?? [], after.hooks)) {
    drafts.push(
      draft('integrity-hook', 'error', `${what} can leave tests out or bend their outcome.`, path, line),
    );
  }
  if (before === undefined || after.error !== null) return drafts;
  const now = new Map(after.tests.map((test) => [test.name, test]));
  for (const test of before.tests) {
    const same = now.get(test.name);
    if (same === undefined) {
      drafts.push(draft('integrity-removed-test', 'error', `The compiled test ${test.name} is gone.`, path));
    } else if (same.checks < test.checks) {
      const message = `${test.name} had ${test.checks} checks when compiled and has ${same.checks} now.`;
      drafts.push({
        ...draft('integrity-removed-assert', 'error', message, path, same.line),
        endLine: same.end,
      });
    }
  }
  return drafts;
}

async function inspectCompiled(
  tests: readonly CompiledFile[],
  script: string,
  environment: PythonEnvironment,
  signal: AbortSignal,
): Promise<SuiteInspection> {
  const dir = await mkdtemp(join(tmpdir(), 'sourcewright-suite-'));
  try {
    for (const file of tests) await writeInside(dir, file.path.slice('tests/'.length), file.content);
    return await inspectSuite({ testsDir: dir, script, environment, signal });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Findings about the suite in the connector's folder against the compiled one. */
export async function suiteIntegrity(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
): Promise<Finding[]> {
  const { connectorDir, signal } = context;
  const compiled = (await generatedFiles(d, context)).filter((file) => file.path.startsWith('tests/'));
  const edited: CompiledFile[] = [];
  for (const file of compiled) {
    if ((await hashFile(join(connectorDir, file.path))) !== sha256(file.content)) edited.push(file);
  }
  const script = await helperScript(d, 'inspect_tests.py');
  const now = await inspectSuite({ testsDir: join(connectorDir, 'tests'), script, environment, signal });
  const before = edited.length === 0 ? now : await inspectCompiled(compiled, script, environment, signal);
  const known = new Map(before.files.map((file) => [`tests/${file.path}`, file]));
  const compiledPaths = new Set(compiled.map((file) => file.path));
  const drafts: FindingDraft[] = [];
  for (const file of now.files) {
    const path = `tests/${file.path}`;
    drafts.push(...compareFile(path, compiledPaths.has(path) ? known.get(path) : undefined, file));
  }
  for (const { path } of edited) {
    if ((await hashFile(join(connectorDir, path))) === undefined) {
      drafts.push(draft('integrity-removed-file', 'error', `The compiled file ${path} is gone.`, path));
    } else if (path.startsWith('tests/fixtures/')) {
      drafts.push(
        draft('integrity-edited-fixture', 'warning', 'This fixture differs from the compiled one.', path),
      );
    }
  }
  return finishFindings(connectorDir, drafts);
}
