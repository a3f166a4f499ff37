/**
 * The Test Reviewer without a model. On failure: is the code or the test at fault, or the environment, told from the
 * evidence of the run. On success: tests that can't fail, and signs that the suite was bent.
 */
import { join } from 'node:path';
import {
  type DiagnoseResult,
  type Finding,
  type Stage,
  type StageContext,
  type StageOutcome,
  TestReport,
} from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import { inspectSuite } from '../../python/suite-inspection.ts';
import { runTool } from '../../python/tools.ts';
import { hashFile, sha256 } from '../../workspace/files.ts';
import { generatedFiles, connectorEnvironment, helperScript } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { finishFindings } from '../findings.ts';
import { type ChangedSides, classify, classifyOutput, type Fault, overall } from './classify.ts';

/** Compiled files that now read otherwise or are gone. */
async function changedSides(d: StageDependencies, context: StageContext): Promise<ChangedSides> {
  const changed = { code: [] as string[], tests: [] as string[] };
  for (const file of await generatedFiles(d, context)) {
    if ((await hashFile(join(context.connectorDir, file.path))) === sha256(file.content)) continue;
    if (file.path.startsWith('tests/')) changed.tests.push(file.path);
    if (file.path.startsWith('src/')) changed.code.push(file.path);
  }
  return changed;
}

async function vacuousTests(d: StageDependencies, context: StageContext): Promise<Finding[]> {
  const environment = await connectorEnvironment(d, context);
  const script = await helperScript(d, 'inspect_tests.py');
  const testsDir = join(context.connectorDir, 'tests');
  const suite = await inspectSuite({ testsDir, script, environment, signal: context.signal });
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
  return finishFindings(context.connectorDir, drafts);
}

async function onPass(
  d: StageDependencies,
  context: StageContext,
  report: TestReport,
): Promise<DiagnoseResult> {
  const found = [...(await vacuousTests(d, context)), ...report.integrity];
  const explanation =
    found.length === 0
      ? `All ${report.passed} tests pass, and each of them can fail.`
      : `All ${report.passed} tests pass. ${found.length} things about them need a look: ${found
          .slice(0, 3)
          .map((finding) => finding.message)
          .join(' ')}`;
  return { verdict: 'pass', explanation, evidence: [], vacuous: found };
}

const WORDS: Readonly<Record<Fault, string>> = {
  code: 'The code is at fault',
  tests: 'The tests are at fault',
  environment: 'The environment is at fault',
};

function onFailure(report: TestReport, changed: ChangedSides): DiagnoseResult {
  const failing = report.cases.filter((entry) => entry.outcome === 'failed' || entry.outcome === 'error');
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
    explanation: `${WORDS[verdict]} in ${decisive.length} of ${failing.length} failing tests (of ${report.total}): ${reasons.slice(0, 3).join('; ')}${more}.`,
    ...(verdict === 'environment'
      ? { cure: cure ?? 'Correct what the explanation names, then resume.' }
      : {}),
    evidence: judged.map(({ entry, verdict: one }) => ({
      test: entry.id,
      fault: one.fault,
      because: one.because,
    })),
    vacuous: [],
  };
}

/** Without a verdict pytest is asked once more, only to collect, and what it says is read. */
async function onUnusable(
  d: StageDependencies,
  context: StageContext,
  report: TestReport,
  changed: ChangedSides,
): Promise<DiagnoseResult> {
  const reason = report.reason ?? 'the run gave no usable result';
  const result = (fault: Fault, because: string, cure?: string): DiagnoseResult => ({
    verdict: fault,
    explanation: `${WORDS[fault]}: ${because}.`,
    ...(fault === 'environment' ? { cure: cure ?? 'Correct what the explanation names, then resume.' } : {}),
    evidence: [{ test: 'tests', fault, because }],
    vacuous: [],
  });
  if (report.timedOut) return result('code', `${reason}: something in it does not end`);
  if (reason.startsWith('files of the connector changed')) {
    return result(
      'environment',
      reason,
      'Let the files rest (a save, a formatter or another program changed them), then resume.',
    );
  }
  const environment = await connectorEnvironment(d, context);
  const collected = await runTool({
    environment,
    cwd: context.connectorDir,
    args: [
      '-m',
      'pytest',
      'tests',
      '--collect-only',
      '-q',
      '-o',
      'addopts=',
      '-p',
      'no:cacheprovider',
      '--color=no',
    ],
    signal: context.signal,
  });
  if (collected.exitCode === 0) {
    if (report.exitCode === null)
      return result(
        'environment',
        reason,
        'Run the stage test again. If it is ended again, memory may be short.',
      );
    return result(reason.includes('skipped') ? 'tests' : 'code', reason);
  }
  if (collected.exitCode === 5) return result('tests', reason);
  const verdict = classifyOutput(`${collected.stdout}\n${collected.stderr}`, changed);
  return result(verdict.fault, `${reason}: ${verdict.because}`, verdict.cure);
}

/** The stage *diagnose* of the engine `rules`. */
export function createRulesDiagnose(d: StageDependencies): Stage<'diagnose'> {
  return {
    name: 'diagnose',
    async run(context: StageContext): Promise<StageOutcome<'diagnose'>> {
      const report = await context.readArtifact('test-report.json', TestReport);
      if (report === undefined) {
        throw new SourcewrightError('corrupt', 'The run has no test report.', {
          where: join(context.runDir, 'test-report.json'),
          cure: 'Run the stage test first.',
        });
      }
      let result: DiagnoseResult;
      if (report.verdict === 'passed') result = await onPass(d, context, report);
      else {
        const changed = await changedSides(d, context);
        result =
          report.verdict === 'failed'
            ? onFailure(report, changed)
            : await onUnusable(d, context, report, changed);
      }
      await context.writeArtifact('diagnosis.json', result);
      context.progress(result.explanation);
      return { status: 'done', result };
    },
  };
}
