/**
 * The way that a recorded run went, to lead its replay along it: what was decided at each gate, what was answered to each
 * finding, and where the run was resumed after it had stood still by itself. All gates of a replay ask, also those that
 * were on `auto` then: what they decided stands in the journal like any other decision.
 */
import { SourcewrightError } from '../errors.ts';
import type {
  Finding,
  FindingAnswer,
  GateDecision,
  GateName,
  PauseCause,
  PipelineRun,
  RunView,
} from '../pipeline/contracts.ts';
import type { JournalRecord } from '../pipeline/journal.ts';
import { applySuggestions } from '../stages/generate/suggestions.ts';
import type { Act } from './drive.ts';

type Step =
  | { readonly kind: 'answer'; readonly answer: FindingAnswer }
  | { readonly kind: 'decide'; readonly gate: GateName; readonly decision: GateDecision }
  /** A review wrote its findings: answers before it are about an older one. */
  | { readonly kind: 'reviewed' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'cancel' };

/** Pauses that come from what the agents did, and so come again. Budget, key, network and the person are of their day. */
const COMES_AGAIN: readonly PauseCause[] = ['stuck', 'environment'];

/** Leads a run along the records of another one. */
export function following(records: readonly JournalRecord[]): Act {
  const steps = stepsOf(records);
  return async (run, view) => {
    if (view.status === 'paused') return afterPause(run, view);
    if (view.status !== 'waiting' || view.gate === null) return false;
    return atGate(run, view, view.gate);
  };

  async function afterPause(run: PipelineRun, view: RunView): Promise<boolean> {
    const again = view.pause !== null && COMES_AGAIN.includes(view.pause.cause);
    const [next] = steps;
    if (!again || (next?.kind !== 'resume' && next?.kind !== 'cancel')) return false;
    steps.shift();
    await (next.kind === 'resume' ? run.resume() : run.cancel());
    return true;
  }

  async function atGate(run: PipelineRun, view: RunView, gate: GateName): Promise<boolean> {
    for (let next = steps.shift(); next !== undefined; next = steps.shift()) {
      switch (next.kind) {
        case 'answer':
          if (!(await giveAnswer(run, view, next.answer)))
            throw left(view, `finding ${next.answer.finding} is not there`);
          break;
        case 'decide':
          if (next.gate !== gate) throw left(view, `the gate "${gate}" waits instead of "${next.gate}"`);
          await run.decide(gate, next.decision);
          await answersUntilReview(run, view);
          return true;
        case 'cancel':
          await run.cancel();
          return true;
        case 'reviewed':
        case 'resume':
          break;
      }
    }
    return false;
  }

  /** Answers that were given while the run went on count for the next review: they can't wait for the next gate. */
  async function answersUntilReview(run: PipelineRun, view: RunView): Promise<void> {
    for (let [next] = steps; next?.kind === 'answer'; [next] = steps) {
      steps.shift();
      await giveAnswer(run, view, next.answer);
    }
  }
}

/** What of a journal is not the pipeline's own doing. */
function stepsOf(records: readonly JournalRecord[]): Step[] {
  const steps: Step[] = [];
  /** The pause that the next `resumed` ends; undefined: one that the pipeline made by itself, after a diagnosis. */
  let paused: PauseCause | undefined;
  for (const record of records) {
    switch (record.type) {
      case 'answered':
        steps.push({ kind: 'answer', answer: record.answer });
        break;
      case 'decided':
        steps.push({ kind: 'decide', gate: record.gate, decision: record.decision });
        break;
      case 'done':
      case 'hand_ended':
        if (record.stage === 'review') steps.push({ kind: 'reviewed' });
        break;
      case 'paused':
      case 'stage_paused':
        paused = record.cause;
        break;
      case 'resumed':
        if (paused === undefined || paused === 'stuck') steps.push({ kind: 'resume' });
        paused = undefined;
        break;
      case 'cancelled':
        steps.push({ kind: 'cancel' });
        break;
      case 'started':
      case 'stage_failed':
      case 'hand_started':
      case 'note':
      case 'adopted':
        break;
    }
  }
  return steps;
}

/** @returns whether the review has this finding */
async function giveAnswer(run: PipelineRun, view: RunView, answer: FindingAnswer): Promise<boolean> {
  const finding = (await run.findings())?.findings.find(({ id }) => id === answer.finding);
  if (finding === undefined) return false;
  if (answer.answer === 'applied') await apply(view, finding);
  await run.answer(answer);
  return true;
}

/** The editor had made the edit before it gave the answer. */
async function apply(view: RunView, finding: Finding): Promise<void> {
  if (view.connectorDir === null) return;
  const { unresolved } = await applySuggestions(view.connectorDir, [finding]);
  if (unresolved.length > 0)
    throw left(view, `the suggestion of finding ${finding.id} does not fit any more`);
}

function left(view: RunView, how: string): SourcewrightError {
  return new SourcewrightError('input', `The replay has left the recorded path: ${how}.`, {
    where: view.runDir,
    cure:
      'Tests or checks gave another result here than when it was recorded, or the connector’s folder was not empty. ' +
      'Replay with the same version of Sourcewright and Python, in a workspace of its own.',
  });
}
