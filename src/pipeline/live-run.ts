/**
 * The one implementation of `PipelineRun`. It feeds the machine, and the machine only, with journalled events; the
 * machine's actors call back into it to run a stage or to ask at a gate.
 */
import { join, resolve } from 'node:path';
import { type Actor, createActor, fromCallback } from 'xstate';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import { type Files, nodeFiles } from '../store/files.ts';
import { type Lock, takeLock } from '../store/lock.ts';
import { runLockPath } from '../store/run-folders.ts';
import {
  type FindingAnswer,
  type GateDecision,
  type GateName,
  type PipelineRun,
  type Remark,
  type Review,
  type RunRequest,
  type RunView,
  type StageMode,
  type StageName,
} from './contracts.ts';
import { assertAtHome, foreignRun, isForeign } from './at-home.ts';
import { addRemark } from './discussion.ts';
import { Gatekeeper } from './gatekeeper.ts';
import {
  type DoneRecord,
  eventOf,
  Journal,
  JOURNAL_FILE,
  type JournalContent,
  type JournalRecord,
  type Recorded,
} from './journal.ts';
import { pipelineMachine } from './machine.ts';
import type { PipelineEvent, PipelineState, Step } from './machine-types.ts';
import { INTERRUPTED, interrupted } from './read-run.ts';
import { ReviewLedger } from './review-ledger.ts';
import { type Observed, Observers } from './observers.ts';
import { RunFiles } from './run-files.ts';
import type { RunDependencies } from './run.ts';
import { outcomeOf, type StepOutcome } from './stage-runner.ts';
import { endRecord, type StepHost, workStep } from './step-work.ts';
import { connectorDirOf, GATE_OF, isAutoGate, resultNote, runView, StageBoard } from './view.ts';
import { Workers } from './workers.ts';

const GRACE_MS = 10_000;
const FINAL: readonly PipelineState[] = ['published', 'cancelled', 'failed'];
/** What must have been done before a stage can be run by hand. */
const NEEDS: Record<StageName, StageName | undefined> = {
  research: undefined,
  generate: 'research',
  test: 'generate',
  diagnose: 'test',
  review: 'generate',
  publish: 'generate',
};
const BY_PERSON = { cause: 'person', message: 'Paused by you.', cure: 'Resume to go on.' } as const;

/** Runs that this process has open, by folder. */
const OPEN = new Map<string, LiveRun>();

