/**
 * Walks a description position by position, in place: checks that each node has the shape that `document.ts` promises,
 * lifts what older versions wrote differently, takes out what can't be used (as a problem), and notes every `$ref`.
 * One walk over the parsed value: YAML nodes that are shared stay shared, and example data is never touched.
 */
import { HTTP_METHODS, type HttpMethod } from './document.ts';
import { isObject, type JsonObject } from './identify.ts';
import { MAX_ADDRESS } from './limits.ts';
import type { LiftContext, NodeKind } from './lift-context.ts';
import { liftSchema, liftSchemaMap, asSchema } from './lift-schema.ts';
import { liftHeader20, liftParameter20, liftResponse20, liftSecurityScheme20 } from './lift-swagger.ts';

/** Lifts a node that a `$ref` led to, by what the reference's place says it is. */
export function liftNode(node: JsonObject, kind: NodeKind, pointer: string, context: LiftContext): void {
  LIFTERS[kind](node, pointer, context);
}

const LIFTERS: Readonly<Record<NodeKind, (node: JsonObject, pointer: string, context: LiftContext) => void>> =
  {
    paths: liftPaths,
    pathItem: liftPathItem,
    // Not in the specification, but what splitters of large descriptions write.
    operation: (node, pointer, context) => {
      liftOperation(node, {}, pointer, context);
    },
    parameter: liftParameter,
    requestBody: liftRequestBody,
    response: liftResponse,
    header: liftHeader,
    example: () => undefined,
    schema: liftSchema,
    schemas: liftSchemaMap,
    securityScheme: liftSecurityScheme,
    extension: () => undefined,
  };

export function liftPaths(paths: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(paths, 'paths') || noteReference(paths, 'paths', pointer, context)) return;
  for (const [path, item] of Object.entries(paths)) {
    const at = `${pointer}/${context.escape(path)}`;
    if (path.length > MAX_ADDRESS) {
      Reflect.deleteProperty(paths, path);
      const begin = path.slice(0, 80);
      context.problem(
        pointer,
        `A path is longer than ${MAX_ADDRESS} characters and was left out: "${begin}…".`,
      );
      continue;
    }
    if (path.startsWith('x-') || !isObject(item)) {
      Reflect.deleteProperty(paths, path);
      if (!path.startsWith('x-') && item !== null)
        context.problem(at, 'This path has no operations and was left out.');
      continue;
    }
    if (!path.startsWith('/')) {
      Reflect.deleteProperty(paths, path);
      const mended = `/${path}`;
      if (Object.hasOwn(paths, mended)) {
        context.problem(
          at,
          `"${path}" does not begin with "/" and was left out: "${mended}" is there as well.`,
        );
        continue;
      }
      context.problem(at, `"${path}" does not begin with "/"; read as "${mended}".`);
      paths[mended] = item;
      context.moved.set(`${pointer}/${context.escape(mended)}`, at);
    }
    liftPathItem(item, at, context);
  }
}

export function liftPathItem(item: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(item, 'pathItem')) return;
  noteReference(item, 'pathItem', pointer, context);
  context.extensions(item, pointer);
  liftParameters(item, pointer, context);
  liftServers(item, pointer, context);
  for (const [key, value] of Object.entries(item)) {
    const method = key.toLowerCase();
    if (!isMethod(method)) continue;
    if (!isObject(value)) {
      Reflect.deleteProperty(item, key);
      if (value !== null)
        context.problem(`${pointer}/${key}`, 'This operation is not an object and was left out.');
      continue;
    }
    if (key !== method) {
      Reflect.deleteProperty(item, key);
      item[method] = value;
      context.moved.set(`${pointer}/${method}`, `${pointer}/${key}`);
      context.problem(`${pointer}/${key}`, `The method "${key}" is read as "${method}".`);
    }
    liftOperation(value, item, `${pointer}/${key}`, context);
  }
}

function isMethod(key: string): key is HttpMethod {
  return (HTTP_METHODS as readonly string[]).includes(key);
}

