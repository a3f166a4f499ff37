/** Text of strangers, models included, as it may stand in a commit, a pull request or a changelog. */

/** One line without marks that GitHub would act on; a name's own underscores stay. */
export function plain(text: string, limit = 200): string {
  return text
    .replace(/[<>`*[\]|\\]|(?<!\w)_|_(?!\w)/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/[@#](?=\w)/g, '$&\u200b')
    .trim()
    .slice(0, limit);
}

/** The same for words that stand at the start of a line, where marks would open a heading, a list or a fence. */
export function sentence(text: string, limit: number): string {
  return plain(text, limit).replace(/^[#=+~\s-]+/, '');
}

/** The paragraphs of a text, each plain. */
export function paragraphs(text: string, limit: number): string[] {
  return text
    .slice(0, limit)
    .split(/\n\s*\n/)
    .map((paragraph) => sentence(paragraph, limit))
    .filter((paragraph) => paragraph !== '');
}

/** Lines of at most `width` characters; all but the first are indented. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
