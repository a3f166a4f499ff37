/** Findings with ids that stay the same over reviews, edits elsewhere in the file, and runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../pipeline/contracts.ts';
import { sha256 } from '../workspace/files.ts';

export type FindingDraft = Omit<Finding, 'id' | 'excerpt' | 'range'> & {
  readonly file: string;
  readonly startLine: number;
  readonly endLine?: number;
};

const MAX_EXCERPT_LINES = 12;

/**
 * Gives drafts their excerpt and id. The id hashes rule, file and the lines' text (not their number), and a counter
 * where the same text stands in a file more than once. Drafts that say the same about the same lines are joined.
 */
export async function finishFindings(dir: string, drafts: readonly FindingDraft[]): Promise<Finding[]> {
  const texts = new Map<string, string[]>();
  const seen = new Map<string, number>();
  const byPlace = new Set<string>();
  const ordered = [...drafts].sort(
    (a, b) =>
      a.file.localeCompare(b.file, 'en') || a.startLine - b.startLine || a.rule.localeCompare(b.rule, 'en'),
  );
  const findings: Finding[] = [];
  for (const { file, startLine, endLine, ...rest } of ordered) {
    if (!texts.has(file)) {
      texts.set(file, (await readFile(join(dir, file), 'utf8').catch(() => '')).split(/\r?\n/));
    }
    const lines = texts.get(file) ?? [];
    const start = Math.max(1, startLine);
    const end = Math.max(start, Math.min(endLine ?? start, Math.max(start, lines.length)));
    const place = `${rest.rule}\0${file}\0${start}\0${end}\0${rest.message}`;
    if (byPlace.has(place)) continue;
    byPlace.add(place);
    const excerpt = lines.slice(start - 1, Math.min(end, start - 1 + MAX_EXCERPT_LINES)).join('\n');
    const subject = `${rest.rule}\0${file}\0${excerpt.trim()}`;
    const nth = seen.get(subject) ?? 0;
    seen.set(subject, nth + 1);
    const id = sha256(nth === 0 ? subject : `${subject}\0${nth}`).slice(0, 16);
    findings.push({ ...rest, id, range: { file, startLine: start, endLine: end }, excerpt });
  }
  return findings;
}
