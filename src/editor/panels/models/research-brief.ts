/** Reads the brief of a run for the panel. It is read again only when its file has changed: descriptions are large. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../../../errors.ts';
import { Brief } from '../../../pipeline/contracts.ts';
import { Corrections, CORRECTIONS_FILE, type Correction } from '../../../stages/research/corrections.ts';

interface Kept {
  readonly stamp: string;
  readonly brief: Brief;
}

const MOST_KEPT = 3;
const kept = new Map<string, Kept>();

/** Undefined before the research has written one. Throws `corrupt` for a damaged file. */
export async function readBrief(runDir: string): Promise<Brief | undefined> {
  const path = join(runDir, 'brief.json');
  let stamp: string;
  try {
    const { mtimeMs, size, ino } = await stat(path);
    stamp = `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const before = kept.get(path);
  if (before?.stamp === stamp) return before.brief;
  const brief = parsed(await readFile(path, 'utf8'), path);
  kept.delete(path);
  kept.set(path, { stamp, brief });
  for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - MOST_KEPT))) kept.delete(oldest);
  return brief;
}

function parsed(text: string, where: string): Brief {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new SourcewrightError('corrupt', 'The brief is not valid JSON.', { where, cause });
  }
  const brief = Brief.safeParse(content);
  if (brief.success) return brief.data;
  const why = z.prettifyError(brief.error).replace(/\s+/g, ' ').slice(0, 400);
  throw new SourcewrightError('corrupt', `The brief does not match its contract: ${why}`, { where });
}

/** The corrections that were given before. What can't be read is none: the research itself tells of it. */
export async function readGiven(runDir: string): Promise<readonly Correction[]> {
  const text = await readFile(join(runDir, CORRECTIONS_FILE), 'utf8').catch(() => '[]');
  try {
    return Corrections.safeParse(JSON.parse(text)).data ?? [];
  } catch {
    return [];
  }
}
