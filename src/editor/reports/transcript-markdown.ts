/**
 * An agent's conversation as Markdown for people: turns, calls of tools, refusals, waits, the result and what each turn has
 * cost. Pure. Nothing in it is trusted: models and pages wrote it, so no word of it becomes markup, a link or an image.
 */
import type { TranscriptView } from '../../agents/transcript-view.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageName, Usage } from '../../pipeline/contracts.ts';
import { code, plain, table } from '../../stages/research/markdown.ts';
import { STAGE_LABEL } from '../present.ts';
import { cachedPercent, cost, grouped } from '../usage-words.ts';

type Entry = TranscriptView['entries'][number];

/** Characters of one entry, and entries of one document: beyond, the file itself is the place to look. */
const ENTRY_LIMIT = 6000;
const LINE_LIMIT = 1500;
const ITEM_LIMIT = 600;
const MOST_ENTRIES = 1500;

const ENTRY_WORD: Record<Entry['kind'], string> = {
  turn: 'Turn',
  tool: 'Tool',
  refused: 'Refused',
  wait: 'Waited',
  note: 'Note',
  result: 'Result',
};

/** @param found the conversation, why it can't be read, or undefined where there is none (yet) */
export function renderTranscript(
  of: { readonly stage: StageName; readonly attempt: number },
  found: TranscriptView | SourcewrightError | undefined,
): string {
  const title = `# ${STAGE_LABEL[of.stage]}, attempt ${of.attempt}`;
  if (found === undefined) return `${title}\n\nThere is no transcript of this attempt.\n`;
  if (found instanceof SourcewrightError) {
    return `${title}\n\nThe transcript can't be read: ${safe(found.toText(), 600)}\n`;
  }
  const shown = found.entries.slice(-MOST_ENTRIES);
  const left = found.entries.length - shown.length;
  const lines = [
    title,
    '',
    ...head(found),
    ...(left === 0 ? [] : [`The first ${left} entries are left out; the file has them all.`, '']),
    ...entryLines(shown, turnsIn(found.entries.slice(0, left))),
  ];
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}

function turnsIn(entries: readonly Entry[]): number {
  return entries.filter(({ kind }) => kind === 'turn').length;
}

function head({ model, prompt, usage, entries }: TranscriptView): string[] {
  const refusals = entries.filter(({ kind }) => kind === 'refused').length;
  const rows = [
    ['model', code(model)],
    ['prompt', `${code(prompt.name)} (${code(prompt.sha256.slice(0, 12))})`],
    ...usageRows(usage),
    ...(refusals === 0 ? [] : [['refused calls', String(refusals)]]),
    ['times', 'UTC'],
  ];
  return table(['what', 'value'], rows);
}

function usageRows(usage: Usage): string[][] {
  return [
    ['cost', plain(cost(usage.usd))],
    ['requests', grouped(usage.requests)],
    ['tokens in', `${grouped(usage.inputTokens)}, ${cachedPercent(usage)}% from the cache`],
    ['tokens out', grouped(usage.outputTokens)],
  ];
}

/** A heading for each turn and the result; what happened in between as a list below the turn that led to it. */
function entryLines(entries: readonly Entry[], turnsBefore: number): string[] {
  let turns = turnsBefore;
  let inList = false;
  return entries.flatMap((entry) => {
    const price = entry.usd === null ? '' : ` · ${plain(cost(entry.usd))}`;
    if (entry.kind !== 'turn' && entry.kind !== 'result') {
      const item = `- ${timeOf(entry.at)} **${ENTRY_WORD[entry.kind]}**${price}: ${safe(entry.text, ITEM_LIMIT)}`;
      const gap = inList ? [] : [''];
      inList = true;
      return [...gap, item];
    }
    inList = false;
    turns += entry.kind === 'turn' ? 1 : 0;
    const title = entry.kind === 'turn' ? `Turn ${turns}` : ENTRY_WORD.result;
    return ['', `## ${title} · ${timeOf(entry.at)}${price}`, '', ...prose(entry.text)];
  });
}

/** Lines of a model's words: each stays a line, blank ones part paragraphs. */
function prose(text: string): string[] {
  const lines = cut(text).map((line) => safe(line, LINE_LIMIT));
  return lines.map((line, index) => (line !== '' && (lines[index + 1] ?? '') !== '' ? `${line}  ` : line));
}

function cut(text: string): string[] {
  const whole = text.trim();
  const shown = whole.length > ENTRY_LIMIT ? `${whole.slice(0, ENTRY_LIMIT)}…` : whole;
  return shown.split(/\r\n|[\n\r\u2028\u2029]/);
}

/** Beside markup, nothing that a preview finds by itself may become a link: addresses without a scheme, and e-mail. */
function safe(text: string, limit: number): string {
  return plain(text, limit).replace(/\/\//g, '/\\/').replaceAll('@', '\\@');
}

/** `14:03:09`: a run is seldom longer than a day, and the file has the date. */
function timeOf(at: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(at)?.[1] ?? plain(at, 30);
}
