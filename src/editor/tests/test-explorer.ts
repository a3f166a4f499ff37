/**
 * The tests of the workspace's connectors in the Test Explorer: what the runs' reports say, also after a restart, and a
 * place to run or debug them again. What a person runs here is theirs: no run's evidence changes by it.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Disposable,
  RelativePattern,
  TestRunProfileKind,
  TestRunRequest,
  tests,
  Uri,
  workspace,
  type TestController,
  type TextDocument,
} from 'vscode';
import { asSourcewrightError } from '../../errors.ts';
import type { RunView } from '../../pipeline/contracts.ts';
import { DisposableStore } from '../disposables.ts';
import { runName } from '../present.ts';
import type { EngineModule } from '../run-dependencies.ts';
import type { RunEntry } from '../run-service.ts';
import { ConnectorTests } from './connector-tests.ts';
import { showOutcome } from './outcomes.ts';
import { TestRuns, type TestRunServices } from './test-runs.ts';
import { t } from '../l10n.ts';

/** How long reports and edits are gathered before the tree follows, in milliseconds. */
const SOON_MS = 250;
const REPORT = 'test-report.json';

/** A report on the disk, newest of its connector. */
interface Report {
  readonly view: RunView;
  readonly path: string;
  readonly mtimeMs: number;
}

interface Shown {
  readonly tests: ConnectorTests;
  readonly watcher: Disposable;
  report: string;
}

export class TestExplorer implements Disposable {
  readonly controller: TestController;
  readonly testRuns: TestRuns;
  readonly #services: TestRunServices;
  readonly #owned = new DisposableStore();
  readonly #shown = new Map<string, Shown>();
  /** How a run's tests stood when its report was looked for. */
  readonly #seen = new Map<string, string>();
  #work: Promise<void> = Promise.resolve();
  #soon: NodeJS.Timeout | undefined;

  /** @param id of the controller: one of a kind in the editor, and what it keeps results by */
  constructor(services: TestRunServices, id = 'sourcewright') {
    this.#services = services;
    this.controller = this.#owned.add(tests.createTestController(id, 'Sourcewright'));
    this.testRuns = new TestRuns(this.controller, services, () => this.connectors());
    const { controller, testRuns } = this;
    controller.refreshHandler = () => this.refresh();
    this.#owned.add(
      controller.createRunProfile(
        t('Run'),
        TestRunProfileKind.Run,
        (request, token) => testRuns.run(request, token, 'run'),
        true,
      ),
    );
    this.#owned.add(
      controller.createRunProfile(
        t('Debug'),
        TestRunProfileKind.Debug,
        (request, token) => testRuns.run(request, token, 'debug'),
        true,
      ),
    );
    this.#owned.add(
      services.runs.onDidChange((entry) => {
        if (entry === undefined || this.#isNews(entry)) this.#later();
      }),
    );
    this.#owned.add(this.#followEdits());
  }

  /** The connectors that have tests here. */
  connectors(): readonly ConnectorTests[] {
    return [...this.#shown.values()].map((shown) => shown.tests);
  }

  /** Reads reports and test files again. */
  refresh(): Promise<void> {
    this.#work = this.#work.then(() =>
      this.#readAll().catch((error: unknown) => {
        this.#services.log.warn(`Test Explorer: ${asSourcewrightError(error).toText()}`);
      }),
    );
    return this.#work;
  }

  /** Runs at work tell a lot; only the end of their tests matters here. */
  #isNews({ view }: RunEntry): boolean {
    const stage = view.stages.find((candidate) => candidate.stage === 'test');
    const now = `${stage?.attempt ?? 0} ${stage?.state ?? ''} ${stage?.durationMs ?? ''}`;
    const before = this.#seen.get(view.runId);
    this.#seen.set(view.runId, now);
    return now !== before;
  }

  #later(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.refresh();
    }, SOON_MS);
  }

  async #readAll(): Promise<void> {
    const reports = await newestReports(this.#services.runs.entries());
    for (const dir of this.#shown.keys()) if (!reports.has(dir)) this.#drop(dir);
    for (const [dir, report] of reports) {
      try {
        await this.#show(dir, report);
      } catch (error) {
        this.#services.log.warn(`Tests of ${runName(report.view)}: ${asSourcewrightError(error).toText()}`);
      }
    }
  }

  async #show(dir: string, { view, path, mtimeMs }: Report): Promise<void> {
    const key = `${path} ${mtimeMs}`;
    const known = this.#shown.get(dir);
    if (known?.report === key) {
      await known.tests.refresh();
      return;
    }
    const { readTestReport, testReading } = await this.#services.runs.engine();
    const report = await readTestReport(path);
    const shown = known ?? this.#add(testReading, dir, view.workspace);
    shown.report = key;
    await shown.tests.take(report.cases, Date.parse(report.startedAt));
    // Not kept by the editor: the report itself is what is kept, and is read again by the next window.
    const request = new TestRunRequest([shown.tests.item], undefined, undefined, false, true);
    const run = this.controller.createTestRun(request, t('Test stage of {0}', runName(view)), false);
    for (const entry of report.cases) showOutcome(run, shown.tests, entry, testReading);
    run.end();
  }

  #add(reading: EngineModule['testReading'], dir: string, root: string): Shown {
    const watcher = workspace.createFileSystemWatcher(new RelativePattern(Uri.file(dir), 'tests/**/*.py'));
    const later = (): void => {
      this.#later();
    };
    watcher.onDidChange(later);
    watcher.onDidCreate(later);
    watcher.onDidDelete(later);
    const shown = { tests: new ConnectorTests(this.controller, reading, dir, root), watcher, report: '' };
    this.#shown.set(dir, shown);
    return shown;
  }

  #drop(dir: string): void {
    const shown = this.#shown.get(dir);
    if (shown === undefined) return;
    this.#shown.delete(dir);
    shown.watcher.dispose();
    this.controller.items.delete(shown.tests.item.id);
  }

  #followEdits(): Disposable {
    const edited = new Set<TextDocument>();
    let timer: NodeJS.Timeout | undefined;
    const listener = workspace.onDidChangeTextDocument(({ document }) => {
      if (this.#shown.size === 0 || document.uri.scheme !== 'file' || !document.fileName.endsWith('.py'))
        return;
      edited.add(document);
      timer ??= setTimeout(() => {
        timer = undefined;
        for (const each of edited) {
          for (const connector of this.connectors()) connector.edited(each.fileName, each.getText());
        }
        edited.clear();
      }, SOON_MS);
    });
    return new Disposable(() => {
      clearTimeout(timer);
      listener.dispose();
    });
  }

  dispose(): void {
    clearTimeout(this.#soon);
    for (const dir of [...this.#shown.keys()]) this.#drop(dir);
    this.#owned.dispose();
  }
}

/** The newest report of each connector, by the connector's folder; of connectors that are still there. */
async function newestReports(entries: readonly RunEntry[]): Promise<Map<string, Report>> {
  const reports = new Map<string, Report>();
  const looked = entries.map(async ({ view }) => {
    const { connectorDir, runDir } = view;
    if (connectorDir === null) return;
    const path = join(runDir, REPORT);
    const [report, folder] = await Promise.all([modified(path), modified(join(connectorDir, 'tests'))]);
    if (report === undefined || folder === undefined) return;
    const known = reports.get(connectorDir);
    if (known === undefined || known.mtimeMs < report)
      reports.set(connectorDir, { view, path, mtimeMs: report });
  });
  await Promise.all(looked);
  return reports;
}

async function modified(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}
