/** Cancel, the window's end, reruns by hand, and input that can't be used. */
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { access, gate, generate, stage, status, underWay, until, viewOf, workspaceRoot } from './helpers.ts';

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

  it('is listed newest first, and Rerun Tests runs one stage by hand', async () => {
    const { runs, runsTree } = await access();
    const listed = runsTree.getChildren();
    assert.ok(listed.length >= 2);
    const times = runs.entries().map(({ view }) => view.startedAt);
    assert.deepEqual(times, [...times].sort().reverse());
    const newest = listed[0];
    assert.ok(newest);
    const before = stage(await viewOf(newest), 'test').attempt;
    await vscode.commands.executeCommand('sourcewright.rerunTests', newest);
    const view = await viewOf(newest);
    assert.equal(stage(view, 'test').attempt, before + 1);
    assert.equal(stage(view, 'test').mode, 'RERUN');
    assert.equal(view.status, 'published', 'a stage by hand changed where the run stands');
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

  it('refuses a name that would leave its folder', async () => {
    const runId = await vscode.commands.executeCommand('sourcewright.generateConnector', {
      location: join(workspaceRoot(), 'library.openapi.yaml'),
      name: '../escape',
    });
    assert.equal(runId, undefined);
    assert.equal(existsSync(join(workspaceRoot(), 'source-escape')), false);
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
