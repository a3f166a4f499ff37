/**
 * The run as a person sees it, folded from the journal's records and the machine's state. A view is made the same way
 * from a running pipeline and from a journal read back, so that a reload shows what was there before.
 */
import { basename, join } from 'node:path';
import {
  type GateName,
  NO_USAGE,
  type RunRequest,
  type RunStatus,
  type RunView,
  StageName,
  type StageResult,
  StageResults,
  type StageView,
  type Usage,
} from './contracts.ts';
import type { Recorded, DoneRecord } from './journal.ts';
import type { PipelineContext, PipelineState, WorkState } from './machine-types.ts';

/** The machine's part of a view. */
export interface MachineView {
  readonly value: PipelineState;
  readonly context: PipelineContext;
}

export const GATE_OF: Partial<Record<WorkState, GateName>> = {
  gateResearch: 'research',
  gateCode: 'code',
  gateTests: 'tests',
  gateReview: 'review',
  gateDraft: 'draft',
  gatePublish: 'publish',
};

/**
 * Whether a gate decides by itself. Publishing as a draft without a word is only for those who don't want to be asked
 * before publishing either.
 */
export function isAutoGate({ gates }: RunRequest, gate: GateName): boolean {
  return gates[gate] === 'auto' && (gate !== 'draft' || gates.publish === 'auto');
}

/** The stage that a person looks at while a state lasts. */
export const STAGE_OF: Record<WorkState, StageName> = {
  researching: 'research',
  gateResearch: 'research',
  generating: 'generate',
  gateCode: 'generate',
  testing: 'test',
  gateTests: 'test',
  diagnosing: 'diagnose',
  reviewing: 'review',
  gateReview: 'review',
  gateDraft: 'publish',
  gatePublish: 'publish',
  publishing: 'publish',
};

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    usd: a.usd + b.usd,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    requests: a.requests + b.requests,
  };
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function testNote(result: StageResult<'test'>): string {
  if (result.verdict === 'unusable') return 'The tests could not be run to their end';
  const coverage = result.coverage === null ? '' : `, ${Math.round(result.coverage)}% of the lines ran`;
  const failing = result.failed + result.errors;
  if (failing > 0) return `${failing} of ${plural(result.total, 'test')} failed${coverage}`;
  const skipped = result.skipped === 0 ? '' : `, ${result.skipped} skipped`;
  const noticed = result.killRate ?? undefined;
  const kills = noticed === undefined ? '' : `, ${Math.round(noticed)}% of planted mistakes noticed`;
  return `${plural(result.passed, 'test')} passed${skipped}${coverage}${conformanceNote(result)}${kills}`;
}

function conformanceNote({ conformance }: StageResult<'test'>): string {
  if (conformance === undefined || conformance.passed + conformance.failed === 0) return '';
  const all = conformance.passed + conformance.failed;
  if (conformance.failed > 0) return `, ${conformance.failed} of ${all} conformance checks failed`;
  return `, ${all} conformance checks passed`;
}

const VERDICTS: Record<StageResult<'diagnose'>['verdict'], string> = {
  code: 'The code is at fault',
  tests: 'The tests are at fault',
  environment: 'The environment is at fault',
  pass: 'The tests hold',
};

function publicationNote(result: StageResult<'publish'>): string {
  const what = result.draft ? 'Draft' : 'Published';
  const where = result.prUrl ?? (result.branch === null ? undefined : `branch ${result.branch}`);
  return where === undefined ? `${what}: packaged only` : `${what}: ${where}`;
}

/** A stage's result in a few words. */
export function resultNote(done: Pick<DoneRecord, 'stage' | 'result'>): string {
  const record = done as DoneRecord;
  switch (record.stage) {
    case 'research':
      return `${plural(record.result.streams, 'stream')}, ${plural(record.result.gaps, 'gap')}`;
    case 'generate': {
      const failed = record.result.checks.filter((check) => !check.passed).map((check) => check.name);
      const checks = failed.length === 0 ? '' : `, not clean: ${failed.join(', ')}`;
      return `${plural(record.result.changed.length, 'file')} written${checks}`;
    }
    case 'test':
      return testNote(record.result);
    case 'diagnose':
      return VERDICTS[record.result.verdict];
    case 'review':
      return record.result.findings === 0
        ? 'No findings'
        : `${plural(record.result.findings, 'finding')}, ${record.result.blocking} blocking`;
    case 'publish':
      return publicationNote(record.result);
  }
}

