/** Words of a test run as they are shown to a model: short, and the same on every machine, so that a run can be replayed. */
import type { TestCase } from '../../pipeline/contracts.ts';

const MESSAGE_LINES = 3;
const KEPT_AT_START = 15;
const KEPT_AT_END = 35;
const MAX_LINE = 300;

/** What differs from run to run although nothing has changed: places on this machine, ports, addresses, durations. */
const UNSTEADY: readonly (readonly [RegExp, string])[] = [
  [/(?:[^\s"'()<>]*[\\/])?site-packages[\\/]/g, 'site-packages/'],
  [/[^\s"'()<>]*[\\/]lib[\\/]python3\.\d+[\\/]/g, 'python/'],
  [/[^\s"'()<>]*[\\/](?:pytest-of-[^\s\\/]+[\\/]pytest-\d+|sourcewright-tests-[^\s\\/]+)/g, '<temporary>'],
  [/\b(127\.0\.0\.1|localhost|\[::1\]):\d{2,5}\b/g, '$1:<port>'],
  [/\b0x[0-9a-f]{6,16}\b/gi, '0x…'],
  [/\b\d+\.\d+ ?s(?:econds)?\b/g, '<time>'],
];

/** Cuts the middle out of many lines: the place of the test stands at the head, what was raised at the foot. */
function fewLines(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line));
  const left = lines.length - KEPT_AT_START - KEPT_AT_END;
  if (left <= 0) return lines.join('\n');
  return [...lines.slice(0, KEPT_AT_START), `… ${left} lines left out …`, ...lines.slice(-KEPT_AT_END)].join(
    '\n',
  );
}

/** What pytest said about a test of the connector in `dir`. */
export function steadyText(text: string, dir: string): string {
  const own = text.replaceAll(`${dir}/`, '').replaceAll(`${dir}\\`, '').replaceAll(dir, '.');
  return fewLines(UNSTEADY.reduce((said, [pattern, word]) => said.replace(pattern, word), own).trim());
}

/** What a failing test says: first its message, as far as that does not stand in the details anyway. */
export function failureWords(
  { message = '', details = '' }: Pick<TestCase, 'message' | 'details'>,
  dir: string,
): { readonly message: string; readonly details: string } {
  const shown = steadyText(details, dir);
  const lines = steadyText(message, dir).split('\n').slice(0, MESSAGE_LINES);
  return { message: lines.filter((line) => !shown.includes(line.trim())).join('\n'), details: shown };
}
