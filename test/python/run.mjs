/**
 * Runs the Python side of the tests: `node test/python/run.mjs [--no-mutants] [connector …]`. The work is done by
 * suite.ts; this file only makes TypeScript runnable.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const suite = fileURLToPath(new URL('./suite.ts', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const done = spawnSync(process.execPath, ['--import', 'tsx', suite, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = done.status ?? 1;
