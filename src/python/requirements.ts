/** Reads requirement files as far as a connector may use them: packages by name, nothing from elsewhere. */
import { SourcewrightError } from '../errors.ts';

const NAME = String.raw`[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`;
const EXTRAS = String.raw`(?:\[[A-Za-z0-9._, -]*\])?`;
const VERSION = String.raw`(?:===?|[<>!~]=|[<>]) ?[A-Za-z0-9.*+!_-]+`;
const MARKER = String.raw`(?:;[\w .'"<>=!~(),-]*)?`;
/**
 * `name[extra]==1.2 ; marker`: a package by name from the person's package index. Strict to the last sign: pip ends lines at
 * more than line feeds, and puts variables of the environment into them.
 */
const BY_NAME = new RegExp(`^${NAME} ?${EXTRAS} *(?:${VERSION}(?: *, *${VERSION})*)? *${MARKER}$`);

const PLAIN =
  'Name packages with versions only (for example httpx==0.27.2); URLs, paths and pip options are not installed.';

/** Signs beyond ASCII with their numbers: many look like letters that they are not, and some are not seen at all. */
function strangeSigns(line: string): string[] {
  const strange = [...new Set(line)].filter((sign) => !/[\x20-\x7e]/.test(sign));
  return strange.map((sign) => {
    const number = `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    return /[\p{L}\p{N}]/u.test(sign) ? `"${sign}" (${number})` : number;
  });
}

/**
 * Refuses what is no package by name.
 * @param where the file, and the place in it where one is known
 * @throws SourcewrightError `environment`
 */
export function requireByName(
  line: string,
  where: { readonly where: string; readonly place?: string },
): void {
  if (BY_NAME.test(line)) return;
  const strange = strangeSigns(line);
  const shown = line.replace(/[\p{C}\u2028\u2029]/gu, '\uFFFD').slice(0, 200);
  const why =
    strange.length === 0 ? '' : ` It holds ${strange.slice(0, 5).join(', ')}, which no package name has.`;
  throw new SourcewrightError('environment', `"${shown}" is not a package by name.${why}`, {
    ...where,
    cure:
      strange.length === 0
        ? PLAIN
        : `Type the name anew: letters of other alphabets can look like those that are meant. ${PLAIN}`,
  });
}

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
    for (const [index, raw] of file.content
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/)
      .entries()) {
      const line = raw
        .replace(/(^|[ \t])#.*$/, '')
        .replace(/\t/g, ' ')
        // Squeezed before it is trimmed: blanks before another sign would be looked at from each of them.
        .replace(/ {2,}/g, ' ')
        .replace(/^ | $/g, '');
      if (line === '' || /^(-r|--requirement)[ =]?requirements\.txt$/.test(line)) continue;
      requireByName(line, { where: file.name, place: `line ${index + 1}` });
      lines.add(line);
    }
  }
  return [...lines].sort();
}
