/**
 * Research with a model. It starts from what rules found and is asked only for what they can't do: the open questions of
 * a description, or, where there is none, the finding of one or of what stands in documentation. With nothing to ask, the
 * brief is that of the rules.
 */
import type { AgentRuntime } from '../../agents/contracts.ts';
import type { Blueprint } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import type { Brief, Stage, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import { openQuestions } from './agent/described-text.ts';
import { Library } from './agent/evidence.ts';
import type { Situation } from './agent/given.ts';
import { caseOf, Investigation, type Found, type InvestigationSetup } from './agent/investigation.ts';
import { judgeAnswer, NO_CLAIMS, NOTHING_KNOWN } from './agent/judgement.ts';
import { recall, remember, type AgentNotes, type Remembered } from './agent/memory.ts';
import { probedThroughRuntime } from './agent/probing.ts';
import { readFound, startWithRules, type Start } from './agent/start.ts';
import { namedHosts } from './agent/tools.ts';
import { briefMarkdown } from './brief-markdown.ts';
import { applyCorrections, type Correction } from './corrections.ts';
import { assertSelection } from './described-api.ts';
import { readCorrections, type ReadCorrections } from './read-corrections.ts';
import { resultOf } from './result.ts';

/** The stage *research* of the engine `agents`. */
export function createAgentResearch(d: StageDependencies, runtime: AgentRuntime): Stage<'research'> {
  return {
    name: 'research',
    async run(context) {
      const setup = await setUp(context, d, runtime);
      if (!isAsked(setup)) return finish(setup, await knownBefore(setup));
      const found = await new Investigation(setup).run();
      if (found.status === 'paused') return found;
      const blueprint = assertFound(found, context);
      await remember(context, {
        description: found.description,
        asked: [...new Set([...setup.asked, ...idsOf(found.base)])],
        known: found.known,
        notes: found.notes,
      });
      return finish(setup, { blueprint, notes: found.notes, description: found.description });
    },
  };
}

interface Setup extends InvestigationSetup {
  readonly start: Start;
  readonly read: ReadCorrections;
  /** Gaps that were asked about before. */
  readonly asked: readonly string[];
}

async function setUp(
  context: StageContext,
  dependencies: StageDependencies,
  runtime: AgentRuntime,
): Promise<Setup> {
  const start = await startWithRules(context, dependencies, runtime);
  const read = await readCorrections(context);
  const before = await recall(context);
  const base = start.blueprint ?? (await foundBefore(before, context, dependencies, runtime));
  const picks = read.list.filter((one) => one.fact === 'stream');
  const situation: Situation = {
    request: context.request,
    base,
    shown: base === undefined ? undefined : applyCorrections(base, picks).blueprint,
    missing: start.missing ?? undefined,
    corrections: read.list,
    known: before?.known ?? NOTHING_KNOWN,
    struck: before?.notes.struck ?? [],
    words: read.words,
    from: context.feedback?.from,
  };
  return {
    context,
    dependencies,
    runtime,
    domains: runtime.webDomains,
    situation,
    fixed: start.blueprint !== null,
    description: before?.description ?? null,
    corrections: read.list,
    notes: before?.notes,
    start,
    read,
    asked: before?.asked ?? [],
  };
}

async function foundBefore(
  before: Remembered | undefined,
  context: StageContext,
  dependencies: StageDependencies,
  runtime: AgentRuntime,
): Promise<Blueprint | undefined> {
  const url = before?.description ?? undefined;
  return url === undefined ? undefined : readFound(url, namedHosts(context), context, dependencies, runtime);
}

/** Whether there is anything that a model can do: words to act on, questions not yet asked, or everything still to be found. */
function isAsked({ situation, corrections, asked }: Setup): boolean {
  const { base, known, words } = situation;
  if (words !== undefined) return true;
  if (base === undefined) return known.streams.length === 0;
  const { blueprint } = applyCorrections(base, corrections);
  return openQuestions(blueprint).some((gap) => !asked.includes(gap.id));
}

function idsOf(base: Blueprint | undefined): string[] {
  return base === undefined ? [] : openQuestions(base).map((gap) => gap.id);
}

interface Outcome {
  readonly blueprint: Blueprint;
  readonly notes: AgentNotes | undefined;
  readonly description: string | null;
}

/** Without a conversation: what rules say, with what earlier conversations found. */
async function knownBefore(setup: Setup): Promise<Outcome> {
  const { situation, notes, description, context } = setup;
  const { base } = situation;
  if (base !== undefined && notes === undefined) return { blueprint: base, notes, description };
  const judgement = await judgeAnswer(NO_CLAIMS, caseOf(setup, base, new Library([]), []));
  const told = notes?.struck ?? [];
  const struck = [
    ...told,
    ...judgement.struck.filter(({ claim }) => !told.some((one) => one.claim === claim)),
  ];
  return {
    blueprint: assertFound(judgement, context, notes),
    notes: notes === undefined ? undefined : { ...notes, struck },
    description,
  };
}

function assertFound(
  { blueprint, notes }: Pick<Found, 'blueprint'> & { readonly notes?: AgentNotes },
  { request }: StageContext,
  earlier: AgentNotes | undefined = notes,
): Blueprint {
  if (blueprint !== undefined) return blueprint;
  const said = (notes ?? earlier)?.summary.replace(/\s+/g, ' ').slice(0, 300) ?? '';
  throw new SourcewrightError(
    'input',
    'The research agent found nothing that a connector could be made from.',
    {
      where: request.source.location,
      cure: `Give the address of the API's documentation or its description. The agent says: ${said || 'nothing'}`,
    },
  );
}

/** Asks the API where that is wanted, puts the person's corrections on top of everything, and writes the brief. */
async function finish(setup: Setup, outcome: Outcome): Promise<StageOutcome<'research'>> {
  const { context, read, start } = setup;
  const probe = await probedThroughRuntime(outcome.blueprint, setup, setup.corrections);
  const corrections = applicable(setup.corrections, outcome.blueprint);
  const { blueprint, applied } = applyCorrections(probe.blueprint, corrections);
  assertSelection(blueprint);
  const brief: Brief = { schemaVersion: 1, blueprint, probes: [...probe.probes] };
  if (outcome.notes !== undefined) brief.agent = briefNotes(outcome.notes);
  await context.writeArtifact('brief.json', brief);
  const notes = {
    found:
      start.how ??
      (outcome.description === null ? undefined : `the research agent read ${outcome.description}`),
    feedback: read.words,
    corrections: applied,
    probe: probe.note,
    openQuestions: outcome.notes?.openQuestions,
  };
  await context.writeArtifact('brief.md', briefMarkdown(brief, notes));
  return { status: 'done', result: resultOf(blueprint) };
}

/** Streams from documentation may go when they are revised: what was said about them is then without object. */
function applicable(corrections: readonly Correction[], blueprint: Blueprint): readonly Correction[] {
  if (blueprint.source.format !== 'docs') return corrections;
  const names = new Set([...blueprint.streams, ...blueprint.operations].map((one) => one.name));
  return corrections.filter(({ stream }) => stream === null || names.has(stream));
}

function briefNotes({ summary, beyond, existingConnectors, struck, documents }: AgentNotes): Brief['agent'] {
  return { summary, beyond, existingConnectors, struck, documents };
}
