/** A whole run on a small description, with every gate answered by commands: what a person's keys and clicks end in. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { PipelineNode } from '../../src/editor/pipeline-nodes.ts';
import { reportUri } from '../../src/editor/reports/report-documents.ts';
import { Publication, Review, TestReport } from '../../src/pipeline/contracts.ts';
import { access, gate, generate, stage, status, underWay, until, viewOf, workspaceRoot } from './helpers.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

const ASK = {
  research: 'ask',
  code: 'ask',
  tests: 'ask',
  review: 'ask',
  draft: 'ask',
  publish: 'ask',
} as const;

/** Two faults that a review must find: one with an exact repair (ruff F401), one that takes thought. */
const FAULTS = `

import os


def swallow_everything(text: str) -> None:
    """Swallow whatever goes wrong."""
    try:
        int(text)
    except Exception:
        pass
`;

const ANSWER_FILE = 'src/utils.py';

describe('a run from description to publication', function () {
  this.timeout(300_000);
  // Each step rests on the one before it.
  restsOnTheLast();
  let runId = '';
  let connector = '';
  const taskEnds: { type: string; exitCode: number | undefined }[] = [];
  let listener: vscode.Disposable;

  before(() => {
    const git = (...words: string[]): void => {
      execFileSync('git', ['-C', workspaceRoot(), ...words], { stdio: 'ignore' });
    };
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'Suite');
    git('config', 'user.email', 'suite@example.invalid');
    git('add', 'library.openapi.yaml');
    git('commit', '-q', '-m', 'Start');
    listener = vscode.tasks.onDidEndTaskProcess((event) => {
      taskEnds.push({ type: event.execution.task.definition.type, exitCode: event.exitCode });
    });
  });
  after(() => {
    listener.dispose();
  });

  const node = async (name: string): Promise<PipelineNode> => {
    const { pipelineTree } = await access();
    const nodes = await pipelineTree.getChildren();
    const found = nodes.find((candidate) => candidate.kind === 'stage' && candidate.stage === name);
    assert.ok(found, `no node for ${name}`);
    return found;
  };
  const item = async (name: string): Promise<vscode.TreeItem> => {
    const { pipelineTree } = await access();
    return pipelineTree.getTreeItem(await node(name));
  };
  const iconOf = (of: vscode.TreeItem): string => (of.iconPath as vscode.ThemeIcon).id;

  it('stops at the research gate, asked once, with the brief in the tree', async () => {
    runId = await generate({ name: 'village-library', gates: ASK });
    await gate(runId, 'research');
    const { pipelineTree, runs, gates } = await access();
    assert.equal(runs.current()?.view.runId, runId);
    const research = await item('research');
    assert.equal(iconOf(research), 'bell-dot');
    assert.match(String(research.description), /^waiting for you · #1 · /);
    assert.match(research.contextValue ?? '', /^stage\.research\.waiting\.gate-research\.ours/);
    const children = await pipelineTree.getChildren(await node('research'));
    assert.ok(children.some((child) => child.kind === 'artifact' && child.label === 'brief.md'));
    assert.equal(gates.waiting().length, 1);
    assert.equal(iconOf(await item('generate')), 'circle-large-outline');
  });

  it('sends the run back to research with the person’s words', async () => {
    await vscode.commands.executeCommand('sourcewright.requestChanges', runId, 'Look at the loans again.');
    await until('the second attempt', async () => stage(await viewOf(runId), 'research').attempt === 2);
    const view = await gate(runId, 'research');
    assert.equal(stage(view, 'research').mode, 'REVISE');
    const journal = await readFile(join(view.runDir, 'journal.jsonl'), 'utf8');
    assert.match(journal, /Look at the loans again\./);
  });

  it('generates after the approval and stops at the code gate', async () => {
    await vscode.commands.executeCommand('sourcewright.approve', runId);
    const view = await gate(runId, 'code');
    connector = view.connectorDir ?? '';
    assert.equal(connector, join(workspaceRoot(), 'connectors', 'source-village-library'));
    assert.ok(existsSync(join(connector, 'src', 'connector.py')));
    assert.equal(iconOf(await item('research')), 'pass-filled');
    const { pipelineTree } = await access();
    const children = await pipelineTree.getChildren(await node('generate'));
    assert.ok(children.some((child) => child.kind === 'connector'));
  });

  it('runs pytest as a task, reads its exit code and leaves the keyboard where it is', async () => {
    // What a person might have added by hand before they approve the code.
    const path = join(connector, ANSWER_FILE);
    await writeFile(path, (await readFile(path, 'utf8')).trimEnd() + FAULTS);
    const document = await vscode.workspace.openTextDocument(join(workspaceRoot(), 'library.openapi.yaml'));
    const editor = await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('sourcewright.approve', runId);
    const view = await gate(runId, 'tests');
    assert.deepEqual(taskEnds.at(-1), { type: 'sourcewright', exitCode: 0 });
    const { exitCode, verdict, passed, failed, errors } = TestReport.parse(
      JSON.parse(await readFile(join(view.runDir, 'test-report.json'), 'utf8')),
    );
    assert.deepEqual(
      { exitCode, verdict, failed, errors },
      { exitCode: 0, verdict: 'passed', failed: 0, errors: 0 },
    );
    assert.ok(passed > 10, `only ${passed} tests passed`);
    assert.equal(vscode.window.activeTextEditor, editor, 'the run took the focus');
  });

  it('shows the test report as Markdown that can’t be written to', async () => {
    const { runDir } = await viewOf(runId);
    const uri = reportUri(join(runDir, 'test-report.json'));
    const document = await vscode.workspace.openTextDocument(uri);
    assert.equal(document.languageId, 'markdown');
    assert.match(document.getText(), /^# Tests: passed/);
    assert.notEqual(vscode.workspace.fs.isWritableFileSystem(uri.scheme), true);
  });

  it('shows the findings as comment threads', async () => {
    await vscode.commands.executeCommand('sourcewright.approve', runId);
    await gate(runId, 'review');
    const { findings, pipelineTree } = await access();
    const shown = await until('threads', () => (findings.shown().length >= 2 ? findings.shown() : undefined));
    shown.forEach(({ thread }, index) => {
      assert.ok(thread.label?.startsWith(`Finding ${index + 1} of ${shown.length} · `), thread.label);
      assert.equal(thread.canReply, true);
    });
    assert.ok(shown.some(({ finding }) => finding.suggestion !== undefined));
    const nodes = await pipelineTree.getChildren(await node('review'));
    assert.equal(nodes.filter((child) => child.kind === 'finding').length, shown.length);
  });

  it('accepts a suggestion as one step that one undo takes back', async () => {
    const { findings } = await access();
    const target = findings.shown().find(({ finding }) => finding.suggestion !== undefined);
    assert.ok(target?.finding.suggestion);
    const file = vscode.Uri.file(join(connector, target.finding.suggestion.range.file));
    const document = await vscode.workspace.openTextDocument(file);
    const editor = await vscode.window.showTextDocument(document);
    const before = document.getText();
    await vscode.commands.executeCommand('sourcewright.acceptFinding', target.thread);
    assert.notEqual(document.getText(), before);
    // The disk has it; the editor tells its extensions a moment later.
    assert.equal(await readFile(file.fsPath, 'utf8'), document.getText(), 'the change was not saved');
    await until('the editor to say that it is saved', () => !document.isDirty, 10_000);
    assert.match(target.thread.label ?? '', /suggestion applied/);
    assert.equal((await ledger()).answers.find((a) => a.finding === target.finding.id)?.answer, 'applied');

    await vscode.window.showTextDocument(editor.document);
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), before, 'one undo did not take it back');
    await vscode.commands.executeCommand('redo');
    await document.save();
    assert.notEqual(document.getText(), before);
  });

  it('rejects a finding with the reason in the ledger', async () => {
    const { findings } = await access();
    const open = findings.shown().filter(({ answer }) => answer === undefined);
    const [target] = open;
    assert.ok(target);
    await vscode.commands.executeCommand('sourcewright.rejectFinding', target.thread, 'Meant to be so.');
    const answer = (await ledger()).answers.find(({ finding }) => finding === target.finding.id);
    assert.deepEqual(answer && { answer: answer.answer, reason: answer.reason }, {
      answer: 'rejected',
      reason: 'Meant to be so.',
    });
    assert.match(target.thread.label ?? '', /rejected/);
    for (const { thread } of open.slice(1)) {
      await vscode.commands.executeCommand('sourcewright.rejectFinding', thread, 'Not now.');
    }
  });

  it('goes on after the review, tests again and publishes on a branch', async () => {
    await vscode.commands.executeCommand('sourcewright.finishReview', runId);
    const seen = new Set<string>();
    await until(
      'the publish gate',
      async () => {
        const view = await underWay(runId);
        if (view.status === 'waiting' && view.gate !== null && view.gate !== 'publish') {
          const key = `${view.gate} ${view.stages.map(({ attempt }) => attempt).join()}`;
          if (!seen.has(key)) {
            seen.add(key);
            if (view.gate === 'review') await rejectAll();
            const finish = view.gate === 'review' ? 'finishReview' : 'approve';
            await vscode.commands.executeCommand(`sourcewright.${finish}`, runId);
          }
        }
        return view.status === 'waiting' && view.gate === 'publish';
      },
      240_000,
    );
    await vscode.commands.executeCommand('sourcewright.approve', runId);
    const view = await status(runId, 'published');
    const publication = Publication.parse(
      JSON.parse(await readFile(join(view.runDir, 'publication.json'), 'utf8')),
    );
    assert.equal(publication.branch, 'connector/village-library');
    assert.ok(publication.wheel !== null && existsSync(publication.wheel));
    for (const name of ['research', 'generate', 'test', 'diagnose', 'review', 'publish']) {
      assert.equal(iconOf(await item(name)), 'pass-filled', name);
    }
    const { gates, findings } = await access();
    assert.equal(gates.waiting().length, 0);
    assert.equal(findings.shown().length, 0, 'threads stay behind after the review');
    assert.match(await readFile(join(connector, ANSWER_FILE), 'utf8'), /swallow_everything/);
    assert.doesNotMatch(await readFile(join(connector, ANSWER_FILE), 'utf8'), /^import os$/m);
  });

  const ledger = async (): Promise<Review> => {
    const { runDir } = await viewOf(runId);
    return Review.parse(JSON.parse(await readFile(join(runDir, 'review.json'), 'utf8')));
  };
  const rejectAll = async (): Promise<void> => {
    const { findings } = await access();
    await until('threads', () => findings.shown().length > 0);
    for (const { thread, answer } of findings.shown()) {
      if (answer === undefined) {
        await vscode.commands.executeCommand('sourcewright.rejectFinding', thread, 'Not now.');
      }
    }
  };
});
