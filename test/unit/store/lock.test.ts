import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { sha256 } from '../../../src/store/files.ts';
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

  it('of another computer is judged by how far its time is from ours, before or after: clocks are set', async () => {
    await heldBy({ host: `not-${hostname()}`, pid: 1 }, -60_000);
    await assert.rejects(take(), refused(/not-/));
    // Nobody has to wait for the day on which a dead holder's clock stood.
    await heldBy({ host: `not-${hostname()}`, pid: 1 }, -24 * 3_600_000);
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
    assert.equal(await lock.isHeld(), true);
    await writeFile(path, JSON.stringify({ ...holder, nonce: 'another' }));
    assert.equal(await lock.isHeld(), false);
    await lock.release();
    assert.notEqual(await lockHolder(path), undefined);
  });

  it('is no longer held when a person has deleted it', async () => {
    const lock = await take();
    await rm(path);
    assert.equal(await lock.isHeld(), false);
    const next = await take();
    await lock.release();
    assert.equal(await next.isHeld(), true);
    await next.release();
    assert.equal(await next.isHeld(), false);
  });

  it('does not pass for lost where it can’t be read, as when a drive is gone', async () => {
    const lock = await take();
    await rm(path);
    await mkdir(path);
    await assert.rejects(lock.isHeld(), { name: 'SourcewrightError', code: 'environment' });
    await rm(path, { recursive: true });
    await lock.release();
  });

  it('of the same computer before its last start is kept while it is touched, as it may be a namesake’s', async function () {
    if (process.platform !== 'linux') return this.skip();
    // The number of this living process: it says nothing about a process of another boot, or of another container.
    await heldBy({ system: 'another boot', process: 'another start' });
    await assert.rejects(take(), refused(/in use/));
    await heldBy({ system: 'another boot' }, 10 * 60_000);
    await (await take()).release();
  });

  it('of an older version of this program is understood', async () => {
    const lock = await take();
    const { pid, process: start, host, doing, since } = JSON.parse(await readFile(path, 'utf8')) as Holder;
    await writeFile(path, JSON.stringify({ pid, process: start, host, doing, since }));
    await assert.rejects(take(), refused(new RegExp(`process ${pid} `)));
    await lock.release();
    await writeFile(path, JSON.stringify({ pid: await deadProcess(), process: start, host, doing, since }));
    await (await take()).release();
  });

  it('that is empty and from the future, as the clock was set back, does not wait for that future', async () => {
    await heldBy({});
    await writeFile(path, '');
    const future = new Date(Date.now() + 3_600_000);
    await utimes(path, future, future);
    await (await take()).release();
  });

  it('is not empty at any moment of its making', async () => {
    const sizes = new Set<number>();
    let done = false;
    const look = async (): Promise<void> => {
      while (!done) {
        const text = await readFile(path, 'utf8').catch(() => undefined);
        if (text !== undefined) sizes.add(text.length);
      }
    };
    const looking = look();
    for (let round = 0; round < 100; round += 1) await (await take()).release();
    done = true;
    await looking;
    assert.ok(!sizes.has(0), [...sizes].join());
  });

  it('goes over takeovers that died on the way, wherever they did, and leaves nothing of them', async () => {
    await heldBy({ pid: await deadProcess() });
    const first = await readFile(path, 'utf8');
    const successor = JSON.stringify({ ...(JSON.parse(first) as Holder), nonce: 'dead, too' });
    const after = (text: string): string => `${path}.after-${sha256(text).slice(0, 16)}`;
    await writeFile(after(first), successor);
    assert.equal(await lockHolder(path), undefined);
    // One that was half made when its process was killed.
    const half = `${path}.0a1b2c3d.tmp`;
    await writeFile(half, '{"pid":');
    const old = new Date(Date.now() - 60_000);
    await utimes(half, old, old);
    const results = await Promise.allSettled(Array.from({ length: 20 }, take));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await readdir(join(folder, 'deep')), ['lock']);
  });

  it('whose successor lives is held by the successor', async () => {
    const lock = await take();
    const living = await readFile(path, 'utf8');
    const dead = JSON.stringify({
      ...(JSON.parse(living) as Holder),
      pid: await deadProcess(),
      nonce: 'dead',
    });
    await writeFile(path, dead);
    await writeFile(`${path}.after-${sha256(dead).slice(0, 16)}`, living);
    assert.equal((await lockHolder(path))?.pid, process.pid);
    await assert.rejects(take(), refused(/in use/));
    await lock.release();
  });
});
