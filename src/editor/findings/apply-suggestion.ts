/** Writes exact suggestions into files: one undo step for each call, and only where the text is still the one they were made for. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EndOfLine, Range, Uri, workspace, WorkspaceEdit, type TextDocument } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Suggestion } from '../../pipeline/contracts.ts';
import { isBelow } from './finding-texts.ts';

export interface Wanted {
  readonly suggestion: Suggestion;
  /** 1-based line at which it should start now; undefined where that is not sure. */
  readonly at: number | undefined;
}

interface Lines {
  readonly range: Range;
  readonly replacement: string;
}

/**
 * Applies and saves. Left alone is what no longer reads as it did, or reads so in several places, and what would touch lines
 * that another one changes. Throws `environment` when the editor refuses the edit or the save.
 * @param directory of the connector
 * @returns whether each was applied, in order
 */
export async function applySuggestions(directory: string, wanted: readonly Wanted[]): Promise<boolean[]> {
  const edit = new WorkspaceEdit();
  const changed: TextDocument[] = [];
  const applied = wanted.map(() => false);
  for (const file of new Set(wanted.map(({ suggestion }) => suggestion.range.file))) {
    const uri = Uri.file(join(directory, file));
    if (!isBelow(directory, file) || !existsSync(uri.fsPath)) continue;
    const document = await workspace.openTextDocument(uri);
    const taken: Lines[] = [];
    wanted.forEach(({ suggestion, at }, index) => {
      if (suggestion.range.file !== file) return;
      const lines = findLines(document, suggestion, at);
      if (lines === undefined) return;
      // Several findings in a line may have the very same repair.
      applied[index] = taken.some((one) => isSame(one, lines));
      if (taken.some(({ range }) => touches(range, lines.range))) return;
      taken.push(lines);
      const { title } = suggestion;
      edit.replace(uri, lines.range, lines.replacement, { label: title, needsConfirmation: false });
      applied[index] = true;
    });
    if (taken.length > 0) changed.push(document);
  }
  if (changed.length === 0) return applied;
  const written = await workspace.applyEdit(edit);
  const saved = written && (await Promise.all(changed.map(save))).every(Boolean);
  if (saved) return applied;
  throw new SourcewrightError('environment', 'The suggestion could not be written.', {
    where: changed.map(({ uri }) => uri.fsPath).join(', '),
    cure: 'Check that the file is writable and not open elsewhere with unsaved changes, then accept again.',
    retry: true,
  });
}

/** Whether it is on the disk. An editor that saves by itself may have been faster: there is nothing to save then. */
async function save(document: TextDocument): Promise<boolean> {
  return (await document.save()) || !document.isDirty;
}

function isSame(a: Lines, b: Lines): boolean {
  return a.range.isEqual(b.range) && a.replacement === b.replacement;
}

function touches(a: Range, b: Range): boolean {
  return a.start.line <= lastLine(b) && b.start.line <= lastLine(a);
}

/** Whole lines that go end at the start of the next, which is none of theirs: two imports below each other go together. */
function lastLine({ start, end }: Range): number {
  return end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
}

/** The place of `before`: where it is expected, or the only place where it stands whole. */
function findLines(
  document: TextDocument,
  suggestion: Suggestion,
  expected: number | undefined,
): Lines | undefined {
  const lines = document.getText().replaceAll('\r\n', '\n').split('\n');
  const before = withoutLastBreak(suggestion.before).split('\n');
  const matches = (at: number): boolean => before.every((line, index) => lines[at + index] === line);
  const places =
    expected !== undefined && matches(expected - 1)
      ? [expected - 1]
      : lines.flatMap((_, at) => (at + before.length <= lines.length && matches(at) ? [at] : []));
  const [place] = places;
  if (place === undefined || places.length > 1) return undefined;

  const newline = document.eol === EndOfLine.CRLF ? '\r\n' : '\n';
  const last = place + before.length - 1;
  if (suggestion.after === '') {
    // Whole lines go, with their line break.
    const end = last + 1 < lines.length ? [last + 1, 0] : [last, lines[last]?.length ?? 0];
    return { range: new Range(place, 0, end[0] ?? last, end[1] ?? 0), replacement: '' };
  }
  return {
    range: new Range(place, 0, last, lines[last]?.length ?? 0),
    replacement: withoutLastBreak(suggestion.after).replaceAll('\n', newline),
  };
}

function withoutLastBreak(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
