/**
 * The pipeline as one state machine: which step follows which outcome, and how often. It is pure: it does no I/O, knows
 * no clock and no policy. The stages and the gates are actors that are provided from outside (`stage`, `gate`); what they find out
 * comes back as the events below, and the same events in the same order always lead to the same state. The run journal
 * rests on that: it keeps the events, and replaying them is how a run is resumed.
 *
 * The table in words, and why each subtle point is as it is: README.md beside this file.
 */
import { assign, fromCallback, setup } from 'xstate';
import type {
  Feedback,
  Finding,
  GateName,
  Limits,
  PauseCause,
  ReviewResult,
  StageMode,
  StageName,
  StageResult,
} from './contracts.ts';

/** Raise when the same events would lead elsewhere: journals of other versions are then not replayed. */
export const MACHINE_VERSION = 1;

/** One attempt of one stage: all that its body is told. */
export interface Step {
  readonly stage: StageName;
  readonly mode: StageMode;
  /** 1 for the first attempt of this stage in this run. A paused attempt keeps its number when it is resumed. */
  readonly attempt: number;
  /** What this attempt answers, and nothing older. */
  readonly feedback: Feedback | undefined;
  readonly draft: boolean;
}

/** What the ledger of a review says, counted when the event was made. */
export interface OpenFindings {
  /** Severity `error`, not rejected and not applied. */
  readonly blocking: number;
  /** Neither rejected nor applied. */
  readonly unanswered: number;
}

export interface StageFailure {
  readonly code: string;
  readonly message: string;
  readonly cure: string | null;
}

/** Evidence beside a stage's result that decides where the pipeline goes. */
interface Extras {
  research: object;
  generate: object;
  /** Hash over the code and the tests that ran, where there is a report to take it from. */
  test: { ran: string | null };
  diagnose: object;
  review: { open: OpenFindings };
  publish: object;
}
export type StageDone<S extends StageName = StageName> = {
  [N in S]: { type: `done.${N}`; attempt: number; result: StageResult<N> } & Extras[N];
}[S];

export interface Interruption {
  cause: PauseCause;
  message: string;
  cure: string;
}
export type StagePaused = {
  [N in StageName]: { type: `paused.${N}`; attempt: number } & Interruption;
}[StageName];
export type StageFailed = {
  [N in StageName]: { type: `failed.${N}`; attempt: number; error: StageFailure };
}[StageName];

/** What the person knew and had answered when they decided. */
export interface DecisionBasis {
  /** Findings that the person wants corrected; empty at gates that have none. */
  accepted: Finding[];
  /** Number of findings whose suggestion the person has applied already. */
  applied: number;
  open: OpenFindings;
}
export type GateDecided = {
  [G in GateName]:
    | ({ type: `approve.${G}` } & DecisionBasis)
    | ({ type: `changes.${G}`; text: string } & DecisionBasis)
    | { type: `reject.${G}` };
}[GateName];

export type PipelineEvent =
  | StageDone
  | StagePaused
  | StageFailed
  | GateDecided
  /** A stage was run by hand beside the pipeline: takes up an attempt's number and changes nothing else. */
  | { type: 'by_hand'; stage: StageName }
  | ({ type: 'pause' } & Interruption)
  | { type: 'resume' }
  | { type: 'cancel' };

/** States in which a stage works or a gate waits: what a pause can come from and goes back to. */
export type WorkState =
  | 'researching'
  | 'gateResearch'
  | 'generating'
  | 'gateCode'
  | 'testing'
  | 'diagnosing'
  | 'gateTests'
  | 'reviewing'
  | 'gateReview'
  | 'gateDraft'
  | 'gatePublish'
  | 'publishing';
export type PipelineState = WorkState | 'paused' | 'published' | 'cancelled' | 'failed';

export interface Pause {
  readonly cause: PauseCause;
  readonly message: string;
  readonly cure: string;
  readonly from: WorkState;
  /** On resume the tests run again, instead of the step that the pause came from. */
  readonly retest: boolean;
}

export interface Counts {
  readonly testFixes: number;
  readonly codeFixes: number;
  readonly reviewCycles: number;
  readonly reResearch: number;
}

