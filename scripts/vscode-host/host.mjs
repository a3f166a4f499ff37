// The npm-hosted VS Code on a loopback port, with a profile of its own, and the browser that shows it.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ensureHost } from './install.mjs';

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'remote.autoForwardPorts': false,
  'terminal.integrated.gpuAcceleration': 'off',
  'chat.disableAIFeatures': true,
  'git.openRepositoryInParentFolders': 'never',
  // Each run in these tests would take half a minute longer.
  'sourcewright.limits.mutants': 0,
  'sourcewright.limits.conformance': false,
};

/**
 * A fresh profile: user data, extensions and configuration, so that nothing of this machine leaks in.
 * `settings` are added to the person's (user) settings.
 */
export async function createProfile(settings = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'sourcewright-host-'));
  await mkdir(join(dir, 'user', 'User'), { recursive: true });
  await mkdir(join(dir, 'extensions'));
  await writeFile(join(dir, 'config.yaml'), '');
  // Settings of machine scope are read from the server's own settings where the editor is remote, as here.
  await mkdir(join(dir, 'user', 'Machine'), { recursive: true });
  const text = JSON.stringify({ ...SETTINGS, ...settings }, null, 2);
  await writeFile(join(dir, 'user', 'User', 'settings.json'), text);
  await writeFile(join(dir, 'user', 'Machine', 'settings.json'), text);
  return dir;
}

const flags = (profile) => [
  '--user-data-dir',
  join(profile, 'user'),
  '--extensions-dir',
  join(profile, 'extensions'),
  '--config',
  join(profile, 'config.yaml'),
];

/** The environment without what an outer VS Code or npm left in it, Node 24 first on the path. */
function environment(host, extra = {}) {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(VSCODE_|CODE_SERVER_|ELECTRON_|npm_|INIT_CWD$|PORT$|PASSWORD$|HASHED_PASSWORD$|NODE_OPTIONS$)/.test(
        name,
      ),
  );
  const env = Object.fromEntries(kept);
  return {
    ...env,
    PATH: `${join(host.node, '..')}${delimiter}${env.PATH ?? ''}`,
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    ...extra,
  };
}

/** Installs a VSIX into the profile. Throws with the program's own words. */
export async function installVsix(profile, vsix) {
  const host = await ensureHost();
  const child = spawn(host.node, [host.entry, ...flags(profile), '--install-extension', vsix], {
    env: environment(host),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`The VSIX could not be installed: ${output.trim()}`);
}

/**
 * Starts the server. `smokeTest` lets a page name a development extension and its suite; it also hides notification
 * toasts, so a person's clicks are tried without it. With `asksForTrust` a folder is restricted until the person trusts it,
 * as it is in an editor that was just installed. `stop` ends the server with all that it started; `killExtensionHost` gives
 * the processes that run extensions no time for anything, and answers how many there were.
 */
export async function startHost(
  profile,
  { smokeTest = false, asksForTrust = false, port, env = {}, log = () => {} } = {},
) {
  const host = await ensureHost(log);
  const at = port ?? (await freePort());
  const logFile = join(profile, 'server.log');
  const out = openSync(logFile, 'a');
  const child = spawn(
    host.node,
    [
      host.entry,
      ...[
        '--bind-addr',
        `127.0.0.1:${at}`,
        '--auth',
        'none',
        '--disable-telemetry',
        '--disable-update-check',
      ],
      ...['--disable-getting-started-override', '--disable-proxy'],
      ...(asksForTrust ? [] : ['--disable-workspace-trust']),
      ...flags(profile),
      ...(smokeTest ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
    ],
    { stdio: ['ignore', out, out], detached: true, env: environment(host, env) },
  );
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const signalGroup = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // Gone already.
    }
  };
  const stop = async () => {
    signalGroup('SIGTERM');
    const late = setTimeout(() => signalGroup('SIGKILL'), 4000);
    await ended;
    clearTimeout(late);
    signalGroup('SIGKILL');
  };
  const killExtensionHost = () => {
    const listed = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,pgid=,args='], { encoding: 'utf8' });
    const pids = listed.split('\n').flatMap((line) => {
      const [pid, group, ...words] = line.trim().split(/\s+/);
      return Number(group) === child.pid && words.includes('--type=extensionHost') ? [Number(pid)] : [];
    });
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    return pids.length;
  };
  const url = `http://127.0.0.1:${at}`;
  try {
    await waitUntilUp(url, child, logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, authority: `127.0.0.1:${at}`, stop, killExtensionHost, logFile };
}

async function waitUntilUp(url, child, logFile) {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && child.exitCode === null) {
    try {
      if ((await fetch(`${url}/healthz`)).ok) return;
    } catch {
      // Not up yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The npm-hosted VS Code did not start:\n${readFileSync(logFile, 'utf8').slice(-3000)}`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Removes a profile; a server that still writes its last lines is waited for. */
export async function removeProfile(profile) {
  await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

/** How `playwright-core` starts the browser. Throws with the cure where there is none. */
export function browserOptions() {
  const candidates = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/snap/bin/chromium',
  ];
  const executablePath = candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      'The npm-hosted VS Code needs a Chromium browser, and none was found. Install one (Debian: apt-get install chromium), or name one in the environment variable CHROMIUM.',
    );
  }
  return {
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  };
}
