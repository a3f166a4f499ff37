/** The process of the extensions is killed while a stage works: the run stands paused in the next one, and goes on from there. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLine } from '../../src/store/append-log.ts';
import { PanelWindow } from './panel-window.ts';
import { restsOnTheLast } from '../rests-on-the-last.ts';

/** A machine that is busy with something else may need this long for a step. */
const STEP_MS = 180_000;

describe('the process of the extensions, killed in the middle of a run', function () {
  this.timeout(400_000);
  restsOnTheLast();
  let story: PanelWindow;
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', story.workspace, ...words], { encoding: 'utf8' });

  before(async () => {
    story = await PanelWindow.open('killed-host');
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'E2E');
    git('config', 'user.email', 'e2e@example.invalid');
    const words = ['library.openapi.yaml', '--mutants', '0', '--no-conformance'];
    const approved = ['research', 'tests', 'review'].flatMap((gate) => ['--approve', gate]);
    await story.waitAtCode(...words, ...approved);
  });
  after(() => story.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await story.window.screenshot('FAILED');
  });

  /** The journal's lines in few words: `started test 1`. */
  const steps = async (): Promise<string[]> => {
    const text = await readFile(join(await story.runDir(), 'journal.jsonl'), 'utf8');
    return text.split('\n').flatMap((line) => {
      const record = parseLine(line)?.record as
        { type: string; stage?: string; attempt?: number; gate?: string } | undefined;
      return record === undefined
        ? []
        : [[record.type, record.stage ?? record.gate, record.attempt].filter(Boolean).join(' ')];
    });
  };
  const times = async (step: string): Promise<number> => (await steps()).filter((one) => one === step).length;
  /** What a person does when the editor is there again. */
  const resume = async (stage: RegExp): Promise<void> => {
    const { window } = story;
    await window.treeItem(stage).waitFor({ timeout: STEP_MS });
    await window.screenshot('killed');
    await window.command('Resume');
  };

  it('pauses the tests that it interrupted, and runs them again once', async () => {
    const { window } = story;
    await window.treeAction(/^Generate: waiting/, 'Approve', window.treeItem(/^Test: running/));
    story.killExtensionHost();
    await resume(/^Test: paused/);
    await window.statusBar(/source-village-library: Publish\?/).waitFor({ timeout: STEP_MS });
    assert.equal(await times('started test 1'), 2);
    assert.equal(await times('done test 1'), 1);
    assert.equal(await times('decided code'), 1);
  });

  it('publishes once, though it was killed while it published', async () => {
    const { window } = story;
    await window.treeAction(/^Publish: waiting/, 'Approve', window.treeItem(/^Publish: running/));
    await window.page.waitForTimeout(2_000);
    story.killExtensionHost();
    await resume(/^Publish: paused/);
    await window.treeItem(/^Publish: done/).waitFor({ timeout: STEP_MS });
    await window.screenshot('published');
    assert.equal(await times('done publish 1'), 1);
    assert.equal(git('rev-list', '--count', 'connector/village-library').trim(), '1');
    assert.equal(git('status', '--porcelain', '--untracked-files=no'), '');
  });
});
