/** The operations of a description, each read once: its parameters, its successful response, its place. */
import type { Description } from '../description.ts';
import { pointerAt } from '../description.ts';
import { MAX_ADDRESS } from '../limits.ts';
import type {
  MediaTypeObject,
  OperationObject,
  OrReference,
  ParameterObject,
  PathItemObject,
  ResponseObject,
  SchemaObject,
  ServerObject,
} from '../document.ts';
import type { ParameterLocation } from '../../blueprint/schema.ts';
import { schemaOfExample } from './from-example.ts';
import { saysIsNeeded } from './prose.ts';
import { type SchemaReader, type SchemaView, isArray, isObject } from './schema-view.ts';
import { words } from './words.ts';

export interface Parameter {
  readonly name: string;
  readonly in: ParameterLocation;
  readonly required: boolean;
  readonly deprecated: boolean;
  readonly description: string;
  readonly example: unknown;
  readonly schema: SchemaView;
  readonly pointer: string;
}

/** The body of a successful answer. */
export interface ResponseBody {
  readonly status: string;
  readonly pointer: string;
  readonly mediaType: string;
  /** True for JSON by its media type, for those that say nothing (`*` + `/*`), and for odd ones with a JSON schema. */
  readonly json: boolean;
  readonly schema: SchemaView;
  readonly example: { readonly value: unknown; readonly pointer: string } | undefined;
  /** The description has no schema here; this one was inferred from its example. */
  readonly inferred: boolean;
  /** Response headers by lower-case name, with what is said about them. */
  readonly headers: ReadonlyMap<string, string>;
  readonly description: string;
}

export interface Endpoint {
  readonly method: 'GET' | 'POST';
  /** As in the document. */
  readonly path: string;
  /** The path without a query string, with a slash at its front and none at its end. */
  readonly template: string;
  /** Parts of the template. */
  readonly segments: readonly string[];
  /** Constant query parameters that the document wrote into the path (`/search?type=user`). */
  readonly constants: readonly { readonly name: string; readonly value: string }[];
  /** Where the document lists it; the operation itself may stand elsewhere. */
  readonly place: string;
  readonly pointer: string;
  readonly operation: OperationObject;
  readonly parameters: readonly Parameter[];
  readonly response: ResponseBody | undefined;
  readonly tags: readonly string[];
  readonly operationId: string | undefined;
  readonly summary: string;
  readonly description: string;
  readonly deprecated: boolean;
  /** Servers of the operation or its path, which stand above those of the document. */
  readonly servers: readonly ServerObject[] | undefined;
}

/** The parameter names in a path segment: `{id}.json` → id. */
export function segmentParameters(segment: string): string[] {
  return [...segment.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1] ?? '');
}

export function isParameterSegment(segment: string | undefined): boolean {
  return segment !== undefined && segment.includes('{');
}

/** All GET and POST operations in the order of the document. */
export function readEndpoints(description: Description, schemas: SchemaReader): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (const [path, written] of Object.entries(description.document.paths)) {
    const at = pointerAt('/paths', path);
    const item = followPathItem(description, written, at);
    if (item === undefined) continue;
    for (const method of ['get', 'post'] as const) {
      const written = item.value[method];
      if (written === undefined) continue;
      // Not in the specification, but common in descriptions of many files: an operation that stands elsewhere.
      const operation = description.deref<OperationObject>(written, pointerAt(item.pointer, method));
      if (operation === undefined) continue;
      endpoints.push(readEndpoint(description, schemas, path, method, item, operation));
    }
  }
  return endpoints;
}

function followPathItem(
  description: Description,
  item: PathItemObject,
  pointer: string,
): { value: PathItemObject; pointer: string } | undefined {
  if (item.$ref === undefined) return { value: item, pointer };
  const reached = description.deref<PathItemObject>({ $ref: item.$ref }, pointer);
  if (reached === undefined) return undefined;
  return { value: { ...reached.value, ...withoutRef(item) }, pointer: reached.pointer };
}

