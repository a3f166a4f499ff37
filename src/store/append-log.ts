/**
 * A log of JSON lines that survives being killed at any moment. Every line carries its number and a checksum and is on
 * the disk before `append` returns. What a crash can leave behind, a half-written last line, is cut off when the log is
 * opened; damage anywhere else means that somebody changed the file, and stops with the place.
 */
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { type AppendFile, type Files, sha256 } from './files.ts';

const Line = z.object({ seq: z.number().int().positive(), at: z.string(), record: z.unknown() });

export interface LogEntry {
  /** 1 for the first line, without holes. */
  readonly seq: number;
  /** ISO time of writing. */
  readonly at: string;
  readonly record: unknown;
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
  const body = JSON.stringify({ seq: entry.seq, at: entry.at, record: entry.record }).slice(0, -1);
  return `${body},"sum":"${checksum(body)}"}`;
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
  /** Time of the last line. Lines never go back in time, also where the clock was set back: their times are compared. */
  #lastAt: string;
  #seq: number;
  #bytes: number;
  #dirty = false;

  private constructor(file: AppendFile, now: () => Date, content: LogContent) {
    this.#file = file;
    this.#now = now;
    this.#lastAt = content.entries.at(-1)?.at ?? '';
    this.#seq = content.entries.length;
    this.#bytes = content.goodBytes;
  }

  /** Opens the log, cutting off a torn last line. `content.tornBytes` says how much was cut. */
  static async open(
    path: string,
    files: Files,
    now: () => Date,
  ): Promise<{ log: AppendLog; content: LogContent }> {
    const content = parseLog((await files.read(path)) ?? Buffer.alloc(0), path);
    const file = await files.openAppend(path);
    try {
      if (content.tornBytes > 0) await file.truncate(content.goodBytes);
    } catch (error) {
      await file.close();
      throw error;
    }
    return { log: new AppendLog(file, now, content), content };
  }

  /**
   * Appends a record; it is on the disk when this returns. Calls must not overlap.
   * @throws SourcewrightError `environment` when it can't be written; the log then stands as before.
   */
  async append(record: unknown): Promise<LogEntry> {
    if (this.#dirty) await this.#cut();
    const entry: LogEntry = { seq: this.#seq + 1, at: later(this.#now(), this.#lastAt), record };
    const text = `${formatLine(entry)}\n`;
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
