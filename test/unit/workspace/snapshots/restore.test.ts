import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../../../src/errors.ts';
import { fileError, type Files, nodeFiles, sha256 } from '../../../../src/store/files.ts';
import { takeLock } from '../../../../src/store/lock.ts';
import { connectorLockPath, runLockPath } from '../../../../src/store/run-folders.ts';
import {
  planRestore,
  restore,
  type RestorePlan,
  type SeenFile,
  type Snapshot,
} from '../../../../src/workspace/snapshots/index.ts';
import { runView } from '../../terminal/views.ts';
import { Bench, RUN } from './support.ts';

describe('snapshots: restoring', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.make();
  });
  afterEach(() => bench.remove());

  const plan = ({ id }: Snapshot): Promise<RestorePlan> => planRestore(bench.store(), bench.connector, id);
  const back = (id: string, overwrite: readonly SeenFile[] = []): ReturnType<typeof restore> =>
    restore(bench.store(), bench.connector, id, overwrite);
  const paths = (seen: readonly SeenFile[]): string[] => seen.map(({ path }) => path);

  it('brings back what stages changed, removed and added, without a question', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n', 'src/b.py': 'b1\n', 'src/same.py': 's\n' });
    await bench.stage({ 'src/a.py': 'a2\n', 'src/b.py': undefined, 'src/deep/new.py': 'n\n' }, 2);
    const planned = await plan(first);
    assert.deepEqual(planned.write, ['src/a.py', 'src/b.py']);
    assert.deepEqual(planned.remove, ['src/deep/new.py']);
    assert.deepEqual(planned.edited, []);
    const { written, removed, kept } = await back(first.id);
    assert.deepEqual([written, removed, kept], [['src/a.py', 'src/b.py'], ['src/deep/new.py'], []]);
    assert.deepEqual(await bench.files('connectors/source-shop'), ['src/a.py', 'src/b.py', 'src/same.py']);
    assert.equal(await bench.read('src/a.py'), 'a1\n');
    assert.equal(await bench.read('src/b.py'), 'b1\n');
  });

  it('asks about what the person edited, deleted or added since, and keeps it unless told otherwise', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n', 'src/b.py': 'b1\n', 'src/c.py': 'c1\n' });
    await bench.stage({ 'src/a.py': 'a2\n', 'src/c.py': 'c2\n' }, 2);
    await bench.write('src/a.py', 'a2 with my edit\n');
    await rm(join(bench.connector, 'src', 'b.py'));
    await bench.write('src/mine.py', 'mine\n');
    const { edited } = await plan(first);
    assert.deepEqual(edited, [
      { path: 'src/a.py', sha256: sha256('a2 with my edit\n') },
      { path: 'src/b.py', sha256: null },
      { path: 'src/mine.py', sha256: sha256('mine\n') },
    ]);
    const mild = await back(first.id);
    assert.deepEqual(mild.written, ['src/c.py']);
    assert.deepEqual(mild.kept, ['src/a.py', 'src/b.py', 'src/mine.py']);
    assert.equal(await bench.read('src/a.py'), 'a2 with my edit\n');
    assert.equal(await bench.read('src/c.py'), 'c1\n');

    // Still theirs after that restore.
    const again = await plan(first);
    assert.deepEqual(paths(again.edited), ['src/a.py', 'src/b.py', 'src/mine.py']);
    const forced = await back(first.id, again.edited);
    assert.deepEqual(forced.kept, []);
    assert.deepEqual(await bench.files('connectors/source-shop'), ['src/a.py', 'src/b.py', 'src/c.py']);
    assert.equal(await bench.read('src/a.py'), 'a1\n');
  });

  it('asks also where a stage has run since the edit: it may be in what the stage wrote', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n', 'src/b.py': 'b1\n' });
    await bench.write('src/a.py', 'my edit\n');
    await bench.stage({ 'src/b.py': 'b2\n' }, 2);
    await bench.stage({ 'src/a.py': 'my edit, and more\n' }, 3);
    assert.deepEqual(paths((await plan(first)).edited), ['src/a.py']);
  });

  it('does not ask about an edit that was there before the snapshot, or is gone since', async () => {
    await bench.stage({ 'src/a.py': 'a1\n' });
    await bench.write('src/a.py', 'my edit\n');
    const second = await bench.stage({ 'src/b.py': 'b1\n' }, 2);
    await bench.stage({ 'src/a.py': 'a2\n' }, 3);
    assert.deepEqual((await plan(second)).edited, []);
    await back(second.id);
    assert.equal(await bench.read('src/a.py'), 'my edit\n');
    // Edited, put back by hand, then changed by a stage: nothing of the person's is left.
    await bench.write('src/a.py', 'tried\n');
    await bench.write('src/a.py', 'my edit\n');
    await bench.stage({ 'src/a.py': 'a3\n' }, 4);
    assert.deepEqual((await plan(second)).edited, []);
  });

  it('asks where no pair of snapshots vouches for a stage', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n' });
    await bench.take('before', { attempt: 2 });
    await bench.write('src/a.py', 'half of what a killed stage wrote, or an edit\n');
    await bench.stage({ 'src/b.py': 'b1\n' }, 2);
    assert.deepEqual(paths((await plan(first)).edited), ['src/a.py']);
  });

  it('asks where the snapshots between were thrown away', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n' });
    await bench.stage({ 'src/a.py': 'a2\n' }, 2);
    const [, , third] = await bench.store().list(bench.connector);
    assert.deepEqual((await plan(first)).edited, []);
    await rm(join(await bench.manifestFolder(), `${third?.id ?? ''}.json`));
    assert.deepEqual(paths((await plan(first)).edited), ['src/a.py']);
  });

  it('overwrites an edit only as it was shown', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n' });
    await bench.write('src/a.py', 'shown\n');
    const { edited } = await plan(first);
    await bench.write('src/a.py', 'and changed while the question stood\n');
    const { kept, undo } = await back(first.id, edited);
    assert.deepEqual(kept, ['src/a.py']);
    assert.equal(undo, null);
    assert.equal(await bench.read('src/a.py'), 'and changed while the question stood\n');
  });

  it('can be undone, with what it overwrote', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n', 'src/b.py': 'b1\n' });
    await bench.write('src/a.py', 'my edit\n');
    await bench.stage({ 'src/b.py': 'b2\n', 'src/c.py': 'c2\n' }, 2);
    const { undo } = await back(first.id, (await plan(first)).edited);
    assert.equal(await bench.read('src/a.py'), 'a1\n');
    assert.ok(undo);
    const undone = await back(undo);
    assert.deepEqual(undone.kept, [], 'the restore itself was taken for the person’s work');
    assert.deepEqual(await bench.files('connectors/source-shop'), ['src/a.py', 'src/b.py', 'src/c.py']);
    assert.equal(await bench.read('src/a.py'), 'my edit\n');
    assert.equal(await bench.read('src/b.py'), 'b2\n');
  });

  it('does nothing, and keeps nothing, where all is as it was', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n' });
    const before = (await bench.store().list(bench.connector)).length;
    assert.deepEqual(await back(first.id), { written: [], removed: [], kept: [], undo: null });
    assert.equal((await bench.store().list(bench.connector)).length, before);
  });

  it('brings back what can be started as a program', async function () {
    if (process.platform === 'win32') this.skip();
    await bench.write('run.sh', '#!/bin/sh\n');
    await chmod(join(bench.connector, 'run.sh'), 0o755);
    const first = await bench.take('after');
    await rm(join(bench.connector, 'run.sh'));
    await back(first.id, (await plan(first)).edited);
    assert.equal((await stat(join(bench.connector, 'run.sh'))).mode & 0o777, 0o755);
  });

  it('leaves private files and what was left out alone', async () => {
    await bench.write('big.bin', 'x'.repeat(500));
    await bench.write('src/a.py', 'a1\n');
    await bench.write('config.json', 'secret');
    const first = await bench.take('after', {}, { maxFileBytes: 100 });
    await bench.take('before', { attempt: 2 });
    await bench.write('src/a.py', 'a2\n');
    await bench.write('big.bin', 'changed');
    await bench.take('after', { attempt: 2 });
    const planned = await plan(first);
    assert.deepEqual(planned.untouched, ['big.bin']);
    await back(first.id, planned.edited);
    assert.equal(await bench.read('src/a.py'), 'a1\n');
    assert.equal(await bench.read('big.bin'), 'changed');
    assert.equal(await bench.read('config.json'), 'secret');
  });

  it('knows the folder’s lock also where the workspace was opened through a link', async () => {
    const link = `${bench.workspace}-link`;
    await symlink(bench.workspace, link);
    try {
      const through = bench.connector.replace(bench.workspace, link);
      const held = await takeLock(connectorLockPath(link, through), 'It', 'test of run x');
      const taken = await bench.take('before');
      await assert.rejects(
        restore(bench.store(), bench.connector, taken.id),
        (error) => error instanceof SourcewrightError && error.code === 'locked',
      );
      await held.release();
    } finally {
      await rm(link);
    }
  });

  it('refuses while a stage holds the folder, or a run is at work on it', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n' });
    await bench.stage({ 'src/a.py': 'a2\n' }, 2);
    const locked = (error: unknown): boolean => error instanceof SourcewrightError && error.code === 'locked';
    const held = await takeLock(connectorLockPath(bench.workspace, bench.connector), 'It', 'test of run x');
    await assert.rejects(back(first.id), locked);
    await held.release();

    const runDir = join(bench.workspace, '.sourcewright', 'runs', RUN);
    await mkdir(runDir, { recursive: true });
    const { workspace } = bench;
    const view = runView({ runId: RUN, runDir, workspace, status: 'running', connectorDir: bench.connector });
    await writeFile(join(runDir, 'run.json'), JSON.stringify(view));
    const running = await takeLock(runLockPath(runDir), 'The run', 'runs the pipeline');
    await assert.rejects(back(first.id), locked);
    await running.release();
    assert.equal(await bench.read('src/a.py'), 'a2\n');
  });

  it('writes through no link and nothing at all where one is in the way', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n', 'src/deep/b.py': 'b1\n' });
    await bench.stage({ 'src/a.py': 'a2\n' }, 2);
    const outside = join(bench.workspace, 'outside');
    await mkdir(outside);
    await rm(join(bench.connector, 'src', 'deep'), { recursive: true });
    await symlink(outside, join(bench.connector, 'src', 'deep'));
    const { edited } = await plan(first);
    await assert.rejects(back(first.id, edited), /symbolic link/);
    assert.equal(await bench.read('src/a.py'), 'a2\n', 'half of it was done');
    assert.deepEqual(await bench.files('outside'), []);
  });

  it('writes nothing where an object is damaged, or the present state can’t be kept', async () => {
    const first = await bench.stage({ 'src/a.py': 'a1\n', 'src/b.py': 'b1\n' });
    await bench.stage({ 'src/a.py': 'a2\n', 'src/b.py': 'b2\n' }, 2);
    const hash = sha256('b1\n');
    const object = join(bench.workspace, '.sourcewright', 'snapshots', 'objects', hash.slice(0, 2), hash);
    const whole = await readFile(object);
    await writeFile(object, 'junk');
    await assert.rejects(back(first.id), /damaged/);
    assert.equal(await bench.read('src/a.py'), 'a2\n');
    await writeFile(object, whole);
    const full: Files = {
      ...nodeFiles,
      writeAtomic: (path) =>
        Promise.reject(fileError(Object.assign(new Error('full'), { code: 'ENOSPC' }), 'write', path)),
    };
    await assert.rejects(restore(bench.store({ files: full }), bench.connector, first.id), /ENOSPC/);
    assert.equal(await bench.read('src/a.py'), 'a2\n');
    await back(first.id);
    assert.equal(await bench.read('src/a.py'), 'a1\n');
  });

  it('knows only the connector’s own snapshots', async () => {
    await bench.stage({ 'src/a.py': 'a1\n' });
    for (const id of ['000009-none-generate-1-after', '../../../etc/passwd', '']) {
      await assert.rejects(back(id), /no snapshot/);
    }
  });
});
