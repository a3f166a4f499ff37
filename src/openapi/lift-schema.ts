/** Brings JSON Schemas of 2.0, 3.0 and 3.1 to the one form that `SchemaObject` promises, in place. */
import { isObject, type JsonObject } from './identify.ts';
import type { LiftContext } from './lift-context.ts';

const ONE = new Set([
  'items',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
  'additionalItems',
  'contentSchema',
]);
const MANY = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const TEXTS = new Set(['title', 'description', 'format', 'pattern']);
const FLAGS = new Set(['readOnly', 'writeOnly', 'deprecated']);

/** `node` and every schema inside it; schemas behind `$ref` are walked when the reference is resolved. */
export function liftSchema(node: JsonObject, pointer: string, context: LiftContext): void {
  if (!context.enter(node, 'schema')) return;
  for (const key of Object.keys(node)) {
    const value = node[key];
    if (key === '$ref') liftReference(node, pointer, context);
    else if (ONE.has(key)) liftOne(node, key, value, pointer, context);
    else if (MANY.has(key)) liftMany(node, key, value, pointer, context);
    else if (NAMED.has(key)) liftNamed(node, key, value, pointer, context);
    else if (TEXTS.has(key)) keepText(node, key, value);
    else if (FLAGS.has(key) && typeof value !== 'boolean') Reflect.deleteProperty(node, key);
  }
  liftType(node, pointer, context);
  liftBounds(node);
  liftNullable(node);
  context.extensions(node, pointer);
  context.anchor(node);
}

/** A schema that stands where one is expected: an object, made from a boolean or an empty value where need be. */
export function asSchema(value: unknown): JsonObject | undefined {
  if (isObject(value)) return value;
  if (value === true) return {};
  if (value === false) return { not: {} };
  return undefined;
}

function liftReference(node: JsonObject, pointer: string, context: LiftContext): void {
  if (typeof node.$ref === 'string') {
    context.reference(node, 'schema', pointer);
    return;
  }
  Reflect.deleteProperty(node, '$ref');
  context.problem(pointer, 'A "$ref" that is not text was left out.');
}

function liftOne(node: JsonObject, key: string, value: unknown, pointer: string, context: LiftContext): void {
  if (key === 'items' && Array.isArray(value)) {
    // Tuples of older drafts.
    Reflect.deleteProperty(node, 'items');
    node.prefixItems = value;
    liftMany(node, 'prefixItems', value, pointer, context);
    return;
  }
  const schema = value === null ? {} : asSchema(value);
  if (schema === undefined) {
    Reflect.deleteProperty(node, key);
    context.problem(`${pointer}/${key}`, `"${key}" is not a schema and was left out.`);
    return;
  }
  node[key] = schema;
  liftSchema(schema, `${pointer}/${key}`, context);
}

function liftMany(
  node: JsonObject,
  key: string,
  value: unknown,
  pointer: string,
  context: LiftContext,
): void {
  const list: unknown[] = Array.isArray(value) ? value : isObject(value) ? [value] : [];
  if (!Array.isArray(value)) context.problem(`${pointer}/${key}`, `"${key}" is not a list.`);
  const schemas: JsonObject[] = [];
  for (const [index, item] of list.entries()) {
    const schema = asSchema(item);
    // A gap keeps its place, so that the others' pointers stay true.
    if (schema === undefined) context.problem(`${pointer}/${key}/${index}`, 'This is not a schema.');
    schemas.push(schema ?? {});
    if (schema !== undefined) liftSchema(schema, `${pointer}/${key}/${index}`, context);
  }
  if (schemas.length === 0) Reflect.deleteProperty(node, key);
  else node[key] = schemas;
}

function liftNamed(
  node: JsonObject,
  key: string,
  value: unknown,
  pointer: string,
  context: LiftContext,
): void {
  if (!isObject(value)) {
    Reflect.deleteProperty(node, key);
    // Writers in PHP put [] for an empty object.
    if (value !== null && !(Array.isArray(value) && value.length === 0)) {
      context.problem(`${pointer}/${key}`, `"${key}" is not an object and was left out.`);
    }
    return;
  }
  liftSchemaMap(value, `${pointer}/${key}`, context);
}

