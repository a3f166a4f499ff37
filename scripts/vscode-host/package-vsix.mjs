// Builds for production and packs the VSIX; prints its path and size.   node package-vsix.mjs [--out FILE]
import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const LARGEST_MB = 2;

/** Packs into `out` and returns the size in megabytes. `quiet` keeps the output back unless it fails. */
export async function packVsix(out, { quiet = false } = {}) {
  // vsce runs `vscode:prepublish`, the production build, by itself.
  const vsce = join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
  // There is no public repository yet that relative links of the README could be rewritten to.
  const unpublished = ['--allow-missing-repository', '--no-rewrite-relative-links'];
  const child = spawn(
    process.execPath,
    [vsce, 'package', '--no-dependencies', ...unpublished, '--out', out],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
      if (!quiet) process.stderr.write(chunk);
    });
  }
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`The VSIX could not be packed:\n${output.trim()}`);
  return (await stat(out)).size / 1024 / 1024;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const asked = process.argv.indexOf('--out');
  const out = asked > 0 ? process.argv[asked + 1] : join(root, `${manifest.name}-${manifest.version}.vsix`);
  const megabytes = await packVsix(out);
  process.stdout.write(`${out}\n${megabytes.toFixed(2)} MB\n`);
  if (megabytes > LARGEST_MB) {
    process.stderr.write(`The package is larger than the ${LARGEST_MB} MB that are aimed for.\n`);
  }
}
