/** Files that are read again only when they have changed: a panel is redrawn several times in a second. */
import { stat } from 'node:fs/promises';

interface Read<T> {
  readonly mark: string;
  readonly content: Promise<T>;
}

/** Reads by path, keeping what the last few paths said. A file that is not there reads as undefined. */
export class NewestFile<T> {
  readonly #read: (path: string) => Promise<T>;
  readonly #kept: number;
  readonly #reads = new Map<string, Read<T>>();

  /** @param kept how many files are remembered */
  constructor(read: (path: string) => Promise<T>, kept = 4) {
    this.#read = read;
    this.#kept = kept;
  }

  async get(path: string): Promise<T | undefined> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const mark = `${found.mtimeMs}/${found.size}/${found.ino}`;
    const before = this.#reads.get(path);
    if (before?.mark === mark) return before.content;
    const content = this.#read(path);
    this.#reads.delete(path);
    this.#reads.set(path, { mark, content });
    for (const old of [...this.#reads.keys()].slice(0, -this.#kept)) this.#reads.delete(old);
    return content;
  }
}
