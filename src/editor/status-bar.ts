import {
  StatusBarAlignment,
  ThemeColor,
  window,
  type Command,
  type Disposable,
  type StatusBarItem,
} from 'vscode';
import type { RunView } from '../pipeline/contracts.ts';
import { activeStage, GATES, PAUSE_CURES, pauseKind, runName, runSummary, STAGE_AT_WORK } from './present.ts';
import type { RunService } from './run-service.ts';
import { runCost, usageInWords } from './usage-words.ts';
import { t, text } from './l10n.ts';

/** One quiet item: what is at work, and, standing out, what waits for the person. Hidden while there is neither. */
export class StatusBar implements Disposable {
  readonly #item: StatusBarItem;
  readonly #subscription: Disposable;

  constructor(runs: RunService) {
    this.#item = window.createStatusBarItem('sourcewright.status', StatusBarAlignment.Left, 10);
    this.#item.name = 'Sourcewright';
    this.#subscription = runs.onDidChange(() => {
      this.#update(runs);
    });
  }

  #update(runs: RunService): void {
    const entries = runs.entries();
    const waiting = entries.find(({ view, access }) => view.status === 'waiting' && access !== 'locked');
    const active = waiting ?? entries.find(({ view }) => view.status === 'running');
    const shown = active ?? entries.find(({ view, access }) => view.status === 'paused' && access === 'open');
    if (shown === undefined) {
      this.#item.hide();
      return;
    }
    const { view } = shown;
    const waits = view.status === 'waiting' && view.gate !== null;
    this.#item.text = statusText(view);
    this.#item.tooltip = [
      `Sourcewright: ${runName(view)}`,
      runSummary(view),
      ...(view.engine === 'agents' ? [usageInWords(view.usage)] : []),
    ].join('\n');
    this.#item.backgroundColor = waits ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#item.command = waits ? 'sourcewright.goToPendingApproval' : cureOf(view);
    this.#item.show();
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#item.dispose();
  }
}

/** The icon, the run, what it does and, while agents work, what it has cost. */
function statusText(view: RunView): string {
  const name = runName(view);
  if (view.status === 'waiting' && view.gate !== null)
    return `$(bell-dot) ${name}: ${t(GATES[view.gate].approve)}?`;
  if (view.status === 'paused') {
    return `$(debug-pause) ${name}: ${t(PAUSE_CURES[pauseKind(view)]?.status ?? text('paused'))}`;
  }
  const stage = activeStage(view);
  const work = stage === undefined ? t('starting') : t(STAGE_AT_WORK[stage.stage]);
  return `$(sync~spin) ${[`${name}: ${work}`, runCost(view)].filter((part) => part !== '').join(' · ')}`;
}

/** A click on a paused run offers what ends the pause; on any other it shows the pipeline. */
function cureOf(view: RunView): Command | string {
  const cure = view.status === 'paused' ? PAUSE_CURES[pauseKind(view)] : undefined;
  return cure === undefined
    ? 'sourcewright.pipeline.focus'
    : { title: t(cure.title), command: cure.command, arguments: [view.runId] };
}
