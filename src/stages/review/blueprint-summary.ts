/** The blueprint in a few lines: what a model has to know of an API to judge the connector that was made for it. */
import type { Auth, Blueprint, Stream } from '../../blueprint/schema.ts';
import { pagingText } from '../../openapi/rules/questions.ts';
import type { Brief } from '../../pipeline/contracts.ts';
import { pathText } from '../research/brief-words.ts';
import { oneLine } from '../research/markdown.ts';

const MAX_STREAMS = 60;
const MAX_LISTED = 20;

/** At most `limit` lines as a list, and how many more there are. */
export function listed(lines: readonly string[], limit: number): string[] {
  const shown = lines.slice(0, limit).map((line) => `- ${line}`);
  return lines.length > limit ? [...shown, `- … and ${lines.length - limit} more`] : shown;
}

function authWords(auth: Auth): string {
  return auth.kind === 'api_key' ? `api_key in ${auth.in} ${oneLine(auth.name, 60)}` : auth.kind;
}

/** At least so many streams must page alike before that is said once for all of them. */
const ALIKE = 3;

/** How most streams page, in words. */
function usualPaging(streams: readonly Stream[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { paging } of streams) {
    const words = pagingText(paging);
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most !== undefined && most[1] >= ALIKE ? most[0] : undefined;
}

function streamWords(stream: Stream, usual: string | undefined): string {
  const { incremental, parent, primaryKey, recordShape } = stream;
  const paging = pagingText(stream.paging);
  const parts = [
    `${stream.method} ${stream.path}`,
    `rows at ${pathText(stream.recordPath)}${recordShape === 'list' ? '' : ` (${recordShape})`}`,
    `key ${primaryKey.length === 0 ? 'unknown' : primaryKey.map((path) => path.join('.')).join(' + ')}`,
    ...(paging === usual ? [] : [paging]),
  ];
  if (incremental !== undefined) {
    const filter = incremental.param === undefined ? 'filtered here' : `filter ${incremental.param}`;
    parts.push(`incremental by ${incremental.cursorField.join('.')} (${filter})`);
  }
  if (parent !== undefined) parts.push(`child of ${parent.stream}`);
  return `${stream.name}: ${oneLine(parts.join('; '), 300)}`;
}

function section(title: string, lines: readonly string[], limit: number): string[] {
  return lines.length === 0 ? [] : ['', `${title} (${lines.length}):`, ...listed(lines, limit)];
}

/** What the description does not say, and what the connector does meanwhile. Most questions name their stream. */
function gapLines(blueprint: Blueprint): string[] {
  return blueprint.gaps.map(({ stream, question, assumed }) => {
    const about = stream === null || question.includes(stream) ? '' : `${stream}: `;
    return `${about}${oneLine(question, 200)} Assumed: ${oneLine(assumed, 120)}`;
  });
}

/** Values that a model proposed and that neither a probe nor a person has confirmed. */
function unconfirmedLines(blueprint: Blueprint): string[] {
  return blueprint.facts
    .filter((fact) => fact.status === 'unconfirmed')
    .map((fact) => `${fact.fact} of ${fact.subject ?? 'the API'}: ${oneLine(fact.value, 120)}`);
}

/** What had to be written by hand, as the blueprint can't say it. */
function beyondLines(brief: Brief): string[] {
  return (brief.agent?.beyond ?? []).map(
    (item) => `${item.stream === null ? '' : `${item.stream}: `}${oneLine(item.what, 200)}`,
  );
}

/**
 * The same text for the same brief: it stands first in a conversation, where it is read from the cache. It is for a model, and
 * no Markdown: nothing in it is escaped.
 * @param without what the conversation is asked word for word anyway
 */
export function blueprintSummary(brief: Brief, without?: 'beyond'): string {
  const { blueprint } = brief;
  const { api, auth, baseUrl, operations, rateLimit, source, streams } = blueprint;
  const selected = streams.filter((stream) => stream.selected);
  const usual = usualPaging(selected);
  const alike = usual === undefined ? '' : `, ${usual}`;
  const limit =
    rateLimit.requests === undefined
      ? ''
      : ` Limit: ${rateLimit.requests} requests in ${rateLimit.windowSeconds ?? '?'} seconds.`;
  return [
    `Connector source-${blueprint.name} for ${oneLine(api.title, 120)} ${oneLine(api.version, 40)}, from its ${source.format}.`,
    `Base URL ${oneLine(baseUrl, 200)}.${limit}`,
    `Sign-in: ${auth.map((option) => option.parts.map(authWords).join(' and ')).join('; or ')}.`,
    `Operations for LLMs: ${operations.filter((operation) => operation.selected).length}.`,
    ...section(
      `Streams; each a list of rows${alike}, where its line says nothing else`,
      selected.map((stream) => streamWords(stream, usual)),
      MAX_STREAMS,
    ),
    ...section('The description does not say', gapLines(blueprint), MAX_LISTED),
    ...section('Not confirmed', unconfirmedLines(blueprint), MAX_LISTED),
    ...(without === 'beyond'
      ? []
      : section('Beyond the blueprint, to be written by hand', beyondLines(brief), MAX_LISTED)),
  ].join('\n');
}
