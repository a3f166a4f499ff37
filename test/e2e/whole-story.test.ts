/** A whole run by clicks: changes requested at two gates, a claim corrected, findings answered, an improvement, published. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { Brief, type Review } from '../../src/pipeline/contracts.ts';
import { FAULTS, PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

/** A machine that is busy with something else may need this long for a step. */
const STEP_MS = 180_000;

describe('a whole story by clicks', function () {
  this.timeout(400_000);
  restsOnTheLast();
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('whole-story', { 'sourcewright.gates.code': 'ask' });
    const git = (...words: string[]): void => {
      execFileSync('git', ['-C', story.workspace, ...words], { stdio: 'ignore' });
    };
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'E2E');
    git('config', 'user.email', 'e2e@example.invalid');
    git('add', 'library.openapi.yaml');
    git('commit', '-q', '-m', 'Start');
    await story.load();
    await story.window.showSideBar();
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
    // The editor ticks what happens once its first steps have been opened.
    await window.command('Sourcewright: Get Started');
    await window.page.getByText('First Steps with Sourcewright').first().waitFor();
    await window.command('Generate Connector');
    await window.waitForStep('what describes the API?');
    await window.quickRow('library.openapi.yaml').click();
    await window.waitForStep('its name');
    await window.enter();
    await window.waitForStep('engine');
    await window.enter();
    await window.waitForStep('streams of Village Library');
    await window.enter();
    await window.answerToast('research is ready to approve', 'Look and Decide');
    await window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    await window.fold('Runs');
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
    await window.treeAction(/^Generate: waiting/, 'Approve', window.treeItem(/^Generate: (?!waiting)/));
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

  it('rejects a finding with a reason, and sends another to the improvement', async () => {
    const { window } = story;
    await window.treeItem(/^try-except-pass/).click();
    await window.threadAction(window.thread('consider logging'), 'Reject Finding').click();
    await window.quickMessage('Reject the finding').waitFor();
    await window.quickInput.fill('Meant to be so');
    await window.confirm();
    await window.treeItem(/^try-except-pass.*rejected/).waitFor();
    const accepted = window.treeItem(/insecure function.*accepted/);
    await window.treeAction(/insecure function/, 'Accept Finding', accepted);
    await story.rejectTheRest();
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
    await window.treeAction(/^Review: waiting/, 'Finish Review', window.treeItem(/^Review: (?!waiting)/));
    await window.treeItem(/^Review: waiting.*#2/).waitFor({ timeout: STEP_MS });
    await window.treeItem(/^Generate: done.*IMPROVE · #3/).waitFor();
    await window.treeItem(/^Test: done.*RERUN · #2/).waitFor();
    await window.treeItem(/^try-except-pass.*rejected/).waitFor();
    await window.treeItem(/insecure function.*open finding/).waitFor();
    await window.command('Show Run');
    await window.webview.getByRole('img', { name: /review cycles 1 of 2/ }).waitFor();
    await window.screenshot('second-review');
    await story.rejectTheRest();
    await window.treeAction(/^Review: waiting/, 'Finish Review', window.treeItem(/^Review: (?!waiting)/));
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

  it('has ticked its first steps on the way', async () => {
    const { window } = story;
    await window.command('Sourcewright: Get Started');
    await window.page.getByText('First Steps with Sourcewright').first().waitFor();
    for (const step of ['generate', 'brief', 'watch', 'finding', 'publish']) {
      await window.page.locator(`[data-done-step-id$="#${step}"][aria-checked="true"]`).first().waitFor();
    }
    assert.equal(await window.page.locator('[data-done-step-id$="#key"][aria-checked="true"]').count(), 0);
    await window.screenshot('first-steps');
  });
});
