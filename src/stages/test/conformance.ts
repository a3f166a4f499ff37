/**
 * Is a connector right by more than its own tests? Once these pass, and before mistakes are planted, the conformance suite is
 * held against it: where it fails, the code is about to change, and what planted mistakes would show of it is worth nothing.
 */
import { z } from 'zod';
import { conform } from '../../conformance/conform.ts';
import { Conformance, type ConformanceReport } from '../../conformance/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageContext, TestReport } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';

/** Problems kept of one check: a single mistake may show in each of a hundred streams. */
const MAX_PROBLEMS = 5;
const MAX_MESSAGE = 500;

/** `conformance.json`: the last judgement, with what it was made of. */
const Judged = z.object({
  schemaVersion: z.literal(1),
  codeSha256: z.string(),
  testsSha256: z.string(),
  python: z.string(),
  conformance: Conformance,
});
const FILE = 'conformance.json';

async function judgedBefore(
  context: StageContext,
  { codeSha256, testsSha256, python }: TestReport,
): Promise<Conformance | undefined> {
  const last = await context.readArtifact(FILE, Judged).catch((error: unknown) => {
    // A spoilt memory is no evidence: the suite runs again.
    if (error instanceof SourcewrightError && error.code === 'corrupt') return undefined;
    throw error;
  });
  // The tests hold the fixtures that the suite's server is made from.
  const same = last?.codeSha256 === codeSha256 && last.testsSha256 === testsSha256 && last.python === python;
  return same && last.conformance.note === null ? last.conformance : undefined;
}

/** The suite's report in short: counts, and of each failed check what was seen and where. */
export function inShort(report: ConformanceReport): Conformance {
  const { passed, notApplicable, broken, seconds } = report;
  const failed = report.checks
    .filter(({ status }) => status === 'failed')
    .map(({ id, title, problems }) => ({
      id,
      title,
      problems: problems
        .filter(({ note }) => !note)
        .slice(0, MAX_PROBLEMS)
        .map(({ message, file, line }) => ({ message: message.slice(0, MAX_MESSAGE), file, line })),
    }));
  const note = broken === 0 ? null : `${broken} checks could not be run`;
  // How well operations guide a model depends on what the API's description says: no fix of the code changes that. What
  // the agent face lacks is told, and stops nobody from reading data.
  const failures = failed.filter(({ id }) => !id.startsWith('agent.'));
  const advice = failed.filter(({ id }) => id.startsWith('agent.'));
  return { note, passed, failed: failures.length, notApplicable, broken, seconds, failures, advice };
}

/** What could not be run says nothing of the code. */
function withoutVerdict(error: SourcewrightError): Conformance {
  const note = error.message.slice(0, MAX_MESSAGE);
  return { note, passed: 0, failed: 0, notApplicable: 0, broken: 0, seconds: 0, failures: [], advice: [] };
}

/** The judgement; undefined where the tests do not pass, or the run does not ask for it. */
export async function judgeByConformance(
  context: StageContext,
  environment: PythonEnvironment,
  report: TestReport,
): Promise<Conformance | undefined> {
  if (report.verdict !== 'passed' || context.request.limits.conformance !== true) return undefined;
  const before = await judgedBefore(context, report);
  if (before !== undefined) return before;
  const { connectorDir, signal } = context;
  context.progress('Holding the connector against the conformance suite.');
  let conformance: Conformance;
  try {
    conformance = inShort(
      await conform({ connectorDir, python: environment.python, isolation: environment.isolation, signal }),
    );
  } catch (error) {
    if (!(error instanceof SourcewrightError) || error.code === 'cancelled') throw error;
    conformance = withoutVerdict(error);
  }
  const { codeSha256, testsSha256, python } = report;
  await context.writeArtifact(FILE, { schemaVersion: 1, codeSha256, testsSha256, python, conformance });
  return conformance;
}

/** The report with the judgement in it. Tests may pass: a connector that fails a check has failed. */
export function withConformance(report: TestReport, conformance: Conformance | undefined): TestReport {
  if (conformance === undefined) return report;
  const verdict = conformance.failed > 0 ? 'failed' : report.verdict;
  return { ...report, verdict, conformance };
}

/** The judgement in a few words; empty where there is none. */
export function conformanceWords(conformance: Conformance | undefined): string {
  if (conformance === undefined) return '';
  const { passed, failed, note, advice } = conformance;
  if (passed + failed === 0) return `the conformance suite says nothing (${note ?? 'no check applies'})`;
  const lacks = advice.length === 0 ? '' : `, of the agent face it keeps all rules but ${advice.length}`;
  return `${passed} of ${passed + failed} conformance checks passed${lacks}${note === null ? '' : ` (${note})`}`;
}
