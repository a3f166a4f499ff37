/** Runs a connector's test suite and turns what it leaves behind into evidence. Nobody's word counts. */
import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandResult, TestCase, TestReport, VisibleRunner } from '../pipeline/contracts.ts';
import { SourcewrightError } from '../errors.ts';
import { hashFiles, listFiles } from '../workspace/files.ts';
import { childEnvironment } from './child-environment.ts';
import { copyConnector } from './connector-copy.ts';
import { readCoverage } from './coverage.ts';
import type { PythonEnvironment } from './environments.ts';
import { refuseFullDisk } from './full-disk.ts';
import { confine } from './isolation/confine.ts';
import { LIMIT_REASONS, type Limits, scriptsFolder } from './isolation/limits.ts';
import { readJunit, UnusableEvidence } from './junit.ts';

/** Written into the connector by us after a run; no part of the suite. */
export const RESULTS_FILE = 'tests/test_results.json';
export const DEFAULT_TEST_TIMEOUT_MS = 600_000;

export interface SuiteRun {
  readonly connectorDir: string;
  readonly environment: PythonEnvironment;
  readonly runner: VisibleRunner;
  readonly title: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Measure coverage, which makes the suite slower. */
  readonly coverage: boolean;
  /** Ids of those to run; absent = all. */
  readonly tests?: readonly string[];
  /** Other limits than the usual ones. */
  readonly limits?: Partial<Limits> | undefined;
  /** Reads the result file; absent = on this thread. Throws `UnusableEvidence` as `readJunit` does. */
  readonly readCases?: ((path: string) => Promise<TestCase[]>) | undefined;
}

/** The connector's files in two heaps, as they are hashed for the evidence. */
export async function connectorHalves(dir: string): Promise<{ code: string[]; tests: string[] }> {
  const { files } = await listFiles(dir);
  return {
    code: files.filter(
      (file) =>
        file.startsWith('src/') ||
        (!file.startsWith('tests/') && /\.(py|pth|toml|ini|cfg)$|^requirements.*\.txt$/.test(file)),
    ),
    tests: files.filter((file) => file.startsWith('tests/') && file !== RESULTS_FILE),
  };
}

/** Hash of what is tested and of what tests it. */
export async function evidenceHashes(dir: string): Promise<{ codeSha256: string; testsSha256: string }> {
  const { code, tests } = await connectorHalves(dir);
  return { codeSha256: await hashFiles(dir, code), testsSha256: await hashFiles(dir, tests) };
}

