/** The two ways we run programs: visibly for the person (`ProcessRunner`) and quietly for their output (`capture`). */
import { StringDecoder } from 'node:string_decoder';
import type { Command, CommandResult, VisibleRunner } from '../pipeline/contracts.ts';
import { runChild, type ChildOptions } from './child-process.ts';
import { startedAs } from './started-as.ts';

export interface ProcessRunnerOptions {
  /** Receives the output as it comes, both streams in order of arrival. */
  readonly write: (text: string) => void;
  /** Bytes of output passed on per command: its beginning, and the end. Default 4 MiB. */
  readonly maxBytes?: number;
  /** Time between the polite and the forced end of a process tree, in milliseconds. Default 3000. */
  readonly graceMs?: number;
}

/** Runs commands as owned child processes and streams what they print to a given sink. */
export class ProcessRunner implements VisibleRunner {
  readonly #options: ProcessRunnerOptions;

  constructor(options: ProcessRunnerOptions) {
    this.#options = options;
  }

  async run(command: Command, signal: AbortSignal): Promise<CommandResult> {
    const maxBytes = this.#options.maxBytes ?? 4 * 1024 * 1024;
    const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
    const tail = new Tail(Math.min(TAIL_BYTES, Math.floor(maxBytes / 4)));
    let left = maxBytes - tail.size;
    let dropped = 0;
    const end = await runChild({
      ...command,
      ...startedAs(command),
      signal,
      graceMs: this.#options.graceMs ?? 3000,
      onOutput: (chunk, from) => {
        const passed = chunk.subarray(0, left);
        left -= passed.length;
        dropped += chunk.length - passed.length;
        tail.take(chunk.subarray(passed.length));
        const text = decoders[from].write(passed);
        if (text !== '') this.#options.write(text);
      },
    });
    if (dropped > 0) {
      const last = tail.text();
      const hidden = dropped - Buffer.byteLength(last);
      const words = hidden > 0 ? `\n… ${hidden} more bytes of output not shown. It ends with:\n` : '';
      this.#options.write(`${words}${last}`);
    }
    return { exitCode: end.exitCode, timedOut: end.timedOut };
  }
}

/** Kept of the end of output that is longer than what is shown. */
const TAIL_BYTES = 16 * 1024;

/** The last bytes of what passes by. */
class Tail {
  readonly size: number;
  #kept: Buffer[] = [];
  #length = 0;

  constructor(size: number) {
    this.size = size;
  }

  take(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#kept.push(chunk);
    this.#length += chunk.length;
    // Joined now and then, not for each chunk: gigabytes may pass.
    if (this.#length > 16 * this.size) this.#join();
  }

  #join(): void {
    const all = Buffer.concat(this.#kept);
    // A copy, so that the large one can go.
    this.#kept = [Buffer.from(all.subarray(Math.max(0, all.length - this.size)))];
    this.#length = this.#kept[0]?.length ?? 0;
  }

  /** From the beginning of a character. */
  text(): string {
    this.#join();
    const bytes = this.#kept[0] ?? Buffer.alloc(0);
    const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
    return bytes.subarray(Math.max(0, start)).toString('utf8');
  }
}

export interface CaptureOptions extends Omit<ChildOptions, 'onOutput'> {
  /** Program and arguments that it is started through. */
  readonly within?: readonly string[] | undefined;
  /** Bytes kept of each stream; the program goes on, the rest is dropped. Default 16 MiB. */
  readonly maxBytes?: number;
}
export interface Captured {
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly durationMs: number;
}

/**
 * Runs a tool quietly and returns what it printed.
 * @throws SourcewrightError `environment` when the program can't be started.
 */
export async function capture(options: CaptureOptions): Promise<Captured> {
  const maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const size = { stdout: 0, stderr: 0 };
  let truncated = false;
  const started = performance.now();
  const end = await runChild({
    ...options,
    ...startedAs(options),
    onOutput: (chunk, from) => {
      const passed = chunk.subarray(0, maxBytes - size[from]);
      size[from] += passed.length;
      if (passed.length < chunk.length) truncated = true;
      if (passed.length > 0) kept[from].push(passed);
    },
  });
  return {
    ...end,
    stdout: Buffer.concat(kept.stdout).toString('utf8'),
    stderr: Buffer.concat(kept.stderr).toString('utf8'),
    truncated,
    durationMs: Math.round(performance.now() - started),
  };
}
