/** Notifications about runs: each moment that a person must hear of is told once, whatever is redrawn or reloaded. */
import { join } from 'node:path';
import { commands, window, type Memento } from 'vscode';
import { openArtifact } from './open-artifact.ts';
import {
  GATES,
  PAUSE_CURES,
  RUN_STATE,
  pauseKind,
  withCure,
  runName,
  sentence,
  unlinked,
} from './present.ts';
import type { RunEntry } from './run-service.ts';
import { t } from './l10n.ts';

const TOLD = 'sourcewright.told';

type View = RunEntry['view'];

export class Notices {
  readonly #memory: Memento;

  constructor(memory: Memento) {
    this.#memory = memory;
  }

  async tellOnce({ view, access }: RunEntry): Promise<void> {
    if (access !== 'open') return;
    const key = keyOf(view);
    const told = this.#memory.get<string[]>(TOLD, []);
    if (key === undefined || told.includes(key)) return;
    await this.#memory.update(TOLD, [...told.slice(-99), key]);
    if (view.status === 'waiting') await tellGate(view);
    else if (view.status === 'paused') await tellPause(view);
    else if (view.status === 'failed') await tellFailure(view);
    else await tellEnd(view);
  }
}

async function tellGate(view: View): Promise<void> {
  const { gate } = view;
  if (gate === null) return;
  const chosen = await window.showInformationMessage(
    unlinked(`${runName(view)}: ${t(GATES[gate].question)}.`),
    gate === 'review' ? t('Go to Findings') : t('Look and Decide'),
  );
  if (chosen !== undefined) await commands.executeCommand('sourcewright.goToPendingApproval', view.runId);
}

async function tellPause(view: View): Promise<void> {
  if (view.pause === null) return;
  const cureBy = PAUSE_CURES[pauseKind(view)];
  const choices: Record<string, () => Thenable<unknown>> = {
    ...(cureBy === undefined
      ? {}
      : { [t(cureBy.title)]: () => commands.executeCommand(cureBy.command, view.runId) }),
    [t('Resume')]: () => commands.executeCommand('sourcewright.resume', view.runId),
    [t('Open Log')]: () => commands.executeCommand('sourcewright.showLog'),
  };
  const chosen = await window.showWarningMessage(
    unlinked(t('{0} is paused: {1}', runName(view), withCure(view.pause))),
    ...Object.keys(choices),
  );
  if (chosen !== undefined) await choices[chosen]?.();
}

async function tellFailure(view: View): Promise<void> {
  if (view.error === null) return;
  const { message, cure } = view.error;
  const chosen = await window.showErrorMessage(
    unlinked(t('{0} failed: {1}', runName(view), `${sentence(message)} ${cure ?? ''}`.trim())),
    t('Run Again'),
    t('Open Log'),
  );
  if (chosen === t('Run Again')) await commands.executeCommand('sourcewright.runAgain', view.runId);
  if (chosen === t('Open Log')) await commands.executeCommand('sourcewright.showLog');
}

async function tellEnd(view: View): Promise<void> {
  const chosen = await window.showInformationMessage(
    unlinked(t('{0} is {1}.', runName(view), t(RUN_STATE[view.status]))),
    t('Show Connector'),
    t('Open Publication'),
  );
  if (chosen === t('Show Connector')) {
    await commands.executeCommand('sourcewright.openConnectorFolder', view.runId);
  }
  if (chosen === t('Open Publication')) await openArtifact(join(view.runDir, 'publication.json'));
}

/** Names one moment of a run that the person must hear about; undefined while it is at work. */
function keyOf(view: View): string | undefined {
  const attempts = view.stages.map((stage) => stage.attempt).join('.');
  switch (view.status) {
    case 'waiting':
      return `${view.runId}/${view.gate ?? ''}/${attempts}`;
    case 'paused':
      // Their own doing, or only the window's end: nothing to tell.
      return view.pause === null || view.pause.cause === 'person' || view.pause.cause === 'reload'
        ? undefined
        : `${view.runId}/${view.pause.cause}/${attempts}/${view.pause.message}`;
    case 'failed':
    case 'published':
    case 'finished':
      return `${view.runId}/${view.status}`;
    case 'running':
    case 'cancelled':
      return undefined;
  }
}
