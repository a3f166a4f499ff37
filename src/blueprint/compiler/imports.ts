/** Drops the imports of a template file that the parts left of it don't use. */
import { LINE_LENGTH } from './agent-face-python.ts';

const FROM = /^from (\S+) import (.+)$/;
const FROM_OPEN = /^from (\S+) import \($/;
const PLAIN = /^import (\S+)$/;

/** The module's imports reduced to the names that its code uses; the code itself stays as it is. */
export function pruneImports(source: string): string {
  const lines = source.split('\n');
  const end = endOfImports(lines);
  const code = withoutText(lines.slice(end).join('\n'));
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(code);
  const kept: string[] = [];
  for (let at = 0; at < end; at += 1) {
    const line = lines[at] ?? '';
    const opened = FROM_OPEN.exec(line);
    const single = FROM.exec(line);
    const plain = PLAIN.exec(line);
    if (opened?.[1] !== undefined) {
      const close = lines.indexOf(')', at);
      const names = lines.slice(at + 1, close).map((name) => name.trim().replace(/,$/, ''));
      kept.push(
        ...fromImport(
          opened[1],
          names.filter((name) => uses(name.split(' ').at(-1) ?? name)),
        ),
      );
      at = close;
    } else if (single?.[1] !== undefined && single[2] !== undefined && single[1] !== '__future__') {
      kept.push(
        ...fromImport(
          single[1],
          single[2].split(', ').filter((name) => uses(name.split(' ').at(-1) ?? name)),
        ),
      );
    } else if (plain?.[1] === undefined || uses(plain[1].split('.')[0] ?? plain[1])) {
      kept.push(line);
    }
  }
  return [...spaced(kept), ...apart(lines.slice(end))].join('\n');
}

/** One blank line between the imports and a plain statement: what stood between them may be gone. */
function apart(code: readonly string[]): readonly string[] {
  const first = code.findIndex((line) => line !== '');
  return /^\w+(: [^=]+)? = /.test(code[first] ?? '') ? ['', ...code.slice(first)] : code;
}

/** Index of the first line behind the module's docstring and imports. */
function endOfImports(lines: readonly string[]): number {
  let end = 0;
  let open = false;
  lines.some((line, index) => {
    if (FROM_OPEN.test(line)) open = true;
    if (open) {
      if (line === ')') {
        open = false;
        end = index + 1;
      }
      return false;
    }
    if (FROM.test(line) || PLAIN.test(line)) end = index + 1;
    return /^(class|def|async|@|[A-Z_a-z]+ ?[:=])/.test(line) && !FROM.test(line) && end > 0;
  });
  return end;
}

/** Code with its docstrings and comments blanked: names mentioned there are not used. */
function withoutText(code: string): string {
  return code.replace(/"""[\s\S]*?"""/g, '').replace(/(^|\s)#.*$/gm, '$1');
}

function fromImport(module: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const line = `from ${module} import ${names.join(', ')}`;
  return line.length <= LINE_LENGTH
    ? [line]
    : [`from ${module} import (`, ...names.map((name) => `    ${name},`), ')'];
}

/** One blank line at most between groups of imports, and none behind the last. */
function spaced(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line !== '');
  return lines.filter((line, index) => line !== '' || (lines[index - 1] !== '' && index < last));
}
