/** Every command in one table: its id and what it does. They are thin; the services do the work. */
import { join } from 'node:path';
import {
  commands,
  ProgressLocation,
  Uri,
  window,
  type CommentReply,
  type Disposable,
  type LogOutputChannel,
} from 'vscode';
import { SourcewrightError } from '../errors.ts';
import type { Review, StageName } from '../pipeline/contracts.ts';
import type { ApiKey } from './agents/api-key.ts';
import { raiseBudget } from './agents/budget-command.ts';
import { removeApiKey, setApiKey, testApiKey } from './agents/key-commands.ts';
import { listTranscripts, nameInRun } from './agents/transcripts.ts';
import type { FindingComments, FindingTarget } from './findings/finding-comments.ts';
import type { Gates } from './gates.ts';
import { askForRun, type GenerateArguments, type Surroundings } from './generate/generate-connector.ts';
import { openArtifact, openAsText } from './open-artifact.ts';
import type { Panels } from './panels/panels.ts';
import type { PipelineNode } from './pipeline-nodes.ts';
import { STAGE_LABEL } from './present.ts';
import { requireTrust, type RunEntry, type RunService } from './run-service.ts';
import { showError } from './show-error.ts';
import type { SnapshotArguments, Snapshots } from './snapshots/snapshots.ts';
import { t } from './l10n.ts';

export interface Services {
  readonly runs: RunService;
  readonly gates: Gates;
  readonly findings: FindingComments;
  readonly panels: Panels;
  readonly snapshots: Snapshots;
  readonly key: ApiKey;
  readonly log: LogOutputChannel;
  /** Folder of the built files. */
  readonly dist: string;
  /** The bundled sample's description, where it was built in. */
  readonly sample: string | undefined;
}

/** What menus hand over: a run's id from Runs, a node from Pipeline, or nothing from the palette. */
type Target = string | PipelineNode | undefined;
type Handler = (first?: never, second?: never) => unknown;

/** Registers all commands. What they throw is shown to the person, with a retry where that can help. */
export function registerCommands(services: Services): Disposable[] {
  return Object.entries(commandTable(services)).map(([name, handler]) =>
    commands.registerCommand(`sourcewright.${name}`, (...given: unknown[]) =>
      guarded(services, handler, given),
    ),
  );
}

async function guarded({ log }: Services, handler: Handler, given: unknown[]): Promise<unknown> {
  try {
    return await (handler as (...given: unknown[]) => unknown)(...given);
  } catch (error) {
    showError(log, error, () => void guarded({ log } as Services, handler, given));
    return undefined;
  }
}

