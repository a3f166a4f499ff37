/**
 * A schema as the rules look at it: references followed, `allOf` merged, the branches of `oneOf` and `anyOf` united.
 * Views are made one level at a time and remembered, so that a document of many megabytes is read only where a rule
 * looks, and circular schemas end.
 */
import type { Description } from '../description.ts';
import { pointerAt } from '../description.ts';
import type { SchemaObject } from '../document.ts';

/** A schema and where it stands. */
export interface SchemaNode {
  readonly value: SchemaObject;
  readonly pointer: string;
}

export interface SchemaView {
  readonly pointer: string;
  /** Identity of the schema that a reference led to: the same object for every use of one component. */
  readonly identity: object;
  /** Name of the component that it was referred to by, if any. */
  readonly component: string | undefined;
  /** Types but `null`; inferred from keywords where `type` is missing; empty when nothing is said. */
  readonly types: ReadonlySet<string>;
  readonly nullable: boolean;
  readonly format: string | undefined;
  readonly title: string | undefined;
  readonly description: string;
  readonly enum: readonly unknown[] | undefined;
  readonly default: unknown;
  readonly example: unknown;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly pattern: string | undefined;
  readonly readOnly: boolean;
  readonly deprecated: boolean;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  readonly required: ReadonlySet<string>;
  readonly items: SchemaNode | undefined;
  /** Schema of the values of a map (`additionalProperties`, `patternProperties`). */
  readonly values: SchemaNode | undefined;
}

interface Draft {
  types: Set<string>;
  nullable: boolean;
  format: string | undefined;
  title: string | undefined;
  description: string;
  enum: unknown[] | undefined;
  default: unknown;
  example: unknown;
  minimum: number | undefined;
  maximum: number | undefined;
  pattern: string | undefined;
  readOnly: boolean;
  deprecated: boolean;
  properties: Map<string, SchemaNode>;
  required: Set<string>;
  items: SchemaNode | undefined;
  values: SchemaNode | undefined;
}

const MAX_COMPOSITION_DEPTH = 12;

export class SchemaReader {
  readonly #description: Description;
  readonly #views = new WeakMap<object, SchemaView>();

  constructor(description: Description) {
    this.#description = description;
  }

  /** What a schema says. Broken references read as a schema that says nothing. */
  view(node: SchemaNode): SchemaView {
    const known = this.#views.get(node.value);
    if (known !== undefined) return known;
    const reached = this.#follow(node);
    const target = reached?.value ?? {};
    // A reference with keywords beside it is its own view; a bare one shares the view of its target.
    const bare = node.value.$ref !== undefined && Object.keys(node.value).length === 1;
    const shared = bare ? this.#views.get(target) : undefined;
    if (shared !== undefined) {
      this.#views.set(node.value, shared);
      return shared;
    }
    const draft = emptyDraft();
    if (reached !== undefined) this.#merge(draft, reached, new Set(), 0);
    if (!bare && node.value.$ref !== undefined) describeBeside(draft, node.value);
    const view: SchemaView = {
      pointer: reached?.pointer ?? node.pointer,
      identity: target,
      component: componentName(node.value.$ref),
      ...draft,
    };
    this.#views.set(node.value, view);
    if (bare && reached !== undefined) this.#views.set(target, view);
    return view;
  }

  property(view: SchemaView, name: string): SchemaView | undefined {
    const node = view.properties.get(name);
    return node === undefined ? undefined : this.view(node);
  }

  /** The schema at a path of property names, `*` standing for the items of a list or the values of a map. */
  at(view: SchemaView, path: readonly string[]): SchemaView | undefined {
    let here: SchemaView | undefined = view;
    for (const segment of path) {
      if (here === undefined) return undefined;
      if (segment === '*') {
        const inner: SchemaNode | undefined = here.items ?? here.values;
        here = inner === undefined ? undefined : this.view(inner);
      } else {
        here = this.property(here, segment);
      }
    }
    return here;
  }

