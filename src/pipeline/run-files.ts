/** The two files of a run that others read and nothing is decided by: `run.json` (the view) and `usage.json`. */
import { join } from 'node:path';
import type { Files } from '../store/files.ts';
import { NO_USAGE, type RunView, type StageMode, type StageName, type Usage } from './contracts.ts';
import type { Recorded } from './journal.ts';
import { jsonText } from './json-files.ts';
import { addUsage } from './view.ts';

export const RUN_FILE = 'run.json';
export const USAGE_FILE = 'usage.json';
/** At most so often is `run.json` written while the run works, in milliseconds. */
const EVERY_MS = 250;

/** What one attempt used. */
interface AttemptUsage {
  readonly stage: StageName;
  readonly mode: StageMode | null;
  readonly attempt: number;
  readonly at: string;
  readonly usage: Usage;
}

/** Writes `run.json` and `usage.json` one write at a time. A failed write is only logged: the journal is the truth. */
export class RunFiles {
  readonly #runDir: string;
  readonly #files: Files;
  readonly #warn: (message: string) => void;
  readonly #modes = new Map<string, StageMode>();
  /** By `stage/attempt`: the newest record of an attempt counts. */
  readonly #attempts = new Map<string, AttemptUsage>();
  #timer: NodeJS.Timeout | undefined;
  #newest: (() => RunView) | undefined;
  #usageChanged = false;
  #closed = false;
  #abandoned = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(runDir: string, files: Files, warn: (message: string) => void) {
    this.#runDir = runDir;
    this.#files = files;
    this.#warn = warn;
  }

  /** Follows the journal. */
  take(record: Recorded): void {
    if (record.type === 'started' || record.type === 'hand_started') {
      this.#modes.set(`${record.stage}/${record.attempt}`, record.mode);
    }
    if (!('usage' in record)) return;
    const { stage, attempt, usage, at } = record;
    const key = `${stage}/${attempt}`;
    this.#attempts.set(key, { stage, attempt, mode: this.#modes.get(key) ?? null, at, usage });
    this.#usageChanged = true;
  }

  /** Writes the view soon. */
  soon(view: () => RunView): void {
    if (this.#closed) return;
    this.#newest = view;
    this.#timer ??= setTimeout(() => {
      void this.flush();
    }, EVERY_MS);
  }

  /** Writes what has not been written yet, and waits for it. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  /** Writes the rest, and nothing ever after: the folder may be another process's then. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  /** Writes nothing any more, not even the rest: the folder is another process's. */
  abandon(): void {
    this.#closed = true;
    this.#abandoned = true;
    clearTimeout(this.#timer);
  }

  async #write(): Promise<void> {
    if (this.#abandoned) return;
    const view = this.#newest;
    this.#newest = undefined;
    try {
      if (view !== undefined) await this.#files.writeAtomic(join(this.#runDir, RUN_FILE), jsonText(view()));
      if (this.#usageChanged)
        await this.#files.writeAtomic(join(this.#runDir, USAGE_FILE), jsonText(this.#usage()));
      this.#usageChanged = false;
    } catch (error) {
      this.#warn(`The view of the run could not be written: ${String(error)}`);
    }
  }

  #usage(): { schemaVersion: 1; total: Usage; attempts: readonly AttemptUsage[] } {
    const attempts = [...this.#attempts.values()];
    const total = attempts.map(({ usage }) => usage).reduce(addUsage, NO_USAGE);
    return { schemaVersion: 1, total, attempts };
  }
}
