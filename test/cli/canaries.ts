/**
 * Secrets that are planted in inputs and looked for in everything that a run leaves behind: in plain, in the encodings that
 * headers, addresses and files use, and inside packages, compressed files and the objects of git.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const MIXED = 'bQ7dTz4RkX9mWp2LvH6sYcJ8nGf3';

/** The same for the same place, and another for each. */
function lettersOf(place: number, from: string, length: number): string {
  const bytes = createHash('sha256').update(`${place}`).digest();
  return Array.from({ length }, (_, n) => from[(bytes[n] ?? 0) % from.length]).join('');
}

/** The shapes that a planted secret has. They are put together here, so that no scan finds one in this file. */
export type Shape = 'key of a cloud' | 'key of a model' | 'password' | 'token';

const SHAPES: Readonly<Record<Shape, (place: number) => string>> = {
  'key of a cloud': (place) => ['AKIA', lettersOf(place, LETTERS, 16)].join(''),
  'key of a model': (place) => ['sk-ant', `loop${place}`, lettersOf(place, MIXED, 24)].join('-'),
  // Every sign that an encoding changes, and none that a URL's userinfo can't hold once it is encoded.
  password: (place) => `${lettersOf(place, MIXED, 9)}/+ "é&${lettersOf(place + 3, MIXED, 7)}`,
  token: (place) => lettersOf(place, MIXED, 22),
};

/** Base64 of a text in the middle of others: three alignments, without the ends that its neighbours share. */
function base64Forms(value: string): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const coded = Buffer.from(`${'\0'.repeat(shift)}${value}`, 'utf8').toString('base64');
    const inner = coded.slice(shift === 0 ? 0 : 4, coded.length - 4);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** How a value may stand in a text. */
function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const ascii = json.replace(
    /[^\x20-\x7e]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const bytes = Buffer.from(value, 'utf8');
  const url = encodeURIComponent(value);
  const forms = [
    ...[value, json, ascii, JSON.stringify(json).slice(1, -1)],
    ...[
      url,
      url.replaceAll('%20', '+'),
      encodeURIComponent(url),
      new URLSearchParams({ v: value }).toString().slice(2),
    ],
    ...[bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
    ...[
      value.replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
      value.replaceAll('"', "'"),
      encodeURI(value),
    ],
    ...base64Forms(value),
  ];
  return [...new Set(forms)].map((form) => Buffer.from(form, 'utf8').toString('latin1'));
}

export interface Leak {
  /** Where the value was planted. */
  readonly canary: string;
  /** Where it was found. */
  readonly place: string;
}

export class Canaries {
  readonly #planted = new Map<string, { readonly value: string; readonly forms: readonly string[] }>();

  /**
   * A value for one place. Each is another, so that a find says where it is from.
   * @param name of the place, in words
   */
  plant(name: string, shape: Shape = 'token'): string {
    const value = SHAPES[shape](this.#planted.size + 1);
    this.add(name, value);
    return value;
  }

  /** A value that is given, as one is that others have to know too. */
  add(name: string, value: string): void {
    this.#planted.set(name, { value, forms: formsOf(value) });
  }

  get size(): number {
    return this.#planted.size;
  }

  /** Which of them stand in a content, or in what is packed inside it. */
  in(place: string, content: Buffer | string): Leak[] {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    const texts = [bytes, ...unpacked(bytes)].map((one) => one.toString('latin1'));
    return [...this.#planted].flatMap(([canary, { forms }]) =>
      forms.some((form) => texts.some((text) => text.includes(form))) ? [{ canary, place }] : [],
    );
  }

  /** Everything below a folder, the names of files too. Places are relative to it, behind `as`. */
  async below(folder: string, as: string, wanted: (path: string) => boolean = () => true): Promise<Leak[]> {
    const leaks: Leak[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name);
      const place = `${as}/${relative(folder, path).replaceAll('\\', '/')}`;
      leaks.push(...this.in(`name of ${place}`, entry.name));
      if (!entry.isFile() || !wanted(path)) continue;
      leaks.push(...this.in(place, await readFile(path)));
    }
    return leaks;
  }

  /** All objects of a repository, also those that no branch leads to. */
  inGit(folder: string): Leak[] {
    const objects = execFileSync('git', ['cat-file', '--batch', '--batch-all-objects'], {
      cwd: folder,
      maxBuffer: 512 * 1024 * 1024,
    });
    return this.in('objects of git', objects);
  }
}

function attempt(open: () => Buffer): Buffer[] {
  try {
    return [open()];
  } catch {
    return [];
  }
}

/** What a content holds in compressed form: gzip, zlib, raw deflate (snapshots), members of a zip (wheels), and again inside. */
function unpacked(bytes: Buffer): Buffer[] {
  const first = bytes.subarray(0, 2).toString('hex');
  if (first === '1f8b') return withInner(attempt(() => gunzipSync(bytes)));
  if (first === '504b') return withInner(zipMembers(bytes));
  if (/^78(01|5e|9c|da)$/.test(first)) return withInner(attempt(() => inflateSync(bytes)));
  return bytes.length === 0 || bytes.length > 8 * 1024 * 1024 ? [] : attempt(() => inflateRawSync(bytes));
}

function withInner(found: readonly Buffer[]): Buffer[] {
  return found.flatMap((one) => [one, ...unpacked(one)]);
}

/** Members of a zip by its central directory, and their names. */
function zipMembers(zip: Buffer): Buffer[] {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) return [];
  const members: Buffer[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [method, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
    const [name, extra, comment] = [
      zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30),
      zip.readUInt16LE(at + 32),
    ];
    const local = zip.readUInt32LE(at + 42);
    const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(data, data + size);
    members.push(zip.subarray(at + 46, at + 46 + name), method === 0 ? packed : inflateRawSync(packed));
    at += 46 + name + extra + comment;
  }
  return members;
}
