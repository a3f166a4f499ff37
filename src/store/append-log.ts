/**
 * A log of JSON lines that survives being killed at any moment. Every line carries its number and a checksum and is on
 * the disk before `append` returns. What a crash can leave behind, a half-written last line, is cut off when the log is
 * opened; damage anywhere else means that somebody changed the file, and stops with the place.
 */
import { createHash, type Hash } from 'node:crypto';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { type AppendFile, type Files, sha256 } from './files.ts';

const Line = z.object({
  seq: z.number().int().positive(),
  at: z.string(),
  record: z.unknown(),
  mark: z.string().optional(),
});

export interface LogEntry {
  /** 1 for the first line, without holes. */
  readonly seq: number;
  /** ISO time of writing. */
  readonly at: string;
  readonly record: unknown;
  /** Of who wrote the line. It holds for all lines before it as well. See `Marker`. */
  readonly mark?: string | undefined;
}

/** Makes the mark of a line; null where none can be made. The same text gives the same mark. */
export type Marker = (content: string) => Promise<string | null>;

/** A mark and the text that it must have been made of. */
export interface Mark {
  readonly mark: string;
  readonly content: string;
}

export interface LogContent {
  readonly entries: readonly LogEntry[];
  /** Bytes that hold the entries; what lies behind is a torn last line. */
  readonly goodBytes: number;
  /** Bytes of the torn last line. */
  readonly tornBytes: number;
}

const SUM_LENGTH = 16;
const SUM = new RegExp(`,"sum":"([0-9a-f]{${SUM_LENGTH}})"\\}$`);

function checksum(text: string): string {
  return sha256(text).slice(0, SUM_LENGTH);
}

/** One line without its line feed. The checksum covers the text before it, byte by byte. */
export function formatLine(entry: LogEntry): string {
  const { seq, at, record, mark } = entry;
  const body = JSON.stringify({ seq, at, record, mark }).slice(0, -1);
  return `${body},"sum":"${checksum(body)}"}`;
}

/** What a line's mark is made of: all bytes before the line, and what it says. */
function markedText(before: Hash, { seq, at, record }: LogEntry): string {
  return `${before.copy().digest('hex')} ${JSON.stringify({ seq, at, record })}`;
}

/** The last line's mark, which holds for the whole log. Undefined where the line has none. */
export function lastMark(file: Buffer, { entries, goodBytes }: LogContent): Mark | undefined {
  const last = entries.at(-1);
  if (last?.mark === undefined) return undefined;
  const start = file.lastIndexOf('\n', goodBytes - 2) + 1;
  const before = createHash('sha256').update(file.subarray(0, start));
  return { mark: last.mark, content: markedText(before, last) };
}

/** The entry in a line, or undefined when the line is damaged. */
export function parseLine(text: string): LogEntry | undefined {
  const sum = SUM.exec(text);
  if (sum === null || checksum(text.slice(0, sum.index)) !== sum[1]) return undefined;
  try {
    const parsed = Line.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Where the damage starts when a good line still follows: then it is no torn tail. */
function goodLineFollows(lines: readonly string[], from: number): boolean {
  return lines.slice(from).some((line) => parseLine(line) !== undefined);
}

/**
 * Reads a log's content without changing it.
 * @throws SourcewrightError `corrupt` with the line's number when a line before the last good one is damaged or missing.
 */
export function parseLog(content: Buffer, path: string): LogContent {
  const entries: LogEntry[] = [];
  let goodBytes = 0;
  // A last line without its line feed is torn even when it parses: the next append would be glued to it.
  const lines = content.toString('utf8').split('\n');
  const complete = lines.slice(0, -1);
  for (const [index, line] of complete.entries()) {
    const entry = parseLine(line);
    const expected = entries.length + 1;
    if (entry?.seq === expected) {
      entries.push(entry);
      goodBytes += Buffer.byteLength(line, 'utf8') + 1;
      continue;
    }
    if (entry !== undefined || goodLineFollows(lines, index + 1)) {
      const what = entry === undefined ? 'is damaged' : `has number ${entry.seq} instead of ${expected}`;
      throw new SourcewrightError('corrupt', `Line ${index + 1} of the run's journal ${what}.`, {
        where: path,
        place: `line ${index + 1}`,
        cure: 'Restore the file from a backup, or start a new run. The connector itself is not affected.',
      });
    }
    break;
  }
  return { entries, goodBytes, tornBytes: content.byteLength - goodBytes };
}

/** The later of two times, as ISO text; one that is no time counts as none. */
export function later(now: Date, other: string): string {
  const before = Date.parse(other);
  return before > now.getTime() ? other : now.toISOString();
}

/** The log, open for appending. One writer at a time; whoever opens it holds the run's lock. */
export class AppendLog {
  readonly #file: AppendFile;
  readonly #now: () => Date;
  readonly #marker: Marker | undefined;
  /** Over all bytes of the log; kept only where lines are marked. */
  readonly #written: Hash = createHash('sha256');
  /** Time of the last line. Lines never go back in time, also where the clock was set back: their times are compared. */
  #lastAt: string;
  #seq: number;
  #bytes: number;
  #dirty = false;

  private constructor(
    file: AppendFile,
    now: () => Date,
    marker: Marker | undefined,
    { before, ...content }: LogContent & { readonly before: Buffer },
  ) {
    this.#file = file;
    this.#now = now;
    this.#marker = marker;
    if (marker !== undefined) this.#written.update(before.subarray(0, content.goodBytes));
    this.#lastAt = content.entries.at(-1)?.at ?? '';
    this.#seq = content.entries.length;
    this.#bytes = content.goodBytes;
  }

  /**
   * Opens the log, cutting off a torn last line. `content.tornBytes` says how much was cut.
   * @param marker marks the lines that are written from now on; absent = they carry no mark
   */
  static async open(
    path: string,
    files: Files,
    now: () => Date,
    marker?: Marker,
  ): Promise<{ log: AppendLog; content: LogContent }> {
    const before = (await files.read(path)) ?? Buffer.alloc(0);
    const content = parseLog(before, path);
    const file = await files.openAppend(path);
    try {
      if (content.tornBytes > 0) await file.truncate(content.goodBytes);
    } catch (error) {
      await file.close();
      throw error;
    }
    return { log: new AppendLog(file, now, marker, { ...content, before }), content };
  }

  /**
   * Appends a record; it is on the disk when this returns. Calls must not overlap.
   * @throws SourcewrightError `environment` when it can't be written; the log then stands as before.
   */
  async append(record: unknown): Promise<LogEntry> {
    if (this.#dirty) await this.#cut();
    const entry: LogEntry = { seq: this.#seq + 1, at: later(this.#now(), this.#lastAt), record };
    const mark = (await this.#marker?.(markedText(this.#written, entry))) ?? undefined;
    const text = `${formatLine({ ...entry, mark })}\n`;
    try {
      this.#dirty = true;
      await this.#file.append(text);
      this.#dirty = false;
    } catch (error) {
      await this.#cut().catch(() => undefined);
      throw error;
    }
    this.#seq = entry.seq;
    this.#lastAt = entry.at;
    this.#bytes += Buffer.byteLength(text, 'utf8');
    if (this.#marker !== undefined) this.#written.update(text);
    return entry;
  }

  /** ISO time of the last line, '' where there is none. */
  get lastAt(): string {
    return this.#lastAt;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Removes what a failed write may have left behind the last good line. */
  async #cut(): Promise<void> {
    await this.#file.truncate(this.#bytes);
    this.#dirty = false;
  }
}
