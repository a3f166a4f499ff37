/** A person sets a key and lets agents work, by clicks, in the editor with the packed extension; the model is scripted. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
import { LOOPBACK_KEY, LoopbackServer } from '../agents/loopback/index.ts';
import { HAPPY } from '../agents/pipeline/harbour.ts';
import { type Scripts, scripts } from '../agents/pipeline/support.ts';
import { Workbench } from './workbench.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

const FIXTURE = join(import.meta.dirname, '..', 'agents', 'pipeline', 'fixtures', 'harbour.openapi.yaml');

describe('agents, from the key to published', function () {
  this.timeout(300_000);
  restsOnTheLast();
  let workspace = '';
  let profile = '';
  let server: LoopbackServer;
  let scripted: Scripts;
  let host: RunningHost;
  let browser: Browser;
  let context: BrowserContext;
  let window: Workbench;

  before(async () => {
    const vsix = process.env['SOURCEWRIGHT_VSIX'];
    assert.ok(vsix !== undefined && existsSync(vsix), 'run this through `npm run test:e2e`');
    workspace = await mkdtemp(join(tmpdir(), 'sourcewright-e2e-agents-'));
    await cp(FIXTURE, join(workspace, 'harbour.openapi.yaml'));
    const git = (...words: string[]): void => {
      execFileSync('git', ['-C', workspace, ...words], { stdio: 'ignore' });
    };
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'E2E');
    git('config', 'user.email', 'e2e@example.invalid');
    git('add', '.');
    git('commit', '-q', '-m', 'Start');
    server = await LoopbackServer.start();
    scripted = await scripts(HAPPY);
    server.setScript((request) => scripted.script(request));
    profile = await createProfile({
      'sourcewright.agents.baseUrl': server.url,
      'sourcewright.gates.review': 'auto',
      'workbench.colorTheme': 'Default Dark Modern',
      'git.enabled': false,
    });
    await installVsix(profile, vsix);
    host = await startHost(profile);
    browser = await chromium.launch(browserOptions());
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    window = new Workbench(await context.newPage(), 'agents');
  });

  after(async () => {
    await browser.close();
    await host.stop();
    await server.close();
    await removeProfile(profile);
    if (process.env['SOURCEWRIGHT_KEEP'] === undefined) await rm(workspace, { recursive: true, force: true });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await window.screenshot('FAILED');
  });

  it('takes a key, tests it and keeps it secret', async () => {
    await window.open(`${host.url}/?folder=${encodeURIComponent(workspace)}`);
    await window.showSideBar();
    await window.command('Set Anthropic API Key');
    await window.quickMessage('Set Anthropic API Key').waitFor();
    await window.secretInput.fill(LOOPBACK_KEY);
    await window.screenshot('key');
    await window.secretInput.press('Enter');
    await window.toast(/3 models/).waitFor({ timeout: 30_000 });
    await window.screenshot('key-tested');
    assert.equal(server.messageRequests.length, 0, 'testing a key costs nothing');
  });

  it('says what agents would cost before they begin', async () => {
    await window.command('Generate Connector');
    await window.waitForStep('what describes the API?');
    await window.quickRow('harbour.openapi.yaml').click();
    await window.waitForStep('its name');
    await window.enter();
    await window.waitForStep('engine');
    await window.quickRow('Agents').waitFor();
    await window.quickRow(/\$\d+\.\d\d/).waitFor();
    await window.screenshot('engine');
    await window.quickRow('Claude, with your API key').click();
    await window.waitForStep('streams of Harbour');
    await window.enter();
  });

  it('shows the claims that an agent made, unconfirmed, at the research gate', async () => {
    await window.toast('research is ready to approve').waitFor({ timeout: 90_000 });
    await window.answerToast('research is ready to approve', 'Look and Decide');
    await window.webview.locator('body', { hasText: 'sixty requests a minute' }).waitFor();
    await window.webview.getByRole('button', { name: 'Request Changes' }).waitFor();
    await window.screenshot('claims');
    await window.webview.getByRole('button', { name: 'Approve', exact: true }).click();
  });

  it('shows what the agents do and what it costs, and publishes', async () => {
    await window.treeItem(/^Generate: (running|done)/).waitFor({ timeout: 90_000 });
    await window.treeItem(/edit|write|check|glob/).waitFor({ timeout: 90_000 });
    await window.screenshot('at-work');
    const publish = window.statusBar('Publish?');
    await publish.waitFor({ timeout: 240_000 });
    await window.screenshot('publish-gate');
    await publish.click();
    await window.quickRow('Publish').click();
    await window.toast('is published').waitFor({ timeout: 180_000 });
    await window.treeItem(/^Publish: done.*\$/).waitFor();
    await window.screenshot('published');
    assert.deepEqual(scripted.missing, []);
    assert.equal(server.messageRequests.length, 11);
  });

  it('opens what an agent and the tools said', async () => {
    await window
      .treeItem(/^Generate: done/)
      .locator('.monaco-tl-twistie')
      .click();
    await window
      .treeItem(/[Cc]onversation|[Tt]ranscript/)
      .first()
      .click();
    await window.webview.locator('body', { hasText: 'src/lengths.py' }).waitFor({ timeout: 30_000 });
    await window.screenshot('transcript');
  });

  it('has left the key nowhere', async () => {
    const entries = await readdir(workspace, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const content = await readFile(join(entry.parentPath, entry.name));
      assert.ok(!content.includes(LOOPBACK_KEY), `${entry.parentPath}/${entry.name}`);
    }
  });
});
