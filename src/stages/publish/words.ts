/**
 * The words that a model may write for a publication, and why they can't be used. What counts as evidence (tests, hashes,
 * streams, findings, trailers) is added by us; words that claim other numbers than the report's go back.
 */
import { z } from 'zod';
import type { TestReport } from '../../pipeline/contracts.ts';
import { scanText } from '../../workspace/secrets.ts';
import { sentence } from './plain.ts';

export const MAX_TITLE = 72;
export const MAX_SUMMARY = 1500;
export const MAX_ITEM = 300;
const MAX_ITEMS = 15;

const Items = z.array(z.string().min(1).max(MAX_ITEM)).max(MAX_ITEMS);
export const PublicationWords = z.strictObject({
  title: z.string().min(1).max(MAX_TITLE),
  summary: z.string().min(1).max(MAX_SUMMARY),
  /** What is new for those who use the connector. */
  changes: Items,
  /** What they must know: gaps, limits, open findings. */
  notes: Items,
});
export type PublicationWords = z.infer<typeof PublicationWords>;

/** The numbers of a run of the tests. */
export type Counts = Pick<TestReport, 'total' | 'passed' | 'failed' | 'errors' | 'skipped' | 'coverage'>;

const OUTCOME = 'passed|passing|pass|failed|failing|fail|failures?|skipped';
/** `4 tests`, `4 of 5 unit tests passed`, `0 failed`. */
const COUNTED = new RegExp(
  `(\\d[\\d,]*)(?:\\s*(?:of|out of|/)\\s*(?:the\\s+)?(\\d[\\d,]*))?(?:\\s+[a-z'-]+){0,2}?\\s+(tests?(?:\\s+cases?)?|${OUTCOME})\\b(?:\\s+(?:all\\s+|have\\s+)?(${OUTCOME})\\b)?`,
  'gi',
);
/** `tests: 150`, `passed (150)`. */
const LABELLED = /\b(tests?|passed|failed|skipped)\s*[:=(]\s*(\d[\d,]*)/gi;
const SPELLED =
  /\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|dozens?|hundreds?|thousands?)\b(?:[\s-]+[a-z]+){0,2}?\s+(?:tests?|passed|failed)\b/gi;
const PERCENT = /(\d+(?:\.\d+)?)\s*(?:%|per ?cent\b)/gi;

function toNumber(text: string): number {
  return Number(text.replaceAll(',', ''));
}

/** The numbers that may stand beside a word. */
function allowed(word: string, counts: Counts): readonly number[] {
  if (/^pass/i.test(word)) return [counts.passed];
  if (/^fail/i.test(word)) return [counts.failed + counts.errors];
  if (/^skip/i.test(word)) return [counts.skipped];
  return [counts.total, counts.passed];
}

function allTexts({ title, summary, changes, notes }: PublicationWords): string[] {
  return [title, summary, ...changes, ...notes];
}

/** What a text says of tests that the report does not; without a report it may name no number at all. */
function wrongIn(text: string, counts: Counts | undefined): string[] {
  const wrong: string[] = [];
  const judge = (said: string, right: boolean): void => {
    if (!right) wrong.push(`"${said.trim()}" is not what the report says.`);
  };
  for (const [said, first = '', second, noun = '', outcome] of text.matchAll(COUNTED)) {
    const fits = counts !== undefined && allowed(outcome ?? noun, counts).includes(toNumber(first));
    const fitsTotal = second === undefined || toNumber(second) === counts?.total;
    judge(said, fits && fitsTotal);
  }
  for (const [said, noun = '', number = ''] of text.matchAll(LABELLED)) {
    judge(said, counts !== undefined && allowed(noun, counts).includes(toNumber(number)));
  }
  for (const [said, number = ''] of text.matchAll(PERCENT)) {
    const coverage = counts?.coverage ?? null;
    judge(said, coverage !== null && [coverage, Math.round(coverage)].includes(Number(number)));
  }
  for (const [said] of text.matchAll(SPELLED))
    wrong.push(`"${said.trim()}": write numbers of tests in digits.`);
  return wrong;
}

/** Numbers about the tests in the words that differ from the report's. */
export function wrongNumbers(words: PublicationWords, counts: Counts | undefined): string[] {
  return allTexts(words).flatMap((text) => wrongIn(text, counts));
}

/** What words may not hold, and what the model is told. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\b[a-z][a-z0-9+.-]*:\/\/|\bwww\.|\]\(|\bmailto:/i, 'no links'],
  [/@/, 'no @mentions and no addresses'],
  [/^\s*[A-Z]\w*(?:-\w+)+:\s/m, 'no trailers: they are added to your words'],
  [/\b[0-9a-f]{12,}\b/i, 'no hashes: they are added to your words'],
];

/** Why words can't be used. Empty = they can. */
export function wordProblems(words: PublicationWords, counts: Counts | undefined, prefix: string): string[] {
  const texts = allTexts(words);
  const problems = FORBIDDEN.flatMap(([pattern, rule]) => {
    const found = texts.find((text) => pattern.test(text));
    return found === undefined ? [] : [`${rule} ("${found.slice(0, 60)}")`];
  });
  if (/[\r\n]/.test(words.title)) problems.push('title must be one line.');
  if (prefix.length + words.title.length > MAX_TITLE) {
    problems.push(
      `title has at most ${MAX_TITLE - prefix.length} characters, as "${prefix}" is put before it.`,
    );
  }
  if (texts.some((text) => sentence(text, MAX_SUMMARY) === '')) problems.push('every text must hold words.');
  if (scanText('', texts.join('\n')).length > 0) {
    problems.push('what looks like a credential may not be published: leave it out.');
  }
  return [...problems, ...wrongNumbers(words, counts)];
}
