/** A person's answers to a brief: kept as drafts at once, checked against the brief, given as corrections. */
import { SourcewrightError } from '../../../errors.ts';
import type { Brief, RunView } from '../../../pipeline/contracts.ts';
import {
  type AnswerDraft,
  changeDrafts,
  isAbout,
  openDrafts,
  readDrafts,
} from '../../../stages/research/answer-drafts.ts';
import type { Correction } from '../../../stages/research/corrections.ts';
import { readBrief, readGiven } from './research-brief.ts';
import { tryDrafts, valueOf } from './research-trial.ts';
import { canAnswer } from './research-words.ts';

export { placeInDescription } from './research-place.ts';
export { showStreams } from './research-model.ts';

/** An answer as the panel sends it. */
export type Answer = Pick<AnswerDraft, 'stream' | 'fact' | 'kind' | 'fields'>;

/** Keeps an answer as a draft, also one that can't be used yet: it is told what is wrong with it. */
export async function saveAnswer(view: RunView, answer: Answer): Promise<void> {
  const { blueprint } = await briefToAnswer(view);
  const draft = draftOf(blueprint, answer);
  await keep(view, (drafts) => [...drafts.filter((one) => !isAbout(one, draft)), draft]);
}

function draftOf(blueprint: Brief['blueprint'], answer: Answer): AnswerDraft {
  const { stream, fact, kind } = answer;
  const draft = { stream, fact, kind, fields: kind === 'correct' ? answer.fields : {} };
  try {
    return { ...draft, value: valueOf(blueprint, draft) };
  } catch (error) {
    if (error instanceof SourcewrightError && error.code === 'input') return draft;
    throw error;
  }
}

/** Takes back the draft about a fact, or all drafts. */
export async function undoAnswer(
  view: RunView,
  stream: string | null,
  fact: AnswerDraft['fact'] | null,
): Promise<void> {
  await briefToAnswer(view);
  await keep(view, (drafts) =>
    fact === null ? [] : drafts.filter((draft) => !isAbout(draft, { stream, fact })),
  );
}

/** Drafts which streams are read; where that is what the brief says, there is nothing to answer. */
export async function pickStreams(view: RunView, names: readonly string[], selected: boolean): Promise<void> {
  const { blueprint } = await briefToAnswer(view);
  const picked = new Set(names);
  const different = blueprint.streams.filter((one) => picked.has(one.name) && one.selected !== selected);
  const fresh = different.map(({ name }): AnswerDraft => {
    const fields = { json: String(selected) };
    return { stream: name, fact: 'stream', kind: 'correct', fields, value: selected };
  });
  await keep(view, (drafts) => [
    ...drafts.filter(({ stream, fact }) => fact !== 'stream' || stream === null || !picked.has(stream)),
    ...fresh,
  ]);
}

/** Keeps the words of a request for changes while they are written. */
export async function saveWords(view: RunView, words: string): Promise<void> {
  if (!canAnswer(view)) return;
  await changeDrafts(view.runDir, (drafts) => ({ ...drafts, words }));
}

/** The words have been given. */
export async function clearWords({ runDir }: RunView): Promise<void> {
  await changeDrafts(runDir, (drafts) => ({ ...drafts, words: '' }));
}

/**
 * The drafts as the feedback that the gate takes; undefined where there are none. Throws `input` where one can't be used,
 * saying which and why.
 */
export async function answersToGive(view: RunView): Promise<string | undefined> {
  const { blueprint } = await briefToAnswer(view);
  const drafts = await draftsOf(view);
  if (drafts.length === 0) return undefined;
  const { problems } = tryDrafts(blueprint, drafts);
  const [first] = problems;
  if (first !== undefined) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    throw new SourcewrightError('input', `Not everything can be applied. ${first}${more}`, {
      cure: 'Mend these answers, or undo them.',
    });
  }
  const corrections = drafts.map((draft): Correction => {
    const { stream, fact } = draft;
    return { stream, fact, value: valueOf(blueprint, draft) };
  });
  return JSON.stringify(corrections);
}

async function draftsOf({ runDir }: RunView): Promise<AnswerDraft[]> {
  const [{ drafts }, given] = await Promise.all([readDrafts(runDir), readGiven(runDir)]);
  return openDrafts(drafts.drafts, given);
}

async function keep(view: RunView, change: (drafts: AnswerDraft[]) => AnswerDraft[]): Promise<void> {
  const given = await readGiven(view.runDir);
  await changeDrafts(view.runDir, (stored) => ({
    ...stored,
    drafts: change(openDrafts(stored.drafts, given)),
  }));
}

async function briefToAnswer(view: RunView): Promise<Brief> {
  const brief = canAnswer(view) ? await readBrief(view.runDir) : undefined;
  if (brief !== undefined) return brief;
  throw new SourcewrightError('input', 'The research does not wait for answers now.', {
    cure: 'Answers can be given while the run waits at its first gate.',
  });
}
