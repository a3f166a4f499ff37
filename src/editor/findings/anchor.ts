/**
 * Finds the lines of findings again in a file that has changed since the review: by their text, not by their numbers. Pure:
 * texts in, places out.
 */
import type { Finding } from '../../pipeline/contracts.ts';

/**
 * `same` and `moved`: the lines stand there. `nearest`: they stand in several places, and this is the likeliest. `changed`:
 * they are gone, the place is a guess. `hidden`: the review does not say what they were (a credential), so the place is as it
 * was. `gone`: there is no such file any more.
 */
export type AnchorState = 'same' | 'moved' | 'nearest' | 'changed' | 'hidden' | 'gone';

/** Lines are 1-based and inclusive. */
export interface Anchor {
  readonly startLine: number;
  readonly endLine: number;
  readonly state: AnchorState;
}

export type Anchored = Pick<Finding, 'id' | 'range' | 'excerpt'>;

/** What a review shows instead of lines with a credential. */
const NOT_SHOWN = '(not shown)';

export function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/);
}

/** Where whole lines stand in a text, by the first of them. */
class LineIndex {
  readonly lines: readonly string[];
  readonly #places = new Map<string, number[]>();
  readonly #form: (line: string) => string;

  constructor(lines: readonly string[], form: (line: string) => string) {
    this.#form = form;
    this.lines = lines.map(form);
    this.lines.forEach((line, at) => {
      const known = this.#places.get(line);
      if (known === undefined) this.#places.set(line, [at]);
      else known.push(at);
    });
  }

  /** 1-based starts, in order. */
  find(wanted: readonly string[]): number[] {
    const formed = wanted.map(this.#form);
    return (this.#places.get(formed[0] ?? '') ?? [])
      .filter((at) => formed.every((line, index) => this.lines[at + index] === line))
      .map((at) => at + 1);
  }
}

/** The places of all findings of one file, by their ids. */
class FileAnchors {
  readonly #exact: LineIndex;
  readonly #loose: LineIndex;
  readonly #findings: readonly Anchored[];
  readonly #hints: ReadonlyMap<string, number>;
  readonly #found = new Map<string, readonly number[]>();

  constructor(text: string, findings: readonly Anchored[], hints: ReadonlyMap<string, number>) {
    const lines = linesOf(text);
    this.#exact = new LineIndex(lines, (line) => line);
    this.#loose = new LineIndex(lines, (line) => line.trim());
    this.#findings = [...findings].sort((a, b) => a.range.startLine - b.range.startLine);
    this.#hints = hints;
  }

  all(): Map<string, Anchor> {
    return new Map(this.#findings.map((finding) => [finding.id, this.#anchor(finding)]));
  }

  #candidates(excerpt: string): readonly number[] {
    let found = this.#found.get(excerpt);
    if (found === undefined) {
      const wanted = excerpt.split('\n');
      const exact = this.#exact.find(wanted);
      // A formatter, or a block that was put into another, changes indentation only.
      found = exact.length > 0 ? exact : this.#loose.find(wanted);
      this.#found.set(excerpt, found);
    }
    return found;
  }

  #anchor(finding: Anchored): Anchor {
    const { range, excerpt } = finding;
    if (excerpt === NOT_SHOWN) return this.#at(finding, this.#expected(finding), 'hidden');
    const expected = this.#expected(finding);
    if (excerpt.trim() === '') {
      const isBlank = (this.#loose.lines[expected - 1] ?? '') === '';
      return this.#at(finding, expected, isBlank ? stateAt(range.startLine, expected) : 'changed');
    }
    const candidates = this.#candidates(excerpt);
    const [only] = candidates;
    if (only === undefined) return this.#at(finding, this.#guess(finding, expected), 'changed');
    if (candidates.length === 1) return this.#at(finding, only, stateAt(range.startLine, only));
    if (candidates.includes(expected)) {
      return this.#at(finding, expected, stateAt(range.startLine, expected));
    }
    const nearest = candidates.reduce((best, one) =>
      Math.abs(one - expected) < Math.abs(best - expected) ? one : best,
    );
    return this.#at(finding, nearest, 'nearest');
  }

  /**
   * Where a finding should be: where the editor has followed it to; else, for lines that stand in as many places as there are
   * findings with them, in the same order; else as far from its old place as the finding above it is from its own.
   */
  #expected(finding: Anchored): number {
    const { startLine } = finding.range;
    const hint = this.#hints.get(finding.id);
    if (hint !== undefined) return hint;
    const twins = [
      ...new Set(
        this.#findings
          .filter(({ excerpt }) => excerpt === finding.excerpt)
          .map(({ range }) => range.startLine),
      ),
    ];
    const candidates = finding.excerpt.trim() === '' ? [] : this.#candidates(finding.excerpt);
    const inOrder = twins.length === candidates.length ? candidates[twins.indexOf(startLine)] : undefined;
    return inOrder ?? startLine + this.#shiftAbove(finding);
  }

  #shiftAbove({ range }: Anchored): number {
    let shift = 0;
    for (const { range: above, excerpt } of this.#findings) {
      if (above.startLine >= range.startLine) break;
      if (excerpt === NOT_SHOWN || excerpt.trim() === '') continue;
      const candidates = this.#candidates(excerpt);
      const [only] = candidates;
      if (only !== undefined && candidates.length === 1) shift = only - above.startLine;
    }
    return shift;
  }

  /** The first of the lines that still stands there, if it says anything; else the expected place. */
  #guess({ excerpt }: Anchored, expected: number): number {
    const [first = ''] = excerpt.split('\n');
    const found = first.trim().length < 4 ? [] : this.#loose.find([first]);
    return found.length === 1 ? (found[0] ?? expected) : expected;
  }

  #at({ range }: Anchored, start: number, state: AnchorState): Anchor {
    const last = this.#exact.lines.length;
    const startLine = Math.min(Math.max(1, start), last);
    return { startLine, endLine: Math.min(startLine + range.endLine - range.startLine, last), state };
  }
}

function stateAt(old: number, now: number): AnchorState {
  return old === now ? 'same' : 'moved';
}

/**
 * The places of findings in a file as it reads now.
 * @param text of the file; undefined where there is none
 * @param findings of this file
 * @param hints start lines by finding, where the editor has followed the lines through edits
 */
export function anchorFindings(
  text: string | undefined,
  findings: readonly Anchored[],
  hints: ReadonlyMap<string, number> = new Map(),
): Map<string, Anchor> {
  if (text !== undefined) return new FileAnchors(text, findings, hints).all();
  return new Map(
    findings.map(({ id, range: { startLine, endLine } }) => [id, { startLine, endLine, state: 'gone' }]),
  );
}

/** An edit of a document, with 0-based lines as they were before it. */
export interface LineEdit {
  readonly start: number;
  readonly end: { readonly line: number; readonly character: number };
  readonly text: string;
}

/** Where a 1-based line is after edits of the document: those that end above it move it. */
export function follow(line: number, edits: readonly LineEdit[]): number {
  const at = line - 1;
  const shift = edits
    .filter(({ end }) => end.line < at || (end.line === at && end.character === 0))
    .reduce((sum, { start, end, text }) => sum + linesOf(text).length - 1 - (end.line - start), 0);
  return Math.max(1, line + shift);
}
