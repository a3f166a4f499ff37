/** The review's findings in panel, threads and ledger: one answer shows everywhere, threads follow their lines, words are kept. */
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { applySuggestions } from '../../src/editor/findings/apply-suggestion.ts';
import { textOf } from '../../src/editor/findings/finding-texts.ts';
import { reviewPanel } from '../../src/editor/panels/review-panel.ts';
import { Discussion, Review } from '../../src/pipeline/contracts.ts';
import type { TestAccess } from '../../src/editor/test-access.ts';
import { access, extension, gate, generate, until, viewOf, workspaceRoot } from './helpers.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

const FAULTS = `

import os
import shelve


def swallow_everything(text: str) -> None:
    """Swallow whatever goes wrong."""
    try:
        int(text)
    except Exception:
        pass
`;

type Shown = ReturnType<TestAccess['findings']['shown']>[number];

describe('the findings of a review', function () {
  this.timeout(300_000);
  // Each step rests on the one before it.
  restsOnTheLast();
  let runId = '';
  let connector = '';

  before(async () => {
    runId = await generate({ name: 'to-review', gates: { code: 'ask', review: 'ask' } });
    connector = (await gate(runId, 'code')).connectorDir ?? '';
    const path = join(connector, 'src', 'utils.py');
    await writeFile(path, (await readFile(path, 'utf8')).trimEnd() + FAULTS);
    await vscode.commands.executeCommand('sourcewright.approve', runId);
    await gate(runId, 'review');
    await shownAbout('shelve');
  });

  const shownAbout = async (words: string): Promise<Shown> => {
    const { findings } = await access();
    return until(`a thread about ${words}`, () =>
      findings.shown().find(({ finding }) => finding.message.includes(words)),
    );
  };
  const panel = async (action: Parameters<ReturnType<typeof reviewPanel>['act']>[0]): Promise<void> => {
    const services = await access();
    const entry = services.runs.entry(runId);
    assert.ok(entry);
    await reviewPanel(services).act(action, entry);
  };
  const artifact = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join((await viewOf(runId)).runDir, name), 'utf8')) as unknown;
  const linesAt = (document: vscode.TextDocument, { thread }: Shown): string =>
    document.lineAt(thread.range?.start.line ?? 0).text;

  it('follow their lines through edits above, saves and letting go', async () => {
    const file = vscode.Uri.file(join(connector, 'src', 'utils.py'));
    const document = await vscode.workspace.openTextDocument(file);
    const shelve = await shownAbout('shelve');
    const before = shelve.thread.range?.start.line ?? 0;
    assert.equal(linesAt(document, shelve), 'import shelve');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(file, new vscode.Position(0, 0), '# one\n# two\n# three\n');
    await vscode.workspace.applyEdit(edit);
    await until('the thread to move', () => shelve.thread.range?.start.line === before + 3, 10_000);
    await document.save();
    assert.equal(linesAt(document, shelve), 'import shelve');

    const { runs, findings } = await access();
    await runs.close();
    await runs.scan();
    await findings.refreshed();
    const again = await shownAbout('shelve');
    assert.equal(linesAt(document, again), 'import shelve', 'lost over a reload');
    assert.match(again.thread.label ?? '', /^Finding \d+ of \d+ · /);
  });

  it('say so when their lines are gone, and find them again', async () => {
    const file = vscode.Uri.file(join(connector, 'src', 'utils.py'));
    const document = await vscode.workspace.openTextDocument(file);
    const shelve = await shownAbout('shelve');
    const line = shelve.thread.range?.start.line ?? 0;
    const edit = new vscode.WorkspaceEdit();
    edit.replace(file, document.lineAt(line).range, 'import shelves');
    await vscode.workspace.applyEdit(edit);
    await until(
      'the thread to say so',
      () => shelve.thread.label?.includes('changed since the review'),
      10_000,
    );
    const back = new vscode.WorkspaceEdit();
    back.replace(file, document.lineAt(line).range, 'import shelve');
    await vscode.workspace.applyEdit(back);
    await until('the thread to be sure', () => !shelve.thread.label?.includes('changed'), 10_000);
    await document.save();
  });

  it('keep a reply with an answer by the rule, in the thread and in the run', async () => {
    const { thread, finding } = await shownAbout('shelve');
    const text = 'Is it not needed? <b>really</b>';
    await vscode.commands.executeCommand('sourcewright.replyToFinding', { thread, text });
    const { remarks } = Discussion.parse(await artifact('discussion.json'));
    assert.deepEqual(
      remarks.map(({ finding: about, by }) => [about, by]),
      [
        [finding.id, 'person'],
        [finding.id, 'sourcewright'],
      ],
    );
    assert.equal(remarks[0]?.text, text);
    assert.match(remarks[1]?.text ?? '', /^ruff’s rule F401, unused-import: /);
    assert.deepEqual(
      thread.comments.slice(1).map(({ author }) => author.name),
      ['You', 'Sourcewright'],
    );
    const { runs, findings } = await access();
    await runs.close();
    await runs.scan();
    await findings.refreshed();
    assert.equal((await shownAbout('shelve')).thread.comments.length, 3, 'lost over a reload');
  });

  it('show an answer of the panel in the thread, and the thread’s in the ledger', async () => {
    const shelve = await shownAbout('shelve');
    await panel({ type: 'reject', finding: shelve.finding.id, reason: 'Meant to be so.' });
    assert.match(shelve.thread.label ?? '', /rejected/);
    assert.equal(shelve.thread.state, vscode.CommentThreadState.Resolved);

    const unused = await shownAbout('`os`');
    const document = await vscode.workspace.openTextDocument(unused.thread.uri);
    await vscode.commands.executeCommand('sourcewright.acceptFinding', unused.thread);
    assert.match(unused.thread.label ?? '', /suggestion applied/);
    assert.doesNotMatch(document.getText(), /^import os$/m);
    assert.match(document.getText(), /^import shelve$/m);
    const { answers } = Review.parse(await artifact('review.json'));
    assert.deepEqual(answers.map(({ answer, reason }) => [answer, reason]).sort(), [
      ['applied', undefined],
      ['rejected', 'Meant to be so.'],
    ]);
    // After an accept the next open finding is shown.
    const { findings } = await access();
    const open = findings.shown().filter(({ answer }) => answer === undefined);
    const at = vscode.window.activeTextEditor?.selection.active.line;
    assert.ok(open.some(({ thread }) => thread.range?.start.line === at));
  });

  it('show an answer that was given in a terminal, in thread and panel', async () => {
    const services = await access();
    // What nobody drives here is free for others.
    await services.runs.close();
    await services.runs.scan();
    const { finding } = await shownAbout('as if nothing had happened');
    const words = [
      join(extension().extensionPath, 'dist', 'cli.mjs'),
      'answer',
      runId,
      `${finding.id}=reject`,
    ];
    await promisify(execFile)(process.execPath, [...words, '--workspace', workspaceRoot()]);
    const shown = await until(
      'the thread to show it',
      () =>
        services.findings.shown().find((one) => one.finding.id === finding.id && one.answer !== undefined),
      20_000,
    );
    assert.match(shown.thread.label ?? '', /rejected/);
    assert.equal(shown.thread.state, vscode.CommentThreadState.Resolved);
    const review = await services.runs.review(runId);
    assert.equal(review?.answers.find((one) => one.finding === finding.id)?.answer, 'rejected');
  });

  it('neither read nor edit a file outside of the connector, by whatever name', async () => {
    const outside = join(connector, '..', 'outside.py');
    await writeFile(outside, 'secret = 1\n');
    await symlink(outside, join(connector, 'src', 'linked.py'));
    await symlink(join(connector, '..'), join(connector, 'above'));
    try {
      for (const file of [
        '../outside.py',
        'src/../../outside.py',
        outside,
        'src/linked.py',
        'above/outside.py',
      ]) {
        const range = { file, startLine: 1, endLine: 1 };
        const suggestion = { range, before: 'secret = 1', after: 'secret = 2', title: 'Take it' };
        assert.equal(await textOf(connector, file), undefined, file);
        assert.deepEqual(await applySuggestions(connector, [{ suggestion, at: 1 }]), [false], file);
      }
      assert.equal(await readFile(outside, 'utf8'), 'secret = 1\n');
      const opened = vscode.workspace.textDocuments.map(({ uri }) => uri.fsPath);
      assert.ok(
        opened.every((path) => !/outside\.py|linked\.py/.test(path)),
        opened.join('\n'),
      );
      const inside = { file: 'src/utils.py', startLine: 1, endLine: 1 };
      assert.ok(((await textOf(connector, inside.file)) ?? '') !== '');
    } finally {
      for (const path of [outside, join(connector, 'src', 'linked.py'), join(connector, 'above')])
        await rm(path);
    }
  });

  it('refuse a finding that there is not', async () => {
    await assert.rejects(panel({ type: 'accept', finding: 'nothing' }), /no such finding/);
    await vscode.commands.executeCommand('sourcewright.cancelRun', runId);
  });
});
