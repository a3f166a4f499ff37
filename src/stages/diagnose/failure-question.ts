/** What the model is asked about failing tests, and what it may answer. It can't say that they pass. */
import { z } from 'zod';
import {
  type DiagnoseResult,
  GenerateResult,
  type StageContext,
  type TestCase,
  type TestReport,
} from '../../pipeline/contracts.ts';
import type { Given } from '../../agents/contracts.ts';
import { scanText } from '../../workspace/secrets.ts';
import { readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { blueprintSummary, listed } from '../review/blueprint-summary.ts';
import { failingCases } from '../failing-cases.ts';
import { handWritten, nameOf } from '../hand-written.ts';
import type { ChangedSides } from './classify.ts';
import { UNNAMED_CURE, WHOLE_SUITE, WORDS } from './judge.ts';
import { lastVerdict } from './memory.ts';
import { failureWords } from './steady.ts';

const MAX_SHOWN = 15;
const MAX_NAMED = 30;
const MAX_DIFFERING = 20;

const isCodeOrTest = (path: string): boolean => /^(src|tests)\//.test(path);

const Fault = z.enum(['code', 'tests', 'environment']);
export const FailureVerdict = z.strictObject({
  verdict: Fault,
  explanation: z.string().min(1).max(1500),
  /** What the person has to do; null unless the environment is at fault. */
  cure: z.string().max(500).nullable(),
  evidence: z.array(z.strictObject({ test: z.string(), fault: Fault, because: z.string().min(1).max(500) })),
});
export type FailureVerdict = z.infer<typeof FailureVerdict>;

/** A run that failed, with what rules make of it. */
export interface Failure {
  readonly report: TestReport;
  readonly changed: ChangedSides;
  /** The rules' diagnosis. */
  readonly hint: DiagnoseResult;
  /** What pytest said where the report itself is unusable. */
  readonly output: string;
}

/** The tests to show: one for each reason that rules see before a second one for any. */
export function shownTests({ report, hint, output }: Failure): TestCase[] {
  if (report.verdict !== 'failed') {
    const message = report.reason ?? 'The run gave no usable result.';
    return [{ id: WHOLE_SUITE, file: 'tests', outcome: 'error', durationMs: 0, message, details: output }];
  }
  const byId = new Map(failingCases(report).map((entry) => [entry.id, entry]));
  const reasons = new Map(hint.evidence.map((entry) => [entry.test, entry.because]));
  const seen = new Map<string, number>();
  const ranked = [...byId.values()].map((entry, index) => {
    const reason = reasons.get(entry.id) ?? '';
    const nth = seen.get(reason) ?? 0;
    seen.set(reason, nth + 1);
    return { entry, index, nth };
  });
  ranked.sort((a, b) => a.nth - b.nth || a.index - b.index);
  return ranked.slice(0, MAX_SHOWN).map(({ entry }) => entry);
}

function testText(entry: TestCase, dir: string): string {
  const at = entry.line === undefined ? '' : ` (${entry.file}:${entry.line})`;
  const { message, details } = failureWords(entry, dir);
  return [
    `### ${entry.id}${at}: ${entry.outcome}`,
    ...(message === '' ? [] : [message]),
    ...(details === '' ? [] : ['```', details, '```']),
  ].join('\n');
}

function runText({ report }: Failure): string {
  const { total, passed, failed, errors, skipped } = report;
  if (report.verdict !== 'failed') return `No usable result: ${report.reason ?? 'unknown'}.`;
  return `${total} tests: ${passed} passed, ${failed} failed, ${errors} errors, ${skipped} skipped.`;
}

function hintText({ hint }: Failure, byHand: readonly string[]): string {
  const groups = new Map<string, number>();
  for (const { fault, because } of hint.evidence) {
    const words = `${fault}: ${because}`;
    groups.set(words, (groups.get(words) ?? 0) + 1);
  }
  const reasons = [...groups].map(([words, n]) => `${n} × ${words}`);
  const differs = (side: 'src/' | 'tests/'): string => {
    const paths = byHand.filter((path) => path.startsWith(side));
    const more = paths.length > MAX_DIFFERING ? ` and ${paths.length - MAX_DIFFERING} more` : '';
    return paths.length === 0 ? 'nothing' : `${paths.slice(0, MAX_DIFFERING).join(', ')}${more}`;
  };
  return [
    `Overall: ${hint.verdict}.`,
    ...listed(reasons, 20),
    `Differs from what was compiled: in the code ${differs('src/')}; in the tests ${differs('tests/')}.`,
  ].join('\n');
}

function notShownText(failure: Failure, shown: readonly TestCase[]): string[] {
  const known = new Set(shown.map((entry) => entry.id));
  const rest = [...new Set(failingCases(failure.report).map((entry) => entry.id))].filter(
    (id) => !known.has(id),
  );
  if (failure.report.verdict !== 'failed' || rest.length === 0) return [];
  return [
    '',
    'Also failing, for reasons that look the same (no evidence is asked for these):',
    ...listed(rest, MAX_NAMED),
  ];
}

/** What happened since the verdict before this one, as far as the hashes of what ran tell. */
async function lastFixText(context: StageContext, { report }: Failure): Promise<string | undefined> {
  const last = await lastVerdict(context);
  if (last === undefined) return undefined;
  const code = last.codeSha256 !== report.codeSha256;
  const generated = code ? await context.readArtifact('generation.json', GenerateResult) : undefined;
  const paths =
    generated === undefined || generated.changed.length === 0
      ? ''
      : ` (${generated.changed.slice(0, 20).join(', ')})`;
  const still = failingCases(report).filter((entry) => last.failing.includes(entry.id)).length;
  return [
    `Verdict before this one: ${last.verdict}. ${last.explanation}`,
    `Since then the code ${code ? `changed${paths}` : 'did not change'}, the tests ${last.testsSha256 === report.testsSha256 ? 'did not change' : 'changed'}.`,
    `Then ${last.failing.length} tests failed; ${still} of them still do.`,
  ].join('\n');
}

/** What belongs to this run of the tests; the API itself stands first, as it stays the same. */
export async function failureGiven(
  d: StageDependencies,
  context: StageContext,
  failure: Failure,
  shown: readonly TestCase[],
): Promise<Given[]> {
  const lastFix = await lastFixText(context, failure);
  const tests = shown.map((entry) => testText(entry, context.connectorDir));
  // Files that are new count as well: what somebody wrote is the first to be suspected.
  const byHand = (await handWritten(d, context, isCodeOrTest)).map(nameOf);
  return [
    { title: 'The API and its connector', text: blueprintSummary(await readBrief(context)), stable: true },
    { title: 'The run', text: runText(failure), stable: false },
    { title: 'What the rules say', text: hintText(failure, byHand), stable: false },
    ...(lastFix === undefined ? [] : [{ title: 'The last fix', text: lastFix, stable: false }]),
    {
      title: `Failing tests (${shown.length})`,
      text: [...tests, ...notShownText(failure, shown)].join('\n\n'),
      stable: false,
    },
  ];
}

/** Why a verdict can't be used. */
export function checkVerdict(result: FailureVerdict, shown: readonly TestCase[]): string[] {
  const problems: string[] = [];
  const counts = new Map(shown.map((entry) => [entry.id, 0]));
  for (const { test } of result.evidence) {
    const n = counts.get(test);
    if (n === undefined)
      problems.push(`evidence names ${test}, which is not one of the failing tests shown.`);
    else counts.set(test, n + 1);
  }
  for (const [id, n] of counts) {
    if (n !== 1) problems.push(`evidence must hold ${id} exactly once; it holds it ${n} times.`);
  }
  if (!result.evidence.some((entry) => entry.fault === result.verdict)) {
    problems.push(`the verdict is ${result.verdict}, but no entry of the evidence has that fault.`);
  }
  if (result.verdict === 'environment' && (result.cure ?? '').trim() === '') {
    problems.push('the verdict environment needs a cure: what the person has to do.');
  }
  const words = [result.explanation, result.cure ?? '', ...result.evidence.map((entry) => entry.because)];
  if (scanText('', words.join('\n')).length > 0) {
    problems.push('what looks like a credential must not be repeated: describe it.');
  }
  return problems;
}

/** The diagnosis: counts are ours, reasons the model's; tests that it was not shown keep the rules' reason. */
export function toDiagnosis(result: FailureVerdict, { hint, report }: Failure): DiagnoseResult {
  const judged = new Set(result.evidence.map((entry) => entry.test));
  const others = report.verdict === 'failed' ? hint.evidence.filter((entry) => !judged.has(entry.test)) : [];
  const decisive = result.evidence.filter((entry) => entry.fault === result.verdict).length;
  const of =
    report.verdict === 'failed' ? ` in ${decisive} of ${judged.size} failing tests that were looked at` : '';
  return {
    verdict: result.verdict,
    explanation: `${WORDS[result.verdict]}${of}: ${result.explanation.trim()}`,
    ...(result.verdict === 'environment' ? { cure: result.cure ?? UNNAMED_CURE } : {}),
    evidence: [
      ...result.evidence,
      ...others.map((entry) => ({ ...entry, because: `${entry.because} (told by rules)` })),
    ],
    vacuous: [],
  };
}
