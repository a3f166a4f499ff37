// Opens the editor with the extension on a workspace and stays until Ctrl-C.   node open.mjs --workspace DIR [--hosted]
// An installed desktop VS Code if there is one, else the npm-hosted one on 127.0.0.1, whose address is printed.
import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { createProfile, installVsix, removeProfile, startHost } from './host.mjs';
import { ensureHost } from './install.mjs';
import { packVsix } from './package-vsix.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const say = (line = '') => process.stderr.write(`${line}\n`);
const asked = process.argv.indexOf('--workspace');
const workspace = resolve(asked > 0 ? (process.argv[asked + 1] ?? '') : join(root, 'workspace'));

try {
  await mkdir(workspace, { recursive: true });
  if (!process.argv.includes('--hosted') && hasDesktop()) openDesktop();
  else await openHosted();
} catch (error) {
  say(`The editor could not be opened: ${error.message}`);
  process.exitCode = 1;
}

/** Whether `code` is a desktop VS Code that can show itself here. */
function hasDesktop() {
  const canShow = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!canShow) return false;
  const found = spawnSync('code', ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
  return found.status === 0;
}

/** The person's own VS Code, with the extension from this checkout for this one window: nothing is installed. */
function openDesktop() {
  const opened = spawnSync('code', ['--new-window', `--extensionDevelopmentPath=${root}`, workspace], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (opened.status !== 0) throw new Error('`code` did not start.');
  say(`VS Code opens ${workspace} with the extension. Press F1 there and run "Generate Connector".`);
}

async function openHosted() {
  await ensureHost(say);
  const vsix = join(root, '.cache', 'open.vsix');
  await mkdir(dirname(vsix), { recursive: true });
  say('Packing the extension …');
  await packVsix(vsix, { quiet: true });
  const profile = await createProfile();
  let server;
  try {
    await installVsix(profile, vsix);
    server = await startHost(profile, { log: say });
    say();
    say(`VS Code is at  ${server.url}/?folder=${encodeURIComponent(workspace)}`);
    say('Press F1 there and run "Generate Connector". Ctrl-C here ends it.');
    process.stdout.write(`${server.url}/?folder=${encodeURIComponent(workspace)}\n`);
    await untilInterrupted();
  } finally {
    await server?.stop();
    await removeProfile(profile);
  }
}

function untilInterrupted() {
  return new Promise((done) => {
    // Signal listeners alone do not keep a process alive.
    const alive = setInterval(() => undefined, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.once(signal, () => {
        clearInterval(alive);
        done();
      });
    }
  });
}
