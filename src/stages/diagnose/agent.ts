/**
 * The Test Reviewer with a model. Whether tests pass says their report alone. A model is asked whose fault a failure is
 * where the rules do not see the machine at fault, and, once for each state of the tests, whether a pass is worth anything.
 */
import type { AgentPaused, AgentRuntime } from '../../agents/contracts.ts';
import { Roles } from '../../agents/policy/paths.ts';
import { fileTools } from '../../agents/tools/file-tools.ts';
import type {
  DiagnoseResult,
  Stage,
  StageContext,
  StageOutcome,
  TestReport,
} from '../../pipeline/contracts.ts';
import { generatedFiles } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import {
  checkVerdict,
  type Failure,
  failureGiven,
  FailureVerdict,
  shownTests,
  toDiagnosis,
} from './failure-question.ts';
import {
  changedSides,
  conclude,
  judgeFailure,
  judgeUnusable,
  passWith,
  readReport,
  readSuite,
  vacuousTests,
} from './judge.ts';
import { judgedBefore, rememberJudged, rememberVerdict, type WeakTest } from './memory.ts';
import { askForSurvivors, survivorFindings } from './survivors.ts';
import { checkWeakTests, type Pass, passGiven, WeakTests, weakTestFindings } from './pass-question.ts';

/** A look at some lines: nothing here takes long. */
const MAX_TURNS = 15;

function tools(context: StageContext): ReturnType<typeof fileTools> {
  return fileTools({ root: context.connectorDir, role: Roles.none, kinds: ['read', 'grep'] });
}

async function judgeByRules(
  d: StageDependencies,
  context: StageContext,
  report: TestReport,
): Promise<Failure> {
  const changed = await changedSides(d, context);
  if (report.verdict === 'failed') {
    return { report, changed, hint: judgeFailure(report, changed), output: '' };
  }
  const { result, output } = await judgeUnusable(d, context, report, changed);
  return { report, changed, hint: result, output };
}

async function onFailure(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
  report: TestReport,
): Promise<DiagnoseResult | AgentPaused> {
  const failure = await judgeByRules(d, context, report);
  // What the machine lacks no model can tell better than the error does.
  if (failure.hint.evidence.every((entry) => entry.fault === 'environment')) return failure.hint;
  // The tests pass, and a check that fails speaks against the code alone.
  if ((report.conformance?.failed ?? 0) > 0) return failure.hint;
  const shown = shownTests(failure);
  context.progress(`Asking whose fault it is (${shown.length} failing tests shown).`);
  const outcome = await runtime.run({
    context,
    stage: 'diagnose',
    prompt: 'diagnose',
    given: await failureGiven(d, context, failure, shown),
    tools: tools(context),
    result: { name: 'diagnosis', schema: FailureVerdict },
    check: (result) => checkVerdict(result, shown),
    maxTurns: MAX_TURNS,
  });
  return outcome.status === 'paused' ? outcome : toDiagnosis(outcome.result, failure);
}

async function readPass(d: StageDependencies, context: StageContext, report: TestReport): Promise<Pass> {
  const suite = await readSuite(d, context);
  const found = [...(await vacuousTests(context.connectorDir, suite)), ...report.integrity];
  const changed = new Set((await changedSides(d, context)).tests);
  const compiled = (await generatedFiles(d, context)).map((file) => file.path);
  return { report, suite, found, asCompiled: new Set(compiled.filter((path) => !changed.has(path))) };
}

async function weakTests(
  runtime: AgentRuntime,
  context: StageContext,
  pass: Pass,
): Promise<readonly WeakTest[] | AgentPaused> {
  const before = await judgedBefore(context, pass.report);
  if (before !== undefined) return before;
  context.progress('Asking whether the tests are worth anything.');
  const outcome = await runtime.run({
    context,
    stage: 'diagnose',
    prompt: 'diagnose-pass',
    given: await passGiven(context, pass),
    tools: tools(context),
    result: { name: 'weak_tests', schema: WeakTests },
    check: (result) => checkWeakTests(result, context.connectorDir),
    maxTurns: MAX_TURNS,
  });
  if (outcome.status === 'paused') return outcome;
  await rememberJudged(context, pass.report, outcome.result.findings);
  return outcome.result.findings;
}

async function onPass(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
  report: TestReport,
): Promise<DiagnoseResult | AgentPaused> {
  const pass = await readPass(d, context, report);
  const weak = await weakTests(runtime, context, pass);
  if ('status' in weak) return weak;
  const findings = await weakTestFindings(context.connectorDir, weak, pass.found);
  const survivors = await survivorFindings(context.connectorDir, report, ({ handWritten }) =>
    handWritten ? 'warning' : 'info',
  );
  const passed = passWith(report, [...pass.found, ...findings], survivors);
  return (await askForSurvivors(context, report, survivors)) ?? passed;
}

/** The stage *diagnose* of the engine `agents`. */
export function createAgentDiagnose(d: StageDependencies, runtime: AgentRuntime): Stage<'diagnose'> {
  return {
    name: 'diagnose',
    async run(context: StageContext): Promise<StageOutcome<'diagnose'>> {
      const report = await readReport(context);
      const passed = report.verdict === 'passed';
      const result = await (passed ? onPass : onFailure)(d, runtime, context, report);
      if ('status' in result) return result;
      await rememberVerdict(context, report, result);
      return conclude(context, result);
    },
  };
}
