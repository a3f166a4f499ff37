/** Runs that came with a repository: looked at, but never driven, and their words about folders count for nothing. */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { openRun, runStage, startRun } from '../../../src/pipeline/run.ts';
import { runsDir } from '../../../src/store/run-folders.ts';
import { listRuns } from '../../../src/store/runs.ts';
import { dependencies, request, scripted, temporaryFolder } from '../pipeline/scripted.ts';

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

describe('a run that was started in another folder', () => {
  let victim: Folder;
  let stranger: Folder;
  let copied: string;

  beforeEach(async () => {
    [victim, stranger] = [await temporaryFolder(), await temporaryFolder()];
    const run = await startRun(
      request(stranger.path, { gates: { code: 'auto', publish: 'auto' } }),
      dependencies(scripted()),
    );
    const view = await run.settled();
    assert.equal(view.gate, 'research');
    await run.dispose();
    copied = join(runsDir(victim.path), basename(view.runDir));
    await mkdir(runsDir(victim.path), { recursive: true });
    await cp(view.runDir, copied, { recursive: true });
  });
  afterEach(async () => {
    await victim.remove();
    await stranger.remove();
  });

  for (const [how, act] of [
    ['resumed', async () => (await openRun(copied, dependencies(scripted()))).dispose()],
    ['made to run a stage', () => runStage(copied, 'generate', dependencies(scripted()))],
  ] as const) {
    it(`is not ${how}, and nothing of it is changed`, async () => {
      const before = await readFile(join(copied, 'journal.jsonl'), 'utf8');
      await assert.rejects(act(), (error) => {
        assert.ok(error instanceof SourcewrightError);
        assert.equal(error.code, 'input');
        assert.match(error.message, /started in another folder/);
        return true;
      });
      assert.equal(await readFile(join(copied, 'journal.jsonl'), 'utf8'), before);
      assert.deepEqual(await readdir(victim.path), ['.sourcewright']);
    });
  }

  it('names no folder of this machine as its connector’s', async () => {
    const file = join(copied, 'run.json');
    const stored = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(
      file,
      JSON.stringify({ ...stored, status: 'finished', connectorDir: '/home/somebody/.ssh' }),
    );
    const [view] = await listRuns(victim.path);
    assert.equal(view?.connectorDir, null);
    assert.equal(view.workspace, victim.path);
    assert.equal(view.runDir, copied);
  });
});