interface TestEvidence {
  readonly result: StageResult<'test'>;
  readonly ran: string | null;
}

export interface PipelineContext {
  readonly limits: Limits;
  /** The newest step: running, or the one whose outcome led here. */
  readonly step: Step;
  readonly attempts: Readonly<Record<StageName, number>>;
  readonly counts: Counts;
  /** The newest test run of the code as it stands; null as soon as code or tests change. */
  readonly test: TestEvidence | null;
  /** Evidence of the run that a FIX answers, until the tests have run again. */
  readonly beforeFix: TestEvidence | null;
  /** Files that the FIX changed, where the stage says so. */
  readonly fixChanged: number | null;
  /** The last FIX changed nothing and the same tests fail. */
  readonly repeated: boolean;
  /** The tests belong to the code of the newest GENERATE. */
  readonly testsWritten: boolean;
  /** The person (or `auto`) has let the tests of this GENERATE through. */
  readonly testsApproved: boolean;
  /** The review asked something that re-research may no longer answer. */
  readonly question: string | null;
  readonly pause: Pause | null;
  readonly error: StageFailure | null;
}

export const WORK_STATES = [
  'researching',
  'gateResearch',
  'generating',
  'gateCode',
  'testing',
  'diagnosing',
  'gateTests',
  'reviewing',
  'gateReview',
  'gateDraft',
  'gatePublish',
  'publishing',
] as const satisfies readonly WorkState[];

const NO_STEP_YET: Record<StageName, number> = {
  research: 0,
  generate: 0,
  test: 0,
  diagnose: 0,
  review: 0,
  publish: 0,
};

interface Begin {
  stage: StageName;
  mode: StageMode;
  feedback?: Feedback;
  draft?: boolean;
}

/** The context as a new attempt of a stage starts: nothing that an earlier attempt left may decide any more. */
function begun(context: PipelineContext, begin: Begin): Partial<PipelineContext> {
  const { stage, mode, feedback, draft = false } = begin;
  const attempt = context.attempts[stage] + 1;
  const fresh: Partial<PipelineContext> = {
    step: { stage, mode, attempt, feedback, draft },
    attempts: { ...context.attempts, [stage]: attempt },
    pause: null,
    error: null,
  };
  switch (stage) {
    case 'research':
      return { ...fresh, ...CLEARED, testsWritten: false, testsApproved: false };
    case 'generate': {
      const cleared = { ...fresh, ...CLEARED };
      if (mode === 'FIX') return { ...cleared, beforeFix: context.test };
      return mode === 'GENERATE' ? { ...cleared, testsWritten: false, testsApproved: false } : cleared;
    }
    case 'test':
      if (mode === 'FIX') return { ...fresh, ...CLEARED, beforeFix: context.test };
      return { ...fresh, ...CLEARED, beforeFix: context.beforeFix, fixChanged: context.fixChanged };
    case 'diagnose':
      return fresh;
    case 'review':
      return { ...fresh, question: null };
    case 'publish':
      return fresh;
  }
}

const CLEARED = { test: null, beforeFix: null, fixChanged: null, repeated: false, question: null } as const;

function sameTests(a: readonly string[], b: readonly string[]): boolean {
  const names = new Set(a);
  return names.size === new Set(b).size && b.every((name) => names.has(name));
}

/** Whether a FIX has left everything as it was: by the hashes of what ran, else by what the stage says it changed. */
function changedNothing(before: TestEvidence, after: TestEvidence, fixChanged: number | null): boolean {
  if (!sameTests(before.result.failing, after.result.failing)) return false;
  if (before.ran !== null && after.ran !== null) return before.ran === after.ran;
  return fixChanged === 0;
}

function failingText(test: TestEvidence | null): string {
  if (test === null) return 'The tests do not pass';
  const failing = test.result.failed + test.result.errors;
  return failing === 0 ? 'The tests could not be read' : `${failing} of ${test.result.total} tests fail`;
}

const FIX_BY_HAND =
  'Read the diagnosis, correct the connector by hand and resume: the tests then run again. Or cancel the run.';

