/** How an agent that writes files answers: for each thing that it was asked, done or not, and why. Files are the evidence. */
import { z } from 'zod';
import type { Asked } from './sitting.ts';

export const WrittenAnswer = z.strictObject({
  /** What was done, for the person: two or three sentences. */
  summary: z.string().min(1).max(1500),
  findings: z.array(
    z.strictObject({
      /** The id as it was given. */
      id: z.string(),
      fixed: z.boolean(),
      /** What was done, or why it was not. */
      why: z.string().min(1).max(600),
    }),
  ),
  /** What is left open besides: each a sentence for the person. */
  unresolved: z.array(z.string().min(1).max(600)).max(30),
});
export type WrittenAnswer = z.infer<typeof WrittenAnswer>;

/** Reasons why an answer can't be used: each thing that was asked is answered once, nothing else is. */
export function checkAnswers(asked: readonly Asked[], result: WrittenAnswer): string[] {
  const problems: string[] = [];
  const counts = new Map(asked.map(({ id }) => [id, 0]));
  for (const { id } of result.findings) {
    const times = counts.get(id);
    if (times === undefined) problems.push(`findings names "${id}", which was not asked.`);
    else counts.set(id, times + 1);
  }
  for (const [id, times] of counts) {
    if (times !== 1) problems.push(`findings must answer "${id}" exactly once; it does so ${times} times.`);
  }
  return problems;
}

/** What is left open, made of the answers and of whether files changed at all. */
export function leftOpen(
  asked: readonly Asked[],
  result: WrittenAnswer,
  changed: readonly string[],
): string[] {
  const answers = new Map(result.findings.map((answer) => [answer.id, answer]));
  const open = asked.flatMap(({ id, what }) => {
    const answer = answers.get(id);
    if (answer?.fixed === true && changed.length > 0) return [];
    const why =
      answer?.fixed === true ? 'said to be done, but no file was changed' : (answer?.why ?? 'not answered');
    return [`${id}: ${what} (${why})`];
  });
  return [...open, ...result.unresolved];
}

/** The list of what is asked, as the agent reads it. */
export function askedText(asked: readonly Asked[]): string {
  return asked.map(({ id, what }) => `- ${id}: ${what}`).join('\n');
}
