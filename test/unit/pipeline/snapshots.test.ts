/** Snapshots around the stages that write, and what was approved of them. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import type { PipelineRun, RunRequest, SnapshotMoment } from '../../../src/pipeline/contracts.ts';
import { openRun, runStage, startRun } from '../../../src/pipeline/run.ts';
import { lockHolder } from '../../../src/store/lock.ts';
import { connectorLockPath } from '../../../src/store/run-folders.ts';
import {
  changesSince,
  lastApproval,
  snapshotHook,
  SnapshotStore,
  type Snapshot,
} from '../../../src/workspace/snapshots/index.ts';
import {
  ALL_AUTO,
  dependencies,
  diagnosed,
  done,
  generated,
  published,
  request,
  scripted,
  temporaryFolder,
  tested,
  type Script,
} from './scripted.ts';

describe('snapshots of a run', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let runs: PipelineRun[] = [];
  let connector: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    connector = join(folder.path, 'connectors', 'source-shop');
  });
  afterEach(async () => {
    for (const run of runs) await run.dispose();
    runs = [];
    await folder.remove();
  });

  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(join(connector, path, '..'), { recursive: true });
    await writeFile(join(connector, path), content);
  };
  const writing: Script = {
    async generate({ attempt, mode }) {
      await write('src/client.py', `# ${mode} ${attempt}\n`);
      return done(generated());
    },
    async test({ attempt }) {
      await write('tests/test_read.py', `# ${attempt}\n`);
      return done(tested());
    },
    async publish({ draft }) {
      await write('STATISTICS.md', '# Statistics\n');
      return done(published(draft));
    },
  };

  async function start(
    script: Script,
    snapshots = snapshotHook(() => undefined),
    changes: Partial<RunRequest> = {},
    log: (level: string, message: string) => void = () => undefined,
  ): Promise<PipelineRun> {
    const run = await startRun(
      request(folder.path, changes),
      dependencies(scripted(script), { snapshots, log }),
    );
    runs.push(run);
    return run;
  }

  const label = ({ stage, attempt, phase }: Pick<Snapshot, 'stage' | 'attempt' | 'phase'>): string =>
    `${stage} ${attempt} ${phase}`;

  it('are taken before and after every attempt of a stage that writes, while the folder is locked', async () => {
    const moments: string[] = [];
    const hook = {
      async take(moment: SnapshotMoment) {
        moments.push(label(moment));
        assert.equal(moment.workspace, folder.path);
        assert.equal(moment.connectorDir, connector);
        const holder = await lockHolder(connectorLockPath(folder.path, connector));
        assert.ok(holder?.doing.startsWith(moment.stage), 'the folder was free meanwhile');
      },
    };
    const run = await start(
      {
        ...writing,
        diagnose: ({ attempt }) => done(diagnosed(attempt === 1 ? 'code' : 'pass')),
        test: ({ attempt }) => done(tested(attempt === 1 ? ['tests/test_read.py::test_x'] : [])),
      },
      hook,
    );
    assert.equal((await run.settled()).status, 'published');
    assert.deepEqual(
      moments,
      ['generate 1', 'test 1', 'generate 2', 'test 2', 'publish 1'].flatMap((one) => [
        `${one} before`,
        `${one} after`,
      ]),
    );
    await runStage(run.view().runDir, 'test', dependencies(scripted(writing), { snapshots: hook }));
    assert.deepEqual(moments.slice(-2), ['test 3 before', 'test 3 after']);
  });

  it('hold what the stage found and what it left', async () => {
    const run = await start(writing);
    await run.settled();
    const kept = await new SnapshotStore(folder.path).list(connector);
    assert.deepEqual(
      kept.map((snapshot) => [label(snapshot), snapshot.files.map(({ path }) => path).join(' ')]),
      [
        ['generate 1 before', ''],
        ['generate 1 after', 'src/client.py'],
        ['test 1 before', 'src/client.py'],
        ['test 1 after', 'src/client.py tests/test_read.py'],
        ['publish 1 before', 'src/client.py tests/test_read.py'],
        ['publish 1 after', 'STATISTICS.md src/client.py tests/test_read.py'],
      ],
    );
    assert.ok(kept.every(({ runId }) => runId === run.runId));
  });

  it('are taken after a stage that failed or was cancelled, too', async () => {
    let started = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      started = resolve;
    });
    const run = await start({
      ...writing,
      async test({ signal }) {
        await write('tests/test_read.py', '# half\n');
        started();
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new SourcewrightError('cancelled', 'Stopped.'));
          });
        });
      },
    });
    await begun;
    await run.cancel();
    const last = (await new SnapshotStore(folder.path).list(connector)).at(-1);
    assert.ok(last);
    assert.equal(label(last), 'test 1 after');
    assert.ok(last.files.some(({ path }) => path === 'tests/test_read.py'));

    const failing = await start({ ...writing, generate: () => Promise.reject(new Error('broken')) });
    assert.equal((await failing.settled()).status, 'failed');
    const after = (await new SnapshotStore(folder.path).list(connector)).at(-1);
    assert.equal(after?.runId, failing.runId);
    assert.equal(label(after), 'generate 1 after');
  });

  for (const [what, take] of [
    ['rejects', () => Promise.reject(new SourcewrightError('environment', 'The disk is full.'))],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ] as const) {
    it(`never stop a run: one that ${what} is told in the log`, async () => {
      const lines: string[] = [];
      const run = await start(writing, { take }, {}, (level, message) => lines.push(`${level} ${message}`));
      assert.equal((await run.settled()).status, 'published');
      const told = lines.filter((line) =>
        /^warn No snapshot of the connector (before|after) \w+: /.test(line),
      );
      assert.equal(told.length, 6, lines.join('\n'));
    });
  }

  it('are taken within the limits as they are at the time', async () => {
    const limits = { maxBytes: 1024 * 1024, maxFileBytes: 1 };
    const lines: string[] = [];
    const hook = snapshotHook(
      (level, message) => lines.push(`${level} ${message}`),
      () => limits,
    );
    const run = { runId: 'r', workspace: folder.path, connectorDir: connector };
    const moment = { ...run, stage: 'test', notBefore: '' } as const;
    await write('src/client.py', '# more than one byte\n');
    await hook.take({ ...moment, attempt: 1, phase: 'before' });
    limits.maxFileBytes = 1000;
    await hook.take({ ...moment, attempt: 1, phase: 'after' });
    const [before, after] = await new SnapshotStore(folder.path).list(connector);
    assert.deepEqual([before?.files.length, after?.files.length], [0, 1]);
    assert.match(lines[0] ?? '', /^info Left out of the snapshot .*: src\/client\.py \(too big\)$/);
    assert.equal(lines.length, 1);
  });

  it('tell what was approved last: the code as the person let it stand', async () => {
    const store = new SnapshotStore(folder.path);
    const hook = snapshotHook(() => undefined);
    const ask = { gates: { ...ALL_AUTO, code: 'ask', publish: 'ask' } } as const;
    const first = await start(writing, hook, ask);
    assert.equal((await first.settled()).gate, 'code');
    assert.equal(await lastApproval(store, connector, first.runId), undefined, 'nothing was approved yet');
    assert.deepEqual(await changesSince(store, connector), [
      { path: 'src/client.py', before: null, exists: true },
    ]);

    await write('src/by_hand.py', '# mine\n');
    await first.decide('code', { kind: 'approve' });
    assert.equal((await first.settled()).gate, 'publish');
    const approved = await lastApproval(store, connector, first.runId);
    // The gates tests and review decided by themselves since, and nobody has looked there.
    assert.deepEqual([approved?.gate, approved?.by], ['code', 'person']);
    const paths = approved?.snapshot.files.map(({ path }) => path);
    assert.deepEqual(paths, ['src/by_hand.py', 'src/client.py']);
    await first.decide('publish', { kind: 'reject' });

    const second = await start(
      { ...writing, generate: async () => (await write('src/client.py', '# anew\n'), done(generated())) },
      hook,
      ask,
    );
    assert.equal((await second.settled()).gate, 'code');
    const before = await lastApproval(store, connector, second.runId);
    assert.equal(before?.runId, first.runId);
    assert.deepEqual(
      (await changesSince(store, connector, before.snapshot)).map(({ path }) => path),
      ['src/client.py', 'tests/test_read.py'],
    );
    await second.decide('code', { kind: 'request_changes', feedback: 'Shorter.' });
    await second.settled();
    assert.equal((await lastApproval(store, connector, second.runId))?.runId, first.runId);
    await second.decide('code', { kind: 'approve' });
    await second.settled();
    const now = await lastApproval(store, connector, second.runId);
    assert.equal(now?.runId, second.runId);
    assert.deepEqual(
      (await changesSince(store, connector, now.snapshot)).map(({ path }) => path),
      [],
    );
    // What came later does not count for an earlier run.
    assert.equal((await lastApproval(store, connector, first.runId))?.runId, first.runId);
  });

  it('tell of gates that decide by themselves only where nobody ever approved', async () => {
    const run = await start(writing);
    await run.settled();
    const approved = await lastApproval(new SnapshotStore(folder.path), connector, run.runId);
    assert.deepEqual([approved?.gate, approved?.by], ['publish', 'auto']);
    assert.equal(approved?.snapshot.stage, 'publish');
    assert.equal(approved.snapshot.phase, 'before');
  });

  it('know the code of the gate code as soon as it is approved, and the person’s edits with it', async () => {
    const store = new SnapshotStore(folder.path);
    const hook = snapshotHook(() => undefined);
    const run = await start(writing, hook, { gates: { ...ALL_AUTO, code: 'ask', tests: 'ask' } });
    await run.settled();
    await write('src/by_hand.py', '# mine\n');
    await run.decide('code', { kind: 'approve' });
    await run.settled();
    const approved = await lastApproval(store, connector, run.runId);
    assert.equal(approved?.gate, 'code');
    assert.deepEqual(
      approved.snapshot.files.map(({ path }) => path),
      ['src/by_hand.py', 'src/client.py'],
    );
    assert.deepEqual(
      (await changesSince(store, connector, approved.snapshot)).map(({ path }) => path),
      ['tests/test_read.py'],
    );
  });

  it('know what was approved also where the clock is set back right after it: what came later was not', async () => {
    const store = new SnapshotStore(folder.path);
    let offset = 3_600_000;
    const clock = (): Date => new Date(Date.now() + offset);
    const run = await startRun(
      request(folder.path, { gates: { ...ALL_AUTO, code: 'ask', tests: 'ask' } }),
      dependencies(scripted(writing), {
        snapshots: snapshotHook(
          () => undefined,
          () => ({ now: clock }),
        ),
        now: clock,
      }),
    );
    runs.push(run);
    await run.settled();
    await run.decide('code', { kind: 'approve' });
    offset = 0;
    await run.settled();
    const approved = await lastApproval(store, connector, run.runId);
    assert.equal(approved?.gate, 'code');
    assert.deepEqual(
      (await changesSince(store, connector, approved.snapshot)).map(({ path }) => path),
      ['tests/test_read.py'],
    );
  });

  it('of a step that a killed process left are not taken a second time where nothing has changed since', async () => {
    const hook = snapshotHook(() => undefined);
    const hanging = await start({ ...writing, test: () => new Promise(() => undefined) }, hook);
    const store = new SnapshotStore(folder.path);
    const deadline = Date.now() + 5_000;
    while (!(await store.list(connector)).some((one) => one.stage === 'test')) {
      assert.ok(Date.now() < deadline, 'the test stage never began');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await hanging.dispose();
    const { runDir } = hanging.view();
    // The stage that never ended still holds the lock of the folder in this process; a killed one would not.
    await rm(connectorLockPath(folder.path, connector), { force: true });
    const run = await openRun(runDir, dependencies(scripted(writing), { snapshots: hook }));
    runs.push(run);
    await run.resume();
    assert.equal((await run.settled()).status, 'published');
    const tests = (await store.list(connector)).filter(({ stage }) => stage === 'test');
    assert.deepEqual(tests.map(label), ['test 1 before', 'test 1 after']);
  });
});
