/**
 * The attempts of a run, folded from its journal: how long each took, what it cost and how it ended. For those who look
 * on: nothing is decided by it.
 */
import {
  type GateDecision,
  type GateName,
  NO_USAGE,
  type StageMode,
  type StageName,
  type Usage,
} from './contracts.ts';
import type { Recorded } from './journal.ts';
import { resultNote } from './view.ts';

export interface Attempt {
  readonly stage: StageName;
  /** Counts from 1 within its stage; an attempt that was paused keeps its number when it goes on. */
  readonly attempt: number;
  readonly mode: StageMode;
  /** Run by a person beside the pipeline. */
  readonly byHand: boolean;
  /** ISO time of its first sitting. */
  readonly startedAt: string;
  /** Start of the sitting that is under way; null where none is. */
  readonly sittingSince: string | null;
  /** Work in the sittings that have ended, in milliseconds. What a killed process did is not known and not in it. */
  readonly durationMs: number;
  /** How often it was begun or resumed. */
  readonly sittings: number;
  /** `failed`: the stage could not do its work, or its tests failed. `running`: no end is noted. */
  readonly outcome: 'running' | 'done' | 'failed' | 'paused' | 'cancelled';
  /** What came of it in a few words; '' while it runs. */
  readonly note: string;
  /** Of all its sittings; null until the journal has it, which is when a sitting ends by itself. */
  readonly usage: Usage | null;
}

/** The newest decision at a gate. */
export interface GateWord {
  readonly gate: GateName;
  readonly decision: GateDecision['kind'];
  readonly by: 'person' | 'auto';
  readonly at: string;
}

export interface RunHistory {
  /** In order of their first start. */
  readonly attempts: readonly Attempt[];
  readonly gates: readonly GateWord[];
}

/** What the journal's records say of attempts and gates. Pure; `records` are those of `readJournal`. */
export function historyOf(records: readonly Recorded[]): RunHistory {
  const attempts = new Map<string, Attempt>();
  const gates = new Map<GateName, GateWord>();
  const change = (of: { stage: StageName; attempt: number }, to: (before: Attempt) => Attempt): void => {
    const key = `${of.stage}/${of.attempt}`;
    const before = attempts.get(key);
    if (before !== undefined) attempts.set(key, to(before));
  };
  for (const record of records) {
    switch (record.type) {
      case 'started':
      case 'hand_started':
        begin(attempts, record);
        break;
      case 'done':
        change(record, (before) => ({
          ...ended(before, record),
          outcome: record.stage === 'test' && record.result.verdict !== 'passed' ? 'failed' : 'done',
          note: resultNote(record),
        }));
        break;
      case 'stage_paused':
        change(record, (before) => ({ ...ended(before, record), outcome: 'paused', note: record.message }));
        break;
      case 'stage_failed':
        change(record, (before) => ({
          ...ended(before, record),
          outcome: 'failed',
          note: record.error.message,
        }));
        break;
      case 'hand_ended':
        change(record, (before) => ({
          ...ended(before, record),
          outcome: record.state,
          note: record.note,
        }));
        break;
      case 'paused':
      case 'cancelled':
        for (const open of [...attempts.values()]) change(open, (before) => stopped(before, record));
        break;
      case 'decided':
        gates.delete(record.gate);
        gates.set(record.gate, {
          gate: record.gate,
          decision: record.decision.kind,
          by: record.by,
          at: record.at,
        });
        break;
      case 'answered':
      case 'resumed':
      case 'note':
      case 'adopted':
        break;
    }
  }
  return { attempts: [...attempts.values()], gates: [...gates.values()] };
}

type Begun = Extract<Recorded, { type: 'started' | 'hand_started' }>;

function begin(attempts: Map<string, Attempt>, record: Begun): void {
  const { stage, attempt, mode, at } = record;
  const key = `${stage}/${attempt}`;
  const before = attempts.get(key);
  attempts.set(key, {
    stage,
    attempt,
    mode,
    byHand: record.type === 'hand_started',
    startedAt: before?.startedAt ?? at,
    sittingSince: at,
    durationMs: before?.durationMs ?? 0,
    sittings: (before?.sittings ?? 0) + 1,
    outcome: 'running',
    note: '',
    usage: before?.usage ?? null,
  });
}

function ended(before: Attempt, record: { durationMs: number; usage: Usage }): Attempt {
  const { usage } = record;
  return {
    ...before,
    sittingSince: null,
    durationMs: before.durationMs + record.durationMs,
    // Where a stage fails before it has asked anything, what earlier sittings cost stays.
    usage: usage.usd === 0 && usage.requests === 0 ? (before.usage ?? NO_USAGE) : usage,
  };
}

/** A person's pause or cancel, or the note that the process of the work is gone, ends the sitting that was under way. */
function stopped(before: Attempt, record: Extract<Recorded, { type: 'paused' | 'cancelled' }>): Attempt {
  const outcome = record.type;
  if (before.outcome === 'paused' && outcome === 'cancelled') return { ...before, outcome };
  if (before.outcome !== 'running' || before.sittingSince === null) return before;
  // The note that a run was interrupted comes when the run is opened again, hours later perhaps.
  const known = record.type === 'cancelled' || record.cause !== 'reload';
  const worked = known ? Math.max(0, Date.parse(record.at) - Date.parse(before.sittingSince)) : 0;
  return {
    ...before,
    outcome,
    sittingSince: null,
    durationMs: before.durationMs + worked,
    note: record.type === 'paused' ? record.message : '',
  };
}