function commandTable(services: Services): Record<string, Handler> {
  const { runs, gates, findings, panels, log } = services;
  const entryOf = (target: Target): RunEntry => {
    const runId = runIdOf(target);
    const entry = runId === undefined ? runs.current() : runs.entry(runId);
    if (entry !== undefined) return entry;
    throw new SourcewrightError('input', 'There is no run yet.', { cure: 'Run Generate Connector first.' });
  };
  const idOf = (target: Target): string => entryOf(target).view.runId;

  return {
    generateConnector: (given?: GenerateArguments | Uri) => generateConnector(services, given),
    trySample: () => trySample(services),
    getStarted: () =>
      commands.executeCommand(
        'workbench.action.openWalkthrough',
        'sourcewright.sourcewright#firstSteps',
        false,
      ),
    goToPendingApproval: (target: Target) => gates.goTo(runIdOf(target)),
    approve: (target: Target) => gates.approve(runIdOf(target)),
    requestChanges: (target: Target, words?: unknown) => gates.requestChanges(runIdOf(target), text(words)),
    reject: (target: Target, words?: unknown) => gates.reject(runIdOf(target), text(words)),
    showResearch: (target: Target) => {
      panels.show('research', idOf(target));
    },
    showReview: (target: Target) => {
      panels.show('review', idOf(target));
    },
    showRun: (target: Target) => {
      panels.show('run', idOf(target));
    },
    finishReview: (target: Target) => finishReview(services, idOf(target)),

    pause: async (target: Target) => (await runs.open(idOf(target))).pause(),
    resume: async (target: Target) => (await runs.open(idOf(target))).resume(),
    cancelRun: async (target: Target) => (await runs.open(idOf(target))).cancel(),
    retryStage: (target: Target) => retryStage(services, target),
    raiseBudget: (target: Target, usd?: unknown) =>
      raiseBudget(runs, entryOf(target), typeof usd === 'number' ? usd : undefined),
    setApiKey: (given?: unknown) => setApiKey(services, given),
    testApiKey: () => testApiKey(services),
    removeApiKey: () => removeApiKey(services),
    runAgain: async (target: Target) => {
      await runs.again(idOf(target));
    },
    rerunTests: (target: Target) => runStageByHand(services, idOf(target), 'test'),
    selectRun: (target: Target) => {
      runs.select(idOf(target));
    },
    refresh: () => runs.scan(),

    openArtifact: async (target: Target) => {
      const path = fileOf(target);
      if (path !== undefined) await openArtifact(path);
      else await chooseArtifact(entryOf(target));
    },
    openArtifactSource: async (target: Target) => {
      const path = fileOf(target);
      if (path !== undefined) await openAsText(path);
    },
    openConnectorFolder: async (target: Target) => {
      const { connectorDir } = entryOf(target).view;
      if (connectorDir === null) throw new SourcewrightError('input', 'The run has no connector yet.');
      await commands.executeCommand('revealInExplorer', Uri.file(connectorDir));
    },
    compareWithSnapshot: (target: Target, given?: unknown) =>
      services.snapshots.compare(entryOf(target), stageOf(target), snapshotArguments(given)),
    restoreSnapshot: (target: Target, given?: unknown) =>
      services.snapshots.restore(entryOf(target), stageOf(target), snapshotArguments(given)),
    showCodeChanges: async (target: Target) => {
      if (await services.snapshots.showCodeChanges(entryOf(target))) return;
      void window.showInformationMessage(t('Nothing is new since the code was approved last.'));
    },
    showLog: () => {
      log.show(true);
    },

    acceptFinding: (target: FindingTarget) => findings.accept(target),
    rejectFinding: (target: FindingTarget, words?: unknown) => findings.reject(target, text(words)),
    replyToFinding: (reply: CommentReply | undefined) => findings.reply(reply),
    acceptAllSuggestions: () => findings.acceptAllSuggestions(),
    nextFinding: () => findings.go(1),
    previousFinding: () => findings.go(-1),
    revealFinding: (target: FindingTarget) => findings.reveal(target),
  };
}

/** Words given beforehand; a menu hands over other things in that place. */
function text(words: unknown): string | undefined {
  return typeof words === 'string' ? words : undefined;
}

/** Answers given beforehand; a menu hands over the selected nodes in that place. */
function snapshotArguments(given: unknown): SnapshotArguments | undefined {
  return typeof given === 'object' && given !== null && !Array.isArray(given) ? given : undefined;
}

function stageOf(target: Target): StageName | undefined {
  return typeof target === 'object' && target.kind === 'stage' ? target.stage : undefined;
}

/** The file of a run that a node stands for. */
function fileOf(target: Target): string | undefined {
  const isFile = typeof target === 'object' && (target.kind === 'artifact' || target.kind === 'transcript');
  return isFile ? target.path : undefined;
}

function runIdOf(target: Target): string | undefined {
  return typeof target === 'string' ? target : target?.runId;
}

