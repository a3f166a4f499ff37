// What the scripts of this checkout share: is the machine fit, are the dependencies there, is dist/ up to date?
// Plain Node without dependencies: it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

const LEAST_NODE = [20, 19, 0];
const LEAST_PYTHON = [3, 11];

/** Something that the person has to do before this script can go on. */
export class NotReady extends Error {}

export function requireNode() {
  const have = process.versions.node.split('.').map(Number);
  if (older(have, LEAST_NODE)) {
    throw new NotReady(
      `This is Node ${process.versions.node}; Sourcewright needs ${LEAST_NODE.join('.')} or newer.\n` +
        'Get it from https://nodejs.org (the LTS version will do), then try again.',
    );
  }
}

/** The first Python that is new enough and can make virtual environments; `SOURCEWRIGHT_PYTHON` goes before all. */
export function requirePython() {
  const wished = process.env.SOURCEWRIGHT_PYTHON;
  const names = wished
    ? [wished]
    : ['python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3', 'python'];
  const seen = [];
  for (const name of names) {
    const code = 'import sys, json; print(json.dumps([sys.executable, list(sys.version_info[:3])]))';
    const found = spawnSync(name, ['-c', code], { encoding: 'utf8' });
    if (found.status !== 0) continue;
    const [path, version] = JSON.parse(found.stdout);
    if (older(version, LEAST_PYTHON)) {
      seen.push(`${path} is ${version.join('.')}, too old`);
      continue;
    }
    const venv = spawnSync(path, ['-c', 'import venv, ensurepip'], { encoding: 'utf8' });
    if (venv.status === 0 || hasUv()) return { path, version: version.join('.') };
    seen.push(`${path} can't make virtual environments (on Debian and Ubuntu: apt-get install python3-venv)`);
  }
  throw new NotReady(
    [
      'No fitting Python found: the connectors need Python 3.11 or newer.',
      ...seen.map((line) => `  ${line}`),
    ].join('\n') + '\nInstall it, or name it: SOURCEWRIGHT_PYTHON=/path/to/python3.12',
  );
}

function hasUv() {
  return spawnSync('uv', ['--version'], { encoding: 'utf8' }).status === 0;
}

function older(have, least) {
  for (const [at, part] of least.entries()) {
    if ((have[at] ?? 0) !== part) return (have[at] ?? 0) < part;
  }
  return false;
}

/** Runs `npm ci` where what is installed is not what the lock file asks for. */
export async function installDependencies(say) {
  const why = dependenciesMissing();
  if (why === undefined) return;
  say(`Installing dependencies (${why}) …`);
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, quiet: true });
}

function dependenciesMissing() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return 'first time';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.optional || entry.devOptional || entry.peer) continue;
    if (have[path]?.version !== entry.version) return `${path.replace('node_modules/', '')} changed`;
  }
  return undefined;
}

/** Builds dist/ where it is missing or older than what it is made of. */
export async function buildIfStale(say = () => undefined) {
  const built = join(root, 'dist', 'cli.mjs');
  const newest = Math.max(
    ...['src', 'esbuild.mjs', 'package.json', 'package-lock.json', 'sample'].map((name) =>
      newestIn(join(root, name)),
    ),
  );
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return;
  say('Building …');
  await run(process.execPath, ['esbuild.mjs'], { cwd: root, quiet: true });
}

const NOT_SOURCE = /^(node_modules|__pycache__|\..*|.*\.pyc)$/;

function newestIn(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  // A folder's own time counts as well: it changes when a file goes away.
  const times = readdirSync(path)
    .filter((name) => !NOT_SOURCE.test(name))
    .map((name) => newestIn(join(path, name)));
  return Math.max(found.mtimeMs, ...times);
}

/**
 * Runs a program to its end. `quiet` keeps its output back and shows it only if it fails; `output` is handed it as it comes.
 * Resolves to the exit code where `check` is false; otherwise throws when it is not 0.
 */
export function run(
  file,
  args,
  { cwd = root, env = process.env, quiet = false, check = true, output: handed } = {},
) {
  const piped = quiet || handed !== undefined ? 'pipe' : 'inherit';
  return new Promise((done, failed) => {
    const child = spawn(file, args, {
      cwd,
      env,
      stdio: ['ignore', piped, piped],
    });
    let output = '';
    const take = handed ?? ((chunk) => (output += chunk));
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('error', failed);
    child.once('close', (code, signal) => {
      const exit = code ?? 1;
      if (exit === 0 || !check) {
        done(exit);
        return;
      }
      const end = signal === null ? `exit code ${exit}` : `signal ${signal}`;
      failed(
        new Error(`${[file, ...args].join(' ')} ended with ${end}.${output === '' ? '' : `\n${output}`}`),
      );
    });
  });
}
