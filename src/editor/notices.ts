/** Notifications about runs: each moment that a person must hear of is told once, whatever is redrawn or reloaded. */
import { join } from 'node:path';
import { commands, window, type Memento } from 'vscode';
import { openArtifact } from './open-artifact.ts';
import { GATES, PAUSE_CURES, pauseKind, withCure, runName, sentence, unlinked } from './present.ts';
import type { RunEntry } from './run-service.ts';

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
    unlinked(`${runName(view)}: ${GATES[gate].question}.`),
    gate === 'review' ? 'Go to Findings' : 'Look and Decide',
  );
  if (chosen !== undefined) await commands.executeCommand('sourcewright.goToPendingApproval', view.runId);
}

async function tellPause(view: View): Promise<void> {
  if (view.pause === null) return;
  const cureBy = PAUSE_CURES[pauseKind(view)];
  const choices: Record<string, () => Thenable<unknown>> = {
    ...(cureBy === undefined
      ? {}
      : { [cureBy.title]: () => commands.executeCommand(cureBy.command, view.runId) }),
    Resume: () => commands.executeCommand('sourcewright.resume', view.runId),
    'Open Log': () => commands.executeCommand('sourcewright.showLog'),
  };
  const chosen = await window.showWarningMessage(
    unlinked(`${runName(view)} is paused: ${withCure(view.pause)}`),
    ...Object.keys(choices),
  );
  if (chosen !== undefined) await choices[chosen]?.();
}

async function tellFailure(view: View): Promise<void> {
  if (view.error === null) return;
  const { message, cure } = view.error;
  const chosen = await window.showErrorMessage(
    unlinked(`${runName(view)} failed: ${sentence(message)} ${cure ?? ''}`.trim()),
    'Run Again',
    'Open Log',
  );
  if (chosen === 'Run Again') await commands.executeCommand('sourcewright.runAgain', view.runId);
  if (chosen === 'Open Log') await commands.executeCommand('sourcewright.showLog');
}

async function tellEnd(view: View): Promise<void> {
  const chosen = await window.showInformationMessage(
    unlinked(`${runName(view)} is ${view.status}.`),
    'Show Connector',
    'Open Publication',
  );
  if (chosen === 'Show Connector') {
    await commands.executeCommand('sourcewright.openConnectorFolder', view.runId);
  }
  if (chosen === 'Open Publication') await openArtifact(join(view.runDir, 'publication.json'));
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
