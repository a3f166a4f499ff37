/** How every attempt of the stage ends, whoever wrote the tests: we run pytest, compare the suite, and report. */
import type { StageContext, TestReport, TestResult } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { bentOutcome } from '../../python/control.ts';
import { ProcessRunner } from '../../python/process-runner.ts';
import { DEFAULT_TEST_TIMEOUT_MS, RESULTS_FILE, runSuite, type SuiteRun } from '../../python/pytest.ts';
import { writeInside } from '../../workspace/files.ts';
import { keepLock } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { readCasesFor } from '../test-cases.ts';
import { finishFindings, type FindingDraft } from '../findings.ts';
import { besideSuite } from './beside-suite.ts';
import { judgeByConformance, withConformance } from './conformance.ts';
import { type Difference, type EarlierSuite, suiteDifferences } from './integrity.ts';
import { judgeByMutants } from './mutants.ts';
import { resultsFile, summary, toTestResult } from './report.ts';

/** What an agent's attempt adds to the comparison with the compiled suite. */
export interface Suspicion {
  readonly earlier: readonly EarlierSuite[];
  /** What the new run shows against earlier ones. */
  readonly seen: (report: TestReport) => readonly Difference[];
  readonly findings: readonly FindingDraft[];
}
const NO_SUSPICION: Suspicion = { earlier: [], seen: () => [], findings: [] };

/** Where the suite passes, tests that must fail are run too: where they do not fail there is no verdict. */
async function believed(run: SuiteRun, told: TestReport): Promise<TestReport> {
  if (told.verdict !== 'passed') return told;
  const reason = await bentOutcome({ ...run, runner: new ProcessRunner({ write: () => undefined }) }, told);
  return reason === undefined ? told : { ...told, verdict: 'unusable', reason };
}

export async function runTests(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  suspicion: Suspicion = NO_SUSPICION,
): Promise<TestResult> {
  const { connectorDir, signal } = context;
  await keepLock(connectorDir, environment);
  context.progress('Running pytest.');
  const run: SuiteRun = {
    connectorDir,
    environment,
    runner: d.runner,
    title: `Tests of ${connectorDir.split(/[\\/]/).pop() ?? 'the connector'}`,
    timeoutMs: d.testTimeoutMs ?? DEFAULT_TEST_TIMEOUT_MS,
    signal,
    coverage: true,
    readCases: readCasesFor(d, signal),
  };
  const told = await runSuite(run);
  const ran = await believed(run, told);
  const { earlier, seen, findings } = suspicion;
  const beside = await besideSuite(d, context, environment);
  const drafts = await suiteDifferences(d, context, environment, {
    earlier,
    seen: [...seen(told), ...beside],
  });
  const integrity = await finishFindings(connectorDir, [...drafts, ...findings]);
  const judged = withConformance(ran, await judgeByConformance(context, environment, ran));
  const mutation = await judgeByMutants(d, context, environment, judged);
  const report: TestReport = { ...judged, integrity, ...(mutation === undefined ? {} : { mutation }) };
  await context.writeArtifact('test-report.json', report);
  await writeInside(connectorDir, RESULTS_FILE, resultsFile({ ...report, verdict: ran.verdict }));
  context.progress(summary(report));
  return toTestResult(report);
}
