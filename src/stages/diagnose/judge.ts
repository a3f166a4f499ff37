/** What rules say about a run of the tests, made of its report alone; where agents work, it is what they start from. */
import { join } from 'node:path';
import {
  type DiagnoseResult,
  type Finding,
  type StageContext,
  TestReport,
} from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import { inspectSuite, type SuiteInspection } from '../../python/suite-inspection.ts';
import { runTool, type ToolResult } from '../../python/tools.ts';
import { hashFile, sha256 } from '../../workspace/files.ts';
import { generatedFiles, connectorEnvironment, helperScript } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { counted, failingCases } from '../failing-cases.ts';
import { finishFindings } from '../findings.ts';
import { survivorWords } from './survivors.ts';
import { type ChangedSides, classify, classifyOutput, type Fault, overall } from './classify.ts';

/** The report of the stage *test*. @throws SourcewrightError `corrupt` when there is none. */
export async function readReport(context: StageContext): Promise<TestReport> {
  const report = await context.readArtifact('test-report.json', TestReport);
  if (report !== undefined) return report;
  throw new SourcewrightError('corrupt', 'The run has no test report (any more).', {
    where: join(context.runDir, 'test-report.json'),
    cure: 'Put the file back, or run the stage test once more by hand; then resume.',
  });
}

/** Keeps the diagnosis and tells the person. */
export async function conclude(
  context: StageContext,
  result: DiagnoseResult,
): Promise<{ status: 'done'; result: DiagnoseResult }> {
  await context.writeArtifact('diagnosis.json', result);
  context.progress(result.explanation);
  return { status: 'done', result };
}

/** Compiled files that now read otherwise or are gone. */
export async function changedSides(d: StageDependencies, context: StageContext): Promise<ChangedSides> {
  const changed = { code: [] as string[], tests: [] as string[] };
  for (const file of await generatedFiles(d, context)) {
    if ((await hashFile(join(context.connectorDir, file.path))) === sha256(file.content)) continue;
    if (file.path.startsWith('tests/')) changed.tests.push(file.path);
    if (file.path.startsWith('src/')) changed.code.push(file.path);
  }
  return changed;
}

/** What the connector's suite holds, read without running it. */
export async function readSuite(d: StageDependencies, context: StageContext): Promise<SuiteInspection> {
  const environment = await connectorEnvironment(d, context);
  const script = await helperScript('inspect_tests.py');
  const testsDir = join(context.connectorDir, 'tests');
  return inspectSuite({ testsDir, script, environment, signal: context.signal });
}

/** Tests that can't fail whatever the code does. */
export async function vacuousTests(dir: string, suite: SuiteInspection): Promise<Finding[]> {
  const drafts = suite.files.flatMap((file) =>
    file.tests
      .filter((test) => test.vacuous !== null)
      .map((test) => ({
        rule: 'vacuous-test',
        source: 'integrity' as const,
        severity: 'warning' as const,
        category: 'tests' as const,
        message: `${test.name} can’t fail: ${test.vacuous ?? ''}.`,
        file: `tests/${file.path}`,
        startLine: test.line,
        endLine: test.end,
      })),
  );
  return finishFindings(dir, drafts);
}

/** A pass stays a pass; what was found about the tests goes with it, and what planted mistakes showed. */
export function passWith(
  report: TestReport,
  found: readonly Finding[],
  survivors: readonly Finding[] = [],
): DiagnoseResult {
  const noticed = report.mutation === undefined ? '' : ` ${survivorWords(report.mutation)}`;
  const explanation =
    found.length === 0
      ? `All ${report.passed} tests pass, and each of them can fail.`
      : `All ${report.passed} tests pass. ${found.length} things about them need a look: ${found
          .slice(0, 3)
          .map((finding) => finding.message)
          .join(' ')}`;
  return {
    verdict: 'pass',
    explanation: `${explanation}${noticed}`,
    evidence: [],
    vacuous: [...found, ...survivors],
  };
}

export const WORDS: Readonly<Record<Fault, string>> = {
  code: 'The code is at fault',
  tests: 'The tests are at fault',
  environment: 'The environment is at fault',
};

export const UNNAMED_CURE = 'Correct what the explanation names, then resume.';

/** Whose fault the failing tests of a usable report are. */
export function judgeFailure(report: TestReport, changed: ChangedSides): DiagnoseResult {
  const failing = failingCases(report);
  const { what, of } = counted(report);
  const judged = failing.map((entry) => ({ entry, verdict: classify(entry, changed) }));
  const verdict = overall(
    judged.map((one) => one.verdict),
    changed,
  );
  const decisive = judged.filter((one) => one.verdict.fault === verdict);
  const reasons = [...new Set(decisive.map((one) => one.verdict.because))];
  const more = reasons.length > 3 ? `; and ${reasons.length - 3} more reasons` : '';
  const cure = decisive.find((one) => one.verdict.cure !== undefined)?.verdict.cure;
  return {
    verdict,
    explanation: `${WORDS[verdict]} in ${decisive.length} of ${failing.length} failing ${what} (of ${of}): ${reasons.slice(0, 3).join('; ')}${more}.`,
    ...(verdict === 'environment' ? { cure: cure ?? UNNAMED_CURE } : {}),
    evidence: judged.map(({ entry, verdict: one }) => ({
      test: entry.id,
      fault: one.fault,
      because: one.because,
    })),
    vacuous: [],
  };
}

/** Name of what stands for the whole suite where no test can be named. */
export const WHOLE_SUITE = 'tests';

/** pytest, asked only to collect. */
async function collect(d: StageDependencies, context: StageContext): Promise<ToolResult> {
  const options = ['-q', '-o', 'addopts=', '-p', 'no:cacheprovider', '--color=no'];
  return runTool({
    environment: await connectorEnvironment(d, context),
    cwd: context.connectorDir,
    args: ['-m', 'pytest', 'tests', '--collect-only', ...options],
    signal: context.signal,
  });
}

/** Without a verdict pytest is asked once more, only to collect, and what it says is read. `output` is its words. */
export async function judgeUnusable(
  d: StageDependencies,
  context: StageContext,
  report: TestReport,
  changed: ChangedSides,
): Promise<{ result: DiagnoseResult; output: string }> {
  const reason = report.reason ?? 'the run gave no usable result';
  let output = '';
  const found = (
    fault: Fault,
    because: string,
    cure?: string,
  ): { result: DiagnoseResult; output: string } => ({
    result: {
      verdict: fault,
      explanation: `${WORDS[fault]}: ${because}.`,
      ...(fault === 'environment' ? { cure: cure ?? UNNAMED_CURE } : {}),
      evidence: [{ test: WHOLE_SUITE, fault, because }],
      vacuous: [],
    },
    output,
  });
  if (report.timedOut) return found('code', `${reason}: something in it does not end`);
  if (reason.startsWith('files of the connector changed')) {
    return found(
      'environment',
      reason,
      'Let the files rest (a save, a formatter or another program changed them), then resume.',
    );
  }
  const collected = await collect(d, context);
  output = `${collected.stdout}\n${collected.stderr}`;
  if (collected.exitCode === 0) {
    if (report.exitCode === null)
      return found(
        'environment',
        reason,
        'Run the stage test again. If it is ended again, memory may be short.',
      );
    return found(reason.includes('skipped') ? 'tests' : 'code', reason);
  }
  if (collected.exitCode === 5) return found('tests', reason);
  const verdict = classifyOutput(output, changed);
  return found(verdict.fault, `${reason}: ${verdict.because}`, verdict.cure);
}
