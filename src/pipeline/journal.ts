/**
 * The run's journal: `journal.jsonl`, the truth about a run. Everything that decides where the pipeline goes is written
 * here, on the disk, before the machine hears of it. Resuming a run is: start a fresh machine and tell it the same again.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { AppendLog, lastMark, type LogEntry, type Mark, type Marker, parseLog } from '../store/append-log.ts';
import type { Files } from '../store/files.ts';
import {
  Finding,
  FindingAnswer,
  GateDecision,
  GateName,
  NO_USAGE,
  PauseCause,
  RunRequest,
  StageMode,
  StageName,
  StageResults,
  Usage,
} from './contracts.ts';
import { MACHINE_VERSION } from './machine.ts';
import type { PipelineEvent } from './machine-types.ts';

export const JOURNAL_FILE = 'journal.jsonl';
const SCHEMA_VERSION = 1;

const OpenFindings = z.object({ blocking: z.number().int(), unanswered: z.number().int() });

const stageDone = <N extends StageName, R extends z.ZodType>(stage: N, result: R) =>
  z.object({
    type: z.literal('done'),
    stage: z.literal(stage),
    attempt: z.number().int().positive(),
    result,
    /** What the attempt has cost in all its sittings; a later record of the same attempt replaces this one's. */
    usage: Usage,
    durationMs: z.number(),
    /** Artifacts that the attempt wrote, each with the SHA-256 of its content. */
    artifacts: z.record(z.string(), z.string()),
  });

const DoneRecord = z.discriminatedUnion('stage', [
  stageDone('research', StageResults.research),
  stageDone('generate', StageResults.generate),
  stageDone('test', StageResults.test).extend({ ran: z.string().nullable() }),
  stageDone('diagnose', StageResults.diagnose),
  stageDone('review', StageResults.review).extend({ open: OpenFindings }),
  stageDone('publish', StageResults.publish),
]);
export type DoneRecord = z.infer<typeof DoneRecord>;

/** The first line. Its versions say who may replay the rest. */
const Header = z.object({
  type: z.literal('run'),
  schemaVersion: z.number().int(),
  machineVersion: z.number().int(),
  runId: z.string(),
  request: RunRequest,
});
type Header = z.infer<typeof Header>;

const attemptOf = { stage: StageName, attempt: z.number().int().positive() };
const interruption = { cause: PauseCause, message: z.string(), cure: z.string() };
const StageError = z.object({ code: z.string(), message: z.string(), cure: z.string().nullable() });

export const JournalRecord = z.union([
  DoneRecord,
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('started'), ...attemptOf, mode: StageMode }),
    z.object({
      type: z.literal('stage_paused'),
      ...attemptOf,
      ...interruption,
      durationMs: z.number(),
      usage: Usage.default(NO_USAGE),
    }),
    z.object({
      type: z.literal('stage_failed'),
      ...attemptOf,
      error: StageError,
      durationMs: z.number(),
      usage: Usage.default(NO_USAGE),
    }),
    z.object({
      type: z.literal('decided'),
      gate: GateName,
      decision: GateDecision,
      by: z.enum(['person', 'auto']),
      accepted: z.array(Finding),
      applied: z.number().int(),
      open: OpenFindings,
    }),
    z.object({ type: z.literal('answered'), by: z.enum(['person', 'auto']), answer: FindingAnswer }),
    z.object({ type: z.literal('paused'), ...interruption }),
    z.object({ type: z.literal('resumed') }),
    z.object({ type: z.literal('cancelled') }),
    /** A stage run by hand, beside the pipeline. */
    z.object({ type: z.literal('hand_started'), ...attemptOf, mode: StageMode }),
    z.object({
      type: z.literal('hand_ended'),
      ...attemptOf,
      state: z.enum(['done', 'paused', 'failed', 'cancelled']),
      note: z.string(),
      usage: Usage,
      durationMs: z.number(),
      artifacts: z.record(z.string(), z.string()),
      /** What the stage returned, when it was done. */
      result: z.unknown().optional(),
    }),
    z.object({ type: z.literal('note'), text: z.string() }),
    /** A person took on a run that they had not begun here. */
    z.object({ type: z.literal('adopted') }),
  ]),
]);
export type JournalRecord = z.infer<typeof JournalRecord>;

