/** Quotes: a claim counts only where its words really stand in a document that the conversation has seen. */
import type { Evidence } from '../../../blueprint/schema.ts';
import { publicUrl } from '../../../openapi/http.ts';
import { shorten } from '../../../openapi/rules/words.ts';

/** Shorter words stand in any document. */
const LEAST_QUOTE = 12;
const LONGEST_QUOTE = 300;

/** The `url` by which an answer names the person's own words. */
export const PERSON = 'person';

export interface Quotable {
  readonly url: string;
  /** Another address of the same document: before or after a redirect. */
  readonly alias?: string | undefined;
  readonly text: string;
  /** Time of reading; absent for what lay here. */
  readonly at?: string | undefined;
  readonly source: 'docs' | 'model';
}

interface Source {
  readonly url: string;
  readonly quote: string;
}

/** The documents that may be quoted, by address. */
export class Library {
  readonly #byUrl = new Map<string, { readonly document: Quotable; readonly text: string }[]>();

  constructor(documents: readonly Quotable[]) {
    for (const document of documents) {
      const entry = { document, text: normalised(document.text) };
      for (const key of new Set([document.url, document.alias ?? document.url].map(comparable))) {
        this.#byUrl.set(key, [...(this.#byUrl.get(key) ?? []), entry]);
      }
    }
  }

  /** The evidence that a quote is, or, as text, why it is none. */
  evidence({ url, quote }: Source): Evidence | string {
    const documents = this.#byUrl.get(comparable(url));
    if (documents === undefined) {
      return `${shorten(url, 120) || 'the document'} was not read in this conversation`;
    }
    const wanted = normalised(quote);
    if (wanted.length < LEAST_QUOTE) return `the quote is shorter than ${LEAST_QUOTE} characters`;
    const found = documents.find(({ text }) => text.includes(wanted));
    if (found === undefined) return `the quote does not stand in ${shorten(url, 120)}`;
    const { source, at, url: read } = found.document;
    return {
      source,
      document: read === PERSON ? 'the words of the person' : publicUrl(read),
      quote: shorten(quote, LONGEST_QUOTE),
      ...(at === undefined ? {} : { at }),
    };
  }

  /** Whether a name stands in any of the documents. */
  mentions(name: string): boolean {
    const wanted = normalised(name);
    return [...this.#byUrl.values()].flat().some(({ text }) => text.includes(wanted));
  }
}

/** Words without what copying changes: case, blanks, typographic marks, invisible characters. */
function normalised(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, '')
    .replace(/[‘’‚‛]/g, "'")
    .replace(/[“”„‟]/g, '"')
    .replace(/[‐-―−]/g, '-')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

/** An address without its fragment and the slash at its end. */
function comparable(url: string): string {
  const trimmed = url.trim();
  if (!URL.canParse(trimmed)) return trimmed;
  const parsed = new URL(trimmed);
  parsed.hash = '';
  parsed.pathname = parsed.pathname.replace(/\/+$/, '');
  return parsed.href.replace(/\/$/, '');
}
