/**
 * The webview panels: one for each kind and run, opened on request, filled from the run's files and filled again after a
 * reload. A panel holds nothing of its own: it shows a model, and what a person does there goes the way of the commands.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  ViewColumn,
  window,
  type Disposable,
  type LogOutputChannel,
  type Uri,
  type WebviewPanel,
  type WebviewPanelSerializer,
} from 'vscode';
import { asSourcewrightError, SourcewrightError } from '../../errors.ts';
import type { PanelKind, PanelState, ToPanel } from '../../webview/common/envelope.ts';
import { DisposableStore } from '../disposables.ts';
import type { RunEntry, RunService } from '../run-service.ts';
import type { PanelActions } from './models/models.ts';
import { pageOf, pageRoots } from './page.ts';

/** What the editor knows of a kind of panel. */
export interface PanelSpecification<K extends PanelKind> {
  readonly title: (entry: RunEntry) => string;
  /** Does what the person did in the panel. What it throws is shown there. */
  readonly act: (action: PanelActions[K], entry: RunEntry) => Promise<void>;
}
export type PanelSpecifications = { readonly [K in PanelKind]: PanelSpecification<K> };

interface Open {
  readonly state: PanelState;
  readonly panel: WebviewPanel;
  /** The page has said that it listens; what is sent before that is lost. */
  ready: boolean;
  sent: unknown;
  timer: NodeJS.Timeout | undefined;
}

/** A busy run changes many times in a second; a panel is redrawn at most this often. */
const REDRAW_MS = 200;

const viewType = (kind: PanelKind): string => `sourcewright.${kind}`;

export interface PanelSurroundings {
  readonly runs: RunService;
  readonly log: LogOutputChannel;
  readonly extension: Uri;
  readonly specifications: PanelSpecifications;
}

export class Panels implements Disposable, WebviewPanelSerializer {
  readonly #s: PanelSurroundings;
  readonly #owned = new DisposableStore();
  readonly #open: Open[] = [];

  constructor(surroundings: PanelSurroundings) {
    this.#s = surroundings;
    for (const kind of Object.keys(surroundings.specifications)) {
      this.#owned.add(window.registerWebviewPanelSerializer(viewType(kind as PanelKind), this));
    }
    this.#owned.add(
      surroundings.runs.onDidChange((changed) => {
        for (const open of this.#open) {
          if (changed === undefined || changed.view.runId === open.state.runId) this.#redrawSoon(open);
        }
      }),
    );
  }

  /** Shows the panel of a run, the one that is open already where there is one. */
  show(kind: PanelKind, runId: string, where: { readonly preserveFocus?: boolean } = {}): void {
    const entry = this.#s.runs.entry(runId);
    if (entry === undefined) throw new SourcewrightError('input', `There is no run ${runId} here.`);
    const open = this.#open.find(({ state }) => state.kind === kind && state.runId === runId);
    if (open !== undefined) {
      open.panel.reveal(undefined, where.preserveFocus);
      return;
    }
    const panel = window.createWebviewPanel(
      viewType(kind),
      this.#s.specifications[kind].title(entry),
      { viewColumn: ViewColumn.Active, preserveFocus: where.preserveFocus ?? false },
      { enableScripts: true, localResourceRoots: pageRoots(this.#s.extension) },
    );
    this.#fill(panel, { kind, runId });
  }

  /** Called by the editor for each panel that was open when the window was closed or reloaded. */
  async deserializeWebviewPanel(panel: WebviewPanel, raw: unknown): Promise<void> {
    const { runs, log } = this.#s;
    const state = (await runs.engine()).readPanelState(raw);
    if (state !== undefined && runs.entry(state.runId) === undefined) await runs.scan();
    if (state === undefined || runs.entry(state.runId) === undefined) {
      log.info('A panel of an earlier window was closed: its run is no longer here.');
      panel.dispose();
      return;
    }
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(this.#s.extension) };
    this.#fill(panel, state);
  }

  #fill(panel: WebviewPanel, state: PanelState): void {
    const open: Open = { state, panel, ready: false, sent: undefined, timer: undefined };
    this.#open.push(open);
    panel.onDidDispose(() => {
      clearTimeout(open.timer);
      this.#open.splice(this.#open.indexOf(open), 1);
    });
    // A panel in the background loses its page; it asks for the model again when it is looked at.
    panel.onDidChangeViewState(() => {
      if (panel.visible) this.#redrawSoon(open);
      else open.sent = undefined;
    });
    panel.webview.onDidReceiveMessage((raw: unknown) => {
      void this.#receive(open, raw);
    });
    panel.webview.html = pageOf(panel.webview, this.#s.extension, state, panel.title);
  }

  async #receive(open: Open, raw: unknown): Promise<void> {
    const { kind, runId } = open.state;
    const { runs, log, specifications } = this.#s;
    try {
      const { readPanelMessage } = await runs.engine();
      const action = readPanelMessage(kind, raw);
      if (action === undefined) {
        open.ready = true;
        open.sent = undefined;
        await this.#redraw(open);
        return;
      }
      const entry = runs.entry(runId);
      if (entry === undefined) throw new SourcewrightError('input', 'The run is no longer here.');
      const { act } = specifications[kind] as PanelSpecification<PanelKind>;
      await act(action, entry);
      // The page waits for an answer, also where all is as it was: a research may be back before it was seen to be gone.
      open.sent = undefined;
      this.#redrawSoon(open);
    } catch (thrown) {
      const error = asSourcewrightError(thrown);
      log.warn(`Panel ${kind}: ${error.toText()}`);
      if (error.code === 'cancelled') {
        // The person stepped out: nothing is to be said, but the page waits for an answer.
        open.sent = undefined;
        this.#redrawSoon(open);
        return;
      }
      const message: ToPanel = {
        type: 'failed',
        about: raw,
        message: error.message,
        cure: error.cure ?? null,
      };
      await open.panel.webview.postMessage(message);
    }
  }

  #redrawSoon(open: Open): void {
    open.timer ??= setTimeout(() => {
      open.timer = undefined;
      void this.#redraw(open);
    }, REDRAW_MS);
  }

  /** Sends the model where it is seen and differs from what was sent last. */
  async #redraw(open: Open): Promise<void> {
    const { runs, log } = this.#s;
    const entry = runs.entry(open.state.runId);
    if (entry === undefined || !open.ready || !open.panel.visible) return;
    try {
      const { panelModel } = await runs.engine();
      const model = await panelModel(open.state.kind, entry.view);
      if (isDeepStrictEqual(model, open.sent)) return;
      open.sent = model;
      open.panel.title = this.#s.specifications[open.state.kind].title(entry);
      await open.panel.webview.postMessage({ type: 'model', model } satisfies ToPanel);
    } catch (error) {
      log.error(`Panel ${open.state.kind}: ${asSourcewrightError(error).toText()}`);
    }
  }

  /** The panels that are open, for the suite inside the editor. */
  shown(): readonly PanelState[] {
    return this.#open.map(({ state }) => state);
  }

  dispose(): void {
    for (const { timer } of this.#open) clearTimeout(timer);
    this.#owned.dispose();
  }
}