/** A record with the time of its writing. */
export type Recorded = JournalRecord & { readonly at: string };

export interface JournalContent {
  readonly runId: string;
  readonly request: RunRequest;
  readonly createdAt: string;
  readonly records: readonly Recorded[];
  /** Of who wrote the last line, for all of the journal; undefined where that line has none. */
  readonly mark?: Mark | undefined;
}

/** The machine's event that a record stands for; records that only inform have none. */
export function eventOf(record: JournalRecord): PipelineEvent | undefined {
  switch (record.type) {
    case 'done':
      return doneEvent(record);
    case 'stage_paused': {
      const { stage, attempt, cause, message, cure } = record;
      return { type: `paused.${stage}`, attempt, cause, message, cure };
    }
    case 'stage_failed':
      return { type: `failed.${record.stage}`, attempt: record.attempt, error: record.error };
    case 'decided':
      return decisionEvent(record);
    case 'paused':
      return { type: 'pause', cause: record.cause, message: record.message, cure: record.cure };
    case 'resumed':
      return { type: 'resume' };
    case 'cancelled':
      return { type: 'cancel' };
    case 'hand_started':
      return { type: 'by_hand', stage: record.stage };
    case 'started':
    case 'answered':
    case 'hand_ended':
    case 'note':
    case 'adopted':
      return undefined;
  }
}

function doneEvent(record: DoneRecord): PipelineEvent {
  const { attempt } = record;
  switch (record.stage) {
    case 'research':
      return { type: 'done.research', attempt, result: record.result };
    case 'generate':
      return { type: 'done.generate', attempt, result: record.result };
    case 'test':
      return { type: 'done.test', attempt, result: record.result, ran: record.ran };
    case 'diagnose':
      return { type: 'done.diagnose', attempt, result: record.result };
    case 'review':
      return { type: 'done.review', attempt, result: record.result, open: record.open };
    case 'publish':
      return { type: 'done.publish', attempt, result: record.result };
  }
}

function decisionEvent(record: Extract<JournalRecord, { type: 'decided' }>): PipelineEvent {
  const { gate, decision, accepted, applied, open } = record;
  switch (decision.kind) {
    case 'approve':
      return { type: `approve.${gate}`, accepted, applied, open };
    case 'request_changes':
      return { type: `changes.${gate}`, text: decision.feedback, accepted, applied, open };
    case 'reject':
      return { type: `reject.${gate}` };
  }
}

function corrupt(path: string, entry: LogEntry, why: string): SourcewrightError {
  return new SourcewrightError('corrupt', `Line ${entry.seq} of the run's journal is not one: ${why}`, {
    where: path,
    place: `line ${entry.seq}`,
    cure: 'Restore the file from a backup, or start a new run. The connector itself is not affected.',
  });
}

/** Tells a journal of another version of this program apart from a damaged one, before looking at the rest. */
function checkVersions(path: string, entry: LogEntry): void {
  const versions = Header.pick({ schemaVersion: true, machineVersion: true }).safeParse(entry.record);
  if (!versions.success) throw corrupt(path, entry, 'it does not begin a run.');
  const { schemaVersion, machineVersion } = versions.data;
  if (schemaVersion === SCHEMA_VERSION && machineVersion === MACHINE_VERSION) return;
  const newer = schemaVersion > SCHEMA_VERSION || machineVersion > MACHINE_VERSION;
  throw new SourcewrightError(
    'corrupt',
    `The run was made by ${newer ? 'a newer' : 'an older'} version of Sourcewright ` +
      `(journal ${schemaVersion}, pipeline ${machineVersion}; here ${SCHEMA_VERSION}, ${MACHINE_VERSION}).`,
    { where: path, cure: newer ? 'Update Sourcewright, then open it again.' : 'Start a new run.' },
  );
}

