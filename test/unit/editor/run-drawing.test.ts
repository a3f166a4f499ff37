/** The drawing of the run view for every state that the pipeline's machine can stand in. */
import { strict as assert } from 'node:assert';
import { buttonsOf } from '../../../src/editor/panels/models/run-buttons.ts';
import { drawingOf, standsAt } from '../../../src/editor/panels/models/run-drawing.ts';
import { runSummary, STAGE_AT_WORK } from '../../../src/editor/present.ts';
import { NO_USAGE, type RunView } from '../../../src/pipeline/contracts.ts';
import { JournalRecord, type Recorded } from '../../../src/pipeline/journal.ts';
import { type PipelineEvent, type PipelineState, WORK_STATES } from '../../../src/pipeline/machine-types.ts';
import { GATE_OF, runView, STAGE_OF, StageBoard } from '../../../src/pipeline/view.ts';
import { Drawing } from '../../../src/webview/run/contract.ts';
import { eventsIn, initial, next, type Snapshot } from '../pipeline/machine-model.ts';
import { LIMITS, request } from '../pipeline/scripted.ts';

const AT = '2026-11-28T08:00:00.000Z';
const REQUEST = request('/w', { gates: { research: 'ask', publish: 'ask' } });

/** What a run has written into its journal until the machine stands where it does. */
interface Story {
  readonly snapshot: Snapshot;
  readonly records: readonly Recorded[];
}

const recorded = (record: unknown): Recorded => ({ ...JournalRecord.parse(record), at: AT });

/** The record that an event stands for. */
function recordOf(event: PipelineEvent): Recorded {
  const [kind, of] = event.type.split('.');
  const took = { durationMs: 1, usage: NO_USAGE };
  switch (kind) {
    case 'done':
      return recorded({ ...event, type: 'done', stage: of, ...took, artifacts: {} });
    case 'paused':
      return recorded({ ...event, type: 'stage_paused', stage: of, ...took });
    case 'failed':
      return recorded({ ...event, type: 'stage_failed', stage: of, ...took });
    case 'approve':
      return recorded({ ...event, type: 'decided', gate: of, by: 'person', decision: { kind: 'approve' } });
    case 'changes': {
      const { text } = event as { text: string } & PipelineEvent;
      const decision = { kind: 'request_changes', feedback: text };
      return recorded({ ...event, type: 'decided', gate: of, by: 'person', decision });
    }
    case 'reject': {
      const known = { accepted: [], applied: 0, open: { blocking: 0, unanswered: 0 } };
      return recorded({ type: 'decided', gate: of, by: 'person', decision: { kind: 'reject' }, ...known });
    }
    case 'pause':
      return recorded({ ...event, type: 'paused' });
    case 'resume':
      return recorded({ type: 'resumed' });
    default:
      return recorded({ type: 'cancelled' });
  }
}

const WORKS = ['researching', 'generating', 'testing', 'diagnosing', 'reviewing', 'publishing'];

function arrived(snapshot: Snapshot, records: readonly Recorded[]): Story {
  if (!WORKS.includes(snapshot.value)) return { snapshot, records };
  const { stage, attempt, mode } = snapshot.context.step;
  return { snapshot, records: [...records, recorded({ type: 'started', stage, attempt, mode })] };
}

/** One way into each state, by each mode of its step, each place that a pause came from and each used-up count. */
function stories(): Map<string, Story> {
  const keyOf = ({ value, context }: Snapshot): string =>
    JSON.stringify([value, context.step.mode, context.pause?.from, context.counts, context.test === null]);
  const limits = { testFixes: 1, codeFixes: 1, reviewCycles: 1, reResearch: 1 };
  const first = arrived(initial(limits), []);
  const found = new Map([[keyOf(first.snapshot), first]]);
  const open = [first];
  for (let from = open.shift(); from !== undefined; from = open.shift()) {
    for (const [, event] of eventsIn(from.snapshot)) {
      const to = next(from.snapshot, event);
      const key = keyOf(to);
      if (found.has(key)) continue;
      const story = arrived(to, [...from.records, recordOf(event)]);
      found.set(key, story);
      open.push(story);
    }
  }
  return found;
}

function viewOf({ snapshot: { value, context }, records }: Story): RunView {
  const board = new StageBoard(REQUEST, AT);
  for (const record of records) board.take(record);
  const machine = { value, context };
  return runView({ runId: 'r', runDir: '/w/r', request: REQUEST, createdAt: AT, board, machine });
}

