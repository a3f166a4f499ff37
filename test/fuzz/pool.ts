/** Drives the process that judges: a case at a time, ended where it takes too long, started anew where it died. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Case, Judged } from './child.ts';

export interface Limits {
  /** For one case, in milliseconds. */
  readonly timeMs: number;
  /** Heap of the process, in MB. */
  readonly heapMb: number;
}

/** `hung` and `died` are the process's own ends: past its time, or out of memory. */
export type Result = Omit<Judged, 'outcome'> & { readonly outcome: Judged['outcome'] | 'hung' | 'died' };

const START_MS = 60_000;

export class Judge {
  readonly #limits: Limits;
  #child: ChildProcess | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  async judge(one: Case): Promise<Result> {
    const child = (this.#child ??= await this.#start());
    const started = performance.now();
    const came = await answer<Judged>(child, this.#limits.timeMs, () => child.send(one));
    if (came.kind === 'message') return came.message;
    this.close();
    const ms = performance.now() - started;
    const [outcome, detail] = came.kind === 'late' ? (['hung', ''] as const) : (['died', came.how] as const);
    return { index: one.index, outcome, detail, changes: [], ms, rssMb: 0 };
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(join(import.meta.dirname, 'child.ts'), {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${this.#limits.heapMb}`],
      // What the process prints when it dies of its memory is told in a word.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const came = await answer(child, START_MS, () => undefined);
    if (came.kind !== 'message') throw new Error('The process that judges does not start.');
    return child;
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

type Came<T> =
  | { readonly kind: 'message'; readonly message: T }
  | { readonly kind: 'late' }
  | { readonly kind: 'gone'; readonly how: string };

function answer<T>(child: ChildProcess, timeMs: number, begin: () => unknown): Promise<Came<T>> {
  return new Promise((resolve) => {
    const done = (came: Came<T>): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(came);
    };
    const onMessage = (message: unknown): void => {
      done({ kind: 'message', message: message as T });
    };
    const onExit = (code: number | null, signal: string | null): void => {
      done({ kind: 'gone', how: `ended with ${signal ?? String(code)}` });
    };
    const timer = setTimeout(() => {
      done({ kind: 'late' });
    }, timeMs);
    child.on('message', onMessage);
    child.on('exit', onExit);
    begin();
  });
}
