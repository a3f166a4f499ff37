/**
 * The transcript of one conversation: `transcripts/<stage>-<attempt>.jsonl` in the run's folder. Every turn and every
 * answer of a tool is on the disk before anything follows from it, so that a resumed conversation goes on after the last
 * whole turn and nothing is paid for twice. It is also what a replay answers from.
 */
import type { BetaContentBlockParam, BetaMessageParam } from '@anthropic-ai/sdk/resources/beta/messages';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { NO_USAGE, PauseCause, StageMode, StageName, Usage } from '../pipeline/contracts.ts';
import { addUsage } from '../pipeline/view.ts';
import { AppendLog, type LogEntry, parseLog } from '../store/append-log.ts';
import { type Files, nodeFiles } from '../store/files.ts';

/** Content as the API gave it: our own schema would only lag behind the API's. */
const Content = z.array(z.looseObject({ type: z.string() }));

/** Hashes of the parts of a request, by which a replay notices that it has left the recorded path. */
export const RequestHashes = z.object({
  system: z.string(),
  tools: z.string(),
  messages: z.array(z.string()),
});
export type RequestHashes = z.infer<typeof RequestHashes>;

export const TranscriptRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('begin'),
    schemaVersion: z.literal(1),
    stage: StageName,
    attempt: z.number().int().positive(),
    mode: StageMode,
    prompt: z.object({ name: z.string(), sha256: z.string() }),
    tools: z.array(z.string()),
    result: z.string(),
    /** The first message of the conversation, redacted. */
    first: Content,
  }),
  /** A request is about to be sent. Without an answer behind it, the process was ended meanwhile. */
  z.object({
    type: z.literal('asked'),
    turn: z.number().int().positive(),
    model: z.string(),
    maxTokens: z.number().int(),
    /** The most that the request can cost, and what its input alone is estimated to cost. US dollars. */
    reserveUsd: z.number(),
    inputUsd: z.number(),
    hashes: RequestHashes,
  }),
  z.object({
    type: z.literal('turn'),
    turn: z.number().int().positive(),
    model: z.string(),
    requestId: z.string().nullable(),
    stopReason: z.string().nullable(),
    content: Content,
    /** A credential was taken out of what the model said: no result is made of such words. */
    redacted: z.boolean().optional(),
    usage: Usage,
  }),
  /** A request that was paid for but whose answer can't be used: cut off, or refused by the model. */
  z.object({
    type: z.literal('lost'),
    turn: z.number().int().positive(),
    why: z.string(),
    stopReason: z.string().nullable(),
    usage: Usage,
  }),
  z.object({
    type: z.literal('answer'),
    turn: z.number().int().positive(),
    id: z.string(),
    name: z.string(),
    label: z.string(),
    /** Text, or blocks where a tool answered with such. */
    content: z.union([z.string(), Content]),
    isError: z.boolean(),
    refused: z.boolean(),
    outside: z.boolean(),
  }),
  /** The result was sent back with what is wrong with it. */
  z.object({
    type: z.literal('correction'),
    turn: z.number().int().positive(),
    reasons: z.array(z.string()),
    text: z.string(),
  }),
  z.object({ type: z.literal('note'), turn: z.number().int(), text: z.string() }),
  z.object({
    type: z.literal('stopped'),
    turn: z.number().int(),
    cause: PauseCause,
    message: z.string(),
    cure: z.string(),
  }),
  z.object({ type: z.literal('result'), turn: z.number().int(), value: z.unknown() }),
]);
export type TranscriptRecord = z.infer<typeof TranscriptRecord>;
export type Recorded<T extends TranscriptRecord['type']> = Extract<TranscriptRecord, { type: T }>;
export type TranscriptEntry = TranscriptRecord & { readonly at: string };

export const TRANSCRIPTS = 'transcripts';

/** Where a conversation's transcript lies. */
export function transcriptPath(runDir: string, stage: StageName, attempt: number): string {
  return join(runDir, TRANSCRIPTS, `${stage}-${attempt}.jsonl`);
}

function readEntry(path: string, entry: LogEntry): TranscriptEntry {
  const record = TranscriptRecord.safeParse(entry.record);
  if (record.success) return { ...record.data, at: entry.at };
  throw new SourcewrightError('corrupt', `Line ${entry.seq} of a transcript is not one.`, {
    where: path,
    place: `line ${entry.seq}`,
    cure: 'Restore the file from a backup, or start a new run. The connector itself is not affected.',
  });
}

/** Reads a transcript without changing it; undefined when there is none. @throws SourcewrightError `corrupt` */
export async function readTranscript(
  path: string,
  files: Files = nodeFiles,
): Promise<TranscriptEntry[] | undefined> {
  const content = await files.read(path);
  if (content === undefined) return undefined;
  return parseLog(content, path).entries.map((entry) => readEntry(path, entry));
}

