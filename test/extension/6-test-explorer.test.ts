/** The Test Explorer: filled by a run's report, run and cancelled from the editor, and never in the way of evidence. */
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ConnectorTests } from '../../src/editor/tests/connector-tests.ts';
import { debugConfiguration } from '../../src/editor/tests/debug-tests.ts';
import { TestExplorer } from '../../src/editor/tests/test-explorer.ts';
import { TaskRunner } from '../../src/editor/task-runner.ts';
import { TestReport } from '../../src/pipeline/contracts.ts';
import {
  access,
  alive,
  extension,
  gate,
  generate,
  status,
  until,
  untrusted,
  viewOf,
  workspaceRoot,
} from './helpers.ts';
import { DebugWatch, type Stop, valueAt } from './debug-session.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

/** What the workbench was told about one test, as it went through. */
interface Told {
  readonly state: 'enqueued' | 'started' | 'passed' | 'failed' | 'errored' | 'skipped';
  readonly id: string;
  readonly message?: vscode.TestMessage;
}
interface RecordedRun {
  readonly request: vscode.TestRunRequest;
  readonly persisted: boolean;
  readonly told: Told[];
  output: string;
  ended: boolean;
}

/** Writes down what a controller's runs are told; everything still reaches the workbench. */
function record(controller: vscode.TestController): { runs: RecordedRun[]; restore: () => void } {
  const runs: RecordedRun[] = [];
  const original = controller.createTestRun.bind(controller);
  controller.createTestRun = (request, name, persist) => {
    const run = original(request, name, persist);
    const recorded: RecordedRun = { request, persisted: run.isPersisted, told: [], output: '', ended: false };
    runs.push(recorded);
    const plain = <S extends 'enqueued' | 'started' | 'skipped'>(state: S): vscode.TestRun[S] => {
      const through = run[state].bind(run);
      return (item: vscode.TestItem) => {
        recorded.told.push({ state, id: item.id });
        through(item);
      };
    };
    const worded = <S extends 'failed' | 'errored'>(state: S): vscode.TestRun[S] => {
      const through = run[state].bind(run);
      return (item, message, duration) => {
        const [first] = [message].flat();
        recorded.told.push({ state, id: item.id, ...(first === undefined ? {} : { message: first }) });
        through(item, message, duration);
      };
    };
    const passed = run.passed.bind(run);
    const append = run.appendOutput.bind(run);
    const end = run.end.bind(run);
    return Object.assign(run, {
      enqueued: plain('enqueued'),
      started: plain('started'),
      skipped: plain('skipped'),
      failed: worded('failed'),
      errored: worded('errored'),
      passed: (item: vscode.TestItem, duration?: number) => {
        recorded.told.push({ state: 'passed', id: item.id });
        passed(item, duration);
      },
      appendOutput: (text: string, location?: vscode.Location, item?: vscode.TestItem) => {
        recorded.output += text;
        append(text, location, item);
      },
      end: () => {
        recorded.ended = true;
        end();
      },
    });
  };
  return {
    runs,
    restore: () => {
      controller.createTestRun = original;
    },
  };
}

function textOf(message: vscode.TestMessage | undefined): string {
  return typeof message?.message === 'string' ? message.message : '';
}

const RESULTS = ['passed', 'failed', 'errored', 'skipped'];
const results = (run: RecordedRun): Told[] => run.told.filter(({ state }) => RESULTS.includes(state));

