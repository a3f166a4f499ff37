/** What the walk over a document shares. */
import { escapeSegment } from './description.ts';
import { isReference, targetOf, type ProblemList, type SourceDocument, type Target } from './documents.ts';
import type { JsonObject } from './identify.ts';
import type { Operation20 } from './lift-swagger.ts';

/** What a node is, by where it stands: decides how it is checked and lifted. */
export type NodeKind =
  | 'paths'
  | 'pathItem'
  | 'operation'
  | 'parameter'
  | 'requestBody'
  | 'response'
  | 'header'
  | 'example'
  | 'schema'
  | 'schemas'
  | 'securityScheme'
  /** Inside an `x-` key: reported when broken, never loaded. */
  | 'extension';

/** A `$ref` that was met: `node` stands at `pointer` of `document`. */
export interface PendingReference {
  readonly node: { $ref: string };
  /** The text of `$ref` when it was met. */
  readonly ref: string;
  readonly kind: NodeKind;
  readonly document: SourceDocument;
  readonly pointer: string;
  /** Undefined when `$ref` is no usable address. */
  readonly target: Target | undefined;
}

/** What a node was taken for when it was walked; `map` is never the target of a reference. */
export type WalkedKind = NodeKind | 'map';
/** The nodes walked so far. A broken document may refer to one as something else: the first kind counts. */
export type Walked = WeakMap<object, WalkedKind>;

export class LiftContext {
  readonly version: '2.0' | '3.0' | '3.1';
  readonly document: SourceDocument;
  readonly pending: PendingReference[] = [];
  /** Operations of 2.0, whose bodies are settled after the references. */
  readonly operations: Operation20[] = [];
  /** Media types of 2.0 responses that name none of their own. */
  produces: readonly string[] = [];
  /** Pointer of a node now → where it stood in the person's file. */
  readonly moved: Map<string, string>;
  readonly #problems: ProblemList;
  readonly #documentName: string;
  readonly #walked: Walked;

  constructor(
    version: LiftContext['version'],
    document: SourceDocument,
    documentName: string,
    problems: ProblemList,
    walked: Walked,
    moved: Map<string, string>,
  ) {
    this.version = version;
    this.document = document;
    this.#documentName = documentName;
    this.#problems = problems;
    this.#walked = walked;
    this.moved = moved;
  }

  /** False when the node was walked before (YAML aliases, or a reference into what is walked already). */
  enter(node: object, kind: WalkedKind): boolean {
    if (this.#walked.has(node)) return false;
    this.#walked.set(node, kind);
    return true;
  }

  escape(segment: string): string {
    return /[~/]/.test(segment) ? escapeSegment(segment) : segment;
  }

  problem(pointer: string, message: string): void {
    this.#problems.add('warning', this.#documentName, pointer, message);
  }

  /** Notes a node whose `$ref` is text. */
  reference(node: JsonObject | { $ref: string }, kind: NodeKind, pointer: string): void {
    const reference = node as { $ref: string };
    const target = targetOf(reference.$ref, this.document.location);
    this.pending.push({
      node: reference,
      ref: reference.$ref,
      kind,
      document: this.document,
      pointer,
      target,
    });
  }

  /** Notes the references inside the vendor extensions of `node`. */
  extensions(node: JsonObject, pointer: string): void {
    for (const key of Object.keys(node)) {
      if (key.startsWith('x-')) this.#extension(node[key], `${pointer}/${this.escape(key)}`);
    }
  }

  #extension(value: unknown, pointer: string): void {
    if (typeof value !== 'object' || value === null) return;
    if (isReference(value)) this.reference(value, 'extension', pointer);
    for (const [key, child] of Object.entries(value))
      this.#extension(child, `${pointer}/${this.escape(key)}`);
  }

  /** Remembers a schema by its `$anchor` and `$id`. */
  anchor(node: JsonObject): void {
    for (const key of ['$anchor', '$dynamicAnchor', '$id']) {
      const name = node[key];
      if (typeof name === 'string') this.document.anchors.set(name, node);
    }
  }
}
