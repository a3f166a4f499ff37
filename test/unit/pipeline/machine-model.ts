/**
 * Walks over everything that the machine can do: from each state, every outcome that a stage can have and every decision
 * that a person can make. Test names and attempts are kept small so that the whole graph is finite.
 */
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import type { Limits } from '../../../src/pipeline/contracts.ts';
import { pipelineMachine } from '../../../src/pipeline/machine.ts';
import type {
  DecisionBasis,
  PipelineContext,
  PipelineEvent,
  PipelineState,
} from '../../../src/pipeline/machine-types.ts';
import { diagnosed, finding, generated, published, research, reviewed, tested } from './scripted.ts';

export type Snapshot = SnapshotFrom<typeof pipelineMachine>;

export function initial(limits: Limits): Snapshot {
  return initialTransition(pipelineMachine, { limits })[0];
}
export function next(snapshot: Snapshot, event: PipelineEvent): Snapshot {
  return transition(pipelineMachine, snapshot, event)[0];
}

export const basis = (accepted = 0, applied = 0, blocking = 0, unanswered = blocking): DecisionBasis => ({
  accepted: Array.from({ length: accepted }, (_, index) => finding(`f${index}`)),
  applied,
  open: { blocking, unanswered },
});

const INTERRUPT = { cause: 'environment', message: 'No Python.', cure: 'Install it.' } as const;

