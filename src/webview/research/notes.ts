/** The Markdown of a model as blocks of text: headings, lists, code, emphasis, links. Anything else stays text. */

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong'; readonly text: string }
  /** Only https. */
  | { readonly kind: 'link'; readonly text: string; readonly url: string };

export type Block =
  | { readonly kind: 'heading' | 'paragraph'; readonly content: readonly Inline[] }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: 'code'; readonly text: string };

const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const HEADING = /^\s{0,3}#{1,6}\s(.*)$/;
const FENCE = /^\s{0,3}(```|~~~)/;

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  // All that ends a line for `.` in a pattern ends it here: each pattern looks at a line once.
  const lines = markdown.split(/\r\n|[\n\r\u2028\u2029]/);
  let paragraph: string[] = [];
  let list: { ordered: boolean; items: string[] } | undefined;
  const end = (): void => {
    if (paragraph.length > 0) blocks.push({ kind: 'paragraph', content: inlines(paragraph.join(' ')) });
    if (list !== undefined)
      blocks.push({ kind: 'list', ordered: list.ordered, items: list.items.map(inlines) });
    paragraph = [];
    list = undefined;
  };
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const fence = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      end();
      let close = index + 1;
      while (close < lines.length && lines[close]?.trim().startsWith(fence) !== true) close += 1;
      blocks.push({ kind: 'code', text: lines.slice(index + 1, close).join('\n') });
      index = close;
      continue;
    }
    const heading = HEADING.exec(line)?.[1];
    const item = ITEM.exec(line);
    if (heading !== undefined) {
      end();
      blocks.push({ kind: 'heading', content: inlines(withoutMarks(heading)) });
    } else if (item !== null) {
      const ordered = item[1] !== undefined;
      if (list?.ordered !== ordered) end();
      list ??= { ordered, items: [] };
      list.items.push(item[2] ?? '');
    } else if (line.trim() === '') end();
    else if (list !== undefined) list.items.push(`${list.items.pop() ?? ''} ${line.trim()}`);
    else paragraph.push(line.trim());
  }
  end();
  return blocks;
}

/** A heading's words without the marks that may close it: `Title ##`. */
function withoutMarks(heading: string): string {
  const words = heading.trim();
  let end = words.length;
  while (end > 0 && words[end - 1] === '#') end -= 1;
  return words.slice(0, end).trimEnd();
}

/** Code, bold, and links to https addresses; each part is cut once, so that no text costs more than its length. */
const INLINE =
  /`([^`\n]{1,400})`|\*\*([^*\n]{1,400})\*\*|\[([^[\]\n]{1,300})\]\((https:\/\/[^\s()<>"']{1,600})\)|(https:\/\/[^\s()<>"'`\]]{1,600}[^\s()<>"'`\].,;:!?])/g;

export function inlines(text: string): Inline[] {
  const parts: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) });
    const [whole, code, strong, label, url, bare] = match;
    if (code !== undefined) parts.push({ kind: 'code', text: code });
    else if (strong !== undefined) parts.push({ kind: 'strong', text: strong });
    else if (url !== undefined) parts.push({ kind: 'link', text: label ?? url, url });
    else parts.push({ kind: 'link', text: bare ?? whole, url: bare ?? whole });
    from = match.index + whole.length;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}
