/**
 * Virtual environments, cached by what they hold: connectors with the same requirements share one. An environment is
 * complete only once its marker file is there; anything else is a build that was cut short and is built anew.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import type { IsolationPolicy } from '../pipeline/contracts.ts';
import { withBuildLock } from './build-lock.ts';
import type { Interpreter } from './interpreter.ts';
import { capture, type Captured } from './process-runner.ts';
import { programCandidates } from './process-tree.ts';
import { requirementLines } from './requirements.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface PythonEnvironment {
  readonly dir: string;
  /** Absolute path of the environment's own interpreter. */
  readonly python: string;
  readonly version: string;
  /** Hash that it is cached by. */
  readonly key: string;
  /** How foreign code is confined that runs in it; absent = `auto`. */
  readonly isolation?: IsolationPolicy | undefined;
}

export interface EnvironmentOptions {
  readonly interpreter: Interpreter;
  /** Contents of the requirement files, with their names for error messages. */
  readonly requirements: readonly { readonly name: string; readonly content: string }[];
  /** Parent of the cache; absent = by `cacheFolder`. */
  readonly cacheDir?: string | undefined;
  readonly environment?: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: (message: string) => void;
  /** Time for the installation, in milliseconds. Default ten minutes. */
  readonly timeoutMs?: number;
}

const LAYOUT = 2;
const MARKER = 'sourcewright-environment.json';
const Marker = z.object({ layout: z.literal(LAYOUT), key: z.string(), version: z.string() });

/** The user's cache folder for us: `SOURCEWRIGHT_CACHE`, or the platform's own place. */
export function cacheFolder(environment: Environment = process.env): string {
  const own = environment['SOURCEWRIGHT_CACHE'];
  if (own !== undefined && own !== '') return own;
  if (process.platform === 'win32') {
    return join(environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'sourcewright', 'Cache');
  }
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'sourcewright');
  const xdg = environment['XDG_CACHE_HOME'];
  return join(xdg !== undefined && xdg.startsWith('/') ? xdg : join(homedir(), '.cache'), 'sourcewright');
}

/** Path of an environment's interpreter. */
export function environmentPython(dir: string): string {
  return process.platform === 'win32' ? join(dir, 'Scripts', 'python.exe') : join(dir, 'bin', 'python');
}

/** Variables of the person's that would bend an installation into another place. */
const BENDING =
  /^(PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|__PYVENV_LAUNCHER__|PIP_(TARGET|USER|PREFIX|ROOT|REQUIRE_VIRTUALENV|EDITABLE|REQUIREMENT|CONSTRAINT))$/;

/** Secrets that no package needs to see while it is built; those of pip and uv themselves (an index's password) stay. */
const SECRET = /(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL)/i;

/** The person's environment for package installation: proxies, certificates and index settings stay, secrets do not. */
export function installEnvironment(environment: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const secret = SECRET.test(name) && !/^(PIP|UV)_/.test(name);
    if (value !== undefined && !secret && !BENDING.test(name)) kept[name] = value;
  }
  return { ...kept, PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
}

const OFFLINE =
  /NewConnectionError|ConnectTimeout|ReadTimeout|Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo failed|Network is unreachable|Connection refused|connection broken|dns error|error sending request|Could not connect/i;

function installError(what: string, output: Captured): SourcewrightError {
  const text = `${output.stdout}\n${output.stderr}`;
  const tail = text.trim().split('\n').slice(-6).join('\n');
  if (/No space left on device|ENOSPC/i.test(text)) {
    return new SourcewrightError('environment', `${what}: the disk is full.`, {
      cure: 'Free some space (the Python environments need about 300 MB), then resume.',
    });
  }
  if (output.timedOut) {
    return new SourcewrightError('environment', `${what}: it took longer than the time limit.`, {
      cure: 'Check the network and the package index, then resume.',
      retry: true,
    });
  }
  if (OFFLINE.test(text)) {
    return new SourcewrightError('environment', `${what}: the Python package index can't be reached.`, {
      cure: 'The packages are needed once and then kept. Connect to the network (or set a mirror by pip config), then resume.',
      retry: true,
    });
  }
  const unknown = text.includes('(from versions: none)');
  return new SourcewrightError('environment', `${what}:\n${tail}`, {
    cure: unknown
      ? 'Either the package index can’t be reached from here, or there is no package of that name for this Python. Correct that, then resume.'
      : 'Correct what the message names, then resume.',
    retry: unknown,
  });
}

async function isComplete(dir: string, key: string): Promise<boolean> {
  try {
    const marker = Marker.parse(JSON.parse(await readFile(join(dir, MARKER), 'utf8')));
    await access(environmentPython(dir));
    return marker.key === key;
  } catch {
    return false;
  }
}

