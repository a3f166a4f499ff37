/** The files of a connector's folder: which there are, their hashes, and writing without ever leaving the folder. */
import { createHash } from 'node:crypto';
import { lstat, readFile, readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { nodeFiles, sha256 } from '../store/files.ts';

export { sha256 };

/** Folders and files that tools leave behind: never part of a connector. */
const LEFTOVER_FOLDERS = new Set([
  '__pycache__',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  '.venv',
  'venv',
  '.git',
  '.idea',
  '.vscode',
  'build',
  'dist',
  'htmlcov',
  'node_modules',
]);
const LEFTOVER_FILES = /(\.py[cod]|\.swp|~|\.orig|\.rej)$|^(\.coverage(\..*)?|\.DS_Store|coverage\.xml)$/i;

/** Whether a folder of this name is left behind by tools. */
export function isLeftoverFolder(name: string): boolean {
  return LEFTOVER_FOLDERS.has(name) || name.endsWith('.egg-info');
}
/** Whether a file of this name is left behind by tools. */
export function isLeftoverFile(name: string): boolean {
  return LEFTOVER_FILES.test(name);
}
/** Files that hold a person's credentials beside a connector: never read, packed or committed. */
export const PRIVATE_FILES = /^(\.env(\..*)?|config\.json|secrets?(\..*)?|credentials?(\..*)?|.*\.(pem|key|p12))$/i;

export interface ListedFiles {
  /** Relative paths with forward slashes, sorted. */
  readonly files: string[];
  /** Symbolic links that were met; they are not followed. */
  readonly links: string[];
  /** Files left out as private (`.env`, `config.json`, keys). */
  readonly hidden: string[];
}

/** Where names are those of an API's streams (`src/schemas/secrets.json`) and of fixtures, which we made ourselves. */
const COMPILED_NAMES = /^(tests|src\/schemas)\//;

function isPrivate(path: string, name: string): boolean {
  return PRIVATE_FILES.test(name) && !COMPILED_NAMES.test(path) && !path.endsWith('.py');
}

/** All files that belong to a connector. An absent folder has none. */
export async function listFiles(dir: string): Promise<ListedFiles> {
  const found: { files: string[]; links: string[]; hidden: string[] } = { files: [], links: [], hidden: [] };
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(dir, below), { withFileTypes: true }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    });
    for (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isSymbolicLink()) found.links.push(path);
      else if (entry.isDirectory()) {
        if (!isLeftoverFolder(entry.name)) await walk(path);
      } else if (entry.isFile() && !isLeftoverFile(entry.name)) {
        (isPrivate(path, entry.name) ? found.hidden : found.files).push(path);
      }
    }
  };
  await walk('');
  for (const list of [found.files, found.links, found.hidden]) list.sort();
  return found;
}

/** Hash of one file, or undefined when it is not there or no plain file. */
export async function hashFile(path: string): Promise<string | undefined> {
  try {
    return sha256(await readFile(path));
  } catch {
    return undefined;
  }
}

/** One hash over many files: their paths and contents in order of path. */
export async function hashFiles(dir: string, paths: readonly string[]): Promise<string> {
  const all = createHash('sha256');
  for (const path of [...paths].sort()) {
    all.update(`${path}\0${(await hashFile(join(dir, path))) ?? 'absent'}\n`);
  }
  return all.digest('hex');
}

/**
 * The absolute path of a file inside `dir`.
 * @throws SourcewrightError `internal` for paths that would leave the folder or touch `.git`; `environment` where a
 *   symbolic link stands in the way, as writing through it could change files elsewhere.
 */
export async function resolveInside(dir: string, path: string): Promise<string> {
  const parts = path.split('/');
  const unsafe = (part: string): boolean =>
    part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git' || /[\\:\0]/.test(part);
  if (parts.some(unsafe)) {
    throw new SourcewrightError('internal', `Refused to write outside of the connector's folder: ${path}.`, { where: dir });
  }
  let current = dir;
  for (const part of parts) {
    current = join(current, part);
    const entry = await lstat(current).catch(() => undefined);
    if (entry?.isSymbolicLink() === true) {
      throw new SourcewrightError('environment', 'A symbolic link stands where a file of the connector goes.', {
        where: current,
        cure: 'Replace the link by a plain file or folder (or remove it), then resume.',
      });
    }
  }
  return current;
}

/** Writes a file of `dir` atomically. See `resolveInside` for what is refused. */
export async function writeInside(dir: string, path: string, content: string | Buffer): Promise<void> {
  await nodeFiles.writeAtomic(await resolveInside(dir, path), content);
}

/** Removes a file of `dir`, and the folders that it leaves empty. */
export async function removeInside(dir: string, path: string): Promise<void> {
  const target = await resolveInside(dir, path);
  await rm(target, { force: true });
  for (let folder = dirname(target); folder.startsWith(dir + sep); folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

/**
 * Refuses a connector folder that lies elsewhere than it seems, through a link in its own name.
 * @throws SourcewrightError `environment`.
 */
export async function checkConnectorFolder(outDir: string, connectorDir: string): Promise<void> {
  if (dirname(connectorDir) !== outDir.replace(/[\\/]+$/, '')) {
    throw new SourcewrightError('internal', 'The connector must lie right below the output folder.', {
      where: connectorDir,
    });
  }
  const entry = await lstat(connectorDir).catch(() => undefined);
  if (entry === undefined) return;
  if (entry.isSymbolicLink() || !entry.isDirectory()) {
    const target = await realpath(connectorDir).catch(() => connectorDir);
    throw new SourcewrightError('environment', 'The connector’s folder is a link or a file.', {
      where: target,
      cure: 'Move it away, or choose another name for the connector, then resume.',
    });
  }
}
