/** The finished `Description`: follows references that the build resolved. */
import type { Problem } from '../blueprint/schema.ts';
import { splitPointer, type Description, type DescriptionFormat, type Located } from './description.ts';
import type { OpenApiDocument } from './document.ts';
import { isReference, nodeAt, targetOf, type ProblemList, type SourceDocument } from './documents.ts';
import { isObject } from './identify.ts';
import type { OriginalPointers } from './original-pointers.ts';

/** Where a reference leads: the node itself, and its place as in `Located`. */
export interface Resolution {
  readonly value: object;
  readonly pointer: string;
}

/** The parts of a finished read. */
export interface Parts {
  readonly document: OpenApiDocument;
  readonly format: DescriptionFormat;
  readonly location: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly problems: ProblemList;
  readonly resolutions: WeakMap<object, Resolution>;
  /** By label; the description itself under ''. */
  readonly documents: ReadonlyMap<string, SourceDocument>;
  readonly originals: OriginalPointers;
}

export class ReadDescription implements Description {
  readonly document: OpenApiDocument;
  readonly format: DescriptionFormat;
  readonly location: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.document = parts.document;
    this.format = parts.format;
    this.location = parts.location;
    this.sha256 = parts.sha256;
    this.bytes = parts.bytes;
  }

  get problems(): Problem[] {
    return this.#parts.problems.list;
  }

  deref<T extends object>(node: T | { $ref: string }, pointer: string): Located<T> | undefined {
    let current: object = node;
    let at = pointer;
    let seen: Set<object> | undefined;
    while (isReference(current)) {
      seen ??= new Set();
      if (seen.has(current)) {
        this.#problem(pointer, `The references "${current.$ref.slice(0, 200)}" only lead to each other.`);
        return undefined;
      }
      seen.add(current);
      const next = this.#parts.resolutions.get(current) ?? this.#resolveLate(current, at);
      if (next === undefined) return undefined;
      current = next.value;
      at = next.pointer;
    }
    // A list where an object belongs, met behind a reference, is as good as nothing.
    return isObject(current) ? { value: current as T, pointer: at } : undefined;
  }

  originalPointer(pointer: string): string {
    return this.#parts.originals.of(pointer);
  }

  /** References that no walk met: in vendor extensions, in example data, or made by the rules. Only loaded documents. */
  #resolveLate(node: { $ref: string }, pointer: string): Resolution | undefined {
    const { documents, resolutions } = this.#parts;
    const base = documents.get(splitPointer(pointer).document ?? '');
    const target = base === undefined ? undefined : targetOf(node.$ref, base.location);
    const document = [...documents.values()].find(({ location }) => location === target?.location);
    const found =
      document === undefined || target === undefined ? undefined : nodeAt(document, target.fragment);
    if (document === undefined || found === undefined || !isObject(found.value)) {
      // Broken references that the walk met are in the list already.
      return undefined;
    }
    const located = document.label === '' ? found.pointer : `${document.label}#${found.pointer}`;
    const resolution = { value: found.value, pointer: located };
    resolutions.set(node, resolution);
    return resolution;
  }

  #problem(pointer: string, message: string): void {
    const { document, pointer: inside } = splitPointer(pointer);
    this.#parts.problems.add('error', document ?? this.location, this.originalPointer(inside), message);
  }
}
