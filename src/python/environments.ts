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
import { environmentPython, installPackages } from './install.ts';
import { refuseUnknown } from './known-packages.ts';
import { fits, LOCK_FILE, type Lock, lockText, parseLock, requirementsDigest } from './lock.ts';
import { requirementLines } from './requirements.ts';

export { environmentPython, installEnvironment } from './install.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface PythonEnvironment {
  readonly dir: string;
  /** Absolute path of the environment's own interpreter. */
  readonly python: string;
  readonly version: string;
  /** Hash that it is cached by. */
  readonly key: string;
  /** Path of the lock that it was installed by; absent where it was not made by us. */
  readonly lock?: string | undefined;
  /** How foreign code is confined that runs in it; absent = `auto`. */
  readonly isolation?: IsolationPolicy | undefined;
}

export interface EnvironmentOptions {
  readonly interpreter: Interpreter;
  /** Contents of the requirement files, with their names for error messages. */
  readonly requirements: readonly { readonly name: string; readonly content: string }[];
  /** The connector's `requirements.lock`, with its name for error messages; minded where it fits. */
  readonly lock?: { readonly name: string; readonly content: string } | undefined;
  /** Packages that the person allows beside the known ones. */
  readonly allowed?: readonly string[] | undefined;
  /** Parent of the cache; absent = by `cacheFolder`. */
  readonly cacheDir?: string | undefined;
  readonly environment?: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: (message: string) => void;
  /** Time for the installation, in milliseconds. Default ten minutes. */
  readonly timeoutMs?: number;
}

/** 3: wheels only, by a lock. */
const LAYOUT = 3;
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

async function isComplete(dir: string, key: string): Promise<boolean> {
  try {
    const marker = Marker.parse(JSON.parse(await readFile(join(dir, MARKER), 'utf8')));
    await access(environmentPython(dir));
    return marker.key === key;
  } catch {
    return false;
  }
}

/** `dir` holds the environment as `venv/`, its requirements, its lock and, once complete, the marker. */
async function buildEnvironment(
  dir: string,
  key: string,
  options: EnvironmentOptions,
  plan: Plan,
): Promise<void> {
  const venv = join(dir, 'venv');
  const { interpreter, signal, environment = process.env, timeoutMs = 600_000 } = options;
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  try {
    const { lines, cache } = plan;
    const lock = plan.lock ?? (await storedLock(plan, interpreter));
    const wheels = join(cache, 'wheels');
    const made = await installPackages({
      ...{ dir, wheels, lines, lock, interpreter, environment, timeoutMs, signal },
    });
    await mkdir(join(cache, 'locks'), { recursive: true });
    await writeFile(storedLockPath(plan, interpreter), lockText(made));
    const marker = { layout: LAYOUT, key, version: interpreter.version };
    await writeFile(join(venv, MARKER), JSON.stringify(marker));
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** What is to be built. */
interface Plan {
  readonly cache: string;
  readonly lines: readonly string[];
  /** The connector's own, where it fits. */
  readonly lock: Lock | undefined;
}

/** Where the lock of a set of requirements is kept: it is made once, and is the same for all connectors that share the set. */
function storedLockPath({ cache, lines }: Plan, { platform }: Interpreter): string {
  return join(cache, 'locks', `${requirementsDigest(lines)}-${platform.replace(/[^\w.-]/g, '_')}.lock`);
}

async function storedLock(plan: Plan, interpreter: Interpreter): Promise<Lock | undefined> {
  const path = storedLockPath(plan, interpreter);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lock = parseLock(text, path);
  return fits(lock, plan.lines, interpreter.platform) ? lock : undefined;
}

/** The connector's lock where it is for these requirements and this Python: others are made anew, not minded. */
function ownLock(
  { lock: given, interpreter }: EnvironmentOptions,
  lines: readonly string[],
): Lock | undefined {
  if (given === undefined) return undefined;
  const lock = parseLock(given.content, given.name);
  return fits(lock, lines, interpreter.platform) ? lock : undefined;
}

function keyOf({ interpreter }: EnvironmentOptions, parts: readonly unknown[]): string {
  const all = [LAYOUT, interpreter.path, interpreter.version, interpreter.platform, ...parts];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 20);
}

/**
 * The environment with these requirements, built first if it is not there. Two processes that need the same one
 * build it once.
 * @throws SourcewrightError `environment` with a cure when it can't be built (offline, disk full, bad requirement), and
 *   before anything is fetched where a package is none that is known or allowed
 */
export async function ensureEnvironment(options: EnvironmentOptions): Promise<PythonEnvironment> {
  const lines = requirementLines(options.requirements);
  const allowed = options.allowed ?? [];
  for (const file of options.requirements) refuseUnknown(file.name, requirementLines([file]), allowed);
  const { interpreter } = options;
  const cache = options.cacheDir ?? cacheFolder(options.environment);
  const root = join(cache, 'environments');
  let key = keyOf(options, [lines]);
  const lock = ownLock(options, lines);
  const plan = { cache, lines, lock };
  if (lock !== undefined && lockText(lock) !== (await builtLock(join(root, key)))) {
    // It comes from elsewhere: whoever made it may have put in anything.
    const names = lock.packages.map(({ name }) => name);
    refuseUnknown(options.lock?.name ?? LOCK_FILE, names, allowed);
    key = keyOf(options, [lines, lockText(lock)]);
  }
  const dir = join(root, key);
  const venv = join(dir, 'venv');
  const environment = {
    ...{ dir: venv, python: environmentPython(venv), version: interpreter.version, key },
    lock: join(dir, LOCK_FILE),
  };
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
        await buildEnvironment(dir, key, options, plan);
      },
    );
  }
  const now = new Date();
  await utimes(join(venv, MARKER), now, now).catch(() => undefined);
  return environment;
}

async function builtLock(dir: string): Promise<string | undefined> {
  return readFile(join(dir, LOCK_FILE), 'utf8').catch(() => undefined);
}