/** Every event that can come in a state, by a name that says what it is. */
export function eventsIn(snapshot: Snapshot): Map<string, PipelineEvent> {
  const { attempt } = snapshot.context.step;
  const events: [string, PipelineEvent][] = [];
  const add = (name: string, event: PipelineEvent): void => {
    events.push([name, event]);
  };
  const stage = (name: PipelineContext['step']['stage']): void => {
    add('stage pauses', { type: `paused.${name}`, attempt, ...INTERRUPT });
    add('stage fails', {
      type: `failed.${name}`,
      attempt,
      error: { code: 'internal', message: 'Broken.', cure: null },
    });
  };
  switch (snapshot.value) {
    case 'researching':
      stage('research');
      add('done', { type: 'done.research', attempt, result: research });
      break;
    case 'generating':
      stage('generate');
      add('done, changed', { type: 'done.generate', attempt, result: generated(['a.py']) });
      add('done, unchanged', { type: 'done.generate', attempt, result: generated([]) });
      break;
    case 'testing':
      stage('test');
      add('done, passed', { type: 'done.test', attempt, result: tested(), ran: 'x' });
      add('done, a fails', { type: 'done.test', attempt, result: tested(['a']), ran: 'x' });
      add('done, a fails otherwise', { type: 'done.test', attempt, result: tested(['a']), ran: 'y' });
      add('done, a fails, no hash', { type: 'done.test', attempt, result: tested(['a']), ran: null });
      add('done, b fails', { type: 'done.test', attempt, result: tested(['b']), ran: 'x' });
      add('done, unusable', { type: 'done.test', attempt, result: tested([], 'unusable'), ran: 'x' });
      break;
    case 'diagnosing':
      stage('diagnose');
      for (const verdict of ['code', 'tests', 'environment', 'pass'] as const) {
        add(`done, ${verdict}`, { type: 'done.diagnose', attempt, result: diagnosed(verdict) });
      }
      break;
    case 'reviewing': {
      stage('review');
      const done = (
        name: string,
        result: ReturnType<typeof reviewed>,
        blocking: number,
        unanswered: number,
      ): void => {
        add(name, { type: 'done.review', attempt, result, open: { blocking, unanswered } });
      };
      done('done, clean', reviewed('clean'), 0, 0);
      done('done, clean with a blocking finding', reviewed('clean', 1), 1, 1);
      done('done, blocking findings', reviewed('needs_work', 1), 1, 1);
      done('done, other findings', reviewed('needs_work', 0, 1), 0, 1);
      done('done, rejected findings only', reviewed('needs_work', 0, 1), 0, 0);
      done('done, needs research', reviewed('needs_research'), 0, 0);
      done('done, needs research, findings', reviewed('needs_research', 1), 1, 1);
      break;
    }
    case 'publishing':
      stage('publish');
      add('done', { type: 'done.publish', attempt, result: published(snapshot.context.step.draft) });
      break;
    case 'gateResearch':
      add('approve', { type: 'approve.research', ...basis() });
      add('changes', { type: 'changes.research', text: 'Other words.', ...basis() });
      add('reject', { type: 'reject.research' });
      break;
    case 'gateCode':
      add('approve', { type: 'approve.code', ...basis() });
      add('changes', { type: 'changes.code', text: 'Other words.', ...basis() });
      add('reject', { type: 'reject.code' });
      break;
    case 'gateTests':
      add('approve', { type: 'approve.tests', ...basis() });
      add('changes', { type: 'changes.tests', text: 'Other words.', ...basis() });
      add('reject', { type: 'reject.tests' });
      break;
    case 'gateReview':
      add('approve, some accepted', { type: 'approve.review', ...basis(1, 0, 1) });
      add('approve, an agent’s on tests only', {
        type: 'approve.review',
        ...basis(),
        accepted: [
          finding('t', { source: 'model', range: { file: 'tests/test_a.py', startLine: 1, endLine: 1 } }),
        ],
      });
      add('approve, some applied', { type: 'approve.review', ...basis(0, 1) });
      add('approve, accepted and applied', { type: 'approve.review', ...basis(1, 1) });
      add('approve, all rejected', { type: 'approve.review', ...basis() });
      add('approve, blocking left open', { type: 'approve.review', ...basis(0, 0, 1) });
      add('approve, others left open', { type: 'approve.review', ...basis(0, 0, 0, 1) });
      add('changes', { type: 'changes.review', text: 'Other words.', ...basis(1) });
      add('reject', { type: 'reject.review' });
      break;
    case 'gateDraft':
      add('approve, blocking open', { type: 'approve.draft', ...basis(0, 0, 1) });
      add('approve, all rejected', { type: 'approve.draft', ...basis() });
      add('reject', { type: 'reject.draft' });
      break;
    case 'gatePublish':
      add('approve', { type: 'approve.publish', ...basis() });
      add('changes', { type: 'changes.publish', text: 'Other words.', ...basis() });
      add('reject', { type: 'reject.publish' });
      break;
    case 'paused':
      add('resume', { type: 'resume' });
      add('cancel', { type: 'cancel' });
      return new Map(events);
    case 'published':
    case 'cancelled':
    case 'failed':
      return new Map();
  }
  add('pause', { type: 'pause', cause: 'person', message: 'Paused.', cure: 'Resume.' });
  add('cancel', { type: 'cancel' });
  return new Map(events);
}

/** All that decides about the future, without the numbers that only grow. */
export function keyOf({ value, context }: Snapshot): string {
  const { stage, mode, draft, feedback } = context.step;
  const rest = { ...context, step: null, attempts: null, limits: null };
  return JSON.stringify([value, stage, mode, draft, feedback?.from ?? null, rest]);
}

export interface Edge {
  readonly from: Snapshot;
  readonly name: string;
  readonly event: PipelineEvent;
  readonly to: Snapshot;
}

const MOST_NODES = 50_000;

/** The whole graph that can be reached with these limits. */
export function explore(limits: Limits): { nodes: Map<string, Snapshot>; edges: Edge[] } {
  const first = initial(limits);
  const nodes = new Map([[keyOf(first), first]]);
  const edges: Edge[] = [];
  const open = [first];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    for (const [name, event] of eventsIn(from)) {
      const to = next(from, event);
      edges.push({ from, name, event, to });
      const key = keyOf(to);
      if (nodes.has(key)) continue;
      nodes.set(key, to);
      if (nodes.size > MOST_NODES)
        throw new Error('The machine has states without end: something in it only grows.');
      open.push(to);
    }
  }
  return { nodes, edges };
}

export const FINAL: readonly PipelineState[] = ['published', 'cancelled', 'failed'];
