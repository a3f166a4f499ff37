/** The building blocks of the machine's transitions: guards, and actions with what they take from the event. */
import type { PauseCause, StageMode, StageName } from './contracts.ts';
import { ACCEPTED, type Begin, FIX_BY_HAND, UNASKED } from './decisions.ts';
import type {
  Counts,
  DecisionBasis,
  Interruption,
  Pause,
  PipelineContext,
  StageDone,
  StageFailure,
  WorkState,
} from './machine-types.ts';

/** Whether an event is about the attempt that runs now. */
export const isNow = ({
  context,
  event,
}: {
  context: PipelineContext;
  event: { attempt: number };
}): boolean => context.step.attempt === event.attempt;

export const left = (context: PipelineContext, counter: keyof Counts): boolean =>
  context.counts[counter] < context.limits[counter];

export function holdFrom(from: WorkState) {
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
export const failWith = {
  type: 'fail' as const,
  params: ({ event }: { event: { error: StageFailure } }) => ({ error: event.error }),
};
/** What a person may do in every state that is not final. */
export function stops(from: WorkState) {
  return {
    pause: { target: 'paused' as const, actions: holdFrom(from) },
    cancel: { target: 'cancelled' as const },
  };
}

/** Pauses after a diagnosis: what goes on then is another test run. */
export function holdForRetest(cause: PauseCause, message: (context: PipelineContext) => string) {
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
export function takeQuestion() {
  return {
    type: 'takeQuestion' as const,
    params: ({ event }: { event: StageDone<'review'> }) => ({
      question: event.result.decision === 'needs_research' ? (event.result.question ?? UNASKED) : null,
    }),
  };
}

/** Back to the code with the findings that the person accepted, and their own words where there are some. */
export function improve(from: 'review' | 'person') {
  return {
    type: 'begin' as const,
    params: ({ event }: { event: DecisionBasis & { text?: string } }): Begin => ({
      stage: 'generate',
      mode: 'IMPROVE',
      feedback: { from, text: event.text ?? ACCEPTED, failingTests: [], findings: event.accepted },
    }),
  };
}

export const begin = (stage: StageName, mode: StageMode) => ({
  type: 'begin' as const,
  params: { stage, mode },
});
export const count = (counter: keyof Counts) => ({ type: 'count' as const, params: { counter } });
