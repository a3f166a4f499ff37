/** Takes `left == right`, as Python writes values, apart. */

export interface Sides {
  readonly left: string;
  readonly right: string;
}

/** Both sides of the one `==` outside quotes and brackets; undefined where there is none or more than one. */
export function sides(expression: string): Sides | undefined {
  const places: number[] = [];
  let depth = 0;
  let quote: string | undefined;
  for (let at = 0; at < expression.length; at += 1) {
    const char = expression[at] ?? '';
    if (quote !== undefined) {
      if (char === '\\') at += 1;
      else if (char === quote) quote = undefined;
    } else if (char === '"' || char === "'") quote = char;
    else if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) depth -= 1;
    else if (depth === 0 && expression.startsWith(' == ', at)) places.push(at);
  }
  const [place] = places;
  if (place === undefined || places.length > 1 || depth !== 0 || quote !== undefined) return undefined;
  return { left: expression.slice(0, place).trim(), right: expression.slice(place + 4).trim() };
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** The text that a plain string literal stands for; undefined for any other value. */
export function valueText(literal: string): string | undefined {
  const inner = /^'((?:[^'\\]|\\.)*)'$/.exec(literal)?.[1] ?? /^"((?:[^"\\]|\\.)*)"$/.exec(literal)?.[1];
  return inner?.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/g,
    (whole, byte?: string, unit?: string, char?: string) => {
      const code = byte ?? unit;
      return code === undefined
        ? (ESCAPES[char ?? ''] ?? whole)
        : String.fromCharCode(Number.parseInt(code, 16));
    },
  );
}
