/** A folder that the person does not trust, in an editor that asks: runs can be looked at, and nothing is run until then. */
import { strict as assert } from 'node:assert';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

describe('a folder that is not trusted', function () {
  this.timeout(240_000);
  restsOnTheLast();
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('restricted', {}, { asksForTrust: true });
    // A run that came with the folder, or of a time when it was trusted.
    assert.equal(await story.terminal('generate', 'library.openapi.yaml', '--mutants', '0'), 3);
    await story.load();
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  const journal = async (): Promise<string> => readFile(join(await story.runDir(), 'journal.jsonl'), 'utf8');

  it('shows the runs that are there, and their research', async () => {
    const { window } = story;
    await window.statusBar('Restricted Mode').waitFor();
    await window.showSideBar();
    await window.treeItem(/^Research: waiting/).waitFor();
    await window.command('Show Research');
    await window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    await window.screenshot('research');
  });

  it('runs nothing: it says what to do instead', async () => {
    const { window } = story;
    const before = await journal();
    await window.webview.getByRole('button', { name: 'Approve', exact: true }).click();
    await window.webview.getByText('This workspace is not trusted').waitFor();
    await window.screenshot('refused');
    await window.command('Generate Connector');
    await window.toast('This workspace is not trusted').first().waitFor();
    await window.command('Notifications: Clear All Notifications');
    assert.equal(await journal(), before, 'the run went on in a folder that is not trusted');
    assert.equal((await readdir(join(story.workspace, '.sourcewright', 'runs'))).length, 1);
  });

  it('works as soon as the person trusts it', async () => {
    const { window } = story;
    await window.command('Workspaces: Manage Workspace Trust');
    await window.page.getByRole('button', { name: 'Trust', exact: true }).click();
    await window.command('Generate Connector');
    await window.waitForStep('what describes the API?');
    await window.screenshot('trusted');
  });
});