const NOT_STARTED: Omit<StageView, 'stage'> = {
  state: 'pending',
  mode: null,
  attempt: 0,
  startedAt: null,
  durationMs: null,
  usage: NO_USAGE,
  note: '',
  activity: [],
  artifacts: [],
};

/** The last part of a path or URL, without its query: there may be keys in it. */
function titleFrom(location: string): string {
  const path = location.replace(/[?#].*$/s, '');
  return basename(path) || path;
}

const NOTE_LENGTH = 300;

/** A stage's words as the one line that a note is. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= NOTE_LENGTH ? line : `${line.slice(0, NOTE_LENGTH - 1)}…`;
}

/** Lines of an agent's feed that a view carries. */
const ACTIVITY_LINES = 30;

/** Collects what the records say about the stages. */
export class StageBoard {
  /** What each attempt has cost, by `stage/attempt`: the newest word counts, as it is the sum of its sittings. */
  readonly #spent = new Map<string, { stage: StageName; usage: Usage }>();
  readonly #stages: StageView[] = StageName.options.map((stage) => ({ stage, ...NOT_STARTED }));
  #title: string;
  #connectorName: string | null;
  #updatedAt: string;

  constructor(request: RunRequest, createdAt: string) {
    this.#title = request.name ?? titleFrom(request.source.location);
    this.#connectorName = request.name ?? null;
    this.#updatedAt = createdAt;
  }

  get title(): string {
    return this.#title;
  }
  get connectorName(): string | null {
    return this.#connectorName;
  }
  get updatedAt(): string {
    return this.#updatedAt;
  }
  get stages(): readonly StageView[] {
    return this.#stages;
  }

  /** Shows a stage's newest progress line. */
  progress(stage: StageName, note: string, at: string): void {
    this.#updatedAt = at;
    this.#change(stage, { note });
  }

  /** Adds a line to the feed of a stage. */
  activity(stage: StageName, line: string, at: string): void {
    this.#updatedAt = at;
    const activity = [...this.#of(stage).activity, { at, line: oneLine(line) }].slice(-ACTIVITY_LINES);
    this.#change(stage, { activity });
  }

  /** Shows what an attempt has cost so far. */
  spent(stage: StageName, attempt: number, total: Usage): void {
    this.#spent.set(`${stage}/${attempt}`, { stage, usage: total });
    const all = [...this.#spent.values()].filter((one) => one.stage === stage);
    this.#change(stage, { usage: all.map((one) => one.usage).reduce(addUsage, NO_USAGE) });
  }

  take(record: Recorded): void {
    this.#updatedAt = record.at;
    if ('usage' in record) this.spent(record.stage, record.attempt, record.usage);
    switch (record.type) {
      case 'started':
        this.#forgetLater(record.stage);
        this.#start(record);
        return;
      case 'hand_started':
        this.#start(record);
        return;
      case 'done':
        this.#done(record);
        return;
      case 'stage_paused':
        this.#change(record.stage, { state: 'paused', note: record.message, durationMs: record.durationMs });
        return;
      case 'stage_failed':
        this.#change(record.stage, {
          state: 'failed',
          note: record.error.message,
          durationMs: record.durationMs,
        });
        return;
      case 'hand_ended':
        this.#change(record.stage, { state: record.state, note: record.note, durationMs: record.durationMs });
        this.#add(record.stage, record.artifacts);
        this.#name(record.stage, record.result);
        return;
      case 'paused':
      case 'cancelled':
        this.#stopRunning(record.type);
        return;
      case 'decided':
      case 'answered':
      case 'resumed':
      case 'note':
      case 'adopted':
        return;
    }
  }

  #start(record: { stage: StageName; attempt: number; mode: StageView['mode']; at: string }): void {
    this.#change(record.stage, {
      state: 'running',
      mode: record.mode,
      attempt: record.attempt,
      startedAt: record.at,
      durationMs: null,
      note: '',
      activity: [],
    });
  }

  #done(record: DoneRecord): void {
    const failed = record.stage === 'test' && record.result.verdict !== 'passed';
    this.#change(record.stage, {
      state: failed ? 'failed' : 'done',
      durationMs: record.durationMs,
      note: resultNote(record),
    });
    this.#add(record.stage, record.artifacts);
    this.#name(record.stage, record.result);
  }

  /** The research finds out what the API and the connector are called. */
  #name(stage: StageName, result: unknown): void {
    const found = stage === 'research' ? StageResults.research.safeParse(result) : undefined;
    if (found?.success !== true) return;
    this.#title = found.data.title;
    this.#connectorName = found.data.connectorName;
  }

  #add(stage: StageName, artifacts: Readonly<Record<string, string>>): void {
    const view = this.#of(stage);
    this.#change(stage, {
      artifacts: [...new Set([...view.artifacts, ...Object.keys(artifacts)])].sort(),
    });
  }

  /** What later stages said was about the connector as it was: it counts no more. */
  #forgetLater(stage: StageName): void {
    for (const later of StageName.options.slice(StageName.options.indexOf(stage) + 1)) {
      this.#change(later, { state: 'pending', note: '', durationMs: null, startedAt: null });
    }
  }

  #stopRunning(state: 'paused' | 'cancelled'): void {
    for (const view of this.#stages) {
      const stopped = view.state === 'running' || (state === 'cancelled' && view.state === 'paused');
      if (stopped) this.#change(view.stage, { state });
    }
  }

  #of(stage: StageName): StageView {
    const view = this.#stages.find((one) => one.stage === stage);
    if (view === undefined) throw new RangeError(`No stage ${stage}.`);
    return view;
  }

  #change(stage: StageName, change: Partial<StageView>): void {
    const index = StageName.options.indexOf(stage);
    const note = change.note === undefined ? {} : { note: oneLine(change.note) };
    this.#stages[index] = { ...this.#of(stage), ...change, ...note };
  }
}

