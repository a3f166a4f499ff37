// Installs the npm-hosted VS Code into a cache folder keyed by its pins. Run by hand, or through `ensureHost()`.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const cacheRoot = process.env.SOURCEWRIGHT_CACHE ?? join(here, '..', '..', '.cache');

/**
 * The installed host: `node` is the Node 24 binary it must run with, `entry` its main script.
 * Installs it on the first call (about half a minute, 800 MB) and throws with the cure where it can't.
 */
export async function ensureHost(log = () => {}) {
  if (process.platform !== 'linux') {
    throw new Error(
      'The npm-hosted VS Code runs on Linux only. Install VS Code and use `npm run test:extension:desktop`.',
    );
  }
  const pins = await readFile(join(here, 'package.json'), 'utf8');
  const lock = await readFile(join(here, 'package-lock.json'), 'utf8');
  const version = JSON.parse(pins).dependencies['code-server'];
  const digest = createHash('sha256').update(pins).update(lock).digest('hex').slice(0, 10);
  const dir = join(cacheRoot, 'vscode-host', `${version}-${process.arch}-${digest}`);
  const host = {
    dir,
    version,
    node: join(dir, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node'),
    entry: join(dir, 'node_modules', 'code-server', 'out', 'node', 'entry.js'),
  };
  if (existsSync(join(dir, 'complete'))) return host;

  log(`installing the npm-hosted VS Code (code-server ${version}), once, into ${dir}`);
  const staging = `${dir}.${String(process.pid)}`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  try {
    await install(staging);
    await rm(dir, { recursive: true, force: true });
    await rename(staging, dir);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (existsSync(join(dir, 'complete'))) return host; // another process was faster
    throw new Error(
      `The npm-hosted VS Code could not be installed: ${error.message}\nCheck that the npm registry is reachable and that 1 GB is free, then run the tests again.`,
      { cause: error },
    );
  }
  return host;
}

async function install(staging) {
  for (const file of ['package.json', 'package-lock.json']) await cp(join(here, file), join(staging, file));
  await npm(staging, ['ci', '--ignore-scripts']);
  const vscode = join(staging, 'node_modules', 'code-server', 'lib', 'vscode');
  // What code-server's own post-install script does, without its compiler: the locked dependencies of its two parts …
  const node24 = join(staging, 'node_modules', `node-linux-${process.arch}`, 'bin');
  for (const part of [vscode, join(vscode, 'extensions')]) {
    await npm(part, ['ci', '--omit=dev', '--ignore-scripts', '--legacy-peer-deps'], node24);
  }
  // … and the names under which its terminals look for their helpers.
  await link('code-linux.sh', join(vscode, 'bin', 'remote-cli', 'code-server'));
  await link('browser-linux.sh', join(vscode, 'bin', 'helpers', 'browser.sh'));
  await writeFile(join(staging, 'complete'), '');
}

async function link(target, path) {
  await rm(path, { force: true });
  await symlink(target, path);
}

function npm(cwd, args, firstOnPath) {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const path =
    firstOnPath === undefined ? process.env.PATH : `${firstOnPath}${delimiter}${process.env.PATH ?? ''}`;
  return new Promise((resolve, reject) => {
    // npm_config_* of an outer `npm run` would leak into this one (prefix, workspaces, omit).
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) =>
          !/^npm_(config_(prefix|workspace|omit|include|local_prefix)|lifecycle|package)/i.test(name),
      ),
    );
    const child = spawn('npm', [...args, ...quiet], {
      cwd,
      env: { ...env, PATH: path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors = `${errors}${String(chunk)}`.slice(-4000)));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ${args.join(' ')} in ${cwd} ended with ${String(code)}: ${errors.trim()}`));
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const host = await ensureHost((line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${host.dir}\n`);
}
