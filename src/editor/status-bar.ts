import { StatusBarAlignment, ThemeColor, window, type Disposable, type StatusBarItem } from 'vscode';
import { activeStage, GATES, runName, runSummary, STAGE_AT_WORK } from './present.ts';
import type { RunService } from './run-service.ts';

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
    const paused =
      active ?? entries.find(({ view, access }) => view.status === 'paused' && access === 'open');
    if (paused === undefined) {
      this.#item.hide();
      return;
    }
    const { view } = paused;
    const gate = view.status === 'waiting' && view.gate !== null ? GATES[view.gate] : undefined;
    const stage = activeStage(view);
    this.#item.text =
      gate !== undefined
        ? `$(bell-dot) ${runName(view)}: ${gate.approve}?`
        : view.status === 'paused'
          ? `$(debug-pause) ${runName(view)}: paused`
          : `$(sync~spin) ${runName(view)}: ${stage === undefined ? 'starting' : STAGE_AT_WORK[stage.stage]}`;
    this.#item.tooltip = `Sourcewright: ${runName(view)}\n${runSummary(view)}`;
    this.#item.backgroundColor =
      gate === undefined ? undefined : new ThemeColor('statusBarItem.warningBackground');
    this.#item.command =
      gate === undefined ? 'sourcewright.pipeline.focus' : 'sourcewright.goToPendingApproval';
    this.#item.show();
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#item.dispose();
  }
}
