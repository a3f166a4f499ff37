/**
 * Review with a model. Rules find what rules can; then one conversation looks at quality, security and architecture of
 * what is not template. Its findings become ours only at places that exist, with edits that apply and still parse.
 */
import { z } from 'zod';
import type { AgentPaused, AgentRuntime } from '../../agents/contracts.ts';
import { Roles } from '../../agents/policy/paths.ts';
import { fileTools } from '../../agents/tools/file-tools.ts';
import type { Review, Stage, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { hashFiles, listFiles } from '../../workspace/files.ts';
import { connectorEnvironment } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { concludeReview, takePriorReview } from './conclude.ts';
import { type Gathered, gatherFindings } from './gather.ts';
import { TextFiles } from '../text-files.ts';
import { reviewGiven } from './question.ts';
import { checkReview, ReviewerVerdict, toDrafts } from './verdict.ts';

const MAX_TURNS = 25;

/**
 * `reviewer.json`: what the model said, by attempt. An attempt that was cut off after its conversation does not hold it
 * again, and a question that was asked once is not asked in each cycle.
 */
const Rounds = z.object({
  schemaVersion: z.literal(1),
  rounds: z.array(z.object({ attempt: z.number().int(), filesSha256: z.string(), verdict: ReviewerVerdict })),
});
type Round = z.infer<typeof Rounds>['rounds'][number];
const FILE = 'reviewer.json';

async function readRounds(context: StageContext): Promise<Round[]> {
  return (await context.readArtifact(FILE, Rounds))?.rounds ?? [];
}

async function rememberRound(context: StageContext, round: Round): Promise<void> {
  const others = (await readRounds(context)).filter((entry) => entry.attempt !== round.attempt);
  await context.writeArtifact(FILE, { schemaVersion: 1, rounds: [...others, round] });
}

interface Told {
  readonly environment: PythonEnvironment;
  readonly gathered: Gathered;
  readonly prior: Review | undefined;
  readonly files: TextFiles;
}

async function ask(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
  { environment, gathered, prior, files }: Told,
): Promise<ReviewerVerdict | AgentPaused> {
  const dir = context.connectorDir;
  const filesSha256 = await hashFiles(dir, (await listFiles(dir)).files);
  const rounds = await readRounds(context);
  const same = rounds.find((one) => one.attempt === context.attempt && one.filesSha256 === filesSha256);
  if (same !== undefined) return same.verdict;
  const questions = rounds.flatMap((one) =>
    one.attempt < context.attempt && one.verdict.decision === 'needs_research'
      ? (one.verdict.question ?? [])
      : [],
  );
  context.progress('Asking for a review of quality, security and architecture.');
  const outcome = await runtime.run({
    context,
    stage: 'review',
    prompt: 'review',
    given: await reviewGiven(d, context, environment, { gathered, prior, questions }),
    tools: fileTools({ root: dir, role: Roles.none, kinds: ['read', 'grep'] }),
    result: { name: 'review', schema: ReviewerVerdict },
    check: (verdict) => checkReview(verdict, files, environment, context.signal),
    maxTurns: MAX_TURNS,
  });
  if (outcome.status === 'paused') return outcome;
  await rememberRound(context, { attempt: context.attempt, filesSha256, verdict: outcome.result });
  return outcome.result;
}

async function review(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
): Promise<StageOutcome<'review'>> {
  const prior = await takePriorReview(context);
  const environment = await connectorEnvironment(d, context);
  const gathered = await gatherFindings(d, context, environment);
  const files = await TextFiles.read(context.connectorDir);
  const verdict = await ask(d, runtime, context, { environment, gathered, prior, files });
  if ('status' in verdict) return verdict;
  const drafts = [...gathered.drafts, ...toDrafts(verdict.findings, gathered.drafts, files)];
  const question = verdict.decision === 'needs_research' ? verdict.question : null;
  return concludeReview(d, context, { ...gathered, drafts }, prior, question);
}

/** The stage *review* of the engine `agents`. */
export function createAgentReview(d: StageDependencies, runtime: AgentRuntime): Stage<'review'> {
  return { name: 'review', run: (context) => review(d, runtime, context) };
}
