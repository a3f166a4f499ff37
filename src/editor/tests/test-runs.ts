/** Runs and debugs tests that a person picked in the Test Explorer. */
import { join } from 'node:path';
import {
  TestMessage,
  Uri,
  window,
  workspace,
  type CancellationToken,
  type LogOutputChannel,
  type TestController,
  type TestItem,
  type TestRun,
  type TestRunRequest,
} from 'vscode';
import { asSourcewrightError, SourcewrightError } from '../../errors.ts';
import type { Command, CommandResult, TestCase } from '../../pipeline/contracts.ts';
import { runSummary, unlinked } from '../present.ts';
import type { EngineModule } from '../run-dependencies.ts';
import { requireTrust, type RunService } from '../run-service.ts';
import { readSettings } from '../settings.ts';
import { showError } from '../show-error.ts';
import type { TaskRunner } from '../task-runner.ts';
import type { ConnectorTests } from './connector-tests.ts';
import { debugCommand, requirePythonDebugger } from './debug-tests.ts';
import { appendText, showOutcome } from './outcomes.ts';
import type { Selectable } from './selection.ts';
import { isBelow } from './test-ids.ts';
import { t } from '../l10n.ts';

export interface TestRunServices {
  readonly runs: RunService;
  readonly runner: TaskRunner;
  readonly log: LogOutputChannel;
  /** Folder of the built files. */
  readonly dist: string;
}

interface Picked {
  readonly connector: ConnectorTests;
  /** As pytest takes them. */
  readonly ids: readonly string[];
}

/** `run`: as a task in the integrated terminal. `debug`: by the Python Debugger extension. */
export type How = 'run' | 'debug';

export class TestRuns {
  readonly #controller: TestController;
  readonly #services: TestRunServices;
  readonly #connectors: () => readonly ConnectorTests[];

  constructor(
    controller: TestController,
    services: TestRunServices,
    connectors: () => readonly ConnectorTests[],
  ) {
    this.#controller = controller;
    this.#services = services;
    this.#connectors = connectors;
  }

  /** Runs what a request asks for; settles when all is told. Never rejects: what is in the way is shown. */
  async run(request: TestRunRequest, token: CancellationToken, how: How): Promise<void> {
    try {
      requireTrust();
      if (how === 'debug' && !(await requirePythonDebugger())) return;
      const engine = await this.#services.runs.engine();
      const picked = this.#picked(engine, request);
      if (picked.length === 0) return;
      for (const { connector } of picked) await this.#refuseWhileAtWork(engine, connector);
      await this.#runAll(engine, picked, { request, token, how });
    } catch (error) {
      this.#tell(error);
    }
  }

