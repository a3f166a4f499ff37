/** One owned child process: argument vector, explicit environment, time limit, its whole tree ended with it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { faultReason } from '../system-faults.ts';
import { killGroupRemains, killProcessTree } from './process-tree.ts';

export interface ChildOptions {
  /** Absolute path of the program. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds after which the process tree is ended. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Written to its standard input, which is closed (or empty) otherwise. */
  readonly input?: string | undefined;
  /** Time between the polite and the forced end. */
  readonly graceMs?: number;
  readonly onOutput: (chunk: Buffer, from: 'stdout' | 'stderr') => void;
}

export interface ChildEnd {
  /** Null when it was ended by us or by a signal. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
}

/** How long output that a stray child still holds open is waited for after the process itself has ended. */
const DRAIN_MS = 1000;

/**
 * Runs a program to its end. Time limit and abort resolve (with `timedOut` or `cancelled`), they do not reject.
 * @throws SourcewrightError `environment` when the program can't be started.
 */
export function runChild(options: ChildOptions): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) {
      resolve({ exitCode: null, timedOut: false, cancelled: true });
      return;
    }
    const child = spawn(options.file, [...options.args], {
      cwd: options.cwd,
      env: options.env,
      detached: process.platform !== 'win32',
      windowsHide: true,
      shell: false,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let timedOut = false;
    let cancelled = false;
    let killing: Promise<void> | undefined;
    const end = (): void => {
      if (child.pid === undefined) return;
      killing ??= killProcessTree(child.pid, options.graceMs ?? 3000);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, options.timeoutMs);
    const onAbort = (): void => {
      cancelled = true;
      end();
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    };

    child.stdout.on('data', (chunk: Buffer) => {
      options.onOutput(chunk, 'stdout');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      options.onOutput(chunk, 'stderr');
    });
    child.stdin.on('error', () => undefined); // it may end without reading its input
    child.stdin.end(options.input ?? '');

    child.on('error', (error: NodeJS.ErrnoException) => {
      settle();
      reject(notStarted(options, error));
    });
    const closed = new Promise<void>((done) => {
      child.once('close', () => {
        done();
      });
    });
    child.once('exit', (code) => {
      if (child.pid !== undefined) killGroupRemains(child.pid);
      const drained = new Promise<void>((done) => setTimeout(done, DRAIN_MS).unref());
      void Promise.all([killing, Promise.race([closed, drained])]).then(() => {
        settle();
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ exitCode: timedOut || cancelled ? null : code, timedOut, cancelled });
      });
    });
  });
}

/** The system says the same of a program that is not there and of a folder to run in that is not there. */
function notStarted({ file, cwd }: ChildOptions, error: NodeJS.ErrnoException): SourcewrightError {
  if (error.code === 'ENOENT' && !existsSync(cwd)) {
    return new SourcewrightError('environment', 'The folder that a program was to run in is gone.', {
      where: cwd,
      cure: 'Put it back if you moved or deleted it, then resume.',
      cause: error,
    });
  }
  const reason = faultReason(error.code ?? '') ?? error.message;
  return new SourcewrightError('environment', `Could not start ${basename(file)}: ${reason}.`, {
    where: file,
    cure: 'Check that the program exists and may be run, then resume.',
    cause: error,
  });
}
