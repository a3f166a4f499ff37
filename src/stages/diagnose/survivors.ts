/** Planted mistakes that no test noticed, as findings, and what the tester is asked about them. */
import {
  type DiagnoseResult,
  type Finding,
  type Mutant,
  type Mutation,
  type StageContext,
  SURVIVING_MUTANT,
  type TestReport,
} from '../../pipeline/contracts.ts';
import { finishFindings, type FindingDraft } from '../findings.ts';
import { askedBefore, rememberAsked } from './memory.ts';

/** More than these are not asked about, or noted, at once. */
const MAX_FINDINGS = 15;
const MAX_LINE = 160;

function short(line: string): string {
  return line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}…`;
}

function survivorsOf(report: TestReport): Mutant[] {
  return (report.mutation?.mutants ?? []).filter((mutant) => mutant.outcome === 'survived');
}

/** What is asked about one survivor; not its line's number, which edits elsewhere move. */
function mistakeKey({ file, before, after }: Mutant): string {
  return `${file}\0${before}\0${after}`;
}

/** How many planted mistakes were noticed, as a sentence. */
export function survivorWords({ killRate, killed, timedOut, survived, note }: Mutation): string {
  if (killRate === null) return `Planted mistakes say nothing here: ${note ?? 'none was tried'}.`;
  const noticed = killed + timedOut;
  return `They notice ${noticed} of ${noticed + survived} planted mistakes (${killRate}%).`;
}

/** Findings about the suite, each at the line of the code whose mistake went unnoticed; hand-written code first. */
export async function survivorFindings(
  dir: string,
  report: TestReport,
  severity: (mutant: Mutant) => Finding['severity'],
): Promise<Finding[]> {
  const ranked = survivorsOf(report)
    .sort((a, b) => Number(b.handWritten) - Number(a.handWritten))
    .slice(0, MAX_FINDINGS);
  const drafts = ranked.map((mutant): FindingDraft => ({
    rule: SURVIVING_MUTANT,
    source: 'integrity',
    severity: severity(mutant),
    category: 'tests',
    message: `No test noticed this mistake (${mutant.operator}): with \`${short(mutant.after)}\` in place of \`${short(mutant.before)}\` all ${mutant.tests} tests that run the line pass. A test has to fail there, unless both do the same.`,
    file: mutant.file,
    startLine: mutant.line,
  }));
  return finishFindings(dir, drafts);
}

/**
 * A verdict that sends the tester back to work: mistakes in hand-written code went unnoticed. Each is asked about once in a
 * run, and none where no fix of the tests is left. Undefined: the pass stays one.
 */
export async function askForSurvivors(
  context: StageContext,
  report: TestReport,
  survivors: readonly Finding[],
): Promise<DiagnoseResult | undefined> {
  const before = await askedBefore(context);
  if (before.times >= context.request.limits.testFixes) return undefined;
  const open = survivorsOf(report).filter(
    (mutant) => mutant.handWritten && !before.mistakes.has(mistakeKey(mutant)),
  );
  const lines = new Set(open.map(({ file, line }) => `${file}:${line}`));
  const findings = survivors.filter(({ range }) => lines.has(`${range.file}:${range.startLine}`));
  if (findings.length === 0) return undefined;
  await rememberAsked(context, open.map(mistakeKey));
  const because = `${findings.length} mistakes planted into code that was written by hand were noticed by no test`;
  return {
    verdict: 'tests',
    explanation: `All ${report.passed} tests pass, but ${because}: ${[...lines].slice(0, 3).join(', ')}. Write tests that notice them; leave the code as it is.`,
    evidence: [{ test: 'tests', fault: 'tests', because }],
    vacuous: findings,
  };
}
