/** The evidence of a test run, in its three forms: for the pipeline, for the connector's own folder, for the person. */
import type { TestReport, TestResult } from '../../pipeline/contracts.ts';
import { isolationWords } from '../../python/isolation/words.ts';
import { failingCases } from '../failing-cases.ts';
import { conformanceWords } from './conformance.ts';
import { mutationWords } from './mutants.ts';

/** The report in short, as it goes to the pipeline. */
export function toTestResult(report: TestReport): TestResult {
  const { verdict, total, passed, failed, errors, skipped, coverage, conformance } = report;
  return {
    verdict,
    total,
    passed,
    failed,
    errors,
    skipped,
    coverage,
    failing: failingCases(report).map((entry) => entry.id),
    ...(report.mutation === undefined ? {} : { killRate: report.mutation.killRate }),
    ...(conformance === undefined
      ? {}
      : { conformance: { passed: conformance.passed, failed: conformance.failed } }),
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

function ranWords(isolation: TestReport['isolation']): string {
  return isolation === undefined ? '' : `run ${isolationWords(isolation)}`;
}

export function summary(report: TestReport): string {
  if (report.verdict === 'unusable') return `No verdict: ${report.reason ?? 'the evidence is unusable'}.`;
  const parts = [`${report.passed} of ${report.total} tests passed`];
  if (report.failed > 0) parts.push(`${report.failed} failed`);
  if (report.errors > 0) parts.push(`${report.errors} errors`);
  if (report.skipped > 0) parts.push(`${report.skipped} skipped`);
  if (report.coverage !== null) parts.push(`${report.coverage}% of the lines covered`);
  const judgements = [
    ranWords(report.isolation),
    conformanceWords(report.conformance),
    mutationWords(report.mutation),
  ];
  parts.push(...judgements.filter((words) => words !== ''));
  return `${parts.join(', ')}.`;
}
