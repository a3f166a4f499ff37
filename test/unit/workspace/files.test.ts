import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { checkConnectorFolder, hashFiles, listFiles, removeInside, writeInside } from '../../../src/workspace/files.ts';

describe('files of a connector', () => {
  let base: string;
  let dir: string;

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-files-')));
    dir = join(base, 'source-x');
    await mkdir(dir);
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it('are listed without leftovers, links and private files', async () => {
    for (const path of ['src/a.py', 'src/__pycache__/a.pyc', 'tests/fixtures/config.json', '.pytest_cache/x', 'config.json', '.env', 'dist/x.whl', 'a.egg-info/PKG', '.gitignore', 'src/x.pyc']) {
      await mkdir(join(dir, path, '..'), { recursive: true });
      await writeFile(join(dir, path), 'x');
    }
    await symlink('/etc', join(dir, 'src', 'etc'));
    assert.deepEqual(await listFiles(dir), {
      files: ['.gitignore', 'src/a.py', 'tests/fixtures/config.json'],
      links: ['src/etc'],
      hidden: ['.env', 'config.json'],
    });
    assert.deepEqual((await listFiles(join(base, 'none'))).files, []);
  });

  it('are not private where an API calls its streams so', async () => {
    for (const path of ['src/schemas/secrets.json', 'src/schemas/credentials.json', 'src/secrets.json', 'secrets.json']) {
      await mkdir(join(dir, path, '..'), { recursive: true });
      await writeFile(join(dir, path), '{}');
    }
    const { files, hidden } = await listFiles(dir);
    assert.deepEqual(files, ['src/schemas/credentials.json', 'src/schemas/secrets.json']);
    assert.deepEqual(hidden, ['secrets.json', 'src/secrets.json']);
  });

  for (const path of ['../out', 'a/../../out', '/etc/x', 'a//b', './a', '.git/config', 'a/.GIT/x', 'C:\\x', 'a\\b', '', 'a\0b']) {
    it(`are never written to ${JSON.stringify(path)}`, async () => {
      await assert.rejects(writeInside(dir, path, 'x'), SourcewrightError);
      assert.deepEqual(await readdir(base), ['source-x']);
    });
  }

  it('are not written through a link, be it the file or a folder above', async () => {
    const outside = join(base, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'file'), 'untouched');
    await symlink(outside, join(dir, 'src'));
    await symlink(join(outside, 'file'), join(dir, 'README.md'));
    for (const path of ['src/file', 'README.md']) {
      await assert.rejects(writeInside(dir, path, 'x'), (error) => {
        assert.ok(error instanceof SourcewrightError);
        assert.equal(error.code, 'environment');
        return true;
      });
    }
    assert.equal(await readFile(join(outside, 'file'), 'utf8'), 'untouched');
  });

  it('are written whole, with nothing left beside them', async () => {
    await writeInside(dir, 'a/b/c.py', 'one');
    await writeInside(dir, 'a/b/c.py', 'two');
    assert.equal(await readFile(join(dir, 'a/b/c.py'), 'utf8'), 'two');
    assert.deepEqual(await readdir(join(dir, 'a/b')), ['c.py']);
  });

  it('say what is in the way when they can’t be written', async () => {
    await mkdir(join(dir, 'README.md'));
    await assert.rejects(writeInside(dir, 'README.md', 'x'), (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'environment');
      assert.match(error.message, /folder and a file/);
      return true;
    });
    assert.deepEqual(await readdir(dir), ['README.md']);
  });

  it('are removed with the folders that they leave empty', async () => {
    await writeInside(dir, 'a/b/c.py', 'x');
    await writeInside(dir, 'a/d.py', 'x');
    await removeInside(dir, 'a/b/c.py');
    assert.deepEqual(await readdir(join(dir, 'a')), ['d.py']);
    await removeInside(dir, 'a/d.py');
    assert.deepEqual(await readdir(dir), []);
  });

  it('have one hash that sees content, name and absence, but not the order', async () => {
    await writeInside(dir, 'a', '1');
    await writeInside(dir, 'b', '2');
    const both = await hashFiles(dir, ['a', 'b']);
    assert.equal(await hashFiles(dir, ['b', 'a']), both);
    assert.notEqual(await hashFiles(dir, ['a']), both);
    await rm(join(dir, 'b'));
    assert.notEqual(await hashFiles(dir, ['a', 'b']), both);
  });

  it('lie in a plain folder right below the output folder', async () => {
    await checkConnectorFolder(base, dir);
    await checkConnectorFolder(base, join(base, 'source-new'));
    await symlink(dir, join(base, 'source-link'));
    await assert.rejects(checkConnectorFolder(base, join(base, 'source-link')), /link or a file/);
    await assert.rejects(checkConnectorFolder(base, join(dir, 'deeper')), /right below/);
  });
});
