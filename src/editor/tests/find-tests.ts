/** Finds the tests of a Python file by reading it: good enough to place them, never a claim about what pytest collects. */

/** Lines (1-based) by the path inside the file: `TestRead`, `TestRead::test_all`, `test_alone`. */
export type FoundTests = ReadonlyMap<string, number>;

interface Scope {
  readonly indent: number;
  readonly kind: 'class' | 'function';
  readonly name: string;
}

const DEFINITION = /^\s*(?:(class)|(?:async\s+)?def)\s+([A-Za-z_]\w*)/;
/** Blank, a comment, or the end of something that began further above: says nothing about where a block ends. */
const NO_STATEMENT = /^\s*(?:#|[)\]}]|$)/;

/**
 * Every class, and every function whose name begins with `test`, at the top of the file or inside classes. A name that is
 * defined twice has the place of the last, as it has for Python.
 */
export function findTests(text: string): FoundTests {
  const found = new Map<string, number>();
  const scopes: Scope[] = [];
  let quote: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const inside = quote !== undefined;
    quote = quoteAfter(line, quote);
    if (inside || NO_STATEMENT.test(line)) continue;
    const indent = (/^\s*/.exec(line)?.[0] ?? '').replaceAll('\t', '        ').length;
    while ((scopes.at(-1)?.indent ?? -1) >= indent) scopes.pop();
    const match = DEFINITION.exec(line);
    if (match === null) continue;
    const [, isClass, name = ''] = match;
    const kind = isClass === undefined ? 'function' : 'class';
    const outside = scopes.every((scope) => scope.kind === 'class');
    if (outside && (kind === 'class' || name.startsWith('test'))) {
      found.set([...scopes.map((scope) => scope.name), name].join('::'), index + 1);
    }
    scopes.push({ indent, kind, name });
  }
  return found;
}

/** Whether pytest, left as it is, takes this for a test of its own: `test_x`, or `test_x` in classes `Test…`. */
export function looksCollected(path: string): boolean {
  const parts = path.split('::');
  const name = parts.pop() ?? '';
  return name.startsWith('test') && parts.every((part) => part.startsWith('Test'));
}

/** The triple quotes that a line leaves open: text inside is no code, whatever it looks like. */
function quoteAfter(line: string, open: string | undefined): string | undefined {
  let quote = open;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (char === '\\') {
      at += 1;
    } else if (quote !== undefined) {
      if (line.startsWith(quote, at)) {
        at += quote.length - 1;
        quote = undefined;
      }
    } else if (char === '#') {
      return undefined;
    } else if (char === '"' || char === "'") {
      const triple = char.repeat(3);
      quote = line.startsWith(triple, at) ? triple : char;
      at += quote.length - 1;
    }
  }
  // A plain string ends with its line; only triple quotes go on.
  return quote?.length === 3 ? quote : undefined;
}
