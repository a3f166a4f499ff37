/** The first message to the research agent: what holds for every attempt first, then what is new in this one. */
import type { Given } from '../../../agents/contracts.ts';
import type { Blueprint, Gap, Stream } from '../../../blueprint/schema.ts';
import type { Feedback, RunRequest } from '../../../pipeline/contracts.ts';
import { shorten } from '../../../openapi/rules/words.ts';
import type { Correction } from '../corrections.ts';
import type { Struck } from './answer.ts';
import { apiText, endpointsText, openQuestions, questionsText } from './described-text.ts';
import { PERSON } from './evidence.ts';
import type { Known } from './judgement.ts';

export interface Situation {
  readonly request: Pick<RunRequest, 'source' | 'streams'>;
  /** What rules made of the description, with nothing of the person's or a model's in it; undefined = there is none. */
  readonly base: Blueprint | undefined;
  /** The same with the streams picked that the person picks. */
  readonly shown: Blueprint | undefined;
  /** Why there is none, in words. */
  readonly missing: string | undefined;
  readonly corrections: readonly Correction[];
  readonly known: Known;
  readonly struck: readonly Struck[];
  readonly words: string | undefined;
  readonly from: Feedback['from'] | undefined;
}

const MAX_WORDS = 6000;
/** Streams shown beside those with questions, when words may be about any. */
const MAX_FURTHER = 12;

export function researchGiven(situation: Situation): Given[] {
  const base = situation.shown;
  const gaps = base === undefined ? [] : openQuestions(base);
  const streams = base === undefined ? [] : streamsOf(base, gaps);
  return [
    { title: 'The API', text: base === undefined ? wantedText(situation) : apiText(base), stable: true },
    ...(base === undefined || streams.length === 0
      ? []
      : [{ title: 'Endpoints with open questions', text: endpointsText(base, streams), stable: true }]),
    ...(gaps.length === 0 ? [] : [{ title: 'Open questions', text: questionsText(gaps), stable: true }]),
    ...settledPiece(situation.corrections),
    ...believedPiece(situation),
    ...furtherPiece(situation, streams),
    ...wordsPiece(situation),
  ];
}

function streamsOf(base: Blueprint, gaps: readonly Gap[]): Stream[] {
  const names = new Set(gaps.map((gap) => gap.stream));
  return base.streams.filter((stream) => names.has(stream.name));
}

function wantedText({ request, missing }: Situation): string {
  const { kind, location } = request.source;
  const named = kind === 'name' ? `the API called "${location}"` : `the documentation at ${location}`;
  return [
    `The person named ${named}. No description of it is known.`,
    ...(missing === undefined ? [] : [missing]),
    ...(request.streams === undefined
      ? []
      : [`Streams that the person wants: ${request.streams.join(', ')}`]),
  ].join('\n');
}

function settledPiece(corrections: readonly Correction[]): Given[] {
  if (corrections.length === 0) return [];
  const lines = corrections.map(
    ({ stream, fact, value }) => `- ${stream ?? 'the API'}, ${fact}: ${shorten(JSON.stringify(value), 300)}`,
  );
  return [
    { title: 'Settled by the person: make no claims about these', text: lines.join('\n'), stable: false },
  ];
}

/** What an earlier attempt found, and what of it was not taken over. */
function believedPiece({ known, struck }: Situation): Given[] {
  const claims = known.claims.map(
    ({ correction: { stream, fact, value }, evidence }) =>
      `- ${stream ?? 'the API'}, ${fact}: ${shorten(JSON.stringify(value), 400)} (${evidence.document ?? ''})`,
  );
  const streams = known.streams.map(
    ({ claimed, evidence }) =>
      `- the stream ${claimed.name}: GET ${claimed.path} (${evidence.document ?? ''})`,
  );
  const failed = struck.map(
    ({ claim, because }) => `- struck: ${shorten(claim, 200)}: ${shorten(because, 200)}`,
  );
  const lines = [...streams, ...claims, ...failed];
  if (lines.length === 0) return [];
  return [{ title: 'Believed before', text: lines.join('\n'), stable: false }];
}

/** Streams that the words name and that have no open question. */
function furtherPiece({ shown: base, words }: Situation, asked: readonly Stream[]): Given[] {
  if (base === undefined || words === undefined) return [];
  const said = words.toLowerCase();
  const rest = base.streams.filter((stream) => !asked.includes(stream));
  const named = rest.filter(
    ({ name, path }) =>
      said.includes(name.replaceAll('_', ' ')) || said.includes(name) || said.includes(path.toLowerCase()),
  );
  const further = (named.length > 0 ? named : rest.filter((stream) => stream.selected)).slice(0, MAX_FURTHER);
  if (further.length === 0) return [];
  return [{ title: 'Further endpoints', text: endpointsText(base, further), stable: false }];
}

function wordsPiece({ words, from }: Situation): Given[] {
  if (words === undefined) return [];
  const title =
    from === 'person'
      ? `What the person says now (url "${PERSON}" for quotes)`
      : 'What the reviewer has to know';
  return [{ title, text: words.slice(0, MAX_WORDS), stable: false }];
}