describe('the Test Explorer', function () {
  this.timeout(300_000);
  restsOnTheLast();
  let runId = '';
  let connector = '';
  let report: TestReport;
  let recorded: ReturnType<typeof record>;
  let originals = new Map<string, string>();

  before(async () => {
    const { testExplorer } = await access();
    recorded = record(testExplorer.controller);
  });
  after(() => {
    recorded.restore();
  });

  const tests = async (): Promise<ConnectorTests> => {
    const { testExplorer } = await access();
    const found = testExplorer.connectors().find(({ connectorDir }) => connectorDir === connector);
    assert.ok(found, 'the connector has no tests in the tree');
    return found;
  };
  const item = async (id: string): Promise<vscode.TestItem> => {
    const found = (await tests()).itemOf(id);
    assert.ok(found, `no item for ${id}`);
    return found;
  };
  const newest = async (before: number): Promise<RecordedRun> =>
    until(
      'the end of a test run',
      () => {
        const run = recorded.runs[before];
        return run?.ended === true && run;
      },
      120_000,
      () => recorded.runs.length,
    );
  /** Runs the test at the cursor by the workbench's own command, as a person does who presses its keys. */
  const runAt = async (id: string): Promise<RecordedRun> => {
    const { uri, range } = await item(id);
    assert.ok(uri && range, `${id} has no place`);
    const editor = await vscode.window.showTextDocument(uri);
    editor.selection = new vscode.Selection(range.start, range.start);
    const before = recorded.runs.length;
    await vscode.commands.executeCommand('testing.runAtCursor');
    return newest(before);
  };
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    const path = join(connector, file);
    const text = await readFile(path, 'utf8');
    if (!originals.has(path)) originals.set(path, text);
    await writeFile(path, change(text));
  };
  const restore = async (): Promise<void> => {
    for (const [path, text] of originals) await writeFile(path, text);
    originals = new Map();
  };

  it('is filled by the Test stage: connector, file, test and case, each with its result', async () => {
    runId = await generate({ name: 'to-explore', gates: { tests: 'ask' } });
    const view = await gate(runId, 'tests');
    connector = view.connectorDir ?? '';
    report = TestReport.parse(JSON.parse(readFileSync(join(view.runDir, 'test-report.json'), 'utf8')));
    const { testExplorer } = await access();
    await until('the tests', () => testExplorer.connectors().some((one) => one.connectorDir === connector));
    await testExplorer.refresh();
    const known = await tests();
    assert.equal(known.item.label, 'source-to-explore');
    for (const { id } of report.cases) assert.ok(known.itemOf(id), `no item for ${id}`);
    const parametrised = report.cases.find(({ id }) => id.includes('['));
    assert.ok(parametrised, 'the suite has no parametrised test');
    const parent = known.itemOf(parametrised.id)?.parent;
    assert.equal(parent?.id, parametrised.id.slice(0, parametrised.id.indexOf('[')));
    assert.equal(parent.parent?.id, parametrised.file);
    assert.equal(parent.parent.parent, known.item);
    const shown = recorded.runs.find(({ request }) => request.include?.includes(known.item));
    assert.ok(shown?.ended, 'the report is not shown as results');
    assert.equal(shown.persisted, false);
    assert.deepEqual(
      results(shown).map(({ state, id }) => `${state} ${id}`),
      report.cases.map(({ outcome, id }) => `${outcome} ${id}`),
    );
  });

  it('places every test at its function', async () => {
    const known = await tests();
    let placed = 0;
    for (const { id, file } of report.cases) {
      const name = /::(\w+)(\[.*)?$/s.exec(id)?.[1] ?? '';
      const found = known.itemOf(id);
      assert.equal(found?.uri?.fsPath, join(connector, file));
      const line = readFileSync(join(connector, file), 'utf8').split('\n')[found.range?.start.line ?? -1];
      assert.match(line ?? '', new RegExp(`def ${name}\\b`), id);
      placed += 1;
    }
    assert.ok(placed > 20);
  });

  it('runs one test as a task in the terminal and takes its result from pytest', async () => {
    const [chosen] = report.cases.filter(({ id }) => !id.includes('['));
    assert.ok(chosen);
    const ended: (number | undefined)[] = [];
    const titles: string[] = [];
    const listener = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
      ended.push(exitCode);
      titles.push(execution.task.name);
    });
    const evidence = await settledEvidence(await viewOf(runId));
    const run = await runAt(chosen.id);
    listener.dispose();
    assert.deepEqual(
      results(run).map(({ state, id }) => [state, id]),
      [['passed', chosen.id]],
    );
    assert.deepEqual([ended, titles], [[0], ['Picked tests of source-to-explore']]);
    assert.ok(vscode.window.terminals.some(({ name }) => name.includes('Picked tests of source-to-explore')));
    assert.match(run.output, /1 passed/);
    assert.deepEqual(evidenceOf(await viewOf(runId)), evidence, 'a person’s run changed the evidence');
  });

  it('shows a broken assertion where it is, with both values', async () => {
    const chosen = report.cases.find(({ id }) => /^tests\/test_\w+\.py::test_\w+$/.test(id));
    assert.ok(chosen);
    const name = chosen.id.split('::').at(-1) ?? '';
    // In front of what is there, so that everything below moves.
    await edit(chosen.file, (text) => {
      const lines = text.split('\n');
      const at = lines.findIndex((line) => new RegExp(`def ${name}\\(`).test(line));
      let body = at;
      while (!/:\s*(#.*)?$/.test(lines[body] ?? '')) body += 1;
      lines.splice(
        body + 1,
        0,
        '    found = {"id": 1, "tags": ["a", "b"]}',
        '    assert found == {"id": 2, "tags": ["a"]}',
      );
      return ['# One line', '# and another', ...lines].join('\n');
    });
    const lineOf = (): number =>
      readFileSync(join(connector, chosen.file), 'utf8')
        .split('\n')
        .findIndex((line) => line.startsWith(`def ${name}(`) || line.startsWith(`async def ${name}(`));
    await until(
      'the item to follow its test',
      async () => (await item(chosen.id)).range?.start.line === lineOf(),
      20_000,
    );
    const run = await runAt(chosen.id);
    const [told, ...more] = results(run);
    assert.deepEqual(more, []);
    assert.equal(told?.state, 'failed');
    assert.equal(told.id, chosen.id);
    const { message } = told;
    const expected = readFileSync(join(connector, chosen.file), 'utf8')
      .split('\n')
      .findIndex((line) => line.includes('assert found == {"id": 2'));
    assert.equal(message?.location?.uri.fsPath, join(connector, chosen.file));
    assert.equal(message.location.range.start.line, expected);
    assert.match(textOf(message), /^AssertionError: assert \{'id': 1/);
    assert.equal(message.expectedOutput, "{\n    'id': 2,\n    'tags': [\n        'a',\n    ],\n}");
    assert.equal(
      message.actualOutput,
      "{\n    'id': 1,\n    'tags': [\n        'a',\n        'b',\n    ],\n}",
    );
    assert.match(run.output, />\s+assert found == /);
    await restore();
    await until(
      'the item to come back',
      async () => (await item(chosen.id)).range?.start.line === lineOf(),
      20_000,
    );
    assert.equal(results(await runAt(chosen.id))[0]?.state, 'passed');
  });

  it('offers a test that was written a moment ago, before it is saved and before it ever ran', async () => {
    const [{ file }] = report.cases as [TestReport['cases'][number]];
    const uri = vscode.Uri.file(join(connector, file));
    originals.set(uri.fsPath, await readFile(uri.fsPath, 'utf8'));
    const editor = await vscode.window.showTextDocument(uri);
    const { document } = editor;
    await editor.edit((builder) => {
      const end = document.lineAt(document.lineCount - 1).range.end;
      builder.insert(
        end,
        '\n\nimport pytest\n\n\n@pytest.mark.parametrize("n", [1, 2])\ndef test_just_written(n):\n    assert n == 1\n',
      );
    });
    const id = `${file}::test_just_written`;
    await until('its item', async () => (await tests()).itemOf(id), 20_000);
    const run = await runAt(id);
    assert.deepEqual(
      results(run).map((told) => [told.state, told.id]),
      [
        ['passed', `${id}[1]`],
        ['failed', `${id}[2]`],
      ],
    );
    assert.equal((await item(`${id}[2]`)).parent?.id, id);
    await restore();
    await until('it to be gone', async () => (await tests()).itemOf(id) === undefined, 20_000);
  });

  it('runs what is left when a part is excluded, and says what pytest could not take', async () => {
    const known = await tests();
    const { testExplorer } = await access();
    const { file } = report.cases.find(({ id }) => id.includes('[')) ?? { file: '' };
    const inFile = report.cases.filter((entry) => entry.file === file).map(({ id }) => id);
    const [excluded] = inFile;
    const before = recorded.runs.length;
    const token = new vscode.CancellationTokenSource().token;
    const include = [await item(file)];
    const request = new vscode.TestRunRequest(include, [await item(excluded ?? '')]);
    await testExplorer.testRuns.run(request, token, 'run');
    const run = await newest(before);
    assert.deepEqual(
      results(run)
        .map(({ id }) => id)
        .sort(),
      inFile.slice(1).sort(),
    );

    await edit(file, () => 'def broken(:\n');
    await testExplorer.testRuns.run(new vscode.TestRunRequest(include), token, 'run');
    const broken = await newest(before + 1);
    assert.ok(results(broken).length > 0);
    assert.ok(results(broken).every(({ state }) => state === 'errored'));
    assert.match(textOf(results(broken)[0]?.message), /SyntaxError|did not run/);
    await restore();
    await testExplorer.testRuns.run(new vscode.TestRunRequest(include), token, 'run');
    assert.equal(results(await newest(before + 2)).length, inFile.length);
    assert.equal(known, await tests());
  });

  it('ends what it runs when it is cancelled, and gives the connector back', async () => {
    const { testExplorer } = await access();
    const [{ file }] = report.cases as [TestReport['cases'][number]];
    await edit(file, (text) => `${text}\n\nimport time\n\n\ndef test_endless():\n    time.sleep(600)\n`);
    const id = `${file}::test_endless`;
    await until('its item', async () => (await tests()).itemOf(id), 20_000);
    const pids: number[] = [];
    const listener = vscode.tasks.onDidStartTaskProcess(({ processId }) => pids.push(processId));
    const before = recorded.runs.length;
    const source = new vscode.CancellationTokenSource();
    const request = new vscode.TestRunRequest([await item(id)]);
    const running = testExplorer.testRuns.run(request, source.token, 'run');
    await until('pytest', () => pids.length > 0, 60_000);

    // Meanwhile nobody else gets at the connector: neither another picked run nor a stage.
    await testExplorer.testRuns.run(request, new vscode.CancellationTokenSource().token, 'run');
    assert.equal(recorded.runs.length, before + 1, 'a second run began beside the first');
    source.cancel();
    await running;
    listener.dispose();
    const run = await newest(before);
    assert.deepEqual(results(run), [], 'a cancelled test has a result');
    await until('the process to end', () => pids.every((pid) => !alive(pid)), 15_000);
    const locks = join(workspaceRoot(), '.sourcewright', 'locks');
    assert.deepEqual(
      readdirSync(locks).filter((name) => name.startsWith('source-to-explore')),
      [],
    );
    await restore();
    await until('it to be gone', async () => (await tests()).itemOf(id) === undefined, 20_000);
  });

  it('refuses while a stage works on the connector', async () => {
    const { testExplorer } = await access();
    const begun: string[] = [];
    const listener = vscode.tasks.onDidStartTaskProcess(({ execution }) => begun.push(execution.task.name));
    const rerun = Promise.resolve(vscode.commands.executeCommand('sourcewright.rerunTests', runId));
    await until('the stage’s tests', () => begun.length > 0, 120_000);
    const before = recorded.runs.length;
    const request = new vscode.TestRunRequest([(await tests()).item]);
    await testExplorer.testRuns.run(request, new vscode.CancellationTokenSource().token, 'run');
    assert.equal(recorded.runs.length, before);
    await rerun;
    listener.dispose();
    assert.deepEqual(begun, ['Tests of source-to-explore']);
    // And what the stage found is shown.
    const run = await newest(before);
    assert.equal(results(run).length, report.cases.length);
  });

  it('shows tests and runs none in a workspace that is not trusted', async () => {
    const { testExplorer } = await access();
    const before = recorded.runs.length;
    await untrusted(async () => {
      const request = new vscode.TestRunRequest([(await tests()).item]);
      for (const how of ['run', 'debug'] as const) {
        await testExplorer.testRuns.run(request, new vscode.CancellationTokenSource().token, how);
      }
      await testExplorer.refresh();
    });
    assert.equal(recorded.runs.length, before);
    assert.ok((await tests()).item.children.size > 0);
  });

  it('debugs the same pytest: interpreter, chosen tests and environment, with nothing of the editor’s', () => {
    const env = { HOME: '/tmp/home', PATH: '/env/bin' };
    const args = ['-P', '-m', 'pytest', 'tests/test_a.py::test_x', '--junitxml=/tmp/home/junit.xml'];
    const command = { title: 'T', file: '/env/bin/python', args, cwd: '/work', env, timeoutMs: 1 };
    const inherited = { MY_API_KEY: 'secret', HOME: '/root', Path: '/usr/bin', EDITOR: 'vi' };
    assert.deepEqual(debugConfiguration(command, inherited), {
      type: 'debugpy',
      request: 'launch',
      name: 'T',
      module: 'pytest',
      args: args.slice(3),
      cwd: '/work',
      python: ['/env/bin/python', '-P'],
      env: { MY_API_KEY: null, EDITOR: null, ...env },
      envFile: '',
      console: 'internalConsole',
      justMyCode: true,
    });
  });

  describe('with the debugger of Python', () => {
    let watch: DebugWatch;
    beforeEach(() => {
      watch = new DebugWatch();
    });
    afterEach(() => {
      watch.dispose();
      vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    });

    /** Debugs a test with a breakpoint at the first line that it asserts something in. */
    const debugged = async (
      token: vscode.CancellationToken,
    ): Promise<{ id: string; line: number; done: Promise<void>; stop: Stop }> => {
      const { testExplorer } = await access();
      const chosen = report.cases.find(({ id }) => /^tests\/test_\w+\.py::test_\w+$/.test(id));
      assert.ok(chosen);
      const { uri, range } = await item(chosen.id);
      assert.ok(uri && range);
      const text = readFileSync(uri.fsPath, 'utf8').split('\n');
      const line = text.findIndex((words, at) => at > range.start.line && /^ +assert /.test(words));
      const place = new vscode.Location(uri, new vscode.Position(line, 0));
      vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(place)]);
      const request = new vscode.TestRunRequest([await item(chosen.id)]);
      const done = testExplorer.testRuns.run(request, token, 'debug');
      return { id: chosen.id, line: line + 1, done, stop: await watch.stopped() };
    };

    it('stops at a breakpoint of a test, shows what is there, and takes the result from pytest', async () => {
      const before = recorded.runs.length;
      const evidence = await settledEvidence(await viewOf(runId));
      writeFileSync(join(workspaceRoot(), '.env'), 'PLAIN_NAME=canary-of-the-workspace\n');
      const { id, line, done, stop } = await debugged(new vscode.CancellationTokenSource().token);
      assert.deepEqual([stop.file, stop.line], [join(connector, id.split('::')[0] ?? ''), line]);
      assert.equal(await valueAt(stop, '__import__("os").getcwd()'), `'${connector}'`);
      assert.equal(process.env['SOURCEWRIGHT_SUITE_TOKEN'], 'canary-of-the-suite');
      const environment = await valueAt(stop, 'dict(__import__("os").environ)');
      assert.doesNotMatch(environment, /canary/);
      const names = await valueAt(stop, '" ".join(sorted(__import__("os").environ))');
      assert.match(names, /HOME.*PATH.*PYTHONUTF8/);
      assert.doesNotMatch(names, /VSCODE|SOURCEWRIGHT|ELECTRON|DISPLAY/);
      rmSync(join(workspaceRoot(), '.env'));
      await watch.goOn(stop);
      await done;
      await watch.ended(stop);
      const run = recorded.runs[before];
      assert.ok(run?.ended);
      assert.deepEqual(
        results(run).map((told) => [told.state, told.id]),
        [['passed', id]],
      );
      assert.deepEqual(evidenceOf(await viewOf(runId)), evidence, 'a debugged test changed the evidence');
    });

    it('ends what is debugged when the person cancels', async () => {
      const before = recorded.runs.length;
      const cancel = new vscode.CancellationTokenSource();
      const { done, stop } = await debugged(cancel.token);
      cancel.cancel();
      await done;
      await watch.ended(stop);
      await until('the process to end', () => watch.processes.every((pid) => !alive(pid)), 15_000);
      assert.ok(watch.processes.length > 0);
      const run = recorded.runs[before];
      assert.ok(run?.ended);
      assert.deepEqual(results(run), [], 'what was not finished has no result');
    });
  });

  it('says what to install where there is no debugger for Python', async () => {
    const { testExplorer } = await access();
    const before = recorded.runs.length;
    const said: string[] = [];
    const original = vscode.window.showInformationMessage;
    const spy = (text: string): Promise<undefined> => {
      said.push(text);
      return Promise.resolve(undefined);
    };
    const { getExtension } = vscode.extensions;
    Object.assign(vscode.window, { showInformationMessage: spy });
    Object.assign(vscode.extensions, {
      getExtension: (id: string) => (id === 'ms-python.debugpy' ? undefined : getExtension(id)),
    });
    try {
      const request = new vscode.TestRunRequest([(await tests()).item]);
      await testExplorer.testRuns.run(request, new vscode.CancellationTokenSource().token, 'debug');
    } finally {
      Object.assign(vscode.window, { showInformationMessage: original });
      Object.assign(vscode.extensions, { getExtension });
    }
    assert.match(said.join(), /Python Debugger \(ms-python\.debugpy\)/);
    assert.equal(recorded.runs.length, before);
  });

  it('is filled again by the next window from the reports alone', async () => {
    const { runs } = await access();
    await vscode.commands.executeCommand('sourcewright.approve', runId);
    await status(runId, 'published');
    await runs.close();
    await runs.scan();
    const begun: string[] = [];
    const listener = vscode.tasks.onDidStartTask(({ execution }) => begun.push(execution.task.name));
    const log = vscode.window.createOutputChannel('suite', { log: true });
    const dist = join(extension().extensionPath, 'dist');
    const next = new TestExplorer({ runs, runner: new TaskRunner(() => undefined), log, dist }, 'suite.next');
    try {
      await next.refresh();
      const found = next.connectors().find(({ connectorDir }) => connectorDir === connector);
      for (const { id } of report.cases) assert.ok(found?.itemOf(id), id);
      assert.deepEqual(begun, []);
    } finally {
      listener.dispose();
      next.dispose();
      log.dispose();
    }
  });
});

/** The run writes its view a moment after it stands still. */
async function settledEvidence(of: Parameters<typeof evidenceOf>[0]): Promise<string[]> {
  let before = evidenceOf(of);
  return until('the run to stop writing', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const now = evidenceOf(of);
    const same = now.join() === before.join();
    before = now;
    return same && now;
  });
}

/** Everything that says how a connector was tested, as bytes. */
function evidenceOf({ runDir, connectorDir }: { runDir: string; connectorDir: string | null }): string[] {
  const files = [runDir, connectorDir ?? ''].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'lock')
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  assert.ok(existsSync(join(connectorDir ?? '', 'tests', 'test_results.json')));
  return files
    .sort()
    .map((file) => `${file} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`);
}
