/** What waits for the person: said once, shown quietly for as long as it waits, answered from anywhere. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { commands, window, type Disposable, type Memento, type QuickPickItem, type TreeView } from 'vscode';
import { SourcewrightError } from '../errors.ts';
import type { GateDecision, GateName } from '../pipeline/contracts.ts';
import { openArtifact } from './open-artifact.ts';
import { Notices } from './notices.ts';
import { GATES, pauseKind, runName, unlinked, withCure } from './present.ts';
import type { RunEntry, RunService } from './run-service.ts';
import { t } from './l10n.ts';

/** Shows what is new in the code of a run; false where there is nothing to show. */
export interface CodeChanges {
  showCodeChanges(entry: RunEntry): Promise<boolean>;
}

interface Waiting {
  readonly entry: RunEntry;
  readonly gate: GateName;
}

export class Gates implements Disposable {
  readonly #runs: RunService;
  readonly #code: CodeChanges;
  readonly #notices: Notices;
  readonly #view: TreeView<unknown>;
  readonly #contexts = new Map<string, unknown>();
  readonly #subscription: Disposable;

  constructor(runs: RunService, code: CodeChanges, memory: Memento, view: TreeView<unknown>) {
    this.#runs = runs;
    this.#code = code;
    this.#notices = new Notices(memory);
    this.#view = view;
    this.#subscription = runs.onDidChange((changed) => {
      this.#show();
      if (changed !== undefined) void this.#notices.tellOnce(changed);
    });
  }

  /** The gates that wait in this window or after a reload; the current run's first. */
  waiting(): Waiting[] {
    const current = this.#runs.current()?.view.runId;
    return this.#runs
      .entries()
      .filter(({ access }) => access !== 'locked')
      .flatMap((entry) =>
        entry.view.status === 'waiting' && entry.view.gate !== null ? [{ entry, gate: entry.view.gate }] : [],
      )
      .sort((a, b) => Number(b.entry.view.runId === current) - Number(a.entry.view.runId === current));
  }

  #show(): void {
    const waiting = this.waiting();
    this.#view.badge =
      waiting.length === 0
        ? undefined
        : {
            value: waiting.length,
            tooltip: waiting
              .map(({ entry, gate }) => `${runName(entry.view)}: ${t(GATES[gate].question)}`)
              .join('\n'),
          };
    const current = this.#runs.current();
    this.#view.description = current === undefined ? '' : runName(current.view);
    this.#view.message = current === undefined ? '' : unlinked(headline(current));
    // Agents at work change a run many times in a second; what menus depend on seldom changes.
    const set = (key: string, value: unknown): void => {
      if (this.#contexts.get(key) === value) return;
      this.#contexts.set(key, value);
      void commands.executeCommand('setContext', `sourcewright.${key}`, value);
    };
    set('hasRuns', current !== undefined);
    set('status', current?.access === 'locked' ? 'locked' : (current?.view.status ?? 'none'));
    set('gate', current?.access === 'locked' ? '' : (current?.view.gate ?? ''));
    set('pause', current === undefined || current.access === 'locked' ? '' : pauseKind(current.view));
    set('waiting', waiting.length > 0);
    set('hasConnector', current !== undefined && current.view.connectorDir !== null);
  }

  /** Opens what the gate is about and asks for the answer. Without a run: the first that waits. */
  async goTo(runId?: string): Promise<void> {
    const all = this.waiting();
    const target = all.find(({ entry }) => entry.view.runId === runId) ?? all[0];
    if (target === undefined) {
      void window.showInformationMessage(t('Nothing waits for your approval.'));
      return;
    }
    const { entry, gate } = target;
    this.#runs.select(entry.view.runId);
    if (gate === 'review') {
      await commands.executeCommand('sourcewright.nextFinding', entry.view.runId);
      return;
    }
    // The research has its own buttons beside what they are about.
    if (gate === 'research') {
      await commands.executeCommand('sourcewright.showResearch', entry.view.runId);
      return;
    }
    await this.#look(target);
    await this.#ask(target);
  }

  /** At the gate code, what is new is worth more than what the code says of itself. */
  async #look({ entry, gate }: Waiting): Promise<void> {
    // Without snapshots the question is asked all the same.
    if (gate === 'code' && (await this.#code.showCodeChanges(entry).catch(() => false))) return;
    if (gate === 'tests') {
      await commands.executeCommand('sourcewright.showRun', entry.view.runId);
      return;
    }
    const { look } = GATES[gate];
    const folder = look.in === 'run' ? entry.view.runDir : entry.view.connectorDir;
    const path = join(folder ?? entry.view.runDir, look.file);
    if (existsSync(path)) await openArtifact(path);
  }

  async #ask({ entry, gate }: Waiting): Promise<void> {
    const words = GATES[gate];
    type Item = QuickPickItem & { readonly run: () => Promise<void> };
    const runId = entry.view.runId;
    const items: Item[] = [
      { label: `$(check) ${t(words.approve)}`, detail: t(words.next), run: () => this.approve(runId) },
      ...(gate === 'draft'
        ? []
        : [
            {
              label: `$(edit) ${t('Request Changes…')}`,
              detail: t('Goes back to the stage with your words.'),
              run: () => this.requestChanges(runId),
            },
          ]),
      {
        label: `$(circle-slash) ${gate === 'draft' ? t('Stop') : t('Reject…')}`,
        detail: t('Ends the run. All files stay.'),
        run: () => this.reject(runId),
      },
    ];
    const chosen = await window.showQuickPick(items, {
      title: `${runName(entry.view)}: ${t(words.question)}`,
      placeHolder: t('Escape leaves it waiting; the status bar brings you back.'),
      ignoreFocusOut: true,
    });
    await chosen?.run();
  }

  async approve(runId?: string): Promise<void> {
    await this.#decide(runId, { kind: 'approve' });
  }

  async requestChanges(runId?: string, words?: string): Promise<void> {
    const feedback =
      words ??
      (await window.showInputBox({
        title: t('Request changes'),
        prompt: t('What should be different? The stage runs again with your words.'),
        ignoreFocusOut: true,
        validateInput: (value) => (value.trim() === '' ? t('Say what to change.') : undefined),
      }));
    if (feedback !== undefined) await this.#decide(runId, { kind: 'request_changes', feedback });
  }

  async reject(runId?: string, words?: string): Promise<void> {
    const reason =
      words ??
      (await window.showInputBox({
        title: t('Reject and end the run'),
        prompt: t('Why? (optional, kept in the journal; Escape keeps the run)'),
        ignoreFocusOut: true,
      }));
    if (reason === undefined) return;
    await this.#decide(runId, reason === '' ? { kind: 'reject' } : { kind: 'reject', reason });
  }

  async #decide(runId: string | undefined, decision: GateDecision): Promise<void> {
    const all = this.waiting();
    const target = runId === undefined ? all[0] : all.find(({ entry }) => entry.view.runId === runId);
    if (target === undefined) {
      throw new SourcewrightError('input', 'Nothing waits for your approval.', {
        cure: 'The Pipeline view shows where the run stands.',
      });
    }
    const run = await this.#runs.open(target.entry.view.runId);
    await run.decide(target.gate, decision);
  }

  dispose(): void {
    this.#subscription.dispose();
  }
}

/** What stands above the stages, where there is something to do or to know; else ''. */
function headline({ view, access, holder }: RunEntry): string {
  if (access === 'locked')
    return t('Read only: {0} works on this run.', holder ?? t('another window or terminal'));
  if (view.status === 'waiting' && view.gate !== null) {
    return `${t(GATES[view.gate].question)}. ${t(GATES[view.gate].next)}`;
  }
  if (view.status === 'paused' && view.pause !== null) {
    return t('Paused: {0}', withCure(view.pause));
  }
  if (view.status === 'failed' && view.error !== null) {
    return t('Failed: {0}', `${view.error.message} ${view.error.cure ?? ''}`.trim());
  }
  if (view.status === 'published') return view.stages.find(({ stage }) => stage === 'publish')?.note ?? '';
  return '';
}
