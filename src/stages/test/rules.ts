/**
 * Testing without a model. The suite is compiled with the connector; GENERATE makes sure it is there, RERUN only runs
 * it, FIX puts back tests that differ from the compiled ones. In all modes we run pytest and read the evidence.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Stage,
  type StageContext,
  type StageOutcome,
  type TestReport,
  type TestResult,
} from '../../pipeline/contracts.ts';
import { DEFAULT_TEST_TIMEOUT_MS, RESULTS_FILE, runSuite } from '../../python/pytest.ts';
import { writeInside } from '../../workspace/files.ts';
import { generatedFiles, connectorEnvironment } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { restoreMissing } from '../generate/emit.ts';
import { suiteIntegrity } from './integrity.ts';

/** The report in short, as it goes to the pipeline. */
export function toTestResult(report: TestReport): TestResult {
  const { verdict, total, passed, failed, errors, skipped, coverage } = report;
  const failing = report.cases.filter((entry) => entry.outcome === 'failed' || entry.outcome === 'error');
  return {
    verdict,
    total,
    passed,
    failed,
    errors,
    skipped,
    coverage,
    failing: failing.map((entry) => entry.id),
  };
}

/** What stands in the connector's own `tests/test_results.json`: nothing that differs between equal runs. */
export function resultsFile(report: TestReport): string {
  const { verdict, total, passed, failed, errors, skipped, coverage, codeSha256, testsSha256 } = report;
  const cases = report.cases.map(({ id, outcome }) => ({ id, outcome }));
  const content = {
    verdict,
    total,
    passed,
    failed,
    errors,
    skipped,
    coverage,
    codeSha256,
    testsSha256,
    cases,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function summary(report: TestReport): string {
  if (report.verdict === 'unusable') return `No verdict: ${report.reason ?? 'the evidence is unusable'}.`;
  const parts = [`${report.passed} of ${report.total} tests passed`];
  if (report.failed > 0) parts.push(`${report.failed} failed`);
  if (report.errors > 0) parts.push(`${report.errors} errors`);
  if (report.skipped > 0) parts.push(`${report.skipped} skipped`);
  if (report.coverage !== null) parts.push(`${report.coverage}% of the lines covered`);
  return `${parts.join(', ')}.`;
}

/**
 * Tests that differ from the compiled ones are put back; the person's own additional files stay. What is replaced is
 * kept in the run's folder, as it may be somebody's work.
 */
async function restoreTests(d: StageDependencies, context: StageContext): Promise<string[]> {
  const replaced: { path: string; content: string | null }[] = [];
  const tests = (await generatedFiles(d, context)).filter((file) => file.path.startsWith('tests/'));
  for (const file of tests) {
    const content = await readFile(join(context.connectorDir, file.path), 'utf8').catch(() => null);
    if (content !== file.content) replaced.push({ path: file.path, content });
  }
  if (replaced.length > 0) {
    await context.writeArtifact(`replaced-tests-${context.attempt}.json`, {
      schemaVersion: 1,
      files: replaced,
    });
  }
  const paths = new Set(replaced.map((file) => file.path));
  for (const file of tests) {
    if (paths.has(file.path)) await writeInside(context.connectorDir, file.path, file.content);
  }
  return [...paths];
}

async function prepare(d: StageDependencies, context: StageContext): Promise<void> {
  if (context.mode === 'RERUN') return;
  if (context.mode === 'FIX') {
    const restored = await restoreTests(d, context);
    context.progress(
      restored.length === 0
        ? 'The tests are as they were compiled: rules can’t repair them further.'
        : `Put back as compiled (what stood there is in replaced-tests-${context.attempt}.json): ${restored.join(', ')}.`,
    );
    return;
  }
  const tests = (await generatedFiles(d, context)).filter((file) => file.path.startsWith('tests/'));
  const restored = await restoreMissing(context.connectorDir, tests);
  if (restored.length > 0) context.progress(`Wrote missing tests: ${restored.join(', ')}.`);
}

/** The stage *test* of the engine `rules`. */
export function createRulesTest(d: StageDependencies): Stage<'test'> {
  return {
    name: 'test',
    async run(context: StageContext): Promise<StageOutcome<'test'>> {
      await prepare(d, context);
      const environment = await connectorEnvironment(d, context);
      context.progress('Running pytest.');
      const ran = await runSuite({
        connectorDir: context.connectorDir,
        environment,
        runner: d.runner,
        title: `Tests of ${context.connectorDir.split(/[\\/]/).pop() ?? 'the connector'}`,
        timeoutMs: d.testTimeoutMs ?? DEFAULT_TEST_TIMEOUT_MS,
        signal: context.signal,
        coverage: true,
      });
      const integrity = await suiteIntegrity(d, context, environment);
      const report: TestReport = { ...ran, integrity };
      await context.writeArtifact('test-report.json', report);
      await writeInside(context.connectorDir, RESULTS_FILE, resultsFile(report));
      context.progress(summary(report));
      return { status: 'done', result: toTestResult(report) };
    },
  };
}
