/** What rules made of a description, as short text for a model: only what claims need. */
import type { Blueprint, Gap, Stream } from '../../../blueprint/schema.ts';
import { pagingText } from '../../../openapi/rules/questions.ts';
import { shorten } from '../../../openapi/rules/words.ts';
import { endpointParameters, rowFields, type EndpointParameter } from './endpoint.ts';

/** Facts that documentation can answer. What the person alone knows, such as settings, stays their question. */
const ASKED: ReadonlySet<Gap['fact']> = new Set([
  'auth',
  'base_url',
  'rate_limit',
  'record_path',
  'schema',
  'primary_key',
  'paging',
  'parent',
  'incremental',
]);
const MAX_GAPS = 60;
const MAX_STREAMS = 120;
const MAX_FIELDS = 60;
const MAX_PARAMETERS = 40;
const MAX_OPTIONS = 6;

/** The open questions about what will be generated, those about the whole API first. */
export function openQuestions(blueprint: Blueprint): Gap[] {
  const selected = new Set(blueprint.streams.filter((one) => one.selected).map((one) => one.name));
  const asked = blueprint.gaps.filter((gap) => ASKED.has(gap.fact));
  return [
    ...asked.filter((gap) => gap.stream === null),
    ...asked.filter((gap) => gap.stream !== null && selected.has(gap.stream)),
  ].slice(0, MAX_GAPS);
}

export function apiText(blueprint: Blueprint): string {
  const { api, baseUrl, auth, rateLimit, source } = blueprint;
  const signIn = auth
    .map((option) => option.parts.map((part) => JSON.stringify(part)).join(' and '))
    .join(' or ');
  const selected = blueprint.streams.filter((stream) => stream.selected);
  return [
    `${shorten(api.title, 120)} ${shorten(api.version, 40)}`.trim(),
    `Description: ${source.location} (${source.format})`,
    ...(api.docsUrl === undefined ? [] : [`Documentation: ${api.docsUrl}`]),
    `Base URL: ${baseUrl}`,
    `Signing in: ${shorten(signIn, 600)}`,
    `Rate limit: ${JSON.stringify(rateLimit)}`,
    ...(api.description === undefined ? [] : [`About it: ${shorten(api.description, 600)}`]),
    '',
    `Streams (${selected.length} of ${blueprint.streams.length} selected):`,
    ...selected.slice(0, MAX_STREAMS).map(({ name, method, path }) => `- ${name}: ${method} ${path}`),
    ...(selected.length > MAX_STREAMS ? [`- … ${selected.length - MAX_STREAMS} more`] : []),
  ].join('\n');
}

/** Endpoints with all that a claim about them may name. What parameters of many endpoints are for is told at the first. */
export function endpointsText(blueprint: Blueprint, streams: readonly Stream[]): string {
  const told = new Set<string>();
  return streams.map((stream) => endpointText(blueprint, stream, told)).join('\n\n');
}

function endpointText(blueprint: Blueprint, stream: Stream, told: Set<string>): string {
  const operation = blueprint.operations.find(
    ({ path, method }) => path === stream.path && method === stream.method,
  );
  const about = shorten(operation?.description ?? stream.description ?? '', 300);
  const parameters = endpointParameters(blueprint, stream);
  const fields = rowFields(stream.schema, MAX_FIELDS);
  const at = stream.recordPath.length === 0 ? 'the root' : stream.recordPath.join('.');
  return [
    `## ${stream.name}: ${stream.method} ${stream.path}`,
    ...(about === '' ? [] : [about]),
    `Rows at ${at} (${stream.recordShape}); key ${stream.primaryKey.map((key) => key.join('.')).join(' + ') || 'unknown'}; ${pagingText(stream.paging)}${stream.parent === undefined ? '' : `; for each row of ${stream.parent.stream}`}`,
    parameters.length === 0
      ? 'Parameters: none'
      : `Parameters:\n${parametersText(parameters.slice(0, MAX_PARAMETERS), told)}`,
    `Fields of a row: ${fields.length === 0 ? 'not told' : fields.join(', ')}`,
  ].join('\n');
}

function parametersText(parameters: readonly EndpointParameter[], told: Set<string>): string {
  return parameters
    .map(({ name, in: location, type, required, description }) => {
      const head = `- ${name} (${location} ${type}${required ? ', required' : ''})`;
      const about = shorten(description, 140);
      const line = about === '' ? head : `${head}: ${about}`;
      const known = about !== '' && told.has(line);
      told.add(line);
      return known ? `${head}: as above` : line;
    })
    .join('\n');
}

export function questionsText(gaps: readonly Gap[]): string {
  return gaps.map(questionText).join('\n');
}

function questionText(gap: Gap): string {
  const options = gap.options
    .slice(0, MAX_OPTIONS)
    .map((option) => `  - ${shorten(option.label, 60)}: ${shorten(JSON.stringify(option.value), 300)}`);
  return [
    `- stream ${gap.stream === null ? 'null' : `"${gap.stream}"`}, fact ${gap.fact}: ${shorten(gap.question, 300)} Until then: ${shorten(gap.assumed, 160)}`,
    ...options,
  ].join('\n');
}

/** The words of the description itself that a conversation has seen, for quotes: nothing of it is ours. */
export function describedWords(blueprint: Blueprint): string {
  const { api, streams, operations } = blueprint;
  const paths = new Set(streams.filter((stream) => stream.selected).map((stream) => stream.path));
  return [
    api.description,
    ...streams.filter((stream) => stream.selected).flatMap((stream) => [stream.title, stream.description]),
    ...operations
      .filter((operation) => paths.has(operation.path))
      .flatMap((operation) => [
        operation.summary,
        operation.description,
        ...operation.parameters.filter(isDescribed).map((parameter) => parameter.description),
      ]),
  ]
    .filter((text) => text !== undefined)
    .join('\n');
}

/** Rules make words of the name where the description has none. */
function isDescribed({ pythonName, description }: { pythonName: string; description: string }): boolean {
  return description.toLowerCase() !== `${pythonName.replaceAll('_', ' ').trim()}.`;
}