  #picked({ testReading }: EngineModule, { include, exclude }: TestRunRequest): readonly Picked[] {
    const connectors = this.#connectors();
    const items = include ?? connectors.map(({ item }) => item);
    return connectors.flatMap((connector) => {
      const nodes = ofConnector(connector, items).flatMap((id) => connector.node(id) ?? []);
      const ids = testReading.idsToRun(nodes, new Set(ofConnector(connector, exclude ?? [])));
      return ids.length === 0 ? [] : [{ connector, ids }];
    });
  }

  /** A stage of a run may be about to begin, too: a run at work has its connector for itself. */
  async #refuseWhileAtWork(
    engine: EngineModule,
    { connectorDir, workspace: root, item }: ConnectorTests,
  ): Promise<void> {
    const atWork = this.#services.runs
      .entries()
      .find(({ view }) => view.connectorDir === connectorDir && view.status === 'running');
    const holder = await engine.lockHolder(engine.connectorLockPath(root, connectorDir));
    if (atWork === undefined && holder === undefined) return;
    const who = atWork === undefined ? (holder?.doing ?? 'another process') : runSummary(atWork.view);
    throw new SourcewrightError('locked', `${item.label} is being worked on (${who}).`, {
      cure: 'Run its tests once that has ended.',
    });
  }

  async #runAll(
    engine: EngineModule,
    picked: readonly Picked[],
    { request, token, how }: { request: TestRunRequest; token: CancellationToken; how: How },
  ): Promise<void> {
    const run = this.#controller.createTestRun(request);
    const cancel = new AbortController();
    const stop = (): void => {
      cancel.abort();
    };
    const listeners = [token, run.token].map((each) => each.onCancellationRequested(stop));
    if (token.isCancellationRequested) stop();
    try {
      for (const each of picked) for (const item of leaves(each)) run.enqueued(item);
      for (const each of picked) await this.#runOne(engine, each, { run, signal: cancel.signal, how });
    } finally {
      for (const listener of listeners) listener.dispose();
      run.end();
    }
  }

  async #runOne(
    engine: EngineModule,
    picked: Picked,
    { run, signal, how }: { run: TestRun; signal: AbortSignal; how: How },
  ): Promise<void> {
    const { connector, ids } = picked;
    const began = Date.now();
    const start = async (command: Command): Promise<CommandResult | undefined> => {
      for (const item of leaves(picked)) run.started(item);
      appendText(
        run,
        `${[command.file, ...command.args].join(' ')}\n${t('Runs in the integrated terminal.')}\n\n`,
      );
      if (how === 'run') return this.#services.runner.run(command, signal);
      if (this.#dependencies(connector).isolation === 'require') {
        throw new SourcewrightError('environment', 'Tests are not debugged without their sandbox.', {
          where: 'sourcewright.tests.isolation = require',
          cure: 'The debugger and what it debugs talk by this machine’s loopback, which a sandbox has not. Run the test, or set the isolation to "auto".',
        });
      }
      appendText(run, `${t('Debugged outside of the sandbox: the debugger has to reach it.')}\n\n`);
      await debugCommand(command, signal, run);
      return undefined;
    };
    const { cases, problem } = await engine.runPickedTests(this.#dependencies(connector), {
      workspace: connector.workspace,
      connectorDir: connector.connectorDir,
      ids,
      signal,
      start,
      progress: (message) => {
        appendText(run, `${message}\n`);
      },
    });
    const before = leaves(picked);
    // Where pytest could not do its work, that a test is missing from the result says nothing about it.
    await connector.take(cases, began, problem === undefined ? ids : []);
    for (const entry of cases) showOutcome(run, connector, entry, engine.testReading);
    showUnmet(run, connector, { items: before, cases, problem });
    appendText(run, `${problem === undefined ? counts(cases) : t('No verdict: {0}', problem)}.\n`);
  }

  #dependencies({ workspace: root }: ConnectorTests): Parameters<EngineModule['runPickedTests']>[0] {
    const { runner, dist, log } = this.#services;
    const folder = workspace.getWorkspaceFolder(Uri.file(root));
    if (folder === undefined) throw new SourcewrightError('environment', 'The folder is not open here.');
    const { pythonPath, testTimeoutMs, isolation, allowedPackages } = readSettings(folder);
    return {
      runner,
      templateDir: join(dist, 'template'),
      pythonPath,
      testTimeoutMs,
      isolation,
      allowedPackages,
      log: (level, message) => {
        log[level](message);
      },
    };
  }

  /** That somebody else is at work is no error, only not the time. */
  #tell(thrown: unknown): void {
    const error = asSourcewrightError(thrown);
    if (error.code !== 'locked') {
      showError(this.#services.log, error);
      return;
    }
    this.#services.log.info(error.toText());
    void window.showInformationMessage(unlinked(`${error.message} ${error.cure ?? ''}`.trim()));
  }
}

function ofConnector(connector: ConnectorTests, items: readonly TestItem[]): string[] {
  return items.flatMap((item) => connector.idOf(item) ?? []);
}

/** The items that get a result of their own. */
function leaves({ connector, ids }: Picked): TestItem[] {
  const below = (node: Selectable): string[] =>
    node.children.length === 0 ? [node.id] : node.children.flatMap(below);
  return ids
    .flatMap((id) => connector.node(id) ?? [])
    .flatMap(below)
    .flatMap((id) => connector.itemOf(id) ?? []);
}

/** A test that was asked for and did not run says so, instead of showing an earlier result as if it were this one. */
function showUnmet(
  run: TestRun,
  connector: ConnectorTests,
  of: { items: readonly TestItem[]; cases: readonly TestCase[]; problem: string | undefined },
): void {
  for (const item of of.items) {
    // A test that turned out to have cases is told by them.
    const met = of.cases.some(({ id }) => isBelow(id, item.id));
    if (met || connector.itemOf(item.id) !== item) continue;
    const why = of.problem ?? t('pytest did not meet it');
    run.errored(
      item,
      new TestMessage(t('The test did not run: {0}. The terminal shows what pytest said.', why)),
    );
  }
}

function counts(cases: readonly TestCase[]): string {
  const words = (['passed', 'failed', 'error', 'skipped'] as const).flatMap((outcome) => {
    const many = cases.filter((entry) => entry.outcome === outcome).length;
    return many === 0 ? [] : [`${many} ${outcome}`];
  });
  return words.join(', ');
}
