/** Writes a finding's exact suggestion into the file: one undo step, and only where the text is still the one it was made for. */
import { EndOfLine, Range, workspace, WorkspaceEdit, type TextDocument, type Uri } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Suggestion } from '../../pipeline/contracts.ts';

/**
 * Applies and saves. False when the file no longer reads as it did (or reads so in several places): nothing was
 * changed then. Throws `environment` when the editor refuses the edit or the save.
 */
export async function applySuggestion(file: Uri, suggestion: Suggestion): Promise<boolean> {
  const document = await workspace.openTextDocument(file);
  const lines = findLines(document, suggestion);
  if (lines === undefined) return false;
  const edit = new WorkspaceEdit();
  edit.replace(file, lines.range, lines.replacement, {
    label: suggestion.title,
    needsConfirmation: false,
  });
  if (!(await workspace.applyEdit(edit)) || !(await document.save())) {
    throw new SourcewrightError('environment', 'The suggestion could not be written.', {
      where: file.fsPath,
      cure: 'Check that the file is writable and not open elsewhere with unsaved changes, then accept again.',
      retry: true,
    });
  }
  return true;
}

/** The place of `before`: at its lines, or, after edits above it, the only place where it stands whole. */
function findLines(
  document: TextDocument,
  suggestion: Suggestion,
): { range: Range; replacement: string } | undefined {
  const text = document.getText().replaceAll('\r\n', '\n');
  const lines = text.split('\n');
  const before = withoutLastBreak(suggestion.before).split('\n');
  const matches = (at: number): boolean => before.every((line, index) => lines[at + index] === line);
  const expected = suggestion.range.startLine - 1;
  const places = matches(expected)
    ? [expected]
    : lines.flatMap((_, at) => (at + before.length <= lines.length && matches(at) ? [at] : []));
  const [place] = places;
  if (place === undefined || places.length > 1) return undefined;

  const newline = document.eol === EndOfLine.CRLF ? '\r\n' : '\n';
  const last = place + before.length - 1;
  const after = withoutLastBreak(suggestion.after);
  if (suggestion.after === '') {
    // Whole lines go, with their line break.
    const end = last + 1 < lines.length ? [last + 1, 0] : [last, lines[last]?.length ?? 0];
    return { range: new Range(place, 0, end[0] ?? last, end[1] ?? 0), replacement: '' };
  }
  return {
    range: new Range(place, 0, last, lines[last]?.length ?? 0),
    replacement: after.replaceAll('\n', newline),
  };
}

function withoutLastBreak(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
