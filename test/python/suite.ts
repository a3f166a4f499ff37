/**
 * The Python side of the tests. Compiles connectors from blueprints that between them use the whole template, and
 * judges each as a stranger would: ruff, ruff's formatter, mypy --strict, and the connector's own tests. Then the tests
 * are judged: a mistake is planted into the code, and they must fail.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileConnector, type CompiledFile } from '../../src/blueprint/compiler/compile.ts';
import type { Blueprint } from '../../src/blueprint/schema.ts';
import { blueprints } from './blueprints.ts';
import { mutants, type Mutant } from './mutants.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const templateDir = join(root, 'src/blueprint/template');
const cache = join(root, '.cache/python-tests');
const windows = process.platform === 'win32';
const bin = windows ? 'Scripts' : 'bin';

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end; what it prints is kept, not shown. */
/** Code of a process that was ended at its time limit. */
const TIMED_OUT = -2;
/** A planted mistake may read in circles for ever: a run of tests has a time limit, and so it is found. */
const MUTANT_LIMIT_MS = 120_000;

function run(file: string, args: readonly string[], cwd: string, limitMs?: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd });
    let ended = false;
    const timer =
      limitMs === undefined
        ? undefined
        : setTimeout(() => {
            ended = true;
            child.kill('SIGKILL');
          }, limitMs);
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => {
      resolve({ code: -1, output: error.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: ended ? TIMED_OUT : (code ?? -1), output });
    });
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The last lines of an output: where tools put what matters. */
function tail(output: string, lines = 40): string {
  return output.trimEnd().split('\n').slice(-lines).join('\n');
}

/** An environment with the pinned tools of connectors and of these tests, made once for each set of requirements. */
async function environment(): Promise<string> {
  const files = compile(blueprints[0] as Blueprint).filter((one) => one.path.startsWith('requirements'));
  const own = await readFile(join(root, 'test/python/requirements.txt'), 'utf8');
  const interpreter = process.env['SOURCEWRIGHT_PYTHON'] ?? (windows ? 'python' : 'python3');
  const version = await run(interpreter, ['--version'], root);
  if (version.code !== 0)
    throw new Error(`Python 3.11 or newer is needed; ${interpreter}: ${version.output}`);
  const hash = createHash('sha256');
  for (const text of [version.output, own, ...files.map((one) => one.content)]) hash.update(text);
  const dir = join(cache, `venv-${hash.digest('hex').slice(0, 12)}`);
  const python = join(dir, bin, 'python');
  if (await exists(join(dir, 'complete'))) return python;
  say('Making a Python environment …');
  const requirements = join(cache, 'requirements');
  await rm(dir, { recursive: true, force: true });
  await mkdir(requirements, { recursive: true });
  for (const one of files) await writeFile(join(requirements, one.path), one.content);
  await writeFile(join(requirements, 'own.txt'), own);
  await need(interpreter, ['-m', 'venv', dir]);
  const wanted = ['-r', join(requirements, 'requirements-dev.txt'), '-r', join(requirements, 'own.txt')];
  await need(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...wanted]);
  await writeFile(join(dir, 'complete'), '');
  return python;
}