function withoutRef(item: PathItemObject): PathItemObject {
  const rest = { ...item };
  delete rest.$ref;
  return rest;
}

function readEndpoint(
  description: Description,
  schemas: SchemaReader,
  path: string,
  method: 'get' | 'post',
  item: { value: PathItemObject; pointer: string },
  located: { value: OperationObject; pointer: string },
): Endpoint {
  const { value: operation, pointer } = located;
  const { template, constants, placeholders } = splitPath(path);
  const servers = operation.servers ?? item.value.servers;
  return {
    method: method === 'get' ? 'GET' : 'POST',
    path,
    template,
    segments: template.split('/').filter((segment) => segment !== ''),
    constants,
    place: pointerAt('/paths', path, method),
    pointer,
    operation,
    parameters: readParameters(description, schemas, item, operation, pointer, template, placeholders),
    response: readResponse(description, schemas, operation, pointer),
    tags: operation.tags ?? [],
    operationId: operation.operationId,
    summary: operation.summary ?? '',
    description: operation.description ?? '',
    deprecated: operation.deprecated === true,
    servers: servers !== undefined && servers.length > 0 ? servers : undefined,
  };
}

/** `?page={page}`, `?page=page`, `?page=`: a parameter that the document declares in the path instead of beside it. */
function isPlaceholder({ name, value }: { name: string; value: string }): boolean {
  return (
    value === '' ||
    value.toLowerCase() === name.toLowerCase() ||
    /[{}<>[\]]/.test(value) ||
    value.startsWith(':')
  );
}

function splitPath(
  path: string,
): Pick<Endpoint, 'template' | 'constants'> & { placeholders: readonly string[] } {
  const [withoutFragment = ''] = path.split('#');
  const mark = withoutFragment.indexOf('?');
  const bare = mark < 0 ? withoutFragment : withoutFragment.slice(0, mark);
  const query = mark < 0 ? '' : withoutFragment.slice(mark + 1);
  const pairs = [...new URLSearchParams(query)]
    .filter(([name]) => name !== '')
    .map(([name, value]) => ({ name, value }));
  const constants = pairs.filter((pair) => !isPlaceholder(pair));
  const placeholders = pairs.filter(isPlaceholder).map((pair) => pair.name);
  // A slash at the end stays: many servers answer 404 without it.
  return { template: bare.startsWith('/') ? bare : `/${bare}`, constants, placeholders };
}

const LOCATIONS: readonly string[] = ['path', 'query', 'header', 'cookie'];

function readParameters(
  description: Description,
  schemas: SchemaReader,
  item: { value: PathItemObject; pointer: string },
  operation: OperationObject,
  pointer: string,
  template: string,
  placeholders: readonly string[],
): Parameter[] {
  const byKey = new Map<string, Parameter>();
  const lists: [OrReference<ParameterObject>[], string][] = [
    [item.value.parameters ?? [], pointerAt(item.pointer, 'parameters')],
    [operation.parameters ?? [], pointerAt(pointer, 'parameters')],
  ];
  for (const [list, at] of lists) {
    for (const [index, written] of list.entries()) {
      const reached = description.deref<ParameterObject>(written, pointerAt(at, index));
      // Behind a reference, nobody has looked whether it has a name and a place.
      if (typeof reached?.value.name !== 'string' || typeof reached.value.in !== 'string') continue;
      const parameter = readParameter(schemas, reached.value, reached.pointer);
      if (parameter !== undefined) byKey.set(`${parameter.in} ${parameter.name}`, parameter);
    }
  }
  for (const name of segmentParameters(template)) {
    const key = `path ${name}`;
    // A path parameter that nobody declared still has to be filled.
    if (!byKey.has(key)) byKey.set(key, undeclaredPathParameter(schemas, name, pointer));
  }
  for (const name of placeholders) {
    const key = `query ${name}`;
    if (!byKey.has(key)) byKey.set(key, undeclaredQueryParameter(schemas, name, pointer));
  }
  const inPath = new Set(segmentParameters(template));
  return [...byKey.values()].filter((parameter) => parameter.in !== 'path' || inPath.has(parameter.name));
}

