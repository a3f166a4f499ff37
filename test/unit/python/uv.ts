/** The program uv, from the package index as the other tools of the tests are, installed once. */
import assert from 'node:assert/strict';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findInterpreter } from '../../../src/python/interpreter.ts';
import { capture } from '../../../src/python/process-runner.ts';

const VERSION = '0.13.9';

/** Its path. */
export async function uvProgram(): Promise<string> {
  const dir = join(import.meta.dirname, '../../../.cache', `uv-${VERSION}`);
  const bin = join(dir, process.platform === 'win32' ? 'Scripts' : 'bin');
  const uv = join(bin, process.platform === 'win32' ? 'uv.exe' : 'uv');
  const there = await access(uv).then(
    () => true,
    () => false,
  );
  if (there) return uv;
  await mkdir(dir, { recursive: true });
  const run = async (file: string, ...args: string[]): Promise<void> => {
    const ran = await capture({ file, args, cwd: dir, env: process.env, timeoutMs: 240_000 });
    assert.equal(ran.exitCode, 0, `uv is not there and can't be installed: ${ran.stderr}`);
  };
  const { path } = await findInterpreter();
  await run(path, '-m', 'venv', '--clear', dir);
  await run(
    join(bin, 'python'),
    '-m',
    'pip',
    'install',
    '--quiet',
    '--only-binary',
    ':all:',
    `uv==${VERSION}`,
  );
  return uv;
}
