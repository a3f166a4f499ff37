/** One attempt of a stage with all that belongs to it: the connector's lock, the clock, and the record of how it ended. */
import { join } from 'node:path';
import { z } from 'zod';
import { asSourcewrightError } from '../errors.ts';
import type { Files } from '../store/files.ts';
import { type Lock, takeLock } from '../store/lock.ts';
import { connectorLockPath } from '../store/run-folders.ts';
import {
  NO_USAGE,
  type RunRequest,
  type StageName,
  type SnapshotHook,
  type SnapshotMoment,
  StageResults,
  type Stages,
  type Usage,
} from './contracts.ts';
import { JournalRecord } from './journal.ts';
import { readJson } from './json-files.ts';
import type { Step } from './machine-types.ts';
import type { ReviewLedger } from './review-ledger.ts';
import { outcomeOf, runStep, type StepOutcome } from './stage-runner.ts';

/** Stages that write into the connector's folder, or that nobody may write into while they read it. */
const WRITING: readonly StageName[] = ['generate', 'test', 'publish'];

/** Hashes of what a test run ran, of its report. */
const RanHashes = z.object({ codeSha256: z.string(), testsSha256: z.string() });

/** What a step needs of its run. */
export interface StepHost {
  readonly runId: string;
  readonly runDir: string;
  readonly request: RunRequest;
  readonly files: Files;
  readonly ledger: ReviewLedger;
  /** Milliseconds of a clock that nobody can set. */
  readonly elapsed: () => number;
  /** ISO time of the journal's last record. */
  readonly lastAt: () => string;
  readonly stages: () => Stages;
  readonly connectorDir: () => string;
  readonly progress: (stage: StageName, message: string) => void;
  readonly activity: (stage: StageName, line: string) => void;
  /** What an attempt has cost so far, in all its sittings. */
  readonly spent: (step: Step, total: Usage) => void;
  readonly snapshots: SnapshotHook | undefined;
  /** Something went wrong that keeps nothing from going on. */
  readonly warn: (message: string) => void;
}

export interface Ended {
  readonly outcome: StepOutcome;
  readonly durationMs: number;
  /** Of the attempt, in all its sittings. */
  readonly usage: Usage;
}

/** Runs the step's stage, alone in the connector's folder where it writes there. Never rejects. */
export async function workStep(host: StepHost, step: Step, signal: AbortSignal): Promise<Ended> {
  const began = host.elapsed();
  const connectorDir = host.connectorDir();
  let lock: Lock | undefined;
  let usage = NO_USAGE;
  const ended = (outcome: StepOutcome): Ended => ({
    outcome,
    durationMs: Math.round(host.elapsed() - began),
    usage,
  });
  try {
    if (WRITING.includes(step.stage)) {
      const path = connectorLockPath(host.request.workspace, connectorDir);
      lock = await takeLock(path, 'The folder of the connector', `${step.stage} of run ${host.runId}`);
      await keep(host, step, connectorDir, 'before');
    }
    const { runId, runDir, request, files } = host;
    const progress = (message: string): void => {
      host.progress(step.stage, message);
    };
    const activity = (line: string): void => {
      host.activity(step.stage, line);
    };
    const spent = (total: Usage): void => {
      usage = total;
      host.spent(step, total);
    };
    const environment = { runId, request, runDir, connectorDir, files, signal, progress, activity, spent };
    return ended(await runStep(host.stages(), step, environment));
  } catch (error) {
    return ended(outcomeOf(error));
  } finally {
    if (lock !== undefined) {
      // Also after a failure or a cancel: what was written by then is there all the same.
      await keep(host, step, connectorDir, 'after');
      await lock.release();
    }
  }
}

/** Asks for a snapshot of the connector's folder. Never rejects: a run is worth more than a way back. */
async function keep(
  host: StepHost,
  { stage, attempt }: Step,
  connectorDir: string,
  phase: SnapshotMoment['phase'],
): Promise<void> {
  const { runId, request } = host;
  try {
    await host.snapshots?.take({
      workspace: request.workspace,
      connectorDir,
      runId,
      stage,
      attempt,
      phase,
      notBefore: host.lastAt(),
    });
  } catch (error) {
    host.warn(`No snapshot of the connector ${phase} ${stage}: ${asSourcewrightError(error).toText()}`);
  }
}

/** Evidence that decides beside the result, taken from the artifacts and not from the stage's word. */
async function extras(
  host: StepHost,
  step: Step,
  outcome: Extract<StepOutcome, { status: 'done' }>,
): Promise<object> {
  if (step.stage === 'test') {
    if (!('test-report.json' in outcome.artifacts)) return { ran: null };
    const report = await readJson(host.files, join(host.runDir, 'test-report.json'), RanHashes);
    return { ran: report === undefined ? null : `${report.codeSha256}/${report.testsSha256}` };
  }
  if (step.stage !== 'review') return {};
  const { blocking, findings } = StageResults.review.parse(outcome.result);
  const open = 'review.json' in outcome.artifacts ? await host.ledger.openAfterReview() : undefined;
  return { open: open ?? { blocking, unanswered: findings } };
}

/** The journal's record of how a step ended. Never rejects: evidence that can't be read is a failure of its own. */
export async function endRecord(host: StepHost, step: Step, ended: Ended): Promise<JournalRecord> {
  const { stage, attempt } = step;
  const { outcome, durationMs, usage } = ended;
  switch (outcome.status) {
    case 'done':
      try {
        const { result, artifacts } = outcome;
        const more = await extras(host, step, outcome);
        return JournalRecord.parse({
          type: 'done',
          stage,
          attempt,
          result,
          usage,
          durationMs,
          artifacts,
          ...more,
        });
      } catch (error) {
        return await endRecord(host, step, { ...ended, outcome: outcomeOf(error) });
      }
    case 'paused': {
      const { cause, message, cure } = outcome;
      return { type: 'stage_paused', stage, attempt, cause, message, cure, durationMs, usage };
    }
    case 'failed':
      return { type: 'stage_failed', stage, attempt, error: outcome.error, durationMs, usage };
  }
}
