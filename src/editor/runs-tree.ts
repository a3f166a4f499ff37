import {
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  type Disposable,
  type TreeDataProvider,
} from 'vscode';
import { ago, isFinal, markdownText, RUN_ICON, runName, runSummary, type IconName } from './present.ts';
import type { RunEntry, RunService } from './run-service.ts';
import { usageInWords } from './usage-words.ts';
import { t } from './l10n.ts';

export function themeIcon({ icon, color }: IconName): ThemeIcon {
  return new ThemeIcon(icon, color === undefined ? undefined : new ThemeColor(color));
}

/** Agents at work change a run many times in a second; a list of runs is read, not watched. */
const REDRAW_MS = 500;

/** The runs of the workspace, newest first. Choosing one shows it in the Pipeline view. */
export class RunsTree implements TreeDataProvider<string>, Disposable {
  readonly #runs: RunService;
  readonly #changed = new EventEmitter<string | undefined>();
  readonly #subscription: Disposable;
  #redraw: NodeJS.Timeout | undefined;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(runs: RunService) {
    this.#runs = runs;
    this.#subscription = runs.onDidChange(() => {
      this.#redraw ??= setTimeout(() => {
        this.#redraw = undefined;
        this.#changed.fire(undefined);
      }, REDRAW_MS);
    });
  }

  getChildren(runId?: string): string[] {
    return runId === undefined ? this.#runs.entries().map((entry) => entry.view.runId) : [];
  }

  getTreeItem(runId: string): TreeItem {
    const entry = this.#runs.entry(runId);
    if (entry === undefined) return new TreeItem(runId);
    const { view, access } = entry;
    const item = new TreeItem(runName(view));
    item.id = runId;
    item.description = `${runSummary(view)} · ${ago(view.startedAt, Date.now())}`;
    item.iconPath = access === 'locked' ? new ThemeIcon('lock') : themeIcon(RUN_ICON[view.status]);
    item.tooltip = runTooltip(entry);
    item.contextValue = [
      'run',
      view.status,
      isFinal(view.status) ? 'final' : 'unfinished',
      access,
      view.connectorDir === null ? '' : 'connector',
      runId === this.#runs.current()?.view.runId ? 'current' : '',
    ]
      .filter((part) => part !== '')
      .join('.');
    item.command = { command: 'sourcewright.selectRun', title: t('Show in Pipeline'), arguments: [runId] };
    item.accessibilityInformation = { label: t('Run {0}, {1}', runName(view), runSummary(view)) };
    return item;
  }

  dispose(): void {
    clearTimeout(this.#redraw);
    this.#subscription.dispose();
    this.#changed.dispose();
  }
}

function runTooltip({ view, access, holder }: RunEntry): MarkdownString {
  const text = new MarkdownString();
  text.appendMarkdown(`**${markdownText(runName(view))}**\n\n`);
  text.appendText(`${runSummary(view)}\n`);
  if (view.pause !== null) text.appendText(`\n${view.pause.cure}\n`);
  if (view.error?.cure !== undefined && view.error.cure !== null) text.appendText(`\n${view.error.cure}\n`);
  if (access === 'locked')
    text.appendText(
      `\n${t('Read only: {0} works on this run.', holder ?? t('another window or terminal'))}\n`,
    );
  text.appendMarkdown(
    `\n${t('Run `{0}` · engine {1}', view.runId, view.engine)} · ${usageInWords(view.usage)}`,
  );
  return text;
}
