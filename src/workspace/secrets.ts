/** Finds values that look like real credentials in a connector's files: before review, and again before a commit. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { asSourcewrightError } from '../errors.ts';
import { systemCode } from '../system-faults.ts';
import { SECRET_SHAPES } from './secret-shapes.ts';

/** A value that is secret for sure, whatever it looks like. */
export interface KnownSecret {
  /** Where it is from: `the environment variable STRIPE_KEY`. */
  readonly from: string;
  readonly value: string;
}

/** A value as it is, and as it stands in an address, a header, or a text of JSON. */
export function encodings(value: string): string[] {
  const base64 = Buffer.from(value, 'utf8').toString('base64');
  return [value, encodeURIComponent(value), base64, JSON.stringify(value).slice(1, -1)];
}

/** The known values in a text, also where they were encoded for a header or an address. */
function knownHits(text: string, known: readonly KnownSecret[]): { kind: string; value: string }[] {
  return known.flatMap(({ from, value }) =>
    encodings(value)
      .filter((form, index, forms) => forms.indexOf(form) === index && text.includes(form))
      .map((form) => ({ kind: `value of ${from}`, value: form })),
  );
}

export interface SecretHit {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** What it looks like: `AWS access key id`. */
  readonly kind: string;
  /** The line with the value blacked out. */
  readonly excerpt: string;
}

/** `api_key = "…"`, `"token": "…"`, `Authorization: Bearer …`. */
const ASSIGNED =
  /\b[\w-]*(?:secret(?:[_-]?(?:key|token))?|passwd|password|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|private[_-]?key|client[_-]?secret)["']?\s*(?::\s*[\w.[\]|]+\s*)?[:=]\s*["']([^"'\s]{12,})["']/gi;
const BEARER = /\b(?:Bearer|Basic|token)\s+([A-Za-z0-9+/_.=-]{24,})/g;

/** A quoted text of its own that nobody types: long, of all kinds of characters, and without a word in it. */
const LONE = /["'`]([A-Za-z0-9+/_-]{32,200}={0,2})["'`]/g;
const WORD = /[a-z]{6,}|[A-Z]{6,}|(?:[A-Z][a-z]{3,}){2}|\/.*\/.*\//;

function looksLikeKey(value: string): boolean {
  const mixed = /[a-z]/.test(value) && /[A-Z]/.test(value) && (value.match(/\d/g)?.length ?? 0) >= 3;
  // Identifiers of many APIs are readable text in base64.
  const readable = unwrapped(value) !== '';
  return mixed && !readable && !WORD.test(value) && !MADE_UP.test(value) && entropy(value) >= 4.4;
}

/** Words that say a value is made up. */
const MADE_UP =
  /example|sample|dummy|fake|made.?up|test|placeholder|your|change.?me|redacted|fixture|xxxx|0000|1234|abcd|secret|password|token|\*\*\*|<|\{|\$/i;

/** Shannon entropy in bits per character: words lie below 3.5, random keys above 4. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const n of counts.values()) bits -= (n / text.length) * Math.log2(n / text.length);
  return bits;
}

/** The text that base64 hides, as in `Authorization: Basic …`, or nothing where it hides none. */
function unwrapped(value: string): string {
  const text = Buffer.from(value, 'base64').toString('utf8');
  return /^[\x20-\x7e]+$/.test(text) ? text : '';
}

function looksRandom(value: string): boolean {
  if (MADE_UP.test(value) || MADE_UP.test(unwrapped(value)) || !/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  return entropy(value) >= (/^[0-9a-f]+$/i.test(value) ? 3.2 : 3.7);
}

function hitsOfLine(line: string): { kind: string; value: string }[] {
  const hits: { kind: string; value: string }[] = [];
  for (const [kind, shape] of SECRET_SHAPES) {
    for (const found of line.matchAll(shape)) {
      const value = found[1] ?? found[0];
      if (kind === 'private key' || !/EXAMPLE|example|xxxx/.test(value)) hits.push({ kind, value });
    }
  }
  if (hits.length > 0) return hits;
  for (const found of [...line.matchAll(ASSIGNED), ...line.matchAll(BEARER)]) {
    const value = found[1] ?? '';
    if (looksRandom(value)) hits.push({ kind: 'random value where a credential goes', value });
  }
  if (hits.length > 0) return hits;
  for (const [, value = ''] of line.matchAll(LONE)) {
    if (looksLikeKey(value)) hits.push({ kind: 'random value', value });
  }
  return hits;
}

/** The text with the values blacked out that look like real credentials, or are known; `[redacted: AWS access key id]`. */
export function redactText(text: string, known: readonly KnownSecret[] = []): string {
  let plain = text;
  for (const { kind, value } of knownHits(text, known)) plain = plain.replaceAll(value, `[redacted: ${kind}]`);
  return plain
    .replace(PEM, '[redacted: private key]')
    .split('\n')
    .map((line) => {
      let clean = line;
      for (const { kind, value } of hitsOfLine(line.slice(0, LONGEST_LINE))) {
        clean = clean.replaceAll(value, `[redacted: ${kind}]`);
      }
      return clean;
    })
    .join('\n');
}

/** A private key with its body. */
const PEM = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)/g;

/** Minified or generated data is looked at in pieces, so that time stays bounded; they overlap, so that nothing is cut. */
const LONGEST_LINE = 20_000;
const OVERLAP = 400;

function pieces(line: string): string[] {
  if (line.length <= LONGEST_LINE) return [line];
  const found: string[] = [];
  for (let at = 0; at < line.length; at += LONGEST_LINE - OVERLAP) found.push(line.slice(at, at + LONGEST_LINE));
  return found;
}

/** The secrets in one text, without the values themselves. */
export function scanText(file: string, text: string, known: readonly KnownSecret[] = []): SecretHit[] {
  const found: SecretHit[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    for (const piece of pieces(line)) {
      const certain = known.length === 0 ? [] : knownHits(piece, known);
      for (const { kind, value } of certain.length > 0 ? certain : hitsOfLine(piece)) {
        const excerpt = piece.replaceAll(value, '***').trim().slice(0, 200);
        found.push({ file, line: index + 1, kind, excerpt });
      }
    }
  }
  return found;
}

/** Bytes. */
const LARGE = 5 * 1024 * 1024;

/**
 * The secrets in the given files of a folder. In binary files, and beyond 5 MB, only values that are known are looked for.
 * @param known values that must not be there in any case
 * @throws SourcewrightError `environment` for a file that may not be read
 */
export async function scanFiles(
  dir: string,
  paths: readonly string[],
  known: readonly KnownSecret[] = [],
): Promise<SecretHit[]> {
  const found: SecretHit[] = [];
  for (const path of paths) {
    const content = await readFile(join(dir, path)).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw asSourcewrightError(error);
    });
    if (content === undefined) continue;
    if (content.length > LARGE || content.includes(0)) {
      const hits = knownHits(content.toString('latin1'), known);
      found.push(...hits.map(({ kind }) => ({ file: path, line: 1, kind, excerpt: '(binary or very large)' })));
    } else {
      found.push(...scanText(path, content.toString('utf8'), known));
    }
    // A connector has hundreds of files: whoever shares this process has a turn between two of them.
    await setImmediate();
  }
  return found;
}
