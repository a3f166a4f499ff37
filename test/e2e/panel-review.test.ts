/** The review by clicks: answered in the panel and in the code, discussed, filtered, the same after a reload and from a terminal. */
import { strict as assert } from 'node:assert';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Review } from '../../src/pipeline/contracts.ts';
import { PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

/** Names that are never used, which ruff can take out, and a swallowed error. */
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
const HOSTILE =
  '<img src=x onerror="document.title=\'owned\'"><b>bold</b> [link](command:workbench.action.quit)';

describe('the review panel', function () {
  this.timeout(300_000);
  restsOnTheLast();
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('review');
    const made = await story.terminal(
      ...['generate', 'library.openapi.yaml', '--approve', 'research', '--mutants', '0', '--no-conformance'],
    );
    assert.equal(made, 3, 'the run waits at the code gate');
    const utils = join(story.workspace, 'connectors', 'source-village-library', 'src', 'utils.py');
    await writeFile(utils, (await readFile(utils, 'utf8')).trimEnd() + FAULTS);
    const tested = await story.terminal('resume', 'latest', '--approve', 'code', '--approve', 'tests');
    assert.equal(tested, 3, 'the run waits at the review');
    const review = await ledger();
    const [first] = review.findings;
    assert.ok(first);
    const range = { file: '<script>alert(1)</script>/a.py', startLine: 1, endLine: 1 };
    review.findings.push({ ...first, id: 'hostile', severity: 'info', message: HOSTILE, range });
    await writeFile(join(await story.runDir(), 'review.json'), JSON.stringify(review));
    await story.load();
    await story.window.showSideBar();
    await story.window.treeItem(/^Review: waiting/).waitFor();
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  const ledger = async (): Promise<Review> =>
    JSON.parse(await readFile(join(await story.runDir(), 'review.json'), 'utf8')) as Review;
  const item = (text: string | RegExp) =>
    story.window.webview.locator('li.review-finding', { hasText: text });

  it('shows findings with their lines and suggestions, whatever they say', async () => {
    await story.window.command('Show Review');
    await item('os imported but unused').or(item('`os` imported but unused')).first().waitFor();
    const hostile = item('onerror');
    await hostile.waitFor();
    assert.equal(await hostile.locator('img, b, script, a').count(), 0, 'text became markup');
    assert.equal(await (await story.frame()).title().then((title) => title.includes('owned')), false);
    await story.inAllThemes('findings');
  });

  it('has nothing that keeps people out', async () => {
    assert.deepEqual(await story.seriousFindings(), []);
  });

  it('opens the file beside, at the lines, with the thread unfolded', async () => {
    await item(/os.? imported/)
      .getByRole('button', { name: /^Open src\/utils\.py/ })
      .click();
    await story.window.thread('imported but unused').waitFor();
    await story.window.screenshot('beside');
  });

  it('shows an answer of the panel in the thread, and one of the thread in the panel', async () => {
    await item('try-except-pass')
      .or(item('consider logging'))
      .first()
      .getByRole('button', { name: /^Reject/ })
      .click();
    const field = story.window.webview.getByLabel(/^Why\?/);
    await field.fill('Meant to be so');
    await story.window.webview.getByRole('button', { name: 'Reject', exact: true }).click();
    await story.window.treeItem(/(try-except-pass|consider logging).*rejected/).waitFor();
    const thread = story.window.thread(/os.? imported/);
    await story.window.threadAction(thread, 'Accept Finding').click();
    await story.window.treeItem(/os imported but unused.*applied/).waitFor();
    await item(/os.? imported/).waitFor({ state: 'detached' });
    await story.window.webview.getByLabel('State').selectOption('answered');
    await item(/os.? imported.*suggestion applied/s).waitFor();
    await item('Meant to be so').waitFor();
    await story.window.screenshot('answered');
    const { answers } = await ledger();
    assert.deepEqual(answers.map(({ answer }) => answer).sort(), ['applied', 'rejected']);
  });

  it('keeps a reply and answers with what the rule checks, also after a reload', async () => {
    await story.window.webview.getByLabel('State').selectOption('all');
    await item(/shelve.? imported/)
      .getByRole('button', { name: /^Reply/ })
      .click();
    const field = story.window.webview.getByLabel(/^Ask why/);
    await field.fill('Is shelve not needed later?');
    // In a browser the editor writes down what its pages remember every few seconds, not as it is closed.
    await story.window.page.waitForTimeout(15_000);
    await story.reload();
    await field.waitFor({ timeout: 60_000 });
    assert.equal(await field.inputValue(), 'Is shelve not needed later?', 'half-typed words were lost');
    await story.window.webview.getByRole('button', { name: 'Send Reply' }).click();
    await item(/You\s*Is shelve not needed later\?/).waitFor();
    await item(/Sourcewright\s*ruff’s rule F401, unused-import/).waitFor();
    await story.reload();
    await item('Is shelve not needed later?').waitFor({ timeout: 60_000 });
    await story.window.screenshot('discussed');
  });

  it('filters by text', async () => {
    await story.window.webview.getByLabel('Text').fill('shelve');
    await story.window.webview.getByText(/^1 of \d+ findings$/).waitFor();
    await story.window.webview.getByLabel('Text').fill('');
  });

  it('finishes the review', async () => {
    await story.window.webview.getByRole('button', { name: 'Finish Review' }).click();
    await story.window.toast('no answer yet').waitFor();
    await story.window.answerToast('no answer yet', 'Finish Review');
    await story.window.statusBar('Finish Review?').waitFor({ state: 'detached' });
    const journal = await readFile(join(await story.runDir(), 'journal.jsonl'), 'utf8');
    assert.match(journal, /"gate":"review","decision":\{"kind":"approve"\},"by":"person".*"applied":1/);
  });
});
