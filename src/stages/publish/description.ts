/**
 * What a publication says: the commit's message and the pull request's text. Made of evidence alone; where a model wrote
 * words, they stand first, and the evidence is the same.
 */
import type { PublishedBrief } from '../../pipeline/brief-parts.ts';
import type { Review, TestReport } from '../../pipeline/contracts.ts';
import { paragraphs, plain, sentence, wrap } from './plain.ts';
import { MAX_ITEM, MAX_SUMMARY, MAX_TITLE, type PublicationWords } from './words.ts';

/** Width of a commit's lines, as git shows them. */
const WIDTH = 72;

export interface PublicationFacts {
  readonly name: string;
  readonly brief: PublishedBrief;
  /** Of the clean copy. */
  readonly report: TestReport;
  readonly review: Review | undefined;
  readonly openFindings: readonly string[];
  readonly draft: boolean;
  readonly runId: string;
  /** A model's, already checked. */
  readonly words?: PublicationWords | undefined;
}

/** What goes before the title of a publication with open findings. */
export function titlePrefix(draft: boolean): string {
  return draft ? 'Draft: ' : '';
}

export function title(facts: PublicationFacts): string {
  const prefix = titlePrefix(facts.draft);
  if (facts.words !== undefined) return `${prefix}${sentence(facts.words.title, MAX_TITLE)}`;
  return `${prefix}Add connector source-${facts.name} for ${plain(facts.brief.blueprint.api.title)}`;
}

function testLine({ report }: PublicationFacts): string {
  const skipped = report.skipped > 0 ? `, ${report.skipped} skipped` : '';
  const covered = report.coverage === null ? '' : `, ${report.coverage}% of the lines covered`;
  return `${report.passed} of ${report.total} passed${skipped}${covered} (Python ${report.python}, in a clean copy)`;
}

/** A model's words in a commit's message. */
function wordLines({ words }: PublicationFacts): string[] {
  if (words === undefined) return [];
  const items = [...words.changes, ...words.notes].flatMap((item) =>
    wrap(`- ${sentence(item, MAX_ITEM)}`, WIDTH, '  '),
  );
  const summary = paragraphs(words.summary, MAX_SUMMARY).flatMap((text) => [...wrap(text, WIDTH), '']);
  return [...summary, ...items, ...(items.length > 0 ? [''] : [])];
}

/** The line of a commit's message by which a run knows its own. */
export function runMark({ runId }: Pick<PublicationFacts, 'runId'>): string {
  return `Sourcewright-Run: ${runId}`;
}

/** The commit's message. Equal content gives an equal message but for the run's id. */
export function commitMessage(facts: PublicationFacts): string {
  const { blueprint } = facts.brief;
  const streams = blueprint.streams.filter((stream) => stream.selected).length;
  return [
    title(facts),
    '',
    ...wordLines(facts),
    `Generated from ${blueprint.source.format} "${plain(blueprint.api.title)}" ${plain(blueprint.api.version)}: ${streams} streams.`,
    `Tests: ${testLine(facts)}.`,
    ...(facts.openFindings.length > 0 ? [`Open findings: ${facts.openFindings.length}.`] : []),
    '',
    runMark(facts),
    `Sourcewright-Code: ${facts.report.codeSha256}`,
    `Sourcewright-Tests: ${facts.report.testsSha256}`,
    '',
  ].join('\n');
}

function list(items: readonly string[], limit: number): string[] {
  const shown = items.slice(0, limit).map((item) => `- ${item}`);
  return items.length > limit ? [...shown, `- … and ${items.length - limit} more`] : shown;
}

function reviewLines(facts: PublicationFacts): string[] {
  if (facts.review === undefined) return ['No review was made.'];
  const open = new Set(facts.openFindings);
  const answers = new Map(facts.review.answers.map((answer) => [answer.finding, answer]));
  const describe = (finding: Review['findings'][number]): string =>
    `${finding.severity} ${finding.rule} in ${finding.range.file}:${finding.range.startLine}: ${plain(finding.message)}`;
  const openOnes = facts.review.findings.filter((finding) => open.has(finding.id)).map(describe);
  const rejected = facts.review.findings
    .filter((finding) => answers.get(finding.id)?.answer === 'rejected')
    .map(
      (finding) =>
        `${describe(finding)} (rejected: ${plain(answers.get(finding.id)?.reason ?? 'no reason given')})`,
    );
  return [
    openOnes.length === 0 ? 'No open findings.' : `${openOnes.length} open findings:`,
    ...list(openOnes, 20),
    ...(rejected.length === 0 ? [] : ['', 'Looked at and rejected by a person:', ...list(rejected, 20)]),
  ];
}

/** A model's words in a pull request's text. */
function wordSections({ words }: PublicationFacts): string[] {
  if (words === undefined) return [];
  const section = (heading: string, items: readonly string[]): string[] =>
    items.length === 0
      ? []
      : [
          `## ${heading}`,
          ...list(
            items.map((item) => sentence(item, MAX_ITEM)),
            items.length,
          ),
          '',
        ];
  return [
    ...paragraphs(words.summary, MAX_SUMMARY).flatMap((text) => [text, '']),
    ...section('Changes', words.changes),
    ...section('Notes', words.notes),
  ];
}

/** The pull request's text. */
export function pullRequestBody(facts: PublicationFacts): string {
  const { blueprint } = facts.brief;
  const streams = blueprint.streams
    .filter((stream) => stream.selected)
    .map((stream) => {
      const keys = stream.primaryKey.map((path) => path.join('.')).join(', ');
      const facets = [stream.paging.kind === 'none' ? 'one page' : `paging: ${stream.paging.kind}`];
      if (keys !== '') facets.push(`key: ${plain(keys)}`);
      if (stream.parent !== undefined) facets.push(`child of ${stream.parent.stream}`);
      if (stream.incremental !== undefined) facets.push('incremental');
      return `${stream.name} (${facets.join('; ')})`;
    });
  const gaps = blueprint.gaps.map((gap) => `${plain(gap.question)} Assumed: ${plain(gap.assumed)}`);
  return [
    ...wordSections(facts),
    `Connector for ${plain(blueprint.api.title)} ${plain(blueprint.api.version)}, generated from its ${blueprint.source.format} description (SHA-256 ${blueprint.source.sha256.slice(0, 16)}…).`,
    '',
    '## Tests',
    `${testLine(facts)}.`,
    `Code ${facts.report.codeSha256.slice(0, 16)}…, tests ${facts.report.testsSha256.slice(0, 16)}….`,
    '',
    '## Review',
    ...reviewLines(facts),
    '',
    `## Streams (${streams.length})`,
    ...list(streams, 40),
    '',
    `## What the description does not say (${gaps.length})`,
    ...(gaps.length === 0 ? ['Nothing is open.'] : list(gaps, 20)),
    '',
  ].join('\n');
}
