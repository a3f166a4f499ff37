/** Runs the conformance suite over a connector: a Python package of ours, in the connector's own environment. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { fileURLToPath } from 'node:url';
import { SourcewrightError } from '../errors.ts';
import { childEnvironment } from '../python/child-environment.ts';
import { runChild } from '../python/child-process.ts';
import { confine } from '../python/isolation/confine.ts';
import { startedAs } from '../python/started-as.ts';
import type { IsolationPolicy } from '../pipeline/contracts.ts';
import { ConformanceReport, type ConformanceFace } from './contracts.ts';

/** Time for the whole suite, in milliseconds; a single check has a limit of its own, by default two minutes. */
export const DEFAULT_CONFORMANCE_TIMEOUT_MS = 900_000;

export interface ConformanceRun {
  /** Folder that holds `src/` and `tests/`. */
  readonly connectorDir: string;
  /** Interpreter of an environment with the connector's `requirements-dev.txt`. */
  readonly python: string;
  readonly signal: AbortSignal;
  /** How it is confined; absent = `auto`. */
  readonly isolation?: IsolationPolicy | undefined;
  /** Checks to run, by id; absent = all. */
  readonly only?: readonly string[] | undefined;
  /** Faces to judge; absent = all. */
  readonly faces?: readonly ConformanceFace[] | undefined;
  /** Time for each check, in seconds; absent = two minutes. A check that takes longer has failed. */
  readonly checkLimitSeconds?: number | undefined;
  /** Time for the whole, in milliseconds; absent = a quarter of an hour. */
  readonly timeoutMs?: number | undefined;
  /** Told of each check when it has ended: its outcome and its id in a line. */
  readonly progress?: ((line: string) => void) | undefined;
}

const here = dirname(fileURLToPath(import.meta.url));

/** Folder that holds the package: beside this file in a checkout, among our scripts in `dist/`. */
export function conformanceFolder(): string {
  const inCheckout = join(here, 'python');
  return existsSync(join(inCheckout, 'conformance')) ? inCheckout : join(here, 'python-scripts');
}

/**
 * Judges a connector. It is given no network but this machine's own, and nothing of the person's environment.
 * @throws SourcewrightError `cancelled` on abort, `input` where the folder holds no connector or an id is not known,
 * `environment` where the suite could not be run to its end.
 */
export async function conform(run: ConformanceRun): Promise<ConformanceReport> {
  if (!existsSync(join(run.connectorDir, 'src'))) {
    throw new SourcewrightError('input', 'The folder holds no connector.', {
      where: run.connectorDir,
      cure: 'Name a folder source-<name> that holds src/ and tests/.',
    });
  }
  const home = await mkdtemp(join(tmpdir(), 'sourcewright-conformance-'));
  try {
    const file = join(home, 'report.json');
    const said = new Lines(run.progress);
    const { within } = await confine({
      policy: run.isolation,
      python: run.python,
      home,
      cwd: home,
      readable: [run.connectorDir, conformanceFolder()],
    });
    const end = await runChild({
      ...startedAs({ within, file: run.python, args: ['-m', 'conformance', ...suiteArguments(run, file)] }),
      cwd: home,
      env: { ...childEnvironment({ python: run.python, home }), PYTHONPATH: conformanceFolder() },
      timeoutMs: run.timeoutMs ?? DEFAULT_CONFORMANCE_TIMEOUT_MS,
      signal: run.signal,
      onOutput: (chunk, from) => {
        if (from === 'stderr') said.take(chunk);
      },
    });
    if (run.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
    if (end.exitCode === 2) throw new SourcewrightError('input', said.tail());
    const report = await readReport(file);
    if (report !== undefined && (end.exitCode === 0 || end.exitCode === 1)) return report;
    const why = end.timedOut ? 'It took longer than its time limit.' : said.tail();
    throw new SourcewrightError('environment', `The conformance suite did not run to its end. ${why}`, {
      where: run.connectorDir,
      cure: 'The interpreter needs the packages of the connector’s requirements-dev.txt. Install them, then try again.',
    });
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

function suiteArguments(run: ConformanceRun, report: string): string[] {
  return [
    ...['--connector', run.connectorDir, '--report', report],
    ...(run.only ?? []).flatMap((id) => ['--only', id]),
    ...(run.faces ?? []).flatMap((face) => ['--face', face]),
    ...(run.checkLimitSeconds === undefined ? [] : ['--time-limit', String(run.checkLimitSeconds)]),
  ];
}

async function readReport(file: string): Promise<ConformanceReport | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : ConformanceReport.parse(JSON.parse(text));
}

const KEPT_LINES = 6;

/** Whole lines out of pieces of output; the last few are kept for messages. */
class Lines {
  readonly #tell: ((line: string) => void) | undefined;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #last: string[] = [];

  constructor(tell: ((line: string) => void) | undefined) {
    this.#tell = tell;
  }

  take(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#tell?.(line);
    this.#last = [...this.#last, ...lines].slice(-KEPT_LINES);
  }

  tail(): string {
    return [...this.#last, this.#rest].join('\n').trim();
  }
}
