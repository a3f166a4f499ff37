/** Commands as tasks: exit codes, the exact environment, time limit and cancel with the whole process tree. */
import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { TaskRunner } from '../../src/editor/task-runner.ts';
import type { Command } from '../../src/pipeline/contracts.ts';
import { alive, until, workspaceRoot } from './helpers.ts';

const runner = new TaskRunner(() => undefined);

function node(script: string, more: Partial<Command> = {}): Command {
  return {
    title: 'suite: node',
    file: process.execPath,
    args: ['-e', script],
    cwd: workspaceRoot(),
    env: { PATH: '/usr/bin:/bin' },
    timeoutMs: 20_000,
    ...more,
  };
}

const never = (): AbortSignal => new AbortController().signal;
const out = (name: string): string => join(workspaceRoot(), name);

/** Starts a child that outlives its parent unless it is ended with it, writes both ids down, then waits for ever. */
const FAMILY = `
  const { spawn } = require('node:child_process');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  require('node:fs').writeFileSync(process.argv[1], JSON.stringify([process.pid, child.pid]));
  setInterval(() => {}, 1000);`;

describe('commands as tasks', function () {
  this.timeout(60_000);

  it('give their exit code, good or bad', async () => {
    assert.deepEqual(await runner.run(node('process.exit(0)'), never()), { exitCode: 0, timedOut: false });
    assert.deepEqual(await runner.run(node('process.exit(3)'), never()), { exitCode: 3, timedOut: false });
  });

  it('see the stated environment and nothing of the editor’s', async () => {
    process.env['SUITE_SECRET'] = 'must not be seen';
    const file = out('environment.json');
    const script = `require('node:fs').writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.env))`;
    const env = { PATH: '/usr/bin:/bin', ONLY: 'a b="c" $HOME ${x}' };
    const { exitCode } = await runner.run(node(script, { env }), never());
    assert.equal(exitCode, 0);
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), env);
    delete process.env['SUITE_SECRET'];
  });

  it('get their arguments as they are, whatever a shell would make of them', async () => {
    const file = out('arguments.json');
    const script = `require('node:fs').writeFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)))`;
    const odd = ['a b', '$HOME', '"quoted"', "it's", '; exit 9', '*', ''];
    await runner.run(node(script, { args: ['-e', script, file, ...odd] }), never());
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), odd);
  });

  it('are ended at their time limit, with what they started', async () => {
    const file = out('limit.json');
    const command = node(FAMILY, { args: ['-e', FAMILY, file], timeoutMs: 2500 });
    const result = await runner.run(command, never());
    assert.deepEqual(result, { exitCode: null, timedOut: true });
    await allGone(file);
  });

  it('are ended when the run is cancelled, with what they started', async () => {
    const file = out('cancel.json');
    const cancel = new AbortController();
    const running = runner.run(node(FAMILY, { args: ['-e', FAMILY, file] }), cancel.signal);
    await until('the process', () => readFile(file, 'utf8').catch(() => undefined), 10_000);
    cancel.abort();
    assert.deepEqual(await running, { exitCode: null, timedOut: false });
    await allGone(file);
  });

  it('do not take the focus', async () => {
    const document = await vscode.workspace.openTextDocument({ content: 'typing here' });
    const editor = await vscode.window.showTextDocument(document);
    await runner.run(node('console.log("loud")'), never());
    assert.equal(vscode.window.activeTextEditor, editor);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('that can’t be started say so', async () => {
    const result = await runner.run(node('', { file: '/nowhere/python' }), never());
    assert.notEqual(result.exitCode, 0);
  });
});

async function allGone(file: string): Promise<void> {
  const pids = JSON.parse(await readFile(file, 'utf8')) as number[];
  assert.equal(pids.length, 2);
  await until(
    'the process tree to end',
    () => pids.every((pid) => !alive(pid)),
    10_000,
    () => pids.map(alive),
  );
}
