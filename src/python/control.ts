/**
 * The counter-check of tests that pass: in a copy of the connector a test that must fail stands in each of their files. Where one
 * of them passes, something bends the outcome of tests, however it is hidden: in a hook, in a module of pytest that was
 * changed, in the code itself.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestReport } from '../pipeline/contracts.ts';
import { listFiles } from '../workspace/files.ts';
import { copyConnector } from './connector-copy.ts';
import { runSuite, type SuiteRun } from './pytest.ts';

type ControlRun = Pick<
  SuiteRun,
  'connectorDir' | 'environment' | 'runner' | 'timeoutMs' | 'signal' | 'readCases'
>;

/**
 * Why the outcome of tests that passed is not believed; undefined where it is.
 * @param report of those tests
 */
export async function bentOutcome(run: ControlRun, report: TestReport): Promise<string | undefined> {
  const scratch = await mkdtemp(join(tmpdir(), 'sourcewright-control-'));
  // A name that nothing can know in advance.
  const name = `test_${randomBytes(6).toString('hex')}`;
  try {
    const copy = join(scratch, basename(run.connectorDir));
    await copyConnector(run.connectorDir, copy);
    const { files } = await listFiles(copy);
    const suite = files.filter((path) => /^tests\/(.*\/)?(test_[^/]*|[^/]*_test)\.py$/.test(path));
    for (const path of suite) {
      await appendFile(join(copy, path), `\n\ndef ${name}() -> None:\n    raise AssertionError\n`);
    }
    if (suite.length === 0) return undefined;
    const title = `Tests of ${basename(run.connectorDir)} that must fail`;
    const counter = await runSuite({
      ...run,
      ...{ connectorDir: copy, title, coverage: false, tests: ['tests', '-k', name] },
    });
    return counter.timedOut || counter.exitCode === null ? undefined : whyBent(name, report, counter, suite);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Every file in which a test passed must have failed now. A file that was skipped as a whole says nothing. */
function whyBent(
  name: string,
  report: TestReport,
  counter: TestReport,
  suite: readonly string[],
): string | undefined {
  const outcomes = new Map(
    counter.cases.filter(({ id }) => id.endsWith(`::${name}`)).map(({ file, outcome }) => [file, outcome]),
  );
  const passed = new Set(report.cases.filter(({ outcome }) => outcome === 'passed').map(({ file }) => file));
  const bent = suite.find((path) => {
    const outcome = outcomes.get(path);
    return outcome === 'passed' || (outcome === undefined && passed.has(path));
  });
  return bent === undefined
    ? undefined
    : `a test that must fail was not reported as failed in ${bent}: something in the connector bends the outcome of its tests`;
}