/** Starts a run, asking what was not given; its id, or undefined where the person stepped out. Throws `SourcewrightError`. */
export async function generateConnector(
  services: Services,
  given?: GenerateArguments | Uri,
): Promise<string | undefined> {
  requireTrust();
  const { runs, dist, sample, key } = services;
  const engine = await runs.engine();
  const inspect: Surroundings['inspect'] = (location, signal) =>
    engine.readSource(location, { worker: join(dist, 'description-worker.mjs'), signal });
  const request = await askForRun({ inspect, sample, runs, key, forecast: engine.forecast }, given);
  if (request === undefined) return undefined;
  const { view } = await runs.start(request);
  await commands.executeCommand('sourcewright.pipeline.focus', { preserveFocus: true });
  return view.runId;
}

/** A connector from the bundled description, by rules: it needs no key and costs nothing. */
function trySample(services: Services): Promise<string | undefined> {
  const { sample } = services;
  if (sample === undefined) throw new SourcewrightError('input', 'The bundled sample was not built in.');
  return generateConnector(services, { location: sample, engine: 'rules' });
}

/** Answers the review's gate. Errors and warnings left open are named first, with what follows; notes want no answer. */
async function finishReview({ runs, gates, findings }: Services, runId: string): Promise<void> {
  const review = await runs.review(runId);
  const answered = new Set(review?.answers.map(({ finding }) => finding));
  const open =
    review?.findings.filter(({ id, severity }) => severity !== 'info' && !answered.has(id)).length ?? 0;
  if (open > 0) {
    const finish = t('Finish Review');
    const chosen = await window.showInformationMessage(
      `${open === 1 ? t('One error or warning has no answer yet.') : t('{0} errors and warnings have no answer yet.', open)} ${afterReview(review)}`,
      finish,
      t('Go to Next Finding'),
    );
    if (chosen === t('Go to Next Finding')) await findings.go(1);
    if (chosen !== finish) return;
  }
  await gates.approve(runId);
}

/** What follows when the review is finished with errors or warnings open. */
function afterReview(review: Review | undefined): string {
  const taken = review?.answers.some(({ answer }) => answer !== 'rejected') ?? false;
  return taken
    ? t('What you accepted is worked in and tested first; what is left open is then reviewed again.')
    : t('The run then stops at the draft gate: publish as a draft that lists what is open, or stop.');
}

/**
 * A paused run goes on from where it stands; a failed or cancelled one is over, so it starts anew with the same answers;
 * a stage of a run that stands still is run by hand beside the pipeline.
 */
async function retryStage(services: Services, target: Target): Promise<void> {
  const { runs } = services;
  const entry = runs.entry(runIdOf(target) ?? runs.current()?.view.runId ?? '');
  if (entry === undefined) throw new SourcewrightError('input', 'There is no run to retry.');
  const { runId, status } = entry.view;
  const stage = stageOf(target);
  const state = entry.view.stages.find((candidate) => candidate.stage === stage)?.state;
  if (status === 'paused') await (await runs.open(runId)).resume();
  else if (stage !== undefined && state === 'done') await runStageByHand(services, runId, stage);
  else if (status === 'failed' || status === 'cancelled') await runs.again(runId);
  else
    throw new SourcewrightError('input', 'Nothing of this run has stopped.', {
      cure: 'Choose a stage that is done.',
    });
}

async function runStageByHand({ runs }: Services, runId: string, stage: StageName): Promise<void> {
  await window.withProgress(
    { location: ProgressLocation.Window, title: `Sourcewright: ${t(STAGE_LABEL[stage])}` },
    () => runs.runStage(runId, stage),
  );
}

async function chooseArtifact({ view }: RunEntry): Promise<void> {
  const transcripts = await listTranscripts(view.runDir);
  const items = view.stages.flatMap(({ stage, artifacts }) => {
    const told = transcripts.filter((one) => one.stage === stage).map(nameInRun);
    const names = [...new Set([...told, ...artifacts])];
    return names.map((name) => ({ label: name, description: t(STAGE_LABEL[stage]) }));
  });
  if (items.length === 0) throw new SourcewrightError('input', 'The run has not written anything yet.');
  const chosen = await window.showQuickPick(items, { placeHolder: t('What to open') });
  if (chosen !== undefined) await openArtifact(join(view.runDir, chosen.label));
}
