/** What the charts draw: for each stage a bar, made of its attempts, all bars to one scale. Pure. */
import type { AttemptRow, StageRow } from './contract.ts';
import { cost, duration, tokens } from './words.ts';

export type Measure = 'time' | 'tokens' | 'cost';

export interface Segment {
  readonly key: string;
  readonly outcome: AttemptRow['outcome'];
  /** Begin and end as parts of the longest bar, 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** `attempt 2, FIX: 3.4 s, failed`. */
  readonly text: string;
}

export interface Bar {
  readonly stage: string;
  readonly label: string;
  /** Milliseconds, tokens or US dollars. */
  readonly total: number;
  /** The total in words; '' for a stage that has not begun. */
  readonly text: string;
  readonly segments: readonly Segment[];
}

const WORDS: Record<Measure, (value: number) => string> = { time: duration, tokens, cost };

/** Milliseconds that an attempt has worked until `now`, the sitting under way included. */
export function workedMs({ durationMs, since }: AttemptRow, now: number): number {
  return durationMs + (since === null ? 0 : Math.max(0, now - Date.parse(since)));
}

export function measured(attempt: AttemptRow, measure: Measure, now: number): number {
  switch (measure) {
    case 'time':
      return workedMs(attempt, now);
    case 'tokens':
      return attempt.usage.inputTokens + attempt.usage.outputTokens;
    case 'cost':
      return attempt.usage.usd;
  }
}

/** One bar for each stage, in the order of `stages`. Without anything to show every bar is empty. */
export function barsOf(
  stages: readonly Pick<StageRow, 'stage' | 'label'>[],
  attempts: readonly AttemptRow[],
  measure: Measure,
  now: number,
): Bar[] {
  const totals = stages.map(({ stage }) =>
    attempts
      .filter((one) => one.stage === stage)
      .reduce((sum, attempt) => sum + measured(attempt, measure, now), 0),
  );
  const longest = Math.max(...totals, 0);
  return stages.map(({ stage, label }, index) => {
    const own = attempts.filter((one) => one.stage === stage);
    const total = totals[index] ?? 0;
    let from = 0;
    const segments = own.map((attempt) => {
      const value = measured(attempt, measure, now);
      const to = longest === 0 ? 0 : from + value / longest;
      const segment: Segment = {
        key: `${stage}/${attempt.attempt}`,
        outcome: attempt.outcome,
        from,
        to,
        text: `${attemptName(attempt)}: ${WORDS[measure](value)}, ${attempt.outcome}`,
      };
      from = to;
      return segment;
    });
    return { stage, label, total, text: own.length === 0 ? '' : WORDS[measure](total), segments };
  });
}

/** `attempt 2, FIX`. */
export function attemptName({ attempt, mode, byHand }: AttemptRow): string {
  return [`attempt ${attempt}`, mode === 'RUN' ? '' : mode, byHand ? 'by hand' : '']
    .filter((part) => part !== '')
    .join(', ');
}

/** The chart in a sentence, for those who don't see it. */
export function chartText(title: string, bars: readonly Bar[]): string {
  const told = bars.flatMap(({ label, text, segments }) =>
    segments.length === 0
      ? []
      : [`${label} ${text}${segments.length > 1 ? ` in ${segments.length} attempts` : ''}`],
  );
  return `${title}: ${told.length === 0 ? 'nothing yet' : told.join(', ')}.`;
}
