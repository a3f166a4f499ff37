/** The run view by clicks: a whole run watched from it, paused and resumed, the evidence at the gate tests, every theme. */
import { strict as assert } from 'node:assert';
import type { Locator } from 'playwright-core';
import { PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

describe('the run view', function () {
  this.timeout(300_000);
  restsOnTheLast();
  let story: PanelWindow;

  const button = (name: string): Locator => story.window.webview.getByRole('button', { name, exact: true });
  const heading = (name: string | RegExp): Locator =>
    story.window.webview.getByRole('heading', { name }).first();
  const show = async (): Promise<void> => {
    await story.window.command('Show Run');
    await heading('Pipeline').waitFor({ timeout: 60_000 });
  };
  /** The drawing, which says in words where the run stands. */
  const standsAt = (words: RegExp): Locator => story.window.webview.getByRole('img', { name: words });

  before(async () => {
    story = await PanelWindow.open('run-view');
    await story.waitAtResearch('library.openapi.yaml', '--mutants', '3');
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  it('shows where the pipeline stands', async () => {
    await show();
    await story.window.webview.getByRole('rowheader', { name: 'Research' }).waitFor();
    await standsAt(/stands at Research.*code fixes 0 of 3.*review cycles 0 of 2/).waitFor();
    await story.inAllThemes('stages');
  });

  it('has nothing that keeps people out', async () => {
    assert.deepEqual(await story.seriousFindings(), []);
  });

  it('is the same after a reload', async () => {
    await story.reload();
    await story.window.webview.getByRole('rowheader', { name: 'Research' }).waitFor({ timeout: 60_000 });
    await story.window.showSideBar();
  });

  it('leads to what waits', async () => {
    await button('Look and Decide').click();
    await story.window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    await button('Approve').click();
    await story.window.treeItem(/^Generate: waiting/).waitFor({ timeout: 60_000 });
  });

  it('pauses and resumes the run', async () => {
    await show();
    await button('Look and Decide').click();
    await story.window.quickRow('Approve').click();
    await show();
    await button('Pause').click();
    await button('Resume').waitFor({ timeout: 60_000 });
    await standsAt(/paused/).waitFor();
    await story.window.screenshot('paused');
    await button('Resume').click();
    await button('Pause').waitFor();
  });

  it('asks before it cancels', async () => {
    await button('Cancel Run').click();
    await button('Cancel for Good').waitFor();
    await button('Keep It').click();
    await button('Cancel Run').waitFor();
  });

  it('shows the evidence first at the gate tests', async () => {
    await heading('Evidence').waitFor({ timeout: 240_000 });
    await button('Approve').waitFor({ timeout: 120_000 });
    const headings = await story.window.webview.getByRole('heading', { level: 2 }).allTextContents();
    assert.deepEqual(headings.slice(0, 2), ['Evidence', 'Pipeline']);
    const evidence = story.window.webview.getByRole('region', { name: 'Evidence' });
    for (const words of [
      /✓ passed: \d+ of \d+ passed, 0 failed/,
      /\d+\.\d % of the lines ran/,
      /\d+\.\d %: \d+ noticed/,
      /\d+ checks passed, 0 failed/,
      /The files are still the same/,
    ]) {
      await evidence.filter({ hasText: words }).waitFor();
    }
    await story.inAllThemes('evidence');
    assert.deepEqual(await story.seriousFindings(), []);
  });

  it('tells every attempt with its time', async () => {
    await story.window.webview.getByText('All attempts as a table').click();
    await story.window.webview.getByRole('rowheader', { name: 'Test, attempt 1, GENERATE' }).waitFor();
    await story.window.webview.getByRole('img', { name: /^Time: Research .*Test / }).waitFor();
    await story.window.webview
      .getByRole('rowheader', { name: 'Diagnose, attempt 1' })
      .scrollIntoViewIfNeeded();
    await story.window.screenshot('attempts');
  });

  it('opens what a stage left', async () => {
    await story.window.webview.getByRole('button', { name: 'Open Test report of Test' }).click();
    await story.window.webview.getByRole('heading', { name: 'Tests: passed' }).waitFor({ timeout: 30_000 });
  });

  it('is watched to the end', async () => {
    await show();
    await button('Approve').click();
    await button('Look and Decide').waitFor({ timeout: 120_000 });
    await button('Look and Decide').click();
    await story.window.quickRow('Publish').click();
    await show();
    await story.window.webview.locator('.run-where.run-published').waitFor({ timeout: 200_000 });
    await story.window.screenshot('published');
  });

  it('has first steps beside it', async () => {
    await story.window.command('Sourcewright: Get Started');
    await story.window.page.getByText('First Steps with Sourcewright').first().waitFor({ timeout: 30_000 });
    await story.window.page.getByText('Make a connector').first().waitFor();
    await story.window.screenshot('first-steps');
  });
});
