/** The terminal that a command runs in: where it writes, whether a person sits there, and colours. */
import type { Readable, Writable } from 'node:stream';
import { harmless } from './harmless.ts';

export { coloured, harmless } from './harmless.ts';

export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** A person can answer questions here. */
  readonly interactive: boolean;
  /** Lines on stderr can be drawn over. */
  readonly live: boolean;
  readonly colour: boolean;
  /** Width in columns of stderr, as it is now. */
  columns(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

type Process = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr' | 'env' | 'cwd'>;

/** The terminal of a process. `NO_COLOR` and `TERM=dumb` are honoured; CI is never taken for a person. */
export function terminalOf(process: Process): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const tty = stderr.isTTY;
  const dumb = env['TERM'] === 'dumb';
  const inCi = env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false' && env['CI'] !== '0';
  return {
    stdin,
    stdout,
    stderr,
    interactive: stdin.isTTY && tty && !inCi,
    live: tty && !dumb && !inCi,
    colour: colourWanted(env, tty && !dumb),
    columns: () => stderr.columns || 80,
    env,
    cwd: process.cwd(),
  };
}

function colourWanted(env: Terminal['env'], capable: boolean): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true;
  return capable;
}

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'dim' | 'bold';
const CODES: Record<Colour, readonly [number, number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  dim: [2, 22],
  bold: [1, 22],
};
export type Paint = (colour: Colour, text: string) => string;

/** Colours text, or leaves it alone where colours are not wanted. */
export function painter(enabled: boolean): Paint {
  return (colour, text) => {
    const [on, off] = CODES[colour];
    return enabled ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  };
}

/** Milliseconds in words: `640 ms`, `12.3 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** US dollars: `$1.20`; less than ten cents more finely, as single requests cost: `$0.0042`. */
export function dollars(usd: number): string {
  return `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;
}

/** A whole number that can be read: `12,345`. */
export function grouped(number: number): string {
  return number.toLocaleString('en-US');
}

/** Text on one line of at most so many characters. */
export function oneLine(text: string, width: number): string {
  const characters = Array.from(harmless(text).replace(/\s+/g, ' ').trim());
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}

/** `1 stream`, `2 streams`; `plural` for words that don't just take an s. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}
