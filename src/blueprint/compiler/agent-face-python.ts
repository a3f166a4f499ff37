/**
 * Text and values of an API description as Python source, for the agent face and the documents. Whatever a title or
 * description holds (quotes, backslashes, control characters, template syntax) must come out as data, never as code.
 */

/** Longest line of emitted Python. */
export const LINE_LENGTH = 100;

/**
 * A Python string literal, quoted as formatters do. Characters that don't print, change the reading direction or
 * break lines are escaped; lone surrogates become U+FFFD.
 */
export function pythonString(text: string): string {
  const doubles = text.split('"').length;
  const singles = text.split("'").length;
  const quote = doubles > singles ? "'" : '"';
  let body = '';
  for (const character of wellFormed(text)) {
    if (character === '\\' || character === quote) body += `\\${character}`;
    else if (character === '\n') body += '\\n';
    else if (character === '\r') body += '\\r';
    else if (character === '\t') body += '\\t';
    else body += INVISIBLE.test(character) ? escaped(character) : character;
  }
  return quote + body + quote;
}

/** The text with U+FFFD for each half of a surrogate pair that stands alone: such text can't be written as UTF-8. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const INVISIBLE_OR_BLANK = /[\p{C}\p{Z}\s]+/gu;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

/** A JSON value as a Python expression on one line. */
export function pythonValue(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'string') return pythonString(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return pythonNumber(value);
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, item]) => `${pythonString(key)}: ${pythonValue(item)}`);
    return `{${entries.join(', ')}}`;
  }
  return 'None';
}

function pythonNumber(value: number): string {
  if (!Number.isFinite(value)) return 'None';
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

/** A tuple of strings: `("a", "b")`, `("a",)`, `()`. */
export function pythonTuple(items: readonly string[]): string {
  if (items.length === 1) return `(${pythonString(items[0] ?? '')},)`;
  return `(${items.map(pythonString).join(', ')})`;
}

/**
 * `prefix` + string literal + `suffix` at an indentation, split over lines in parentheses where one line is too short.
 */
export function stringLines(indent: string, prefix: string, text: string, suffix: string): string[] {
  const whole = `${indent}${prefix}${pythonString(text)}${suffix}`;
  if (whole.length <= LINE_LENGTH) return [whole];
  const inner = `${indent}    `;
  const room = LINE_LENGTH - inner.length;
  const parts = split(text, room);
  if (parts.some((part) => pythonString(part).length > room)) return [whole];
  return [`${indent}${prefix}(`, ...parts.map((part) => inner + pythonString(part)), `${indent})${suffix}`];
}

/** Pieces of a text whose literals fit a width, cut after blanks where there are any. */
function split(text: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const word of wellFormed(text).match(/\S*\s*/gu) ?? []) {
    for (const part of chunks(word, Math.max(8, Math.floor(width / 2)))) {
      if (piece !== '' && pythonString(piece + part).length > width) {
        pieces.push(piece);
        piece = '';
      }
      piece += part;
    }
  }
  if (piece !== '') pieces.push(piece);
  return pieces;
}

function chunks(word: string, size: number): string[] {
  const characters = Array.from(word);
  if (characters.length <= size) return word === '' ? [] : [word];
  const parts: string[] = [];
  for (let at = 0; at < characters.length; at += size) parts.push(characters.slice(at, at + size).join(''));
  return parts;
}

/**
 * Words for people and models out of a description: Markdown and HTML marks, line breaks and control characters gone,
 * cut at a sentence's or word's end to at most `most` characters.
 */
export function plainText(text: string | undefined, most: number): string {
  const words = wellFormed(text ?? '')
    .replace(/<\/?[a-zA-Z][^<>]{0,200}>/g, ' ')
    .replace(/!?\[([^[\]]{0,200})\]\([^()\s]{0,500}\)/g, '$1')
    .replace(/```+|~~~+/g, ' ')
    .replace(/(^|\s)#{1,6}\s+/g, '$1')
    .replace(/\*\*+|__+(?=\s|$)/g, '')
    .replace(INVISIBLE_OR_BLANK, ' ')
    .trim();
  if (words.length <= most) return words;
  const head = words.slice(0, most);
  const sentence = Math.max(head.lastIndexOf('. '), head.lastIndexOf('! '), head.lastIndexOf('? '));
  if (sentence > most / 3) return head.slice(0, sentence + 1);
  const blank = head.lastIndexOf(' ');
  return `${wellFormed(head.slice(0, blank > most / 3 ? blank : most - 1)).replace(/\uFFFD$/, '')}…`;
}

/** With a full stop at its end, if it is not empty and has no end yet. */
export function sentence(text: string): string {
  return text === '' || /[.!?…:]$/.test(text) ? text : `${text}.`;
}

/** Lines of at most `width` characters, broken at blanks. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}

/**
 * A docstring of paragraphs at an indentation. The first paragraph is the summary line, cut to fit one line. Raw where
 * the text holds a backslash, so that none is read as an escape.
 */
export function docstring(indent: string, summary: string, paragraphs: readonly string[] = []): string[] {
  const first = docText(summary) || 'No description.';
  const rest = paragraphs.map(docText).filter((paragraph) => paragraph !== '');
  const width = LINE_LENGTH - indent.length;
  const raw = [first, ...rest].some((text) => text.includes('\\')) ? 'r' : '';
  const head = plainText(first, width - 10).replace(/…$/, '.');
  const opening = `${indent}${raw}"""${head}`;
  if (rest.length === 0 && !/["\\]$/.test(head)) return [`${opening}"""`];
  const lines = [opening];
  for (const paragraph of rest) {
    lines.push('', ...wrap(paragraph, width).map((line) => indent + line));
  }
  return [...lines, `${indent}"""`];
}

function docText(text: string): string {
  return text.replaceAll('"""', "'''").replace(INVISIBLE_OR_BLANK, ' ').trim();
}
