/** From a location to a blueprint: read and rules, off the caller's thread where the description is large. */
import { existsSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Blueprint } from '../blueprint/schema.ts';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import { buildDescription } from './build.ts';
import { fromPlainError, toPlainError } from './errors-on-wire.ts';
import {
  isUrl,
  loadDescription,
  normalizeLocation,
  referenceLoader,
  type LoadDocument,
  type LoadedBytes,
} from './load.ts';
import type { ReadOptions } from './read.ts';
import { buildBlueprint, type BlueprintOptions } from './rules/blueprint.ts';
import { fromParts, type FromWorker, type ToWorker, type WorkerInput } from './worker-protocol.ts';

/** Descriptions up to this size take a few dozen milliseconds: less than a worker needs to start. */
const WORKER_FROM_BYTES = 256 * 1024;
/** Enough for the largest description that the size limit lets in; beyond it the worker ends, not the editor. */
const WORKER_MEMORY_MB = 2048;
/** Longest time for parsing and rules, in milliseconds; further documents may take the time of their requests. */
const WORKER_TIMEOUT_MS = 180_000;

export interface ResearchDescriptionOptions extends ReadOptions, BlueprintOptions {
  /** Path of the built worker (`dist/description-worker.mjs`). Absent or not there: all happens on this thread. */
  readonly worker?: string | undefined;
  /** Memory that the worker may take for its heap (default 2048 MB). */
  readonly workerMemoryMb?: number | undefined;
}

/** Throws what `readDescription` throws; in a worker, `input` as well when the description needs too much memory or time. */
export async function researchDescription(
  location: string,
  options: ResearchDescriptionOptions = {},
): Promise<Blueprint> {
  try {
    options.signal?.throwIfAborted();
    const typed = normalizeLocation(location);
    const main = await loadDescription(typed, options);
    const load = referenceLoader(main.location, isUrl(typed) ? typed : main.location, options);
    const { worker, signal, maxBytes, workerMemoryMb = WORKER_MEMORY_MB } = options;
    const blueprint: BlueprintOptions = {
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.streams === undefined ? {} : { streams: options.streams }),
      ...(options.maxStreams === undefined ? {} : { maxStreams: options.maxStreams }),
    };
    if (worker !== undefined && main.bytes.length > WORKER_FROM_BYTES && existsSync(worker)) {
      return await inWorker(worker, { ...main, blueprint, maxBytes }, load, signal, workerMemoryMb);
    }
    return buildBlueprint(await buildDescription(main, load, { maxBytes, signal }), blueprint);
  } catch (error) {
    throw asSourcewrightError(error);
  }
}

async function inWorker(
  path: string,
  input: WorkerInput,
  load: LoadDocument,
  signal: AbortSignal | undefined,
  memoryMb: number,
): Promise<Blueprint> {
  const worker = new Worker(resolvePath(path), {
    workerData: input,
    transferList: movable(input.bytes),
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    // Flags and environment of the host (inspector, loaders, secrets) are not the worker's business.
    execArgv: [],
    env: {},
  });
  const deadline = AbortSignal.timeout(WORKER_TIMEOUT_MS);
  const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  try {
    return await new Promise<Blueprint>((resolve, reject) => {
      stop.addEventListener('abort', () => {
        reject(stopped(input.location, signal));
      });
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'done') resolve(fromParts(message.blueprint));
        else if (message.kind === 'failed') reject(fromPlainError(message.error));
        else void answer(worker, message.id, message.location, load);
      });
      worker.on('error', (error) => {
        reject(crashed(error, input.location, memoryMb));
      });
      worker.on('exit', (code) => {
        reject(
          new SourcewrightError('internal', `The description worker ended early (exit code ${code}).`, {
            where: input.location,
          }),
        );
      });
    });
  } finally {
    await worker.terminate();
  }
}

/** The memory behind `bytes`, where nothing else lives in it: moved instead of copied. */
function movable(bytes: Uint8Array): ArrayBuffer[] {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength ? [buffer] : [];
}

async function answer(worker: Worker, id: number, location: string, load: LoadDocument): Promise<void> {
  let message: ToWorker;
  try {
    const loaded: LoadedBytes = await load(location);
    message = { id, loaded };
  } catch (error) {
    message = { id, error: toPlainError(asSourcewrightError(error)) };
  }
  worker.postMessage(message);
}

function stopped(where: string, signal: AbortSignal | undefined): SourcewrightError {
  if (signal?.aborted === true) return new SourcewrightError('cancelled', 'Cancelled.', { where });
  const seconds = WORKER_TIMEOUT_MS / 1000;
  return new SourcewrightError('input', `The description was not understood within ${seconds} seconds.`, {
    where,
    cure: 'Cut it down to the paths that the connector needs.',
  });
}

function crashed(error: unknown, where: string, memoryMb: number): SourcewrightError {
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new SourcewrightError('input', `The description needs more than ${memoryMb} MB of memory.`, {
      where,
      cure: 'Cut it down to the paths that the connector needs.',
      cause: error,
    });
  }
  return asSourcewrightError(error);
}
