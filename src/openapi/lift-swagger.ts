/** What Swagger 2.0 writes differently from OpenAPI 3: nodes are brought to the new form in place. */
import type { SourceDocument } from './documents.ts';
import { isObject, type JsonObject } from './identify.ts';
import { MAX_ADDRESS } from './limits.ts';

const SCHEMA_KEYS = [
  'type',
  'format',
  'items',
  'default',
  'enum',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'x-nullable',
] as const;

/** Query style by `collectionFormat`; tab-separated has no counterpart and is sent as spaces. */
const STYLES: Readonly<Record<string, { style: string; explode: boolean }>> = {
  csv: { style: 'form', explode: false },
  ssv: { style: 'spaceDelimited', explode: false },
  tsv: { style: 'spaceDelimited', explode: false },
  pipes: { style: 'pipeDelimited', explode: false },
  multi: { style: 'form', explode: true },
};

/** True when the schema was made from the parameter's own keys (so its pointer is the parameter's). */
export function liftParameter20(node: JsonObject): boolean {
  if (node.in === 'body') return false;
  const isList = node.type === 'array';
  if (isList && node.in === 'query') {
    const format = typeof node.collectionFormat === 'string' ? node.collectionFormat : 'csv';
    Object.assign(node, STYLES[format] ?? STYLES.csv);
  }
  Reflect.deleteProperty(node, 'collectionFormat');
  return moveSchemaKeys(node);
}

export function liftHeader20(node: JsonObject): boolean {
  Reflect.deleteProperty(node, 'collectionFormat');
  return moveSchemaKeys(node);
}

function moveSchemaKeys(node: JsonObject): boolean {
  // Some authors write 3.0's form in a 2.0 document.
  const schema: JsonObject = isObject(node.schema) ? node.schema : {};
  let moved = !isObject(node.schema);
  for (const key of SCHEMA_KEYS) {
    if (!Object.hasOwn(node, key)) continue;
    schema[key] = node[key];
    Reflect.deleteProperty(node, key);
    moved = true;
  }
  node.schema = schema;
  return moved;
}

/** `schema` and `examples` go under each media type that the operation produces. */
export function liftResponse20(node: JsonObject, produces: readonly string[]): void {
  if (isObject(node.content)) return;
  const types = produces.length === 0 ? ['application/json'] : produces;
  const content: Record<string, JsonObject> = {};
  if (isObject(node.schema)) for (const type of types) content[type] = { schema: node.schema };
  Reflect.deleteProperty(node, 'schema');
  if (isObject(node.examples)) {
    for (const [name, example] of Object.entries(node.examples)) {
      const type = name.includes('/') ? name : (types[0] ?? 'application/json');
      const media = (content[type] ??= {});
      media.example ??= example;
    }
  }
  Reflect.deleteProperty(node, 'examples');
  if (Object.keys(content).length > 0) node.content = content;
}

const FLOWS: Readonly<Record<string, string>> = {
  implicit: 'implicit',
  password: 'password',
  application: 'clientCredentials',
  accessCode: 'authorizationCode',
};

export function liftSecurityScheme20(node: JsonObject): void {
  if (node.type === 'basic') {
    node.type = 'http';
    node.scheme = 'basic';
  } else if (node.type === 'oauth2' && !('flows' in node)) {
    const flow = FLOWS[typeof node.flow === 'string' ? node.flow : 'implicit'] ?? 'implicit';
    const { authorizationUrl, tokenUrl, scopes } = node;
    node.flows = {
      [flow]: {
        ...(authorizationUrl === undefined ? {} : { authorizationUrl }),
        ...(tokenUrl === undefined ? {} : { tokenUrl }),
        scopes: isObject(scopes) ? scopes : {},
      },
    };
    for (const key of ['flow', 'authorizationUrl', 'tokenUrl', 'scopes']) Reflect.deleteProperty(node, key);
  }
}

/** An operation whose parameters may hold a body; settled once all references are resolved. */
export interface Operation20 {
  readonly node: JsonObject;
  readonly pathItem: JsonObject;
  readonly pointer: string;
  readonly consumes: string[] | undefined;
}

/**
 * Moves `body` and `formData` parameters into a request body. `follow` gives the parameter behind a reference; `moved`
 * learns where things stood.
 */
