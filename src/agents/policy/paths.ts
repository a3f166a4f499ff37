/**
 * Which files of a connector an agent may read and write: the one rule beneath every tool, whatever a prompt says. It looks
 * at names only, so a caller asks twice: for the path as it was given, and for the place that it leads to.
 */
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RESULTS_FILE } from '../../python/pytest.ts';
import {
  hashFile,
  isLeftoverFile,
  isLeftoverFolder,
  listFiles,
  PRIVATE_FILES,
  sha256,
} from '../../workspace/files.ts';

/** What an agent in a stage may write. The test names what is allowed: all else is locked. */
export interface Role {
  readonly name: 'code' | 'tests' | 'none';
  /** What may be written, in words that end a sentence. */
  readonly words: string;
  readonly mayWrite: (path: string) => boolean;
}

const DOCUMENTS_OF_CODE = new Set(['README.md', 'IMPLEMENTATION.md', 'CHANGELOG.md']);

export const Roles = {
  /** The generator: tests are locked for it, and dependencies and metadata are for people. */
  code: {
    name: 'code',
    words: 'Python files below src/, README.md, IMPLEMENTATION.md and CHANGELOG.md',
    mayWrite: (path) => /^src\/.+\.py$/.test(path) || DOCUMENTS_OF_CODE.has(path),
  },
  /** The tester: the code is locked for it, and the results of a run are written by us alone. */
  tests: {
    name: 'tests',
    words: `files below tests/ that end with .py, .json or .md, but not ${RESULTS_FILE}`,
    mayWrite: (path) => /^tests\/.+\.(py|json|md)$/.test(path) && folded(path) !== RESULTS_FILE,
  },
  none: { name: 'none', words: 'nothing', mayWrite: () => false },
} as const satisfies Record<string, Role>;

/** Names that no agent gets to see or to make, in any letter case, with what they are. */
const DENIED: readonly (readonly [RegExp, string])[] = [
  [/^\.git$/, "belongs to git's own files"],
  [/^(\.vscode|\.idea)$/, "belongs to an editor's settings"],
  [/^\.sourcewright$/, 'belongs to Sourcewright'],
  [/^\.github$/, "belongs to the repository's automation"],
  [/^\.env/, 'holds private settings'],
  [/^(claude(\..+)?\.md|agents(\..+)?\.md|\.claude.*|\.cursor.*)$/, 'gives orders to agents'],
];
/** Private names that are longer than those which `PRIVATE_FILES` knows: `secrets-live.json`. */
const PRIVATE_NAMES = /^(secrets?|credentials?)(?![a-z0-9])/;
/** Windows gives these names to devices, whatever the ending. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/;
/** `GIT~1` is another name of `.git` on Windows. */
const SHORT_NAME = /~\d/;
const MAX_PATH = 400;
const MAX_NAME = 200;

/** A name as a file system that ignores letter case and ways of writing a letter compares it. */
function folded(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC');
}

/** Why a path can't be that of a file in the connector's folder, whatever file it is. */
function malformed(path: string): string | undefined {
  if (path.length > MAX_PATH) return 'the path is too long';
  if (/\p{C}/u.test(path)) return 'the path has a character that is not visible';
  if (path.includes('\\')) return 'a path is written with forward slashes';
  if (path.includes(':')) return 'a colon names a drive or a hidden stream';
  if (path.startsWith('/') || path.startsWith('~')) {
    return "a path is relative to the connector's folder";
  }
  if (path.split('/').includes('..')) return 'a path must not lead out of a folder with ".."';
  return undefined;
}

/** The path without what says nothing: `./src//client.py` is `src/client.py`, and the folder itself is empty. */
export function plainPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function deniedName(name: string): string | undefined {
  if (name.length > MAX_NAME) return 'has a name that is too long';
  if (/[. ]$|^ /.test(name)) return 'begins or ends with a space or ends with a dot';
  const plain = folded(name);
  if (DEVICES.test(plain) || SHORT_NAME.test(plain)) return 'means something else on Windows';
  const denied = DENIED.find(([pattern]) => pattern.test(plain))?.[1];
  // What `listFiles` leaves out is no part of a connector: code there would be neither hashed nor reviewed.
  const left = isLeftoverFolder(plain) || isLeftoverFile(plain) ? 'is a leftover of tools' : undefined;
  return denied ?? left;
}

/** A person's credentials. Below tests/ such names are fixtures of ours, and code may be called what it likes. */
function isPrivate(path: string): boolean {
  if (path.startsWith('tests/') || path.endsWith('.py')) return false;
  return path
    .split('/')
    .map(folded)
    .some((name) => PRIVATE_FILES.test(name) || PRIVATE_NAMES.test(name));
}

/** What an agent may do with the files of one connector. Each answer is `undefined`, or the reason against it in words. */
export class PathPolicy {
  readonly role: Role;

  constructor(role: Role) {
    this.role = role;
  }

  /** @param relativePath relative to the connector's folder, with forward slashes; empty or `.` is the folder itself */
  readable(relativePath: string): string | undefined {
    const wrong = malformed(relativePath);
    if (wrong !== undefined) return `${wrong}.`;
    const path = plainPath(relativePath);
    if (path === '') return undefined;
    for (const name of path.split('/')) {
      const why = deniedName(name);
      if (why !== undefined) return `${name} ${why}, which is closed to agents.`;
    }
    return isPrivate(path) ? `${path} may hold credentials, which are closed to agents.` : undefined;
  }

  writable(relativePath: string): string | undefined {
    const closed = this.readable(relativePath);
    if (closed !== undefined) return closed;
    const path = plainPath(relativePath);
    if (this.role.mayWrite(path)) return undefined;
    return `${path === '' ? 'the folder' : path} is locked here. You may write ${this.role.words}.`;
  }
}

/** The state of all that a role may not write. Plain data, so that a stage can keep it in a file. */
export interface Lock {
  readonly sha256: string;
  /** Hash by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** What the SDK's tools leave behind when they are killed while they write. */
export const TEMPORARY_FILE = /(^|\/)\.tmp-\d+-[0-9a-f-]{36}$/;

/**
 * Hashes what a role may not write, so that a stage can verify after its agent that nothing of it has changed. A symbolic
 * link counts with the place that it names: nobody makes one here.
 */
export async function lockHash(root: string, role: Role): Promise<Lock> {
  const listed = await listFiles(root);
  const locked = listed.files.filter(
    (path) => !role.mayWrite(path) && path !== RESULTS_FILE && !TEMPORARY_FILE.test(path),
  );
  const files: Record<string, string> = {};
  for (const path of locked) files[path] = (await hashFile(join(root, path))) ?? 'absent';
  for (const path of listed.links)
    files[path] = `link to ${await readlink(join(root, path)).catch(() => '?')}`;
  const lines = Object.keys(files)
    .sort()
    .map((path) => `${path}\0${files[path] ?? ''}\n`);
  return { sha256: sha256(lines.join('')), files };
}

/** Paths of locked files that were changed, added or removed between two states, sorted. */
export function changedLocked(before: Lock, after: Lock): string[] {
  const paths = new Set([...Object.keys(before.files), ...Object.keys(after.files)]);
  return [...paths].filter((path) => before.files[path] !== after.files[path]).sort();
}