function fromPerson(text: string, findings: Finding[]): Feedback {
  return { from: 'person', text, failingTests: [], findings };
}

const UNASKED = 'The review needs to know more about the API.';
const ACCEPTED = 'Correct these findings of the review.';

function limitText(context: PipelineContext, result: StageResult<'diagnose'>): string {
  const [what, limit] =
    result.verdict === 'code'
      ? ['fixes of the code', context.limits.codeFixes]
      : ['fixes of the tests', context.limits.testFixes];
  return `All ${limit} ${what} are used up. ${failingText(context.test)}: ${result.explanation}`;
}

/** Feedback of a diagnosis for the FIX that follows. */
function fromDiagnosis(context: PipelineContext, result: StageResult<'diagnose'>): Feedback {
  return {
    from: 'diagnose',
    text: result.explanation,
    failingTests: [...(context.test?.result.failing ?? [])],
    findings: result.vacuous,
  };
}

/** A pass is one only with the evidence of a test run that passed. */
const isPass = (context: PipelineContext, result: StageResult<'diagnose'>): boolean =>
  result.verdict === 'pass' && context.test?.result.verdict === 'passed';

/** Nothing that the person would have to answer: clean, or all that was found has been rejected before. */
const isClean = (result: ReviewResult, open: OpenFindings): boolean =>
  result.decision !== 'needs_research' &&
  open.blocking === 0 &&
  (result.decision === 'clean' || open.unanswered === 0);

const unsettled = (context: PipelineContext, open: OpenFindings): boolean =>
  open.blocking > 0 || context.question !== null;

const frame = setup({
  types: {
    context: {} as PipelineContext,
    events: {} as PipelineEvent,
    input: {} as { limits: Limits },
  },
  actors: {
    /** Runs one step; what comes of it comes back as an event. Stopped = aborted. */
    stage: fromCallback<PipelineEvent, Step>(() => undefined),
    /** Asks at a gate; the decision comes back as an event. */
    gate: fromCallback<PipelineEvent, { gate: GateName }>(() => undefined),
  },
  actions: {
    begin: assign(({ context }, begin: Begin) => begun(context, begin)),
    count: assign(({ context }, { counter }: { counter: keyof Counts }) => ({
      counts: { ...context.counts, [counter]: context.counts[counter] + 1 },
    })),
    hold: assign((_, pause: Pause) => ({ pause })),
    letGo: assign({ pause: null }),
    fail: assign((_, { error }: { error: StageFailure }) => ({ error })),
    takeTest: assign(({ context }, after: TestEvidence) => ({
      test: after,
      testsWritten: true,
      repeated: context.beforeFix !== null && changedNothing(context.beforeFix, after, context.fixChanged),
      beforeFix: null,
      fixChanged: null,
    })),
    takeFix: assign((_, { changed }: { changed: number }) => ({ fixChanged: changed })),
    approveTests: assign({ testsApproved: true }),
    takeQuestion: assign((_, { question }: { question: string | null }) => ({ question })),
    takeNumber: assign(({ context }, { stage }: { stage: StageName }) => ({
      attempts: { ...context.attempts, [stage]: context.attempts[stage] + 1 },
    })),
  },
});

/** Whether an event is about the attempt that runs now. */
const isNow = ({ context, event }: { context: PipelineContext; event: { attempt: number } }): boolean =>
  context.step.attempt === event.attempt;

const left = (context: PipelineContext, counter: keyof Counts): boolean =>
  context.counts[counter] < context.limits[counter];

function holdFrom(from: WorkState) {
  return {
    type: 'hold' as const,
    params: ({ event }: { event: Interruption }): Pause => ({
      cause: event.cause,
      message: event.message,
      cure: event.cure,
      from,
      retest: false,
    }),
  };
}
const failWith = {
  type: 'fail' as const,
  params: ({ event }: { event: { error: StageFailure } }) => ({ error: event.error }),
};
/** What a person may do in every state that is not final. */
function stops(from: WorkState) {
  return {
    pause: { target: 'paused' as const, actions: holdFrom(from) },
    cancel: { target: 'cancelled' as const },
  };
}