/** A map of names to schemas. */
export function liftSchemaMap(map: JsonObject, pointer: string, context: LiftContext): void {
  context.enter(map, 'map');
  for (const [name, value] of Object.entries(map)) {
    const at = `${pointer}/${context.escape(name)}`;
    const schema = value === null ? {} : asSchema(value);
    if (schema === undefined) {
      Reflect.deleteProperty(map, name);
      if (!name.startsWith('x-')) context.problem(at, `"${name}" is not a schema and was left out.`);
      continue;
    }
    map[name] = schema;
    liftSchema(schema, at, context);
  }
}

function keepText(node: JsonObject, key: string, value: unknown): void {
  if (typeof value === 'string') return;
  if (typeof value === 'number' || typeof value === 'boolean') node[key] = String(value);
  else Reflect.deleteProperty(node, key);
}

function liftType(node: JsonObject, pointer: string, context: LiftContext): void {
  const { type } = node;
  if (Array.isArray(type)) {
    // YAML's bare `null` in a type list.
    const types = type
      .map((one: unknown) => (one === null ? 'null' : one))
      .filter((one) => typeof one === 'string');
    if (types.length === 0) Reflect.deleteProperty(node, 'type');
    else node.type = types;
  } else if (type === null) {
    node.type = 'null';
  } else if (type === 'file' && context.version === '2.0') {
    node.type = 'string';
    node.format = 'binary';
  } else if (type !== undefined && typeof type !== 'string') {
    Reflect.deleteProperty(node, 'type');
    context.problem(`${pointer}/type`, 'A type that is not text was left out.');
  }
  if ('required' in node) {
    const { required } = node;
    // `required: true` on a property is draft 3; its parent's list is what counts since.
    if (Array.isArray(required)) node.required = required.filter((name) => typeof name === 'string');
    else Reflect.deleteProperty(node, 'required');
  }
  if ('enum' in node && !Array.isArray(node.enum)) {
    Reflect.deleteProperty(node, 'enum');
    context.problem(`${pointer}/enum`, '"enum" is not a list and was left out.');
  }
  if ('examples' in node && !Array.isArray(node.examples)) {
    if (isObject(node.examples)) node.examples = Object.values(node.examples);
    else Reflect.deleteProperty(node, 'examples');
  }
}

function liftBounds(node: JsonObject): void {
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (node[exclusive] === true && typeof node[bound] === 'number') {
      node[exclusive] = node[bound];
      Reflect.deleteProperty(node, bound);
    } else if (typeof node[exclusive] === 'boolean') {
      Reflect.deleteProperty(node, exclusive);
    }
  }
  for (const key of ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'] as const) {
    const value = node[key];
    if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
      node[key] = Number(value);
    else if (value !== undefined && typeof value !== 'number') Reflect.deleteProperty(node, key);
  }
}

/** `nullable` of 3.0 and `x-nullable` of 2.0, also where they linger in 3.1. See `SchemaObject` for what is left. */
function liftNullable(node: JsonObject): void {
  const nullable = node.nullable === true || node['x-nullable'] === true;
  if ('nullable' in node) Reflect.deleteProperty(node, 'nullable');
  if (!nullable) return;
  if (Array.isArray(node.enum) && !node.enum.includes(null)) node.enum.push(null);
  const { type } = node;
  if (typeof type === 'string') {
    if (type !== 'null') node.type = [type, 'null'];
  } else if (Array.isArray(type)) {
    if (!type.includes('null')) type.push('null');
  } else {
    const branches = node.anyOf ?? node.oneOf;
    if (Array.isArray(branches)) {
      if (!branches.some((branch) => isObject(branch) && branch.type === 'null'))
        branches.push({ type: 'null' });
    } else if ('$ref' in node || 'allOf' in node) {
      node.nullable = true;
    }
  }
}
