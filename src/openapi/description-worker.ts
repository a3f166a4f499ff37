/** Entry of the worker thread: builds a description and its blueprint off the caller's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import { buildDescription } from './build.ts';
import { fromPlainError, toPlainError } from './errors-on-wire.ts';
import type { LoadedBytes } from './load.ts';
import { buildBlueprint } from './rules/blueprint.ts';
import { type FromWorker, toParts, type ToWorker, type WorkerInput } from './worker-protocol.ts';

interface Waiting {
  readonly resolve: (loaded: LoadedBytes) => void;
  readonly reject: (error: SourcewrightError) => void;
}

async function main(): Promise<void> {
  const port = parentPort;
  if (port === null)
    throw new SourcewrightError('internal', 'The description worker was not started as a thread.');
  const send = (message: FromWorker): void => {
    port.postMessage(message, message.kind === 'done' ? message.blueprint.map(({ buffer }) => buffer) : []);
  };
  const waiting = new Map<number, Waiting>();
  port.on('message', (answer: ToWorker) => {
    const one = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) one?.reject(fromPlainError(answer.error));
    else one?.resolve(answer.loaded);
  });
  let asked = 0;
  const load = (location: string): Promise<LoadedBytes> =>
    new Promise((resolve, reject) => {
      asked += 1;
      waiting.set(asked, { resolve, reject });
      send({ kind: 'load', id: asked, location });
    });
  try {
    const input = workerData as WorkerInput;
    const description = await buildDescription(input, load, { maxBytes: input.maxBytes });
    send({ kind: 'done', blueprint: toParts(buildBlueprint(description, input.blueprint)) });
  } catch (error) {
    send({ kind: 'failed', error: toPlainError(asSourcewrightError(error)) });
  } finally {
    port.close();
  }
}

void main();
