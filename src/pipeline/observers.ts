/**
 * Those who look at a run: listeners, the file `run.json`, and everybody who waits until nothing goes on any more.
 */
import type { RunView } from './contracts.ts';
import type { RunFiles } from './run-files.ts';

/** Progress lines reach listeners at most so often, in milliseconds. */
const PROGRESS_EVERY_MS = 100;

export interface Observed {
  view(): RunView;
  /** Nothing goes on until someone acts. */
  isQuiet(): boolean;
  /** Called each time the run has become quiet, before those who wait are told. */
  whenQuiet(): Promise<void>;
}

export class Observers {
  readonly #run: Observed;
  readonly #files: RunFiles;
  readonly #warn: (message: string) => void;
  readonly #listeners = new Set<(view: RunView) => void>();
  #waiters: ((view: RunView) => void)[] = [];
  #settling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(run: Observed, files: RunFiles, warn: (message: string) => void) {
    this.#run = run;
    this.#files = files;
    this.#warn = warn;
  }

  add(listener: (view: RunView) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The run has changed. */
  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#files.soon(() => this.#run.view());
    this.#tell();
    this.#settleIfQuiet();
  }

  /** The run has changed a little, as it does many times in a second. */
  changedSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.changed();
    }, PROGRESS_EVERY_MS);
  }

  settled(): Promise<RunView> {
    return new Promise((settle) => {
      this.#waiters.push(settle);
      this.#settleIfQuiet();
    });
  }

  #tell(): void {
    if (this.#listeners.size === 0) return;
    const view = this.#run.view();
    for (const listener of [...this.#listeners]) {
      try {
        listener(view);
      } catch (error) {
        this.#warn(`A listener of the run failed: ${String(error)}`);
      }
    }
  }

  #settleIfQuiet(): void {
    if (!this.#run.isQuiet() || this.#settling !== undefined) return;
    this.#settling = this.#settle().finally(() => {
      this.#settling = undefined;
      // Something may have begun and ended again meanwhile.
      if (this.#waiters.length > 0) this.#settleIfQuiet();
    });
  }

  async #settle(): Promise<void> {
    await this.#files.flush();
    if (this.#run.isQuiet()) await this.#run.whenQuiet();
    if (!this.#run.isQuiet()) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const settle of waiters) settle(this.#run.view());
  }
}
