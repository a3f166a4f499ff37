/**
 * Everything heavy behind one door: built into a bundle of its own (`dist/engine.cjs`), which the extension loads with
 * the first command that needs it. Nothing here imports `vscode`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSettings } from '../agents/contracts.ts';
import type { ForecastFacts } from '../agents/cost/forecast.ts';
import type { ModelPrice, PriceOverrides } from '../agents/cost/prices.ts';
import type { TranscriptView } from '../agents/transcript-view.ts';
import {
  Review,
  TestReport,
  type AgentOptions,
  type Finding,
  type Limits,
  type Remark,
  type RunRequest,
  type Stage,
  type StageName,
  type Stages,
} from '../pipeline/contracts.ts';
import * as discussion from '../pipeline/discussion.ts';
import { assertAtHome, isForeign } from '../pipeline/at-home.ts';
import { readJournal } from '../pipeline/journal.ts';
import type { StageDependencies } from '../stages/dependencies.ts';
import { explanationOf, readRuleTexts } from '../stages/review/explain.ts';
import { nodeFiles } from '../store/files.ts';
import { personalSeal } from '../store/run-seal.ts';
import { asPause } from './usable.ts';

export { openRun, runStage, startRun } from '../pipeline/run.ts';
export { personalSeal } from '../store/run-seal.ts';
export { redactWords, secretsOfEnvironment } from '../agents/redaction.ts';
export { readSource } from '../stages/research/read-source.ts';
export { createRulesStages } from '../stages/rules.ts';
export { panelModel, readPanelMessage, readPanelState } from './panels/models/models.ts';
export * as researchAnswers from './panels/models/research-answers.ts';
export { renderReport } from './reports/report-markdown.ts';
export { renderTranscript } from './reports/transcript-markdown.ts';
export * as modelInputs from './language-model-tools/inputs.ts';
export * as runWords from './language-model-tools/run-text.ts';
export * as testReading from './tests/reading.ts';
export { runPickedTests } from '../stages/test/run-chosen.ts';
export { lockHolder } from '../store/lock.ts';
export { connectorLockPath, runLockPath } from '../store/run-folders.ts';
export { listRuns } from '../store/runs.ts';
export {
  changesSince,
  lastApproval,
  planRestore,
  restore,
  snapshotHook,
  SnapshotStore,
} from '../workspace/snapshots/index.ts';

/**
 * What the person asked for, from the run's journal. Throws `corrupt` where that is damaged, `input` for a run of another
 * folder.
 */
export async function readRequest(runDir: string): Promise<RunRequest> {
  const { request } = await readJournal(runDir, nodeFiles);
  await assertAtHome(runDir, request);
  return request;
}

/** Whether somebody else began the run, or this person on another machine. Throws `corrupt` where its journal is damaged. */
export async function isForeignRun(runDir: string): Promise<boolean> {
  return isForeign(await readJournal(runDir, nodeFiles), { seal: personalSeal() });
}

/** The ledger of a run that is not open; undefined where there is none (yet). Throws on a damaged file. */
export async function readReview(runDir: string): Promise<Review | undefined> {
  let text: string;
  try {
    text = await readFile(join(runDir, 'review.json'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return Review.parse(JSON.parse(text));
}

/** What the stage test found last, as its file stands. Throws where that is missing or damaged. */
export async function readTestReport(path: string): Promise<TestReport> {
  return TestReport.parse(JSON.parse(await readFile(path, 'utf8')));
}

/** What was said about a run's findings, oldest first. Throws `corrupt` on a damaged file. */
export async function readRemarks(runDir: string): Promise<readonly Remark[]> {
  return discussion.readRemarks(runDir, nodeFiles);
}

/** What the rule of a finding checks and why, in words for the person. */
export async function explainFinding(runDir: string, finding: Finding): Promise<string> {
  return explanationOf(finding, await readRuleTexts(runDir));
}

/** What the agents are set up with; the prices as they stand in the settings. */
export type LazyAgentSettings = Omit<AgentSettings, 'prices'> & { readonly prices: unknown };

/** The stages of the engine `agents`. Its code, the SDK with it, is evaluated only when the first of them runs. */
export function createLazyAgentsStages(dependencies: StageDependencies, settings: LazyAgentSettings): Stages {
  const load = async (): Promise<Stages> => {
    const [{ createAgentRuntime }, { secretsOfEnvironment }, { createAgentsStages }, prices] =
      await Promise.all([
        import('../agents/runtime.ts'),
        import('../agents/redaction.ts'),
        import('../stages/agents.ts'),
        checkPrices({ models: settings.models ?? {}, prices: settings.prices }).catch(asPause),
      ]);
    const secrets = [...(settings.secrets ?? []), ...secretsOfEnvironment(process.env)];
    return createAgentsStages(dependencies, createAgentRuntime({ ...settings, secrets, prices }));
  };
  const lazy = <S extends StageName>(name: S): Stage<S> => ({
    name,
    run: async (context) => (await load())[name].run(context),
  });
  return {
    research: lazy('research'),
    generate: lazy('generate'),
    test: lazy('test'),
    diagnose: lazy('diagnose'),
    review: lazy('review'),
    publish: lazy('publish'),
  };
}

/** The model of each stage. */
export async function modelsOf(chosen: AgentOptions['models']): Promise<Record<StageName, string>> {
  const { DEFAULT_MODELS } = await import('../agents/cost/models.ts');
  return { ...DEFAULT_MODELS, ...chosen };
}

/** What the settings say about models and their prices. */
export interface PriceChoices {
  readonly models: AgentOptions['models'];
  readonly prices: unknown;
}

/** @throws SourcewrightError `input` where a model has no price, for then no budget could be kept */
export async function checkPrices({ models, prices }: PriceChoices): Promise<PriceOverrides> {
  const { readPriceOverrides, requirePrice } = await import('../agents/cost/prices.ts');
  const overrides = readPriceOverrides(prices);
  for (const model of Object.values(await modelsOf(models))) requirePrice(model, new Date(), overrides);
  return overrides;
}

/** What a run by agents will probably cost, in words. Throws as `checkPrices` does. */
export async function forecast(
  choices: PriceChoices & Pick<AgentOptions, 'budgetUsd'>,
  facts: ForecastFacts,
  limits: Limits,
): Promise<string> {
  const [{ forecastRun, forecastText }, { requirePrice }, overrides, models] = await Promise.all([
    import('../agents/cost/forecast.ts'),
    import('../agents/cost/prices.ts'),
    checkPrices(choices),
    modelsOf(choices.models),
  ]);
  const now = new Date();
  const prices = (model: string): ModelPrice => requirePrice(model, now, overrides);
  return forecastText(forecastRun({ models, prices, facts, limits }), choices.budgetUsd);
}

/** Asks the API what the key may use. Throws `credentials` where it is refused, `remote` where nothing answers. */
export async function testKey(given: {
  readonly apiKey: string;
  readonly baseUrl: string | undefined;
  readonly signal: AbortSignal;
}): Promise<{ readonly models: readonly string[]; readonly warning: string | undefined }> {
  const key = await import('../agents/key.ts');
  return key.testKey(given);
}

/** The conversations of a run's agents, from its folder. */
export async function readTranscripts(runDir: string): Promise<readonly TranscriptView[]> {
  const view = await import('../agents/transcript-view.ts');
  return view.readTranscripts(runDir);
}
