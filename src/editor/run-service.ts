/**
 * The runs of this window: those it holds open, and those it knows from their folders. Trees, gates, comments and
 * commands all read from here and act through here; nothing else in the editor touches a run.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  EventEmitter,
  RelativePattern,
  window,
  workspace,
  type Disposable,
  type Event,
  type Memento,
  type WorkspaceFolder,
} from 'vscode';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import type {
  PipelineDependencies,
  PipelineRun,
  Review,
  RunRequest,
  RunView,
  StageName,
} from '../pipeline/contracts.ts';
import { DisposableStore } from './disposables.ts';
import { isFinal, runName, runSummary } from './present.ts';
import { dependenciesFor, type EngineModule, type RunSources } from './run-dependencies.ts';
import { readAgentSettings } from './settings.ts';
import { t } from './l10n.ts';

/** `open`: this window drives it. `closed`: known from its folder. `locked`: another process drives it. */
export type Access = 'open' | 'closed' | 'locked';

export interface RunEntry {
  readonly view: RunView;
  readonly access: Access;
  /** Who drives it, for `locked`. */
  readonly holder: string | undefined;
}

interface Held {
  readonly run: PipelineRun;
  stopListening: () => void;
}

/** Where the workspace remembers which run was chosen. */
const SELECTED = 'sourcewright.selectedRun';

/** How often runs of other processes are looked at while there are any: watchers of files miss what happens in new folders. */
const LOOK_MS = 2000;

export interface RunServiceOptions extends RunSources {
  /** The workspace's: a reload shows the same run again. */
  readonly memory: Memento;
}

export class RunService implements Disposable {
  readonly #options: RunServiceOptions;
  readonly #owned = new DisposableStore();
  readonly #changed = this.#owned.add(new EventEmitter<RunEntry | undefined>());
  readonly #entries = new Map<string, RunEntry>();
  readonly #held = new Map<string, Held>();
  readonly #opening = new Map<string, Promise<PipelineRun>>();
  /** By folder. */
  readonly #watchers = new Map<string, Disposable>();
  #engine: Promise<EngineModule> | undefined;
  #selected: string | undefined;
  #rescan: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;

  /** Fired with the run that changed, or undefined when the list did. */
  readonly onDidChange: Event<RunEntry | undefined> = this.#changed.event;

