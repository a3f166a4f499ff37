/** A window with a run that already waits, for the stories about panels: set-up, themes and the accessibility check. */
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Frame, type Locator } from 'playwright-core';
import type { Review } from '../../src/pipeline/contracts.ts';
import {
  browserOptions,
  createProfile,
  installVsix,
  removeProfile,
  type RunningHost,
  startHost,
} from '../../scripts/vscode-host/host.mjs';
import { OPEN_FINDING, Workbench } from './workbench.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What a person might add by hand. Ruff can take the two imports out by itself, but not mend the functions. */
export const FAULTS = `

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

const THEMES = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  contrast: 'Default High Contrast',
} as const;
export type Theme = keyof typeof THEMES;

interface WindowOptions {
  readonly asksForTrust?: boolean;
  /** Of the editor, as `de`; English where absent. */
  readonly language?: string;
  readonly prepare?: (extensions: string) => Promise<void>;
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

export class PanelWindow {
  readonly workspace: string;
  readonly window: Workbench;
  readonly #profile: string;
  readonly #host: RunningHost;
  readonly #browser: Browser;

  private constructor(
    workspace: string,
    profile: string,
    host: RunningHost,
    browser: Browser,
    window: Workbench,
  ) {
    this.workspace = workspace;
    this.#profile = profile;
    this.#host = host;
    this.#browser = browser;
    this.window = window;
  }

  /**
   * Opens an editor with the packed extension on a copy of the fixture workspace. `story` names the screenshots; `prepare` is
   * called with the folder of extensions before the editor reads it.
   */
  static async open(
    story: string,
    settings: Record<string, unknown> = {},
    { asksForTrust = false, language, prepare }: WindowOptions = {},
  ): Promise<PanelWindow> {
    const vsix = process.env['SOURCEWRIGHT_VSIX'];
    assert.ok(vsix !== undefined && existsSync(vsix), 'run this through `npm run test:e2e`');
    const workspace = await mkdtemp(join(tmpdir(), 'sourcewright-e2e-panels-'));
    await cp(join(import.meta.dirname, '..', 'fixtures', 'workspace'), workspace, { recursive: true });
    const profile = await createProfile({
      'workbench.colorTheme': THEMES.dark,
      'git.enabled': false,
      ...settings,
    });
    await installVsix(profile, vsix);
    await prepare?.(join(profile, 'extensions'));
    const host = await startHost(profile, { asksForTrust });
    const browser = await chromium.launch(browserOptions());
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    // As a language pack would say it to the window; the editor's own words stay English.
    if (language !== undefined) await page.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = '${language}';`);
    // A busy machine needs long for a step; what is wrong is seen by its state, not by its time.
    page.setDefaultTimeout(60_000);
    const window = new Workbench(page, story);
    return new PanelWindow(workspace, profile, host, browser, window);
  }

  /** Opens the workspace, or opens it again as a reload does. */
  async load(): Promise<void> {
    await this.window.open(`${this.#host.url}/?folder=${encodeURIComponent(this.workspace)}`);
  }

  /** Reloads the window as a person does: the editor writes down first what it will show again. */
  async reload(): Promise<void> {
    const loaded = this.window.page.waitForEvent('load');
    await this.window.command('Developer: Reload Window');
    await loaded;
    await this.window.ready();
  }

  /** Ends the process of the extensions as a crash does: nothing of it gets to write anything any more. */
  killExtensionHost(): void {
    assert.equal(this.#host.killExtensionHost(), 1, 'processes that run extensions');
  }

  /** Rejects the findings that are open yet, in the tree and without a reason: Enter alone. */
  async rejectTheRest(): Promise<void> {
    const { page } = this.window;
    const open = page.getByRole('treeitem', { name: OPEN_FINDING });
    for (let left = await this.unanswered(); left > 0; left = await this.unanswered()) {
      await this.scrollTo(open);
      const reason = this.window.quickMessage('Reject the finding');
      await this.window.treeAction(OPEN_FINDING, 'Reject Finding', reason);
      await this.window.confirm();
      const deadline = Date.now() + 60_000;
      while ((await this.unanswered()) >= left) {
        assert.ok(Date.now() < deadline, 'the rejected finding has no answer');
        await page.waitForTimeout(100);
      }
    }
  }

  /** How many findings of the review no one has answered. */
  async unanswered(): Promise<number> {
    const path = join(await this.runDir(), 'review.json');
    const { findings, answers } = JSON.parse(await readFile(path, 'utf8')) as Review;
    const answered = new Set(answers.map(({ finding }) => finding));
    return findings.filter(({ id }) => !answered.has(id)).length;
  }

  /** A tree draws the rows alone that are in sight. */
  private async scrollTo(rows: Locator): Promise<void> {
    const { page } = this.window;
    await page
      .getByRole('treeitem', { name: /^(Research|Generate|Test|Diagnose|Review|Publish)/ })
      .first()
      .hover();
    for (const step of [0, -5000, ...Array<number>(40).fill(60)]) {
      await page.mouse.wheel(0, step);
      await page.waitForTimeout(150);
      if ((await rows.count()) > 0) return;
    }
    throw new Error('No row of the tree is an open finding, though the review has some.');
  }

  /** Runs the terminal program in the workspace, as a person beside the editor would. Resolves with its exit code. */
  terminal(...words: string[]): Promise<number> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(ROOT, 'dist', 'cli.mjs'), ...words, '--workspace', this.workspace],
        { cwd: this.workspace },
        (error) => {
          resolve(error === null ? 0 : typeof error.code === 'number' ? error.code : 1);
        },
      );
    });
  }

  /** Generates from a description until the run waits at its first gate, and opens the window on it. */
  async waitAtResearch(description: string, ...words: string[]): Promise<void> {
    const exit = await this.terminal('generate', description, ...words);
    assert.equal(exit, 3, 'the run waits at its first gate');
    await this.load();
    await this.window.showSideBar();
    await this.window.treeItem(/^Research: waiting/).waitFor();
  }

  /** The same up to the gate of the code; `words` are those of the terminal's `generate`, with the gates before it approved. */
  async waitAtCode(...words: string[]): Promise<void> {
    assert.equal(await this.terminal('generate', ...words), 3, 'the run waits at the gate of the code');
    await this.load();
    await this.window.showSideBar();
    await this.window.treeItem(/^Generate: waiting/).waitFor();
  }

  /** Folder of the newest run. */
  async runDir(): Promise<string> {
    const runs = join(this.workspace, '.sourcewright', 'runs');
    const [newest] = (await readdir(runs)).sort().reverse();
    assert.ok(newest, 'there is no run');
    return join(runs, newest);
  }

  async theme(theme: Theme): Promise<void> {
    for (const place of ['User', 'Machine']) {
      const path = join(this.#profile, 'user', place, 'settings.json');
      const settings = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      await writeFile(path, JSON.stringify({ ...settings, 'workbench.colorTheme': THEMES[theme] }, null, 2));
    }
    const kind = { light: 'vs', dark: 'vs-dark', contrast: 'hc-black' }[theme];
    await this.window.page.locator(`.monaco-workbench.${kind}`).waitFor({ timeout: 20_000 });
    await this.window.page.waitForTimeout(500);
  }

  /** A screenshot of the window in each theme. */
  async inAllThemes(name: string): Promise<void> {
    for (const theme of ['light', 'contrast', 'dark'] as const) {
      await this.theme(theme);
      await this.window.screenshot(`${name}-${theme}`);
    }
  }

  /** The page of the panel that is on show. */
  async frame(): Promise<Frame> {
    const element = await this.window.page
      .frameLocator('iframe.webview.ready')
      .locator('iframe#active-frame')
      .elementHandle();
    const frame = await element.contentFrame();
    assert.ok(frame, 'no panel is on show');
    return frame;
  }

  /** What axe finds that is serious or critical, as lines; the panel's own page only. */
  async seriousFindings(): Promise<string[]> {
    const frame = await this.frame();
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await frame.evaluate(axe);
    const result = await frame.evaluate<AxeResult>('axe.run(document, { resultTypes: ["violations"] })');
    return result.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, help, nodes }) =>
        nodes.map(({ html, failureSummary = '' }) => `${id}: ${help}: ${html} ${failureSummary}`),
      );
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#host.stop();
    await removeProfile(this.#profile);
    if (process.env['SOURCEWRIGHT_KEEP'] === undefined) {
      await rm(this.workspace, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }
  }
}
