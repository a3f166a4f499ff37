/** A window that is reloaded in the middle of a run, while it waits and while it works: all is there again, and goes on. */
import { strict as assert } from 'node:assert';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { FAULTS, PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

/** A machine that is busy with something else may need this long for a step. */
const STEP_MS = 180_000;

describe('a window reloaded in the middle of a run', function () {
  this.timeout(400_000);
  restsOnTheLast();
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('reload');
    await story.load();
    await story.window.showSideBar();
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  const button = (name: string | RegExp): Locator =>
    story.window.webview.getByRole('button', { name, exact: true });
  const tab = (name: string | RegExp): Locator => story.window.page.getByRole('tab', { name }).first();
  const utils = (): string => join(story.workspace, 'connectors', 'source-second', 'src', 'utils.py');
  const pipeline = async (stage: RegExp): Promise<void> => {
    // A browser's window may come back with the explorer.
    if (!(await story.window.treeItem(/^Research/).isVisible())) await story.window.showSideBar();
    await story.window.treeItem(stage).waitFor();
  };

  it('shows a second run that a terminal drives, with its panels and threads', async () => {
    const { window } = story;
    const words = ['library.openapi.yaml', '--name', 'second', '--mutants', '0', '--no-conformance'];
    assert.equal(await story.terminal('generate', ...words, '--approve', 'research'), 3);
    await writeFile(utils(), (await readFile(utils(), 'utf8')).trimEnd() + FAULTS);
    assert.equal(await story.terminal('resume', 'latest', '--approve', 'code', '--approve', 'tests'), 3);
    await window.treeItem(/^Run source-second, Findings of the review/).click();
    await window.fold('Runs');
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
    await story.reload();
    await window.statusBar(/source-second: Finish Review\?/).waitFor();
    await window.webview.getByRole('heading', { name: 'Findings' }).waitFor();
    await button('Finish Review').waitFor();
    await story.inAllThemes('after-reload');
    await tab(/^Run: source-second/).click();
    await window.webview.getByRole('heading', { name: 'Pipeline' }).waitFor();
    await tab(/^Research: source-second/).click();
    await window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    await window.treeItem(/^Review: waiting/).waitFor();
    await window.fold('Runs');
    await tab('utils.py').click();
    await window.treeItem(/^shelve imported but unused/).click();
    await window.thread('shelve').waitFor();
    await window.screenshot('after-reload-code');
  });

  it('accepts all of a kind in the review panel', async () => {
    await tab(/^Review: source-second/).click();
    await story.window.webview.getByText('Accept all of a kind').click();
    await button(/^Accept all 2 of .*F401/).click();
    await story.window.treeItem(/^os imported but unused.*applied/).waitFor();
    await story.window.treeItem(/^shelve imported but unused.*applied/).waitFor();
    const code = await readFile(utils(), 'utf8');
    assert.doesNotMatch(code, /import (os|shelve)\n/);
    await story.rejectTheRest();
  });

  it('pauses the stage that a reload interrupts, and goes on from there', async () => {
    const { window } = story;
    await button('Finish Review').click();
    await window.treeItem(/^Test: running/).waitFor();
    await story.reload();
    await pipeline(/^Test: paused/);
    await window.fold('Runs');
    await window.screenshot('interrupted');
    await window.command('Resume');
    await window.statusBar(/source-second: Publish\?/).waitFor({ timeout: STEP_MS });
    await window.treeItem(/^Test: done.*RERUN · #2/).waitFor();
  });
});