function readHeader(path: string, entry: LogEntry | undefined): Header {
  if (entry === undefined) {
    throw new SourcewrightError('corrupt', "The run's journal is empty or missing.", {
      where: path,
      cure: 'Put the file back if you deleted it. Otherwise the run was stopped before it began: start a new one.',
    });
  }
  checkVersions(path, entry);
  const header = Header.safeParse(entry.record);
  if (!header.success) throw corrupt(path, entry, z.prettifyError(header.error));
  return header.data;
}

function readRecord(path: string, entry: LogEntry): Recorded {
  const record = JournalRecord.safeParse(entry.record);
  if (!record.success) throw corrupt(path, entry, z.prettifyError(record.error));
  return { ...record.data, at: entry.at };
}

function readEntries(path: string, entries: readonly LogEntry[]): Omit<JournalContent, 'mark'> {
  const [first, ...rest] = entries;
  const header = readHeader(path, first);
  const records = rest.map((entry) => readRecord(path, entry));
  return { runId: header.runId, request: header.request, createdAt: first?.at ?? '', records };
}

/**
 * Reads a journal without opening it for writing: for lists of runs.
 * @throws SourcewrightError `corrupt` where it is damaged (a torn last line is passed over)
 */
export async function readJournal(runDir: string, files: Files): Promise<JournalContent> {
  const path = join(runDir, JOURNAL_FILE);
  const file = (await files.read(path)) ?? Buffer.alloc(0);
  const log = parseLog(file, path);
  return { ...readEntries(path, log.entries), mark: lastMark(file, log) };
}

/** The open journal. Its owner holds the run's lock. */
export class Journal {
  readonly #log: AppendLog;

  private constructor(log: AppendLog) {
    this.#log = log;
  }

  /** Begins the journal of a new run with what the person asked for. `marker` as for `open`. */
  static async create(
    runDir: string,
    run: Pick<Header, 'runId' | 'request'>,
    files: Files,
    now: () => Date,
    marker?: Marker,
  ): Promise<void> {
    const { log } = await AppendLog.open(join(runDir, JOURNAL_FILE), files, now, marker);
    try {
      const header: Header = {
        type: 'run',
        schemaVersion: SCHEMA_VERSION,
        machineVersion: MACHINE_VERSION,
        ...run,
      };
      await log.append(header);
    } finally {
      await log.close();
    }
  }

  /**
   * Opens the journal of a run. A torn last line is cut off, and the cut is noted in the journal itself.
   * @param admit is shown the journal before anything is written to it: what it answers is written first, and it rejects where
   *   the journal must not be opened. Each line that is written with `marker` vouches for all before it
   * @throws SourcewrightError `corrupt` where it is damaged or of another version
   */
  static async open(
    runDir: string,
    files: Files,
    now: () => Date,
    admit: (content: JournalContent) => Promise<JournalRecord | undefined>,
    marker?: Marker,
  ): Promise<{ journal: Journal; content: JournalContent }> {
    const path = join(runDir, JOURNAL_FILE);
    // Look before touching: a folder without a journal must not get an empty one.
    const first = await admit(await readJournal(runDir, files));
    const { log, content } = await AppendLog.open(path, files, now, marker);
    const journal = new Journal(log);
    try {
      const read = readEntries(path, content.entries);
      const text = `Cut off ${content.tornBytes} bytes of a half-written last line.`;
      const cut: JournalRecord[] = content.tornBytes === 0 ? [] : [{ type: 'note', text }];
      const records = [...read.records];
      for (const record of [...(first === undefined ? [] : [first]), ...cut])
        records.push(await journal.append(record));
      return { journal, content: { ...read, records } };
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /**
   * Appends a record; it is on the disk when this returns. Calls must not overlap.
   * @throws SourcewrightError `environment` when it can't be written; the journal then stands as before
   */
  async append(record: JournalRecord): Promise<Recorded> {
    const entry = await this.#log.append(record);
    return { ...record, at: entry.at };
  }

  /** ISO time of the last record. */
  get lastAt(): string {
    return this.#log.lastAt;
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