/** What a conversation has cost, by its records. A request that was never answered counts with its input. */
export function usageOfRecords(records: readonly TranscriptRecord[]): Usage {
  let usage = NO_USAGE;
  let open: Recorded<'asked'> | undefined;
  const close = (): void => {
    if (open !== undefined) usage = { ...usage, usd: usage.usd + open.inputUsd };
    open = undefined;
  };
  for (const record of records) {
    if (record.type === 'asked') {
      close();
      open = record;
    }
    if (record.type === 'turn' || record.type === 'lost') {
      open = undefined;
      usage = addUsage(usage, record.usage);
    }
  }
  close();
  return usage;
}

/** A conversation that is going on, in memory and on the disk. */
export class Transcript {
  readonly #log: AppendLog;
  readonly #entries: TranscriptEntry[];
  /** Answers of tools that run side by side are written one after the other. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(log: AppendLog, entries: TranscriptEntry[]) {
    this.#log = log;
    this.#entries = entries;
  }

  /** Opens the transcript, a new one or one that is gone on with. @throws SourcewrightError `corrupt`, `environment` */
  static async open(path: string, files: Files = nodeFiles): Promise<Transcript> {
    await mkdir(dirname(path), { recursive: true });
    const { log, content } = await AppendLog.open(path, files, () => new Date());
    try {
      return new Transcript(
        log,
        content.entries.map((entry) => readEntry(path, entry)),
      );
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  get entries(): readonly TranscriptEntry[] {
    return this.#entries;
  }

  find<T extends TranscriptRecord['type']>(type: T): (Recorded<T> & { readonly at: string }) | undefined {
    return this.all(type).at(-1);
  }

  all<T extends TranscriptRecord['type']>(type: T): (Recorded<T> & { readonly at: string })[] {
    return this.#entries.filter(
      (entry): entry is Recorded<T> & { readonly at: string } => entry.type === type,
    );
  }

  /** Number of whole turns. */
  get turns(): number {
    return this.find('turn')?.turn ?? 0;
  }

  get usage(): Usage {
    return usageOfRecords(this.#entries);
  }

  /** Appends a record; it is on the disk when this returns. @throws SourcewrightError `environment` */
  append(record: TranscriptRecord): Promise<void> {
    const turn = this.#writing.then(async () => {
      const { at } = await this.#log.append(record);
      this.#entries.push({ ...record, at });
    });
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#log.close();
  }

  /** The stored answer to a call of the model's. */
  answerTo(id: string): Recorded<'answer'> | undefined {
    return this.all('answer').find((answer) => answer.id === id);
  }

  /** Calls of the newest turn that have no answer yet. */
  unanswered(): string[] {
    const turn = this.find('turn');
    if (turn?.stopReason !== 'tool_use') return [];
    return callsOf(turn).filter((id) => this.answerTo(id) === undefined);
  }

  /**
   * The conversation as it is sent to a model; it ends with the model's own message while calls of that have no answer yet.
   * Thoughts are left out where another model goes on: they are bound to the one that had them.
   */
  messages(model: string): BetaMessageParam[] {
    const begin = this.find('begin');
    if (begin === undefined) return [];
    const messages: BetaMessageParam[] = [{ role: 'user', content: asBlocks(begin.first) }];
    const turns = this.all('turn');
    for (const turn of turns) {
      const content = turn.model === model ? turn.content : turn.content.filter(isNoThought);
      messages.push({ role: 'assistant', content: asBlocks(content) });
      // Some answers without the others are not a message: the calls are made up first.
      if (turn === turns.at(-1) && this.unanswered().length > 0) break;
      const after = [...this.#answers(turn), ...this.#corrections(turn.turn)];
      if (after.length > 0) messages.push({ role: 'user', content: after });
    }
    return messages;
  }

  #answers(turn: Recorded<'turn'>): BetaContentBlockParam[] {
    if (turn.stopReason !== 'tool_use') return [];
    return callsOf(turn).flatMap((id) => {
      const answer = this.answerTo(id);
      if (answer === undefined) return [];
      const content = typeof answer.content === 'string' ? answer.content : asBlocks(answer.content);
      const block = { type: 'tool_result', tool_use_id: id, content, is_error: answer.isError };
      return [block as BetaContentBlockParam];
    });
  }

  #corrections(turn: number): BetaContentBlockParam[] {
    return this.all('correction')
      .filter((correction) => correction.turn === turn)
      .map(({ text }) => ({ type: 'text', text }));
  }
}

/** Ids of the calls of our tools in a turn. */
function callsOf(turn: Recorded<'turn'>): string[] {
  return turn.content.flatMap((block) =>
    block.type === 'tool_use' && typeof block['id'] === 'string' ? [block['id']] : [],
  );
}

function isNoThought(block: { type: string }): boolean {
  return block.type !== 'thinking' && block.type !== 'redacted_thinking';
}

/** What came from the API goes back to it as it came. */
function asBlocks(content: z.infer<typeof Content>): BetaContentBlockParam[] {
  return content as unknown as BetaContentBlockParam[];
}
