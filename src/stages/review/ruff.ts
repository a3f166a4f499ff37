/** ruff with our own choice of rules, whatever the connector's configuration says; its fixes become exact suggestions. */
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import type { Finding, Suggestion } from '../../pipeline/contracts.ts';
import type { ToolResult } from '../../python/tools.ts';
import type { FindingDraft } from '../findings.ts';

/** Errors, security, async, likely bugs, docstrings, imports, simplifications; what is matter of taste is left out. */
const RULES = 'E4,E7,E9,F,W6,B,S,ASYNC,D,PLE,PGH,RUF006,T20,BLE,DTZ,TRY002,TRY201,PT011,PT015';
/** Docstrings that say nothing new (magic methods, __init__, nested classes) and layout that a formatter settles. */
const IGNORED = 'D105,D106,D107,D203,D205,D212,D213,D400,D401,D403,D404,D407,D413,D415,S101,S105,S106,S311';
/** In tests, secrets are made up, and names say what docstrings would. */
const IGNORED_IN_TESTS = 'S,D,BLE,T20,PLR';

export const RUFF_ARGUMENTS: readonly string[] = [
  ...['-m', 'ruff', 'check', '--isolated', '--no-cache', '--output-format=json', '--target-version=py311'],
  ...['--line-length=120', `--select=${RULES}`, `--ignore=${IGNORED}`, '--exit-zero'],
  ...['--config', 'lint.per-file-ignores = {"tests/**" = [' + quoteAll(IGNORED_IN_TESTS) + ']}'],
  ...['src', 'tests'],
];

function quoteAll(rules: string): string {
  return rules
    .split(',')
    .map((rule) => `"${rule}"`)
    .join(', ');
}

const Position = z.object({ row: z.number(), column: z.number() });
const Diagnostic = z.object({
  code: z.string().nullable(),
  message: z.string(),
  filename: z.string(),
  location: Position,
  end_location: Position,
  url: z.string().nullish(),
  fix: z
    .object({
      applicability: z.string(),
      message: z.string().nullable(),
      edits: z.array(z.object({ content: z.string(), location: Position, end_location: Position })),
    })
    .nullable(),
});
type Diagnostic = z.infer<typeof Diagnostic>;

type Judgement = Pick<Finding, 'severity' | 'category'>;

/** How much a rule matters. First match counts. */
const JUDGEMENTS: readonly (readonly [RegExp, Judgement])[] = [
  [/^(E9|F6|F7|F82|F83|F50|F52|F63|PLE)/, { severity: 'error', category: 'correctness' }],
  [/^S1(02|10|12)|^S[2-7]/, { severity: 'error', category: 'security' }],
  [/^S/, { severity: 'warning', category: 'security' }],
  [/^ASYNC/, { severity: 'error', category: 'correctness' }],
  [/^(E722|BLE|B|DTZ|RUF006|TRY)/, { severity: 'warning', category: 'correctness' }],
  [/^T20/, { severity: 'warning', category: 'correctness' }],
  [/^(F|PGH)/, { severity: 'warning', category: 'style' }],
  [/^D10/, { severity: 'warning', category: 'documentation' }],
  [/^D/, { severity: 'info', category: 'documentation' }],
  [/^PT/, { severity: 'warning', category: 'tests' }],
];
const TASTE: Judgement = { severity: 'info', category: 'style' };

function judge(code: string): Judgement {
  return JUDGEMENTS.find(([pattern]) => pattern.test(code))?.[1] ?? TASTE;
}

/** Offset of a 1-based row and column; columns count characters. */
function offsetOf(
  lines: readonly string[],
  starts: readonly number[],
  position: z.infer<typeof Position>,
): number {
  const line = lines[position.row - 1] ?? '';
  const characters = Array.from(line)
    .slice(0, position.column - 1)
    .join('');
  return (starts[position.row - 1] ?? 0) + characters.length;
}

/** The lines that a fix changes, before and after; undefined for fixes that ruff itself would not apply. */
export function toSuggestion(
  file: string,
  text: string,
  fix: NonNullable<Diagnostic['fix']>,
  title: string,
): Suggestion | undefined {
  if (fix.applicability === 'display') return undefined;
  const lines = text.split('\n');
  const starts: number[] = [];
  let offset = 0;
  for (const line of lines) {
    starts.push(offset);
    offset += line.length + 1;
  }
  let after = text;
  const edits = fix.edits
    .map((edit) => ({
      from: offsetOf(lines, starts, edit.location),
      to: offsetOf(lines, starts, edit.end_location),
      content: edit.content,
    }))
    .sort((a, b) => b.from - a.from);
  for (const edit of edits) after = after.slice(0, edit.from) + edit.content + after.slice(edit.to);
  return lineSuggestion(file, lines, after.split('\n'), fix.message ?? title);
}

/** The smallest range of whole lines in which two texts differ; never empty, so that it can be anchored. */
export function lineSuggestion(
  file: string,
  before: readonly string[],
  after: readonly string[],
  title: string,
): Suggestion | undefined {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before.at(-1 - tail) === after.at(-1 - tail)
  )
    tail += 1;
  if (head === before.length && head === after.length) return undefined;
  if (head + tail === before.length) {
    // A pure insertion takes a neighbouring line along.
    if (head > 0) head -= 1;
    else tail -= 1;
  }
  const range = { file, startLine: head + 1, endLine: before.length - tail };
  return {
    range,
    before: joinLines(before.slice(head, before.length - tail)),
    after: joinLines(after.slice(head, after.length - tail)),
    title,
  };
}

/** Each line with its break, so that no lines and one empty line differ. */
function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** ruff's diagnostics as findings. @throws SyntaxError or ZodError when ruff printed something else. */
export async function ruffFindings(dir: string, result: ToolResult): Promise<FindingDraft[]> {
  const diagnostics = z.array(Diagnostic).parse(JSON.parse(result.stdout === '' ? '[]' : result.stdout));
  const texts = new Map<string, string>();
  const drafts: FindingDraft[] = [];
  for (const entry of diagnostics) {
    const file = relative(dir, entry.filename).split(sep).join('/');
    if (!texts.has(file)) texts.set(file, await readFile(join(dir, file), 'utf8').catch(() => ''));
    const code = entry.code ?? 'syntax';
    const suggestion =
      entry.fix === null
        ? undefined
        : toSuggestion(file, texts.get(file) ?? '', entry.fix, `Apply ruff’s fix of ${code}`);
    drafts.push({
      rule: code,
      source: 'ruff',
      ...(entry.code === null || entry.code === 'invalid-syntax'
        ? { severity: 'error', category: 'correctness' }
        : judge(code)),
      message: entry.message,
      file,
      startLine: entry.location.row,
      // A finding about a whole function is shown at its head.
      endLine: Math.min(entry.end_location.row, entry.location.row + 11),
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  return drafts;
}
