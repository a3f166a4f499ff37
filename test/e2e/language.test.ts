/** An editor in another language: what the extension shows there comes from its bundles of words, in the window as it runs. */
import { strict as assert } from 'node:assert';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

/** Every word of ours stands in these; what does not was not translated. */
const marked = (words: string): string => `«${words}»`;

/** Puts a language beside the packed extension that nobody speaks and everybody can read. */
async function translate(extensions: string): Promise<void> {
  const name = (await readdir(extensions)).find((folder) => folder.includes('sourcewright'));
  assert.ok(name !== undefined, 'the extension is not installed');
  const root = join(extensions, name);
  const write = async (path: string, to: string): Promise<void> => {
    const words = JSON.parse(await readFile(join(root, path), 'utf8')) as Record<string, string>;
    const said = Object.fromEntries(Object.entries(words).map(([key, text]) => [key, marked(text)]));
    await writeFile(join(root, to), JSON.stringify(said));
  };
  await write('package.nls.json', 'package.nls.de.json');
  await write('media/l10n/bundle.l10n.json', 'media/l10n/bundle.l10n.de.json');
}

describe('an editor in another language', function () {
  this.timeout(240_000);
  restsOnTheLast();
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('language', {}, { language: 'de', prepare: translate });
    assert.equal(await story.terminal('generate', 'library.openapi.yaml', '--mutants', '0'), 3);
    await story.load();
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  it('shows its views and where a run stands in that language', async () => {
    const { window } = story;
    await window.activity('«Sourcewright»').click();
    await window.treeItem(/^«Research»: «waiting»/).waitFor();
    await window.page.locator('.pane-header', { hasText: '«Pipeline»' }).waitFor();
    await window.statusBar(/«Approve»/).waitFor();
    await window.screenshot('views');
  });

  it('asks in that language', async () => {
    const { window } = story;
    await window.command('«Generate Connector»');
    await window.waitForStep('«Generate Connector: «what describes the API?»»');
    await window.quickRow('«Browse…»').waitFor();
    await window.screenshot('asks');
    await window.page.keyboard.press('Escape');
  });
});
