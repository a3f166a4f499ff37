/** Pointers of the lifted document as they read in the person's own file. */
import { ROOT_MAPS_20 } from './lift-swagger.ts';

export class OriginalPointers {
  readonly #version: '2.0' | '3.0' | '3.1';
  readonly #moved: ReadonlyMap<string, string>;

  constructor(version: '2.0' | '3.0' | '3.1', moved: ReadonlyMap<string, string>) {
    this.#version = version;
    this.#moved = moved;
  }

  of(pointer: string): string {
    const { head, rest } = this.#unmoved(pointer);
    if (this.#version !== '2.0') return head + rest;
    return unlift20(head) + unlift20(rest, head);
  }

  /** Splits at the longest part that was moved, and puts that part back. */
  #unmoved(pointer: string): { head: string; rest: string } {
    let end = pointer.length;
    while (end > 0 && this.#moved.size > 0) {
      const from = this.#moved.get(pointer.slice(0, end));
      if (from !== undefined) {
        // What was moved may lie inside something else that was.
        const outer = this.#unmoved(from.slice(0, from.lastIndexOf('/')));
        return {
          head: outer.head + outer.rest + from.slice(from.lastIndexOf('/')),
          rest: pointer.slice(end),
        };
      }
      end = pointer.lastIndexOf('/', end - 1);
    }
    return { head: '', rest: pointer };
  }
}

/** Undoes the regular moves of the lift from 2.0. `head` is what stands before. */
function unlift20(pointer: string, head = ''): string {
  let original = pointer;
  if (head === '') {
    for (const [from, to] of ROOT_MAPS_20) {
      if (original === to || original.startsWith(`${to}/`)) original = from + original.slice(to.length);
    }
    if (/^\/servers(\/|$)/.test(original)) return '/host';
    original = original.replace(/^(\/securityDefinitions\/[^/]+)\/flows(\/[^/]+)?/, '$1');
  }
  // A request body was a parameter with a schema; other parameters had no schema of their own.
  if (/\/parameters\/[^/]+$/.test(head)) {
    return original
      .replace(/^\/content\/[^/]+\/schema/, '/schema')
      .replace(/^\/schema(?=\/|$)/, (whole) => (pointer.startsWith('/content/') ? whole : ''));
  }
  return original
    .replace(/(\/parameters\/[^/]+)\/schema(?=\/|$)/, '$1')
    .replace(/(\/headers\/[^/]+)\/schema(?=\/|$)/, '$1')
    .replace(/(\/responses\/[^/]+)\/content\/[^/]+\/schema(?=\/|$)/, '$1/schema')
    .replace(/(\/responses\/[^/]+)\/content\/([^/]+)\/example(?=\/|$)/, '$1/examples/$2');
}
