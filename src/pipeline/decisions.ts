/**
 * What the transitions of the machine compute: the context of a new attempt, the evidence that decides, and the words for
 * the person. Pure functions, so that each can be read and tested by itself.
 */
import {
  type Feedback,
  type Finding,
  type ReviewResult,
  type StageMode,
  type StageName,
  type StageResult,
  SURVIVING_MUTANT,
} from './contracts.ts';
import type { FaultSide, OpenFindings, PipelineContext, TestEvidence } from './machine-types.ts';

/** Attempts of each stage before the first. */
export const NO_STEP_YET: Record<StageName, number> = {
  research: 0,
  generate: 0,
  test: 0,
  diagnose: 0,
  review: 0,
  publish: 0,
};

/** An attempt as a transition asks for it. */
export interface Begin {
  stage: StageName;
  mode: StageMode;
  feedback?: Feedback;
  draft?: boolean;
}

/** The context as a new attempt of a stage starts: nothing that an earlier attempt left may decide any more. */
export function begun(context: PipelineContext, begin: Begin): Partial<PipelineContext> {
  const { stage, mode, feedback, draft = false } = begin;
  const attempt = context.attempts[stage] + 1;
  const fresh: Partial<PipelineContext> = {
    step: { stage, mode, attempt, feedback, draft },
    attempts: { ...context.attempts, [stage]: attempt },
    pause: null,
    error: null,
  };
  const { beforeFix, fixChanged, fruitless, test } = context;
  const fixing = (side: FaultSide): Partial<PipelineContext> => ({ beforeFix: { side, test }, fruitless });
  switch (stage) {
    case 'research':
      return { ...fresh, ...CLEARED, testsWritten: false, testsApproved: false };
    case 'generate':
      if (mode === 'FIX') return { ...fresh, ...CLEARED, ...fixing('code') };
      if (mode === 'IMPROVE') return { ...fresh, ...CLEARED };
      return { ...fresh, ...CLEARED, testsWritten: false, testsApproved: false };
    case 'test':
      if (mode === 'FIX') return { ...fresh, ...CLEARED, ...fixing('tests') };
      // The run that shows what a FIX of the code was good for.
      return beforeFix === null
        ? { ...fresh, ...CLEARED }
        : { ...fresh, ...CLEARED, beforeFix, fixChanged, fruitless };
    case 'diagnose':
      return fresh;
    case 'review':
      return { ...fresh, question: null };
    case 'publish':
      return fresh;
  }
}

/** What was known about code and tests that are about to change. */
export const CLEARED = {
  test: null,
  beforeFix: null,
  fixChanged: null,
  fruitless: [],
  question: null,
} as const;

function sameTests(a: readonly string[], b: readonly string[]): boolean {
  const names = new Set(a);
  return names.size === new Set(b).size && b.every((name) => names.has(name));
}

/**
 * Whether a FIX was of no use: the very same tests fail as before it. Where no test could be named (the suite did not run),
 * it must have left everything as it was: by the hashes of what ran, else by what the stage says it changed.
 */
function wasUseless(before: TestEvidence, after: TestEvidence, fixChanged: number | null): boolean {
  if (!sameTests(before.result.failing, after.result.failing)) return false;
  if (after.result.failing.length > 0) return true;
  if (before.ran !== null && after.ran !== null) return before.ran === after.ran;
  return fixChanged === 0;
}

/** How many tests fail, in words. */
export function failingText(test: TestEvidence | null): string {
  if (test === null) return 'The tests do not pass';
  const failing = test.result.failed + test.result.errors;
  const { passed = 0, failed = 0 } = test.result.conformance ?? {};
  if (failing === 0 && failed > 0) return `${failed} of ${passed + failed} conformance checks fail`;
  return failing === 0 ? 'The tests could not be read' : `${failing} of ${test.result.total} tests fail`;
}

export const FIX_BY_HAND =
  'Read the diagnosis, correct the connector by hand and resume: the tests then run again. Or cancel the run.';

/** The person's own words at a gate. */
export function fromPerson(text: string, findings: Finding[]): Feedback {
  return { from: 'person', text, failingTests: [], findings };
}

export const UNASKED = 'The review needs to know more about the API.';
export const ACCEPTED = 'Correct these findings of the review.';

/**
 * Whether what the person accepted is the tester's work: an agent's findings about tests. The generator may not touch tests.
 * What tools find there has exact suggestions, and those are applied with the rest.
 */
export const isForTester = (accepted: readonly Finding[]): boolean =>
  accepted.length > 0 &&
  accepted.every(({ source, rule, range }) => {
    // What the tests let through stands in the code, but only tests can answer it.
    if (rule === SURVIVING_MUTANT) return true;
    return source === 'model' && range.file.startsWith('tests/');
  });

/** Why no further fix is tried. */
export function limitText(context: PipelineContext, result: StageResult<'diagnose'>): string {
  const [what, limit] =
    result.verdict === 'code'
      ? ['fixes of the code', context.limits.codeFixes]
      : ['fixes of the tests', context.limits.testFixes];
  const used = limit === 0 ? `No ${what} are allowed` : `All ${limit} ${what} are used up`;
  return `${used}. ${failingText(context.test)}: ${result.explanation}`;
}

/** Feedback of a diagnosis for the FIX that follows. */
export function fromDiagnosis(context: PipelineContext, result: StageResult<'diagnose'>): Feedback {
  return {
    from: 'diagnose',
    text: result.explanation,
    failingTests: [...(context.test?.result.failing ?? [])],
    findings: result.vacuous,
  };
}

/** A pass is one only with the evidence of a test run that passed. */
export const isPass = (context: PipelineContext, result: StageResult<'diagnose'>): boolean =>
  result.verdict === 'pass' && context.test?.result.verdict === 'passed';

/** The side at fault has just had a FIX that was of no use. */
export const isFruitless = (context: PipelineContext, { verdict }: StageResult<'diagnose'>): boolean =>
  context.fruitless.some((side) => side === verdict);

/** Nothing that the person would have to answer: clean, or all that was found has been rejected before. */
export const isClean = (result: ReviewResult, open: OpenFindings): boolean =>
  result.decision !== 'needs_research' &&
  open.blocking === 0 &&
  (result.decision === 'clean' || open.unanswered === 0);

/** Something is open that may not be published without saying so. */
export const unsettled = (context: PipelineContext, open: OpenFindings): boolean =>
  open.blocking > 0 || context.question !== null;

/** The context after a test run: evidence replaces evidence. */
export function tested(context: PipelineContext, after: TestEvidence): Partial<PipelineContext> {
  const { beforeFix, fixChanged, fruitless } = context;
  const before = beforeFix?.test ?? null;
  const failed = after.result.verdict !== 'passed';
  const same = failed && before !== null && wasUseless(before, after, fixChanged);
  return {
    test: after,
    testsWritten: true,
    fruitless: same && beforeFix !== null ? [...new Set([...fruitless, beforeFix.side])] : [],
    beforeFix: null,
    fixChanged: null,
  };
}
