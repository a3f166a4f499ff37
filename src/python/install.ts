/**
 * Installs packages into a virtual environment: wheels only, as anything else runs code to be installed, and each with its
 * hash. What was fetched once is kept, so that the same lock can be installed again without a network.
 */
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { freeBytes } from './full-disk.ts';
import type { Interpreter } from './interpreter.ts';
import { normalName } from './known-packages.ts';
import { LOCK_FILE, type Lock, lockText, lockWheels, parseLock, requirementsDigest } from './lock.ts';
import { capture, type Captured } from './process-runner.ts';
import { programCandidates } from './process-tree.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Path of an environment's interpreter. */
export function environmentPython(dir: string): string {
  return process.platform === 'win32' ? join(dir, 'Scripts', 'python.exe') : join(dir, 'bin', 'python');
}

/** Variables of the person's that would bend an installation into another place. */
const BENDING =
  /^(PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|__PYVENV_LAUNCHER__|(PIP|UV)_(TARGET|USER|PREFIX|ROOT|REQUIRE_VIRTUALENV|EDITABLE|REQUIREMENT|CONSTRAINT|NO_BINARY|ONLY_BINARY|NO_DEPS|REQUIRE_HASHES|PRE|DRY_RUN|OVERRIDE|RESOLUTION|PRERELEASE|SYSTEM_PYTHON|BREAK_SYSTEM_PACKAGES|NO_BINARY_PACKAGE|EXCLUDE_NEWER))$/;

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

/** What an environment with the packages of a connector needs at least. Bytes. */
const LEAST_ROOM = 100_000_000;
const MORE_ROOM = 'Free some space (the Python environments need about 300 MB), then resume.';

/** Programs tell of a full disk in many ways, or not at all: what is left on it is said, and the person sees what that means. */
async function noRoomError(what: string, tail: string, dir: string): Promise<SourcewrightError | undefined> {
  const free = await freeBytes(dir);
  if (free === undefined || free >= LEAST_ROOM) return undefined;
  const left = `${Math.floor(free / 1_000_000)} MB are left on the disk`;
  return new SourcewrightError('environment', `${what}, and ${left}:\n${tail}`, {
    where: dir,
    cure: MORE_ROOM,
  });
}

