/** IMPLEMENTATION.md of a connector: why it is as it is, what each fact rests on, and what is only assumed. */
import type { Blueprint, Evidence, Fact, Gap } from '../schema.ts';
import { code, table, text } from './documentation-markdown.ts';
import { generatedStreams } from './features.ts';

/** Streams and operations left out that are listed one by one. */
const MOST_LEFT_OUT = 500;
/** Problems of the description that are listed one by one; the rest is counted. */
const MOST_PROBLEMS = 50;
/** Facts of a lower confidence are listed as doubtful until somebody confirms them. */
const SURE = 0.8;

/** The file's text. */
export function implementationNotes(blueprint: Blueprint): string {
  const parts = [
    origin(blueprint),
    design(),
    facts(blueprint),
    unconfirmed(blueprint),
    gaps(blueprint),
    omitted(blueprint),
    problems(blueprint),
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function origin(blueprint: Blueprint): string[] {
  const { source } = blueprint;
  return [
    `# How source-${blueprint.name} is made`,
    '',
    `Compiled from a description in ${text(source.format)} form, ${code(source.location)} (${String(source.bytes)} bytes, SHA-256 ${code(source.sha256)}).`,
    'The same description gives the same files, byte for byte. Pointers below are JSON pointers into it.',
  ];
}

function design(): string[] {
  return [
    '## Design',
    '',
    '- Every request goes through one helper in `src/client.py`: authentication, limits, retries and redaction are there and nowhere else.',
    '- 429 with a wait of up to 60 seconds, 408, 5xx, time-outs and lost connections are retried with jittered exponential backoff; other 4xx are not. A longer wait is a used-up quota and fails at once.',
    '- A read ends with an error, never with an empty success, when a page fails. Pages that lead round in circles are an error too.',
    '- Incremental reads filter inclusively: records of the boundary come again rather than never. State is written during the read.',
    "- Next-page addresses are followed on the API's own host only, since credentials go with them.",
    '- Records keep fields that the schema does not name.',
    '- Operations for language models each have their own parameter model; results are tables with flat, unique, uniformly typed columns, or text. Their provenance holds the parameters, never a secret.',
  ];
}

function facts(blueprint: Blueprint): string[] {
  if (blueprint.facts.length === 0) return ['## Facts', '', 'None recorded.'];
  const subjects = [...new Set(blueprint.facts.map((fact) => fact.subject))].sort(bySubject);
  return [
    '## Facts',
    '',
    'Confidence is the share of such facts that proved right where the rule was measured.',
    ...subjects.flatMap((subject) => [
      '',
      subject === null ? '### The API as a whole' : `### ${code(subject)}`,
      '',
      ...table(
        ['Fact', 'Value', 'Confidence', 'Rule', 'Rests on'],
        blueprint.facts.filter((fact) => fact.subject === subject).map(factRow),
      ),
    ]),
  ];
}

function bySubject(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function factRow(fact: Fact): string[] {
  const status = fact.status === 'found' ? '' : ` (${fact.status})`;
  return [
    fact.fact.replaceAll('_', ' '),
    text(fact.value) || '—',
    `${String(Math.round(fact.confidence * 100))}%${status}`,
    code(fact.rule),
    fact.evidence.map(evidenceText).join('; ') || '—',
  ];
}

function evidenceText(evidence: Evidence): string {
  const where = [
    evidence.source === 'description' ? '' : evidence.source,
    evidence.document === undefined ? '' : code(evidence.document),
    evidence.pointer === undefined ? '' : code(evidence.pointer, 300),
    evidence.quote === undefined ? '' : `“${text(evidence.quote, 160)}”`,
  ].filter((part) => part !== '');
  return where.join(' ') || 'the description';
}

/** Whether nobody has confirmed a fact, and its rule is wrong often enough to look at it. */
function isDoubtful(fact: Fact): boolean {
  return fact.status === 'unconfirmed' || (fact.status === 'found' && fact.confidence < SURE);
}

function unconfirmed(blueprint: Blueprint): string[] {
  const doubtful = blueprint.facts.filter(isDoubtful);
  const confirmed = blueprint.facts.filter((fact) => fact.status === 'confirmed').length;
  const head = [
    '## Not confirmed',
    '',
    `Of ${String(blueprint.facts.length)} facts a probe, the documentation or a person confirmed ${String(confirmed)}.`,
  ];
  if (doubtful.length === 0) return [...head, 'None of the others is doubtful.'];
  return [
    ...head,
    'Look at these first when something reads wrongly:',
    '',
    ...doubtful
      .slice(0, MOST_PROBLEMS)
      .map(
        ({ subject, fact, value, confidence }) =>
          `- ${subject === null ? 'the API' : code(subject)}, ${fact.replaceAll('_', ' ')}: ${text(value, 200) || '—'} (${String(Math.round(confidence * 100))}%)`,
      ),
    ...(doubtful.length > MOST_PROBLEMS ? [`- and ${String(doubtful.length - MOST_PROBLEMS)} more`] : []),
  ];
}

function gaps(blueprint: Blueprint): string[] {
  if (blueprint.gaps.length === 0)
    return ['## Open questions', '', 'None: the description answers all that the connector needs.'];
  return [
    '## Open questions',
    '',
    'What the description does not tell, and what the connector does until someone answers.',
    '',
    ...blueprint.gaps.map(gapLine),
  ];
}

function gapLine(gap: Gap): string {
  const subject = gap.stream === null ? '' : `${code(gap.stream)}, `;
  const place = gap.pointer === undefined ? '' : ` (${code(gap.pointer, 300)})`;
  return `- ${subject}${gap.fact.replaceAll('_', ' ')}: ${text(gap.question, 400)}${place} Assumed: ${text(gap.assumed, 300) || 'nothing'}.`.replace(
    /\.\.$/,
    '.',
  );
}

function omitted(blueprint: Blueprint): string[] {
  const generated = new Set(generatedStreams(blueprint));
  const streams = blueprint.streams.filter((stream) => !generated.has(stream));
  const lines = ['## Left out', ''];
  if (streams.length === 0) lines.push('No stream.');
  else {
    const rows = streams
      .slice(0, MOST_LEFT_OUT)
      .map((stream) => [
        code(stream.name),
        code(`${stream.method} ${stream.path}`),
        text(stream.omittedBecause) || 'Not picked.',
      ]);
    lines.push(...table(['Stream', 'Request', 'Why'], rows), ...furtherLine(streams.length, 'streams'));
  }
  const operations = blueprint.operations.filter((operation) => !operation.selected);
  if (operations.length > 0) {
    const names = operations.slice(0, MOST_LEFT_OUT).map((one) => code(one.name));
    lines.push('', `Operations that are not offered to models: ${names.join(', ')}.`);
    lines.push(...furtherLine(operations.length, 'operations'));
  }
  return lines;
}

function furtherLine(count: number, what: string): string[] {
  return count > MOST_LEFT_OUT ? ['', `And ${String(count - MOST_LEFT_OUT)} more ${what}.`] : [];
}

function problems(blueprint: Blueprint): string[] {
  const { problems: all } = blueprint;
  if (all.length === 0) return ['## Problems in the description', '', 'None.'];
  const shown = all.slice(0, MOST_PROBLEMS);
  return [
    '## Problems in the description',
    '',
    'Met while reading, and passed over.',
    '',
    ...shown.map(
      (problem) => `- ${problem.severity}: ${text(problem.message)} (${code(problem.pointer, 300)})`,
    ),
    ...(all.length > shown.length ? [`- and ${String(all.length - shown.length)} more`] : []),
  ];
}
