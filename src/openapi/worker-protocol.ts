/** Messages between `research.ts` and `description-worker.ts`. All I/O stays on the side that started the worker. */
import type { BlueprintOptions } from './rules/blueprint.ts';
import type { PlainError } from './errors-on-wire.ts';

export interface WorkerInput {
  readonly location: string;
  readonly bytes: Uint8Array;
  readonly blueprint: BlueprintOptions;
  readonly maxBytes: number | undefined;
}

export type FromWorker =
  | { readonly kind: 'load'; readonly id: number; readonly location: string }
  /** The blueprint as JSON, moved rather than copied: parsing it stalls the receiver less than a structured clone. */
  | { readonly kind: 'done'; readonly blueprint: Uint8Array }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** Answer to `load`. */
export type ToWorker =
  | { readonly id: number; readonly loaded: { readonly location: string; readonly bytes: Uint8Array } }
  | { readonly id: number; readonly error: PlainError };
