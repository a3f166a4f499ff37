// A person's clicks, in the editor with the packed extension installed: packs it and runs test/e2e with mocha.
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browserOptions } from './host.mjs';
import { ensureHost } from './install.mjs';
import { packVsix } from './package-vsix.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const say = (line) => process.stderr.write(`${line}\n`);

try {
  browserOptions();
  await ensureHost(say);
  const vsix = join(root, '.cache', 'e2e.vsix');
  await mkdir(dirname(vsix), { recursive: true });
  say(`packed ${(await packVsix(vsix, { quiet: true })).toFixed(2)} MB`);
  process.exitCode = await mocha({ ...process.env, SOURCEWRIGHT_VSIX: vsix });
} catch (error) {
  say(`The clicks could not run: ${error.message}`);
  process.stdout.write('0 passed, 1 failed\n');
  const counts = process.env.SOURCEWRIGHT_TEST_COUNTS;
  if (counts !== undefined) await writeFile(counts, JSON.stringify({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
}

function mocha(env) {
  const reporter = join(root, 'scripts', 'mocha-counts.cjs');
  // `npm run test:e2e -- --grep panels` runs a part.
  const words = ['--config', 'test/e2e/.mocharc.json', '--reporter', reporter, ...process.argv.slice(2)];
  const child = spawn(join(root, 'node_modules', '.bin', 'mocha'), words, {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) =>
    child.on('error', reject).on('close', (code) => resolve(code ?? 1)),
  );
}
