import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Limits, StageMode } from '../../../src/pipeline/contracts.ts';
import type { Counts, PipelineEvent } from '../../../src/pipeline/machine-types.ts';
import { type Edge, eventsIn, explore, FINAL, initial, keyOf, next, type Snapshot } from './machine-model.ts';

const ZERO: Limits = { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 };
const SMALL: Limits = { testFixes: 1, codeFixes: 1, reviewCycles: 1, reResearch: 1 };
const UNEVEN: Limits = { testFixes: 2, codeFixes: 0, reviewCycles: 1, reResearch: 0 };

/** Modes that answer something, and so have feedback; the others must have none. */
const ANSWERING: readonly StageMode[] = ['REVISE', 'FIX', 'IMPROVE'];

function works(snapshot: Snapshot): boolean {
  return snapshot.value.endsWith('ing');
}

/** A state as the README's table names it. */
function label(snapshot: Snapshot): string {
  const { step, pause } = snapshot.context;
  switch (snapshot.value) {
    case 'researching':
    case 'generating':
    case 'testing':
      return `${snapshot.value} ${step.mode}`;
    case 'publishing':
      return step.draft ? 'publishing draft' : 'publishing';
    case 'paused':
      return `paused (${pause?.cause})`;
    default:
      return snapshot.value;
  }
}

function describeEdge(edge: Edge): string {
  return `${label(edge.from)} | ${edge.name} → ${label(edge.to)}`;
}

for (const limits of [ZERO, SMALL, UNEVEN]) {
  describe(`the machine with limits ${Object.values(limits).join(', ')}, in every state it can reach`, () => {
    let edges: Edge[];
    let nodes: Map<string, Snapshot>;
    before(function () {
      this.timeout(60_000);
      ({ edges, nodes } = explore(limits));
    });

    it('never counts past a limit, and counts one at a time', () => {
      for (const edge of edges) {
        const { from, to } = edge;
        let grown = 0;
        for (const counter of Object.keys(limits) as (keyof Counts)[]) {
          assert.ok(to.context.counts[counter] <= limits[counter], describeEdge(edge));
          grown += to.context.counts[counter] - from.context.counts[counter];
        }
        assert.ok(grown === 0 || grown === 1, describeEdge(edge));
      }
    });

    it('counts a fix, a review cycle and a re-research exactly when it begins one', () => {
      for (const edge of edges) {
        const { from, to } = edge;
        const grew = (counter: keyof Counts): boolean =>
          to.context.counts[counter] > from.context.counts[counter];
        const by = (state: string, target: string): boolean => from.value === state && label(to) === target;
        assert.equal(grew('codeFixes'), by('diagnosing', 'generating FIX'), describeEdge(edge));
        assert.equal(grew('testFixes'), by('diagnosing', 'testing FIX'), describeEdge(edge));
        assert.equal(grew('reResearch'), by('reviewing', 'researching REVISE'), describeEdge(edge));
        const cycle = ['generating IMPROVE', 'testing RERUN', 'testing FIX'].some((target) =>
          by('gateReview', target),
        );
        assert.equal(grew('reviewCycles'), cycle, describeEdge(edge));
      }
    });

    it('gives feedback to the attempts that answer something, and only to them', () => {
      for (const edge of edges) {
        const { step } = edge.to.context;
        assert.equal(step.feedback !== undefined, ANSWERING.includes(step.mode), describeEdge(edge));
      }
    });

    it('makes the feedback of a new attempt from the event that began it', () => {
      for (const edge of edges) {
        const { from, to, event } = edge;
        const begun = from.context.step !== to.context.step;
        if (!begun || to.context.step.feedback === undefined) continue;
        const { text, findings, failingTests } = to.context.step.feedback;
        if (event.type.startsWith('changes.')) assert.ok('text' in event && event.text === text);
        if ('accepted' in event) assert.deepEqual(findings, event.accepted);
        if (event.type === 'done.diagnose') {
          assert.equal(text, event.result.explanation);
          assert.deepEqual(failingTests, from.context.test?.result.failing ?? []);
        } else assert.deepEqual(failingTests, [], describeEdge(edge));
        if (event.type === 'done.review') assert.equal(text, event.result.question);
      }
    });

    it('numbers the attempts of each stage without holes, and keeps the number over a pause', () => {
      for (const edge of edges) {
        const { from, to, name } = edge;
        const { step } = to.context;
        if (step !== from.context.step) {
          assert.equal(step.attempt, from.context.attempts[step.stage] + 1, describeEdge(edge));
        }
        if (name === 'resume' && from.context.pause?.retest === false) {
          assert.equal(step, from.context.step);
          assert.equal(to.value, from.context.pause.from);
          assert.equal(to.context.pause, null);
        }
      }
    });

    it('has forgotten test results and verdicts when code or tests are written anew', () => {
      for (const { from, to } of edges) {
        const fresh = to.context.step !== from.context.step;
        if (!fresh || !['research', 'generate', 'test'].includes(to.context.step.stage)) continue;
        const { test, fruitless, question, error, pause } = to.context;
        const cleared = { test: null, question: null, error: null, pause: null };
        assert.deepEqual({ test, question, error, pause }, cleared);
        // Which fixes were in vain is remembered from one fix to the next, and no longer.
        const fix = to.context.step.mode === 'FIX' || from.context.step.mode === 'FIX';
        if (!fix || from.value === 'paused') assert.deepEqual(fruitless, []);
      }
    });

    it('ignores the outcome of any attempt but the one that runs', () => {
      for (const { event, from } of edges) {
        if (!('attempt' in event)) continue;
        for (const attempt of [event.attempt - 1, event.attempt + 1]) {
          const stale = { ...event, attempt } as PipelineEvent;
          assert.equal(next(from, stale), from, `${from.value} took ${event.type} of attempt ${attempt}`);
        }
      }
    });

    it('ignores events that belong to another state', () => {
      const samples = new Map<string, PipelineEvent>();
      for (const { event } of edges) if (!samples.has(event.type)) samples.set(event.type, event);
      const seen = new Set<string>();
      for (const node of nodes.values()) {
        if (seen.has(label(node))) continue;
        seen.add(label(node));
        const known = new Set([...eventsIn(node).values()].map(({ type }) => type));
        for (const [type, event] of samples) {
          if (known.has(event.type)) continue;
          assert.equal(next(node, event).value, node.value, `${node.value} took ${type}`);
        }
      }
    });

    it('can always be cancelled, and can always still come to an end by itself', () => {
      const into = new Map<string, string[]>();
      const ends: string[] = [];
      for (const [key, node] of nodes) {
        if (node.value === 'published') ends.push(key);
        const cancelled = next(node, { type: 'cancel' });
        assert.equal(cancelled.value, FINAL.includes(node.value) ? node.value : 'cancelled');
      }
      for (const { from, to, name } of edges) {
        if (name === 'cancel' || name === 'reject') continue;
        into.set(keyOf(to), [...(into.get(keyOf(to)) ?? []), keyOf(from)]);
      }
      const reaching = new Set(ends);
      for (let key = ends.pop(); key !== undefined; key = ends.pop()) {
        for (const before of into.get(key) ?? []) {
          if (reaching.has(before)) continue;
          reaching.add(before);
          ends.push(before);
        }
      }
      for (const [key, node] of nodes) {
        if (node.value === 'cancelled' || node.value === 'failed') continue;
        assert.ok(reaching.has(key), `${label(node)} can't reach published any more`);
      }
    });

    it('keeps where a pause came from and says why', () => {
      for (const { from, to } of edges) {
        if (to.value !== 'paused') continue;
        const { pause } = to.context;
        assert.equal(pause?.from, from.value);
        assert.notEqual(pause.message, '');
        assert.notEqual(pause.cure, '');
      }
    });

    it('publishes as a draft exactly when something blocking or a question is left open', () => {
      for (const edge of edges) {
        const { from, to, event } = edge;
        if (to.value !== 'publishing' || from.value === 'paused') continue;
        const open = 'open' in event && event.open.blocking > 0;
        const asked = from.context.question !== null;
        assert.equal(
          to.context.step.draft,
          from.value === 'gateDraft' && (open || asked),
          describeEdge(edge),
        );
        if (from.value === 'gatePublish') assert.equal(asked, false, describeEdge(edge));
      }
    });

    it('has one thing to do in each state: a stage works, or a gate waits', () => {
      const stageOf: Record<string, string> = {
        researching: 'research',
        generating: 'generate',
        testing: 'test',
        diagnosing: 'diagnose',
        reviewing: 'review',
        publishing: 'publish',
      };
      for (const node of nodes.values()) {
        if (works(node)) assert.equal(node.context.step.stage, stageOf[node.value]);
      }
    });
  });
}