function liftOperation(node: JsonObject, pathItem: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(node, 'operation') || noteReference(node, 'operation', pointer, context)) return;
  for (const key of ['operationId', 'summary', 'description']) keepText(node, key);
  if (!isObject(node.externalDocs)) Reflect.deleteProperty(node, 'externalDocs');
  else for (const key of ['url', 'description']) keepText(node.externalDocs, key);
  if (typeof node.deprecated !== 'boolean') Reflect.deleteProperty(node, 'deprecated');
  if ('tags' in node) {
    const tags: unknown[] = Array.isArray(node.tags) ? node.tags : [];
    node.tags = tags.filter((tag) => typeof tag === 'string');
  }
  context.extensions(node, pointer);
  liftParameters(node, pointer, context);
  liftServers(node, pointer, context);
  liftSecurity(node);
  if (isObject(node.requestBody)) liftRequestBody(node.requestBody, `${pointer}/requestBody`, context);
  else Reflect.deleteProperty(node, 'requestBody');
  const produces = mediaTypes(node.produces);
  eachObject(node, 'responses', pointer, context, (response, at) => {
    liftResponse(response, at, context, produces);
  });
  if (context.version === '2.0') {
    context.operations.push({ node, pathItem, pointer, consumes: mediaTypes(node.consumes) });
    Reflect.deleteProperty(node, 'produces');
    Reflect.deleteProperty(node, 'consumes');
  }
}

function liftParameters(owner: JsonObject, pointer: string, context: LiftContext): void {
  const { parameters } = owner;
  if (parameters === undefined) return;
  if (!Array.isArray(parameters)) {
    Reflect.deleteProperty(owner, 'parameters');
    if (parameters !== null)
      context.problem(`${pointer}/parameters`, '"parameters" is not a list and was left out.');
    return;
  }
  const kept: JsonObject[] = [];
  for (const [index, parameter] of (parameters as unknown[]).entries()) {
    const at = `${pointer}/parameters/${index}`;
    const usable =
      isObject(parameter) &&
      (typeof parameter.$ref === 'string' ||
        (typeof parameter.name === 'string' && typeof parameter.in === 'string'));
    if (!usable) {
      context.problem(at, 'This parameter has no name or no place and was left out.');
      continue;
    }
    if (kept.length !== index) context.moved.set(`${pointer}/parameters/${kept.length}`, at);
    kept.push(parameter);
    liftParameter(parameter, at, context);
  }
  owner.parameters = kept;
}

function liftParameter(node: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(node, 'parameter') || noteReference(node, 'parameter', pointer, context)) return;
  keepText(node, 'description');
  if (typeof node.required !== 'boolean') {
    if (node.required === 'true') node.required = true;
    else Reflect.deleteProperty(node, 'required');
  }
  const generated = context.version === '2.0' && liftParameter20(node);
  liftContent(node, pointer, context, generated ? pointer : `${pointer}/schema`);
}

function liftHeader(node: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(node, 'header') || noteReference(node, 'header', pointer, context)) return;
  keepText(node, 'description');
  const generated = context.version === '2.0' && liftHeader20(node);
  liftContent(node, pointer, context, generated ? pointer : `${pointer}/schema`);
}

function liftRequestBody(node: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(node, 'requestBody') || noteReference(node, 'requestBody', pointer, context)) return;
  keepText(node, 'description');
  liftContent(node, pointer, context, `${pointer}/schema`);
}

function liftResponse(node: JsonObject, pointer: string, context: LiftContext, produces?: string[]): void {
  if (!context.enter(node, 'response') || noteReference(node, 'response', pointer, context)) return;
  keepText(node, 'description');
  eachObject(node, 'headers', pointer, context, (header, at) => {
    liftHeader(header, at, context);
  });
  if (context.version === '2.0') liftResponse20(node, produces ?? context.produces);
  const generated = context.version === '2.0' ? `${pointer}/schema` : undefined;
  liftContent(node, pointer, context, `${pointer}/schema`, generated);
}

