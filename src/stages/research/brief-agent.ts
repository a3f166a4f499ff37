/** What the notes say where a research agent was at work: its words, what nobody has confirmed, and what was struck. */
import type { Fact } from '../../blueprint/schema.ts';
import type { Brief } from '../../pipeline/contracts.ts';
import { evidenceWords, FACTS } from './brief-words.ts';
import { code, plain, table } from './markdown.ts';

const MAX_SUMMARY_LINES = 60;
const MAX_LISTED = 200;

/** First sentence of the notes: whose work they are. */
export function madeBy({ agent, blueprint }: Brief): string {
  if (blueprint.source.format === 'blueprint') return 'Made from a blueprint that was written by hand.';
  if (agent === undefined) return "Made by rules from the API's own description, without a model.";
  return blueprint.source.format === 'docs'
    ? 'Made by the research agent (a model) from documentation. Nobody has confirmed it: see "Unconfirmed".'
    : "Made by rules from the API's own description; the research agent (a model) answered what that leaves open.";
}

/** `open`: what the agent could not find out. Nothing where rules alone did the research. */
export function agentSections({ agent, blueprint }: Brief, open: readonly string[]): string[] {
  if (agent === undefined) return [];
  return [
    ...summarySection(agent.summary),
    ...unconfirmedSection(blueprint.facts),
    ...listSection(
      'What the agent could not find out',
      open.map((question) => plain(question, 400)),
    ),
    ...beyondSection(agent.beyond),
    ...struckSection(agent.struck),
    ...listSection(
      'Existing connectors',
      agent.existingConnectors.map(
        ({ name, url, note }) => `${plain(name, 120)} (${code(url)}): ${plain(note, 300)}`,
      ),
    ),
    ...listSection(
      'Documents that were read',
      agent.documents.map(
        ({ url, at, sha256 }) => `${code(url)}, ${plain(at, 40)}, SHA-256 ${code(sha256.slice(0, 12))}`,
      ),
    ),
  ];
}

type Agent = NonNullable<Brief['agent']>;

/** Its lines, without markup of its own: it may have read what a stranger wrote. */
function summarySection(summary: string): string[] {
  const lines = summary
    .split(/\r?\n/)
    .slice(0, MAX_SUMMARY_LINES)
    .map((line) => {
      const item = /^\s*[-*]\s+(.*)$/.exec(line)?.[1];
      const text = plain((item ?? line).replace(/^#+\s*/, ''), 500);
      return item === undefined ? text : `- ${text}`;
    });
  return summary.trim() === '' ? [] : ["## The agent's notes", '', ...lines, ''];
}

function unconfirmedSection(facts: readonly Fact[]): string[] {
  const subjects = [...new Set(facts.map((fact) => fact.subject))];
  const rows = facts
    .filter((fact) => fact.status === 'unconfirmed')
    .sort((a, b) => subjects.indexOf(a.subject) - subjects.indexOf(b.subject))
    .slice(0, MAX_LISTED)
    .map((fact) => [
      fact.subject === null ? 'The API' : code(fact.subject),
      FACTS[fact.fact],
      plain(fact.value, 200),
      fact.evidence.slice(0, 3).map(evidenceWords).join('; '),
    ]);
  if (rows.length === 0) return [];
  return [
    '## Unconfirmed',
    '',
    'Nobody has confirmed these. A probe of the API confirms what it sees; a correction of yours settles the rest.',
    '',
    ...table(['Stream', 'Fact', 'Value', 'Words that it rests on'], rows),
  ];
}

function beyondSection(beyond: Agent['beyond']): string[] {
  const rows = beyond
    .slice(0, MAX_LISTED)
    .map(({ stream, what, url, quote }) => [
      stream === null ? 'The API' : code(stream),
      plain(what, 400),
      `${code(url, 240)} “${plain(quote, 160)}”`,
    ]);
  if (rows.length === 0) return [];
  return ['## To be written by hand', '', ...table(['Stream', 'What', 'Where it stands'], rows)];
}

function struckSection(struck: Agent['struck']): string[] {
  const rows = struck
    .slice(0, MAX_LISTED)
    .map(({ claim, because }) => [plain(claim, 240), plain(because, 240)]);
  if (rows.length === 0) return [];
  return [
    '## Struck',
    '',
    'Claims of the agent that did not hold. They are not in the connector.',
    '',
    ...table(['Claim', 'Because'], rows),
  ];
}

function listSection(title: string, items: readonly string[]): string[] {
  return items.length === 0
    ? []
    : [`## ${title}`, '', ...items.slice(0, MAX_LISTED).map((item) => `- ${item}`), ''];
}
