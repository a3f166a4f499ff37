/** Finds values that look like real credentials in a connector's files: before review, and again before a commit. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

export interface SecretHit {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** What it looks like: `AWS access key id`. */
  readonly kind: string;
  /** The line with the value blacked out. */
  readonly excerpt: string;
}

/** Values with a shape that only a real credential has. */
const SHAPES: readonly (readonly [string, RegExp])[] = [
  ['private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g],
  ['AWS access key id', /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/g],
  ['GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b/g],
  ['GitLab token', /\bglpat-[A-Za-z0-9_-]{20,}\b/g],
  ['Slack token', /\bxox[abprs]-[A-Za-z0-9-]{20,}\b/g],
  ['Stripe key', /\b[sr]k_live_[A-Za-z0-9]{16,}\b/g],
  ['Google API key', /\bAIza[A-Za-z0-9_-]{35}\b/g],
  ['Anthropic key', /\bsk-ant-[A-Za-z0-9_-]{20,}\b/g],
  ['OpenAI key', /\bsk-(?:proj-)?[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b/g],
  ['SendGrid key', /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b/g],
  ['npm token', /\bnpm_[A-Za-z0-9]{36}\b/g],
  ['PyPI token', /\bpypi-[A-Za-z0-9_-]{50,}\b/g],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}\b/g],
  ['password in a URL', /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@'"{}<>$]{1,64}:([^\s/@'"{}<>$]{6,})@[^\s'"]+/g],
];

/** `api_key = "…"`, `"token": "…"`, `Authorization: Bearer …`. */
const ASSIGNED =
  /\b[\w-]*(?:secret(?:[_-]?(?:key|token))?|passwd|password|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|private[_-]?key|client[_-]?secret)["']?\s*(?::\s*[\w.[\]|]+\s*)?[:=]\s*["']([^"'\s]{12,})["']/gi;
const BEARER = /\b(?:Bearer|Basic|token)\s+([A-Za-z0-9+/_.=-]{24,})/g;

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
  for (const [kind, shape] of SHAPES) {
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
  return hits;
}

/** The text with the values blacked out that look like real credentials; `[redacted: AWS access key id]`. */
export function redactText(text: string): string {
  return text
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

/** Minified or generated data: a credential stands near the start of what is looked at, time stays bounded. */
const LONGEST_LINE = 20_000;

/** The secrets in one text, without the values themselves. */
export function scanText(file: string, text: string): SecretHit[] {
  const found: SecretHit[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const looked = line.slice(0, LONGEST_LINE);
    for (const { kind, value } of hitsOfLine(looked)) {
      const excerpt = looked.replaceAll(value, '***').trim().slice(0, 200);
      found.push({ file, line: index + 1, kind, excerpt });
    }
  }
  return found;
}

/** The secrets in the given files of a folder. Binary files and those over 5 MB are passed over. */
export async function scanFiles(dir: string, paths: readonly string[]): Promise<SecretHit[]> {
  const found: SecretHit[] = [];
  for (const path of paths) {
    const content = await readFile(join(dir, path)).catch(() => undefined);
    if (content === undefined || content.length > 5 * 1024 * 1024 || content.includes(0)) continue;
    found.push(...scanText(path, content.toString('utf8')));
    // A connector has hundreds of files: whoever shares this process has a turn between two of them.
    await setImmediate();
  }
  return found;
}