/** `schema`, `content`, `example` and `examples`: what parameters, headers, bodies and responses share. */
function liftContent(
  node: JsonObject,
  pointer: string,
  context: LiftContext,
  schemaPointer: string,
  contentSchemaPointer?: string,
): void {
  liftMedia(node, pointer, context, schemaPointer);
  eachObject(node, 'content', pointer, context, (media, at) => {
    liftMedia(media, at, context, contentSchemaPointer ?? `${at}/schema`);
  });
}

function liftMedia(node: JsonObject, pointer: string, context: LiftContext, schemaPointer: string): void {
  if ('schema' in node) {
    const schema = asSchema(node.schema);
    if (schema === undefined) {
      Reflect.deleteProperty(node, 'schema');
      if (node.schema !== null)
        context.problem(`${pointer}/schema`, 'This is not a schema and was left out.');
    } else {
      node.schema = schema;
      liftSchema(schema, schemaPointer, context);
    }
  }
  if (isObject(node.example)) noteReference(node.example, 'example', `${pointer}/example`, context);
  if ('examples' in node) liftExamples(node, pointer, context);
}

function liftExamples(node: JsonObject, pointer: string, context: LiftContext): void {
  const { examples } = node;
  if (typeof examples !== 'object' || examples === null) {
    Reflect.deleteProperty(node, 'examples');
    return;
  }
  const named: JsonObject = {};
  for (const [name, example] of Object.entries(examples)) {
    const value: unknown = example;
    const isExample = isObject(value) && ('$ref' in value || 'value' in value || 'externalValue' in value);
    named[name] = isExample ? value : { value };
    if (isExample) noteReference(value, 'example', `${pointer}/examples/${context.escape(name)}`, context);
  }
  node.examples = named;
}

function liftSecurityScheme(node: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(node, 'securityScheme') || noteReference(node, 'securityScheme', pointer, context))
    return;
  if (context.version === '2.0') liftSecurityScheme20(node);
  for (const key of ['type', 'name', 'in', 'scheme', 'description', 'openIdConnectUrl']) keepText(node, key);
  for (const key of ['type', 'name', 'in', 'scheme', 'openIdConnectUrl'])
    if (typeof node[key] === 'string' && node[key].length > MAX_ADDRESS) Reflect.deleteProperty(node, key);
  eachObject(node, 'flows', pointer, context, (flow) => {
    for (const key of ['authorizationUrl', 'tokenUrl', 'refreshUrl']) {
      keepText(flow, key);
      if (typeof flow[key] === 'string' && flow[key].length > MAX_ADDRESS) Reflect.deleteProperty(flow, key);
    }
    if (!isObject(flow.scopes)) Reflect.deleteProperty(flow, 'scopes');
  });
}

/** `components` of 3.x; 2.0's maps are handed over under the same names. `at` gives the pointer of a map. */
export function liftComponents(
  components: JsonObject,
  at: (map: string) => string,
  context: LiftContext,
): void {
  const kinds: Readonly<Record<string, NodeKind>> = {
    responses: 'response',
    parameters: 'parameter',
    examples: 'example',
    requestBodies: 'requestBody',
    headers: 'header',
    securitySchemes: 'securityScheme',
    pathItems: 'pathItem',
  };
  const { schemas } = components;
  if (isObject(schemas)) {
    // Some authors keep all schemas in another file: its entries are added to those that are here.
    if (noteReference(schemas, 'schemas', at('schemas'), context)) Reflect.deleteProperty(schemas, '$ref');
    liftSchemaMap(schemas, at('schemas'), context);
  } else {
    Reflect.deleteProperty(components, 'schemas');
  }
  for (const [map, kind] of Object.entries(kinds)) {
    eachObject(
      components,
      map,
      at(map),
      context,
      (node, pointer) => {
        liftNode(node, kind, pointer, context);
      },
      true,
    );
  }
}

export function liftServers(owner: JsonObject, pointer: string, context: LiftContext): void {
  if (!('servers' in owner)) return;
  const servers: unknown[] = Array.isArray(owner.servers) ? owner.servers : [];
  owner.servers = servers.filter((server, index) => {
    const at = `${pointer}/servers/${index}`;
    if (!isObject(server) || typeof server.url !== 'string') {
      context.problem(at, 'This server has no URL and was left out.');
      return false;
    }
    if (server.url.length > MAX_ADDRESS) {
      context.problem(
        at,
        `The URL of this server is longer than ${MAX_ADDRESS} characters and was left out.`,
      );
      return false;
    }
    liftServer(server);
    return true;
  });
}