function readParameter(
  schemas: SchemaReader,
  parameter: ParameterObject,
  pointer: string,
): Parameter | undefined {
  if (!LOCATIONS.includes(parameter.in) || parameter.name === '' || parameter.name.length > MAX_ADDRESS)
    return undefined;
  const [media] = Object.entries(parameter.content ?? {});
  const node =
    parameter.schema !== undefined
      ? { value: parameter.schema, pointer: pointerAt(pointer, 'schema') }
      : media?.[1].schema !== undefined
        ? { value: media[1].schema, pointer: pointerAt(pointer, 'content', media[0], 'schema') }
        : { value: {}, pointer };
  const schema = schemas.view(node);
  return {
    name: parameter.name,
    in: parameter.in as ParameterLocation,
    required:
      parameter.required === true ||
      parameter.in === 'path' ||
      (parameter.required === undefined && saysIsNeeded(parameter.description ?? schema.description)),
    deprecated: parameter.deprecated === true || schema.deprecated,
    description: parameter.description ?? schema.description,
    example: parameter.example ?? firstExample(parameter.examples) ?? schema.example,
    schema,
    pointer,
  };
}

function undeclaredPathParameter(schemas: SchemaReader, name: string, pointer: string): Parameter {
  return {
    name,
    in: 'path',
    required: true,
    deprecated: false,
    description: '',
    example: undefined,
    schema: schemas.view({ value: { type: 'string' }, pointer }),
    pointer,
  };
}

function undeclaredQueryParameter(schemas: SchemaReader, name: string, pointer: string): Parameter {
  const schema = schemas.view({ value: {}, pointer });
  return {
    name,
    in: 'query',
    required: false,
    deprecated: false,
    description: '',
    example: undefined,
    schema,
    pointer,
  };
}

/** Verbs that no reading operation is called by, though some APIs serve them by GET. */
const MUTATING =
  /^(create|delete|remove|destroy|update|move|copy|add|set|send|cancel|reset|revoke|disable|enable|activate|deactivate|pause|resume|logout|login|logoff|unsubscribe|approve|reject|invite|trigger|execute|purge|clear|undelete|restore|save|insert|modify|edit|rename|put|post|patch|upload|submit|mark|unmark|block|unblock|lock|unlock|retry|restart|reboot|shutdown)$/;

/** Verbs that mean a change where they are what an operation is called by; as parts of a path many are adjectives. */
const CALLED = new RegExp(
  `${MUTATING.source.slice(0, -2)}|install|uninstall|publish|unpublish|share|unshare|open|exchange|kick|archive|unarchive|join|leave|connect|disconnect|request|step|complete|finish)$`,
);

/** True for a GET whose path says that it changes something: `/createFolder`, `/bulkcharge/pause/{code}`. */
export function seemsToChange(endpoint: Endpoint): boolean {
  const fixed = endpoint.segments.filter((segment) => !isParameterSegment(segment));
  const called = fixed.at(-1) ?? '';
  const dot = called.lastIndexOf('.');
  // `apps.uninstall`, `auth.revoke`: behind the dot stands what is done.
  if (dot > 0 && CALLED.test(words(called.slice(dot + 1))[0] ?? '')) return true;
  const last = words(called);
  const [verb] = last;
  if (verb === undefined || !MUTATING.test(verb)) return false;
  // `set-items`, `block-lists`: with a noun in the plural behind it, it may be an adjective.
  return (
    last.length === 1 ||
    /[a-z][A-Z]|^[a-z]+$/.test(fixed.at(-1) ?? '') ||
    words(endpoint.operationId ?? '')[0] === verb
  );
}

function firstExample(examples: ParameterObject['examples']): unknown {
  for (const example of Object.values(examples ?? {})) {
    if ('value' in example && example.value !== undefined) return example.value;
  }
  return undefined;
}

// --------------------------------------------------------------------------------------------------------- responses