describe("the README's table of transitions", () => {
  it('says what the machine does, no more and no less', async () => {
    const text = await readFile(new URL('../../../src/pipeline/README.md', import.meta.url), 'utf8');
    const [, section = ''] = text.split('## Transitions');
    const documented = new Map<string, string>();
    for (const line of section.split('\n## ')[0]!.split('\n')) {
      const cells = line.split('|').map((cell) => cell.trim());
      if (cells.length !== 5 || cells[1] === 'from' || cells[1]!.startsWith('-')) continue;
      documented.set(`${cells[1]} | ${cells[2]}`, cells[3]!);
    }
    const everywhere = ['pause', 'cancel', 'reject', 'resume', 'stage pauses', 'stage fails'];
    const found = new Map<string, Set<string>>();
    for (const { from, to, name } of explore(SMALL).edges) {
      if (everywhere.includes(name)) continue;
      const on = ['generating', 'testing'].includes(from.value) ? 'done' : name;
      const key = `${label(from)} | ${on}`;
      found.set(key, (found.get(key) ?? new Set()).add(label(to)));
    }
    const actual = new Map([...found].map(([key, targets]) => [key, [...targets].sort().join(', ')]));
    assert.deepEqual(Object.fromEntries([...actual].sort()), Object.fromEntries([...documented].sort()));
  });
});

describe('the machine at its start', () => {
  it('researches for the first time', () => {
    const { value, context } = initial(SMALL);
    assert.equal(value, 'researching');
    assert.deepEqual(context.step, {
      stage: 'research',
      mode: 'RUN',
      attempt: 1,
      feedback: undefined,
      draft: false,
    });
  });
});