/** Pauses after a diagnosis: what goes on then is another test run. */
function holdForRetest(cause: PauseCause, message: (context: PipelineContext) => string) {
  return {
    type: 'hold' as const,
    params: ({ context, event }: { context: PipelineContext; event: StageDone<'diagnose'> }): Pause => ({
      cause,
      message: message(context),
      cure: (cause === 'environment' ? event.result.cure : undefined) ?? FIX_BY_HAND,
      from: 'diagnosing',
      retest: true,
    }),
  };
}

/** Hands what the review asked on to the gates, in case re-research may no longer answer it. */
function takeQuestion() {
  return {
    type: 'takeQuestion' as const,
    params: ({ event }: { event: StageDone<'review'> }) => ({
      question: event.result.decision === 'needs_research' ? (event.result.question ?? UNASKED) : null,
    }),
  };
}

/** Back to the code with the findings that the person accepted, and their own words where there are some. */
function improve(from: 'review' | 'person') {
  return {
    type: 'begin' as const,
    params: ({ event }: { event: DecisionBasis & { text?: string } }): Begin => ({
      stage: 'generate',
      mode: 'IMPROVE',
      feedback: { from, text: event.text ?? ACCEPTED, failingTests: [], findings: event.accepted },
    }),
  };
}

const begin = (stage: StageName, mode: StageMode) => ({ type: 'begin' as const, params: { stage, mode } });
const count = (counter: keyof Counts) => ({ type: 'count' as const, params: { counter } });