describe('the drawing of the pipeline', () => {
  const all = [...stories().values()].map((story) => ({ story, view: viewOf(story) }));
  const in_ = (...states: PipelineState[]): typeof all =>
    all.filter(({ story }) => states.includes(story.snapshot.value));

  it('covers every state of the machine', () => {
    const seen = new Set<string>(all.map(({ story }) => story.snapshot.value));
    assert.deepEqual([...seen].sort(), [...WORK_STATES, 'paused', 'published', 'cancelled', 'failed'].sort());
    assert.ok(all.length > 100, String(all.length));
  });

  it('marks the one stage that works', () => {
    for (const { story, view } of in_(...WORK_STATES.filter((state) => GATE_OF[state] === undefined))) {
      const { stages, gates, text } = drawingOf(view, REQUEST, []);
      const { stage } = story.snapshot.context.step;
      assert.deepEqual(
        stages.filter(({ here }) => here).map((one) => [one.stage, one.state]),
        [[stage, 'running']],
      );
      assert.deepEqual(
        gates.filter(({ here }) => here),
        [],
      );
      assert.match(text, new RegExp(`It stands at ${stage}`, 'i'));
      assert.equal(runSummary(view), STAGE_AT_WORK[stage], 'also while failed tests are diagnosed');
    }
  });

  it('marks the one gate that waits, and no stage beside it', () => {
    for (const { story, view } of in_(...WORK_STATES.filter((state) => GATE_OF[state] !== undefined))) {
      const { stages, gates } = drawingOf(view, REQUEST, []);
      const expected = GATE_OF[story.snapshot.value as keyof typeof GATE_OF];
      assert.deepEqual(
        gates.filter(({ here }) => here).map(({ gate }) => gate),
        [expected],
      );
      assert.ok(gates.find(({ here }) => here)?.text.includes('waits for you now'));
      assert.deepEqual(
        stages.filter(({ here }) => here),
        [],
      );
    }
  });

  it('marks where a paused run goes on', () => {
    for (const { story, view } of in_('paused')) {
      const from = story.snapshot.context.pause?.from;
      assert.ok(from);
      const here = drawingOf(view, REQUEST, []).stages.filter((stage) => stage.here);
      assert.deepEqual(
        here.map(({ stage, state }) => [stage, state]),
        [[STAGE_OF[from], 'paused']],
      );
    }
  });

  it('marks what failed, and nothing in a published run', () => {
    for (const { view } of in_('failed')) assert.equal(standsAt(view)?.state, 'failed');
    for (const { view } of in_('published')) {
      const { stages, gates, loops } = drawingOf(view, REQUEST, []);
      assert.ok([...stages, ...gates, ...loops].every(({ here }) => !here));
    }
  });

  it('counts each loop as the machine does, and marks the one under way', () => {
    let under = 0;
    for (const { story, view } of all) {
      const { counts, step } = story.snapshot.context;
      const { loops, text } = drawingOf(view, { ...REQUEST, limits: LIMITS }, []);
      const { value } = story.snapshot;
      assert.deepEqual(
        loops.map(({ used, limit }) => [used, limit]),
        [
          [counts.codeFixes, 3],
          [counts.testFixes, 3],
          [counts.reviewCycles, 2],
          [counts.reResearch, 1],
        ],
      );
      assert.ok(text.includes(`code fixes ${counts.codeFixes} of 3`), text);
      const way = {
        generateFIX: 'fixCode',
        testFIX: 'fixTests',
        generateIMPROVE: 'improve',
        researchREVISE: 'revise',
      };
      const expected = WORKS.includes(value)
        ? way[`${step.stage}${step.mode}` as keyof typeof way]
        : undefined;
      const marked = loops.filter(({ here }) => here).map(({ loop }) => loop);
      if (WORKS.includes(value)) assert.deepEqual(marked, expected === undefined ? [] : [expected]);
      under += marked.length;
    }
    assert.ok(under > 20, String(under));
  });

  it('fits what the page accepts', () => {
    for (const { view } of all) assert.equal(Drawing.safeParse(drawingOf(view, REQUEST, [])).success, true);
  });

  it('tells gates that ask from those that go on, with their newest answer', () => {
    const [first] = all;
    assert.ok(first);
    const words = { gate: 'research', decision: 'approve', by: 'person', at: AT } as const;
    const { gates } = drawingOf(first.view, REQUEST, [words]);
    const research = gates.find(({ gate }) => gate === 'research');
    assert.deepEqual(research, {
      gate: 'research',
      policy: 'ask',
      answer: 'approve',
      here: false,
      text: 'Gate research: asks you, approved by you',
    });
    const auto = drawingOf(first.view, { ...REQUEST, gates: { research: 'auto' } }, []).gates;
    assert.deepEqual(
      auto.filter(({ policy }) => policy === 'auto').map(({ gate }) => gate),
      ['research'],
    );
  });

  it('offers the buttons that the state has, and none that would fail', () => {
    const names = (view: RunView): string[] => buttonsOf(view, false).map(({ button }) => button);
    for (const { view } of all) {
      const has = names(view);
      assert.equal(has.includes('pause'), view.status === 'running');
      assert.equal(has.includes('resume'), view.status === 'paused');
      assert.equal(has.includes('cancel'), ['running', 'waiting', 'paused'].includes(view.status));
      assert.equal(has.includes('runAgain'), ['failed', 'cancelled'].includes(view.status));
      assert.equal(has.includes('decide'), view.gate !== null && view.gate !== 'tests');
      assert.equal(has.includes('approve'), view.gate === 'tests');
      assert.deepEqual(
        buttonsOf(view, true).filter(({ button }) => button !== 'openConnector'),
        [],
        'a run that another process drives can only be looked at',
      );
    }
  });
});
