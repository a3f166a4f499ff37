/** What an answer says beside its claims, for the brief: kept only where it can be shown where it stands. */
import type { SeenDocument } from '../../../agents/contracts.ts';
import { publicUrl } from '../../../openapi/http.ts';
import { shorten } from '../../../openapi/rules/words.ts';
import type { ResearchAnswer, Struck } from './answer.ts';
import { sha256 } from '../../../workspace/files.ts';
import type { Library } from './evidence.ts';
import type { AgentNotes } from './memory.ts';

const LONGEST_SUMMARY = 6000;
const LONGEST_LINE = 600;

/** The notes of an answer, on top of those of earlier attempts. */
export function notesOf(
  answer: ResearchAnswer,
  documents: readonly SeenDocument[],
  sources: Library,
  struck: readonly Struck[],
  earlier: AgentNotes | undefined,
): AgentNotes {
  const beyond: AgentNotes['beyond'] = [];
  const failed: Struck[] = [];
  for (const one of answer.beyond) {
    const evidence = sources.evidence(one);
    if (typeof evidence === 'string')
      failed.push({ claim: `by hand: ${shorten(one.what, 200)}`, because: evidence });
    else {
      const { stream, what } = one;
      beyond.push({
        stream,
        what: shorten(what, LONGEST_LINE),
        url: evidence.document ?? one.url,
        quote: evidence.quote ?? '',
      });
    }
  }
  const connectors = answer.existingConnectors
    .filter(({ url }) => /^https?:\/\//.test(url))
    .map(({ name, url, note }) => ({
      name: shorten(name, 120),
      url: publicUrl(url),
      note: shorten(note, LONGEST_LINE),
    }));
  return {
    summary: answer.summary.slice(0, LONGEST_SUMMARY),
    beyond: unique([...beyond, ...(earlier?.beyond ?? [])], ({ stream, what }) => `${stream ?? ''} ${what}`),
    existingConnectors: unique([...connectors, ...(earlier?.existingConnectors ?? [])], ({ url }) => url),
    struck: [...struck, ...failed],
    documents: unique(
      [...documents.map(readOf), ...(earlier?.documents ?? [])],
      ({ url, sha256: hash }) => `${url} ${hash}`,
    ),
    openQuestions: answer.openQuestions.map((question) => shorten(question, LONGEST_LINE)),
  };
}

function readOf({ url, at, text }: SeenDocument): AgentNotes['documents'][number] {
  return { url: publicUrl(url), at, sha256: sha256(text) };
}

function unique<T>(list: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map(list.toReversed().map((one) => [keyOf(one), one])).values()].toReversed();
}
