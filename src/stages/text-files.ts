/** The connector's text files as a model may point at them: whether a place exists, and what stands there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRange } from '../pipeline/contracts.ts';
import { RESULTS_FILE } from '../python/pytest.ts';
import { listFiles } from '../workspace/files.ts';
import { scanText } from '../workspace/secrets.ts';

/** Larger files are data, which nobody points at by line. */
const MAX_BYTES = 1024 * 1024;

/** A finding names the lines that matter: more than these are a whole file. */
export const MAX_PLACE_LINES = 40;

/** The lines of a text; the break at its end opens no further line. */
export function textLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.length > 1 && lines.at(-1) === '') lines.pop();
  return lines;
}

export class TextFiles {
  readonly #lines: ReadonlyMap<string, readonly string[]>;
  readonly #texts: ReadonlyMap<string, string>;

  private constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
    this.#lines = new Map([...texts].map(([path, text]) => [path, textLines(text)]));
  }

  /** Reads those files of the connector that are text and that `wanted` asks for. */
  static async read(dir: string, wanted: (path: string) => boolean = () => true): Promise<TextFiles> {
    const texts = new Map<string, string>();
    for (const path of (await listFiles(dir)).files) {
      if (path === RESULTS_FILE || !wanted(path)) continue;
      const content = await readFile(join(dir, path)).catch(() => undefined);
      if (content === undefined || content.length > MAX_BYTES || content.includes(0)) continue;
      texts.set(path, content.toString('utf8'));
    }
    return new TextFiles(texts);
  }

  get paths(): string[] {
    return [...this.#texts.keys()];
  }

  text(file: string): string | undefined {
    return this.#texts.get(file);
  }

  /** The lines of a place, without the break of the last one. */
  at(range: FileRange): string {
    return (this.#lines.get(range.file) ?? []).slice(range.startLine - 1, range.endLine).join('\n');
  }

  /** Where a text of whole lines stands in a file, if it stands there only once. */
  find(file: string, text: string): number | undefined {
    const lines = this.#lines.get(file) ?? [];
    const wanted = text.split('\n');
    const starts = [...lines.keys()].filter((at) =>
      wanted.every((line, index) => lines[at + index] === line),
    );
    const [start] = starts;
    return start === undefined || starts.length > 1 ? undefined : start + 1;
  }

  /** Whether a credential stands there: such lines are reported by rules and repeated nowhere. */
  holdsSecret({ file, startLine, endLine }: FileRange): boolean {
    return scanText(file, this.#texts.get(file) ?? '').some(
      (hit) => hit.line >= startLine && hit.line <= endLine,
    );
  }

  /** Why a place can't be pointed at, in words for the model; undefined where it can. */
  wrongPlace({ file, startLine, endLine }: FileRange): string | undefined {
    const lines = this.#lines.get(file);
    if (lines === undefined) return `${file} is not one of the files that may be named here.`;
    if (endLine < startLine) return `${file}: endLine ${endLine} lies before startLine ${startLine}.`;
    if (startLine < 1 || endLine > lines.length) {
      return `${file} has ${lines.length} lines; ${startLine} to ${endLine} do not exist.`;
    }
    if (endLine - startLine >= MAX_PLACE_LINES) {
      return `${file}:${startLine}: name at most ${MAX_PLACE_LINES} lines, those that matter.`;
    }
    return undefined;
  }
}

/** Whether two places share a line. */
export function overlaps(one: FileRange, other: FileRange): boolean {
  return one.file === other.file && one.startLine <= other.endLine && other.startLine <= one.endLine;
}
