/**
 * A person's whole day by clicks: changes requested at two gates, a claim corrected, findings accepted, undone and rejected, an
 * improvement, published; then a second run whose window is reloaded, while it waits and while it works; a third is rejected.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { Brief, type Review } from '../../src/pipeline/contracts.ts';
import { PanelWindow } from './panel-window.ts';

/** What a person might add by hand. Ruff can take the two imports out by itself, but not mend the functions. */
const FAULTS = `

import os
import shelve


def swallow_everything(text: str) -> None:
    """Swallow whatever goes wrong."""
    try:
        int(text)
    except Exception:
        pass


def work_out(text: str) -> object:
    """Work out what the text says."""
    return eval(text)
`;

/** A machine that is busy with something else may need this long for a step. */
const STEP_MS = 180_000;

describe('a whole story by clicks', function () {
  this.timeout(400_000);
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('whole-story', { 'sourcewright.gates.code': 'ask' });
    story.window.page.setDefaultTimeout(60_000);
    const git = (...words: string[]): void => {
      execFileSync('git', ['-C', story.workspace, ...words], { stdio: 'ignore' });
    };
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'E2E');
    git('config', 'user.email', 'e2e@example.invalid');
    git('add', 'library.openapi.yaml');
    git('commit', '-q', '-m', 'Start');
    await story.load();
    await story.window.activity('Sourcewright').click();
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  const button = (name: string | RegExp): Locator =>
    story.window.webview.getByRole('button', { name, exact: true });
  const text = (words: string | RegExp): Locator => story.window.webview.getByText(words).first();
  const tab = (name: string | RegExp): Locator => story.window.page.getByRole('tab', { name }).first();
  const utils = (connector: string): string =>
    join(story.workspace, 'connectors', connector, 'src', 'utils.py');
  const addFaults = async (connector: string): Promise<void> => {
    const file = utils(connector);
    await writeFile(file, (await readFile(file, 'utf8')).trimEnd() + FAULTS);
  };
  const inRun = async (name: string): Promise<string> => readFile(join(await story.runDir(), name), 'utf8');
  const ledger = async (): Promise<Review> => JSON.parse(await inRun('review.json')) as Review;
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + 60_000;
    while (!(await holds())) {
      assert.ok(Date.now() < deadline, `waited in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  it('begins with a description', async () => {
    const { window } = story;
    await window.command('Generate Connector');
    await window.waitForStep('what describes the API?');
    await window.quickRow('library.openapi.yaml').click();
    await window.waitForStep('its name');
    await window.page.keyboard.press('Enter');
    await window.waitForStep('engine');
    await window.page.keyboard.press('Enter');
    await window.waitForStep('streams of Village Library');
    await window.page.keyboard.press('Enter');
    await window.answerToast('research is ready to approve', 'Look and Decide');
    await window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
  });

  it('sends the research back with words, from its panel', async () => {
    await button('Request Changes…').click();
    const words = story.window.webview.getByLabel(/^What should be different/);
    await words.fill('Say which streams can be read incrementally.');
    await story.window.screenshot('words');
    await button('Request These Changes').click();
    await story.window.treeItem(/^Research: waiting.*REVISE · #2/).waitFor({ timeout: STEP_MS });
    assert.match(await inRun('journal.jsonl'), /"gate":"research".*"feedback":"Say which streams/);
    await until(
      'the words are gone, for they were given',
      async () => (await words.count()) === 0 || (await words.inputValue()) === '',
    );
  });

  it('corrects a claim there and approves', async () => {
    await button('Correct: Key of books').click();
    await story.window.webview.getByLabel('Key field', { exact: true }).fill('title');
    await text('Draft: title').waitFor();
    await story.inAllThemes('correction');
    await button('Apply and Approve').click();
    await story.window.treeItem(/^Generate: waiting/).waitFor({ timeout: STEP_MS });
    const { blueprint } = Brief.parse(JSON.parse(await inRun('brief.json')));
    assert.deepEqual(blueprint.streams.find(({ name }) => name === 'books')?.primaryKey, [['title']]);
  });

  it('requests changes of the code, from the status bar', async () => {
    const { window } = story;
    await window.statusBar('Approve?').click();
    await window.quickRow('Request Changes').waitFor();
    await story.inAllThemes('code-gate');
    await window.quickRow('Request Changes').click();
    await window.quickMessage('What should be different?').waitFor();
    await window.quickInput.fill('Give the helper functions longer names.');
    await window.confirm();
    await window.treeItem(/^Generate: waiting.*IMPROVE · #2/).waitFor({ timeout: STEP_MS });
    await addFaults('source-village-library');
    await window.treeAction(/^Generate: waiting/, 'Approve');
  });

  it('takes an exact suggestion as one edit that can be undone', async () => {
    const { window } = story;
    const file = utils('source-village-library');
    await window.toast('Findings of the review').waitFor({ timeout: STEP_MS });
    await window.answerToast('Findings of the review', 'Go to Findings');
    await window.page.locator('.review-widget').first().waitFor();
    await window.treeItem(/^os imported but unused/).click();
    const unused = window.thread('os imported but unused').or(window.thread('`os` imported')).first();
    await unused.waitFor();
    await story.inAllThemes('finding');
    const before = await readFile(file, 'utf8');
    await window.threadAction(unused, 'Accept Finding').click();
    await window.treeItem(/^os imported but unused.*applied/).waitFor();
    const after = await readFile(file, 'utf8');
    assert.equal(after, before.replace('import os\n', ''));
    await tab('utils.py').click();
    await window.page.keyboard.press('Control+z');
    await window.page.keyboard.press('Control+s');
    await until('the edit is undone in one step', async () => (await readFile(file, 'utf8')) === before);
    await window.page.keyboard.press('Control+Shift+z');
    await window.page.keyboard.press('Control+s');
    await until('the edit is made again', async () => (await readFile(file, 'utf8')) === after);
  });

  /** Rejects from the tree, without a reason: Enter alone. */
  const rejectTheRest = async (): Promise<void> => {
    const { window } = story;
    const open = window.page.getByRole('treeitem', { name: /, open finding$/ });
    for (let left = await open.count(); left > 0; left = await open.count()) {
      await open.first().hover();
      await open.first().getByRole('button', { name: 'Reject Finding' }).click();
      await window.quickMessage('Reject the finding').waitFor();
      await window.confirm();
      await open.nth(left - 1).waitFor({ state: 'detached' });
    }
  };

  it('rejects a finding with a reason, and sends another to the improvement', async () => {
    const { window } = story;
    await window.treeItem(/^try-except-pass/).click();
    await window.threadAction(window.thread('consider logging'), 'Reject Finding').click();
    await window.quickMessage('Reject the finding').waitFor();
    await window.quickInput.fill('Meant to be so');
    await window.confirm();
    await window.treeItem(/^try-except-pass.*rejected/).waitFor();
    await window.treeItem(/insecure function/).hover();
    await window
      .treeItem(/insecure function/)
      .getByRole('button', { name: 'Accept Finding' })
      .click();
    await window.treeItem(/insecure function.*accepted/).waitFor();
    await rejectTheRest();
    const { findings, answers } = await ledger();
    const answerTo = (words: RegExp): string | undefined =>
      answers.find((one) => words.test(findings.find(({ id }) => id === one.finding)?.message ?? ''))?.answer;
    assert.equal(answerTo(/os.? imported/), 'applied');
    assert.equal(answerTo(/^try-except-pass|consider logging/), 'rejected');
    assert.equal(answerTo(/insecure function/), 'accepted');
    assert.ok(answers.some(({ reason }) => reason === 'Meant to be so'));
  });

  it('improves, tests again and reviews again: what was rejected is not asked twice', async () => {
    const { window } = story;
    await window.treeAction(/^Review: waiting/, 'Finish Review');
    await window.treeItem(/^Review: waiting.*#2/).waitFor({ timeout: STEP_MS });
    await window.treeItem(/^Generate: done.*IMPROVE · #3/).waitFor();
    await window.treeItem(/^Test: done.*RERUN · #2/).waitFor();
    await window.treeItem(/^try-except-pass.*rejected/).waitFor();
    await window.treeItem(/insecure function.*open finding/).waitFor();
    await window.command('Show Run');
    await window.webview.getByRole('img', { name: /review cycles 1 of 2/ }).waitFor();
    await story.inAllThemes('second-review');
    await rejectTheRest();
    await window.treeAction(/^Review: waiting/, 'Finish Review');
  });

  it('publishes on a branch of its own', async () => {
    const { window } = story;
    await window.statusBar('Publish?').waitFor({ timeout: STEP_MS });
    await window.statusBar('Publish?').click();
    await window.quickRow('Publish').click();
    await window.treeItem(/^Publish: done/).waitFor({ timeout: STEP_MS });
    await window.toast('is published').waitFor();
    await story.inAllThemes('published');
    const branches = execFileSync('git', ['-C', story.workspace, 'branch', '--list', 'connector/*'], {
      encoding: 'utf8',
    });
    assert.match(branches, /connector\/village-library/);
    assert.equal(await window.statusBar('Publish?').count(), 0);
  });

  it('shows a second run that a terminal drives, with its panels and threads', async () => {
    const { window } = story;
    const words = ['library.openapi.yaml', '--name', 'second', '--mutants', '0', '--no-conformance'];
    assert.equal(await story.terminal('generate', ...words, '--approve', 'research'), 3);
    await addFaults('source-second');
    assert.equal(await story.terminal('resume', 'latest', '--approve', 'code', '--approve', 'tests'), 3);
    await window.command('View: Close All Editors');
    await window.treeItem(/^Run source-second, Findings of the review/).click();
    await window.treeItem(/^Review: waiting/).waitFor();
    await window.treeItem(/^shelve imported but unused/).click();
    await window.thread('shelve').waitFor();
    await window.command('Show Run');
    await window.webview.getByRole('heading', { name: 'Pipeline' }).waitFor();
    await window.command('Show Research');
    await window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    await window.command('Show Review');
    await window.webview.getByRole('heading', { name: 'Findings' }).waitFor();
    await window.screenshot('before-reload');
  });

  it('has all of it again after a reload', async () => {
    const { window } = story;
    await story.load();
    await window.statusBar(/source-second: Finish Review\?/).waitFor();
    await window.webview.getByRole('heading', { name: 'Findings' }).waitFor();
    await button('Finish Review').waitFor();
    await story.inAllThemes('after-reload');
    await tab(/^Run: source-second/).click();
    await window.webview.getByRole('heading', { name: 'Pipeline' }).waitFor();
    await tab(/^Research: source-second/).click();
    await window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    if (!(await window.treeItem(/^Review: waiting/).isVisible()))
      await window.activity('Sourcewright').click();
    await window.treeItem(/^Review: waiting/).waitFor();
    await window.treeItem(/^Run source-village-library, published/).waitFor();
    await tab('utils.py').click();
    await window.treeItem(/^shelve imported but unused/).click();
    await window.thread('shelve').waitFor();
    await window.screenshot('after-reload-code');
  });

  it('accepts all of a kind in the review panel', async () => {
    await tab(/^Review: source-second/).click();
    await text('Accept all of a kind').click();
    await button(/^Accept all 2 of .*F401/).click();
    await story.window.treeItem(/^os imported but unused.*applied/).waitFor();
    await story.window.treeItem(/^shelve imported but unused.*applied/).waitFor();
    const code = await readFile(utils('source-second'), 'utf8');
    assert.doesNotMatch(code, /import (os|shelve)\n/);
    await rejectTheRest();
  });

  it('pauses the stage that a reload interrupts, and goes on from there', async () => {
    const { window } = story;
    await button('Finish Review').click();
    await window.treeItem(/^Test: running/).waitFor();
    await story.load();
    if (!(await window.treeItem(/^Test: paused/).isVisible())) await window.activity('Sourcewright').click();
    await window.treeItem(/^Test: paused/).waitFor();
    await window.screenshot('interrupted');
    await window.command('Resume');
    await window.statusBar(/source-second: Publish\?/).waitFor({ timeout: STEP_MS });
    await window.treeItem(/^Test: done.*RERUN · #2/).waitFor();
  });

  it('ends a run that is rejected in its research panel, and leaves its files', async () => {
    const { window } = story;
    assert.equal(await story.terminal('generate', 'library.openapi.yaml', '--name', 'third'), 3);
    await window.treeItem(/^Run source-third, The research is ready/).click();
    await window.treeItem(/^Research: waiting/).waitFor();
    await window.command('Show Research');
    await tab(/^Research: source-third/).waitFor();
    await button('Reject…').click();
    await window.webview.getByLabel(/^Why\?/).fill('The API goes away next month');
    await window.screenshot('rejecting');
    await button('Reject and End the Run').click();
    await window.treeItem(/^Run source-third, cancelled/).waitFor();
    await text(/Read only/).waitFor();
    assert.equal(await button('Approve').count(), 0, 'there is nothing left to decide');
    await story.inAllThemes('rejected');
    const journal = await inRun('journal.jsonl');
    assert.match(
      journal,
      /"gate":"research","decision":\{"kind":"reject","reason":"The API goes away next month"\}/,
    );
    const left = await readdir(await story.runDir());
    assert.ok(['brief.json', 'brief.md', 'journal.jsonl', 'run.json'].every((name) => left.includes(name)));
    assert.ok(!left.includes('lock'), 'the run is let go of');
    assert.ok(!existsSync(join(story.workspace, 'connectors', 'source-third')), 'no code was written');
  });
});
