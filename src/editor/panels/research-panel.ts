/** What the person does in the research panel: drafts are kept by the engine, decisions go the way of the commands. */
import { Position, Range, Selection, TextEditorRevealType, Uri, ViewColumn, window, workspace } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { RunView } from '../../pipeline/contracts.ts';
import type { ResearchAction } from '../../webview/research/contract.ts';
import { unlinked } from '../present.ts';
import type { PanelSpecification } from './panels.ts';
import type { PanelServices } from './specifications.ts';
import { t } from '../l10n.ts';

export function researchPanel(services: PanelServices): Pick<PanelSpecification<'research'>, 'act'> {
  return { act: (action, { view }) => act(services, action, view) };
}

async function act(services: PanelServices, action: ResearchAction, view: RunView): Promise<void> {
  const { gates, runs } = services;
  const { researchAnswers } = await runs.engine();
  switch (action.type) {
    case 'answer':
      return researchAnswers.saveAnswer(view, action);
    case 'undo':
      return researchAnswers.undoAnswer(view, action.stream, action.fact);
    case 'pick':
      return researchAnswers.pickStreams(view, action.streams, action.selected);
    case 'words':
      return researchAnswers.saveWords(view, action.text);
    case 'show':
      researchAnswers.showStreams(view.runId, action.streams);
      return;
    case 'open':
      return openPlace(await researchAnswers.placeInDescription(view, action.document, action.pointer));
    case 'apply': {
      const corrections = await researchAnswers.answersToGive(view);
      if (corrections === undefined) throw new SourcewrightError('input', 'There is nothing to apply.');
      return gates.requestChanges(view.runId, corrections);
    }
    case 'approve':
      return approve(services, view);
    case 'requestChanges': {
      if (action.words.trim() === '') throw new SourcewrightError('input', 'Say what to change.');
      await gates.requestChanges(view.runId, action.words);
      return researchAnswers.clearWords(view);
    }
    case 'reject':
      return gates.reject(view.runId, action.reason.trim());
  }
}

/** Drafts come first: the brief is approved when it is back with them. A window that closes meanwhile leaves the gate waiting. */
async function approve({ gates, runs }: PanelServices, view: RunView): Promise<void> {
  const { researchAnswers } = await runs.engine();
  const corrections = await researchAnswers.answersToGive(view);
  if (corrections !== undefined) {
    await gates.requestChanges(view.runId, corrections);
    const after = await (await runs.open(view.runId)).settled();
    if (after.status !== 'waiting' || after.gate !== 'research') {
      throw new SourcewrightError('input', 'Your changes were given, but the brief is not approved.', {
        cure: 'The Pipeline view shows where the run stands.',
      });
    }
  }
  await gates.approve(view.runId);
}

async function openPlace(place: { path: string; line: number; note: string | null }): Promise<void> {
  const document = await workspace.openTextDocument(Uri.file(place.path));
  const at = new Position(Math.min(place.line, document.lineCount) - 1, 0);
  const editor = await window.showTextDocument(document, { viewColumn: ViewColumn.Beside, preview: true });
  editor.selection = new Selection(at, at);
  editor.revealRange(new Range(at, at), TextEditorRevealType.InCenterIfOutsideViewport);
  if (place.note !== null)
    void window.showInformationMessage(unlinked(`${t('The description opened at its top.')} ${place.note}`));
}