export function moveBody20(
  operation: Operation20,
  defaultConsumes: readonly string[],
  follow: (node: JsonObject) => JsonObject | undefined,
  moved: Map<string, string>,
): void {
  const { node, pathItem, pointer } = operation;
  const consumes = operation.consumes ?? defaultConsumes;
  const form: JsonObject = {};
  const required: string[] = [];
  for (const owner of [pathItem, node]) {
    if (!Array.isArray(owner.parameters)) continue;
    for (const [index, parameter] of (owner.parameters as JsonObject[]).entries()) {
      const target = follow(parameter) ?? parameter;
      const at =
        owner === node
          ? `${pointer}/parameters/${index}`
          : `${pointer.slice(0, pointer.lastIndexOf('/'))}/parameters/${index}`;
      if (target.in === 'body') {
        const types = consumes.length === 0 ? ['application/json'] : consumes;
        node.requestBody = {
          ...(typeof target.description === 'string' ? { description: target.description } : {}),
          ...(target.required === true ? { required: true } : {}),
          content: Object.fromEntries(types.map((type) => [type, { schema: target.schema ?? {} }])),
        };
        moved.set(`${pointer}/requestBody`, at);
      } else if (target.in === 'formData' && typeof target.name === 'string') {
        form[target.name] = target.schema ?? {};
        if (target.required === true) required.push(target.name);
      }
    }
  }
  if (Object.keys(form).length > 0 && node.requestBody === undefined) {
    const schema = { type: 'object', properties: form, required };
    const types = consumes.filter((type) => /form/.test(type));
    const content = (types.length > 0 ? types : ['application/x-www-form-urlencoded']).map((type) => [
      type,
      { schema },
    ]);
    node.requestBody = { content: Object.fromEntries(content) as JsonObject };
    moved.set(`${pointer}/requestBody`, `${pointer}/parameters`);
  }
}

/** Takes the body parameters out of a list, and notes where those after them stood. */
export function dropBodyParameters20(
  owner: JsonObject,
  pointer: string,
  follow: (node: JsonObject) => JsonObject | undefined,
  moved: Map<string, string>,
): void {
  if (!Array.isArray(owner.parameters)) return;
  const kept: JsonObject[] = [];
  for (const [index, parameter] of (owner.parameters as JsonObject[]).entries()) {
    const place = (follow(parameter) ?? parameter).in;
    if (place === 'body' || place === 'formData') continue;
    if (kept.length !== index) {
      const from = `${pointer}/parameters/${index}`;
      moved.set(`${pointer}/parameters/${kept.length}`, moved.get(from) ?? from);
    }
    kept.push(parameter);
  }
  owner.parameters = kept;
}

/** Root of a 2.0 document → root of a 3.1 document. The nodes below are lifted already and keep their identity. */
export function liftRoot20(root: JsonObject, document: SourceDocument): void {
  const host =
    typeof root.host === 'string'
      ? root.host
          .slice(0, MAX_ADDRESS)
          .trim()
          .replace(/^https?:\/\//, '')
      : '';
  const basePath =
    typeof root.basePath === 'string' ? root.basePath.slice(0, MAX_ADDRESS).replace(/\/+$/, '') : '';
  const base = basePath === '' || basePath.startsWith('/') ? basePath : `/${basePath}`;
  const named = Array.isArray(root.schemes)
    ? (root.schemes as unknown[]).filter((s) => s === 'https' || s === 'http')
    : [];
  const own = /^https?(?=:)/.exec(document.location)?.[0];
  const schemes = named.length > 0 ? [...named].sort().reverse() : [own ?? 'https'];
  if (host !== '')
    root.servers = schemes.map((scheme) => ({
      url: `${scheme}://${host.replace(/\/+$/, '')}${base}`,
    }));
  else root.servers = base === '' ? [] : [{ url: base }];
  root.components = {
    ...(isObject(root.definitions) ? { schemas: root.definitions } : {}),
    ...(isObject(root.parameters) ? { parameters: root.parameters } : {}),
    ...(isObject(root.responses) ? { responses: root.responses } : {}),
    ...(isObject(root.securityDefinitions) ? { securitySchemes: root.securityDefinitions } : {}),
  };
  for (const key of [
    'swagger',
    'host',
    'basePath',
    'schemes',
    'consumes',
    'produces',
    'definitions',
    'parameters',
    'responses',
    'securityDefinitions',
  ]) {
    Reflect.deleteProperty(root, key);
  }
}

/** Where the maps of a 2.0 root stand in the lifted document. */
export const ROOT_MAPS_20: readonly (readonly [from: string, to: string])[] = [
  ['/definitions', '/components/schemas'],
  ['/parameters', '/components/parameters'],
  ['/responses', '/components/responses'],
  ['/securityDefinitions', '/components/securitySchemes'],
];
