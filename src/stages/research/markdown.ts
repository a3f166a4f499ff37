/** Text of strangers as Markdown: what an API's author wrote may not become markup, a link or an image in our notes. */

/** Controls, and the invisible characters that reorder or hide text. */
const INVISIBLE = /(?![\t\n\r])[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** `text` on one line, cut at `limit` characters, without what can't be seen. No Markdown: nothing is escaped. */
export function oneLine(text: string, limit: number): string {
  const flat = text.replace(INVISIBLE, '').replace(/\s+/g, ' ').trim();
  return flat.length > limit ? `${flat.slice(0, limit - 1).trimEnd()}…` : flat;
}

/** `text` as plain words on one line: nothing in it is markup. Cut at `limit` characters. */
export function plain(text: string, limit = 300): string {
  return oneLine(text, limit)
    .replace(/[\\`*[\]<>|~&#!$]|(?<!\w)_|_(?!\w)/g, '\\$&')
    .replace(/:\/\//g, '\\://')
    .replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}\\.`)
    .replace(/^[-+=]/, '\\$&')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2');
}

/** `text` as code on one line; safe in a table's cell as well. */
export function code(text: string, limit = 200): string {
  const flat = oneLine(text, limit).replaceAll('|', '\\|');
  if (flat === '') return '';
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  return `${fence}${pad}${flat}${pad}${fence}`;
}

/** A table; cells are Markdown already. Without rows: nothing. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => (cell === '' ? '–' : cell)).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}