async function need(file: string, args: readonly string[]): Promise<void> {
  const done = await run(file, args, root);
  if (done.code !== 0) throw new Error(`${file} ${args.join(' ')}\n${tail(done.output)}`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function compile(blueprint: Blueprint): CompiledFile[] {
  return compileConnector(blueprint, { templateDir });
}

async function write(files: readonly CompiledFile[], dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  for (const file of files) {
    const path = join(dir, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.content);
  }
}

const failures: string[] = [];
let reported = 0;

function report(name: string, done: Outcome): void {
  reported += 1;
  const summary = tail(done.output, 1).trim();
  say(`${done.code === 0 ? 'ok  ' : 'FAIL'} ${name}${summary === '' ? '' : `: ${summary}`}`);
  if (done.code !== 0) {
    failures.push(name);
    say(tail(done.output));
  }
}

/** Judges one compiled connector. */
async function judge(python: string, blueprint: Blueprint): Promise<void> {
  const dir = connectorDir(blueprint.name);
  await write(compile(blueprint), dir);
  const python3 = (args: readonly string[]): Promise<Outcome> => run(python, ['-m', ...args], dir);
  const name = `source-${blueprint.name}`;
  const checks: [string, string[]][] = [
    ['compiles', ['compileall', '-q', 'src', 'tests']],
    ['ruff', ['ruff', 'check', '--no-cache', '--quiet', '.']],
    ['format', ['ruff', 'format', '--no-cache', '--check', '--quiet', 'src', 'tests']],
    ['mypy', ['mypy', '--cache-dir', join(cache, 'mypy', blueprint.name)]],
    ['tests', ['pytest', '-p', 'no:cacheprovider']],
  ];
  for (const [check, args] of checks) report(`${name} ${check}`, await python3(args));
}

function connectorDir(name: string): string {
  return join(cache, 'connectors', `source-${name}`);
}

/** Plants a mistake into a copy of a connector; its tests must fail. */
async function plant(python: string, mutant: Mutant): Promise<void> {
  const dir = join(cache, 'mutants', mutant.name);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dirname(dir), { recursive: true });
  await cp(connectorDir(mutant.connector), `${dir}.new`, { recursive: true });
  await rename(`${dir}.new`, dir);
  const path = join(dir, 'src', mutant.file);
  const before = await readFile(path, 'utf8');
  const after = before.replace(mutant.find, mutant.replace);
  if (after === before) {
    report(`mutant ${mutant.name}`, { code: 1, output: `${mutant.file} no longer holds: ${mutant.find}` });
    return;
  }
  await writeFile(path, after);
  const words = ['-m', 'pytest', '-x', '-p', 'no:cacheprovider', '--tb=no'];
  const done = await run(python, words, dir, MUTANT_LIMIT_MS);
  const killed = done.code === 1 || done.code === TIMED_OUT;
  const output = killed
    ? tail(done.output, 1)
    : `survived (exit ${String(done.code)})\n${tail(done.output, 5)}`;
  report(`mutant ${mutant.name}`, { code: killed ? 0 : 1, output });
  await rm(dir, { recursive: true, force: true });
}

/** Works through a list, as many at a time as there are processors. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
}

async function main(args: readonly string[]): Promise<void> {
  const named = args.filter((one) => !one.startsWith('--'));
  const wanted = (name: string): boolean => named.length === 0 || named.includes(name);
  const started = Date.now();
  const python = await environment();
  await each(
    blueprints.filter((one) => wanted(one.name)),
    (one) => judge(python, one),
  );
  if (named.length === 0) {
    const everything = connectorDir('everything');
    const own = (folder: string): string[] => [
      '-m',
      'pytest',
      '-q',
      '-p',
      'no:cacheprovider',
      '--rootdir',
      join(root, 'test/python', folder),
      '-c',
      join(root, 'test/python/pytest.ini'),
      join(root, 'test/python', folder),
    ];
    report('data face', await run(python, own('data_face'), everything));
    report('agent face', await run(python, own('agent_face'), root));
  }
  if (!args.includes('--no-mutants')) {
    await each(
      mutants.filter((one) => wanted(one.connector)),
      (one) => plant(python, one),
    );
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  say(
    failures.length === 0
      ? `All passed in ${String(seconds)} s.`
      : `${String(failures.length)} failed: ${failures.join(', ')}`,
  );
  // For `npm test`, which adds the numbers of all suites up.
  const counts = process.env['SOURCEWRIGHT_TEST_COUNTS'];
  if (counts !== undefined) {
    const passed = reported - failures.length;
    await writeFile(counts, JSON.stringify({ passed, failed: failures.length, skipped: 0 }));
  }
  process.exitCode = failures.length === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
