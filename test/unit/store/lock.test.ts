import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { type Holder, lockHolder, takeLock } from '../../../src/store/lock.ts';

describe('a lock', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-lock-'));
    path = join(folder, 'deep', 'lock');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const take = (): ReturnType<typeof takeLock> => takeLock(path, 'The thing', 'tests');

  async function heldBy(changes: Partial<Holder>, ageMs = 0): Promise<void> {
    await rm(path, { force: true });
    const lock = await take();
    const holder = JSON.parse(await readFile(path, 'utf8')) as Holder;
    await lock.release();
    await writeFile(path, JSON.stringify({ ...holder, ...changes }));
    const then = new Date(Date.now() - ageMs);
    await utimes(path, then, then);
  }
  const refused = (words: RegExp) => (error: unknown) => {
    assert.ok(error instanceof SourcewrightError);
    assert.equal(error.code, 'locked');
    assert.match(error.toText(), words);
    return true;
  };

  /** The number of a process that has ended. */
  async function deadProcess(): Promise<number> {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((ended) => child.once('close', ended));
    assert.ok(child.pid !== undefined);
    return child.pid;
  }

  it('is held once, names its holder, and can be taken again when it is released', async () => {
    const lock = await take();
    await assert.rejects(
      take(),
      refused(new RegExp(`The thing is in use by process ${process.pid} .*tests`)),
    );
    assert.equal((await lockHolder(path))?.pid, process.pid);
    await lock.release();
    await lock.release();
    assert.equal(await lockHolder(path), undefined);
    await (await take()).release();
    assert.deepEqual(await readdir(join(folder, 'deep')), []);
  });

  it('is given to exactly one of many who want it at the same time', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, take));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  it('of a dead process goes to exactly one of many, too', async () => {
    await heldBy({ pid: await deadProcess() });
    assert.equal(await lockHolder(path), undefined);
    const results = await Promise.allSettled(Array.from({ length: 20 }, take));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await readdir(join(folder, 'deep')), ['lock']);
  });

  it('of a process whose number belongs to another one now is stale', async function () {
    if (process.platform === 'win32') return this.skip();
    await heldBy({ process: 'another start' });
    await (await take()).release();
  });

  it('of a living process of this computer is kept, however old', async () => {
    await heldBy({}, 24 * 3_600_000);
    await assert.rejects(take(), refused(/in use/));
  });

  it('of another computer is kept while it is touched, and stale after some minutes', async () => {
    await heldBy({ host: `not-${hostname()}`, pid: 1 });
    await assert.rejects(take(), refused(/not-/));
    await heldBy({ host: `not-${hostname()}`, pid: 1 }, 10 * 60_000);
    await (await take()).release();
  });

  it('that can not be read is kept while it may be in the middle of being written', async () => {
    await heldBy({});
    await writeFile(path, '{"pid":');
    await assert.rejects(take(), refused(/another process/));
    const old = new Date(Date.now() - 60_000);
    await utimes(path, old, old);
    await (await take()).release();
  });

  it('that somebody else has taken meanwhile is not removed by a late release', async () => {
    const lock = await take();
    const holder = JSON.parse(await readFile(path, 'utf8')) as Holder;
    await writeFile(path, JSON.stringify({ ...holder, since: 'later' }));
    await lock.release();
    assert.notEqual(await lockHolder(path), undefined);
  });

  it('goes over a takeover that died on the way', async () => {
    await heldBy({ pid: await deadProcess() });
    await writeFile(`${path}.takeover`, '');
    const old = new Date(Date.now() - 60_000);
    await utimes(`${path}.takeover`, old, old);
    await (await take()).release();
  });
});
