/** A person's clicks from F1 to a published connector, in the editor with the packed extension. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import {
  browserOptions,
  createProfile,
  installVsix,
  removeProfile,
  type RunningHost,
  startHost,
} from '../../scripts/vscode-host/host.mjs';
import { OPEN_FINDING, Workbench } from './workbench.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'workspace');

/** What a person might add by hand: a name that is never used, which ruff can take out, and a swallowed error. */
const FAULTS = `

import os


def swallow_everything(text: str) -> None:
    """Swallow whatever goes wrong."""
    try:
        int(text)
    except Exception:
        pass
`;

describe('from F1 to published', function () {
  this.timeout(240_000);
  restsOnTheLast();
  let workspace = '';
  let profile = '';
  let host: RunningHost;
  let browser: Browser;
  let context: BrowserContext;
  let window: Workbench;
  let api: Server;

  before(async () => {
    const vsix = process.env['SOURCEWRIGHT_VSIX'];
    assert.ok(
      vsix !== undefined && existsSync(vsix),
      'run this through `npm run test:e2e`, which packs the extension',
    );
    workspace = await mkdtemp(join(tmpdir(), 'sourcewright-e2e-'));
    await cp(FIXTURE, workspace, { recursive: true });
    const git = (...words: string[]): void => {
      execFileSync('git', ['-C', workspace, ...words], { stdio: 'ignore' });
    };
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'E2E');
    git('config', 'user.email', 'e2e@example.invalid');
    git('add', 'library.openapi.yaml');
    git('commit', '-q', '-m', 'Start');
    const description = await readFile(join(FIXTURE, 'library.openapi.yaml'));
    api = createServer((request, response) => {
      const page = '<!doctype html><title>Sign in</title>';
      response.end(request.url === '/openapi.yaml' ? description : page);
    }).listen(0, '127.0.0.1');
    profile = await createProfile({
      'sourcewright.gates.code': 'ask',
      'workbench.colorTheme': 'Default Dark Modern',
      'git.enabled': false,
    });
    await installVsix(profile, vsix);
    host = await startHost(profile);
    browser = await chromium.launch(browserOptions());
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    window = new Workbench(await context.newPage());
  });

  after(async () => {
    api.close();
    await browser.close();
    await host.stop();
    await removeProfile(profile);
    if (process.env['SOURCEWRIGHT_KEEP'] === undefined) await rm(workspace, { recursive: true, force: true });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await window.screenshot('FAILED');
  });

  const url = (): string => `${host.url}/?folder=${encodeURIComponent(workspace)}`;
  const runDir = async (): Promise<string> => {
    const runs = join(workspace, '.sourcewright', 'runs');
    const [newest] = (await readdir(runs)).sort().reverse();
    assert.ok(newest);
    return join(runs, newest);
  };

  it('welcomes with what it does and a button', async () => {
    await window.open(url());
    await window.showSideBar();
    await window.page.getByRole('button', { name: 'Generate Connector' }).first().waitFor();
    await window.screenshot('welcome');
  });

  it('asks for the description and explains what can’t be read, in place', async () => {
    await window.command('Generate Connector');
    await window.waitForStep('what describes the API?');
    await window.quickRow('library.openapi.yaml').waitFor();
    await window.quickRow('bundled sample').waitFor();
    await window.screenshot('source');
    await window.quickRow('A documentation page').click();
    await window.waitForStep('address of the documentation');
    await window.quickInput.fill('not an address');
    await window.quickMessage('starts with https:// or http://').waitFor();
    await window.back();
    await window.waitForStep('what describes the API?');
    await window.quickRow('Only the name of an API').click();
    await window.waitForStep('name of the API');
    await window.quickInput.fill('Village Library');
    await window.screenshot('by-name');
    await window.enter();
    await window.waitForStep('its name');
    await window.back();
    await window.waitForStep('what describes the API?');

    await window.quickRow('Browse').click();
    await window.waitForStep('OpenAPI description');
    await window.chooseFile(join(workspace, 'broken-page.yaml'), 'what describes the API?');
    await window.quickRow(/HTML page, not an API description/).waitFor();
    await window.screenshot('unreadable-file');

    await window.quickRow('From a URL').click();
    await window.waitForStep('address of the description');
    await window.quickInput.fill('ftp://example.com');
    await window.quickMessage('starts with https:// or http://').waitFor();
    const { port } = api.address() as AddressInfo;
    await window.quickInput.fill(`http://127.0.0.1:${port}/sign-in`);
    await window.enter();
    await window.quickMessage(/HTML/).waitFor();
    await window.screenshot('not-a-description');
    await window.quickInput.fill(`http://127.0.0.1:${port}/openapi.yaml`);
    await window.enter();
    await window.waitForStep('its name');
    await window.back();
    await window.waitForStep('what describes the API?');
    await window.quickRow('library.openapi.yaml').click();
    await window.waitForStep('its name');
  });

  it('goes back and forth through the steps', async () => {
    assert.equal(await window.quickInput.inputValue(), 'village-library');
    await window.quickInput.fill('Not A Name');
    await window.quickMessage('Small letters, digits').waitFor();
    await window.screenshot('name-refused');
    await window.back();
    await window.waitForStep('what describes the API?');
    await window.quickRow('library.openapi.yaml').click();
    await window.waitForStep('its name');
    await window.screenshot('name');
    await window.enter();
    await window.waitForStep('engine');
    await window.screenshot('engine');
    await window.enter();
    await window.waitForStep('streams of Village Library');
    await window.quickRow('members').waitFor();
    await window.screenshot('streams');
    await window.enter();
  });

  it('asks once at the research gate and shows the brief', async () => {
    await window.toast('research is ready to approve').waitFor({ timeout: 60_000 });
    await window.statusBar('Approve?').waitFor();
    await window.treeItem(/^Research: waiting/).waitFor();
    assert.equal(await window.toast('research is ready to approve').count(), 1);
    await window.screenshot('research-gate');
    await window.answerToast('research is ready to approve', 'Look and Decide');
    await window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    await window.webview.getByRole('button', { name: 'Request Changes' }).waitFor();
    await window.screenshot('brief');
    await window.webview.getByRole('button', { name: 'Approve', exact: true }).click();
  });

  it('waits at the code gate, where the tree answers', async () => {
    await window.treeItem(/^Generate: waiting/).waitFor({ timeout: 180_000 });
    await window.screenshot('code-gate');
    const file = join(workspace, 'connectors', 'source-village-library', 'src', 'utils.py');
    await writeFile(file, (await readFile(file, 'utf8')).trimEnd() + FAULTS);
    await window.treeAction(/^Generate: waiting/, 'Approve', window.treeItem(/^Generate: (?!waiting)/));
  });

  it('runs pytest in a terminal of its own', async () => {
    await window.treeItem(/^Test: (running|done)/).waitFor({ timeout: 60_000 });
    await window.screenshot('testing');
    await window.toast('Findings of the review').waitFor({ timeout: 180_000 });
    await window.command('Terminal: Focus on Terminal View');
    await window.terminal(/\d+ passed/).waitFor({ timeout: 30_000 });
    await window.screenshot('terminal');
    await window.command('View: Hide Panel');
  });

  it('shows findings in the code, takes a suggestion and a rejection', async () => {
    await window.fold('Runs');
    await window.answerToast('Findings of the review', 'Go to Findings');
    await window.page.locator('.review-widget').first().waitFor({ timeout: 30_000 });
    await window.treeItem(/^os imported but unused/).click();
    const unused = window.thread('imported but unused');
    await unused.waitFor();
    await window.screenshot('finding');
    await window.threadAction(unused, 'Accept Finding').click();
    await window.treeItem(/^os imported but unused.*applied/).waitFor();
    await window.screenshot('accepted');

    await window.treeItem(/^try-except-pass/).click();
    const swallowed = window.thread('consider logging');
    await window.threadAction(swallowed, 'Reject Finding').click();
    await window.page.locator('.quick-input-widget', { hasText: 'Reject the finding' }).waitFor();
    await window.quickInput.fill('Meant to be so');
    await window.screenshot('reject-reason');
    await window.confirm();
    await window.treeItem(/^try-except-pass.*rejected/).waitFor();
    await rejectTheRest();
    const review = await readFile(join(await runDir(), 'review.json'), 'utf8');
    assert.match(review, /"applied"/);
    assert.match(review, /Meant to be so/);
    await window.screenshot('answered');
  });

  /** From the tree, without a reason: Enter alone. */
  const rejectTheRest = async (): Promise<void> => {
    const open = window.page.getByRole('treeitem', { name: OPEN_FINDING });
    for (let left = await open.count(); left > 0; left = await open.count()) {
      await window.treeAction(OPEN_FINDING, 'Reject Finding', window.quickMessage('Reject the finding'));
      await window.confirm();
      await open.nth(left - 1).waitFor({ state: 'detached' });
    }
  };

  it('finishes the review, tests again and publishes', async () => {
    await window.treeAction(/^Review: waiting/, 'Finish Review', window.treeItem(/^Review: (?!waiting)/));
    const publish = window.statusBar('Publish?');
    await publish.waitFor({ timeout: 180_000 });
    await window.screenshot('publish-gate');
    await publish.click();
    await window.quickRow('Publish').click();
    await window.toast('is published').waitFor({ timeout: 180_000 });
    await window.treeItem(/^Publish: done/).waitFor();
    await window.screenshot('published');
    const branches = execFileSync('git', ['-C', workspace, 'branch', '--list', 'connector/*'], {
      encoding: 'utf8',
    });
    assert.match(branches, /connector\/village-library/);
  });

  it('knows its runs after a reload, and a gate that waited still waits', async () => {
    await window.command('Generate Connector');
    await window.waitForStep('what describes the API?');
    await window.quickRow('library.openapi.yaml').click();
    await window.waitForStep('its name');
    await window.quickInput.fill('second');
    await window.enter();
    await window.waitForStep('engine');
    await window.enter();
    await window.waitForStep('streams of');
    await window.enter();
    await window.statusBar(/source-second: Approve\?/).waitFor({ timeout: 60_000 });
    // With its views out of sight, the extension must come up for what waits.
    await window.activity('Explorer').click();
    await window.open(url());
    await window.statusBar(/source-second: Approve\?/).waitFor({ timeout: 60_000 });
    await window.showSideBar();
    await window.unfold('Runs');
    await window.treeItem(/Run source-second, The research is ready/).waitFor();
    await window.treeItem(/Run source-village-library, published/).waitFor();
    await window.screenshot('after-reload');
    await window.command('Approve');
    await window.treeItem(/^Generate: waiting/).waitFor({ timeout: 120_000 });
    await window.command('Cancel Run');
    await window.treeItem(/Run source-second, cancelled/).waitFor({ timeout: 30_000 });
    await window.screenshot('cancelled');
  });
});