/** Opens a run and replays its journal; nothing runs until `start`, `standStill` or `resume`. */
export async function openRunAt(runDir: string, d: RunDependencies): Promise<LiveRun> {
  const folder = resolve(runDir);
  const files = d.files ?? nodeFiles;
  const lock = await takeLock(runLockPath(folder), 'The run', 'runs the pipeline');
  try {
    const admit = (found: JournalContent): Promise<JournalRecord | undefined> => admitted(folder, found, d);
    const { journal, content } = await Journal.open(folder, files, d.now, admit, d.seal?.of);
    const run = new LiveRun(folder, d, files, { lock, journal }, content);
    OPEN.set(folder, run);
    await run.repair();
    return run;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * A run that somebody else began is driven once the person wants that, which the journal then says.
 * @throws SourcewrightError `input` where they do not, or the run is of another folder
 */
async function admitted(
  runDir: string,
  content: JournalContent,
  d: RunDependencies,
): Promise<JournalRecord | undefined> {
  await assertAtHome(runDir, content.request);
  if (!(await isForeign(content, d))) return undefined;
  if (d.adopt !== true) throw foreignRun(runDir);
  d.log('info', `Run ${content.runId}, which was begun elsewhere or changed since, is taken on.`);
  return { type: 'adopted' };
}

export class LiveRun implements PipelineRun {
  readonly runId: string;
  readonly #d: RunDependencies;
  readonly #runDir: string;
  readonly #request: RunRequest;
  readonly #createdAt: string;
  readonly #held: { readonly lock: Lock; readonly journal: Journal };
  readonly #actor: Actor<typeof pipelineMachine>;
  readonly #board: StageBoard;
  readonly #ledger: ReviewLedger;
  readonly #runFiles: RunFiles;
  readonly #workers: Workers;
  readonly #host: StepHost;
  readonly #gatekeeper: Gatekeeper;
  readonly #done = new Set<StageName>();
  readonly #observers: Observers;
  /** What the state just entered would do; started as soon as the replay is over and the person wants it. */
  #entered: (() => void) | undefined;
  #live = false;
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();
  /** A finished attempt whose record could not be written: kept, so that it need not run again. */
  #unsaved: DoneRecord | undefined;
  #hand: AbortController | undefined;
  #lettingGo: Promise<void> | undefined;

  static open(runDir: string): LiveRun | undefined {
    return OPEN.get(runDir);
  }

  constructor(
    runDir: string,
    d: RunDependencies,
    files: Files,
    held: { lock: Lock; journal: Journal },
    content: JournalContent,
  ) {
    this.runId = content.runId;
    this.#runDir = runDir;
    this.#d = d;
    this.#held = held;
    this.#request = content.request;
    this.#createdAt = content.createdAt;
    this.#board = new StageBoard(content.request, content.createdAt);
    this.#ledger = new ReviewLedger(runDir, files);
    const warn = (message: string): void => {
      d.log('warn', message);
    };
    this.#runFiles = new RunFiles(runDir, files, warn);
    const observed: Observed = {
      view: () => this.view(),
      isQuiet: () => this.#isQuiet(),
      whenQuiet: async () => {
        if (this.#isFinal()) await this.#letGo();
      },
    };
    this.#observers = new Observers(observed, this.#runFiles, warn);
    this.#workers = new Workers(
      d.graceMs ?? GRACE_MS,
      () => {
        this.#changed();
      },
      warn,
    );
    this.#host = {
      runId: content.runId,
      runDir,
      request: content.request,
      files,
      ledger: this.#ledger,
      elapsed: d.elapsed ?? (() => performance.now()),
      lastAt: () => held.journal.lastAt,
      stages: () => d.stages(content.request.engine),
      connectorDir: () => connectorDirOf(content.request, this.#board.connectorName ?? 'unnamed'),
      progress: (stage, message) => {
        this.#progress(stage, message);
      },
      activity: (stage, line) => {
        if (this.#closed) return;
        d.log('info', `${stage}: ${line}`);
        this.#board.activity(stage, line, d.now().toISOString());
        this.#observers.changedSoon();
      },
      spent: ({ stage, attempt }, total) => {
        this.#board.spent(stage, attempt, total);
        if (!this.#closed) this.#observers.changedSoon();
      },
      snapshots: d.snapshots,
      warn,
    };
    this.#gatekeeper = new Gatekeeper({
      ledger: this.#ledger,
      apply: (record, still) => this.#apply(record, still),
      gate: () => this.view().gate,
      hasEnded: () => this.#isFinal(),
      keep: async (remark) => {
        await addRemark(runDir, files, { ...remark, at: d.now().toISOString() });
        // Others learn of it by the view that is then written.
        this.#changed();
      },
      redact: async (text) => {
        const { workspace } = this.#request;
        return (await d.redact?.(text, { workspace, connectorDir: this.view().connectorDir })) ?? text;
      },
    });
    this.#actor = this.#createActor();
    this.#actor.start();
    for (const record of content.records) this.#take(record);
  }

  // ------------------------------------------------------------------------------------------------ the machine

  #createActor(): Actor<typeof pipelineMachine> {
    const machine = pipelineMachine.provide({
      actors: {
        stage: fromCallback<PipelineEvent, Step>(({ input }) =>
          this.#enter((signal) => this.#workOn(input, signal)),
        ),
        gate: fromCallback<PipelineEvent, { gate: GateName }>(({ input }) =>
          this.#isAuto(input.gate)
            ? this.#enter((signal) => this.#decideAlone(input.gate, signal))
            : undefined,
        ),
      },
    });
    const actor = createActor(machine, { input: { limits: this.#request.limits } });
    actor.subscribe({
      error: (error) => {
        this.#d.log('error', `The pipeline's machine failed: ${String(error)}`);
      },
    });
    return actor;
  }

  /** A state with work to do was entered: begins the work, or remembers it until the replay is over. */
  #enter(work: (signal: AbortSignal) => Promise<void>): () => void {
    const stop = new AbortController();
    const begin = (): void => {
      this.#entered = undefined;
      this.#workers.follow(this.#state, stop.signal, work(stop.signal));
    };
    this.#entered = begin;
    // Not within the transition: the machine's new state must be visible before its work begins.
    if (this.#live) queueMicrotask(() => this.#entered?.());
    return () => {
      if (this.#entered === begin) this.#entered = undefined;
      stop.abort();
    };
  }

  get #state(): PipelineState {
    return this.#actor.getSnapshot().value;
  }

  /** One journal record becomes part of what we know; the machine hears of it last. */
  #take(record: Recorded): void {
    this.#board.take(record);
    this.#ledger.take(record);
    this.#runFiles.take(record);
    const finished = record.type === 'done' || (record.type === 'hand_ended' && record.state === 'done');
    if (finished) this.#done.add(record.stage);
    const event = eventOf(record);
    const active = this.#actor.getSnapshot().status === 'active';
    if (event !== undefined && active) this.#actor.send(event);
  }

  /**
   * Journals a record, then tells the machine. Records are taken one at a time, each only if it still fits: an outcome
   * of an attempt that was stopped meanwhile changes nothing.
   * @returns whether the record was taken
   */
  async #apply(record: JournalRecord, still: () => boolean = () => true): Promise<boolean> {
    return this.#exclusive(async () => {
      if (this.#closed || !still()) return false;
      const event = eventOf(record);
      if (event !== undefined && !this.#actor.getSnapshot().can(event)) {
        // Runs by hand are journalled for a run that has ended, too.
        if (event.type !== 'by_hand') return false;
      }
      await this.#mustHoldLock();
      const recorded = await this.#held.journal.append(record);
      this.#take(recorded);
      this.#changed();
      return true;
    });
  }

  /** Two that write one journal would ruin it: who has lost the lock writes nothing any more. */
  async #mustHoldLock(): Promise<void> {
    const { lock } = this.#held;
    if (await lock.isHeld()) return;
    this.#runFiles.abandon();
    const journal = await this.#host.files.read(join(this.#runDir, JOURNAL_FILE));
    if (journal === undefined) {
      throw new SourcewrightError('environment', 'The run’s folder is gone.', {
        where: this.#runDir,
        cure: 'Put it back if you moved or deleted it, or connect its drive again, then resume.',
      });
    }
    throw new SourcewrightError('locked', 'The run is no longer held by this process: its lock is gone.', {
      where: runLockPath(this.#runDir),
      cure: 'It was deleted, or another computer took the run over while this one slept. Close the run here and open it again.',
    });
  }

  async #exclusive<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(act);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  // --------------------------------------------------------------------------------------------- start and resume

  /** Lets the state that the replay ended in do its work. */
  start(): void {
    this.#live = true;
    this.#entered?.();
    this.#changed();
  }

  /** Brings the files back in line with the journal, which is always a step ahead of them. */
  async repair(): Promise<void> {
    try {
      await this.#ledger.save();
    } catch (error) {
      this.#d.log('warn', asSourcewrightError(error).toText());
    }
  }

  /** An opened run does nothing by itself: work that was interrupted waits for the person. */
  async standStill(): Promise<void> {
    this.#live = true;
    if (this.#entered !== undefined) await this.#apply({ type: 'paused', ...INTERRUPTED });
    this.#changed();
  }

  async pause(): Promise<void> {
    await this.#stop({ type: 'paused', ...BY_PERSON }, { type: 'pause', ...BY_PERSON });
  }

  async resume(): Promise<void> {
    this.#mustBeOpen();
    await this.#workers.idle();
    if (this.#state === 'paused') await this.#apply({ type: 'resumed' });
  }

  async cancel(): Promise<void> {
    // What a person cancels is what works at this moment: a stage run by hand does not take the run with it.
    if (this.#hand !== undefined) this.#hand.abort();
    else await this.#stop({ type: 'cancelled' }, { type: 'cancel' });
    await this.#workers.idle();
  }

  /** Stops what works, also when the disk is in the way: a later open then finds the run interrupted. */
  async #stop(record: JournalRecord, event: PipelineEvent): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#apply(record);
    } catch (error) {
      this.#d.log('warn', asSourcewrightError(error).toText());
      this.#actor.send(event);
      this.#changed();
    }
    await this.#workers.idle();
  }

  async dispose(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#hand?.abort();
    this.#actor.stop();
    await this.#workers.idle();
    await this.#queue;
    this.#observers.changed();
    await this.#letGo();
  }

  #mustBeOpen(): void {
    if (!this.#closed) return;
    throw new SourcewrightError('input', 'The run has been closed.', { cure: 'Open it again.' });
  }

  // ------------------------------------------------------------------------------------------------------ stages

  /** Runs a step of the pipeline to its end. Never rejects. */
  async #workOn(step: Step, signal: AbortSignal): Promise<void> {
    const still = (): boolean => !signal.aborted;
    const { stage, attempt, mode } = step;
    try {
      if (this.#unsaved?.stage === stage && this.#unsaved.attempt === attempt) {
        await this.#save(this.#unsaved, still);
        return;
      }
      const [lost] = this.#workers.lost;
      if (lost !== undefined) throw notStopped(lost);
      if (!(await this.#apply({ type: 'started', stage, attempt, mode }, still))) return;
      const ended = await workStep(this.#host, step, signal);
      if (signal.aborted) return;
      const record = await endRecord(this.#host, step, ended);
      await (record.type === 'done' ? this.#save(record, still) : this.#apply(record, still));
    } catch (error) {
      this.#interrupt(step, outcomeOf(error), still);
    }
  }

  /** Writes a finished attempt down; if the disk refuses, the result is kept in memory for the resume. */
  async #save(record: DoneRecord, still: () => boolean): Promise<void> {
    this.#unsaved = record;
    const taken = await this.#apply(record, still);
    this.#unsaved = undefined;
    if (taken && record.stage === 'review') await this.repair();
  }

  /** The step can't go on and the journal can't take it either: the machine alone hears of it. */
  #interrupt(step: Step, outcome: Exclude<StepOutcome, { status: 'done' }>, still: () => boolean): void {
    if (!still() || this.#closed) return;
    const { stage, attempt } = step;
    const event: PipelineEvent =
      outcome.status === 'paused'
        ? {
            type: `paused.${stage}`,
            attempt,
            cause: outcome.cause,
            message: outcome.message,
            cure: outcome.cure,
          }
        : { type: `failed.${stage}`, attempt, error: outcome.error };
    this.#d.log('warn', outcome.status === 'paused' ? outcome.message : outcome.error.message);
    this.#actor.send(event);
    this.#changed();
  }

  #progress(stage: StageName, message: string): void {
    if (this.#closed) return;
    this.#board.progress(stage, message, this.#d.now().toISOString());
    this.#observers.changedSoon();
  }

  // ----------------------------------------------------------------------------------------------- gates, findings

  #isAuto(gate: GateName): boolean {
    return this.#d.autoApprove?.(gate) === true || isAutoGate(this.#request, gate);
  }

  async #decideAlone(gate: GateName, signal: AbortSignal): Promise<void> {
    const still = (): boolean => !signal.aborted;
    try {
      await this.#gatekeeper.decideAlone(gate, still);
    } catch (error) {
      if (!still()) return;
      const { message, cure = BY_PERSON.cure } = asSourcewrightError(error);
      this.#actor.send({ type: 'pause', cause: 'environment', message, cure });
      this.#changed();
    }
  }

  async decide(gate: GateName, decision: GateDecision): Promise<void> {
    this.#mustBeOpen();
    await this.#gatekeeper.decide(gate, decision);
  }

  async answer(answer: FindingAnswer): Promise<void> {
    this.#mustBeOpen();
    await this.#gatekeeper.answer(answer);
  }

  async discuss(remark: Omit<Remark, 'at'>): Promise<void> {
    this.#mustBeOpen();
    await this.#gatekeeper.discuss(remark);
  }

  async findings(): Promise<Review | undefined> {
    return this.#ledger.read();
  }

  #isFinal(): boolean {
    return FINAL.includes(this.#state);
  }

  // ---------------------------------------------------------------------------------------------------- by hand

  /** See `runStage`. */
  async runByHand(stage: StageName, mode?: StageMode): Promise<RunView> {
    const needs = NEEDS[stage];
    if (needs !== undefined && !this.#done.has(needs)) {
      throw new SourcewrightError('input', `The ${stage} stage needs the ${needs} stage to be done before.`, {
        cure: `Run ${needs} first.`,
      });
    }
    this.#mustBeOpen();
    if (this.#hand !== undefined || (this.#live && !this.#isQuiet())) {
      throw new SourcewrightError('locked', 'The run is working.', {
        cure: 'Wait, or pause it first.',
        retry: true,
      });
    }
    const hand = new AbortController();
    this.#hand = hand;
    const work = this.#workByHand(stage, mode ?? this.#handMode(stage), hand.signal);
    this.#workers.follow(`${stage} by hand`, hand.signal, work.then(noop, noop));
    try {
      await work;
    } finally {
      this.#hand = undefined;
      this.#changed();
    }
    await this.#runFiles.flush();
    return this.view();
  }

  #handMode(stage: StageName): StageMode {
    if (stage === 'generate') return 'GENERATE';
    if (stage === 'test') return this.#done.has('test') ? 'RERUN' : 'GENERATE';
    return 'RUN';
  }

  async #workByHand(stage: StageName, mode: StageMode, signal: AbortSignal): Promise<void> {
    const { attempts } = this.#actor.getSnapshot().context;
    const shown = this.#board.stages.find((view) => view.stage === stage)?.attempt ?? 0;
    const attempt = Math.max(attempts[stage], shown) + 1;
    await this.#apply({ type: 'hand_started', stage, attempt, mode });
    const draft = stage === 'publish' && (await this.#ledger.basis()).open.blocking > 0;
    const step: Step = { stage, mode, attempt, feedback: undefined, draft };
    const { outcome, durationMs, usage } = await workStep(this.#host, step, signal);
    const done = outcome.status === 'done';
    await this.#apply({
      type: 'hand_ended',
      stage,
      attempt,
      state: signal.aborted ? 'cancelled' : outcome.status,
      note: handNote(stage, outcome),
      usage,
      durationMs,
      artifacts: done ? outcome.artifacts : {},
      ...(done ? { result: outcome.result } : {}),
    });
    if (stage === 'review') await this.repair();
  }

  // ---------------------------------------------------------------------------------------------------- the view

  view(): RunView {
    const { value, context } = this.#actor.getSnapshot();
    const view = runView({
      runId: this.runId,
      runDir: this.#runDir,
      request: this.#request,
      createdAt: this.#createdAt,
      board: this.#board,
      machine: { value, context },
    });
    if (this.#closed) {
      return view.status === 'running' || this.#waitsForNobody(view) ? interrupted(view) : view;
    }
    // A stage that was stopped may still be stopping, and an auto gate waits for nobody.
    const working = this.#workers.busy || this.#waitsForNobody(view);
    return working ? { ...view, status: 'running', gate: null, pause: null, error: null } : view;
  }

  #waitsForNobody(view: RunView): boolean {
    return view.gate !== null && this.#isAuto(view.gate);
  }

  onChange(listener: (view: RunView) => void): () => void {
    return this.#observers.add(listener);
  }

  async settled(): Promise<RunView> {
    return this.#observers.settled();
  }

  /** Nothing goes on until someone acts. */
  #isQuiet(): boolean {
    if (this.#closed) return true;
    if (!this.#live || this.#workers.busy || this.#hand !== undefined || this.#entered !== undefined)
      return false;
    const state = this.#state;
    return state === 'paused' || FINAL.includes(state) || state in GATE_OF;
  }

  #changed(): void {
    if (!this.#closed) this.#observers.changed();
  }

  /** Gives the run's folder back: others may open it from now on. */
  #letGo(): Promise<void> {
    this.#lettingGo ??= (async () => {
      await this.#runFiles.close();
      if (OPEN.get(this.#runDir) === this) OPEN.delete(this.#runDir);
      await this.#held.journal.close().catch(noop);
      await this.#held.lock.release();
    })();
    return this.#lettingGo;
  }
}

function noop(): undefined {
  return undefined;
}

function notStopped(lost: string): SourcewrightError {
  return new SourcewrightError('environment', `An earlier attempt has not stopped yet: ${lost}.`, {
    cure: 'Wait a little and resume. If that does not help, close this window and open the run again.',
    retry: true,
  });
}

function handNote(stage: StageName, outcome: StepOutcome): string {
  switch (outcome.status) {
    case 'done':
      return resultNote({ stage, result: outcome.result } as Pick<DoneRecord, 'stage' | 'result'>);
    case 'paused':
      return `${outcome.message} ${outcome.cure}`;
    case 'failed':
      return [outcome.error.message, outcome.error.cure ?? ''].join(' ').trimEnd();
  }
}
