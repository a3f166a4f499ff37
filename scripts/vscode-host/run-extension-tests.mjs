// Runs the suite of test/extension inside a real VS Code.
//   node run-extension-tests.mjs            desktop where one is installed or can be downloaded, else hosted
//   node run-extension-tests.mjs --hosted   in the npm-hosted one
//   node run-extension-tests.mjs --desktop  in a desktop VS Code, through @vscode/test-electron
// --no-build takes dist/ and dist-test/ as they are; SOURCEWRIGHT_GREP picks tests, SOURCEWRIGHT_KEEP keeps the workspace.
// A run passes only with three witnesses: the host's exit, a result file without failures, and a test that passed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debuggerExtension, ensureDebugger } from './python-debugger.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const suite = join(root, 'dist-test', 'index.js');
const TIME_LIMIT_MS = Number(process.env.SOURCEWRIGHT_SUITE_SECONDS ?? 1800) * 1000;
const say = (line) => process.stderr.write(`${line}\n`);

const workspace = await mkdtemp(join(tmpdir(), 'sourcewright-suite-'));
let passed = false;
try {
  build();
  await cp(join(root, 'test', 'fixtures', 'workspace'), workspace, { recursive: true });
  const resultFile = join(workspace, '.suite-result.json');
  const exit = await run(await chooseHost(), resultFile);
  passed = judge(exit, resultFile);
} catch (error) {
  say(`The suite could not run: ${error instanceof Error ? error.message : String(error)}`);
  count(0, 1);
} finally {
  if (process.env.SOURCEWRIGHT_KEEP === undefined) {
    await rm(workspace, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  } else say(`kept ${workspace}`);
}
process.exit(passed ? 0 : 1);

function build() {
  if (process.argv.includes('--no-build')) return;
  const built = spawnSync(process.execPath, [join(root, 'esbuild.mjs'), '--tests'], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('the build failed');
}

async function chooseHost() {
  if (process.argv.includes('--desktop')) return desktop;
  if (process.argv.includes('--hosted')) return hosted;
  const found = await desktopEditor();
  say(found === undefined ? 'suite: npm-hosted VS Code' : `suite: desktop VS Code ${found}`);
  return found === undefined ? hosted : desktop;
}

function run(host, resultFile) {
  return host(resultFile);
}

/** An installed desktop VS Code, or one that `@vscode/test-electron` can download here; undefined for neither. */
async function desktopEditor() {
  // It needs a display; without one the hosted editor is the only way.
  const hasDisplay = process.platform !== 'linux' || process.env.DISPLAY !== undefined;
  if (!hasDisplay) return undefined;
  const installed = installedEditor();
  if (installed !== undefined) return installed;
  try {
    const reachable = await fetch('https://update.code.visualstudio.com/api/releases/stable', {
      signal: AbortSignal.timeout(5000),
    });
    return reachable.ok ? 'download' : undefined;
  } catch {
    return undefined;
  }
}

function installedEditor() {
  const places = {
    linux: ['/usr/share/code/code', '/snap/code/current/usr/share/code/code'],
    darwin: ['/Applications/Visual Studio Code.app/Contents/MacOS/Electron'],
    win32: [join(process.env.LOCALAPPDATA ?? '', 'Programs', 'Microsoft VS Code', 'Code.exe')],
  };
  return [process.env.VSCODE_EXECUTABLE, ...(places[process.platform] ?? [])].find(
    (path) => path !== undefined && existsSync(path),
  );
}

async function desktop(resultFile) {
  const { runTests } = await import('@vscode/test-electron');
  const executable = installedEditor();
  const profile = await mkdtemp(join(tmpdir(), 'sourcewright-desktop-'));
  try {
    return await runTests({
      // Without an installed one the newest stable VS Code is downloaded.
      ...(executable === undefined ? {} : { vscodeExecutablePath: executable }),
      extensionDevelopmentPath: [root, debuggerExtension],
      extensionTestsPath: suite,
      extensionTestsEnv: await suiteEnvironment(resultFile),
      launchArgs: [
        workspace,
        '--disable-extensions',
        '--disable-workspace-trust',
        '--skip-welcome',
        `--user-data-dir=${profile}`,
      ],
    });
  } catch (error) {
    if (executable !== undefined) throw error;
    throw new Error(
      `${error.message}\nNo desktop VS Code was found (VSCODE_EXECUTABLE names one), and none could be downloaded or it failed. \`npm run test:extension\` runs the same suite in the npm-hosted one.`,
      { cause: error },
    );
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function hosted(resultFile) {
  const { chromium } = await import('playwright-core');
  const { browserOptions, createProfile, removeProfile, startHost } = await import('./host.mjs');
  const options = browserOptions();
  const profile = await createProfile();
  // A page names one extension under development; this one lies where those are that were installed.
  await cp(debuggerExtension, join(profile, 'extensions', 'ms-python.debugpy-0.0.1'), { recursive: true });
  let server;
  let browser;
  try {
    const env = await suiteEnvironment(resultFile);
    server = await startHost(profile, { smokeTest: true, env, log: say });
    browser = await chromium.launch(options);
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    let report;
    const exit = new Promise((resolve) => (report = resolve));
    const console = [];
    await page.exposeFunction('codeAutomationLog', (type, words) => {
      console.push(`${type}: ${words.map(String).join(' ')}`);
    });
    await page.exposeFunction('codeAutomationExit', (code) => report(code));
    const remote = (path) => `vscode-remote://${server.authority}${path}`;
    const payload = [
      ['extensionDevelopmentPath', remote(root)],
      ['extensionTestsPath', remote(suite)],
      ['skipWelcome', 'true'],
    ];
    const query = `folder=${encodeURIComponent(workspace)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
    await page.goto(`${server.url}/?${query}`);
    const late = new Promise((resolve) => setTimeout(resolve, TIME_LIMIT_MS, 'time limit'));
    const code = await Promise.race([exit, late]);
    if (code !== 0 && !existsSync(resultFile)) {
      say(`console of the host:\n${console.slice(-20).join('\n')}`);
      say(`log of the server:\n${readFileSync(server.logFile, 'utf8').slice(-1500)}`);
    }
    return code;
  } finally {
    await browser?.close();
    await server?.stop();
    await removeProfile(profile);
  }
}

async function suiteEnvironment(resultFile) {
  const grep = process.env.SOURCEWRIGHT_GREP;
  return {
    SOURCEWRIGHT_SUITE_RESULT: resultFile,
    SOURCEWRIGHT_DEBUGGER_PYTHON: await ensureDebugger(say),
    // What no program that the suite starts may see.
    SOURCEWRIGHT_SUITE_TOKEN: 'canary-of-the-suite',
    // Ends every pytest that it reaches.
    PYTEST_PLUGINS: 'plugin_of_the_person',
    ...(grep === undefined ? {} : { SOURCEWRIGHT_GREP: grep }),
  };
}

function judge(exit, resultFile) {
  const result = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : undefined;
  for (const test of result?.tests ?? []) {
    process.stdout.write(`${test.ok ? '  ✓' : '  ✗'} ${test.title} (${String(test.ms)} ms)\n`);
    if (!test.ok) process.stdout.write(`${test.error}\n`);
  }
  const good = (result?.tests ?? []).filter((test) => test.ok).length;
  const bad = (result?.tests ?? []).length - good;
  const ok = exit === 0 && result?.failures === 0 && bad === 0 && good > 0;
  if (!ok && bad === 0)
    say(`No pass: exit ${String(exit)}, result file ${result === undefined ? 'missing' : 'present'}`);
  count(good, ok ? 0 : Math.max(bad, 1));
  return ok;
}

/** The last line for people, and the same for `npm test`, which adds the suites up. */
function count(good, bad) {
  process.stdout.write(`${good} passed, ${bad} failed\n`);
  const file = process.env.SOURCEWRIGHT_TEST_COUNTS;
  if (file !== undefined) writeFileSync(file, JSON.stringify({ passed: good, failed: bad, skipped: 0 }));
}
