/** `JSON.parse` keeps the last of two equal keys without a word; this finds them. */

/** The first key that an object of the valid JSON `text` has twice, or undefined. Linear in the length of the text. */
export function duplicateKey(text: string): { key: string; offset: number } | undefined {
  /** Keys of each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let expectKey = false;
  let at = 0;
  while (at < text.length) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set());
        expectKey = true;
        break;
      case 0x5b: // [
        open.push(null);
        expectKey = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        expectKey = false;
        break;
      case 0x2c: // ,
        expectKey = open.at(-1) !== null;
        break;
      case 0x22: {
        // "
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (expectKey && keys instanceof Set) {
          const key = text.slice(at + 1, end);
          if (keys.has(key)) return { key, offset: at };
          keys.add(key);
          expectKey = false;
        }
        at = end;
        break;
      }
    }
    at += 1;
  }
  return undefined;
}

/** Offset of the quote that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}
