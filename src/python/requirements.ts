/** Reads requirement files as far as a connector may use them: packages by name, nothing from elsewhere. */
import { SourcewrightError } from '../errors.ts';

/** `name[extra]==1.2 ; marker`: a package by name from the person's package index. */
const BY_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,\s-]*\])?\s*([<>=!~]=?=?[^;@/\\]*)?(;.*)?$/;

/**
 * The requirement lines of several files together, sorted and without comments, so that equal needs share one
 * environment. `-r requirements.txt` is dropped, as that file is given too.
 * @throws SourcewrightError `environment` for lines that are not a package by name: URLs, paths and options could
 *   fetch and run code from anywhere.
 */
export function requirementLines(
  files: readonly { readonly name: string; readonly content: string }[],
): string[] {
  const lines = new Set<string>();
  for (const file of files) {
    for (const [index, raw] of file.content.split(/\r?\n/).entries()) {
      const line = raw.replace(/(^|\s)#.*$/, '').trim();
      if (line === '' || /^(-r|--requirement)[ =]?\s*requirements\.txt$/.test(line)) continue;
      if (!BY_NAME.test(line)) {
        throw new SourcewrightError('environment', `"${line}" is not a package by name.`, {
          where: file.name,
          place: `line ${index + 1}`,
          cure: 'Name packages with versions only (for example httpx==0.27.2); URLs, paths and pip options are not installed.',
        });
      }
      lines.add(line);
    }
  }
  return [...lines].sort();
}
