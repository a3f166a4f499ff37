/** What waits for the person: said once, shown quietly for as long as it waits, answered from anywhere. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { commands, window, type Disposable, type Memento, type QuickPickItem, type TreeView } from 'vscode';
import { SourcewrightError } from '../errors.ts';
import type { GateDecision, GateName } from '../pipeline/contracts.ts';
import { openArtifact } from './open-artifact.ts';
import { GATES, runName } from './present.ts';
import type { RunEntry, RunService } from './run-service.ts';

const TOLD = 'sourcewright.told';

interface Waiting {
  readonly entry: RunEntry;
  readonly gate: GateName;
}

export class Gates implements Disposable {
  readonly #runs: RunService;
  readonly #memory: Memento;
  readonly #view: TreeView<unknown>;
  readonly #subscription: Disposable;

  constructor(runs: RunService, memory: Memento, view: TreeView<unknown>) {
    this.#runs = runs;
    this.#memory = memory;
    this.#view = view;
    this.#subscription = runs.onDidChange((changed) => {
      this.#show();
      if (changed !== undefined) void this.#tellOnce(changed);
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
              .map(({ entry, gate }) => `${runName(entry.view)}: ${GATES[gate].question}`)
              .join('\n'),
          };
    const current = this.#runs.current();
    this.#view.description = current === undefined ? '' : runName(current.view);
    this.#view.message = current === undefined ? '' : headline(current);
    const set = (key: string, value: unknown): void => {
      void commands.executeCommand('setContext', `sourcewright.${key}`, value);
    };
    set('hasRuns', current !== undefined);
    set('status', current?.access === 'locked' ? 'locked' : (current?.view.status ?? 'none'));
    set('gate', current?.access === 'locked' ? '' : (current?.view.gate ?? ''));
    set('waiting', waiting.length > 0);
    set('hasConnector', current !== undefined && current.view.connectorDir !== null);
  }

  /** One notification for each time that a gate opens; a reload or a redraw does not repeat it. */
  async #tellOnce({ view, access }: RunEntry): Promise<void> {
    if (access !== 'open') return;
    const key = keyOf(view);
    const told = this.#memory.get<string[]>(TOLD, []);
    if (key === undefined || told.includes(key)) return;
    await this.#memory.update(TOLD, [...told.slice(-99), key]);
    if (view.status === 'waiting' && view.gate !== null) {
      const words = GATES[view.gate];
      const chosen = await window.showInformationMessage(
        `${runName(view)}: ${words.question}.`,
        view.gate === 'review' ? 'Go to Findings' : 'Look and Decide',
      );
      if (chosen !== undefined) await commands.executeCommand('sourcewright.goToPendingApproval', view.runId);
    } else if (view.status === 'paused' && view.pause !== null) {
      const { message, cure } = view.pause;
      const chosen = await window.showWarningMessage(
        `${runName(view)} is paused: ${message} ${cure}`,
        'Resume',
        'Open Log',
      );
      if (chosen === 'Resume') await commands.executeCommand('sourcewright.resume', view.runId);
      if (chosen === 'Open Log') await commands.executeCommand('sourcewright.showLog');
    } else if (view.status === 'failed' && view.error !== null) {
      const { message, cure } = view.error;
      const chosen = await window.showErrorMessage(
        `${runName(view)} failed: ${message} ${cure ?? ''}`.trim(),
        'Run Again',
        'Open Log',
      );
      if (chosen === 'Run Again') await commands.executeCommand('sourcewright.runAgain', view.runId);
      if (chosen === 'Open Log') await commands.executeCommand('sourcewright.showLog');
    } else if (view.status === 'published' || view.status === 'finished') {
      const chosen = await window.showInformationMessage(
        `${runName(view)} is ${view.status}.`,
        'Show Connector',
        'Open Publication',
      );
      if (chosen === 'Show Connector') {
        await commands.executeCommand('sourcewright.openConnectorFolder', view.runId);
      }
      if (chosen === 'Open Publication') await openArtifact(join(view.runDir, 'publication.json'));
    }
  }

  /** Opens what the gate is about and asks for the answer. Without a run: the first that waits. */
  async goTo(runId?: string): Promise<void> {
    const all = this.waiting();
    const target = all.find(({ entry }) => entry.view.runId === runId) ?? all[0];
    if (target === undefined) {
      void window.showInformationMessage('Nothing waits for your approval.');
      return;
    }
    const { entry, gate } = target;
    this.#runs.select(entry.view.runId);
    if (gate === 'review') {
      await commands.executeCommand('sourcewright.nextFinding', entry.view.runId);
      return;
    }
    const { look } = GATES[gate];
    const folder = look.in === 'run' ? entry.view.runDir : entry.view.connectorDir;
    const path = join(folder ?? entry.view.runDir, look.file);
    if (existsSync(path)) await openArtifact(path);
    await this.#ask(target);
  }

  async #ask({ entry, gate }: Waiting): Promise<void> {
    const words = GATES[gate];
    type Item = QuickPickItem & { readonly run: () => Promise<void> };
    const runId = entry.view.runId;
    const items: Item[] = [
      { label: `$(check) ${words.approve}`, detail: words.next, run: () => this.approve(runId) },
      ...(gate === 'draft'
        ? []
        : [
            {
              label: '$(edit) Request Changes…',
              detail: 'Goes back to the stage with your words.',
              run: () => this.requestChanges(runId),
            },
          ]),
      {
        label: gate === 'draft' ? '$(circle-slash) Stop' : '$(circle-slash) Reject…',
        detail: 'Ends the run. All files stay.',
        run: () => this.reject(runId),
      },
    ];
    const chosen = await window.showQuickPick(items, {
      title: `${runName(entry.view)}: ${words.question}`,
      placeHolder: 'Escape leaves it waiting; the status bar brings you back.',
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
        title: 'Request changes',
        prompt: 'What should be different? The stage runs again with your words.',
        ignoreFocusOut: true,
        validateInput: (value) => (value.trim() === '' ? 'Say what to change.' : undefined),
      }));
    if (feedback !== undefined) await this.#decide(runId, { kind: 'request_changes', feedback });
  }

  async reject(runId?: string, words?: string): Promise<void> {
    const reason =
      words ??
      (await window.showInputBox({
        title: 'Reject and end the run',
        prompt: 'Why? (optional, kept in the journal; Escape keeps the run)',
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

/** Names one moment of a run that the person must hear about; undefined while it is at work. */
function keyOf(view: RunEntry['view']): string | undefined {
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

/** What stands above the stages, where there is something to do or to know; else ''. */
function headline({ view, access, holder }: RunEntry): string {
  if (access === 'locked') return `Read only: ${holder ?? 'another window or terminal'} works on this run.`;
  if (view.status === 'waiting' && view.gate !== null) {
    return `${GATES[view.gate].question}. ${GATES[view.gate].next}`;
  }
  if (view.status === 'paused' && view.pause !== null) {
    return `Paused: ${view.pause.message} ${view.pause.cure}`;
  }
  if (view.status === 'failed' && view.error !== null) {
    return `Failed: ${view.error.message} ${view.error.cure ?? ''}`.trim();
  }
  if (view.status === 'published') return view.stages.find(({ stage }) => stage === 'publish')?.note ?? '';
  return '';
}
