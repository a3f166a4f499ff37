/** Text of strangers on its way to a terminal: the program's own, or one that the editor shows. */

/** Control characters but tab and line feed, and what turns the reading direction round, breaks lines or is not seen. */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

// eslint-disable-next-line no-control-regex
const COLOUR = /(\u001b\[[\d;]{0,40}m)/;

/**
 * Text from elsewhere (an API description, a server) on its way to the terminal: control characters, by which it could
 * move the cursor or change the window's title, are taken out, and so are those that make it read otherwise than it is.
 */
export function harmless(text: string): string {
  return text.replace(UNPRINTABLE, '');
}

/**
 * Text that we have coloured ourselves, or that a program printed for the person to see: `harmless` but for colours. What
 * went back to the begin of its line goes on in the next.
 */
export function coloured(text: string): string {
  const lines = text.replace(/\r+\n/g, '\n').replaceAll('\r', '\n');
  const parts = lines.split(COLOUR);
  return parts.map((part, at) => (at % 2 === 1 ? part : harmless(part))).join('');
}