async function findProgram(name: string, environment: Environment): Promise<string | undefined> {
  for (const file of programCandidates(name, environment)) {
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

interface Build {
  readonly dir: string;
  readonly lines: readonly string[];
  readonly options: EnvironmentOptions;
}

function runTool(build: Build, file: string, args: readonly string[]): Promise<Captured> {
  return capture({
    file,
    args,
    cwd: build.dir,
    env: installEnvironment(build.options.environment ?? process.env),
    timeoutMs: build.options.timeoutMs ?? 600_000,
    signal: build.options.signal,
  });
}

function refuseIfCancelled(result: Captured): void {
  if (result.cancelled) throw new SourcewrightError('cancelled', 'Cancelled.');
}

/** With uv, where it is installed: false when it does not manage, so that pip is tried. */
async function buildWithUv(build: Build, venv: string, requirements: string): Promise<boolean> {
  const uv = await findProgram('uv', build.options.environment ?? process.env);
  if (uv === undefined) return false;
  const created = await runTool(build, uv, [
    'venv',
    '--quiet',
    '--clear',
    '--python',
    build.options.interpreter.path,
    venv,
  ]);
  refuseIfCancelled(created);
  if (created.exitCode !== 0) return false;
  const installed = await runTool(build, uv, [
    ...['pip', 'install', '--quiet', '--python', environmentPython(venv)],
    ...['-r', requirements],
  ]);
  refuseIfCancelled(installed);
  return installed.exitCode === 0;
}

async function buildWithPip(build: Build, venv: string, requirements: string): Promise<void> {
  const bare = build.lines.length === 0 ? ['--without-pip'] : [];
  const created = await runTool(build, build.options.interpreter.path, [
    ...['-I', '-m', 'venv', '--clear', ...bare, venv],
  ]);
  refuseIfCancelled(created);
  if (created.exitCode !== 0) throw installError('The Python environment could not be created', created);
  if (build.lines.length === 0) return;
  const installed = await runTool(build, environmentPython(venv), [
    ...[
      '-I',
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-color',
      '--retries=2',
      '--prefer-binary',
      '-r',
      requirements,
    ],
  ]);
  refuseIfCancelled(installed);
  if (installed.exitCode !== 0) throw installError('The Python packages could not be installed', installed);
}

/** `dir` holds the environment as `venv/`, its requirements and, once complete, the marker. */
async function buildEnvironment(build: Build, key: string): Promise<void> {
  const venv = join(build.dir, 'venv');
  await rm(build.dir, { recursive: true, force: true });
  await mkdir(build.dir, { recursive: true });
  const requirements = join(build.dir, 'requirements.txt');
  await writeFile(requirements, build.lines.map((line) => `${line}\n`).join(''));
  try {
    if (!(await buildWithUv(build, venv, requirements))) await buildWithPip(build, venv, requirements);
    const marker = { layout: LAYOUT, key, version: build.options.interpreter.version };
    await writeFile(join(venv, MARKER), JSON.stringify(marker));
  } catch (error) {
    await rm(build.dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The environment with these requirements, built first if it is not there. Two processes that need the same one
 * build it once.
 * @throws SourcewrightError `environment` with a cure when it can't be built (offline, disk full, bad requirement).
 */
export async function ensureEnvironment(options: EnvironmentOptions): Promise<PythonEnvironment> {
  const lines = requirementLines(options.requirements);
  const { interpreter } = options;
  const key = createHash('sha256')
    .update(JSON.stringify([LAYOUT, interpreter.path, interpreter.version, interpreter.platform, lines]))
    .digest('hex')
    .slice(0, 20);
  const root = join(options.cacheDir ?? cacheFolder(options.environment), 'environments');
  const dir = join(root, key);
  const venv = join(dir, 'venv');
  const environment = { dir: venv, python: environmentPython(venv), version: interpreter.version, key };
  try {
    await mkdir(root, { recursive: true });
  } catch (error) {
    throw new SourcewrightError('environment', 'The folder for Python environments could not be made.', {
      where: root,
      cure: 'Make the folder writable, or name another one in the variable SOURCEWRIGHT_CACHE, then resume.',
      cause: error,
    });
  }
  if (!(await isComplete(venv, key))) {
    await withBuildLock(
      `${dir}.lock`,
      options.signal,
      () => options.progress?.('Waiting for another build of the same Python environment.'),
      async () => {
        if (await isComplete(venv, key)) return;
        options.progress?.(`Setting up the Python environment (${lines.length} packages, once).`);
        await buildEnvironment({ dir, lines, options }, key);
      },
    );
  }
  const now = new Date();
  await utimes(join(venv, MARKER), now, now).catch(() => undefined);
  return environment;
}
