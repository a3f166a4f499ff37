import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { personalSeal, stateFolder } from '../../../src/store/run-seal.ts';

describe('the seal of a run', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'sourcewright-seal-'));
  });
  afterEach(async () => {
    await chmod(home, 0o700);
    await rm(home, { recursive: true, force: true });
  });

  it('fits what it was made for, in every program of that person, and nothing else', async () => {
    const seal = (await personalSeal(join(home, 'a', 'b')).of('run 1')) ?? '';
    const later = personalSeal(join(home, 'a', 'b'));
    assert.equal(await later.fits(seal, 'run 1'), true);
    assert.equal(await later.fits(seal, 'run 2'), false);
    for (const wrong of ['', 'zz', seal.slice(2), `${seal}00`, seal.replace(/^../, '00')]) {
      assert.equal(await later.fits(wrong, 'run 1'), wrong === seal, wrong);
    }
  });

  it('of another person does not fit, nor one of a time before the key was lost', async () => {
    const mine = personalSeal(join(home, 'mine'));
    const theirs = (await personalSeal(join(home, 'theirs')).of('run')) ?? '';
    assert.equal(await mine.fits(theirs, 'run'), false, 'without a key of one’s own');
    const before = (await mine.of('run')) ?? '';
    assert.equal(await mine.fits(theirs, 'run'), false);
    await rm(join(home, 'mine'), { recursive: true });
    assert.equal(await mine.fits(before, 'run'), false);
  });

  it('rests on a key that only its owner can read, and leaves nothing else behind', async () => {
    await personalSeal(home).of('run');
    assert.deepEqual(await readdir(home), ['runs.key']);
    const { mode, size } = await stat(join(home, 'runs.key'));
    assert.equal(size, 32);
    if (process.platform !== 'win32') assert.equal(mode & 0o777, 0o600);
  });

  it('is of one key, however many programs begin at the same moment', async () => {
    const seals = await Promise.all(Array.from({ length: 20 }, () => personalSeal(home).of('run')));
    assert.equal(new Set(seals).size, 1);
    assert.notEqual(seals[0], null);
  });

  it('is none where no key can be kept, which stops nothing', async () => {
    const file = join(home, 'file');
    await writeFile(file, '');
    const seal = personalSeal(join(file, 'below'));
    assert.equal(await seal.of('run'), null);
    assert.equal(await seal.fits('00', 'run'), false);
  });

  it('is none with a key of another length, which is not replaced', async () => {
    await writeFile(join(home, 'runs.key'), 'short');
    assert.equal(await personalSeal(home).of('run'), null);
    assert.deepEqual(await readdir(home), ['runs.key']);
  });

  it('has its key where the platform keeps state, not where caches are emptied', () => {
    assert.ok(stateFolder({}).startsWith(homedir()));
    assert.equal(stateFolder({ SOURCEWRIGHT_STATE: '/own', XDG_STATE_HOME: '/state' }), '/own');
    if (process.platform !== 'linux') return;
    assert.equal(stateFolder({ XDG_STATE_HOME: '/state' }), '/state/sourcewright');
    assert.equal(stateFolder({ XDG_STATE_HOME: 'relative' }), join(homedir(), '.local/state/sourcewright'));
  });
});
