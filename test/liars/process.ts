/** Runs programs to their end. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface Outcome {
  /** Exit code; -1 where the program could not be started or was ended by a signal, `TIMED_OUT` at its time limit. */
  readonly code: number;
  /** Standard output and error, as they came. */
  readonly output: string;
}

/** Code of a process that was ended at its time limit. */
export const TIMED_OUT = -2;

export interface RunOptions {
  readonly limitMs?: number;
  /** Beside this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, or to its time limit; what it prints is kept, not shown. */
export function run(
  file: string,
  args: readonly string[],
  cwd: string,
  { limitMs, environment = {} }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    // A group of its own: at the time limit, whatever it has started must end too.
    const child = spawn(file, args, {
      cwd,
      detached: process.platform !== 'win32',
      env: { ...process.env, ...environment },
    });
    let ended = false;
    const end = (): void => {
      ended = true;
      try {
        if (process.platform === 'win32' || child.pid === undefined) child.kill('SIGKILL');
        else process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    };
    const timer = limitMs === undefined ? undefined : setTimeout(end, limitMs);
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ code: -1, output: error.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: ended ? TIMED_OUT : (code ?? -1), output });
    });
  });
}

/** The last lines of an output: where tools put what matters. */
export function tail(output: string, lines = 40): string {
  return output.trimEnd().split('\n').slice(-lines).join('\n');
}

/** Works through a list, as many at a time as there are processors. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
}
