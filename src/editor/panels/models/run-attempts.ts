/** The attempts of a run as the run view lists and draws them. Pure. */
import type { Attempt } from '../../../pipeline/attempts.ts';
import type { RunView, StageName, Usage } from '../../../pipeline/contracts.ts';
import type { AttemptRow, Cut, Spent } from '../../../webview/run/contract.ts';
import { STAGE_LABEL } from '../../present.ts';

/** The newest attempts that are shown; a run with all its limits used up has about 25. */
const MOST = 80;

export function attemptRows(view: RunView, attempts: readonly Attempt[]): Cut<AttemptRow> {
  const rows = attempts.map((attempt) => rowOf(view, attempt, attempts));
  const shown = rows.slice(-MOST);
  return { shown, left: rows.length - shown.length };
}

function rowOf(view: RunView, attempt: Attempt, all: readonly Attempt[]): AttemptRow {
  const { stage, mode, byHand, startedAt, durationMs, sittings, note } = attempt;
  const now = view.stages.find((one) => one.stage === stage);
  const atWork = now?.state === 'running' && now.attempt === attempt.attempt;
  return {
    stage,
    label: STAGE_LABEL[stage],
    attempt: attempt.attempt,
    mode,
    byHand,
    // No end is noted, and yet nobody works on it: its process is gone.
    outcome: attempt.outcome === 'running' && !atWork ? 'interrupted' : attempt.outcome,
    startedAt,
    durationMs,
    since: atWork ? attempt.sittingSince : null,
    sittings,
    usage: usageOf(view, attempt, all),
    note,
  };
}

/** What the journal does not have yet (an attempt that works or was stopped) is what the stage has cost beyond the others. */
function usageOf(view: RunView, attempt: Attempt, all: readonly Attempt[]): Spent {
  const newest = all.findLast(({ stage }) => stage === attempt.stage);
  const unsaid = attempt === newest && attempt.outcome !== 'done' && attempt.outcome !== 'failed';
  if (!unsaid) return spent(attempt.usage);
  const others = all.filter((one) => one.stage === attempt.stage && one !== attempt);
  const total = spent(view.stages.find(({ stage }) => stage === attempt.stage)?.usage ?? null);
  const sum = others.map(({ usage }) => spent(usage)).reduce(add, spent(null));
  return {
    usd: rest(total.usd, sum.usd),
    inputTokens: rest(total.inputTokens, sum.inputTokens),
    outputTokens: rest(total.outputTokens, sum.outputTokens),
  };
}

/** Without what adding fractions leaves over. */
function rest(total: number, others: number): number {
  const left = total - others;
  return left > 1e-9 ? left : 0;
}

function add(a: Spent, b: Spent): Spent {
  return {
    usd: a.usd + b.usd,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
  };
}

export function spent(usage: Usage | null): Spent {
  const { usd = 0, inputTokens = 0, outputTokens = 0 } = usage ?? {};
  return { usd, inputTokens, outputTokens };
}

/** How often a stage has begun. */
export function attemptsOf(attempts: readonly Attempt[], stage: StageName): number {
  return attempts.filter((one) => one.stage === stage).length;
}
