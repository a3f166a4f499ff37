/**
 * The pipeline as one state machine: which step follows which outcome, and how often. It is pure: it does no I/O, knows
 * no clock and no policy. The stages and the gates are actors that are provided from outside (`stage`, `gate`); what they
 * find out comes back as events, and the same events in the same order always lead to the same state. The run journal
 * rests on that: it keeps the events, and replaying them is how a run is resumed.
 *
 * The table in words, and why each subtle point is as it is: README.md beside this file.
 */
import { assign, fromCallback, setup } from 'xstate';
import type { GateName, Limits, StageName } from './contracts.ts';
import {
  ACCEPTED,
  begun,
  type Begin,
  CLEARED,
  failingText,
  FIX_BY_HAND,
  fromDiagnosis,
  fromPerson,
  isClean,
  isForTester,
  isFruitless,
  isPass,
  limitText,
  NO_STEP_YET,
  tested,
  UNASKED,
  unsettled,
} from './decisions.ts';
import {
  begin,
  count,
  failWith,
  holdForRetest,
  holdFrom,
  improve,
  isNow,
  left,
  stops,
  takeQuestion,
} from './machine-actions.ts';
import {
  type Counts,
  type Pause,
  type PipelineContext,
  type PipelineEvent,
  type StageFailure,
  type Step,
  type TestEvidence,
  WORK_STATES,
} from './machine-types.ts';

/** Raise when the same events would lead elsewhere: journals of other versions are then not replayed. */
export const MACHINE_VERSION = 2;

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
    takeTest: assign(({ context }, after: TestEvidence) => tested(context, after)),
    takeFix: assign((_, { changed }: { changed: number }) => ({ fixChanged: changed })),
    approveTests: assign({ testsApproved: true }),
    takeQuestion: assign((_, { question }: { question: string | null }) => ({ question })),
    takeNumber: assign(({ context }, { stage }: { stage: StageName }) => ({
      attempts: { ...context.attempts, [stage]: context.attempts[stage] + 1 },
    })),
  },
});

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
            guard: ({ context, event }) => isNow({ context, event }) && isFruitless(context, event.result),
            target: 'paused',
            actions: holdForRetest(
              'stuck',
              (context) =>
                `The last fix was of no use, the same tests fail as before: ${failingText(context.test)}.`,
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
            guard: ({ event }) => isForTester(event.accepted),
            target: 'testing',
            actions: [
              count('reviewCycles'),
              {
                type: 'begin',
                params: ({ event }) => ({
                  stage: 'test',
                  mode: 'FIX',
                  feedback: { from: 'review', text: ACCEPTED, failingTests: [], findings: event.accepted },
                }),
              },
            ],
          },
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
