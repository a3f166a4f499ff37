/**
 * Takes from a template file only what a connector needs. A region between `# <feature EXPRESSION>` and `# </feature>`
 * stays if its expression holds, as does a line that ends with such a mark; the marks themselves never stay.
 * Expressions are feature names joined by `&` and `|` (`&` binds closer), each perhaps negated by `!`.
 */
import { SourcewrightError } from '../../errors.ts';

const OPEN = /^\s*# <feature ([^>]+)>$/;
const CLOSE = /^\s*# <\/feature>$/;
const SUFFIX = /\s*# <feature ([^>]+)>$/;

/** Whether an expression holds for a set of features. */
export function holds(expression: string, features: ReadonlySet<string>): boolean {
  return expression.split('|').some((alternative) =>
    alternative.split('&').every((term) => {
      const name = term.trim();
      return name.startsWith('!') ? !features.has(name.slice(1)) : features.has(name);
    }),
  );
}

/** Throws `internal` for a template whose regions are not balanced. */
export function selectFeatures(source: string, features: ReadonlySet<string>, file: string): string {
  const kept: string[] = [];
  const open: boolean[] = [];
  for (const line of source.split('\n')) {
    const start = OPEN.exec(line);
    if (start?.[1] !== undefined) {
      open.push(holds(start[1], features));
    } else if (CLOSE.test(line)) {
      if (open.pop() === undefined) throw unbalanced(file);
    } else if (open.every(Boolean)) {
      const suffix = SUFFIX.exec(line);
      if (suffix?.[1] === undefined) kept.push(line);
      else if (holds(suffix[1], features)) kept.push(line.replace(SUFFIX, ''));
    }
  }
  if (open.length > 0) throw unbalanced(file);
  return tidy(kept);
}

function unbalanced(file: string): SourcewrightError {
  return new SourcewrightError('internal', 'Feature regions of a template are not balanced.', {
    where: file,
  });
}

/** No more than two blank lines in a row, one inside blocks, none after an opening line or at the end. */
function tidy(lines: readonly string[]): string {
  const result: string[] = [];
  lines.forEach((line, index) => {
    if (line === '') {
      const next = lines.slice(index).find((following) => following !== '');
      if (next === undefined) return;
      const before = result.at(-1);
      if (before === undefined) return;
      const limit = /^\s/.test(next) ? 1 : 2;
      let blank = 0;
      while (result.at(-1 - blank) === '') blank += 1;
      if (blank >= limit) return;
      if (
        /[([{:]$/.test(before) &&
        !before.startsWith('#') &&
        /^\s/.test(next) &&
        !before.trimStart().startsWith('class')
      )
        return;
    }
    result.push(line);
  });
  return `${result.join('\n')}\n`;
}
