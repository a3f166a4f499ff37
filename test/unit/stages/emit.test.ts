import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  baselinePath,
  type Emission,
  emitConnector,
  restoreMissing,
} from '../../../src/stages/generate/emit.ts';

const FIRST = { 'src/a.py': 'one\ntwo\nthree\nfour\nfive\n', 'src/b.py': 'b\n', 'README.md': 'r\n' };

describe('writing a compiled connector', () => {
  let workspace: string;
  let dir: string;

  beforeEach(async () => {
    workspace = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-emit-')));
    dir = join(workspace, 'connectors', 'source-x');
  });
  afterEach(() => rm(workspace, { recursive: true, force: true }));

  const emit = (files: Record<string, string>): Promise<Emission> =>
    emitConnector({
      connectorDir: dir,
      baseline: baselinePath(workspace, dir),
      compiled: Object.entries(files).map(([path, content]) => ({ path, content })),
    });
  const read = (path: string): Promise<string> => readFile(join(dir, path), 'utf8');
  const write = (path: string, content: string): Promise<void> => writeFile(join(dir, path), content);

  it('writes all, then nothing, then only what is new, and removes what is no longer made', async () => {
    assert.deepEqual((await emit(FIRST)).changed.sort(), ['README.md', 'src/a.py', 'src/b.py']);
    assert.deepEqual((await emit(FIRST)).changed, []);
    const { 'src/b.py': _b, ...rest } = FIRST;
    const third = await emit({ ...rest, 'README.md': 'new\n', 'tests/t.py': 't\n' });
    assert.deepEqual(third.changed.sort(), ['README.md', 'src/b.py', 'tests/t.py']);
    assert.deepEqual(await readdir(join(dir, 'src')), ['a.py']);
  });

  it('keeps a person’s edit where the compiler has nothing new', async () => {
    await emit(FIRST);
    await write('src/b.py', 'mine\n');
    const result = await emit({ ...FIRST, 'README.md': 'new\n' });
    assert.deepEqual([result.kept, result.changed, result.conflicts], [['src/b.py'], ['README.md'], []]);
    assert.equal(await read('src/b.py'), 'mine\n');
  });

  it('merges edits at different places', async () => {
    await emit(FIRST);
    await write('src/a.py', 'ONE\ntwo\nthree\nfour\nfive\n');
    const result = await emit({ ...FIRST, 'src/a.py': 'one\ntwo\nthree\nfour\nFIVE\n' });
    assert.deepEqual(result.merged, ['src/a.py']);
    assert.equal(await read('src/a.py'), 'ONE\ntwo\nthree\nfour\nFIVE\n');
  });

  it('writes nothing at all when both changed the same lines', async () => {
    await emit(FIRST);
    await write('src/a.py', 'MINE\ntwo\nthree\nfour\nfive\n');
    const result = await emit({
      ...FIRST,
      'src/a.py': 'THEIRS\ntwo\nthree\nfour\nfive\n',
      'README.md': 'new\n',
    });
    assert.deepEqual(result.conflicts, ['src/a.py']);
    assert.equal(await read('src/a.py'), 'MINE\ntwo\nthree\nfour\nfive\n');
    assert.equal(await read('README.md'), 'r\n');
    // The person takes their version away: then it goes on.
    await rm(join(dir, 'src/a.py'));
    assert.deepEqual((await emit({ ...FIRST, 'src/a.py': 'THEIRS\n' })).conflicts, []);
  });

  it('does not overwrite files that it did not write, unless they are the same', async () => {
    await mkdir(join(dir, 'src'), { recursive: true });
    await write('src/b.py', 'b\n');
    await write('README.md', 'somebody else’s\n');
    assert.deepEqual((await emit(FIRST)).conflicts, ['README.md']);
    assert.deepEqual(await readdir(join(dir, 'src')), ['b.py']);
  });

  it('keeps an edited file that is no longer made, and leaves additional files alone', async () => {
    await emit(FIRST);
    await write('src/b.py', 'mine\n');
    await write('notes.txt', 'mine\n');
    const result = await emit({ 'README.md': 'r\n' });
    assert.deepEqual(result.kept, ['src/b.py']);
    assert.deepEqual(result.changed, ['src/a.py']);
    assert.equal(await read('notes.txt'), 'mine\n');
  });

  it('goes on after an interruption half-way', async () => {
    await emit(FIRST);
    const next = { ...FIRST, 'src/a.py': 'A\n', 'src/b.py': 'B\n' };
    await write('src/a.py', 'A\n'); // written, but the end was not reached
    const result = await emit(next);
    assert.deepEqual([result.changed, result.conflicts], [['src/b.py'], []]);
  });

  it('knows equal names in two places apart', () => {
    assert.notEqual(baselinePath(workspace, '/a/source-x'), baselinePath(workspace, '/b/source-x'));
  });

  it('does not write through a linked folder', async () => {
    await mkdir(dir, { recursive: true });
    await mkdir(join(workspace, 'outside'));
    await symlink(join(workspace, 'outside'), join(dir, 'src'));
    await assert.rejects(emit(FIRST), /symbolic link/);
    assert.deepEqual(await readdir(join(workspace, 'outside')), []);
  });

  it('restores only what is missing', async () => {
    await emit(FIRST);
    await write('src/a.py', 'mine\n');
    await rm(join(dir, 'src/b.py'));
    const compiled = Object.entries(FIRST).map(([path, content]) => ({ path, content }));
    assert.deepEqual(await restoreMissing(dir, compiled), ['src/b.py']);
    assert.equal(await read('src/a.py'), 'mine\n');
  });
});