function liftServer(server: JsonObject): void {
  keepText(server, 'description');
  if (!isObject(server.variables)) {
    Reflect.deleteProperty(server, 'variables');
    return;
  }
  for (const [name, variable] of Object.entries(server.variables)) {
    if (!isObject(variable)) {
      server.variables[name] = {};
      continue;
    }
    keepText(variable, 'default');
    keepText(variable, 'description');
    const values: unknown[] = Array.isArray(variable.enum) ? variable.enum : [];
    const texts = values.filter((one) => typeof one === 'string' || typeof one === 'number').map(String);
    if (texts.length > 0) variable.enum = texts;
    else Reflect.deleteProperty(variable, 'enum');
  }
}

/** Security requirements as a list of objects of lists. */
export function liftSecurity(owner: JsonObject): void {
  if (!('security' in owner)) return;
  if (!Array.isArray(owner.security)) {
    Reflect.deleteProperty(owner, 'security');
    return;
  }
  owner.security = (owner.security as unknown[])
    .filter(isObject)
    .map((requirement) =>
      Object.fromEntries(
        Object.entries(requirement).map(([scheme, scopes]) => [scheme, stringList(scopes) ?? []]),
      ),
    );
}

/** Visits the objects of the map `owner[key]`; takes out a map that is none, and entries that are no objects. */
function eachObject(
  owner: JsonObject,
  key: string,
  pointer: string,
  context: LiftContext,
  visit: (node: JsonObject, pointer: string) => void,
  pointerIsMap = false,
): void {
  const map = owner[key];
  if (map === undefined) return;
  const mapPointer = pointerIsMap ? pointer : `${pointer}/${key}`;
  if (!isObject(map)) {
    Reflect.deleteProperty(owner, key);
    const empty = map === null || (Array.isArray(map) && map.length === 0);
    if (!empty) context.problem(mapPointer, `"${key}" is not an object and was left out.`);
    return;
  }
  context.enter(map, 'map');
  for (const [name, node] of Object.entries(map)) {
    if (name.length > MAX_ADDRESS) {
      // It would stand in the pointers of all below it, once for each operation that comes by.
      Reflect.deleteProperty(map, name);
      context.problem(
        mapPointer,
        `A name in "${key}" is longer than ${MAX_ADDRESS} characters and was left out: "${name.slice(0, 80)}…".`,
      );
      continue;
    }
    const at = `${mapPointer}/${context.escape(name)}`;
    // Components and headers may be named x-…; beside status codes it marks an extension.
    const extension = name.startsWith('x-') && (key === 'responses' || key === 'flows') && !pointerIsMap;
    if (isObject(node) && !extension) {
      visit(node, at);
      continue;
    }
    Reflect.deleteProperty(map, name);
    if (node !== null && !name.startsWith('x-'))
      context.problem(at, 'This is not an object and was left out.');
  }
}

function noteReference(node: JsonObject, kind: NodeKind, pointer: string, context: LiftContext): boolean {
  if (typeof node.$ref !== 'string') {
    if ('$ref' in node && kind !== 'paths' && kind !== 'schemas') Reflect.deleteProperty(node, '$ref');
    return false;
  }
  context.reference(node, kind, pointer);
  return true;
}

export function keepText(node: JsonObject, key: string): void {
  const value = node[key];
  if (typeof value === 'string' || value === undefined) return;
  if (typeof value === 'number' || typeof value === 'boolean') node[key] = String(value);
  else Reflect.deleteProperty(node, key);
}

/** The media types of a list. One that is none by its length would stand in the pointers of every operation. */
export function mediaTypes(value: unknown): string[] | undefined {
  return stringList(value)?.filter((type) => type.length <= MAX_ADDRESS);
}

function stringList(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return (value as unknown[]).filter((item) => typeof item === 'string');
}
