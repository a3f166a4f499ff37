/**
 * The findings of the newest review with the person's answers: `review.json`. The answers' truth is the journal; the file
 * shows them to everybody else. A rejection holds for as long as the finding comes back, for it is an opinion about the
 * finding. `accepted` and `applied` are about the code as it was: after the next review they count no more.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Files } from '../store/files.ts';
import { readRemarks } from './discussion.ts';
import { type Finding, type FindingAnswer, Review } from './contracts.ts';
import { jsonText, readJson } from './json-files.ts';
import type { Recorded } from './journal.ts';
import type { DecisionBasis, OpenFindings } from './machine-types.ts';

export const REVIEW_FILE = 'review.json';

export class ReviewLedger {
  readonly #files: Files;
  readonly #runDir: string;
  readonly #path: string;
  readonly #answers = new Map<string, FindingAnswer>();

  constructor(runDir: string, files: Files) {
    this.#files = files;
    this.#runDir = runDir;
    this.#path = join(runDir, REVIEW_FILE);
  }

  /** Follows the journal. */
  take(record: Recorded): void {
    if (record.type === 'answered') this.#answers.set(record.answer.finding, record.answer);
    const reviewed = (record.type === 'done' || record.type === 'hand_ended') && record.stage === 'review';
    if (reviewed) this.#forgetOld();
  }

  #forgetOld(): void {
    for (const [finding, { answer }] of this.#answers) {
      if (answer !== 'rejected') this.#answers.delete(finding);
    }
  }

  /** The newest review with the answers that count. Throws `corrupt` when the file is damaged. */
  async read(): Promise<Review | undefined> {
    const review = await readJson(this.#files, this.#path, Review);
    return review === undefined ? undefined : this.#answered(review);
  }

  #answered(review: Review): Review {
    const answers = review.findings.flatMap(({ id }) => this.#answers.get(id) ?? []);
    return { ...review, answers };
  }

  /** Writes the answers into the file, where it says something else. */
  async save(): Promise<void> {
    const stored = await readJson(this.#files, this.#path, Review);
    if (stored === undefined) return;
    const review = this.#answered(stored);
    if (isDeepStrictEqual(review.answers, stored.answers)) return;
    await this.#files.writeAtomic(this.#path, jsonText(review));
  }

  /** What is open right after a review has written its findings: only rejections of earlier reviews count. */
  async openAfterReview(): Promise<OpenFindings | undefined> {
    const review = await readJson(this.#files, this.#path, Review);
    if (review === undefined) return undefined;
    return countOpen(review.findings.filter(({ id }) => this.#answers.get(id)?.answer !== 'rejected'));
  }

  /** What a decision at a gate after the review rests on. */
  async basis(): Promise<DecisionBasis> {
    const review = await this.read();
    if (review === undefined) return NOTHING_FOUND;
    const answer = (finding: Finding): FindingAnswer['answer'] | undefined =>
      this.#answers.get(finding.id)?.answer;
    const settled = (finding: Finding): boolean => ['rejected', 'applied'].includes(answer(finding) ?? '');
    return {
      accepted: await this.#withWords(review.findings.filter((finding) => answer(finding) === 'accepted')),
      applied: review.findings.filter((finding) => answer(finding) === 'applied').length,
      open: countOpen(review.findings.filter((finding) => !settled(finding))),
    };
  }

  /** The findings with what the person said about each, so that whoever corrects them hears it. */
  async #withWords(findings: readonly Finding[]): Promise<Finding[]> {
    if (findings.length === 0) return [];
    const remarks = await readRemarks(this.#runDir, this.#files);
    return findings.map((finding) => {
      const reason = this.#answers.get(finding.id)?.reason;
      const words = remarks.filter(({ finding: about, by }) => about === finding.id && by === 'person');
      const said = [...words.map(({ text }) => text), ...(reason === undefined ? [] : [reason])];
      return said.length === 0 ? finding : { ...finding, said };
    });
  }
}

/** For gates that no review stands before. */
export const NOTHING_FOUND: DecisionBasis = {
  accepted: [],
  applied: 0,
  open: { blocking: 0, unanswered: 0 },
};

/** Notes (`info`) want no answer: they neither block nor keep a gate waiting. */
function countOpen(findings: readonly Finding[]): OpenFindings {
  const { length } = findings.filter(({ severity }) => severity !== 'info');
  return { blocking: length, unanswered: length };
}
