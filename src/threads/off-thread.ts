/** Runs a task in a thread of its own, so that whoever shares this process (an editor) is not kept waiting. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import { fromPlainError, type PlainError } from '../openapi/errors-on-wire.ts';
import { type TaskName, type Tasks, work } from './tasks.ts';

/** Below this size of what it works on, a task takes less time than a thread needs to start. */
const FROM_BYTES = 128 * 1024;

export interface ThreadInput {
  readonly task: TaskName;
  readonly input: Tasks[TaskName]['input'];
}
export type FromThread = { readonly output: Tasks[TaskName]['output'] } | { readonly error: PlainError };

/** Where and for how long a task may run. */
export interface ThreadOptions {
  /** Path of the built thread (`dist/worker.mjs`). Absent or not there: the task runs on this thread. */
  readonly worker?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does a task: in a thread of its own where what it works on is large.
 * @param size in bytes, or the file whose size tells it
 * @throws SourcewrightError what the task throws, `cancelled` on abort, `internal` when the thread dies.
 */
export async function offThread<T extends TaskName>(
  task: T,
  input: Tasks[T]['input'],
  size: string | number,
  { worker, signal }: ThreadOptions,
): Promise<Tasks[T]['output']> {
  const bytes = typeof size === 'number' ? size : (await stat(size).catch(() => ({ size: 0 }))).size;
  if (worker === undefined || bytes < FROM_BYTES || !existsSync(worker)) return work(task, input);
  if (signal?.aborted === true) throw new SourcewrightError('cancelled', 'Cancelled.');
  const thread = new Worker(worker, {
    workerData: { task, input } satisfies ThreadInput,
    // Flags and environment of the host (inspector, loaders, secrets) are not the thread's business.
    execArgv: [],
    env: {},
  });
  const stop = new AbortController();
  try {
    return await new Promise<Tasks[T]['output']>((resolve, reject) => {
      signal?.addEventListener(
        'abort',
        () => {
          reject(new SourcewrightError('cancelled', 'Cancelled.'));
        },
        { signal: stop.signal },
      );
      thread.on('message', (answer: FromThread) => {
        if ('error' in answer) reject(fromPlainError(answer.error));
        else resolve(answer.output);
      });
      thread.on('error', (error) => {
        reject(asSourcewrightError(error));
      });
      thread.on('exit', (code) => {
        reject(
          new SourcewrightError('internal', `The thread for "${task}" ended early (exit code ${code}).`),
        );
      });
    });
  } finally {
    stop.abort();
    await thread.terminate();
  }
}
