/** The machine played to its end: loops counted exactly, and random walks that must keep their promises. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Limits, StageResult } from '../../../src/pipeline/contracts.ts';
import type { PipelineEvent, PipelineState } from '../../../src/pipeline/machine-types.ts';
import { basis, eventsIn, FINAL, initial, next, type Snapshot } from './machine-model.ts';
import { diagnosed, generated, LIMITS, published, research, reviewed, tested } from './scripted.ts';

interface Answers {
  /** Verdict of the n-th diagnosis. */
  readonly diagnose?: (attempt: number) => StageResult<'diagnose'>['verdict'];
  readonly review?: (attempt: number) => StageResult<'review'>['decision'];
}

/** What the pipeline does when people approve everything and stages answer like this; ends where nothing goes on. */
function play(limits: Limits, answers: Answers): { trace: string[]; end: Snapshot } {
  let snapshot = initial(limits);
  const trace: string[] = [];
  for (let steps = 0; steps < 500; steps += 1) {
    const event = answerTo(snapshot, answers);
    if (event === undefined) return { trace, end: snapshot };
    const { stage, mode, attempt } = snapshot.context.step;
    trace.push(snapshot.value.startsWith('gate') ? snapshot.value : `${stage} ${mode} ${attempt}`);
    snapshot = next(snapshot, event);
  }
  throw new Error('The pipeline never ends.');
}

function answerTo(snapshot: Snapshot, answers: Answers): PipelineEvent | undefined {
  const { attempt } = snapshot.context.step;
  const verdict = answers.diagnose ?? (() => 'pass' as const);
  switch (snapshot.value) {
    case 'researching':
      return { type: 'done.research', attempt, result: research };
    case 'generating':
      return { type: 'done.generate', attempt, result: generated() };
    case 'testing': {
      const failing = verdict(attempt) === 'pass' ? [] : [`t${attempt}`];
      return { type: 'done.test', attempt, result: tested(failing), ran: `run ${attempt}` };
    }
    case 'diagnosing':
      return { type: 'done.diagnose', attempt, result: diagnosed(verdict(attempt)) };
    case 'reviewing': {
      const result = reviewed((answers.review ?? (() => 'clean'))(attempt));
      const found = result.decision === 'needs_work' ? 1 : 0;
      return { type: 'done.review', attempt, result, open: { blocking: found, unanswered: found } };
    }
    case 'publishing':
      return { type: 'done.publish', attempt, result: published(snapshot.context.step.draft) };
    case 'gateResearch':
      return { type: 'approve.research', ...basis() };
    case 'gateCode':
      return { type: 'approve.code', ...basis() };
    case 'gateTests':
      return { type: 'approve.tests', ...basis() };
    case 'gateReview':
      return { type: 'approve.review', ...basis(1, 0, 1) };
    case 'gateDraft':
      return { type: 'approve.draft', ...basis(0, 0, 1) };
    case 'gatePublish':
      return { type: 'approve.publish', ...basis() };
    case 'paused':
    case 'published':
    case 'cancelled':
    case 'failed':
      return undefined;
  }
}

const count = (trace: readonly string[], start: string): number =>
  trace.filter((line) => line.startsWith(start)).length;

describe('the pipeline counts exactly', () => {
  for (const limit of [0, 1, 2, 3, 7]) {
    it(`${limit} fixes of the code`, () => {
      const { trace, end } = play({ ...LIMITS, codeFixes: limit }, { diagnose: () => 'code' });
      assert.equal(end.value, 'paused');
      assert.equal(end.context.pause?.cause, 'stuck');
      assert.equal(count(trace, 'generate FIX'), limit);
      assert.equal(count(trace, 'test RERUN'), limit);
      assert.equal(count(trace, 'diagnose'), limit + 1);
    });

    it(`${limit} fixes of the tests`, () => {
      const { trace, end } = play({ ...LIMITS, testFixes: limit }, { diagnose: () => 'tests' });
      assert.equal(end.context.pause?.cause, 'stuck');
      assert.equal(count(trace, 'test FIX'), limit);
      assert.equal(count(trace, 'generate FIX'), 0);
      assert.equal(count(trace, 'diagnose'), limit + 1);
    });

    it(`${limit} review cycles`, () => {
      const { trace, end } = play({ ...LIMITS, reviewCycles: limit }, { review: () => 'needs_work' });
      assert.equal(end.value, 'published');
      assert.equal(end.context.step.draft, true);
      assert.equal(count(trace, 'generate IMPROVE'), limit);
      assert.equal(count(trace, 'gateReview'), limit);
      assert.equal(count(trace, 'review'), limit + 1);
      assert.equal(count(trace, 'gateDraft'), 1);
      assert.equal(count(trace, 'gateTests'), 1);
      assert.equal(count(trace, 'gateCode'), 1);
    });

    it(`${limit} re-researches`, () => {
      const { trace, end } = play({ ...LIMITS, reResearch: limit }, { review: () => 'needs_research' });
      assert.equal(end.context.step.draft, true);
      assert.equal(count(trace, 'research REVISE'), limit);
      assert.equal(count(trace, 'generate GENERATE'), limit + 1);
      assert.equal(count(trace, 'gateResearch'), limit + 1);
      assert.equal(count(trace, 'gateCode'), limit + 1);
      assert.equal(count(trace, 'gateTests'), limit + 1);
    });
  }

  it('fixes over the whole run, not anew for each review cycle', () => {
    const diagnose = (attempt: number): 'code' | 'pass' => (attempt % 2 === 1 ? 'code' : 'pass');
    const { trace, end } = play({ ...LIMITS, codeFixes: 2 }, { diagnose, review: () => 'needs_work' });
    assert.equal(end.context.pause?.cause, 'stuck');
    assert.equal(count(trace, 'generate FIX'), 2);
    assert.equal(count(trace, 'generate IMPROVE'), 2);
  });

  it('code and tests apart', () => {
    const diagnose = (attempt: number): 'code' | 'tests' => (attempt % 2 === 1 ? 'code' : 'tests');
    const { trace } = play({ ...LIMITS, codeFixes: 2, testFixes: 2 }, { diagnose });
    assert.deepEqual(trace.slice(4), [
      'test GENERATE 1',
      'diagnose RUN 1',
      'generate FIX 2',
      'test RERUN 2',
      'diagnose RUN 2',
      'test FIX 3',
      'diagnose RUN 3',
      'generate FIX 3',
      'test RERUN 4',
      'diagnose RUN 4',
      'test FIX 5',
      'diagnose RUN 5',
    ]);
  });
});

