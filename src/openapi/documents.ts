/** The documents of one read, and the resolution of `$ref`s between them. */
import { dirname, relative, resolve, sep } from 'node:path';
import type { Problem } from '../blueprint/schema.ts';
import { pointerSegments } from './description.ts';
import { isObject } from './identify.ts';
import { MAX_PROBLEMS } from './limits.ts';
import { isUrl } from './load.ts';

/** One loaded document. The first is the description itself. */
export interface SourceDocument {
  /** Absolute path or URL. */
  readonly location: string;
  /** How it is named in problems and pointers: relative to the description. Empty for the description itself. */
  readonly label: string;
  readonly root: unknown;
  /** Nodes by `$anchor` and `$id`, met while walking. */
  readonly anchors: Map<string, object>;
}

/** Where a `$ref` leads: a document (by location) and what stands after its `#`. */
export interface Target {
  readonly location: string;
  readonly fragment: string;
}

export function isReference(node: unknown): node is { $ref: string } {
  return isObject(node) && typeof node.$ref === 'string';
}

/** Location and fragment of `ref` as written in the document at `base`; undefined when it is no usable address. */
export function targetOf(ref: string, base: string): Target | undefined {
  const hash = ref.indexOf('#');
  const path = hash < 0 ? ref : ref.slice(0, hash);
  const fragment = hash < 0 ? '' : ref.slice(hash + 1);
  if (path === '') return { location: base, fragment };
  if (isUrl(path)) return URL.canParse(path) ? { location: new URL(path).href, fragment } : undefined;
  if (isUrl(base))
    return URL.canParse(path, base) ? { location: new URL(path, base).href, fragment } : undefined;
  if (/^[a-z][a-z0-9+.-]+:/i.test(path) || path.includes('\0')) return undefined;
  return { location: resolve(dirname(base), decoded(path).replaceAll('\\', '/')), fragment };
}

/** Name of a further document as seen from the description. */
export function labelOf(location: string, main: string): string {
  if (!isUrl(main)) return relative(dirname(main), location).split(sep).join('/');
  const folder = main.slice(0, main.lastIndexOf('/') + 1);
  return location.startsWith(folder) ? location.slice(folder.length) : location;
}

/** The node that a fragment names in a document, with its plain JSON pointer; undefined when nothing is there. */
export function nodeAt(
  document: SourceDocument,
  fragment: string,
): { value: unknown; pointer: string } | undefined {
  if (fragment !== '' && !fragment.startsWith('/')) {
    const anchored = document.anchors.get(decoded(fragment));
    return anchored === undefined ? undefined : { value: anchored, pointer: `/$anchor/${fragment}` };
  }
  for (const pointer of new Set([decoded(fragment), fragment])) {
    const value = valueAt(document.root, pointer);
    if (value !== undefined) return { value, pointer };
  }
  return undefined;
}

function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const segment of pointerSegments(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string, unknown>)[segment];
  }
  return value;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Collects what is broken, each thing once, up to a limit. */
export class ProblemList {
  readonly list: Problem[] = [];
  readonly #seen = new Set<string>();
  #more = 0;

  add(severity: Problem['severity'], document: string, pointer: string, message: string): void {
    const key = `${document}#${pointer} ${message}`;
    if (this.#seen.has(key)) return;
    if (this.list.length >= MAX_PROBLEMS) {
      this.#more += 1;
      this.list[MAX_PROBLEMS - 1] = {
        severity: 'warning',
        document,
        pointer: '',
        message: `${this.#more + 1} further problems are not listed one by one.`,
      };
      return;
    }
    this.#seen.add(key);
    this.list.push({ severity, document, pointer, message });
  }
}