export const pipelineMachine = frame.createMachine({
  id: 'pipeline',
  context: ({ input }) => ({
    limits: input.limits,
    step: { stage: 'research', mode: 'RUN', attempt: 1, feedback: undefined, draft: false },
    attempts: { ...NO_STEP_YET, research: 1 },
    counts: { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 },
    ...CLEARED,
    testsWritten: false,
    testsApproved: false,
    pause: null,
    error: null,
  }),
  initial: 'researching',
  on: { by_hand: { actions: { type: 'takeNumber', params: ({ event }) => ({ stage: event.stage }) } } },
  states: {
    researching: {
      invoke: { src: 'stage', input: ({ context }) => context.step },
      on: {
        'done.research': { guard: isNow, target: 'gateResearch' },
        'paused.research': { guard: isNow, target: 'paused', actions: holdFrom('researching') },
        'failed.research': { guard: isNow, target: 'failed', actions: failWith },
        ...stops('researching'),
      },
    },

    gateResearch: {
      invoke: { src: 'gate', input: { gate: 'research' } },
      on: {
        'approve.research': { target: 'generating', actions: begin('generate', 'GENERATE') },
        'changes.research': {
          target: 'researching',
          actions: {
            type: 'begin',
            params: ({ event }) => ({
              stage: 'research',
              mode: 'REVISE',
              feedback: fromPerson(event.text, []),
            }),
          },
        },
        'reject.research': 'cancelled',
        ...stops('gateResearch'),
      },
    },

    generating: {
      invoke: { src: 'stage', input: ({ context }) => context.step },
      on: {
        'done.generate': [
          {
            // Nobody has seen this code yet. FIX and the IMPROVE of a review are answers to what was seen.
            guard: ({ context, event }) =>
              isNow({ context, event }) && context.step.mode !== 'FIX' && !context.testsWritten,
            target: 'gateCode',
          },
          {
            guard: isNow,
            target: 'testing',
            actions: [
              { type: 'takeFix', params: ({ event }) => ({ changed: event.result.changed.length }) },
              begin('test', 'RERUN'),
            ],
          },
        ],
        'paused.generate': { guard: isNow, target: 'paused', actions: holdFrom('generating') },
        'failed.generate': { guard: isNow, target: 'failed', actions: failWith },
        ...stops('generating'),
      },
    },

    gateCode: {
      invoke: { src: 'gate', input: { gate: 'code' } },
      on: {
        'approve.code': { target: 'testing', actions: begin('test', 'GENERATE') },
        'changes.code': {
          target: 'generating',
          actions: {
            type: 'begin',
            params: ({ event }) => ({
              stage: 'generate',
              mode: 'IMPROVE',
              feedback: fromPerson(event.text, event.accepted),
            }),
          },
        },
        'reject.code': 'cancelled',
        ...stops('gateCode'),
      },
    },

    testing: {
      invoke: { src: 'stage', input: ({ context }) => context.step },
      on: {
        'done.test': {
          guard: isNow,
          target: 'diagnosing',
          actions: [
            { type: 'takeTest', params: ({ event }) => ({ result: event.result, ran: event.ran }) },
            begin('diagnose', 'RUN'),
          ],
        },
        'paused.test': { guard: isNow, target: 'paused', actions: holdFrom('testing') },
        'failed.test': { guard: isNow, target: 'failed', actions: failWith },
        ...stops('testing'),
      },
    },

    diagnosing: {
      invoke: { src: 'stage', input: ({ context }) => context.step },
      on: {
        'done.diagnose': [
          {
            guard: ({ context, event }) =>
              isNow({ context, event }) && isPass(context, event.result) && context.testsApproved,
            target: 'reviewing',
            actions: begin('review', 'RUN'),
          },
          {
            guard: ({ context, event }) => isNow({ context, event }) && isPass(context, event.result),
            target: 'gateTests',
          },
          {
            guard: ({ context, event }) => isNow({ context, event }) && event.result.verdict === 'pass',
            target: 'paused',
            actions: holdForRetest(
              'stuck',
              (context) =>
                `The diagnosis calls it a pass, but the evidence does not: ${failingText(context.test)}.`,
            ),
          },
          {
            guard: ({ context, event }) =>
              isNow({ context, event }) && event.result.verdict === 'environment',
            target: 'paused',
            actions: {
              type: 'hold',
              params: ({ event }) => ({
                cause: 'environment',
                message: event.result.explanation,
                cure: event.result.cure ?? 'Correct the environment and resume: the tests then run again.',
                from: 'diagnosing',
                retest: true,
              }),
            },
          },
          {
            guard: ({ context, event }) => isNow({ context, event }) && context.repeated,
            target: 'paused',
            actions: holdForRetest(
              'stuck',
              (context) =>
                `The last fix changed nothing and the same tests fail: ${failingText(context.test)}.`,
            ),
          },
          {
            guard: ({ context, event }) =>
              isNow({ context, event }) && event.result.verdict === 'code' && left(context, 'codeFixes'),
            target: 'generating',
            actions: [
              count('codeFixes'),
              {
                type: 'begin',
                params: ({ context, event }) => ({
                  stage: 'generate',
                  mode: 'FIX',
                  feedback: fromDiagnosis(context, event.result),
                }),
              },
            ],
          },
          {
            guard: ({ context, event }) =>
              isNow({ context, event }) && event.result.verdict === 'tests' && left(context, 'testFixes'),
            target: 'testing',
            actions: [
              count('testFixes'),
              {
                type: 'begin',
                params: ({ context, event }) => ({
                  stage: 'test',
                  mode: 'FIX',
                  feedback: fromDiagnosis(context, event.result),
                }),
              },
            ],
          },
          {
            guard: isNow,
            target: 'paused',
            actions: {
              type: 'hold',
              params: ({ context, event }) => ({
                cause: 'stuck',
                message: limitText(context, event.result),
                cure: FIX_BY_HAND,
                from: 'diagnosing',
                retest: true,
              }),
            },
          },
        ],
        'paused.diagnose': { guard: isNow, target: 'paused', actions: holdFrom('diagnosing') },
        'failed.diagnose': { guard: isNow, target: 'failed', actions: failWith },
        ...stops('diagnosing'),
      },
    },

    gateTests: {
      invoke: { src: 'gate', input: { gate: 'tests' } },
      on: {
        'approve.tests': { target: 'reviewing', actions: ['approveTests', begin('review', 'RUN')] },
        'changes.tests': {
          target: 'testing',
          actions: {
            type: 'begin',
            params: ({ event }) => ({
              stage: 'test',
              mode: 'FIX',
              feedback: fromPerson(event.text, event.accepted),
            }),
          },
        },
        'reject.tests': 'cancelled',
        ...stops('gateTests'),
      },
    },

    reviewing: {
      invoke: { src: 'stage', input: ({ context }) => context.step },
      on: {
        'done.review': [
          {
            guard: ({ context, event }) =>
              isNow({ context, event }) &&
              event.result.decision === 'needs_research' &&
              left(context, 'reResearch'),
            target: 'researching',
            actions: [
              count('reResearch'),
              {
                type: 'begin',
                params: ({ event }) => ({
                  stage: 'research',
                  mode: 'REVISE',
                  feedback: {
                    from: 'review',
                    text: event.result.question ?? UNASKED,
                    failingTests: [],
                    findings: [],
                  },
                }),
              },
            ],
          },
          {
            guard: ({ context, event }) => isNow({ context, event }) && isClean(event.result, event.open),
            target: 'gatePublish',
          },
          {
            guard: ({ context, event }) =>
              isNow({ context, event }) && left(context, 'reviewCycles') && event.open.unanswered > 0,
            target: 'gateReview',
            actions: takeQuestion(),
          },
          {
            guard: ({ context, event }) =>
              isNow({ context, event }) &&
              (event.open.blocking > 0 || event.result.decision === 'needs_research'),
            target: 'gateDraft',
            actions: takeQuestion(),
          },
          { guard: isNow, target: 'gatePublish' },
        ],
        'paused.review': { guard: isNow, target: 'paused', actions: holdFrom('reviewing') },
        'failed.review': { guard: isNow, target: 'failed', actions: failWith },
        ...stops('reviewing'),
      },
    },

    gateReview: {
      invoke: { src: 'gate', input: { gate: 'review' } },
      on: {
        'approve.review': [
          {
            guard: ({ event }) => event.accepted.length > 0,
            target: 'generating',
            actions: [count('reviewCycles'), improve('review')],
          },
          {
            guard: ({ event }) => event.applied > 0,
            target: 'testing',
            actions: [count('reviewCycles'), begin('test', 'RERUN')],
          },
          { guard: ({ context, event }) => unsettled(context, event.open), target: 'gateDraft' },
          { target: 'gatePublish' },
        ],
        'changes.review': { target: 'generating', actions: [count('reviewCycles'), improve('person')] },
        'reject.review': 'cancelled',
        ...stops('gateReview'),
      },
    },

    gateDraft: {
      invoke: { src: 'gate', input: { gate: 'draft' } },
      on: {
        'approve.draft': {
          target: 'publishing',
          actions: {
            type: 'begin',
            params: ({ context, event }) => ({
              stage: 'publish',
              mode: 'RUN',
              draft: unsettled(context, event.open),
            }),
          },
        },
        'reject.draft': 'cancelled',
        ...stops('gateDraft'),
      },
    },

    gatePublish: {
      invoke: { src: 'gate', input: { gate: 'publish' } },
      on: {
        'approve.publish': { target: 'publishing', actions: begin('publish', 'RUN') },
        'changes.publish': { target: 'generating', actions: improve('person') },
        'reject.publish': 'cancelled',
        ...stops('gatePublish'),
      },
    },

    publishing: {
      invoke: { src: 'stage', input: ({ context }) => context.step },
      on: {
        'done.publish': { guard: isNow, target: 'published' },
        'paused.publish': { guard: isNow, target: 'paused', actions: holdFrom('publishing') },
        'failed.publish': { guard: isNow, target: 'failed', actions: failWith },
        ...stops('publishing'),
      },
    },

    paused: {
      on: {
        resume: [
          {
            guard: ({ context }) => context.pause?.retest === true,
            target: 'testing',
            actions: begin('test', 'RERUN'),
          },
          ...WORK_STATES.map((state) => ({
            guard: ({ context }: { context: PipelineContext }) => context.pause?.from === state,
            target: state,
            actions: 'letGo' as const,
          })),
        ],
        cancel: 'cancelled',
      },
    },

    published: { type: 'final' },
    cancelled: { type: 'final' },
    failed: { type: 'final' },
  },
});
