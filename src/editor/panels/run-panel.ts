/** What the person does in the run view: each goes the way of the command of the same words. */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, Range, Uri, ViewColumn, window, workspace } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Place, RunAction, RunButton } from '../../webview/run/contract.ts';
import { listTranscripts, nameInRun } from '../agents/transcripts.ts';
import { openArtifact } from '../open-artifact.ts';
import { PAUSE_CURES, pauseKind } from '../present.ts';
import type { RunEntry } from '../run-service.ts';
import type { PanelSpecification } from './panels.ts';
import type { PanelServices } from './specifications.ts';
import { pathInside } from '../paths.ts';

export function runPanel(services: PanelServices): Pick<PanelSpecification<'run'>, 'act'> {
  return {
    act: async (action: RunAction, entry) => {
      switch (action.type) {
        case 'press':
          await press(services, action.button, entry);
          return;
        case 'open':
          await openDocument(entry, action.name);
          return;
        case 'reveal':
          await reveal(entry, action.place);
      }
    },
  };
}

async function press({ runs, gates }: PanelServices, button: RunButton, entry: RunEntry): Promise<void> {
  const { runId } = entry.view;
  switch (button) {
    case 'decide':
      await gates.goTo(runId);
      return;
    case 'approve':
      await gates.approve(runId);
      return;
    case 'requestChanges':
      await gates.requestChanges(runId);
      return;
    case 'reject':
      await gates.reject(runId);
      return;
    case 'pause':
      await (await runs.open(runId)).pause();
      return;
    case 'resume':
      await (await runs.open(runId)).resume();
      return;
    case 'cancel':
      await (await runs.open(runId)).cancel();
      return;
    case 'cure': {
      const cure = PAUSE_CURES[pauseKind(entry.view)];
      if (cure !== undefined) await commands.executeCommand(cure.command, runId);
      return;
    }
    case 'runAgain':
      await runs.again(runId);
      return;
    case 'openConnector':
      await commands.executeCommand('sourcewright.openConnectorFolder', runId);
  }
}

/** The page may name only what the run has: nothing else of the disk is opened for it. */
async function openDocument({ view }: RunEntry, name: string): Promise<void> {
  const artifacts = view.stages.flatMap((stage) => stage.artifacts);
  const transcripts = (await listTranscripts(view.runDir)).map(nameInRun);
  if (![...artifacts, ...transcripts].includes(name)) {
    throw new SourcewrightError('input', `The run has no "${name}".`);
  }
  await openArtifact(join(view.runDir, name));
}

/** Beside the run view, so that both are in sight. */
async function reveal({ view }: RunEntry, { file, line }: Place): Promise<void> {
  const path = await inConnector(view.connectorDir, file);
  const document = await workspace.openTextDocument(Uri.file(path));
  const at = Math.min(Math.max(0, (line ?? 1) - 1), document.lineCount - 1);
  await window.showTextDocument(document, {
    viewColumn: ViewColumn.Beside,
    preview: true,
    selection: line === null ? new Range(0, 0, 0, 0) : document.lineAt(at).range,
  });
}

/** Where the file really lies. Throws `input` outside the connector: reports may be written by anyone. */
async function inConnector(connectorDir: string | null, file: string): Promise<string> {
  const gone = new SourcewrightError('input', `The connector has no file ${file}.`);
  if (connectorDir === null) throw gone;
  try {
    const [root, path] = await Promise.all([realpath(connectorDir), realpath(join(connectorDir, file))]);
    const inside = pathInside(root, path);
    if (inside !== undefined && inside !== '') return path;
  } catch {
    throw gone;
  }
  throw gone;
}
