/** Messages between `research.ts` and `description-worker.ts`. All I/O stays on the side that started the worker. */
import { setImmediate } from 'node:timers/promises';
import type { Blueprint } from '../blueprint/schema.ts';
import type { BlueprintOptions } from './rules/blueprint.ts';
import type { PlainError } from './errors-on-wire.ts';

export interface WorkerInput {
  readonly location: string;
  readonly bytes: Uint8Array;
  readonly blueprint: BlueprintOptions;
  readonly maxBytes: number | undefined;
}

/**
 * A blueprint as JSON, moved rather than copied: parsing it stalls the receiver less than a structured clone. The first part
 * is all but its long lists, each further one has items of one of them, so that none takes long to parse.
 */
export type BlueprintParts = readonly Uint8Array<ArrayBuffer>[];

export type FromWorker =
  | { readonly kind: 'load'; readonly id: number; readonly location: string }
  | { readonly kind: 'done'; readonly blueprint: BlueprintParts }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** Answer to `load`. */
export type ToWorker =
  | { readonly id: number; readonly loaded: { readonly location: string; readonly bytes: Uint8Array } }
  | { readonly id: number; readonly error: PlainError };

/** A part ends with the item that makes it this long. Bytes, about: characters are counted. */
const PART_BYTES = 512 * 1024;
const LISTS = ['streams', 'operations'] as const;
type ListName = (typeof LISTS)[number];
interface ListPart {
  readonly list: ListName;
  readonly items: readonly unknown[];
}

/** Cuts a blueprint into parts for another thread; `fromParts` puts them together again, items in their order. */
export function toParts(blueprint: Blueprint): BlueprintParts {
  const encoder = new TextEncoder();
  const parts = [encoder.encode(JSON.stringify({ ...blueprint, streams: [], operations: [] }))];
  for (const list of LISTS) {
    let items: string[] = [];
    let length = 0;
    const flush = (): void => {
      if (items.length > 0) parts.push(encoder.encode(`{"list":"${list}","items":[${items.join(',')}]}`));
      items = [];
      length = 0;
    };
    for (const item of blueprint[list]) {
      const json = JSON.stringify(item);
      items.push(json);
      length += json.length;
      if (length >= PART_BYTES) flush();
    }
    flush();
  }
  return parts;
}

/** Whoever shares this thread has a turn between any two parts. */
export async function fromParts([first, ...others]: BlueprintParts): Promise<Blueprint> {
  const decoder = new TextDecoder();
  const blueprint = JSON.parse(decoder.decode(first)) as Blueprint;
  for (const part of others) {
    await setImmediate();
    const { list, items } = JSON.parse(decoder.decode(part)) as ListPart;
    (blueprint[list] as unknown[]).push(...items);
  }
  return blueprint;
}