describe('the pipeline on random walks', () => {
  const limits = fc.record({
    testFixes: fc.nat(3),
    codeFixes: fc.nat(3),
    reviewCycles: fc.nat(3),
    reResearch: fc.nat(2),
  });

  interface Walked {
    readonly from: Snapshot;
    readonly name: string;
    readonly to: Snapshot;
  }

  /** Follows the choices, each the share of the way through the events that are possible. */
  function walk(start: Snapshot, choices: readonly number[], without: readonly string[]): Walked[] {
    const walked: Walked[] = [];
    let from = start;
    for (const choice of choices) {
      const possible = [...eventsIn(from)].filter(([name]) => !without.includes(name));
      const chosen = possible[Math.floor(choice * possible.length)];
      if (chosen === undefined) break;
      const [name, event] = chosen;
      const to = next(from, event);
      walked.push({ from, name, to });
      from = to;
    }
    return walked;
  }

  const choices = (length: number): fc.Arbitrary<number[]> =>
    fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: length,
      maxLength: length,
    });
  const visits = (walked: readonly Walked[], state: PipelineState, ...from: PipelineState[]): number =>
    walked.filter((step) => step.to.value === state && from.includes(step.from.value)).length;

  it('come to an end within a bound when nobody asks for changes', () => {
    const endless = ['changes', 'pause', 'cancel', 'reject', 'stage pauses', 'stage fails', 'resume'];
    fc.assert(
      fc.property(limits, choices(400), (chosen, path) => {
        const walked = walk(initial(chosen), path, endless);
        const end = walked.at(-1)?.to;
        assert.ok(end !== undefined);
        assert.ok([...FINAL, 'paused'].includes(end.value), end.value);
        const { testFixes, codeFixes, reviewCycles, reResearch } = chosen;
        const rounds = 1 + reResearch;
        const most = 11 * rounds + 5 * reviewCycles + 3 * codeFixes + 2 * testFixes;
        assert.ok(walked.length <= most, `${walked.length} steps, at most ${most}`);
      }),
      { numRuns: 300 },
    );
  });

  it('ask at each gate exactly as often as there is something new to see', () => {
    fc.assert(
      fc.property(limits, choices(150), (chosen, path) => {
        const walked = walk(initial(chosen), path, ['cancel', 'reject', 'stage fails']);
        const begun = (label: string): number =>
          walked.filter(({ from, to }) => {
            const { stage, mode } = to.context.step;
            return from.context.step !== to.context.step && `${stage} ${mode}` === label;
          }).length;
        const doneIn = (state: PipelineState): Walked[] =>
          walked.filter(({ from, name }) => from.value === state && name.startsWith('done'));

        assert.equal(visits(walked, 'gateResearch', 'researching'), doneIn('researching').length);
        const unseen = doneIn('generating').filter(({ from, to }) => {
          const fresh = from.context.step.mode === 'GENERATE';
          return fresh || (from.context.step.mode === 'IMPROVE' && to.value === 'gateCode');
        });
        assert.equal(visits(walked, 'gateCode', 'generating'), unseen.length);
        const first = doneIn('generating').filter(({ from }) => from.context.step.mode === 'GENERATE');
        const wished = walked.filter(({ from, name }) => from.value === 'gateCode' && name === 'changes');
        const pending = walked.at(-1)?.to.context.step.mode === 'IMPROVE' ? 1 : 0;
        assert.ok(Math.abs(unseen.length - first.length - wished.length) <= pending);
        // The gate of the tests: once per GENERATE, once more for each wish there.
        const wishes = walked.filter(
          ({ from, name }) => from.value === 'gateTests' && name === 'changes',
        ).length;
        assert.ok(visits(walked, 'gateTests', 'diagnosing') <= begun('test GENERATE') + wishes);
      }),
      { numRuns: 150 },
    );
  });

  it('never let a decision rest on feedback or evidence of an earlier attempt', () => {
    fc.assert(
      fc.property(limits, choices(150), (chosen, path) => {
        let evidence: unknown = null;
        for (const { from, to, name } of walk(initial(chosen), path, ['cancel', 'reject'])) {
          if (from.value === 'testing' && name.startsWith('done')) evidence = to.context.test;
          if (from.value === 'diagnosing' && name.startsWith('done')) {
            assert.equal(from.context.test, evidence, 'a diagnosis is about the newest test run');
          }
          const fixing = to.context.step.mode === 'FIX' && to.context.step !== from.context.step;
          if (fixing && from.value === 'diagnosing') {
            assert.deepEqual(to.context.step.feedback?.failingTests, from.context.test?.result.failing);
          }
          if (from.value === 'reviewing' && name.startsWith('done')) {
            assert.equal(from.context.test?.result.verdict, 'passed', 'only tested code is reviewed');
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
