/** A description that has been read: what the rules work on. Made by `readDescription`. */
import type { Problem } from '../blueprint/schema.ts';
import type { OpenApiDocument } from './document.ts';

export type DescriptionFormat = 'openapi-3.0' | 'openapi-3.1' | 'swagger-2.0';

/** A node that was reached, and where: `pointer` is a JSON pointer, or `<document>#<pointer>` in another document. */
export interface Located<T> {
  readonly value: T;
  readonly pointer: string;
}

export interface Description {
  /** Lifted to 3.1 form; never dereferenced as a whole, so it may hold cycles only by `$ref`. */
  readonly document: OpenApiDocument;
  readonly format: DescriptionFormat;
  /** The file (absolute path) or URL that it was read from, after redirects. */
  readonly location: string;
  /** Hex digest over the bytes of the description and then of every further document, in order of location. */
  readonly sha256: string;
  /** Size of the description and its further documents. */
  readonly bytes: number;
  /** What is broken in it and was passed over. Grows while refs are followed. */
  readonly problems: Problem[];
  /**
   * Follows a chain of `$ref`s, also into other files (those are already loaded). A node without `$ref` comes back as it
   * is, at `pointer`. Cycle-safe; broken or circular chains give undefined and leave a problem. `pointer` is where
   * `node` stands.
   */
  deref<T extends object>(node: T | { $ref: string }, pointer: string): Located<T> | undefined;
  /** A pointer of the lifted document as it reads in the person's own file (2.0: `/definitions/…`). */
  originalPointer(pointer: string): string;
}

/** One segment of a JSON pointer, escaped (RFC 6901): `~` → `~0`, `/` → `~1`. */
export function escapeSegment(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** `pointer` with further segments below it. */
export function pointerAt(pointer: string, ...segments: readonly (string | number)[]): string {
  return segments.reduce<string>((whole, segment) => `${whole}/${escapeSegment(String(segment))}`, pointer);
}

/** The unescaped segments of a JSON pointer. */
export function pointerSegments(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Splits what `Located.pointer` holds into the document (undefined = the description itself) and the JSON pointer. */
export function splitPointer(located: string): { document: string | undefined; pointer: string } {
  if (located === '' || located.startsWith('/')) return { document: undefined, pointer: located };
  const hash = located.indexOf('#');
  if (hash < 0) return { document: located, pointer: '' };
  return { document: located.slice(0, hash), pointer: located.slice(hash + 1) };
}
