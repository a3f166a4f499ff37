/** The research panel by clicks: claims corrected, confirmed and struck, a question answered, a stream left out, approved; another run rejected. */
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { Brief } from '../../src/pipeline/contracts.ts';
import { PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

const HOSTILE = `<img src=x onerror="document.body.dataset.hostile='yes'"><script>document.body.dataset.hostile='yes'</script>`;

describe('the research panel', function () {
  this.timeout(240_000);
  restsOnTheLast();
  let story: PanelWindow;

  before(async () => {
    story = await PanelWindow.open('research-panel');
    const library = await readFile(join(story.workspace, 'library.openapi.yaml'), 'utf8');
    const hostile = library
      .replace(
        'description: Members, books and loans',
        `description: '${HOSTILE.replaceAll("'", "''")} Members`,
      )
      .replace('of a lending library.\nservers', "of a lending library.'\nservers")
      .replace('operationId: listBooks', `operationId: '${HOSTILE.replaceAll("'", "''")}'`);
    assert.ok(hostile.split('onerror').length === 3, 'both places are hostile');
    await writeFile(join(story.workspace, 'hostile.openapi.yaml'), hostile);
    await story.waitAtResearch('hostile.openapi.yaml', '--mutants', '0', '--no-conformance');
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  const button = (name: string | RegExp): Locator =>
    story.window.webview.getByRole('button', { name, exact: true });
  const text = (words: string | RegExp): Locator => story.window.webview.getByText(words).first();
  const brief = async (): Promise<Brief> =>
    Brief.parse(JSON.parse(await readFile(join(await story.runDir(), 'brief.json'), 'utf8')));
  const status = ({ blueprint }: Brief, subject: string | null, fact: string): string | undefined =>
    blueprint.facts.find((one) => one.subject === subject && one.fact === fact)?.status;

  it('shows the notes beside the facts, and what the description says as text only', async () => {
    await story.window.command('Show Research');
    await story.window.webview.getByRole('heading', { name: 'Facts' }).waitFor();
    await text(/The research waits for your decision/).waitFor();
    await text('<script>document.body').waitFor();
    const frame = await story.frame();
    assert.equal(await frame.evaluate('document.body.dataset.hostile ?? "no"'), 'no');
    assert.equal(await frame.evaluate('document.querySelectorAll("main img, main script").length'), 0);
    await story.inAllThemes('waiting');
  });

  it('keeps answers as drafts, and says what is wrong with one', async () => {
    await button('Correct: Key of books').click();
    await story.window.webview.getByLabel('Key field', { exact: true }).fill('title');
    await text('Draft: title').waitFor();
    await button('Correct: Key of books').click();

    await button('Confirm: Base URL of the API').click();
    await text('Draft: confirmed as it is').waitFor();
    await button('Strike: Incremental by of books').click();
    await text(/Draft: struck/).waitFor();
    await story.window.webview
      .getByRole('group', { name: /Can members be read/ })
      .getByRole('radio', { name: 'joined_at' })
      .check();
    await text('Draft: joined_at').waitFor();
    await story.window.webview.getByRole('checkbox', { name: 'loans', exact: true }).uncheck();
    await text('Draft: left out').waitFor();
    await text('4 changes and 1 confirmation drafted').waitFor();

    await button('Correct: Paging of members').click();
    await story.window.webview.getByLabel('Number of the first page').fill('first');
    await text(/Can’t be applied: Number of the first page: "first" is not a number/).waitFor();
    assert.ok(await button('Apply 6 Changes').isDisabled(), 'nothing is given with a mistake in it');
    await story.inAllThemes('drafts');
    assert.deepEqual(await story.seriousFindings(), []);
    await button('Undo the draft: Paging of members').click();
    await button('Apply 5 Changes').waitFor();
    assert.equal(await story.window.webview.getByLabel('Number of the first page').inputValue(), '1');
  });

  it('has them still after a reload', async () => {
    await story.reload();
    await button('Apply 5 Changes').waitFor({ timeout: 60_000 });
    await text('Draft: title').waitFor();
    await text('Draft: left out').waitFor();
    await story.window.showSideBar();
  });

  it('applies them: the revised brief shows what became of each', async () => {
    await button('Apply 5 Changes').click();
    await text('✓ Corrected').waitFor({ timeout: 60_000 });
    await text(/The research waits for your decision/).waitFor({ timeout: 60_000 });
    await text('✗ Struck').waitFor();
    await button('Approve').waitFor();
    const revised = await brief();
    const books = revised.blueprint.streams.find(({ name }) => name === 'books');
    assert.deepEqual(books?.primaryKey, [['title']]);
    assert.equal(books.incremental, undefined);
    assert.equal(status(revised, 'books', 'primary_key'), 'corrected');
    assert.equal(status(revised, 'books', 'incremental'), 'struck');
    assert.equal(status(revised, null, 'base_url'), 'confirmed');
    const members = revised.blueprint.streams.find(({ name }) => name === 'members');
    assert.deepEqual(members?.incremental?.cursorField, ['joined_at']);
    assert.ok(
      !revised.blueprint.gaps.some(({ id }) => id === 'incremental:members'),
      'the question is answered',
    );
    assert.equal(revised.blueprint.streams.find(({ name }) => name === 'loans')?.selected, false);
    const drafts = await readFile(join(await story.runDir(), 'research-answers.json'), 'utf8');
    assert.deepEqual(
      (JSON.parse(drafts) as { drafts: unknown }).drafts,
      [],
      'what was given is no draft any more',
    );
    await story.window.screenshot('applied');
    assert.deepEqual(await story.seriousFindings(), []);
  });

  it('applies what is drafted before it approves, and is for reading then', async () => {
    await button('Confirm: Key of members').click();
    await button('Apply and Approve').click();
    await story.window.treeItem(/^Generate: waiting/).waitFor({ timeout: 120_000 });
    assert.equal(status(await brief(), 'members', 'primary_key'), 'confirmed');
    await text(/Read only: the research was approved/).waitFor();
    assert.equal(await button('Confirm: Rows at of members').count(), 0);
    await story.window.screenshot('read-only');
  });

  it('opens the description at the place that a claim rests on', async () => {
    await button('Open the description at /components/securitySchemes/apiKey').first().click();
    await story.window.statusBar(/Ln 79, Col 1/).waitFor({ timeout: 30_000 });
    await story.window.screenshot('place');
  });

  it('ends a run that is rejected in its research panel, and leaves its files', async () => {
    const { window } = story;
    await window.command('View: Close All Editors');
    assert.equal(await story.terminal('generate', 'library.openapi.yaml', '--name', 'third'), 3);
    await window.treeItem(/^Run source-third, The research is ready/).click();
    await window.treeItem(/^Research: waiting/).waitFor();
    await window.command('Show Research');
    await window.page.getByRole('tab', { name: /^Research: source-third/ }).waitFor();
    await button('Reject…').click();
    await window.webview.getByLabel(/^Why\?/).fill('The API goes away next month');
    await window.screenshot('rejecting');
    await button('Reject and End the Run').click();
    await window.treeItem(/^Run source-third, cancelled/).waitFor();
    await text(/Read only/).waitFor();
    assert.equal(await button('Approve').count(), 0, 'there is nothing left to decide');
    await story.inAllThemes('rejected');
    const journal = await readFile(join(await story.runDir(), 'journal.jsonl'), 'utf8');
    assert.match(
      journal,
      /"gate":"research","decision":\{"kind":"reject","reason":"The API goes away next month"\}/,
    );
    const left = await readdir(await story.runDir());
    assert.ok(['brief.json', 'brief.md', 'journal.jsonl', 'run.json'].every((name) => left.includes(name)));
    assert.ok(!left.includes('lock'), 'the run is let go of');
    assert.ok(!existsSync(join(story.workspace, 'connectors', 'source-third')), 'no code was written');
  });
});
