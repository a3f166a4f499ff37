/** What a conversation has seen, sorted into what may be quoted and which description was read. */
import type { SeenDocument } from '../../../agents/contracts.ts';
import type { Blueprint } from '../../../blueprint/schema.ts';
import { describedWords } from './described-text.ts';
import { Library, PERSON, type Quotable } from './evidence.ts';
import { READ_BY_RULES } from './tools.ts';

/** The address of the description that was read last, by our own tool. */
export function lastDescription(documents: readonly SeenDocument[]): string | undefined {
  return documents.findLast(isRulesReading)?.url;
}

/** Everything that may be quoted: what was fetched, the description's own words, those of the person. */
export function libraryOf(
  documents: readonly SeenDocument[],
  base: Blueprint | undefined,
  words: string | undefined,
): Library {
  const fetched = documents
    .filter((document) => !isRulesReading(document))
    .map(({ url, text, at }): Quotable => ({ url, ...contentOf(text), at, source: 'docs' }));
  const described: Quotable[] =
    base === undefined
      ? []
      : [
          {
            url: base.source.location,
            alias: lastDescription(documents),
            text: describedWords(base),
            source: 'model',
          },
        ];
  const said: Quotable[] = words === undefined ? [] : [{ url: PERSON, text: words, source: 'model' }];
  return new Library([...fetched, ...described, ...said]);
}

/** Its words are ours: a question of the rules is no evidence for its answer. */
function isRulesReading({ text }: SeenDocument): boolean {
  return text.startsWith(READ_BY_RULES);
}

/** `fetch_document` puts our words around a text, and before it the address after redirects. */
function contentOf(text: string): Pick<Quotable, 'text' | 'alias'> {
  const wrapped =
    /^What follows is the content of a document[^\n]*\nURL: (\S+)\n<document ([0-9a-f]+)>\n/.exec(text);
  if (wrapped === null) return { text };
  const [before, alias, mark = ''] = wrapped;
  const end = text.lastIndexOf(`\n</document ${mark}>`);
  return { alias, text: text.slice(before.length, end < 0 ? undefined : end) };
}
