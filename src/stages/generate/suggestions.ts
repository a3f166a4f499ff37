/** Applies exact suggestions to files: only while the lines still read as they did when the finding was made. */
import { readFile } from 'node:fs/promises';
import type { Finding, Suggestion } from '../../pipeline/contracts.ts';
import { resolveInside, writeInside } from '../../workspace/files.ts';

export interface Applied {
  /** Paths that changed, each with its content before and after. */
  readonly files: { readonly path: string; readonly before: string; readonly after: string }[];
  /** Ids of the findings whose suggestion was applied. */
  readonly applied: string[];
  /** Ids of those without a suggestion, whose lines have changed since, or which overlap another. */
  readonly unresolved: string[];
}

/** The lines of a text whose last line may or may not have its break. */
function toLines(text: string): string[] {
  return text === '' ? [] : text.replaceAll('\r\n', '\n').replace(/\n$/, '').split('\n');
}

interface Placed {
  readonly id: string;
  readonly start: number;
  /** Index after the last line. */
  readonly end: number;
  readonly after: readonly string[];
}

/** Where the suggestion's lines stand: at their numbers or, after edits above them, the only place that reads so. */
function place(lines: readonly string[], id: string, suggestion: Suggestion): Placed | undefined {
  const before = toLines(suggestion.before);
  const reads = (at: number): boolean => before.every((line, index) => lines[at + index] === line);
  const expected = suggestion.range.startLine - 1;
  const places = reads(expected) ? [expected] : [...lines.keys()].filter(reads);
  const [start] = places;
  if (start === undefined || places.length > 1 || before.length === 0) return undefined;
  return { id, start, end: start + before.length, after: toLines(suggestion.after) };
}

/** Applies the suggestions of one file from the bottom up, so that line numbers above stay true. */
function applyToFile(content: string, findings: readonly Finding[]): { content: string; applied: string[] } {
  const newline = content.includes('\r\n') ? '\r\n' : '\n';
  const lines = content.split(/\r?\n/);
  const placed = findings.flatMap(({ id, suggestion }) =>
    suggestion === undefined ? [] : (place(lines, id, suggestion) ?? []),
  );
  placed.sort((a, b) => b.start - a.start || b.end - a.end);
  const applied: string[] = [];
  let last: Placed | undefined;
  for (const edit of placed) {
    const repeated = last?.start === edit.start && last.end === edit.end;
    if (repeated && last?.after.join('\n') === edit.after.join('\n')) applied.push(edit.id);
    if (last !== undefined && edit.end > last.start) continue;
    lines.splice(edit.start, edit.end - edit.start, ...edit.after);
    applied.push(edit.id);
    last = edit;
  }
  return { content: lines.join(newline), applied };
}

/** Applies what can be applied, writes the files atomically and says what is left. */
export async function applySuggestions(dir: string, findings: readonly Finding[]): Promise<Applied> {
  const byFile = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (finding.suggestion === undefined) continue;
    const { file } = finding.suggestion.range;
    byFile.set(file, [...(byFile.get(file) ?? []), finding]);
  }
  const files: { path: string; before: string; after: string }[] = [];
  const applied = new Set<string>();
  for (const [path, group] of byFile) {
    // A finding may name any file. What lies elsewhere, also by a link, is not read.
    const file = await resolveInside(dir, path).catch(() => undefined);
    const before = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
    if (before === undefined) continue;
    const result = applyToFile(before, group);
    if (result.applied.length === 0) continue;
    await writeInside(dir, path, result.content);
    files.push({ path, before, after: result.content });
    for (const id of result.applied) applied.add(id);
  }
  const unresolved = findings.map((finding) => finding.id).filter((id) => !applied.has(id));
  return { files, applied: [...applied], unresolved };
}