function statusOf(value: PipelineState): RunStatus {
  switch (value) {
    case 'paused':
    case 'published':
    case 'cancelled':
    case 'failed':
      return value;
    default:
      return GATE_OF[value] === undefined ? 'running' : 'waiting';
  }
}

export interface ViewBasis {
  readonly runId: string;
  readonly runDir: string;
  readonly request: RunRequest;
  readonly createdAt: string;
  readonly board: StageBoard;
  readonly machine: MachineView;
}

/** The connector's folder, once its name is known. */
export function connectorDirOf(request: RunRequest, connectorName: string): string {
  return join(request.outDir, `source-${connectorName}`);
}

/** The view of a run in which nothing but the machine's state is going on. */
export function runView(basis: ViewBasis): RunView {
  const { board, machine, request } = basis;
  const { value, context } = machine;
  const status = statusOf(value);
  const gate = isWork(value) ? (GATE_OF[value] ?? null) : null;
  const { connectorName } = board;
  return {
    schemaVersion: 1,
    runId: basis.runId,
    status,
    title: board.title,
    engine: request.engine,
    connectorName,
    connectorDir: connectorName === null ? null : connectorDirOf(request, connectorName),
    runDir: basis.runDir,
    workspace: request.workspace,
    startedAt: basis.createdAt,
    updatedAt: board.updatedAt,
    stages: stagesWith(board, value, context, gate),
    gate,
    pause:
      status === 'paused' && context.pause !== null
        ? { cause: context.pause.cause, message: context.pause.message, cure: context.pause.cure }
        : null,
    error: status === 'failed' ? context.error : null,
    counts: { ...context.counts },
    usage: board.stages.map((stage) => stage.usage).reduce(addUsage, NO_USAGE),
  };
}

function isWork(value: PipelineState): value is WorkState {
  return value in STAGE_OF;
}

/** The stages, with the one that waits or is paused marked as such. */
function stagesWith(
  board: StageBoard,
  value: PipelineState,
  context: PipelineContext,
  gate: GateName | null,
): StageView[] {
  const from = value === 'paused' ? context.pause?.from : undefined;
  const marked = gate !== null && isWork(value) ? value : from;
  return board.stages.map((stage) => {
    const running = stage.state === 'running';
    // Where the disk refused to note the end, the machine still knows of it.
    if (running && (value === 'cancelled' || value === 'failed')) return { ...stage, state: value };
    if (marked === undefined || STAGE_OF[marked] !== stage.stage) return { ...stage };
    if (gate !== null) return { ...stage, state: running ? 'running' : 'waiting' };
    return { ...stage, state: 'paused' };
  });
}