/** Success first as the specification orders it; `default` only where nothing else is said, for it mostly means errors. */
function successStatuses(responses: OperationObject['responses']): string[] {
  const all = Object.keys(responses ?? {});
  const rank = (status: string): number => {
    if (status === '200') return 0;
    if (/^2xx$/i.test(status)) return 1;
    if (status === '206') return 2;
    if (/^20[1235]$/.test(status)) return 3;
    if (/^2\d\d$/.test(status)) return 4;
    if (status === 'default') return 5;
    return 9;
  };
  return all.filter((status) => rank(status) < 9).sort((left, right) => rank(left) - rank(right));
}

function readResponse(
  description: Description,
  schemas: SchemaReader,
  operation: OperationObject,
  pointer: string,
): ResponseBody | undefined {
  let fallback: ResponseBody | undefined;
  for (const status of successStatuses(operation.responses)) {
    const written = operation.responses?.[status];
    if (written === undefined) continue;
    const reached = description.deref<ResponseObject>(written, pointerAt(pointer, 'responses', status));
    if (reached === undefined) continue;
    const body = readBody(description, schemas, status, reached.value, reached.pointer);
    if (body === undefined) continue;
    if (status === 'default' && fallback === undefined && looksLikeError(body.schema)) continue;
    if (saysSomething(body)) return body;
    fallback ??= body;
  }
  return fallback;
}

function saysSomething(body: ResponseBody): boolean {
  return body.json && (body.schema.types.size > 0 || body.schema.properties.size > 0);
}

function looksLikeError(schema: SchemaView): boolean {
  if (schema.properties.size === 0) return !isArray(schema);
  const names = [...schema.properties.keys()].map((name) => name.toLowerCase());
  return names.every((name) =>
    /^(error|errors|message|messages|code|status|statuscode|title|detail|details|type|instance|description|fields|path|timestamp|request_?id)$/.test(
      name,
    ),
  );
}

/** The media types of a body, the likeliest JSON first. */
function mediaRank(type: string): number {
  const bare = (type.split(';')[0] ?? '').trim().toLowerCase();
  if (bare === 'application/json') return 0;
  if (/[/+.-]json$/.test(bare) || bare.endsWith('/json')) return 1;
  if (/json/.test(bare) && !/(seq|lines|nd|stream)/.test(bare)) return 2;
  if (bare === '*/*' || bare === 'application/*' || bare === '') return 3;
  if (/(ndjson|jsonl|json-seq|json-lines|x-json-stream)/.test(bare)) return 7;
  if (/xml|csv|html|pdf|image|audio|video|octet|zip|protobuf|multipart|calendar|yaml/.test(bare)) return 8;
  return 5;
}

function readBody(
  description: Description,
  schemas: SchemaReader,
  status: string,
  response: ResponseObject,
  pointer: string,
): ResponseBody | undefined {
  const media = Object.entries(response.content ?? {}).sort(
    (left, right) => mediaRank(left[0]) - mediaRank(right[0]),
  );
  const best = media[0];
  const headers = readHeaders(description, response, pointer);
  if (best === undefined) {
    if (headers.size === 0) return undefined;
    const nothing = schemas.view({ value: {}, pointer });
    return bodyOf(status, pointer, '', false, nothing, undefined, false, headers, response);
  }
  // An example may stand at another JSON media type than the schema.
  const withSchema =
    media.find(([type, content]) => mediaRank(type) < 7 && content.schema !== undefined) ?? best;
  const [mediaType, content] = withSchema;
  const at = pointerAt(pointer, 'content', mediaType);
  const example = media
    .filter(([type]) => mediaRank(type) < 7)
    .map(([type, other]) => exampleOf(description, other, pointerAt(pointer, 'content', type)))
    .find((found) => found !== undefined);
  let schema = schemas.view({ value: content.schema ?? {}, pointer: pointerAt(at, 'schema') });
  const shown = example ?? exampleOfSchema(schema);
  let inferred = false;
  if (
    shown !== undefined &&
    typeof shown.value === 'object' &&
    (vague(schema) || hidesRows(schema, shown.value))
  ) {
    schema = schemas.view({ value: schemaOfExample(shown.value), pointer: shown.pointer });
    inferred = true;
  }
  const rank = mediaRank(mediaType);
  const json = rank < 5 || (rank === 5 && (isArray(schema) || schema.properties.size > 0));
  return bodyOf(status, at, mediaType, json, schema, shown, inferred, headers, response);
}

