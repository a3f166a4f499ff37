/** Text of an API description in Markdown documents: shown as it is, never read as Markdown or HTML. */
import { plainText } from './agent-face-python.ts';

/** Words in running text, on one line. */
export function text(words: string | undefined, most = 300): string {
  return plainText(words, most)
    .replace(/[\\`*_[\]<>|~#&]/g, (character) => (character === '<' ? '&lt;' : `\\${character}`))
    .replace(/^([-+=]|\d+[.)])(\s)/, '\\$1$2');
}

/** A name, path or value as code; usable in a table's cell. */
export function code(words: string, most = 200): string {
  const inner = words
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, most);
  if (inner === '') return '—';
  const ticks = Math.max(0, ...[...inner.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(ticks + 1);
  const padded = ticks > 0 ? ` ${inner} ` : inner;
  return (fence + padded + fence).replaceAll('|', '\\|');
}

/** A table; cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** A fenced block whose fence the content can't close. */
export function fenced(language: string, lines: readonly string[]): string[] {
  const longest = Math.max(
    2,
    ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map((run) => run[0].length)),
  );
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence];
}

/** A number with its noun: `1 stream`, `2 streams`. */
export function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
