/** Reads what pytest says about a failure: the failing assertion in words, both of its values, and where it was. */
import type { TestCase } from '../../pipeline/contracts.ts';
import { sides, valueText, type Sides } from './assertion.ts';

/** A place in the traceback. */
export interface Frame {
  /** As pytest prints it: relative to the connector's folder, or absolute. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** What is said there: the kind of error, or the function. */
  readonly label: string;
}

export interface Failure {
  /** The failing assertion or the error, in pytest's words. */
  readonly text: string;
  /** Both values of a failed `==`, where they can be read from the text whole. */
  readonly expected: string | undefined;
  readonly actual: string | undefined;
  /** Outermost first. */
  readonly frames: readonly Frame[];
}

/** Ours, where a long text was cut. */
const CUT = /^… \d+ characters left out …$/m;

export function readFailure({ message, details = '', outcome }: TestCase): Failure {
  const said = errorLines(details);
  const text = said === '' ? (message ?? `The test ended with ${outcome}.`) : said;
  const compared = CUT.test(text) ? undefined : comparison(text);
  return { text, expected: compared?.expected, actual: compared?.actual, frames: framesOf(details) };
}

/** The frame to point at: the innermost in the test's own file, for a deeper one says little about the test. */
export function frameIn(failure: Failure, file: string): Frame | undefined {
  return failure.frames.findLast((frame) => frame.file === file || frame.file.endsWith(`/${file}`));
}

/** The lines that pytest marks with `E`, of the last error of the traceback, without their indentation. */
function errorLines(details: string): string {
  const blocks: string[][] = [];
  let before = -2;
  for (const [index, line] of details.split('\n').entries()) {
    const match = /^E(?: {2,}|$)(.*)$/.exec(line);
    if (match === null) continue;
    if (index !== before + 1) blocks.push([]);
    before = index;
    blocks.at(-1)?.push(line.slice(1));
  }
  const lines = blocks.at(-1) ?? [];
  const margin = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0;
  return lines
    .map((line) => line.replace(new RegExp(`^ {0,${margin}}`), ''))
    .join('\n')
    .trimEnd();
}

function framesOf(details: string): Frame[] {
  return details.split('\n').flatMap((line) => {
    // pytest's own form, and Python's, in which groups of exceptions are printed.
    const ours = /^(?!E )(\S.*?\.py):(\d+):(?: (?:in )?(.*))?$/.exec(line);
    const native = /^[\s|]*File "(.+?\.py)", line (\d+), in (.+)$/.exec(line);
    const [, file, number, label] = ours ?? native ?? [];
    if (file === undefined || number === undefined) return [];
    return [{ file: file.replaceAll('\\', '/'), line: Number(number), label: label?.trim() ?? '' }];
  });
}

/** Expected and actual of `assert actual == expected`, as the tests of connectors are written. */
function comparison(text: string): { expected: string; actual: string } | undefined {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /^(?:\w*Error: )?assert /.test(line));
  const expression = lines[at]?.replace(/^(?:\w*Error: )?assert /, '');
  if (expression === undefined) return undefined;
  const values = sides(expression);
  if (values === undefined) return undefined;
  return asStrings(values) ?? fullDifference(lines.slice(at + 1)) ?? plain(values);
}

/** Two texts are compared as they are, not as Python writes them. */
function asStrings({ left, right }: Sides): { expected: string; actual: string } | undefined {
  const [actual, expected] = [valueText(left), valueText(right)];
  return actual === undefined || expected === undefined ? undefined : { actual, expected };
}

/** Both values as pytest lays them out, line by line, in its `Full diff:`. */
function fullDifference(lines: readonly string[]): { expected: string; actual: string } | undefined {
  const start = lines.findIndex((line) => line.startsWith('  Full diff:'));
  if (start < 0) return undefined;
  const expected: string[] = [];
  const actual: string[] = [];
  for (const line of lines.slice(start + 1)) {
    const [, mark, rest = ''] = /^ {2}([ +?-]) (.*)$/.exec(line) ?? [];
    // What comes after it explains where the values are from.
    if (mark === undefined) break;
    if (/^\+ {2}(?:where|and) /.test(line.trim())) break;
    if (mark === ' ' || mark === '-') expected.push(rest);
    if (mark === ' ' || mark === '+') actual.push(rest);
  }
  return expected.length + actual.length === 0
    ? undefined
    : { expected: expected.join('\n'), actual: actual.join('\n') };
}

/** As Python writes them; none where one was shortened. */
function plain({ left, right }: Sides): { expected: string; actual: string } | undefined {
  return left.includes('...') || right.includes('...') ? undefined : { expected: right, actual: left };
}
