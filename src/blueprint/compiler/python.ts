/**
 * Python source from values. Everything that comes from a description passes through `str`, so that no text can
 * leave its literal, and through `print`, which lays code out as `ruff format` does.
 */

import { LINE_LENGTH as WIDTH, pythonString as literal } from './agent-face-python.ts';

const INDENT = '    ';

export { literal };

/** A piece of Python: how it reads on one line, and how it reads when that line would be too long. */
export interface Code {
  readonly flat: string;
  /** Lines at `indent`; the first continues a line whose indent it doesn't repeat. */
  broken?(indent: string): string;
}

/** Code that is written as it stands. For names and numbers of our own only, never for text from outside. */
export function raw(text: string): Code {
  return { flat: text };
}

/** A string; too long for a line, it is written as several literals in brackets. */
export function str(text: string): Code {
  const flat = literal(text);
  return {
    flat,
    broken(indent) {
      const room = WIDTH - indent.length - INDENT.length;
      const lines = chunks(text, room);
      if (lines.length < 2) return flat;
      const inner = indent + INDENT;
      return `(\n${lines.map((line) => `${inner}${line}\n`).join('')}${indent})`;
    },
  };
}

/** Literals of at most `room` columns that make up a text, split after blanks. */
function chunks(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/\S*\s*/gu) ?? []) {
    if (line !== '' && literal(line + word).length > room) {
      lines.push(literal(line));
      line = '';
    }
    line += word;
  }
  if (line !== '') lines.push(literal(line));
  return lines;
}

/** A plain JSON scalar. */
export function scalar(value: string | number | boolean | null): Code {
  if (typeof value === 'string') return str(value);
  if (value === null) return raw('None');
  if (typeof value === 'boolean') return raw(value ? 'True' : 'False');
  return raw(String(value));
}

/** Any JSON value. */
export function jsonValue(value: unknown): Code {
  if (Array.isArray(value)) return list(value.map(jsonValue));
  if (typeof value === 'object' && value !== null) {
    return dict(Object.entries(value).map(([key, one]) => [key, jsonValue(one)] as const));
  }
  return scalar(value as string | number | boolean | null);
}

interface Item {
  readonly prefix: string;
  readonly code: Code;
}

function bracketed(open: string, items: readonly Item[], close: string, lone = ''): Code {
  const flat = items.map((item) => item.prefix + item.code.flat).join(', ');
  const code: Code = { flat: `${open}${flat}${items.length === 1 ? lone : ''}${close}` };
  if (items.length === 0) return code;
  code.broken = (indent) => {
    const inner = indent + INDENT;
    const lines = items.map(
      (item) => `${inner}${item.prefix}${print(item.code, inner, item.prefix.length)},\n`,
    );
    return `${open}\n${lines.join('')}${indent}${close}`;
  };
  return code;
}

/** `name(a, key=b)`; arguments that are `undefined` are left out. */
export function call(name: string, args: readonly (readonly [string | null, Code | undefined])[]): Code {
  const items: Item[] = [];
  for (const [key, code] of args) {
    if (code !== undefined) items.push({ prefix: key === null ? '' : `${key}=`, code });
  }
  return bracketed(`${name}(`, items, ')');
}

export function tuple(items: readonly Code[]): Code {
  return bracketed(
    '(',
    items.map((code) => ({ prefix: '', code })),
    ')',
    ',',
  );
}

export function list(items: readonly Code[]): Code {
  return bracketed(
    '[',
    items.map((code) => ({ prefix: '', code })),
    ']',
  );
}

/** `Name[a, b]`, for types. */
export function subscript(name: string, items: readonly Code[]): Code {
  return bracketed(
    `${name}[`,
    items.map((code) => ({ prefix: '', code })),
    ']',
  );
}

export function dict(entries: readonly (readonly [string, Code])[]): Code {
  return bracketed(
    '{',
    entries.map(([key, code]) => ({ prefix: `${literal(key)}: `, code })),
    '}',
  );
}

/** A field path as a tuple of strings. */
export function path(segments: readonly string[]): Code {
  return tuple(segments.map((segment) => raw(literal(segment))));
}

/**
 * Lays code out at an indent, after `used` columns on its first line (beside the indent), with one column kept free
 * for a comma.
 */
export function print(code: Code, indent = '', used = 0): string {
  const fits = indent.length + used + code.flat.length + 1 <= WIDTH;
  return fits || code.broken === undefined ? code.flat : code.broken(indent);
}

/** `name = code` at the top level. */
export function assign(name: string, code: Code): string {
  return `${name} = ${print(code, '', name.length + 2)}\n`;
}
