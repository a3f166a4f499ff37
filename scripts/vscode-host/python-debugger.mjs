// The debug adapter of Python, for the suite inside the editor: debugpy in an environment of its own.
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { requirePython, root, run } from '../setup.mjs';

const VERSION = '1.8.22';
/** An extension that starts it, under the id of the one that people have. */
export const debuggerExtension = join(root, 'test', 'fixtures', 'python-debugger');

/** Installs it where it is not yet; resolves to the interpreter that has it. */
export async function ensureDebugger(log = () => {}) {
  const folder = join(root, '.cache', 'python-debugger', VERSION);
  const python = (at) =>
    process.platform === 'win32' ? join(at, 'Scripts', 'python.exe') : join(at, 'bin', 'python');
  if (existsSync(python(folder))) return python(folder);
  log(`Installing debugpy ${VERSION} …`);
  // Under another name until it is whole: an environment finds itself by its own file, so it can be moved.
  const making = `${folder}.${process.pid}`;
  await mkdir(join(folder, '..'), { recursive: true });
  try {
    await run(requirePython().path, ['-m', 'venv', making], { quiet: true });
    const install = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--only-binary',
      ':all:',
    ];
    await run(python(making), [...install, `debugpy==${VERSION}`], { quiet: true });
    await rename(making, folder).catch((error) => {
      // Another run was faster.
      if (!existsSync(python(folder))) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return python(folder);
}
