import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { findInterpreter } from '../../../src/python/interpreter.ts';

describe('finding Python', function () {
  this.timeout(20_000);
  let dir: string;

  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sourcewright-python-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function fake(name: string, script: string): Promise<string> {
    const file = join(dir, name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
    return file;
  }
  const answers = (answer: object): string => `echo '${JSON.stringify(answer)}'`;
  const old = { path: '/opt/python3.9', version: '3.9.2', venv: true, major: 3, minor: 9, platform: 'x' };

  it('finds one on the search path, absolute and not older than 3.11', async () => {
    const found = await findInterpreter();
    assert.ok(isAbsolute(found.path));
    const [major, minor] = found.version.split('.').map(Number);
    assert.ok(major === 3 && (minor ?? 0) >= 11, found.version);
  });

  it('passes over shims that do not run, Python 2, old ones and ones without venv', async () => {
    const real = await findInterpreter();
    await fake('python3.13', 'echo "pyenv: python3.13: command not found" >&2; exit 127');
    await fake('python3.12', answers({ ...old, version: '3.12.1', minor: 12, venv: false }));
    await fake('python3.11', 'echo Python 2.7 >&2; exit 1');
    await fake('python3', answers(old));
    await symlink(real.path, join(dir, 'python'));
    const found = await findInterpreter({ environment: { PATH: dir } });
    assert.equal(found.version, real.version);
  });

  it('uses nothing but the setting when there is one', async () => {
    const file = await fake('my-python', answers(old));
    await assert.rejects(findInterpreter({ setting: file }), (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'environment');
      assert.match(error.message, /my-python is Python 3\.9\.2, older than 3\.11/);
      assert.match(error.cure ?? '', /settings/);
      return true;
    });
  });

  it('names each one that it tried and why it does not fit', async () => {
    await fake('python3', answers({ ...old, version: '3.12.1', minor: 12, venv: false }));
    await fake('python', answers(old));
    await assert.rejects(findInterpreter({ environment: { PATH: dir } }), (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.match(error.message, /python3 \(Python 3\.12\.1\) lacks the module venv/);
      assert.match(error.message, /python is Python 3\.9\.2/);
      assert.match(error.cure ?? '', /python3-venv/);
      return true;
    });
  });

  it('says so when there is none at all, and ignores relative entries of the search path', async () => {
    await assert.rejects(findInterpreter({ environment: { PATH: '.:relative' } }), /none was found/);
  });
});
