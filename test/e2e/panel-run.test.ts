/** The run view by clicks: opened on request, the same after a reload, readable in every theme and by screen readers. */
import { strict as assert } from 'node:assert';
import { PanelWindow } from './panel-window.ts';

describe('the run view', function () {
  this.timeout(240_000);
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('run-view');
    const exit = await story.terminal(
      'generate',
      'library.openapi.yaml',
      '--mutants',
      '0',
      '--no-conformance',
    );
    assert.equal(exit, 3, 'the run waits at its first gate');
    await story.load();
    await story.window.activity('Sourcewright').click();
    await story.window.treeItem(/^Research: waiting/).waitFor();
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  it('shows where the pipeline stands', async () => {
    await story.window.command('Show Run');
    await story.window.webview.getByRole('rowheader', { name: 'Research' }).waitFor();
    await story.inAllThemes('stages');
  });

  it('has nothing that keeps people out', async () => {
    assert.deepEqual(await story.seriousFindings(), []);
  });

  it('is the same after a reload', async () => {
    await story.load();
    await story.window.webview.getByRole('rowheader', { name: 'Research' }).waitFor({ timeout: 60_000 });
    await story.window.screenshot('reloaded');
  });

  it('leads to what waits', async () => {
    await story.window.webview.getByRole('button', { name: 'Look and Decide' }).click();
    await story.window.quickRow('Approve').waitFor();
  });
});
