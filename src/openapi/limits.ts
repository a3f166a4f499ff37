/** How far a read goes before it refuses. Wide enough for every real document met, narrow enough for hostile ones. */

/** Size of the description and all its further documents, in bytes. */
export const MAX_BYTES = 50 * 1024 * 1024;
/** Time for one document over HTTP, redirects included, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Redirects followed for one document. */
export const MAX_REDIRECTS = 5;
/** Further documents that `$ref`s may load: files (some descriptions keep each operation in its own), and URLs. */
export const MAX_FILES = 2_000;
export const MAX_REMOTE_DOCUMENTS = 200;
/**
 * Characters of a path, of a server's URL and of a name, a media type's too: the rules look at each of them with patterns, and they
 * stand in the pointers of all below them.
 */
export const MAX_ADDRESS = 2_000;
/** Levels of nesting of one document. */
export const MAX_DEPTH = 400;
/** Values that one document may unfold to through YAML aliases, beside half its size in bytes (no alias can reach that). */
export const MAX_ALIAS_VALUES = 2_000_000;
/** Problems that are kept one by one; the rest are counted. */
export const MAX_PROBLEMS = 500;
/** JSON texts above this size are not searched for duplicate keys. */
export const MAX_DUPLICATE_SCAN = 5 * 1024 * 1024;