  #follow(node: SchemaNode): SchemaNode | undefined {
    if (node.value.$ref === undefined) return node;
    return this.#description.deref<SchemaObject>(node.value, node.pointer);
  }

  #merge(draft: Draft, node: SchemaNode, seen: Set<object>, depth: number): void {
    const schema = node.value;
    if (seen.has(schema) || depth > MAX_COMPOSITION_DEPTH) return;
    seen.add(schema);
    readKeywords(draft, schema, node.pointer);
    for (const [index, part] of (schema.allOf ?? []).entries()) {
      const reached = this.#follow({ value: part, pointer: pointerAt(node.pointer, 'allOf', index) });
      if (reached !== undefined) this.#merge(draft, reached, seen, depth + 1);
      if (part.$ref !== undefined) describeBeside(draft, part);
    }
    this.#unite(draft, node, seen, depth);
    seen.delete(schema);
  }

  /** `oneOf` and `anyOf`: every property of any branch, required only where all branches that are objects demand it. */
  #unite(draft: Draft, node: SchemaNode, seen: Set<object>, depth: number): void {
    for (const [keyword, parts] of alternatives(node.value)) {
      const branches: Draft[] = [];
      for (const [index, part] of parts.entries()) {
        const reached = this.#follow({ value: part, pointer: pointerAt(node.pointer, ...keyword, index) });
        if (reached === undefined) continue;
        const branch = emptyDraft();
        this.#merge(branch, reached, seen, depth + 1);
        branches.push(branch);
      }
      const objects = branches.filter((branch) => branch.properties.size > 0);
      const demanded = objects.reduce<Set<string> | undefined>(
        (common, branch) =>
          common === undefined
            ? new Set(branch.required)
            : new Set([...common].filter((name) => branch.required.has(name))),
        undefined,
      );
      for (const branch of branches) absorb(draft, branch);
      for (const name of demanded ?? []) draft.required.add(name);
    }
  }
}

/** Alternatives by keyword. A list of `items` at a schema that is no array says the same in some old documents. */
function alternatives(schema: SchemaObject): [readonly string[], readonly SchemaObject[]][] {
  const found: [readonly string[], readonly SchemaObject[]][] = [];
  if (schema.oneOf !== undefined) found.push([['oneOf'], schema.oneOf]);
  if (schema.anyOf !== undefined) found.push([['anyOf'], schema.anyOf]);
  const untyped = looseItems(schema);
  if (untyped !== undefined) found.push(untyped);
  return found;
}

function looseItems(schema: SchemaObject): [readonly string[], readonly SchemaObject[]] | undefined {
  if (schema.type !== undefined) return undefined;
  const items: unknown = schema.items;
  if (Array.isArray(items)) return [['items'], items as SchemaObject[]];
  if (schema.prefixItems !== undefined) return [['prefixItems'], schema.prefixItems];
  // What converters make of such a list: `{"items": {"anyOf": […]}}` and nothing else, as all over Slack's description.
  const says = Object.keys(schema).filter((keyword) => keyword !== 'title' && keyword !== 'description');
  if (schema.items?.anyOf === undefined || says.length + Object.keys(schema.items).length > 2)
    return undefined;
  return [['items', 'anyOf'], schema.items.anyOf];
}

function emptyDraft(): Draft {
  return {
    types: new Set(),
    nullable: false,
    format: undefined,
    title: undefined,
    description: '',
    enum: undefined,
    default: undefined,
    example: undefined,
    minimum: undefined,
    maximum: undefined,
    pattern: undefined,
    readOnly: false,
    deprecated: false,
    properties: new Map(),
    required: new Set(),
    items: undefined,
    values: undefined,
  };
}

