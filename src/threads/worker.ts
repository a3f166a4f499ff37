/** Entry of the thread: does one task and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { asSourcewrightError } from '../errors.ts';
import { toPlainError } from '../openapi/errors-on-wire.ts';
import type { FromThread, ThreadInput } from './off-thread.ts';
import { work } from './tasks.ts';

async function main(): Promise<void> {
  const { task, input } = workerData as ThreadInput;
  let answer: FromThread;
  try {
    answer = { output: await work(task, input) };
  } catch (error) {
    answer = { error: toPlainError(asSourcewrightError(error)) };
  }
  parentPort?.postMessage(answer);
}

void main();
