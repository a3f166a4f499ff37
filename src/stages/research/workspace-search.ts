/** Looks for descriptions in a folder by an API's name. */
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

export interface NamedFile {
  readonly path: string;
  /** Higher fits better. */
  readonly score: number;
}

const MAX_DEPTH = 5;
const MAX_ENTRIES = 20_000;
const HEAD_BYTES = 8192;
/** Folders that hold what others made, or what we made. */
const SKIPPED = new Set([
  'node_modules',
  'connectors',
  'dist',
  'build',
  'out',
  'target',
  'vendor',
  'venv',
  '__pycache__',
]);

/** Descriptions below `folder` that fit `name`, the best first; equal ones in order of path. A missing folder has none. */
export async function filesNamed(name: string, folder: string): Promise<NamedFile[]> {
  const wanted = slug(name);
  if (wanted === '') return [];
  const found: NamedFile[] = [];
  for (const path of await candidates(folder)) {
    const byPath = pathScore(path, wanted);
    const head = await headOf(path);
    if (!isDescription(head)) continue;
    const title = slug(/["']?title["']?\s*:\s*["']?([^"'\n,]+)/.exec(head)?.[1] ?? '');
    const byTitle = title === wanted ? 3 : title.startsWith(`${wanted}-`) ? 2 : 0;
    const score = Math.max(byPath, byTitle);
    if (score > 0) found.push({ path, score });
  }
  return found.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
}

async function candidates(folder: string): Promise<string[]> {
  const files: string[] = [];
  let seen = 0;
  const walk = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      seen += 1;
      if (seen > MAX_ENTRIES) return;
      if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
      const below = join(path, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) await walk(below, depth + 1);
      else if (entry.isFile() && /\.(json|ya?ml)$/i.test(entry.name)) files.push(below);
    }
  };
  await walk(folder, 1);
  return files;
}

async function headOf(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(HEAD_BYTES);
      const { bytesRead } = await file.read(buffer, 0, HEAD_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

function isDescription(head: string): boolean {
  return /(^|[\s{,])["']?(openapi|swagger)["']?\s*:\s*["']?[23]\b/.test(head);
}

function pathScore(path: string, wanted: string): number {
  const file = slug(basename(path, extname(path)).replace(/[._-]?(openapi|swagger|api)\b/gi, ''));
  if (file === wanted) return 4;
  if (file === '' && slug(basename(dirname(path))) === wanted) return 4;
  return `-${slug(basename(path))}-`.includes(`-${wanted}-`) ? 1 : 0;
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/\b(rest|web)?\s*api\b/g, ' ')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
