/** Applies exact suggestions to files: only while the lines still read as they did when the finding was made. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding, Suggestion } from '../../pipeline/contracts.ts';
import { writeInside } from '../../workspace/files.ts';

export interface Applied {
  /** Paths that changed, each with its content before and after. */
  readonly files: { readonly path: string; readonly before: string; readonly after: string }[];
  /** Ids of the findings whose suggestion was applied. */
  readonly applied: string[];
  /** Ids of those without a suggestion, whose lines have changed since, or which overlap another. */
  readonly unresolved: string[];
}

const withoutFinalNewline = (text: string): string => text.replace(/\r?\n$/, '');

/** Replaces the suggestion's lines; undefined when they no longer read `before`. An empty `after` removes them. */
function replaceLines(lines: readonly string[], suggestion: Suggestion): string[] | undefined {
  const { startLine, endLine } = suggestion.range;
  const current = lines.slice(startLine - 1, endLine).join('\n');
  if (endLine > lines.length || current !== withoutFinalNewline(suggestion.before).replaceAll('\r\n', '\n')) {
    return undefined;
  }
  const after = withoutFinalNewline(suggestion.after);
  const inserted = suggestion.after === '' ? [] : after.split('\n');
  return [...lines.slice(0, startLine - 1), ...inserted, ...lines.slice(endLine)];
}

/** Applies the suggestions of one file from the bottom up, so that line numbers above stay true. */
function applyToFile(content: string, findings: readonly Finding[]): { content: string; applied: string[] } {
  const newline = content.includes('\r\n') ? '\r\n' : '\n';
  let lines = content.split(/\r?\n/);
  const applied: string[] = [];
  const done: Suggestion[] = [];
  const bottomUp = [...findings].sort(
    (a, b) => (b.suggestion?.range.startLine ?? 0) - (a.suggestion?.range.startLine ?? 0),
  );
  for (const { id, suggestion } of bottomUp) {
    if (suggestion === undefined) continue;
    const repeated = done.find((other) => JSON.stringify(other) === JSON.stringify(suggestion));
    const overlaps = done.some((other) => suggestion.range.endLine >= other.range.startLine);
    const next = overlaps ? undefined : replaceLines(lines, suggestion);
    if (repeated !== undefined) applied.push(id);
    if (next === undefined) continue;
    lines = next;
    done.push(suggestion);
    applied.push(id);
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
    const before = await readFile(join(dir, path), 'utf8').catch(() => undefined);
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