async function installError(
  what: string,
  output: Captured,
  { dir }: Installation,
): Promise<SourcewrightError> {
  const text = `${output.stdout}\n${output.stderr}`;
  const tail = text.trim().split('\n').slice(-6).join('\n');
  if (/No space left on device|ENOSPC/i.test(text)) {
    return new SourcewrightError('environment', `${what}: the disk is full.`, {
      cure: MORE_ROOM,
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
  if (/DO NOT MATCH THE HASHES|Hash mismatch/i.test(text)) {
    return new SourcewrightError('environment', `${what}: a package is not the one that was locked.`, {
      where: LOCK_FILE,
      cure: 'Somebody may have replaced it on the index: look into that first. To take what is there now, delete the lock, then resume.',
    });
  }
  const noRoom = await noRoomError(what, tail, dir);
  if (noRoom !== undefined) return noRoom;
  const unknown = text.includes('(from versions: none)');
  return new SourcewrightError('environment', `${what}:\n${tail}`, {
    cure: unknown
      ? 'Either the package index can’t be reached from here, or it has no wheel of that name and version for this Python (other packages are not installed: building them would run their code). Correct that, then resume.'
      : 'Correct what the message names, then resume.',
    retry: unknown,
  });
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

export interface Installation {
  /** Scratch folder of the build, which holds `venv/` when it is done. */
  readonly dir: string;
  /** Folder of wheels that were fetched before, which is added to. */
  readonly wheels: string;
  readonly lines: readonly string[];
  /** What to install; absent = to be found out from the lines. */
  readonly lock?: Lock | undefined;
  readonly interpreter: Interpreter;
  readonly environment: Environment;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

function runTool(build: Installation, file: string, args: readonly string[]): Promise<Captured> {
  return capture({
    file,
    args,
    cwd: build.dir,
    env: installEnvironment(build.environment),
    timeoutMs: build.timeoutMs,
    signal: build.signal,
  });
}

function refuseIfCancelled(result: Captured): void {
  if (result.cancelled) throw new SourcewrightError('cancelled', 'Cancelled.');
}

const WHEELS_ONLY = ['--only-binary', ':all:'];
const PIP = ['-I', '-m', 'pip'];
const QUIET = ['--quiet', '--no-color', '--retries=2'];

function lockOf(build: Installation, packages: Lock['packages']): Lock {
  const { lines, interpreter } = build;
  return { requirements: requirementsDigest(lines), platform: interpreter.platform, packages };
}

async function writeLock(build: Installation, lock: Lock): Promise<string> {
  const path = join(build.dir, LOCK_FILE);
  await writeFile(path, lockText(lock));
  return path;
}

const UV_INDEX = ['UV_DEFAULT_INDEX', 'UV_INDEX', 'UV_INDEX_URL', 'UV_EXTRA_INDEX_URL', 'UV_CONFIG_FILE'];
const PIP_INDEX =
  /^(PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX)|[\w.-]+\.(index-url|extra-index-url|find-links|no-index))=/m;

/**
 * Whether pip was told of an index and uv was not: uv does not read what pip is told, and would ask the public index for names
 * that are meant to come from the person's own.
 */
async function onlyPipHasIndex(build: Installation): Promise<boolean> {
  if (UV_INDEX.some((name) => (build.environment[name] ?? '') !== '')) return false;
  const listed = await runTool(build, build.interpreter.path, [...PIP, 'config', 'list']);
  refuseIfCancelled(listed);
  const variables = Object.entries(build.environment).filter(([, value = '']) => value !== '');
  return PIP_INDEX.test([...variables.map((one) => one.join('=')), listed.stdout].join('\n'));
}

/** With uv, where it is installed: undefined when it does not manage, so that pip is tried. */
async function withUv(build: Installation, venv: string, requirements: string): Promise<Lock | undefined> {
  const uv = await findProgram('uv', build.environment);
  if (uv === undefined || (await onlyPipHasIndex(build))) return undefined;
  const run = async (...args: readonly string[]): Promise<boolean> => {
    const ran = await runTool(build, uv, args);
    refuseIfCancelled(ran);
    return ran.exitCode === 0;
  };
  const python = environmentPython(venv);
  if (!(await run('venv', '--quiet', '--clear', '--python', build.interpreter.path, venv))) return undefined;
  let { lock } = build;
  if (lock === undefined) {
    const compiled = join(build.dir, 'compiled.txt');
    const options = ['--quiet', '--no-header', '--generate-hashes', ...WHEELS_ONLY, '--python', python];
    if (!(await run('pip', 'compile', ...options, '--output-file', compiled, requirements))) return undefined;
    lock = lockOf(build, parseLock(await readFile(compiled, 'utf8'), compiled).packages);
  }
  const path = await writeLock(build, lock);
  const install = ['pip', 'install', '--quiet', '--require-hashes', ...WHEELS_ONLY, '--python', python];
  // What uv keeps is enough where there is no network.
  const installed = (await run(...install, '-r', path)) || (await run(...install, '--offline', '-r', path));
  return installed ? lock : undefined;
}

/** Whether the kept wheels may be enough for a lock. */
async function isKept(wheels: string, lock: Lock): Promise<boolean> {
  const kept = new Set(
    (await readdir(wheels).catch(() => [])).map((file) => {
      const [name = '', version = ''] = file.split('-');
      return `${normalName(name)}==${version}`;
    }),
  );
  return lock.packages.every(({ name, version }) => kept.has(`${name}==${version}`));
}

/** Installs a lock from a folder of wheels and nothing else. */
async function fromWheels(
  build: Installation,
  python: string,
  lock: string,
  wheels: string,
): Promise<Captured> {
  const from = ['--no-index', '--find-links', wheels, '--require-hashes', ...WHEELS_ONLY];
  const ran = await runTool(build, python, [...PIP, 'install', ...QUIET, ...from, '-r', lock]);
  refuseIfCancelled(ran);
  return ran;
}

/** Fetches wheels into a folder of their own: those of the lock, or what the lines come to. */
async function fetchWheels(build: Installation, python: string, requirements: string): Promise<string> {
  const folder = await mkdtemp(join(build.dir, 'wheels-'));
  const hashed = build.lock === undefined ? [] : ['--require-hashes'];
  const ran = await runTool(build, python, [
    ...[...PIP, 'download', ...QUIET, ...WHEELS_ONLY, ...hashed],
    ...['--dest', folder, '-r', build.lock === undefined ? requirements : join(build.dir, LOCK_FILE)],
  ]);
  refuseIfCancelled(ran);
  if (ran.exitCode !== 0) throw await installError('The Python packages could not be fetched', ran, build);
  return folder;
}

async function keepWheels(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const file of await readdir(from)) await rename(join(from, file), join(to, file));
  await rm(from, { recursive: true, force: true });
}

async function withPip(build: Installation, venv: string, requirements: string): Promise<Lock> {
  const bare = build.lines.length === 0 ? ['--without-pip'] : [];
  const created = await runTool(build, build.interpreter.path, [
    ...['-I', '-m', 'venv', '--clear', ...bare, venv],
  ]);
  refuseIfCancelled(created);
  if (created.exitCode !== 0)
    throw await installError('The Python environment could not be created', created, build);
  if (build.lines.length === 0) return lockOf(build, []);
  const python = environmentPython(venv);
  if (build.lock !== undefined) {
    const path = await writeLock(build, build.lock);
    const kept = await isKept(build.wheels, build.lock);
    if (kept && (await fromWheels(build, python, path, build.wheels)).exitCode === 0) return build.lock;
  }
  const fetched = await fetchWheels(build, python, requirements);
  const lock = build.lock ?? lockOf(build, await lockWheels(fetched));
  const installed = await fromWheels(build, python, await writeLock(build, lock), fetched);
  if (installed.exitCode !== 0)
    throw await installError('The Python packages could not be installed', installed, build);
  await keepWheels(fetched, build.wheels);
  return lock;
}

/**
 * Makes the environment `venv/` in the build's folder and installs into it. Answers what was installed, which stands in the
 * folder's lock too.
 * @throws SourcewrightError `environment` with a cure, `cancelled` on abort
 */
export async function installPackages(build: Installation): Promise<Lock> {
  const venv = join(build.dir, 'venv');
  const requirements = join(build.dir, 'requirements.txt');
  await writeFile(requirements, build.lines.map((line) => `${line}\n`).join(''));
  const lock = (await withUv(build, venv, requirements)) ?? (await withPip(build, venv, requirements));
  await writeLock(build, lock);
  return lock;
}
