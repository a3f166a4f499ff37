// Builds for production and packs the VSIX; prints its path and size.   node package-vsix.mjs [--out FILE]
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const asked = process.argv.indexOf('--out');
const out = asked > 0 ? process.argv[asked + 1] : join(root, `${manifest.name}-${manifest.version}.vsix`);

// vsce runs `vscode:prepublish`, the production build, by itself.
const packed = spawnSync(
  process.execPath,
  [join(root, 'node_modules', '@vscode', 'vsce', 'vsce'), 'package', '--no-dependencies', '--out', out],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);
if (packed.status !== 0) process.exit(packed.status ?? 1);
const megabytes = statSync(out).size / 1024 / 1024;
process.stdout.write(`${out}\n${megabytes.toFixed(2)} MB\n`);
if (megabytes > 2) process.stderr.write('The package is larger than the 2 MB that are aimed for.\n');
