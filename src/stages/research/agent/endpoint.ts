/** What a description says of the endpoint behind a stream: all its parameters, and which fields its rows have. */
import type {
  Blueprint,
  FieldPath,
  JsonSchema,
  ParameterLocation,
  Stream,
} from '../../../blueprint/schema.ts';
import { sentByReading } from '../corrections.ts';

export interface EndpointParameter {
  readonly name: string;
  readonly in: ParameterLocation;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/**
 * The parameters of a stream's endpoint. A stream holds only those that it sends; its operation of the agent face holds what
 * the description lists, and the path itself names the rest.
 */
export function endpointParameters(blueprint: Blueprint, stream: Stream): EndpointParameter[] {
  const operation = blueprint.operations.find(
    ({ method, path }) => method === stream.method && path === stream.path,
  );
  const named =
    (location: ParameterLocation) =>
    (name: string): EndpointParameter => ({
      name,
      in: location,
      type: 'string',
      required: location === 'path',
      description: '',
    });
  const all: EndpointParameter[] = [
    ...(operation?.parameters ?? []),
    ...stream.parameters.map((one) => ({ ...one, description: one.description ?? '' })),
    ...pathParameters(stream.path).map(named('path')),
    ...sentByReading(stream).map(named('query')),
  ];
  const same = (one: EndpointParameter) => (other: EndpointParameter) =>
    other.in === one.in && other.name === one.name;
  return all.filter((one, index) => all.findIndex(same(one)) === index);
}

/** The names in a path template: `/a/{b}/c` → b. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name ?? '');
}

/** Whether rows have a field; undefined where their schema leaves it open. */
export function hasField(schema: JsonSchema, path: FieldPath): boolean | undefined {
  let here: unknown = schema;
  for (const segment of path) {
    if (!isSchema(here)) return undefined;
    if (segment === '*') {
      here = here['items'] ?? here['additionalProperties'];
      continue;
    }
    const properties = here['properties'];
    if (!isSchema(properties) || Object.keys(properties).length === 0) return undefined;
    if (!Object.hasOwn(properties, segment)) return isOpen(here) ? undefined : false;
    here = properties[segment];
  }
  return true;
}

/** Whether a row's schema lists its fields, so that others can be told to be missing. */
export function listsFields(schema: JsonSchema): boolean {
  const properties = schema['properties'];
  return isSchema(properties) && Object.keys(properties).length > 0 && !isOpen(schema);
}

/** Said to take further fields; where nothing is said, the fields that are listed count as all. */
function isOpen(schema: JsonSchema): boolean {
  const more = schema['additionalProperties'];
  return more !== undefined && more !== false;
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a row by name, with their types, for a reader; at most `limit`. */
export function rowFields(schema: JsonSchema, limit: number): string[] {
  const properties = schema['properties'];
  if (!isSchema(properties)) return [];
  const entries = Object.entries(properties);
  const shown = entries.slice(0, limit).map(([name, value]) => {
    const types = isSchema(value) ? [value['type'], value['format']].flat() : [];
    const words = types.filter((one) => typeof one === 'string' && one !== 'null');
    return words.length === 0 ? name : `${name} ${words.join(' ')}`;
  });
  return entries.length > limit ? [...shown, `… ${entries.length - limit} more`] : shown;
}
