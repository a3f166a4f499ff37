/** Decisions at gates and answers to findings: a person's, one after the other, and those of gates on `auto`. */
import { SourcewrightError } from '../errors.ts';
import { FindingAnswer, GateDecision, type GateName, type Remark } from './contracts.ts';
import type { JournalRecord } from './journal.ts';
import { NOTHING_FOUND, type ReviewLedger } from './review-ledger.ts';

/** What the gatekeeper needs of its run. */
export interface GateHost {
  readonly ledger: ReviewLedger;
  /** Journals a record and tells the machine, if it still fits. */
  apply(record: JournalRecord, still: () => boolean): Promise<boolean>;
  /** The gate that waits for a person. */
  gate(): GateName | null;
  hasEnded(): boolean;
  /** Keeps a remark, with the time. */
  keep(remark: Omit<Remark, 'at'>): Promise<void>;
  /** A person's words without secrets. */
  redact(text: string): Promise<string>;
}

/** Gates that stand behind the review, and so know its findings. */
const REVIEWED: readonly GateName[] = ['review', 'draft', 'publish'];

export class Gatekeeper {
  readonly #run: GateHost;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(run: GateHost) {
    this.#run = run;
  }

  /** See `PipelineRun.decide`. Answers that were given before count, also when nobody waited for them. */
  decide(gate: GateName, decision: GateDecision): Promise<void> {
    return this.#inTurn(async () => {
      const valid = await this.#discreet(checked(gate, decision));
      if (await this.#decided(gate, valid, 'person', () => this.#run.gate() === gate)) return;
      const waiting = this.#run.gate();
      throw new SourcewrightError(
        'input',
        waiting === null
          ? 'No gate is waiting for a decision.'
          : `The gate that waits is "${waiting}", not "${gate}".`,
      );
    });
  }

  /** See `PipelineRun.answer`. */
  answer(answer: FindingAnswer): Promise<void> {
    return this.#inTurn(async () => {
      const { reason, ...given } = FindingAnswer.parse(answer);
      const valid = reason === undefined ? given : { ...given, reason: await this.#run.redact(reason) };
      const { ledger } = this.#run;
      await this.#mustHave(valid.finding);
      const record = { type: 'answered', by: 'person', answer: valid } as const;
      if (!(await this.#run.apply(record, () => !this.#run.hasEnded()))) {
        throw new SourcewrightError('input', 'The run has ended: its findings can no longer be answered.');
      }
      await ledger.save();
    });
  }

  /** See `PipelineRun.discuss`. */
  discuss(remark: Omit<Remark, 'at'>): Promise<void> {
    return this.#inTurn(async () => {
      await this.#mustHave(remark.finding);
      if (this.#run.hasEnded()) {
        throw new SourcewrightError('input', 'The run has ended: its findings can no longer be discussed.');
      }
      await this.#run.keep({ ...remark, text: await this.#run.redact(remark.text) });
    });
  }

  async #mustHave(finding: string): Promise<void> {
    const review = await this.#run.ledger.read();
    if (review?.findings.some(({ id }) => id === finding) === true) return;
    throw new SourcewrightError('input', `The review has no finding "${finding}".`, {
      cure: 'It may have been corrected already. Look at the newest review.',
    });
  }

  /** A gate on `auto` approves. At the review, what has an exact suggestion is accepted and the rest stays open. */
  async decideAlone(gate: GateName, still: () => boolean): Promise<void> {
    if (gate === 'review') await this.#acceptSuggestions(still);
    await this.#decided(gate, { kind: 'approve' }, 'auto', still);
  }

  async #acceptSuggestions(still: () => boolean): Promise<void> {
    const { ledger } = this.#run;
    const review = await ledger.read();
    const answered = new Set(review?.answers.map(({ finding }) => finding));
    for (const finding of review?.findings ?? []) {
      // Notes are left alone: a finding that was rejected in an earlier run comes back as one.
      const wanted = finding.suggestion !== undefined && finding.severity !== 'info';
      if (!wanted || answered.has(finding.id)) continue;
      const answer: FindingAnswer = { finding: finding.id, answer: 'accepted' };
      await this.#run.apply({ type: 'answered', by: 'auto', answer }, still);
    }
    await ledger.save();
  }

  async #decided(
    gate: GateName,
    decision: GateDecision,
    by: 'person' | 'auto',
    still: () => boolean,
  ): Promise<boolean> {
    const basis = REVIEWED.includes(gate) ? await this.#run.ledger.basis() : NOTHING_FOUND;
    return this.#run.apply({ type: 'decided', gate, decision, by, ...basis }, still);
  }

  async #discreet(decision: GateDecision): Promise<GateDecision> {
    if (decision.kind === 'request_changes') {
      return { ...decision, feedback: await this.#run.redact(decision.feedback) };
    }
    if (decision.kind === 'approve' || decision.reason === undefined) return decision;
    return { ...decision, reason: await this.#run.redact(decision.reason) };
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function checked(gate: GateName, decision: GateDecision): GateDecision {
  const parsed = GateDecision.safeParse(decision);
  if (!parsed.success) {
    throw new SourcewrightError('input', 'A request for changes needs words: say what should be different.');
  }
  if (gate === 'draft' && parsed.data.kind === 'request_changes') {
    throw new SourcewrightError('input', 'At the gate "draft" no more changes can be requested.', {
      cure: 'Publish as a draft, or stop the run.',
    });
  }
  return parsed.data;
}
