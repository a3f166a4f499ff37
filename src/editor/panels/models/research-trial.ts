/** What drafts would make of the brief, tried on a copy: in words, or why that can't be. */
import type { Blueprint, Operation, Stream } from '../../../blueprint/schema.ts';
import { asSourcewrightError, SourcewrightError } from '../../../errors.ts';
import { pagingText } from '../../../openapi/rules/questions.ts';
import type { AnswerDraft } from '../../../stages/research/answer-drafts.ts';
import {
  changeBlueprint,
  type Correction,
  outcomeOf,
  type Outcome,
  stateOf,
} from '../../../stages/research/corrections.ts';
import { FACT_LABELS } from './research-words.ts';
import { currentValue, valueFrom } from './research-fields.ts';

export interface Tried {
  readonly draft: AnswerDraft;
  /** The value as it would be, in words. */
  readonly words: string;
  /** Null where the draft can't be given. */
  readonly outcome: Outcome | null;
  readonly problem: string | null;
}

export interface Trial {
  readonly tried: readonly Tried[];
  /** What is wrong, each with what it is about. */
  readonly problems: readonly string[];
}

/** The value that a draft would give, by the brief as it is. Throws `input` where its inputs hold none. */
export function valueOf(
  blueprint: Blueprint,
  draft: Pick<AnswerDraft, 'stream' | 'fact' | 'kind' | 'fields'>,
): unknown {
  if (draft.kind === 'strike') return null;
  if (draft.kind === 'correct') return valueFrom(draft.fact, draft.fields);
  const stream = blueprint.streams.find((one) => one.name === draft.stream);
  return currentValue(blueprint, stream, draft.fact);
}

/** The brief stays as it is. */
export function tryDrafts(blueprint: Blueprint, drafts: readonly AnswerDraft[]): Trial {
  const trial = copyFor(blueprint, drafts);
  const tried = drafts.map((draft) => tryDraft(blueprint, trial, draft));
  const problems = tried.flatMap(({ draft, problem }) =>
    problem === null
      ? []
      : [`${draft.stream ?? 'The API'}, ${FACT_LABELS[draft.fact].toLowerCase()}: ${problem}`],
  );
  if (drafts.length > 0 && !trial.streams.some((stream) => stream.selected)) {
    problems.push('No stream is left: select at least one.');
  }
  return { tried, problems };
}

class Refused extends Error {
  override readonly name = 'Refused';
}

function tryDraft(blueprint: Blueprint, trial: Blueprint, draft: AnswerDraft): Tried {
  try {
    const correction: Correction = {
      stream: draft.stream,
      fact: draft.fact,
      value: valueOf(blueprint, draft),
    };
    const before = stateOf(trial, correction);
    const said = changeBlueprint(trial, correction, (message) => {
      throw new Refused(message);
    });
    const outcome = outcomeOf(correction, stateOf(trial, correction) === before);
    if (draft.kind === 'confirm' && outcome !== 'confirmed') {
      throw new Refused('What you confirmed has changed since. Undo it and look again.');
    }
    const paging = trial.streams.find((one) => one.name === draft.stream)?.paging;
    const words = draft.fact === 'paging' && paging !== undefined ? pagingText(paging) : said;
    return { draft, words, outcome, problem: null };
  } catch (error) {
    if (!(error instanceof Refused) && !(error instanceof SourcewrightError)) throw error;
    const { message } = error instanceof Refused ? error : asSourcewrightError(error);
    return { draft, words: '', outcome: null, problem: sentence(message) };
  }
}

function sentence(message: string): string {
  const text = message.replace(/\s+/g, ' ').replace(/^✖ /, '').slice(0, 400);
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** Whether a value could be given for a fact. */
export function fits(blueprint: Blueprint, correction: Correction): boolean {
  try {
    changeBlueprint(copyFor(blueprint, [correction]), correction, (message) => {
      throw new Refused(message);
    });
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** Descriptions are large: only what may change is copied. */
function copyFor(blueprint: Blueprint, drafts: readonly Pick<AnswerDraft, 'stream'>[]): Blueprint {
  const names = new Set(drafts.map(({ stream }) => stream));
  const touched = blueprint.streams.filter((stream) => names.has(stream.name));
  const paths = new Set(touched.map(({ path }) => path));
  const streams = new Map(touched.map((stream): [Stream, Stream] => [stream, copyOf(stream)]));
  return {
    ...blueprint,
    auth: [...blueprint.auth],
    serverVariables: [...blueprint.serverVariables],
    rateLimit: { ...blueprint.rateLimit },
    streams: blueprint.streams.map((stream) => streams.get(stream) ?? stream),
    operations: blueprint.operations.map((one): Operation => (paths.has(one.path) ? { ...one } : one)),
  };
}

/** Changes put other values in place of those that are there; nothing further inside is touched. */
function copyOf(stream: Stream): Stream {
  return { ...stream, parameters: [...stream.parameters] };
}
