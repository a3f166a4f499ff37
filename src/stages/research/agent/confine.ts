/** Keeps claims within what is known to exist: parameters of the endpoint, fields of the rows, variables of the base URL. */
import type { Blueprint, FieldPath, Stream } from '../../../blueprint/schema.ts';
import { UNKNOWN_BASE_URL } from '../../../openapi/rules/servers.ts';
import { sentByReading, type Correction } from '../corrections.ts';
import { endpointParameters, hasField, listsFields, pathParameters } from './endpoint.ts';

/** What a claim may rest on beside the blueprint. */
export interface Confinement {
  /** Whether a query parameter that the blueprint does not list may be named all the same. */
  readonly allowsParameter: (name: string) => boolean;
  /** Whether a host (`host:port`) may be asked over http: the person named it. */
  readonly allowsHttp: (host: string) => boolean;
  /** There is a description: what it shows is all there is. */
  readonly described: boolean;
}

/**
 * Why a claim that has the right form can't be: `before` is what was known, `after` the same with the claim in it.
 * Undefined = nothing speaks against it.
 */
export function contradiction(
  before: Blueprint,
  after: Blueprint,
  { fact, stream: name }: Correction,
  confinement: Confinement,
): string | undefined {
  if (fact === 'base_url') return baseUrlProblem(before, after, confinement);
  if (fact === 'auth') return tokenUrlProblem(after);
  const was = before.streams.find((stream) => stream.name === name);
  const is = after.streams.find((stream) => stream.name === name);
  if (was === undefined || is === undefined) return undefined;
  switch (fact) {
    case 'record_path':
      return confinement.described ? recordPathProblem(before, was, is) : undefined;
    case 'schema':
      return confinement.described && listsFields(was.schema)
        ? 'the description shows the fields of the rows already'
        : undefined;
    case 'primary_key':
      return missingField(is, is.primaryKey);
    case 'paging':
      return (
        missingParameter(before, was, sentByReading({ paging: is.paging }), confinement) ?? pagingProblem(is)
      );
    case 'incremental':
      return (
        missingParameter(before, was, filterNames(is), confinement) ??
        missingField(is, is.incremental === undefined ? [] : [is.incremental.cursorField])
      );
    case 'parent':
      return parentProblem(after, is);
    default:
      return undefined;
  }
}

