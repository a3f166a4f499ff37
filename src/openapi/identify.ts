/** Says which kind of description a parsed document is, or what it is instead. */
import { SourcewrightError } from '../errors.ts';
import type { DescriptionFormat } from './description.ts';

export type JsonObject = { [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export interface Identified {
  readonly format: DescriptionFormat;
  readonly root: JsonObject;
  readonly warnings: readonly string[];
}

const CURE = 'Give an OpenAPI 3.x or Swagger 2.0 description in JSON or YAML.';

/** Other kinds of document that people have at hand, told by the keys of their root. */
const OTHERS: readonly { is: (root: JsonObject) => boolean; what: string; cure: string }[] = [
  {
    is: (root) => isPostman(root) || (isObject(root.collection) && isPostman(root.collection)),
    what: 'a Postman collection',
    cure: 'Export it as OpenAPI (Postman: "View more actions" of the collection, or postman-to-openapi) and give that.',
  },
  { is: (root) => 'asyncapi' in root, what: 'an AsyncAPI document (messages, not requests)', cure: CURE },
  {
    is: (root) => '__schema' in root || (isObject(root.data) && '__schema' in root.data),
    what: 'a GraphQL introspection result',
    cure: 'GraphQL is not read; give the description of a REST API.',
  },
  {
    is: (root) => 'arazzo' in root,
    what: 'an Arazzo document (workflows over an API)',
    cure: 'Give the OpenAPI description that it names under sourceDescriptions.',
  },
  {
    is: (root) => 'overlay' in root && 'actions' in root,
    what: 'an OpenAPI overlay',
    cure: 'Apply it to its description first, and give the result.',
  },
  {
    is: (root) => root.kind === 'discovery#restDescription' || 'discoveryVersion' in root,
    what: 'a Google discovery document',
    cure: 'Convert it to OpenAPI first (APIs.guru offers Google APIs as OpenAPI).',
  },
  {
    is: (root) => isObject(root.log) && Array.isArray(root.log.entries),
    what: 'a HAR recording',
    cure: CURE,
  },
  {
    is: (root) => root._type === 'export' && 'resources' in root,
    what: 'an Insomnia export',
    cure: 'Export the design document as OpenAPI instead.',
  },
  {
    is: (root) => 'swaggerVersion' in root,
    what: 'a Swagger 1.x resource listing',
    cure: 'Convert it to OpenAPI 3 first.',
  },
  {
    is: (root) => '$schema' in root && !('paths' in root),
    what: 'a JSON Schema, without requests',
    cure: CURE,
  },
];

function isPostman(root: JsonObject): boolean {
  const info = root.info;
  if (!isObject(info)) return false;
  return '_postman_id' in info || (typeof info.schema === 'string' && info.schema.includes('getpostman.com'));
}

/** Throws `input` for what is no description that can be read. */
export function identify(value: unknown, where: string): Identified {
  if (!isObject(value)) {
    const what = Array.isArray(value)
      ? 'a list'
      : value === null || value === undefined
        ? 'nothing'
        : 'plain text';
    throw new SourcewrightError(
      'input',
      `This is not an API description: the file holds ${what}, not an object.`,
      {
        where,
        place: 'line 1',
        cure: CURE,
      },
    );
  }
  const { format, warnings } = versionOf(value, where);
  assertPaths(value, where);
  return { format, root: value, warnings };
}

function versionOf(root: JsonObject, where: string): { format: DescriptionFormat; warnings: string[] } {
  const openapi = versionText(root.openapi);
  if (openapi !== undefined) {
    if (/^3\.0(\D|$)/.test(openapi)) return { format: 'openapi-3.0', warnings: [] };
    if (/^3\.1(\D|$)/.test(openapi)) return { format: 'openapi-3.1', warnings: [] };
    if (/^3(\.\d+)?/.test(openapi)) {
      const format = /^3$/.test(openapi) ? 'openapi-3.0' : 'openapi-3.1';
      return { format, warnings: [`OpenAPI version ${openapi} is read as ${format.slice(8)}.`] };
    }
    if (/^2(\D|$)/.test(openapi))
      return {
        format: 'swagger-2.0',
        warnings: [`The version stands under "openapi" instead of "swagger".`],
      };
    throw unknownVersion(`OpenAPI version ${openapi.slice(0, 40)}`, where, '/openapi');
  }
  const swagger = versionText(root.swagger);
  if (swagger !== undefined) {
    if (/^2(\D|$)/.test(swagger)) return { format: 'swagger-2.0', warnings: [] };
    if (/^3(\D|$)/.test(swagger))
      return {
        format: 'openapi-3.0',
        warnings: [`The version stands under "swagger" instead of "openapi".`],
      };
    throw unknownVersion(`Swagger version ${swagger.slice(0, 40)}`, where, '/swagger');
  }
  const other = OTHERS.find(({ is }) => is(root));
  if (other !== undefined) {
    throw new SourcewrightError('input', `This is ${other.what}, not an OpenAPI description.`, {
      where,
      cure: other.cure,
    });
  }
  if (isObject(root.paths)) {
    const old = 'swagger' in root || 'definitions' in root || 'basePath' in root || 'host' in root;
    const format = old ? 'swagger-2.0' : 'openapi-3.0';
    return {
      format,
      warnings: [
        `The field that names the version is missing; read as ${old ? 'Swagger 2.0' : 'OpenAPI 3.0'}.`,
      ],
    };
  }
  const keys = Object.keys(root)
    .slice(0, 5)
    .map((key) => `"${key.slice(0, 30)}"`);
  throw new SourcewrightError(
    'input',
    `This is not an API description: it has no "openapi" or "swagger" field${keys.length === 0 ? '' : ` (only ${keys.join(', ')})`}.`,
    { where, place: '/', cure: CURE },
  );
}

/** YAML reads an unquoted `2.0` as the number 2. */
function versionText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' ? String(value) : undefined;
}

function unknownVersion(what: string, where: string, place: string): SourcewrightError {
  return new SourcewrightError('input', `${what} is not read.`, { where, place, cure: CURE });
}

export function assertPaths(root: JsonObject, where: string): void {
  const { paths } = root;
  if (isObject(paths) && Object.keys(paths).some((key) => !key.startsWith('x-'))) return;
  if (isObject(root.webhooks) && Object.keys(root.webhooks).length > 0) {
    throw new SourcewrightError(
      'input',
      'This description has webhooks only: nothing that a connector could ask for.',
      {
        where,
        place: '/webhooks',
        cure: 'Give the description of the API that has the data.',
      },
    );
  }
  const state =
    paths === undefined
      ? 'has no "paths"'
      : isObject(paths)
        ? 'names no path'
        : 'has a "paths" that is not an object';
  throw new SourcewrightError('input', `The description ${state}, so there is nothing to read from.`, {
    where,
    place: '/paths',
    cure: 'Give the whole description; where it is split into files, give the one that holds "paths".',
  });
}
