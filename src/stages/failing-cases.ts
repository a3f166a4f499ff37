/** What speaks against a connector, in one form for all who ask: tests that fail, and checks of the conformance suite. */
import type { FailedCheck } from '../conformance/contracts.ts';
import type { TestCase, TestReport } from '../pipeline/contracts.ts';

const CONFORMANCE = 'conformance::';

function toCase({ id, title, problems }: FailedCheck): TestCase {
  const [first] = problems;
  const place = (file: string | null, line: number | null): string =>
    file === null ? '' : `${file}${line === null ? '' : `:${line}`}: `;
  return {
    id: `${CONFORMANCE}${id}`,
    file: first?.file ?? 'src',
    ...(first?.line == null ? {} : { line: first.line }),
    outcome: 'failed',
    durationMs: 0,
    message: `${title} ${first?.message ?? ''}`.trim(),
    details: problems.map(({ message, file, line }) => `${place(file, line)}${message}`).join('\n'),
  };
}

/** Whether a case is a check of the conformance suite, which is there to judge the code and never the tests. */
export function isConformance({ id }: Pick<TestCase, 'id'>): boolean {
  return id.startsWith(CONFORMANCE);
}

/** The cases that speak against the connector. */
export function failingCases(report: TestReport): TestCase[] {
  const tests = report.cases.filter(({ outcome }) => outcome === 'failed' || outcome === 'error');
  return [...tests, ...(report.conformance?.failures ?? []).map(toCase)];
}

/** What was counted, and how much of it there is: `75 tests`; where these pass `60 conformance checks`. */
export function counted(report: TestReport): { readonly what: string; readonly of: number } {
  const { conformance } = report;
  if (conformance === undefined || conformance.failed === 0) return { what: 'tests', of: report.total };
  return { what: 'conformance checks', of: conformance.passed + conformance.failed };
}