function bodyOf(
  status: string,
  pointer: string,
  mediaType: string,
  json: boolean,
  schema: SchemaView,
  example: ResponseBody['example'],
  inferred: boolean,
  headers: ReadonlyMap<string, string>,
  response: ResponseObject,
): ResponseBody {
  const description = response.description ?? '';
  return { status, pointer, mediaType, json, schema, example, inferred, headers, description };
}

/** True where a schema leaves open what the body holds, so that an example tells more. */
function vague(schema: SchemaView): boolean {
  if (isArray(schema)) return schema.items === undefined || Object.keys(schema.items.value).length === 0;
  if (isObject(schema)) return schema.properties.size === 0 && schema.values === undefined;
  return schema.types.size === 0 || (schema.types.has('string') && schema.types.size === 1);
}

/** A schema of an envelope alone (`{"ok": true}`), whose example shows the list that it leaves out. */
function hidesRows(schema: SchemaView, example: unknown): boolean {
  if (!isObject(schema) || typeof example !== 'object' || example === null || Array.isArray(example))
    return false;
  if ([...schema.properties.values()].some((node) => mayHoldRows(node.value))) return false;
  return Object.entries(example).some(
    ([name, value]) =>
      !schema.properties.has(name) &&
      Array.isArray(value) &&
      typeof value[0] === 'object' &&
      value[0] !== null,
  );
}

/** True for what is no plain value: rows may stand in it, and then the schema is right and the example is not. */
function mayHoldRows(node: SchemaObject): boolean {
  const structured = [
    '$ref',
    'items',
    'properties',
    'additionalProperties',
    'allOf',
    'oneOf',
    'anyOf',
  ] as const;
  return structured.some((keyword) => node[keyword] !== undefined) || node.type === 'array';
}

function exampleOfSchema(schema: SchemaView): ResponseBody['example'] {
  const { example } = schema;
  if (typeof example !== 'object' || example === null) return undefined;
  return { value: example, pointer: schema.pointer };
}

function exampleOf(
  description: Description,
  content: MediaTypeObject,
  pointer: string,
): ResponseBody['example'] {
  const own = parsed(content.example);
  if (own !== undefined) return { value: own, pointer: pointerAt(pointer, 'example') };
  for (const [name, written] of Object.entries(content.examples ?? {})) {
    const at = pointerAt(pointer, 'examples', name);
    const reached = description.deref<{ value?: unknown }>(written, at);
    const value = parsed(reached?.value.value);
    if (value !== undefined) return { value, pointer: reached?.pointer ?? at };
  }
  return undefined;
}

/** Examples are often JSON in a string. */
function parsed(example: unknown): unknown {
  if (typeof example !== 'string') return example ?? undefined;
  const text = example.trim();
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function readHeaders(
  description: Description,
  response: ResponseObject,
  pointer: string,
): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [name, written] of Object.entries(response.headers ?? {})) {
    const reached = description.deref<{
      description?: string;
      schema?: { description?: string; example?: unknown };
    }>(written, pointerAt(pointer, 'headers', name));
    const text = reached?.value.description ?? reached?.value.schema?.description ?? '';
    headers.set(name.toLowerCase(), text);
  }
  return headers;
}

/** Words of everything that names an endpoint: for choosing between arrays and parents. */
export function endpointWords(endpoint: Endpoint): ReadonlySet<string> {
  const named = [endpoint.operationId ?? '', endpoint.summary, ...endpoint.tags];
  return new Set(named.flatMap((text) => [...words(text)]));
}
