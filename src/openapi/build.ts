/** From the bytes of a description to a `Description`: parse, lift, load what `$ref`s name, resolve. */
import { createHash } from 'node:crypto';
import type { Problem } from '../blueprint/schema.ts';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import type { Description, DescriptionFormat } from './description.ts';
import type { OpenApiDocument } from './document.ts';
import { isReference, labelOf, nodeAt, ProblemList, type SourceDocument } from './documents.ts';
import { assertPaths, identify, isObject, type JsonObject } from './identify.ts';
import { LiftContext, type NodeKind, type PendingReference, type Walked } from './lift-context.ts';
import {
  liftComponents,
  liftNode,
  liftPaths,
  liftSecurity,
  liftServers,
  keepText,
  mediaTypes,
} from './lift.ts';
import { asSchema } from './lift-schema.ts';
import { dropBodyParameters20, liftRoot20, moveBody20, ROOT_MAPS_20 } from './lift-swagger.ts';
import { MAX_BYTES, MAX_FILES, MAX_REMOTE_DOCUMENTS } from './limits.ts';
import { isUrl, type LoadDocument, type LoadedBytes } from './load.ts';
import { OriginalPointers } from './original-pointers.ts';
import { ReadDescription, type Resolution } from './read-description.ts';
import { parseText, type Parsed } from './parse.ts';
import { decodeText } from './text.ts';

/** Documents asked for at the same time. */
const PARALLEL_LOADS = 8;

export interface BuildOptions {
  /** Of all documents together. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws `input` when `main` is no description; what is broken inside it becomes a problem. */
export async function buildDescription(
  main: LoadedBytes,
  load: LoadDocument,
  options: BuildOptions = {},
): Promise<Description> {
  const builder = new Builder(main, load, options);
  return builder.build();
}

class Builder {
  readonly #main: LoadedBytes;
  readonly #load: LoadDocument;
  readonly #options: BuildOptions;
  readonly #problems = new ProblemList();
  readonly #walked: Walked = new WeakMap();
  readonly #moved = new Map<string, string>();
  readonly #contexts = new Map<string, LiftContext>();
  /** Documents that could not be loaded. */
  readonly #failed = new Set<string>();
  readonly #hashes: { location: string; bytes: Uint8Array }[] = [];
  readonly #resolutions = new WeakMap<object, Resolution>();
  /** References that lead nowhere, by document and text. */
  readonly #broken = new Map<string, { reference: PendingReference; count: number }>();
  /** Whole maps that stand in another document, in the order in which they were met. */
  readonly #inlined: {
    kind: 'paths' | 'schemas';
    node: JsonObject;
    source: JsonObject;
    pointer: string;
    from: string;
  }[] = [];
  /** References inside the description itself, whose texts change with its root when it is 2.0. */
  readonly #internal: { $ref: string }[] = [];
  #bytes: number;

  constructor(main: LoadedBytes, load: LoadDocument, options: BuildOptions) {
    this.#main = main;
    this.#load = load;
    this.#options = options;
    this.#bytes = main.bytes.length;
  }

  async build(): Promise<Description> {
    const { location, bytes } = this.#main;
    const parsed = this.#parse(bytes, location);
    const { format, root, warnings } = identify(parsed.value, location);
    for (const warning of warnings) this.#problems.add('warning', location, '', warning);
    const context = this.#addDocument(location, '', root, VERSIONS[format]);
    this.#hashes.push({ location: '', bytes });
    liftRoot(root, context);
    await this.#resolveAll();
    this.#reportBroken();
    if (context.version === '2.0') this.#settle20(root, context);
    this.#inlineMaps();
    assertPathsFound(root, location);
    assertPaths(root, location);
    return this.#finish(root, format, context);
  }