function baseUrlProblem(
  before: Blueprint,
  after: Blueprint,
  { allowsHttp }: Confinement,
): string | undefined {
  const url = after.baseUrl;
  if (url.startsWith(UNKNOWN_BASE_URL)) return 'this is no address';
  const host = /^https?:\/\/([^/?#]+)/i.exec(url)?.[1] ?? '';
  if (host === '' || host.includes('@'))
    return 'a base URL is https:// and a host, without user and password';
  if (!/^https:/i.test(url) && !allowsHttp(host)) return 'a base URL begins with https://';
  const known = new Set(before.serverVariables.map((variable) => variable.name));
  const unknown = pathParameters(url).filter((name) => !known.has(name));
  return unknown.length === 0 ? undefined : `{${unknown[0] ?? ''}} is no variable of the base URL`;
}

/** Secrets are sent to it. */
function tokenUrlProblem({ auth }: Blueprint): string | undefined {
  const insecure = auth
    .flatMap((option) => option.parts)
    .flatMap((part) => {
      if (part.kind === 'session') return [part.loginUrl];
      return 'tokenUrl' in part && part.tokenUrl !== undefined ? [part.tokenUrl] : [];
    })
    // A path below the base URL goes where all requests go.
    .some((url) => !/^(https:\/\/[^/@]+(\/|$)|\/(?!\/))/i.test(url));
  return insecure ? 'a token URL begins with https://' : undefined;
}

/** Where the description shows the answer, its rows stand at a place that it shows. */
function recordPathProblem(blueprint: Blueprint, was: Stream, is: Stream): string | undefined {
  const path = JSON.stringify(is.recordPath);
  if (path === JSON.stringify(was.recordPath)) return undefined;
  const offered = blueprint.gaps
    .filter((gap) => gap.stream === was.name && gap.fact === 'record_path')
    .flatMap((gap) => gap.options.map((option) => JSON.stringify(option.value)));
  if (offered.includes(path)) return undefined;
  if (!listsFields(was.schema)) return undefined;
  const below = was.recordPath.every((segment, index) => is.recordPath[index] === segment);
  const rest = is.recordPath.slice(was.recordPath.length);
  if (below && was.recordShape === 'single' && hasField(was.schema, rest) !== false) return undefined;
  return `the description shows no rows at ${pathWords(is.recordPath)}`;
}

function missingField(stream: Stream, fields: readonly FieldPath[]): string | undefined {
  const missing = fields.find((field) => hasField(stream.schema, field) === false);
  return missing === undefined ? undefined : `rows of ${stream.name} have no field ${pathWords(missing)}`;
}

function pathWords(path: FieldPath): string {
  return path.length === 0 ? 'the root' : path.join('.');
}

function filterNames({ incremental }: Stream): string[] {
  return incremental === undefined ? [] : sentByReading({ paging: { kind: 'none' }, incremental });
}

function missingParameter(
  blueprint: Blueprint,
  stream: Stream,
  names: readonly string[],
  { allowsParameter }: Confinement,
): string | undefined {
  const known = endpointParameters(blueprint, stream)
    .filter((parameter) => parameter.in === 'query')
    .map((parameter) => parameter.name);
  const missing = names.find((name) => !known.includes(name) && !allowsParameter(name));
  if (missing === undefined) return undefined;
  const has = known.length === 0 ? 'it has none' : `it has ${known.slice(0, 20).join(', ')}`;
  return `"${missing}" is no query parameter of ${stream.method} ${stream.path}: ${has}`;
}

function pagingProblem(stream: Stream): string | undefined {
  const { paging } = stream;
  if (paging.kind !== 'cursor') return undefined;
  if ((paging.nextPath === undefined) === (paging.lastRecordField === undefined)) {
    return 'a cursor stands in the answer (nextPath) or in the last row (lastRecordField): give exactly one';
  }
  return missingField(stream, paging.lastRecordField === undefined ? [] : [paging.lastRecordField]);
}

function parentProblem(blueprint: Blueprint, stream: Stream): string | undefined {
  const { parent } = stream;
  const wanted = pathParameters(stream.path);
  const filled = (parent?.parameters ?? []).map(({ name }) => name);
  const stranger = filled.find((name) => !wanted.includes(name));
  if (stranger !== undefined) return `{${stranger}} does not stand in ${stream.path}`;
  const settings = stream.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
  const empty = wanted.find((name) => !filled.includes(name) && !settings.includes(name));
  if (empty !== undefined) return `nothing fills {${empty}} in ${stream.path}`;
  const above = blueprint.streams.find((one) => one.name === parent?.stream);
  if (parent === undefined || above === undefined) return undefined;
  if (isBelow(blueprint, above, stream)) return `${above.name} is read from ${stream.name} itself`;
  for (const { from } of parent.parameters) {
    if (from.kind === 'partition' && !pathParameters(above.path).includes(from.parameter)) {
      return `{${from.parameter}} does not stand in ${above.path}`;
    }
    if (from.kind === 'record' && hasField(above.schema, from.field) === false) {
      return `rows of ${above.name} have no field ${pathWords(from.field)}`;
    }
  }
  return undefined;
}

/** Whether a stream is another one, or reads from it. */
function isBelow(blueprint: Blueprint, stream: Stream, other: Stream): boolean {
  let here: Stream | undefined = stream;
  for (let depth = 0; here !== undefined && depth < 20; depth += 1) {
    if (here.name === other.name) return true;
    const above: string | undefined = here.parent?.stream;
    here = blueprint.streams.find((one) => one.name === above);
  }
  return here !== undefined;
}
