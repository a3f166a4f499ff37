/** What the person does in the review panel: the same as with the threads and the commands. */
import { join } from 'node:path';
import { commands, Uri, ViewColumn } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Finding, Review } from '../../pipeline/contracts.ts';
import type { ReviewAction } from '../../webview/review/contract.ts';
import { type Anchor, anchorFindings } from '../findings/anchor.ts';
import type { Subject } from '../findings/finding-answers.ts';
import { isAnswered, showPlace } from '../findings/finding-comments.ts';
import { textOf } from '../findings/finding-texts.ts';
import { ofKind } from '../findings/kinds.ts';
import type { RunEntry } from '../run-service.ts';
import type { PanelSpecification } from './panels.ts';
import type { PanelServices } from './specifications.ts';

export function reviewPanel(services: PanelServices): Pick<PanelSpecification<'review'>, 'act'> {
  return { act: (action, entry) => act(services, action, entry) };
}

async function act(services: PanelServices, action: ReviewAction, entry: RunEntry): Promise<void> {
  const { runs, gates, findings } = services;
  const { runId, gate } = entry.view;
  if (action.type === 'finish') {
    if (gate === 'draft') await gates.approve(runId);
    else await commands.executeCommand('sourcewright.finishReview', runId);
    return;
  }
  const review = await runs.review(runId);
  if (review === undefined) throw new SourcewrightError('input', 'The run has not been reviewed yet.');
  if (action.type === 'open') {
    await open(services, entry, review, findingOf(review, action.finding));
    return;
  }
  if (!isAnswered(gate))
    throw new SourcewrightError('input', 'The run does not wait at its review any more.');
  const answered = new Set(review.answers.map(({ finding }) => finding));
  const subjects = (chosen: readonly Finding[]): Promise<Subject[]> => subjectsOf(entry, review, chosen);
  switch (action.type) {
    case 'accept':
      await findings.answers.accept(await subjects([findingOf(review, action.finding)]));
      break;
    case 'acceptKind':
      await findings.answers.accept(
        await subjects(
          ofKind(
            review.findings.filter(({ id }) => !answered.has(id)),
            action.rule,
          ),
        ),
      );
      break;
    case 'reject':
      await findings.answers.reject({ runId, finding: findingOf(review, action.finding) }, action.reason);
      break;
    case 'reply':
      await findings.answers.reply({ runId, finding: findingOf(review, action.finding) }, action.text);
      break;
  }
  await findings.refreshed();
}

function findingOf(review: Review, id: string): Finding {
  const found = review.findings.find((finding) => finding.id === id);
  if (found !== undefined) return found;
  throw new SourcewrightError('input', 'The newest review has no such finding any more.');
}

/** Findings with where their lines are now. */
async function subjectsOf(
  { view: { runId, connectorDir } }: RunEntry,
  review: Review,
  chosen: readonly Finding[],
): Promise<Subject[]> {
  const anchors = new Map<string, Anchor>();
  for (const file of new Set(chosen.map(({ range }) => range.file))) {
    const text = connectorDir === null ? undefined : await textOf(connectorDir, file);
    const inFile = review.findings.filter(({ range }) => range.file === file);
    for (const [id, anchor] of anchorFindings(text, inFile)) anchors.set(id, anchor);
  }
  return chosen.map((finding) => ({ runId, finding, anchor: anchors.get(finding.id) }));
}

/** Opens the file beside the panel; with the thread unfolded where there is one. */
async function open(
  { runs, findings }: PanelServices,
  entry: RunEntry,
  review: Review,
  finding: Finding,
): Promise<void> {
  const { runId, connectorDir } = entry.view;
  if (runs.current()?.view.runId !== runId) runs.select(runId);
  await findings.refreshed();
  const isShown = findings.shown().some((shown) => shown.runId === runId && shown.finding.id === finding.id);
  if (isShown) {
    await findings.reveal({ finding }, ViewColumn.Beside);
    return;
  }
  const [subject] = await subjectsOf(entry, review, [finding]);
  if (subject?.anchor === undefined || connectorDir === null) return;
  await showPlace(Uri.file(join(connectorDir, finding.range.file)), subject.anchor, ViewColumn.Beside);
}