/** Whether a package lies in an environment, without starting Python. */
export async function hasPackage(environment: PythonEnvironment, name: string): Promise<boolean> {
  const lib = join(environment.dir, process.platform === 'win32' ? 'Lib' : 'lib');
  const folders =
    process.platform === 'win32'
      ? [lib]
      : (await readdir(lib).catch(() => [])).map((entry) => join(lib, entry));
  for (const folder of folders) {
    const found = await access(join(folder, 'site-packages', name)).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** What pytest's exit codes mean; 0 and 1 are verdicts. */
const EXIT_REASONS: Readonly<Record<number, string>> = {
  2: 'pytest was interrupted',
  3: 'pytest met an internal error',
  4: 'pytest was called wrongly or its configuration is broken',
  5: 'no tests were collected',
  ...LIMIT_REASONS,
};

interface Judged {
  readonly verdict: TestReport['verdict'];
  readonly reason?: string;
}

/** The verdict of exit code and cases together; where they disagree there is none. Exported for its test table. */
export function judge(end: CommandResult, cases: readonly TestCase[]): Judged {
  const bad = cases.filter((entry) => entry.outcome === 'failed' || entry.outcome === 'error').length;
  const unusable = (reason: string): Judged => ({ verdict: 'unusable', reason });
  if (end.timedOut) return unusable('the tests ran longer than the time limit and were ended');
  if (end.exitCode === null) return unusable('the test run was ended before it finished');
  if (end.exitCode === 5 || cases.length === 0) return unusable('no tests were collected');
  // A collection error ends pytest with 2 and is listed as an error: evidence enough.
  if (bad > 0 && (end.exitCode === 1 || end.exitCode === 2)) return { verdict: 'failed' };
  if (end.exitCode === 0 && bad === 0) {
    if (cases.every((entry) => entry.outcome === 'skipped')) return unusable('every test was skipped');
    return { verdict: 'passed' };
  }
  if (end.exitCode === 0) return unusable(`pytest ended with 0 although ${bad} tests are listed as failed`);
  if (end.exitCode === 1) return unusable('pytest ended with 1 although no test is listed as failed');
  return unusable(
    EXIT_REASONS[end.exitCode] ?? bySignal(end.exitCode) ?? `pytest ended with ${end.exitCode}`,
  );
}

/** A sandbox passes on as a number which signal ended what ran in it. */
function bySignal(exitCode: number): string | undefined {
  return exitCode > 128 && exitCode < 192 ? `pytest was ended by signal ${exitCode - 128}` : undefined;
}

function count(cases: readonly TestCase[], outcome: TestCase['outcome']): number {
  return cases.filter((entry) => entry.outcome === outcome).length;
}

/** What a run of pytest is asked for. */
export interface PytestRun {
  readonly connectorDir: string;
  /** Receives the results. */
  readonly junit: string;
  /** Receives the coverage; absent = it is not measured. */
  readonly coverage?: string | undefined;
  /** Absent = all. */
  readonly tests?: readonly string[];
}

/**
 * The arguments of the interpreter: what runs, where results go, and nothing of the cache that pytest would keep. Of what could
 * bend the outcome only the suite's own files are minded, which are compared with the compiled ones: no module, plugin,
 * `conftest.py` or configuration beside them.
 */
export async function pytestArguments({
  connectorDir,
  junit,
  coverage,
  tests = ['tests'],
}: PytestRun): Promise<string[]> {
  const plugins = join(scriptsFolder(), 'pytest_plugins');
  const own = await access(join(connectorDir, 'pyproject.toml')).then(
    () => true,
    () => false,
  );
  return [
    // With -P the connector's folder is not searched for pytest itself; `connector_path` adds it once that is loaded.
    ...['-P', '-m', 'pytest', ...tests],
    ...['-c', own ? 'pyproject.toml' : join(plugins, 'none.ini'), '--rootdir=.', '--confcutdir=tests'],
    // The suite's own settings stay, but nothing may add options that leave tests out.
    ...['-o', 'addopts=', '-o', 'pythonpath=', '-o', 'junit_family=xunit1', '-o', 'junit_logging=all'],
    ...[
      '-p',
      'connector_path',
      '-p',
      'no:cacheprovider',
      '-p',
      'kept_output',
      '--color=no',
      `--junitxml=${junit}`,
    ],
    ...(coverage === undefined
      ? []
      : ['--cov=src', `--cov-config=${join(plugins, 'none.ini')}`, `--cov-report=json:${coverage}`]),
  ];
}

/** The environment of pytest: our plugins can be imported, and nothing adds options. */
export function pytestEnvironment(python: string, home: string): Record<string, string> {
  return {
    ...childEnvironment({ python, home }),
    PYTHONPATH: join(scriptsFolder(), 'pytest_plugins'),
    PYTEST_ADDOPTS: '',
  };
}

/**
 * Runs the suite once, confined and in a temporary home without anything of the person's, and reads the evidence. Results of an
 * earlier run can't be met: each run writes to a new folder.
 * @throws SourcewrightError `cancelled` on abort, `environment` when Python can't be started.
 */
export async function runSuite(run: SuiteRun): Promise<TestReport> {
  const home = await mkdtemp(join(tmpdir(), 'sourcewright-tests-'));
  try {
    const results = join(home, 'results');
    await mkdir(results);
    const junit = join(results, 'junit.xml');
    const measured = run.coverage && (await hasPackage(run.environment, 'pytest_cov'));
    const coverage = measured ? join(results, 'coverage.json') : undefined;
    const { connectorDir } = run;
    const args = await pytestArguments({ connectorDir, junit, coverage, tests: run.tests ?? ['tests'] });
    await rm(join(run.connectorDir, RESULTS_FILE), { force: true });
    const before = await evidenceHashes(run.connectorDir);
    const copy = join(home, 'connector');
    const { within, isolation, copied } = await confine({
      policy: run.environment.isolation,
      python: run.environment.python,
      home,
      cwd: run.connectorDir,
      copies: [{ from: copy, at: run.connectorDir }],
      limits: run.limits,
    });
    if (copied) await copyConnector(run.connectorDir, copy);
    const startedAt = new Date();
    const began = performance.now();
    const end = await run.runner.run(
      {
        title: run.title,
        file: run.environment.python,
        args,
        within,
        cwd: run.connectorDir,
        env: {
          ...pytestEnvironment(run.environment.python, home),
          COVERAGE_FILE: join(results, 'coverage.db'),
        },
        timeoutMs: run.timeoutMs,
      },
      run.signal,
    );
    const durationMs = Math.round(performance.now() - began);
    if (run.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
    if (end.exitCode !== 0) await refuseFullDisk(home);
    const after = await evidenceHashes(run.connectorDir);
    let cases: TestCase[] = [];
    let judged: Judged;
    try {
      cases = await (run.readCases ?? readJunit)(junit);
      judged = judge(end, cases);
    } catch (error) {
      if (!(error instanceof UnusableEvidence)) throw error;
      const byExit = judge(end, []);
      const ended = end.timedOut || end.exitCode === null || end.exitCode in EXIT_REASONS;
      judged =
        ended && byExit.reason !== undefined
          ? exitReason(end, byExit.reason)
          : { verdict: 'unusable', reason: error.message };
    }
    const changed = [after, ...(copied ? [await evidenceHashes(copy)] : [])].some(
      (now) => now.codeSha256 !== before.codeSha256 || now.testsSha256 !== before.testsSha256,
    );
    if (changed) {
      judged = { verdict: 'unusable', reason: 'files of the connector changed while its tests ran' };
    }
    return {
      schemaVersion: 1,
      ...judged,
      exitCode: end.exitCode,
      timedOut: end.timedOut,
      total: cases.length,
      passed: count(cases, 'passed'),
      failed: count(cases, 'failed'),
      errors: count(cases, 'error'),
      skipped: count(cases, 'skipped'),
      coverage: coverage === undefined ? null : await readCoverage(coverage),
      cases,
      ...before,
      command: [run.environment.python, ...args.map((arg) => arg.replace(home, '<temporary>'))],
      python: run.environment.version,
      startedAt: startedAt.toISOString(),
      durationMs,
      isolation,
      integrity: [],
    };
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Without a readable result file the exit code says more than its absence. */
function exitReason(end: CommandResult, fallback: string): Judged {
  const said = end.exitCode === null ? undefined : EXIT_REASONS[end.exitCode];
  return { verdict: 'unusable', reason: said ?? fallback };
}