  #parse(bytes: Uint8Array, location: string): Parsed {
    const decoded = decodeText(bytes, location);
    if (decoded.warning !== undefined) this.#problems.add('warning', location, '', decoded.warning);
    const parsed = parseText(decoded.text, location, bytes.length);
    for (const { message, place } of parsed.warnings) {
      this.#problems.add('warning', location, '', place === '' ? message : `${place}: ${message}`);
    }
    return parsed;
  }

  #addDocument(location: string, label: string, root: unknown, version: LiftContext['version']): LiftContext {
    const document: SourceDocument = { location, label, root, anchors: new Map() };
    const name = label === '' ? location : label;
    const context = new LiftContext(version, document, name, this.#problems, this.#walked, this.#moved);
    if (isObject(root)) context.produces = mediaTypes(root.produces) ?? ['application/json'];
    this.#contexts.set(location, context);
    return context;
  }

  async #resolveAll(): Promise<void> {
    for (;;) {
      const pending = [...this.#contexts.values()].flatMap((context) => context.pending.splice(0));
      if (pending.length === 0) return;
      await this.#loadMissing(pending);
      for (const reference of pending) this.#resolve(reference);
    }
  }

  async #loadMissing(pending: readonly PendingReference[]): Promise<void> {
    const missing = new Map<string, PendingReference>();
    for (const reference of pending) {
      const location = reference.target?.location;
      if (
        location === undefined ||
        reference.kind === 'extension' ||
        this.#contexts.has(location) ||
        this.#failed.has(location)
      )
        continue;
      if (!missing.has(location)) missing.set(location, reference);
    }
    const queue = [...missing];
    for (let at = 0; at < queue.length; at += PARALLEL_LOADS) {
      this.#options.signal?.throwIfAborted();
      const batch = queue.slice(at, at + PARALLEL_LOADS);
      const loaded = await Promise.all(batch.map(([location]) => this.#tryLoad(location)));
      // Taken in order, so that problems come out the same each time.
      for (const [index, [location, reference]] of batch.entries())
        this.#accept(location, reference, loaded[index]);
    }
  }

  async #tryLoad(location: string): Promise<LoadedBytes | SourcewrightError> {
    const limit = isUrl(this.#main.location) ? MAX_REMOTE_DOCUMENTS : MAX_FILES;
    if (this.#contexts.size + this.#failed.size > limit) {
      return new SourcewrightError('input', `More than ${limit} further documents are not loaded`);
    }
    try {
      return await this.#load(location);
    } catch (error) {
      return asSourcewrightError(error);
    }
  }

  #accept(
    location: string,
    reference: PendingReference,
    loaded: LoadedBytes | SourcewrightError | undefined,
  ): void {
    const fail = (error: SourcewrightError): void => {
      if (error.code === 'cancelled' || error.code === 'internal') throw error;
      this.#failed.add(location);
      const label = labelOf(location, this.#main.location);
      const reason = error.message.replace(/\.$/, '');
      this.#problem(reference, `The document "${label}" of a $ref can't be used: ${reason}.`);
    };
    if (loaded === undefined) return;
    if (loaded instanceof SourcewrightError) {
      fail(loaded);
      return;
    }
    this.#bytes += loaded.bytes.length;
    if (this.#bytes > (this.#options.maxBytes ?? MAX_BYTES)) {
      fail(new SourcewrightError('input', 'With it the description would be larger than the limit'));
      return;
    }
    try {
      const { value } = this.#parse(loaded.bytes, location);
      this.#addDocument(location, labelOf(location, this.#main.location), value, this.#versionOf(value));
      this.#hashes.push({ location: labelOf(location, this.#main.location), bytes: loaded.bytes });
    } catch (error) {
      fail(asSourcewrightError(error));
    }
  }

  /** A fragment has the version of the description that uses it, unless it names its own. */
  #versionOf(value: unknown): LiftContext['version'] {
    if (isObject(value)) {
      if (typeof value.swagger === 'string') return '2.0';
      if (typeof value.openapi === 'string') return value.openapi.startsWith('3.0') ? '3.0' : '3.1';
    }
    return this.#contexts.get(this.#main.location)?.version ?? '3.1';
  }

  #resolve(reference: PendingReference): void {
    const { target, kind, node, ref } = reference;
    if (reference.document.label === '') this.#internal.push(node);
    const context = target === undefined ? undefined : this.#contexts.get(target.location);
    const found =
      target === undefined || context === undefined ? undefined : nodeAt(context.document, target.fragment);
    const value =
      kind === 'schema' ? asSchema(found?.value) : isObject(found?.value) ? found.value : undefined;
    // A whole map can only be taken from another document, and not by way of a third.
    const isMap = kind === 'paths' || kind === 'schemas';
    const misfit = isMap && (context?.document === reference.document || isReference(value));
    const unfit = misfit || (value !== undefined && this.#isOther(value, kind));
    if (found === undefined || context === undefined || value === undefined || unfit) {
      const key = `${String(kind === 'extension')} ${reference.document.location} ${ref}`;
      const known = this.#broken.get(key);
      if (known === undefined) this.#broken.set(key, { reference, count: 1 });
      else known.count += 1;
      return;
    }
    const located = this.#located(context.document, found.pointer);
    this.#resolutions.set(node, { value, pointer: located });
    if (isMap) {
      this.#inlined.push({
        kind,
        node,
        source: value,
        pointer: reference.pointer,
        from: located,
      });
    }
    liftNode(value, kind, found.pointer, context);
  }

  /** Whether a node is known to be something else than the reference says. */
  #isOther(node: object, kind: NodeKind): boolean {
    const walked = this.#walked.get(node);
    return walked !== undefined && walked !== kind && kind !== 'example' && kind !== 'extension';
  }

  #located(document: SourceDocument, pointer: string): string {
    if (document.label !== '') return `${document.label}#${pointer}`;
    return this.#contexts.get(document.location)?.version === '2.0' ? liftedPointer20(pointer) : pointer;
  }

  #reportBroken(): void {
    for (const { reference, count } of this.#broken.values()) {
      const { target } = reference;
      // What could not be loaded was reported with its reason.
      if (target !== undefined && this.#failed.has(target.location)) continue;
      const extension = reference.kind === 'extension';
      const ref = reference.ref.length > 200 ? `${reference.ref.slice(0, 200)}…` : reference.ref;
      const often = count > 1 ? ` (used ${count} times)` : '';
      const rest = extension ? ' It stands in a vendor extension; nothing here rests on it.' : '';
      const message = `The reference "${ref}" leads nowhere${often}.${rest}`;
      this.#problem(reference, message, extension ? 'warning' : 'error');
    }
  }

  #problem(reference: PendingReference, message: string, severity: Problem['severity'] = 'error'): void {
    const document = reference.document.label === '' ? reference.document.location : reference.document.label;
    this.#problems.add(severity, document, reference.pointer, message);
  }

  #settle20(root: JsonObject, main: LiftContext): void {
    const follow = (node: JsonObject): JsonObject | undefined => {
      const seen = new Set<object>();
      let current: object = node;
      while (isReference(current) && !seen.has(current)) {
        seen.add(current);
        const next = this.#resolutions.get(current);
        if (next === undefined) return undefined;
        current = next.value;
      }
      return isObject(current) ? current : undefined;
    };
    const consumes = mediaTypes(root.consumes) ?? [];
    const operations = [...this.#contexts.values()].flatMap((context) => context.operations);
    for (const operation of operations) moveBody20(operation, consumes, follow, this.#moved);
    const settled = new Set<JsonObject>();
    for (const { node, pathItem, pointer } of operations) {
      dropBodyParameters20(node, pointer, follow, this.#moved);
      if (settled.has(pathItem)) continue;
      settled.add(pathItem);
      dropBodyParameters20(pathItem, pointer.slice(0, pointer.lastIndexOf('/')), follow, this.#moved);
    }
    for (const node of this.#internal) {
      if (isReference(node) && node.$ref.startsWith('#/'))
        node.$ref = `#${liftedPointer20(node.$ref.slice(1))}`;
    }
    liftRoot20(root, main.document);
  }

  #inlineMaps(): void {
    for (const { node, source, pointer, from, kind } of this.#inlined.reverse()) {
      Reflect.deleteProperty(node, '$ref');
      for (const [name, value] of Object.entries(source)) {
        const fits = isObject(value) && (kind === 'schemas' || name.startsWith('/'));
        if (fits && !Object.hasOwn(node, name)) node[name] = value;
      }
      this.#moved.set(pointer, from);
    }
  }

  #finish(root: JsonObject, format: DescriptionFormat, context: LiftContext): Description {
    root.openapi = '3.1.0';
    if (!Array.isArray(root.servers)) root.servers = [];
    if (!isObject(root.components)) root.components = {};
    const hash = createHash('sha256');
    const [main, ...others] = this.#hashes;
    const ordered = others.sort((a, b) => (a.location < b.location ? -1 : 1));
    for (const { bytes } of main === undefined ? ordered : [main, ...ordered]) hash.update(bytes);
    return new ReadDescription({
      document: root as unknown as OpenApiDocument,
      format,
      location: this.#main.location,
      sha256: hash.digest('hex'),
      bytes: this.#bytes,
      problems: this.#problems,
      resolutions: this.#resolutions,
      documents: new Map([...this.#contexts.values()].map(({ document }) => [document.label, document])),
      originals: new OriginalPointers(context.version, this.#moved),
    });
  }
}

const VERSIONS: Readonly<Record<DescriptionFormat, LiftContext['version']>> = {
  'swagger-2.0': '2.0',
  'openapi-3.0': '3.0',
  'openapi-3.1': '3.1',
};

function liftRoot(root: JsonObject, context: LiftContext): void {
  context.enter(root, 'map');
  const info: JsonObject = isObject(root.info) ? root.info : {};
  if (!isObject(root.info)) context.problem('/info', 'The "info" object is missing.');
  root.info = info;
  for (const key of ['title', 'version', 'summary', 'description', 'termsOfService']) keepText(info, key);
  keepTexts(info, 'license', ['name', 'identifier', 'url']);
  keepTexts(info, 'contact', ['name', 'url', 'email']);
  keepTexts(root, 'externalDocs', ['url', 'description']);
  if ('tags' in root) root.tags = Array.isArray(root.tags) ? (root.tags as unknown[]).filter(isObject) : [];
  for (const tag of (root.tags ?? []) as JsonObject[])
    for (const key of ['name', 'description']) keepText(tag, key);
  context.extensions(root, '');
  liftSecurity(root);
  liftServers(root, '', context);
  if (!isObject(root.components)) Reflect.deleteProperty(root, 'components');
  if (context.version === '2.0') {
    const { definitions: schemas, parameters, responses, securityDefinitions: securitySchemes } = root;
    const maps: JsonObject = { schemas, parameters, responses, securitySchemes };
    liftComponents(maps, (map) => ROOT_MAPS_20.find(([, to]) => to.endsWith(`/${map}`))?.[0] ?? '', context);
  }
  if (isObject(root.components)) context.extensions(root.components, '/components');
  if (isObject(root.components)) liftComponents(root.components, (map) => `/components/${map}`, context);
  if (isObject(root.paths)) liftPaths(root.paths, '/paths', context);
}

/** Keeps an object of texts, where it is one, with those of its properties that are texts. */
function keepTexts(owner: JsonObject, name: string, keys: readonly string[]): void {
  const node = owner[name];
  if (!isObject(node)) Reflect.deleteProperty(owner, name);
  else for (const key of keys) keepText(node, key);
}

/** A description whose paths stand in another document that can't be used has none. */
function assertPathsFound(root: JsonObject, where: string): void {
  if (!isReference(root.paths)) return;
  const ref = root.paths.$ref.slice(0, 200);
  throw new SourcewrightError(
    'input',
    `The paths of the description stand in "${ref}", which can't be read.`,
    {
      where,
      place: '/paths',
      cure: 'Give the whole description with all its files in place.',
    },
  );
}

function liftedPointer20(pointer: string): string {
  for (const [from, to] of ROOT_MAPS_20) {
    if (pointer === from || pointer.startsWith(`${from}/`)) return to + pointer.slice(from.length);
  }
  return pointer;
}
