/** Comparing with snapshots, restoring them, and what is new at the gate code, by the commands that menus call. */
import { strict as assert } from 'node:assert';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { EditedAnswer } from '../../src/editor/snapshots/snapshots.ts';
import { lockHolder } from '../../src/store/lock.ts';
import { connectorLockPath } from '../../src/store/run-folders.ts';
import { type Snapshot, SnapshotStore } from '../../src/workspace/snapshots/index.ts';
import { access, extension, gate, generate, status, underWay, until, workspaceRoot } from './helpers.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

const EDITED = 'src/utils.py';

describe('snapshots in the editor', function () {
  this.timeout(300_000);
  // Each step rests on the one before it.
  restsOnTheLast();
  let runId = '';
  let connector = '';
  let original = '';

  const file = (path = EDITED): string => join(connector, path);
  const read = (path?: string): Promise<string> => readFile(file(path), 'utf8');
  const snapshots = (): Promise<Snapshot[]> => new SnapshotStore(workspaceRoot()).list(connector);
  const afterGenerate = async (): Promise<Snapshot> => {
    const found = (await snapshots()).find(
      (one) => one.runId === runId && one.stage === 'generate' && one.phase === 'after',
    );
    assert.ok(found, 'no snapshot after generate');
    return found;
  };
  const activeTab = (): vscode.Tab | undefined => vscode.window.tabGroups.activeTabGroup.activeTab;
  const tab = (label: RegExp): Promise<vscode.Tab> =>
    until(
      `a tab ${String(label)}`,
      () => {
        const active = activeTab();
        return active !== undefined && label.test(active.label) ? active : undefined;
      },
      60_000,
      () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((one) => one.label)),
    );
  /** Answers the question about edited files, and remembers what it was asked about. */
  const answering = (answer: EditedAnswer, asked: string[]): ((paths: readonly string[]) => EditedAnswer) => {
    return (paths) => {
      asked.push(...paths);
      return answer;
    };
  };

  before(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('are taken around Generate, and everything is new at the first gate code', async () => {
    runId = await generate({ name: 'to-compare', gates: { code: 'ask' } });
    connector = (await gate(runId, 'code')).connectorDir ?? '';
    original = await read();
    assert.deepEqual(
      (await snapshots()).map(({ stage, phase, files }) => [stage, phase, files.length > 0]),
      [
        ['generate', 'before', false],
        ['generate', 'after', true],
      ],
    );
    // It asks for the answer beside, and waits for it.
    const asked = vscode.commands.executeCommand('sourcewright.goToPendingApproval', runId);
    await tab(/^source-to-compare: everything is new \(\d+ files\)$/);
    await until('the code to be open', () =>
      vscode.workspace.textDocuments.some(({ uri }) => uri.fsPath === file('src/connector.py')),
    );
    await until('the question to close', async () => {
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      return Promise.race([asked.then(() => true), new Promise<false>((r) => setTimeout(r, 200, false))]);
    });
    assert.equal((await gate(runId, 'code')).status, 'waiting', 'it was answered');
  });

  it('offer themselves in the menus of the stages that write', async () => {
    const { pipelineTree } = await access();
    const menus = (
      extension().packageJSON as {
        contributes: { menus: Record<string, { command: string; when: string }[]> };
      }
    ).contributes.menus['view/item/context'];
    const offered = async (name: string): Promise<string[]> => {
      const node = (await pipelineTree.getChildren()).find(
        (one) => one.kind === 'stage' && one.stage === name,
      );
      assert.ok(node);
      const value = pipelineTree.getTreeItem(node).contextValue ?? '';
      const fits = (when: string): boolean =>
        new RegExp(/viewItem =~ \/(.*)\/$/.exec(when)?.[1] ?? '^$').test(value);
      const ours = /\.(compareWithSnapshot|restoreSnapshot|showCodeChanges)$/;
      const found = (menus ?? []).filter(({ command, when }) => ours.test(command) && fits(when));
      return [...new Set(found.map(({ command }) => command.replace('sourcewright.', '')))].sort();
    };
    assert.deepEqual(await offered('generate'), [
      'compareWithSnapshot',
      'restoreSnapshot',
      'showCodeChanges',
    ]);
    assert.deepEqual(await offered('test'), []);
    assert.deepEqual(await offered('research'), []);
  });

  it('open beside the file as it is now: the snapshot left, read-only, the file itself right', async () => {
    const { id } = await afterGenerate();
    await writeFile(file(), `${original}\n# My edit.\n`);
    await vscode.commands.executeCommand('sourcewright.compareWithSnapshot', runId, { snapshot: id });
    const { input } = await tab(/source-to-compare: After Generate ↔ now: src\/utils\.py/);
    assert.ok(input instanceof vscode.TabInputTextDiff);
    assert.equal(input.original.scheme, 'sourcewright-snapshot');
    assert.equal(input.modified.scheme, 'file');
    assert.equal(input.modified.fsPath, file());
    const left = await vscode.workspace.openTextDocument(input.original);
    assert.equal(left.getText(), original);
    assert.equal(left.languageId, 'python');
    assert.equal(vscode.workspace.fs.isWritableFileSystem(input.original.scheme) ?? false, false);
  });

  it('open all that differs in one editor', async () => {
    const { id } = await afterGenerate();
    await rm(file('CHANGELOG.md'));
    await writeFile(file('src/mine.py'), '# Mine.\n');
    await vscode.commands.executeCommand('sourcewright.compareWithSnapshot', runId, { snapshot: id });
    const { input } = await tab(/^source-to-compare: After Generate ↔ now/);
    assert.ok(!(input instanceof vscode.TabInputTextDiff), 'three files in a diff of one');
    await until('the new file in it', () =>
      vscode.workspace.textDocuments.some(({ uri }) => uri.fsPath === file('src/mine.py')),
    );
  });

  it('ask about what was edited since, keep it, and leave all alone on cancel', async () => {
    const { id } = await afterGenerate();
    const mine = await read();
    for (const answer of ['cancel', 'keep'] as const) {
      const asked: string[] = [];
      await vscode.commands.executeCommand('sourcewright.restoreSnapshot', runId, {
        snapshot: id,
        edited: answering(answer, asked),
      });
      assert.deepEqual(asked.sort(), ['CHANGELOG.md', 'src/mine.py', EDITED], answer);
      assert.equal(await read(), mine);
      await assert.rejects(read('CHANGELOG.md'), /ENOENT/);
    }
    assert.equal((await snapshots()).length, 2, 'something was done');
  });

  it('refuse while changes are not saved', async () => {
    const { id } = await afterGenerate();
    const document = await vscode.workspace.openTextDocument(file());
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 0), '# Not saved.\n');
    assert.ok(await vscode.workspace.applyEdit(edit));
    assert.ok(document.isDirty);
    const before = await read();
    const asked: string[] = [];
    await vscode.commands.executeCommand('sourcewright.restoreSnapshot', runId, {
      snapshot: id,
      edited: answering('overwrite', asked),
    });
    assert.deepEqual(asked, []);
    assert.equal(await read(), before);
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await until('the revert', () => !document.isDirty);
  });

  it('restore when told to, and bring back what that overwrote', async () => {
    const { id } = await afterGenerate();
    const mine = await read();
    await vscode.commands.executeCommand('sourcewright.restoreSnapshot', runId, {
      snapshot: id,
      edited: answering('overwrite', []),
    });
    assert.equal(await read(), original);
    assert.ok((await read('CHANGELOG.md')).length > 0);
    await assert.rejects(read('src/mine.py'), /ENOENT/);

    const undo = (await snapshots()).find(({ stage, phase }) => stage === 'restore' && phase === 'before');
    const asked: string[] = [];
    await vscode.commands.executeCommand('sourcewright.restoreSnapshot', runId, {
      snapshot: undo?.id,
      edited: answering('cancel', asked),
    });
    assert.deepEqual(asked, [], 'a restore was taken for an edit');
    assert.equal(await read(), mine);
    assert.equal(await read('src/mine.py'), '# Mine.\n');
  });

  it('tell at the next gate code what is new since the approval', async () => {
    await rm(file('src/mine.py'));
    await vscode.commands.executeCommand('sourcewright.restoreSnapshot', runId, {
      snapshot: (await afterGenerate()).id,
      edited: answering('overwrite', []),
    });
    await vscode.commands.executeCommand('sourcewright.approve', runId);
    await until('the snapshot before the tests', async () => {
      await underWay(runId);
      return (await snapshots()).some(({ stage }) => stage === 'test');
    });
    // While the tests run, nothing is restored under them.
    const changed = '# Changed while the tests run.\n';
    await writeFile(file('NOTES.md'), changed);
    await vscode.commands.executeCommand('sourcewright.restoreSnapshot', runId, {
      snapshot: (await afterGenerate()).id,
      edited: answering('overwrite', []),
    });
    assert.equal(await read('NOTES.md'), changed);
    await vscode.commands.executeCommand('sourcewright.cancelRun', runId);
    await status(runId, 'cancelled', 30_000);
    await rm(file('NOTES.md'));
    // On a slow machine the stage may be given up before its process has gone.
    const lock = connectorLockPath(workspaceRoot(), connector);
    await until('the folder to be free', async () => (await lockHolder(lock)) === undefined);

    const next = await generate({ name: 'to-compare', gates: { code: 'ask' } });
    await gate(next, 'code');
    await writeFile(file(), `${await read()}\n# New since then.\n`);
    await vscode.commands.executeCommand('sourcewright.showCodeChanges', next);
    await tab(/new since your approval at the gate code, \d{4}-/);
    await vscode.commands.executeCommand('sourcewright.reject', next, 'Only tried.');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
});
