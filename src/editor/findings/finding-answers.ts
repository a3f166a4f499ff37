/** A person's answers to findings and words about them, from threads, panel and trees alike; the run's ledger keeps them. */
import { window } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Finding, FindingAnswer, PipelineRun } from '../../pipeline/contracts.ts';
import type { RunService } from '../run-service.ts';
import type { Anchor } from './anchor.ts';
import { applySuggestions } from './apply-suggestion.ts';
import { t } from '../l10n.ts';

/** A finding of a run. */
export interface Subject {
  readonly runId: string;
  readonly finding: Finding;
  /** Where its lines are now, where that is known. */
  readonly anchor?: Anchor | undefined;
}

export class FindingAnswers {
  readonly #runs: RunService;

  constructor(runs: RunService) {
    this.#runs = runs;
  }

  /**
   * Accepts findings of one run: writes their exact suggestions into the files (one undo step for all) and notes them as
   * applied; where there is none, or the text has changed since, they are queued for the next improvement. At the draft gate,
   * where none follows, only what could be applied is answered. Throws `input` where that is nothing.
   */
  async accept(subjects: readonly Subject[]): Promise<FindingAnswer[]> {
    const [first] = subjects;
    if (first === undefined) return [];
    const run = await this.#runs.open(first.runId);
    const isLast = run.view().gate === 'draft';
    if (isLast && subjects.every(({ finding }) => finding.suggestion === undefined)) throw tooLate();
    const applied = await this.#apply(run, subjects);
    const answered = subjects.filter(({ finding }) => applied.has(finding.id) || !isLast);
    if (answered.length === 0) throw tooLate();
    const missed = answered.filter(
      ({ finding }) => finding.suggestion !== undefined && !applied.has(finding.id),
    );
    if (missed.length > 0) {
      void window.showInformationMessage(
        missed.length === 1
          ? t('The lines have changed since the review: the finding is queued for the improvement instead.')
          : t(
              'The lines have changed since the review: {0} findings are queued for the improvement instead.',
              missed.length,
            ),
      );
    }
    const answers = answered.map(({ finding: { id } }): FindingAnswer => ({
      finding: id,
      answer: applied.has(id) ? 'applied' : 'accepted',
    }));
    for (const answer of answers) await run.answer(answer);
    return answers;
  }

  async #apply(run: PipelineRun, subjects: readonly Subject[]): Promise<Set<string>> {
    const { connectorDir } = run.view();
    const wanted = subjects.flatMap(({ finding: { id, range, suggestion }, anchor }) => {
      if (suggestion === undefined) return [];
      const isSure = anchor?.state === 'same' || anchor?.state === 'moved';
      const at = isSure ? suggestion.range.startLine + anchor.startLine - range.startLine : undefined;
      return [{ id, suggestion, at }];
    });
    if (connectorDir === null || wanted.length === 0) return new Set();
    const applied = await applySuggestions(connectorDir, wanted);
    return new Set(wanted.filter((_, index) => applied[index] === true).map(({ id }) => id));
  }

  /** Rejects, with a reason where there is one; later reviews of the connector in this workspace remember it. */
  async reject({ runId, finding }: Subject, reason: string): Promise<FindingAnswer> {
    const run = await this.#runs.open(runId);
    const words = reason.trim();
    const answer: FindingAnswer = {
      finding: finding.id,
      answer: 'rejected',
      ...(words === '' ? {} : { reason: words }),
    };
    await run.answer(answer);
    return answer;
  }

  /**
   * Keeps what the person says about a finding. The first time, Sourcewright answers with what the rule checks and why, and
   * with what becomes of the words.
   */
  async reply({ runId, finding }: Subject, text: string): Promise<void> {
    const run = await this.#runs.open(runId);
    const { runDir, engine } = run.view();
    const { explainFinding, readRemarks } = await this.#runs.engine();
    await run.discuss({ finding: finding.id, by: 'person', text });
    const isAnswered = (await readRemarks(runDir)).some(
      (remark) => remark.finding === finding.id && remark.by === 'sourcewright',
    );
    if (isAnswered) return;
    const next =
      engine === 'agents'
        ? 'Your words stay with the finding. Accept it, and the agent that corrects it reads them.'
        : 'Your words stay with the finding. This run works by rules, which apply exact suggestions and read no words: for another correction, edit the code or request changes.';
    const why = await explainFinding(runDir, finding);
    await run.discuss({ finding: finding.id, by: 'sourcewright', text: `${why}\n\n${next}` });
  }
}

function tooLate(): SourcewrightError {
  return new SourcewrightError('input', 'No improvement follows any more: the review cycles are used up.', {
    cure: 'Reject the finding with a reason, or leave it open: the draft lists it.',
  });
}
