/** Finds a Python that can run connectors: 3.11 or newer, with `venv`. Always ends in an absolute path. */
import { access, constants } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { capture } from './process-runner.ts';
import { programCandidates, searchPath } from './process-tree.ts';

export interface Interpreter {
  /** The interpreter itself, absolute; never a version manager's shim. */
  readonly path: string;
  /** `3.11.7`. */
  readonly version: string;
  /** Tells builds apart that share no binary packages: `cpython-311-x86_64-linux-gnu`. */
  readonly platform: string;
}

export interface InterpreterOptions {
  /** The person's choice: an absolute path or a program's name. When set, nothing else is tried. */
  readonly setting?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

const OLDEST = [3, 11] as const;
const NAMES = ['python3.13', 'python3.12', 'python3.11', 'python3.14', 'python3', 'python'];

const PROBE = `
import json, platform, sys, sysconfig
try:
    import venv, ensurepip
    has_venv = True
except ImportError:
    has_venv = False
print(json.dumps({"path": sys.executable, "version": platform.python_version(), "venv": has_venv,
    "major": sys.version_info[0], "minor": sys.version_info[1],
    "platform": sys.implementation.cache_tag + "-" + sysconfig.get_platform()}))
`;
const ProbeAnswer = z.object({
  path: z.string().min(1),
  version: z.string(),
  venv: z.boolean(),
  major: z.number(),
  minor: z.number(),
  platform: z.string(),
});

type Candidate = { readonly interpreter: Interpreter } | { readonly rejected: string };

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function examine(
  file: string,
  before: readonly string[],
  options: InterpreterOptions,
): Promise<Candidate> {
  const environment = options.environment ?? process.env;
  const answer = await capture({
    file,
    args: [...before, '-I', '-c', PROBE],
    cwd: resolve('/'),
    env: environment,
    timeoutMs: 20_000,
    signal: options.signal,
  }).catch((error: unknown) => ({ exitCode: null, stdout: '', stderr: String(error) }));
  if (answer.exitCode !== 0) return { rejected: `${file} does not run` };
  let parsed;
  try {
    parsed = ProbeAnswer.parse(JSON.parse(answer.stdout.slice(answer.stdout.indexOf('{'))));
  } catch {
    return { rejected: `${file} is not Python 3` };
  }
  if (parsed.major !== OLDEST[0] || parsed.minor < OLDEST[1]) {
    return { rejected: `${file} is Python ${parsed.version}, older than ${OLDEST.join('.')}` };
  }
  if (!parsed.venv)
    return { rejected: `${file} (Python ${parsed.version}) lacks the module venv or ensurepip` };
  return { interpreter: { path: parsed.path, version: parsed.version, platform: parsed.platform } };
}

function notFound(rejected: readonly string[], setting: string | undefined): SourcewrightError {
  const seen = rejected.length === 0 ? 'none was found' : rejected.join('; ');
  return new SourcewrightError('environment', `No usable Python ${OLDEST.join('.')} or newer: ${seen}.`, {
    where: setting,
    cure:
      setting === undefined
        ? 'Install Python 3.11 or newer with venv (Debian and Ubuntu: apt install python3-venv), or set the path of an interpreter in the settings, then resume.'
        : 'Correct the Python path in the settings (or clear it to let one be found), then resume.',
  });
}

/** What was found before, by setting and search path: asking the candidates again takes a second on some machines. */
const known = new Map<string, Interpreter>();

/**
 * The interpreter to use: the setting, or else the first that fits from the search path.
 * @throws SourcewrightError `environment` naming what was tried and why it does not fit.
 */
export async function findInterpreter(options: InterpreterOptions = {}): Promise<Interpreter> {
  const environment = options.environment ?? process.env;
  const key = JSON.stringify([options.setting?.trim() ?? '', searchPath(environment)]);
  const before = known.get(key);
  if (before !== undefined && (await isExecutable(before.path))) return before;
  const found = await search(options, environment);
  known.set(key, found);
  return found;
}

async function search(
  options: InterpreterOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Interpreter> {
  const setting = options.setting?.trim();
  const rejected: string[] = [];
  if (setting !== undefined && setting !== '') {
    const files = isAbsolute(setting) ? [setting] : programCandidates(setting, environment);
    for (const file of files) {
      const candidate = await examine(file, [], options);
      if ('interpreter' in candidate) return candidate.interpreter;
      rejected.push(candidate.rejected);
    }
    throw notFound(rejected, setting);
  }
  for (const name of NAMES) {
    for (const file of programCandidates(name, environment)) {
      if (!(await isExecutable(file))) continue;
      const candidate = await examine(file, [], options);
      if ('interpreter' in candidate) return candidate.interpreter;
      rejected.push(candidate.rejected);
    }
  }
  for (const file of process.platform === 'win32' ? programCandidates('py', environment) : []) {
    if (!(await isExecutable(file))) continue;
    const candidate = await examine(file, ['-3'], options);
    if ('interpreter' in candidate) return candidate.interpreter;
    rejected.push(candidate.rejected);
  }
  throw notFound(rejected, undefined);
}