  constructor(options: RunServiceOptions) {
    this.#options = options;
    this.#selected = options.memory.get<string>(SELECTED);
    for (const folder of workspace.workspaceFolders ?? []) this.#watch(folder);
    this.#owned.add(
      workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        for (const folder of removed) {
          this.#watchers.get(folder.uri.toString())?.dispose();
          this.#watchers.delete(folder.uri.toString());
        }
        for (const folder of added) this.#watch(folder);
        const isOurs = added.some((folder) => existsSync(runsDirOf(folder.uri.fsPath)));
        if (isOurs || this.#entries.size > 0) this.#scanSoon();
      }),
    );
    this.#owned.add(
      // Who comes back from a terminal elsewhere sees what was done there.
      window.onDidChangeWindowState(({ focused }) => {
        const folders = workspace.workspaceFolders ?? [];
        if (focused && folders.some(({ uri }) => existsSync(runsDirOf(uri.fsPath)))) this.#scanSoon();
      }),
    );
  }

  /** A terminal or another window writes run.json as its run goes on, and takes its lock away in the end: follow that. */
  #watch(folder: WorkspaceFolder): void {
    const later = (): void => {
      this.#scanSoon();
    };
    const pattern = new RelativePattern(folder, '.sourcewright/runs/*/{run.json,lock}');
    const watcher = workspace.createFileSystemWatcher(pattern);
    watcher.onDidChange(later);
    watcher.onDidCreate(later);
    watcher.onDidDelete(later);
    this.#watchers.set(folder.uri.toString(), watcher);
  }

  /** Newest first. */
  entries(): RunEntry[] {
    return [...this.#entries.values()].sort((a, b) => b.view.startedAt.localeCompare(a.view.startedAt));
  }

  entry(runId: string): RunEntry | undefined {
    return this.#entries.get(runId);
  }

  /** The run that commands without an argument are about: the chosen one, else the newest. */
  current(): RunEntry | undefined {
    const chosen = this.#selected === undefined ? undefined : this.#entries.get(this.#selected);
    return chosen ?? this.entries()[0];
  }

  select(runId: string): void {
    this.#selected = runId;
    void this.#options.memory.update(SELECTED, runId);
    this.#changed.fire(undefined);
  }

  /** The heavy half of the extension, loaded once. */
  engine(): Promise<EngineModule> {
    this.#engine ??= this.#loadEngine();
    return this.#engine;
  }

  async #loadEngine(): Promise<EngineModule> {
    const begun = performance.now();
    const engine = await import('./engine.ts');
    this.#options.log.debug(`Engine loaded in ${Math.round(performance.now() - begun)} ms.`);
    return engine;
  }

  /** Starts a run and shows it. Throws `SourcewrightError`: `credentials` for agents without a key. */
  async start(request: RunRequest): Promise<RunEntry> {
    requireTrust();
    const engine = await this.engine();
    if (request.engine === 'agents') {
      await this.#options.key.require();
      await engine.checkPrices(readAgentSettings());
    }
    const run = await engine.startRun(request, this.#dependencies(engine, request.workspace));
    this.#hold(run);
    this.select(run.runId);
    return this.#require(run.runId);
  }

  /** Starts a new run with the answers of an earlier one. */
  async again(runId: string): Promise<RunEntry> {
    const engine = await this.engine();
    const { runDir } = this.#require(runId).view;
    await this.#mayDrive(engine, runDir);
    return this.start(await engine.readRequest(runDir));
  }

  /**
   * Asks where the run was not begun by this person here: its gates and decisions would count as theirs.
   * @returns whether they took it on just now
   * @throws SourcewrightError `cancelled` where they did not
   */
  async #mayDrive(engine: EngineModule, runDir: string): Promise<boolean> {
    if (!(await engine.isForeignRun(runDir))) return false;
    if (await askAboutForeignRun()) return true;
    throw new SourcewrightError('cancelled', 'The run was not taken on.');
  }

  /** The run to act on, opened where it is not yet. Throws `locked` when another process drives it. */
  async open(runId: string): Promise<PipelineRun> {
    const held = this.#held.get(runId);
    if (held !== undefined) return held.run;
    const under = this.#opening.get(runId) ?? this.#open(runId);
    this.#opening.set(runId, under);
    try {
      return await under;
    } finally {
      this.#opening.delete(runId);
    }
  }

  async #open(runId: string): Promise<PipelineRun> {
    requireTrust();
    const { view } = this.#require(runId);
    const engine = await this.engine();
    const adopt = await this.#mayDrive(engine, view.runDir);
    try {
      const run = await engine.openRun(view.runDir, {
        ...this.#dependencies(engine, view.workspace),
        adopt,
      });
      this.#hold(run);
      return run;
    } catch (thrown) {
      const error = asSourcewrightError(thrown);
      if (error.code === 'locked')
        this.#put({ view, access: 'locked', holder: error.where ?? error.message });
      throw error;
    }
  }

  /** Runs one stage of a run by hand, outside its pipeline. Throws `locked` while the run is at work elsewhere. */
  async runStage(runId: string, stage: StageName): Promise<void> {
    requireTrust();
    const { view } = this.#require(runId);
    const engine = await this.engine();
    const adopt = await this.#mayDrive(engine, view.runDir);
    const dependencies = { ...this.#dependencies(engine, view.workspace), adopt };
    const after = await engine.runStage(view.runDir, stage, dependencies);
    this.#put({ view: after, access: this.#held.has(runId) ? 'open' : 'closed', holder: undefined });
  }

  /** The ledger of a run, open or not. */
  async review(runId: string): Promise<Review | undefined> {
    const held = this.#held.get(runId);
    if (held !== undefined) return held.run.findings();
    const { readReview } = await this.engine();
    return readReview(this.#require(runId).view.runDir);
  }

  /** Finds the runs of the workspace again. A folder that can't be read leaves a line in the log, nothing else. */
  async scan(): Promise<void> {
    const engine = await this.engine();
    const begun = performance.now();
    const found = new Map<string, RunEntry>();
    for (const folder of workspace.workspaceFolders ?? []) {
      try {
        for (const view of await engine.listRuns(folder.uri.fsPath)) {
          found.set(view.runId, await asFound(engine, view));
        }
      } catch (error) {
        this.#options.log.warn(`Runs of ${folder.name}: ${asSourcewrightError(error).toText()}`);
      }
    }
    // What this window holds open is newer here than on the disk.
    for (const runId of this.#held.keys()) {
      const held = this.#entries.get(runId);
      if (held !== undefined) found.set(runId, held);
    }
    this.#entries.clear();
    for (const [runId, entry] of found) this.#entries.set(runId, entry);
    this.#lookAgain(performance.now() - begun);
    this.#changed.fire(undefined);
  }

  /** Follows what another process works on, even where no watcher tells of it. Many runs are looked at less often. */
  #lookAgain(tookMs: number): void {
    clearTimeout(this.#look);
    this.#look = undefined;
    if (![...this.#entries.values()].some(({ access }) => access === 'locked')) return;
    this.#look = setTimeout(
      () => {
        this.#scanSoon();
      },
      Math.max(LOOK_MS, 20 * tookMs),
    );
  }

  #scanSoon(): void {
    clearTimeout(this.#rescan);
    this.#rescan = setTimeout(() => {
      void this.scan().catch((error: unknown) => {
        this.#options.log.warn(asSourcewrightError(error).toText());
      });
    }, 300);
  }

  #hold(run: PipelineRun): void {
    const put = (view: RunView): void => {
      this.#put({ view, access: 'open', holder: undefined });
    };
    this.#held.set(run.runId, { run, stopListening: run.onChange(put) });
    put(run.view());
  }

  #put(entry: RunEntry): void {
    const { view } = entry;
    const before = this.#entries.get(view.runId)?.view;
    if (before?.status !== view.status || before.gate !== view.gate) {
      this.#options.log.info(`${runName(view)}: ${runSummary(view)} (run ${view.runId}).`);
    }
    this.#entries.set(entry.view.runId, entry);
    this.#changed.fire(entry);
  }

  async #letGo(runId: string): Promise<void> {
    const held = this.#held.get(runId);
    if (held === undefined) return;
    this.#held.delete(runId);
    held.stopListening();
    await held.run.dispose();
  }

  #require(runId: string): RunEntry {
    const entry = this.#entries.get(runId);
    if (entry !== undefined) return entry;
    throw new SourcewrightError('input', `There is no run ${runId} in this workspace.`, {
      cure: 'Refresh the Runs view, or generate a connector.',
    });
  }

  #dependencies(engine: EngineModule, root: string): PipelineDependencies {
    return dependenciesFor(engine, root, this.#options);
  }

  dispose(): void {
    clearTimeout(this.#rescan);
    clearTimeout(this.#look);
    for (const watcher of this.#watchers.values()) watcher.dispose();
    this.#owned.dispose();
  }

  /** Lets go of all open runs, so that they can be opened again: part of the window's end. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#held.keys()].map((runId) => this.#letGo(runId)));
  }
}

/** To drive a run is to run code of the workspace: the tests of its connector. Looking at runs needs no trust. */
export function requireTrust(): void {
  if (workspace.isTrusted) return;
  throw new SourcewrightError(
    'input',
    'This workspace is not trusted, so no code is generated or run in it.',
    {
      cure: 'Trust it with "Workspaces: Manage Workspace Trust" once you know where it comes from.',
    },
  );
}

/** A run may have come with the folder: its journal then says whatever its author wanted. */
async function askAboutForeignRun(): Promise<boolean> {
  const drive = t('Take It On');
  const chosen = await window.showWarningMessage(
    t('This run was not begun by you on this machine, or its journal was changed since.'),
    {
      modal: true,
      detail: t(
        'It may have come with the folder. Its gates, and decisions that were made in it, would count as yours, and its tests would run here. Look at its research, code and findings first.',
      ),
    },
    drive,
  );
  return chosen === drive;
}

/** Where a workspace folder keeps its runs. */
export function runsDirOf(root: string): string {
  return join(root, '.sourcewright', 'runs');
}

/** A run known from its folder: free to open, or at work in another process, which is then named. */
async function asFound(engine: EngineModule, view: RunView): Promise<RunEntry> {
  const holder = isFinal(view.status) ? undefined : await engine.lockHolder(engine.runLockPath(view.runDir));
  if (holder !== undefined && holder.pid !== process.pid) {
    const who = `process ${holder.pid} on ${holder.host} (${holder.doing})`;
    return { view, access: 'locked', holder: who };
  }
  return { view, access: 'closed', holder: undefined };
}