function readKeywords(draft: Draft, schema: SchemaObject, pointer: string): void {
  const types =
    schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
  for (const type of types) {
    if (type === 'null') draft.nullable = true;
    else draft.types.add(type);
  }
  if (schema.nullable === true) draft.nullable = true;
  for (const [name, value] of Object.entries(schema.properties ?? {})) {
    draft.properties.set(name, { value, pointer: pointerAt(pointer, 'properties', name) });
  }
  for (const name of schema.required ?? []) draft.required.add(name);
  if (looseItems(schema) !== undefined) {
    // Read as alternatives, not as an array.
  } else if (schema.items !== undefined) {
    draft.items ??= { value: schema.items, pointer: pointerAt(pointer, 'items') };
  } else if (schema.prefixItems?.[0] !== undefined) {
    draft.items ??= { value: schema.prefixItems[0], pointer: pointerAt(pointer, 'prefixItems', 0) };
  }
  const values = mapValues(schema, pointer);
  if (values !== undefined) draft.values ??= values;
  if (draft.types.size === 0) {
    if (draft.properties.size > 0 || values !== undefined) draft.types.add('object');
    else if (draft.items !== undefined) draft.types.add('array');
  }
  draft.format ??= schema.format;
  draft.title ??= schema.title;
  if (draft.description === '') draft.description = schema.description ?? '';
  draft.enum ??= schema.const === undefined ? schema.enum : [schema.const];
  draft.default ??= schema.default;
  draft.example ??= schema.example ?? schema.examples?.[0];
  draft.minimum ??= schema.minimum ?? exclusive(schema.exclusiveMinimum, 1);
  draft.maximum ??= schema.maximum ?? exclusive(schema.exclusiveMaximum, -1);
  draft.pattern ??= schema.pattern;
  draft.readOnly ||= schema.readOnly === true;
  draft.deprecated ||= schema.deprecated === true;
}

function exclusive(bound: number | undefined, step: number): number | undefined {
  return bound === undefined ? undefined : bound + step;
}

function mapValues(schema: SchemaObject, pointer: string): SchemaNode | undefined {
  const additional = schema.additionalProperties;
  if (additional !== undefined && Object.keys(additional).length > 0 && additional.not === undefined) {
    return { value: additional, pointer: pointerAt(pointer, 'additionalProperties') };
  }
  const patterns = Object.entries(schema.patternProperties ?? {});
  const [pattern] = patterns;
  if (patterns.length === 1 && pattern !== undefined) {
    return { value: pattern[1], pointer: pointerAt(pointer, 'patternProperties', pattern[0]) };
  }
  return undefined;
}

function describeBeside(draft: Draft, beside: SchemaObject): void {
  if (beside.description !== undefined && beside.description !== '') draft.description = beside.description;
  if (beside.nullable === true) draft.nullable = true;
  draft.default ??= beside.default;
  draft.example ??= beside.example;
}

function absorb(draft: Draft, branch: Draft): void {
  for (const type of branch.types) draft.types.add(type);
  draft.nullable ||= branch.nullable;
  for (const [name, node] of branch.properties) {
    if (!draft.properties.has(name)) draft.properties.set(name, node);
  }
  draft.items ??= branch.items;
  draft.values ??= branch.values;
  draft.format ??= branch.format;
  draft.title ??= branch.title;
  if (draft.description === '') draft.description = branch.description;
  if (branch.enum !== undefined) draft.enum = [...(draft.enum ?? []), ...branch.enum];
  draft.default ??= branch.default;
  draft.example ??= branch.example;
  draft.minimum ??= branch.minimum;
  draft.maximum ??= branch.maximum;
  draft.pattern ??= branch.pattern;
}

function componentName(ref: string | undefined): string | undefined {
  if (ref === undefined) return undefined;
  const last = ref.split('/').at(-1);
  if (last === undefined || last === '') return undefined;
  return last.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** True for a schema whose values have fields. */
export function isObject(view: SchemaView): boolean {
  return view.properties.size > 0 || (view.types.has('object') && !view.types.has('array'));
}

export function isArray(view: SchemaView): boolean {
  return view.types.has('array') || (view.types.size === 0 && view.items !== undefined);
}

/** True for a string, number or boolean, and for what says nothing. */
export function isScalar(view: SchemaView): boolean {
  return !isArray(view) && !isObject(view);
}
