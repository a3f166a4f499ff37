/**
 * Keeps track of the work that is going on for a run. Work that was told to stop is waited for, but not for ever: a stage
 * that ignores its signal is given up after a grace time, and what it says later is ignored.
 */
export class Workers {
  readonly #graceMs: number;
  readonly #onChange: () => void;
  readonly #log: (message: string) => void;
  readonly #working = new Set<string>();
  readonly #lost = new Set<string>();
  #waiting: (() => void)[] = [];
  #next = 1;

  constructor(graceMs: number, onChange: () => void, log: (message: string) => void) {
    this.#graceMs = graceMs;
    this.#onChange = onChange;
    this.#log = log;
  }

  /** Something works, or is still stopping. */
  get busy(): boolean {
    return this.#working.size > 0;
  }

  /** Names of work that did not stop when it was told to, and is still going on somewhere. */
  get lost(): readonly string[] {
    return [...this.#lost];
  }

  /** Follows a piece of work. `work` must not reject. */
  follow(name: string, signal: AbortSignal, work: Promise<void>): void {
    const key = `${name} (${this.#next})`;
    this.#next += 1;
    this.#working.add(key);
    let timer: NodeJS.Timeout | undefined;
    const giveUp = (): void => {
      this.#log(`${key} has not stopped after ${this.#graceMs} ms; going on without it.`);
      this.#lost.add(key);
      this.#end(key);
    };
    const grace = (): void => {
      timer = setTimeout(giveUp, this.#graceMs);
    };
    if (signal.aborted) grace();
    else signal.addEventListener('abort', grace, { once: true });
    void work.finally(() => {
      signal.removeEventListener('abort', grace);
      clearTimeout(timer);
      this.#lost.delete(key);
      this.#end(key);
    });
  }

  /** Settles when nothing works any more; at the latest when the grace time of what was stopped is over. */
  async idle(): Promise<void> {
    while (this.busy) {
      await new Promise<void>((done) => {
        this.#waiting.push(done);
      });
    }
  }

  #end(key: string): void {
    if (!this.#working.delete(key)) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
    this.#onChange();
  }
}
