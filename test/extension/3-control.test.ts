/** Cancel, the window's end, reruns by hand, and input that can't be used. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as vscode from 'vscode';
import {
  access,
  alive,
  extension,
  gate,
  generate,
  library,
  stage,
  status,
  underWay,
  until,
  viewOf,
  workspaceRoot,
} from './helpers.ts';

describe('a run under way', function () {
  this.timeout(300_000);

  it('is cancelled in the middle of its tests, with the process gone and the files kept', async () => {
    const started: number[] = [];
    const listener = vscode.tasks.onDidStartTaskProcess((event) => {
      started.push(event.processId);
    });
    try {
      const runId = await generate({ name: 'to-cancel' });
      await until(
        'the test task',
        async () => {
          await underWay(runId);
          return started.length > 0;
        },
        180_000,
        () => started,
      );
      await vscode.commands.executeCommand('sourcewright.cancelRun', runId);
      const view = await status(runId, 'cancelled', 30_000);
      assert.notEqual(stage(view, 'test').state, 'running');
      await until('the process to end', () => started.every((pid) => !alive(pid)), 15_000);
      assert.ok(existsSync(join(workspaceRoot(), 'connectors', 'source-to-cancel', 'src')));
    } finally {
      listener.dispose();
    }
  });

  it('waits again after the window has let go of it, and goes on only when asked', async () => {
    const { runs, findings } = await access();
    const runId = await generate({ name: 'to-resume', gates: { research: 'ask' } });
    await gate(runId, 'research');
    await runs.close();
    await runs.scan();
    const found = runs.entry(runId);
    assert.equal(found?.access, 'closed');
    assert.equal(found.view.status, 'waiting');
    assert.equal(found.view.gate, 'research');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal((await viewOf(runId)).status, 'waiting', 'it went on by itself');

    await vscode.commands.executeCommand('sourcewright.approve', runId);
    const view = await status(runId, 'published');
    assert.equal(stage(view, 'research').attempt, 1, 'research was paid for twice');
    assert.equal(findings.shown().length, 0);
  });

  it('that somebody else began is driven once the person takes it on, which they are asked for', async () => {
    const { runs } = await access();
    const runId = await generate({ name: 'to-adopt', gates: { research: 'ask', code: 'ask' } });
    const { runDir } = await gate(runId, 'research');
    await runs.close();
    const journal = (): string => readFileSync(join(runDir, 'journal.jsonl'), 'utf8');
    const before = journal();
    const asked: string[] = [];
    let answer: string | undefined;
    const original = vscode.window.showWarningMessage;
    const spy = (text: string): Promise<string | undefined> => {
      asked.push(text);
      return Promise.resolve(answer);
    };
    Object.assign(vscode.window, { showWarningMessage: spy });
    const home = process.env['SOURCEWRIGHT_STATE'];
    process.env['SOURCEWRIGHT_STATE'] = join(workspaceRoot(), 'home of another');
    try {
      await vscode.commands.executeCommand('sourcewright.approve', runId);
      await vscode.commands.executeCommand('sourcewright.runAgain', runId);
      await vscode.commands.executeCommand('sourcewright.rerunTests', runId);
      assert.equal(journal(), before, 'it was driven without the person’s word');
      assert.equal(asked.length, 3);
      assert.match(asked.join(), /not begun by you/);
      answer = 'Take It On';
      await vscode.commands.executeCommand('sourcewright.approve', runId);
      await gate(runId, 'code');
      await vscode.commands.executeCommand('sourcewright.reject', runId, '');
      await status(runId, 'cancelled');
      assert.equal(asked.length, 4, 'it was asked again about a run that was taken on');
    } finally {
      Object.assign(vscode.window, { showWarningMessage: original });
      if (home === undefined) delete process.env['SOURCEWRIGHT_STATE'];
      else process.env['SOURCEWRIGHT_STATE'] = home;
    }
  });

  it('is read only while another process works on it, and free again when that has gone', async () => {
    const { runs, runsTree, pipelineTree, gates } = await access();
    const runId = await generate({ name: 'to-share', gates: { research: 'ask' } });
    const { runDir } = await gate(runId, 'research');
    await runs.close();
    const other = await openElsewhere(runDir);
    try {
      await until('the lock to be seen', () => runs.entry(runId)?.access === 'locked', 10_000);
      const entry = runs.entry(runId);
      assert.match(entry?.holder ?? '', new RegExp(`process ${String(other.pid)}\\b`));
      assert.match(runsTree.getTreeItem(runId).contextValue ?? '', /\.locked/);
      const [first] = await pipelineTree.getChildren();
      assert.ok(first);
      assert.match(pipelineTree.getTreeItem(first).contextValue ?? '', /\.locked/);
      assert.deepEqual(gates.waiting(), [], 'it asks about a run that is answered elsewhere');
      await assert.rejects(runs.open(runId), /in use by process/);
      assert.equal((await viewOf(runId)).status, 'waiting');
    } finally {
      other.kill('SIGKILL');
    }
    await until('the other process to end', () => other.exitCode !== null || other.signalCode !== null);
    await runs.scan();
    assert.equal(runs.entry(runId)?.access, 'closed');
    await vscode.commands.executeCommand('sourcewright.reject', runId, 'Only tried.');
    assert.equal((await viewOf(runId)).status, 'cancelled');
  });

  it('starts anew with the same answers', async () => {
    const { runs } = await access();
    const before = runs.current()?.view.runId;
    await vscode.commands.executeCommand('sourcewright.runAgain', before);
    const after = runs.current()?.view;
    assert.notEqual(after?.runId, before);
    assert.equal((await gate(after?.runId ?? '', 'research')).connectorName, 'to-share');
    await vscode.commands.executeCommand('sourcewright.cancelRun', after?.runId);
    await until('its end', async () => (await viewOf(after?.runId ?? '')).status === 'cancelled');
  });

  it('is listed newest first, and Rerun Tests runs one stage by hand', async () => {
    const { runs, runsTree } = await access();
    const listed = runsTree.getChildren();
    assert.ok(listed.length >= 2);
    const times = runs.entries().map(({ view }) => view.startedAt);
    assert.deepEqual(times, [...times].sort().reverse());
    const newest = listed.find((runId) => runs.entry(runId)?.view.status === 'published');
    assert.ok(newest);
    const before = stage(await viewOf(newest), 'test').attempt;
    await vscode.commands.executeCommand('sourcewright.rerunTests', newest);
    const view = await viewOf(newest);
    assert.equal(stage(view, 'test').attempt, before + 1);
    assert.equal(stage(view, 'test').mode, 'RERUN');
    assert.equal(view.status, 'published', 'a stage by hand changed where the run stands');
  });

  it('pauses with the cure where Python is missing, and goes on once that is mended', async () => {
    const settings = vscode.workspace.getConfiguration('sourcewright');
    const setPython = (path: string | undefined): Thenable<void> =>
      settings.update('pythonPath', path, vscode.ConfigurationTarget.Global);
    await setPython('/nowhere/python3');
    try {
      const runId = await generate({ name: 'to-mend' });
      const paused = await until('the pause', async () => {
        const view = await viewOf(runId);
        return view.status === 'paused' && view;
      });
      assert.equal(paused.pause?.cause, 'environment');
      assert.match(`${paused.pause.message} ${paused.pause.cure}`, /python/i);
      await setPython(undefined);
      await vscode.commands.executeCommand('sourcewright.resume', runId);
      await until('it to go on', async () => {
        const view = await underWay(runId);
        return stage(view, 'test').state === 'running';
      });
      await vscode.commands.executeCommand('sourcewright.cancelRun', runId);
      await status(runId, 'cancelled');
    } finally {
      await setPython(undefined);
    }
  });

  it('fails in words where the description can’t be read, with nothing half-written', async () => {
    const runId = await generate({
      location: join(workspaceRoot(), 'broken-page.yaml'),
      name: 'broken-page',
    });
    const view = await status(runId, 'failed', 30_000);
    assert.equal(view.error?.code, 'input');
    assert.match(view.error.message, /HTML|not an OpenAPI/i);
    assert.equal(existsSync(join(workspaceRoot(), 'connectors', 'source-broken-page')), false);
  });

  it('researches by the name of an API and by a page of documentation', async () => {
    const api = createServer((request, response) => {
      if (request.url === '/openapi.yaml') response.end(readFileSync(library()));
      else response.setHeader('content-type', 'text/html').end('<a href="/openapi.yaml">OpenAPI</a>');
    }).listen(0, '127.0.0.1');
    await once(api, 'listening');
    try {
      const page = `http://127.0.0.1:${(api.address() as AddressInfo).port}/docs`;
      for (const given of [
        { kind: 'name', location: 'Village Library' },
        { kind: 'docs', location: page },
      ] as const) {
        const runId = await generate({ ...given, gates: { research: 'ask' } });
        assert.equal((await gate(runId, 'research')).connectorName, 'village-library', given.kind);
        await vscode.commands.executeCommand('sourcewright.cancelRun', runId);
        await status(runId, 'cancelled');
      }
    } finally {
      api.close();
    }
  });

  it('refuses a name that would leave its folder', async () => {
    const runId = await vscode.commands.executeCommand('sourcewright.generateConnector', {
      location: join(workspaceRoot(), 'library.openapi.yaml'),
      name: '../escape',
    });
    assert.equal(runId, undefined);
    assert.equal(existsSync(join(workspaceRoot(), 'source-escape')), false);
  });
});

/** Another process that opens the run, as a second window or a terminal does; settles when it holds it. */
async function openElsewhere(runDir: string): Promise<ReturnType<typeof spawn>> {
  const engine = join(extension().extensionPath, 'dist', 'engine.cjs');
  const script = `require(${JSON.stringify(engine)})
    .openRun(${JSON.stringify(runDir)}, { stages: () => ({}), now: () => new Date(), log: () => {} })
    .then(() => { console.log('open'); setInterval(() => {}, 1000); });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => {
      resolve();
    });
    child.once('exit', () => {
      reject(new Error('the other process ended early'));
    });
  });
  return child;
}
