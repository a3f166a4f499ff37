/** The disk is full at any one write, and well again when the person resumes: nothing is lost, no finished step repeated. */
import assert from 'node:assert/strict';
import { SourcewrightError } from '../../../src/errors.ts';
import type { PipelineRun, RunView } from '../../../src/pipeline/contracts.ts';
import { openRun, startRun } from '../../../src/pipeline/run.ts';
import { type AppendFile, fileError, type Files, nodeFiles } from '../../../src/store/files.ts';
import {
  ALL_AUTO,
  dependencies,
  done,
  published,
  request,
  research,
  scripted,
  temporaryFolder,
  type Trace,
} from './scripted.ts';

class FullDisk implements Files {
  writes = 0;
  full = false;
  readonly #fullAt: number;

  constructor(fullAt: number) {
    this.#fullAt = fullAt;
  }

  #check(path: string): void {
    this.writes += 1;
    if (this.writes === this.#fullAt) this.full = true;
    if (!this.full) return;
    throw fileError(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }), 'write', path);
  }

  read(path: string): Promise<Buffer | undefined> {
    return nodeFiles.read(path);
  }

  async writeAtomic(path: string, content: string | Uint8Array): Promise<void> {
    if (/(run|usage)\.json$/.test(path)) {
      if (this.full) throw new SourcewrightError('environment', 'Full.');
      return;
    }
    this.#check(path);
    await nodeFiles.writeAtomic(path, content);
  }

  async openAppend(path: string): Promise<AppendFile> {
    const file = await nodeFiles.openAppend(path);
    return {
      ...file,
      append: async (text) => {
        this.#check(path);
        await file.append(text);
      },
    };
  }
}

describe('a run on a disk that gets full', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  const stages = (trace: Trace): ReturnType<typeof scripted> =>
    scripted(
      {
        async research(context) {
          await context.writeArtifact('brief.json', { a: 1 });
          return done(research);
        },
        async publish(context) {
          await context.writeArtifact('publication.json', { b: 1 });
          return done(published());
        },
      },
      trace,
    );

  it('at any write of its own: pauses with the cure, and ends well when it is resumed', async function () {
    this.timeout(60_000);
    const gates = { ...ALL_AUTO, code: 'ask' } as const;
    const calm = new FullDisk(Infinity);
    const first = await drive(
      await startRun(request(folder.path, { gates }), dependencies(stages([]), { files: calm })),
      calm,
    );
    assert.equal(first.view.status, 'published');
    assert.equal(first.pauses, 0);
    // The first write is the run's request itself.
    for (let fullAt = 2; fullAt <= calm.writes; fullAt += 1) {
      const files = new FullDisk(fullAt);
      const trace: Trace = [];
      const run = await startRun(request(folder.path, { gates }), dependencies(stages(trace), { files }));
      const { view, pauses, refusals } = await drive(run, files);
      assert.equal(view.status, 'published', `full at write ${fullAt}`);
      assert.equal(pauses + refusals, 1, `full at write ${fullAt}: ${pauses} pauses, ${refusals} refusals`);
      const again = trace.filter((step, index) => trace.indexOf(step) !== index);
      const writers = ['research RUN 1', 'publish RUN 1'];
      assert.ok(again.length <= 1, `full at write ${fullAt}: ${again.join()}`);
      assert.ok(
        again.every((step) => writers.includes(step)),
        'only a step that could not write its own artifact',
      );
      await run.dispose();
      const reopened = await openRun(view.runDir, dependencies(stages([])));
      assert.equal(reopened.view().status, 'published', 'the journal tells the whole story');
      await reopened.dispose();
    }
  });

  /** A person who frees some space whenever the run asks for it. */
  async function drive(
    run: PipelineRun,
    files: FullDisk,
  ): Promise<{ view: RunView; pauses: number; refusals: number }> {
    let pauses = 0;
    let refusals = 0;
    for (let turns = 0; turns < 10; turns += 1) {
      const view = await run.settled();
      if (view.status === 'waiting') {
        try {
          await run.decide('code', { kind: 'approve' });
        } catch (error) {
          assert.ok(error instanceof SourcewrightError && error.code === 'environment');
          assert.equal(run.view().gate, 'code', 'the gate still waits');
          refusals += 1;
          files.full = false;
        }
      } else if (view.status === 'paused') {
        assert.equal(view.pause?.cause, 'environment');
        assert.match(view.pause.message, /ENOSPC/);
        assert.match(view.pause.cure, /Free some space/);
        await assert.rejects(run.resume(), SourcewrightError, 'the disk is still full');
        assert.equal(run.view().status, 'paused');
        pauses += 1;
        files.full = false;
        await run.resume();
      } else return { view, pauses, refusals };
    }
    throw new Error('The run never ends.');
  }

  it('can be cancelled while it is full', async () => {
    const files = new FullDisk(4);
    const run = await startRun(request(folder.path), dependencies(stages([]), { files }));
    assert.equal((await run.settled()).status, 'paused');
    await run.cancel();
    assert.equal((await run.settled()).status, 'cancelled');
  });

  it('does not begin at all when not even the request can be written', async () => {
    const files = new FullDisk(1);
    await assert.rejects(
      startRun(request(folder.path), dependencies(stages([]), { files })),
      (error) => error instanceof SourcewrightError && error.code === 'environment',
    );
  });
});
