/**
 * Generation with a model. Rules go first, in every mode; a conversation is held only about what they can't do. What an
 * attempt has changed, and whether it is sound, is told from hashes and from our own checks: never from what the agent says.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentRuntime, AgentTool } from '../../agents/contracts.ts';
import { Roles } from '../../agents/policy/paths.ts';
import { fileTools } from '../../agents/tools/file-tools.ts';
import type { Stage, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import { checkConnectorFolder } from '../../workspace/files.ts';
import { checkTool, probeTool } from '../agent-tools.ts';
import { connectorEnvironment } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { differingPaths, type FileHashes, forgetLostEdits, rememberAgentEdits } from './agent-edits.ts';
import { checkAnswers, leftOpen, WrittenAnswer } from './answers.ts';
import { type Conversed, converse, keptLockedPath } from './converse.ts';
import { finishGeneration } from './finish.ts';
import { recordedImprovements, recordImprovements } from './improvements.ts';
import { fixStep, generateStep, improveStep, isCode, type Step, stillFailing } from './questions.ts';
import {
  beginSitting,
  changedByAttempt,
  copyOf,
  endSitting,
  hashesNow,
  openSitting,
  type Sitting,
} from './sitting.ts';

const PROMPTS: Readonly<Record<string, string>> = { FIX: 'generate-fix', IMPROVE: 'generate-improve' };

function tools(d: StageDependencies, context: StageContext): AgentTool[] {
  return [
    ...fileTools({
      root: context.connectorDir,
      role: Roles.code,
      kinds: ['read', 'write', 'edit', 'glob', 'grep'],
    }),
    checkTool(d, context),
    probeTool(d, context),
  ];
}

async function byRules(
  d: StageDependencies,
  context: StageContext,
): Promise<Step | StageOutcome<'generate'>> {
  if (context.mode === 'IMPROVE') return improveStep(d, context);
  if (context.mode === 'FIX') return fixStep(d, context);
  return generateStep(d, context);
}

/** Nothing was to be asked: the attempt ends as one by rules does. */
async function withoutAgent(
  d: StageDependencies,
  context: StageContext,
  before: FileHashes,
  unresolved: readonly string[],
): Promise<StageOutcome<'generate'>> {
  const changed = differingPaths(before, await hashesNow(context.connectorDir));
  const environment = await connectorEnvironment(d, context);
  const work = { changed, unresolved: [...unresolved] };
  return { status: 'done', result: await finishGeneration(context, environment, work) };
}

/** The record by which a FIX can take an IMPROVE back, with what the agent changed. New files have nothing to go back to. */
async function extendImprovements(
  context: StageContext,
  sitting: Sitting,
  changed: readonly string[],
): Promise<void> {
  const byRules = await recordedImprovements(context);
  const known = new Set(byRules.map((file) => file.path));
  const improved = byRules.map(({ path, before }) => ({ path, before }));
  for (const path of changed.filter((one) => !known.has(one))) {
    const before = await readFile(join(copyOf(sitting), path), 'utf8').catch(() => undefined);
    if (before !== undefined) improved.push({ path, before });
  }
  await recordImprovements(context, improved);
}

/** What is left open after a conversation, in the order of its weight. */
function unresolvedAfter(context: StageContext, talked: Conversed<WrittenAnswer>): string[] {
  const { note } = talked.sitting;
  const kept = keptLockedPath(context, 'generate');
  return [
    ...note.broken.map(
      (path) =>
        `integrity-locked: ${path} was changed although it is locked. It was put back; what stood there is in ${kept}.`,
    ),
    ...(context.mode === 'FIX' && talked.changed.length === 0 ? stillFailing(context) : []),
    ...leftOpen(note.asked, talked.result, talked.changed),
    ...note.unresolved,
  ];
}

async function withAgent(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
  begun: Sitting,
): Promise<StageOutcome<'generate'>> {
  const environment = await connectorEnvironment(d, context);
  const { asked, given } = begun.note;
  const talked = await converse(
    runtime,
    {
      context,
      stage: 'generate',
      prompt: PROMPTS[context.mode] ?? 'generate',
      given,
      tools: tools(d, context),
      result: { name: 'written_code', schema: WrittenAnswer },
      check: (result) => checkAnswers(asked, result),
    },
    { role: Roles.code, environment, sitting: begun },
  );
  if (talked.status === 'paused') return talked;
  context.progress(`The generator says: ${talked.result.summary}`);
  if (context.mode === 'IMPROVE') await extendImprovements(context, begun, talked.changed);
  const changed = await changedByAttempt(begun, context.connectorDir);
  const work = { changed, unresolved: unresolvedAfter(context, talked) };
  const result = await finishGeneration(context, environment, work);
  if (context.mode === 'GENERATE') await forgetLostEdits(context, isCode);
  await endSitting(begun);
  return { status: 'done', result };
}

/** The stage *generate* of the engine `agents`. */
export function createAgentGenerate(d: StageDependencies, runtime: AgentRuntime): Stage<'generate'> {
  return {
    name: 'generate',
    async run(context: StageContext): Promise<StageOutcome<'generate'>> {
      await checkConnectorFolder(context.request.outDir, context.connectorDir);
      const begun = await openSitting(context, 'generate');
      if (begun !== undefined) return withAgent(d, runtime, context, begun);
      const before = await hashesNow(context.connectorDir);
      const step = await byRules(d, context);
      if ('status' in step) return step;
      // An accepted suggestion is a machine's edit: it gives way to a new generation as an agent's does.
      if (context.mode === 'IMPROVE') {
        await rememberAgentEdits(context, before, await hashesNow(context.connectorDir));
      }
      if (!('asked' in step)) return withoutAgent(d, context, before, step.unresolved);
      return withAgent(d, runtime, context, await beginSitting(context, 'generate', before, step));
    },
  };
}
