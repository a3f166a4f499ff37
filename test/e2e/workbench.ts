/** The moves of a person in the workbench. Each waits for what it needs, so that tests read as a story. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';

const SCREENSHOTS = join(import.meta.dirname, '..', '..', 'test-results', 'screenshots');

/** What a screen reader says of a finding without an answer. */
export const OPEN_FINDING = /, open finding$/;

export class Workbench {
  readonly page: Page;
  readonly #story: string;
  #shots = 0;

  /** `story` names the screenshots of one suite. */
  constructor(page: Page, story = '') {
    this.page = page;
    this.#story = story === '' ? '' : `${story}-`;
    mkdirSync(SCREENSHOTS, { recursive: true });
  }

  /** Opens a folder and waits until the extension's icon is there: contributions arrive after the window. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.ready();
  }

  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
    await this.activity('Sourcewright').waitFor({ timeout: 60_000 });
  }

  async screenshot(name: string): Promise<void> {
    this.#shots += 1;
    // Menus and notifications fade in.
    await this.page.waitForTimeout(300);
    const number = String(this.#shots).padStart(2, '0');
    await this.page.screenshot({ path: join(SCREENSHOTS, `${this.#story}${number}-${name}.png`) });
  }

  /** Folds a view of the side bar, so that those beside it have room: a tree draws the rows alone that are in sight. */
  async fold(view: string): Promise<void> {
    await this.#expand(view, false);
  }

  async unfold(view: string): Promise<void> {
    await this.#expand(view, true);
  }

  async #expand(view: string, expanded: boolean): Promise<void> {
    const header = this.page.locator('.pane-header', { hasText: view });
    await header.waitFor();
    if ((await header.getAttribute('aria-expanded')) !== String(expanded)) await header.click();
  }

  activity(name: string): Locator {
    return this.page.locator('.activitybar').getByRole('tab', { name }).first();
  }

  /** Shows our views. Their icon would hide them where they are on show, and a window that opens may still change its mind. */
  async showSideBar(): Promise<void> {
    const title = this.page.locator('.part.sidebar .composite.title', { hasText: 'Sourcewright' });
    for (let tries = 0; ; tries += 1) {
      if (!(await title.isVisible())) await this.activity('Sourcewright').click();
      try {
        await title.waitFor({ timeout: 5000 });
        return;
      } catch (error) {
        if (tries === 5) throw error;
      }
    }
  }

  /** F1, the title, Enter. The palette is opened again until its row is there: it does not refresh by itself. */
  async command(title: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title });
    const deadline = Date.now() + 120_000;
    for (;;) {
      await this.page.keyboard.press('F1');
      try {
        // A page in a panel may keep the key for itself at first.
        await this.quickInput.fill(`>${title}`, { timeout: 5000 });
        await row.waitFor({ timeout: 5000 });
        break;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
    await this.page.keyboard.press('Enter');
  }

  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget input[type="text"], .quick-input-widget textarea').first();
  }

  /** Where a secret is typed: dots instead of letters. */
  get secretInput(): Locator {
    return this.page.locator('.quick-input-widget input[type="password"]').first();
  }

  get quickTitle(): Locator {
    return this.page.locator('.quick-input-title');
  }

  /** What a quick input says below its line. */
  quickMessage(text: string | RegExp): Locator {
    return this.page.locator('.quick-input-widget', { hasText: text });
  }

  /** The arrow at the left of a step's title. */
  async back(): Promise<void> {
    await this.page.locator('.quick-input-titlebar').getByRole('button', { name: 'Back' }).click();
  }

  quickRow(text: string | RegExp): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  }

  /** Types a path into a file dialog and presses Enter; a dialog that still reads its folder takes the text away. */
  async chooseFile(path: string, next: string): Promise<void> {
    await this.quickRow('..').waitFor();
    for (let tries = 0; ; tries += 1) {
      await this.quickInput.fill(path);
      await this.page.keyboard.press('Enter');
      try {
        await this.quickTitle.filter({ hasText: next }).waitFor({ timeout: 5000 });
        return;
      } catch (error) {
        if (tries === 5) throw error;
      }
    }
  }

  async waitForStep(title: string): Promise<void> {
    await this.quickTitle.filter({ hasText: title }).waitFor({ timeout: 30_000 });
  }

  /** Enter in the quick input, once it has the keyboard: before, the key would go to what had it, and close the input. */
  async enter(): Promise<void> {
    await this.quickInput.press('Enter');
  }

  /** Enter, and the input is gone: what comes next is not mistaken for it. */
  async confirm(): Promise<void> {
    await this.enter();
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }

  treeItem(name: string | RegExp): Locator {
    return this.page.getByRole('treeitem', { name }).first();
  }

  /**
   * Presses an inline action of a row, which shows when the pointer is over it, until `effect` is there: a tree that is
   * drawn anew under the pointer takes no click.
   */
  async treeAction(item: string | RegExp, action: string | RegExp, effect: Locator): Promise<void> {
    const row = this.treeItem(item);
    const button = row.getByRole('button', { name: action }).first();
    for (let tries = 0; ; tries += 1) {
      try {
        await row.hover({ timeout: 5000 });
        await button.click({ timeout: 5000 });
        await effect.waitFor({ timeout: 10_000 });
        return;
      } catch (error) {
        if (await effect.isVisible()) return;
        if (tries === 5) throw error;
      }
    }
  }

  toast(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast', { hasText: text });
  }

  /** Presses a button of a notification. */
  async answerToast(text: string | RegExp, button: string): Promise<void> {
    const toast = this.toast(text).first();
    await toast.waitFor({ timeout: 120_000 });
    await toast.getByRole('button', { name: button }).click();
  }

  statusBar(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item', { hasText: text });
  }

  thread(text: string | RegExp): Locator {
    return this.page.locator('.review-widget', { hasText: text }).first();
  }

  threadAction(thread: Locator, label: string): Locator {
    return thread.locator(`a.action-label[aria-label^="${label}"]`).first();
  }

  terminal(text: string | RegExp): Locator {
    return this.page.locator('.terminal-wrapper.active .xterm-rows', { hasText: text });
  }

  /** The content of a rendered Markdown page or panel. */
  get webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }
}
