/**
 * Testing with a model. The suite is compiled; an agent extends it for what was written by hand, and repairs it. Whatever an
 * agent says, the verdict is made of our own run of pytest, and the suite is compared with the compiled one and with how it
 * was before.
 */
import type { BetaToolUnion } from '@anthropic-ai/sdk/resources/beta';
import type { AgentPaused, AgentRuntime, AgentTool } from '../../agents/contracts.ts';
import { Roles } from '../../agents/policy/paths.ts';
import { fileTools } from '../../agents/tools/file-tools.ts';
import { type Stage, type StageContext, type StageOutcome, TestReport } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { probeTool, runTestsTool } from '../agent-tools.ts';
import { connectorEnvironment } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import type { FindingDraft } from '../findings.ts';
import { forgetLostEdits } from '../generate/agent-edits.ts';
import { checkAnswers, leftOpen, WrittenAnswer } from '../generate/answers.ts';
import { type Conversed, converse, keptLockedPath } from '../generate/converse.ts';
import {
  beginSitting,
  copyOf,
  endSitting,
  hashesNow,
  openSitting,
  type Sitting,
} from '../generate/sitting.ts';
import { missingInRun, rememberSuite, suiteAsWritten, suiteBefore } from './fix-evidence.ts';
import { fixQuestion, generateQuestion, isTest, sourcesHash, TEST_NOTES, TestNotes } from './questions.ts';
import { runTests, type Suspicion } from './run-tests.ts';

/** What an API does may be looked up, within the domains that the person allows. */
function webSearch({ webDomains }: AgentRuntime): BetaToolUnion {
  const only = webDomains.length === 0 ? {} : { allowed_domains: [...webDomains] };
  return { type: 'web_search_20260318', name: 'web_search', max_uses: 3, ...only };
}

function tools(d: StageDependencies, context: StageContext): AgentTool[] {
  return [
    ...fileTools({
      root: context.connectorDir,
      role: Roles.tests,
      kinds: ['read', 'write', 'edit', 'glob', 'grep'],
    }),
    runTestsTool(d, context),
    probeTool(d, context),
  ];
}

/** The attempt that goes on or begins; undefined where nothing has to be thought about. */
async function sittingFor(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
): Promise<Sitting | undefined> {
  if (context.mode === 'RERUN') return undefined;
  const begun = await openSitting(context, 'test');
  if (begun !== undefined) return begun;
  const before = await hashesNow(context.connectorDir);
  const question =
    context.mode === 'FIX' ? await fixQuestion(d, context) : await generateQuestion(d, context, environment);
  return question === undefined ? undefined : beginSitting(context, 'test', before, question);
}

async function talk(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
  setup: { readonly environment: PythonEnvironment; readonly sitting: Sitting },
): Promise<AgentPaused | Conversed<WrittenAnswer>> {
  const { asked, given } = setup.sitting.note;
  return converse(
    runtime,
    {
      context,
      stage: 'test',
      prompt: context.mode === 'FIX' ? 'test-fix' : 'test',
      given,
      tools: tools(d, context),
      serverTools: [webSearch(runtime)],
      result: { name: 'written_tests', schema: WrittenAnswer },
      check: (result) => checkAnswers(asked, result),
    },
    { role: Roles.tests, ...setup },
  );
}

/** Keeps what the tester said, for those who diagnose next. */
async function keepNotes(context: StageContext, talked: Conversed<WrittenAnswer>): Promise<void> {
  const { result, sitting, changed } = talked;
  const last = await context.readArtifact(TEST_NOTES, TestNotes);
  const extendedFor = context.mode === 'FIX' ? (last?.extendedFor ?? null) : await sourcesHash(context);
  await context.writeArtifact(TEST_NOTES, {
    schemaVersion: 1,
    attempt: context.attempt,
    summary: result.summary,
    unresolved: leftOpen(sitting.note.asked, result, changed),
    extendedFor,
  });
  context.progress(`The tester says: ${result.summary}`);
}

function lockedFinding(context: StageContext, file: string): FindingDraft {
  return {
    rule: 'integrity-locked',
    source: 'integrity',
    severity: 'error',
    category: 'tests',
    message: `${file} was changed while tests were written, although it is locked. It was put back; what stood there is in ${keptLockedPath(context, 'test')}.`,
    file,
    startLine: 1,
  };
}

/** What the run is compared with, beyond the compiled suite. */
async function suspicionOf(context: StageContext, sitting: Sitting | undefined): Promise<Suspicion> {
  const written = context.mode === 'GENERATE' ? [] : await suiteAsWritten(context);
  const findings = (sitting?.note.broken ?? []).map((path) => lockedFinding(context, path));
  if (sitting === undefined || context.mode !== 'FIX') {
    return { earlier: written, seen: () => [], findings };
  }
  const last = await context.readArtifact('test-report.json', TestReport);
  const earlier = [...written, await suiteBefore(copyOf(sitting))];
  return { earlier, seen: (report) => missingInRun(last, report), findings };
}

/** The stage *test* of the engine `agents`. */
export function createAgentTest(d: StageDependencies, runtime: AgentRuntime): Stage<'test'> {
  return {
    name: 'test',
    async run(context: StageContext): Promise<StageOutcome<'test'>> {
      const environment = await connectorEnvironment(d, context);
      let sitting = await sittingFor(d, context, environment);
      if (sitting !== undefined) {
        const talked = await talk(d, runtime, context, { environment, sitting });
        if (talked.status === 'paused') return talked;
        sitting = talked.sitting;
        await keepNotes(context, talked);
      }
      const suspicion = await suspicionOf(context, sitting);
      const result = await runTests(d, context, environment, suspicion);
      if (sitting !== undefined) {
        if (context.mode === 'GENERATE') {
          await rememberSuite(context);
          await forgetLostEdits(context, isTest);
        }
        await endSitting(sitting);
      }
      return { status: 'done', result };
    },
  };
}
