/** The blueprint in a few lines: what a model has to know of an API to judge the connector that was made for it. */
import type { Auth, Blueprint, Stream } from '../../blueprint/schema.ts';
import type { Brief } from '../../pipeline/contracts.ts';
import { pagingWords, pathText } from '../research/brief-markdown.ts';
import { plain } from '../research/markdown.ts';

const MAX_STREAMS = 60;
const MAX_LISTED = 20;

/** At most `limit` lines as a list, and how many more there are. */
export function listed(lines: readonly string[], limit: number): string[] {
  const shown = lines.slice(0, limit).map((line) => `- ${line}`);
  return lines.length > limit ? [...shown, `- … and ${lines.length - limit} more`] : shown;
}

function authWords(auth: Auth): string {
  return auth.kind === 'api_key' ? `api_key in ${auth.in} ${plain(auth.name, 60)}` : auth.kind;
}

function streamWords(stream: Stream): string {
  const { incremental, parent, primaryKey } = stream;
  const parts = [
    `${stream.method} ${stream.path}`,
    `rows at ${pathText(stream.recordPath)} (${stream.recordShape})`,
    `key ${primaryKey.length === 0 ? 'unknown' : primaryKey.map((path) => path.join('.')).join(' + ')}`,
    `paging ${pagingWords(stream.paging)}`,
  ];
  if (incremental !== undefined) {
    const filter = incremental.param === undefined ? 'filtered here' : `filter ${incremental.param}`;
    parts.push(`incremental by ${incremental.cursorField.join('.')} (${filter})`);
  }
  if (parent !== undefined) parts.push(`child of ${parent.stream}`);
  return `${stream.name}: ${plain(parts.join('; '), 300)}`;
}

function section(title: string, lines: readonly string[], limit: number): string[] {
  return lines.length === 0 ? [] : ['', `${title} (${lines.length}):`, ...listed(lines, limit)];
}

/** What the description does not say, and what the connector does meanwhile. */
export function gapLines(blueprint: Blueprint): string[] {
  return blueprint.gaps.map(
    (gap) =>
      `${gap.stream === null ? '' : `${gap.stream}: `}${plain(gap.question, 200)} Assumed: ${plain(gap.assumed, 120)}`,
  );
}

/** Values that a model proposed and that neither a probe nor a person has confirmed. */
export function unconfirmedLines(blueprint: Blueprint): string[] {
  return blueprint.facts
    .filter((fact) => fact.status === 'unconfirmed')
    .map((fact) => `${fact.fact} of ${fact.subject ?? 'the API'}: ${plain(fact.value, 120)}`);
}

/** What had to be written by hand, as the blueprint can't say it. */
export function beyondLines(brief: Brief): string[] {
  return (brief.agent?.beyond ?? []).map(
    (item) => `${item.stream === null ? '' : `${item.stream}: `}${plain(item.what, 200)}`,
  );
}

/** The same text for the same brief: it stands first in a conversation, where it is read from the cache. */
export function blueprintSummary(brief: Brief): string {
  const { blueprint } = brief;
  const { api, auth, baseUrl, operations, rateLimit, source, streams } = blueprint;
  const selected = streams.filter((stream) => stream.selected);
  const limit =
    rateLimit.requests === undefined
      ? ''
      : ` Limit: ${rateLimit.requests} requests in ${rateLimit.windowSeconds ?? '?'} seconds.`;
  return [
    `Connector source-${blueprint.name} for ${plain(api.title, 120)} ${plain(api.version, 40)}, from its ${source.format}.`,
    `Base URL ${plain(baseUrl, 200)}.${limit}`,
    `Sign-in: ${auth.map((option) => option.parts.map(authWords).join(' and ')).join('; or ')}.`,
    `Operations for LLMs: ${operations.filter((operation) => operation.selected).length}.`,
    ...section('Streams', selected.map(streamWords), MAX_STREAMS),
    ...section('The description does not say', gapLines(blueprint), MAX_LISTED),
    ...section('Not confirmed', unconfirmedLines(blueprint), MAX_LISTED),
    ...section('Beyond the blueprint, to be written by hand', beyondLines(brief), MAX_LISTED),
  ].join('\n');
}
