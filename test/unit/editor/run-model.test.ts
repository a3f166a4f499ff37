/** What the run view is sent: bounded, in the words of the rest of the editor, and with numbers that add up. */
import { strict as assert } from 'node:assert';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NewestFile } from '../../../src/editor/panels/models/newest-file.ts';
import { attemptRows } from '../../../src/editor/panels/models/run-attempts.ts';
import { evidenceOf } from '../../../src/editor/panels/models/run-evidence.ts';
import { modelOf, runModel } from '../../../src/editor/panels/models/run-model.ts';
import * as present from '../../../src/editor/present.ts';
import * as usageWords from '../../../src/editor/usage-words.ts';
import type { Attempt } from '../../../src/pipeline/attempts.ts';
import {
  NO_USAGE,
  type RunView,
  StageName,
  TestReport,
  type Usage,
} from '../../../src/pipeline/contracts.ts';
import { startRun } from '../../../src/pipeline/run.ts';
import { barsOf, chartText } from '../../../src/webview/run/chart-numbers.ts';
import { type AttemptRow, Evidence, RunModel } from '../../../src/webview/run/contract.ts';
import { FEED_KEPT, mergeFeed, NOTHING_SEEN } from '../../../src/webview/run/feed-lines.ts';
import * as words from '../../../src/webview/run/words.ts';
import {
  ALL_AUTO,
  dependencies,
  done,
  LIMITS,
  request,
  scripted,
  temporaryFolder,
  tested,
} from '../pipeline/scripted.ts';

const AT = '2026-11-28T08:00:00.000Z';
const paid = (usd: number): Usage => ({ ...NO_USAGE, usd, inputTokens: usd * 100, outputTokens: usd * 10 });

function view(changes: Partial<RunView> = {}, stage: Partial<RunView['stages'][number]> = {}): RunView {
  return {
    schemaVersion: 1,
    runId: 'r',
    status: 'running',
    title: 'Shop API',
    engine: 'agents',
    connectorName: 'shop',
    connectorDir: '/w/connectors/source-shop',
    runDir: '/w/.sourcewright/runs/r',
    workspace: '/w',
    startedAt: AT,
    updatedAt: AT,
    stages: StageName.options.map((name) => ({
      stage: name,
      state: name === 'generate' ? 'running' : 'pending',
      mode: null,
      attempt: name === 'generate' ? 1 : 0,
      startedAt: null,
      durationMs: null,
      usage: NO_USAGE,
      note: '',
      activity: [],
      artifacts: [],
      ...(name === 'generate' ? stage : {}),
    })),
    gate: null,
    pause: null,
    error: null,
    counts: { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 },
    usage: NO_USAGE,
    ...changes,
  };
}
const facts = (of: RunView): Parameters<typeof modelOf>[0] => ({
  view: of,
  request: { gates: {}, limits: LIMITS },
  history: { attempts: [], gates: [] },
  evidence: null,
  transcripts: [],
  readOnly: null,
});
const attempt = (changes: Partial<Attempt>): Attempt => ({
  stage: 'generate',
  attempt: 1,
  mode: 'GENERATE',
  byHand: false,
  startedAt: AT,
  sittingSince: null,
  durationMs: 1000,
  sittings: 1,
  outcome: 'done',
  note: '',
  usage: NO_USAGE,
  ...changes,
});
const lines = (from: number, to: number): { at: string; line: string }[] =>
  Array.from({ length: to - from }, (_, index) => ({
    at: AT,
    line: `turn ${from + index}: ${'x'.repeat(400)}`,
  }));

describe('the model of the run view', () => {
  it('stays small with a feed of 10,000 lines, and keeps the newest', () => {
    const model = modelOf(facts(view({}, { activity: lines(0, 10_000) })));
    assert.ok(RunModel.safeParse(model).success);
    assert.equal(model.feed?.lines.length, 50);
    assert.match(model.feed.lines.at(-1)?.line ?? '', /^turn 9999: /);
    assert.ok(JSON.stringify(model).length < 40_000, String(JSON.stringify(model).length));
  });

  it('lets the page keep what has passed, up to a bound, each line once', () => {
    let seen = NOTHING_SEEN;
    for (let at = 0; at <= 10_000; at += 20) {
      const newest = Array.from({ length: 30 }, (_, index) => at - 30 + index)
        .filter((number) => number >= 0)
        .map((number) => ({ id: `${number}`, at: AT, kind: 'Turn', line: `line ${number}` }));
      seen = mergeFeed(seen, { key: 'generate/1', lines: newest });
    }
    assert.equal(seen.count, 10_000);
    assert.equal(seen.lines.length, FEED_KEPT);
    assert.equal(new Set(seen.lines.map(({ id }) => id)).size, FEED_KEPT);
    assert.equal(seen.lines.at(-1)?.line, 'line 9999');
    assert.equal(mergeFeed(seen, { key: 'generate/1', lines: seen.lines.slice(-5) }), seen, 'nothing new');
    assert.equal(mergeFeed(seen, { key: 'generate/2', lines: [] }).count, 0, 'another attempt begins anew');
  });

  it('cuts lists of attempts, and says how many are left out', () => {
    const many = Array.from({ length: 100 }, (_, index) => attempt({ attempt: index + 1 }));
    const { shown, left } = attemptRows(view(), many);
    assert.deepEqual([shown.length, left, shown.at(-1)?.attempt], [80, 20, 100]);
  });

  it('gives an attempt at work what its stage has cost beyond the others', () => {
    const running = view({}, { usage: paid(5), attempt: 2 });
    const { shown } = attemptRows(running, [
      attempt({ usage: paid(3), outcome: 'failed' }),
      attempt({ attempt: 2, mode: 'FIX', outcome: 'running', sittingSince: AT, usage: null }),
    ]);
    assert.deepEqual(
      shown.map(({ usage, outcome, since }) => [usage.usd, outcome, since]),
      [
        [3, 'failed', null],
        [2, 'running', AT],
      ],
    );
  });

  it('does not call an attempt running on which nobody works', () => {
    const { shown } = attemptRows(view({ status: 'paused' }, { state: 'paused' }), [
      attempt({ outcome: 'running', sittingSince: AT }),
    ]);
    assert.deepEqual([shown[0]?.outcome, shown[0]?.since], ['interrupted', null]);
  });

  it('is read from the files of a real run, and names who else drives it', async () => {
    const folder = await temporaryFolder();
    const run = await startRun(
      request(folder.path, { gates: { ...ALL_AUTO, tests: 'ask' } }),
      dependencies(
        scripted({
          test: async (context) => {
            await context.writeArtifact('test-report.json', REPORT);
            return done(tested());
          },
        }),
      ),
    );
    try {
      const waiting = await run.settled();
      assert.equal(waiting.gate, 'tests');
      const model = await runModel(waiting);
      assert.ok(RunModel.safeParse(model).success);
      assert.deepEqual(
        model.attempts.shown.map(({ stage }) => stage),
        ['research', 'generate', 'test', 'diagnose'],
      );
      assert.equal(model.evidence?.passed, 9);
      assert.equal(model.evidence.outdated, false);
      assert.equal(model.readOnly, null, 'our own process is no other');
      await run.decide('tests', { kind: 'approve' });
      await run.settled();
      const after = await runModel(run.view());
      assert.deepEqual(after.attempts.shown.length, 6, 'the journal was read again');
    } finally {
      await run.dispose();
      await folder.remove();
    }
  });
});

const survivor = (line: number): object => ({
  file: 'src/client.py',
  line,
  operator: 'boundary',
  before: 'if a < b:',
  after: 'if a <= b:',
  handWritten: false,
  outcome: 'survived',
  tests: 3,
  killedBy: [],
});
const check = (id: string): object => ({
  id,
  title: 'Keys are unique.',
  problems: Array.from({ length: 8 }, (_, index) => ({
    message: `problem ${index}`,
    file: 'src/a.py',
    line: 1,
  })),
});
const REPORT = TestReport.parse({
  schemaVersion: 1,
  verdict: 'passed',
  exitCode: 0,
  timedOut: false,
  total: 10,
  passed: 9,
  failed: 0,
  errors: 0,
  skipped: 1,
  coverage: 91.25,
  cases: Array.from({ length: 2000 }, (_, index) => ({
    id: `tests/test_a.py::test_${index}`,
    file: 'tests/test_a.py',
    line: index + 1,
    outcome: index < 120 ? 'failed' : 'passed',
    durationMs: 1,
    message: 'm'.repeat(5000),
  })),
  codeSha256: 'c'.repeat(64),
  testsSha256: 'd'.repeat(64),
  command: ['python', '-m', 'pytest'],
  python: '3.11.7',
  startedAt: AT,
  durationMs: 1234,
  integrity: [
    {
      id: 'i',
      rule: 'removed-assert',
      source: 'integrity',
      severity: 'error',
      category: 'tests',
      message: 'An assert is gone.',
      range: { file: 'tests/test_a.py', startLine: 7, endLine: 7 },
      excerpt: '',
    },
  ],
  mutation: {
    note: null,
    seed: 's',
    limit: 30,
    candidates: 200,
    killed: 20,
    survived: 60,
    timedOut: 1,
    notRun: 0,
    killRate: 25.9,
    mutants: [
      ...Array.from({ length: 60 }, (_, index) => survivor(index + 1)),
      { ...survivor(99), outcome: 'killed' },
    ],
    idleTests: [],
  },
  conformance: {
    note: null,
    passed: 40,
    failed: 1,
    notApplicable: 2,
    broken: 0,
    seconds: 3,
    failures: [check('data.keys-are-unique')],
    advice: [check('agent.next-call')],
  },
});

describe('the evidence of the run view', () => {
  const evidence = evidenceOf(REPORT, { outdated: false, unchanged: true });

  it('has counts, hashes, survivors, checks, advice and integrity, and fits the page', () => {
    assert.ok(Evidence.safeParse(evidence).success);
    assert.deepEqual(
      [evidence.passed, evidence.total, evidence.skipped, evidence.coverage],
      [9, 10, 1, 91.25],
    );
    assert.equal(evidence.codeSha256, 'c'.repeat(64));
    assert.deepEqual(evidence.mutation?.survivors.shown[0], {
      place: { file: 'src/client.py', line: 1 },
      operator: 'boundary',
      before: 'if a < b:',
      after: 'if a <= b:',
      handWritten: false,
    });
    assert.deepEqual(
      evidence.conformance?.advice.shown.map(({ id }) => id),
      ['agent.next-call'],
    );
    assert.equal(evidence.integrity.shown[0]?.rule, 'integrity removed-assert');
  });

  it('is bounded, and says what it leaves out', () => {
    assert.deepEqual([evidence.failing.shown.length, evidence.failing.left], [50, 70]);
    assert.deepEqual(
      [evidence.mutation?.survivors.shown.length, evidence.mutation?.survivors.left],
      [50, 10],
    );
    const problems = evidence.conformance?.failures.shown[0]?.problems;
    assert.deepEqual([problems?.shown.length, problems?.left], [5, 3]);
    assert.ok(JSON.stringify(evidence).length < 60_000);
  });
});

describe('the charts of the run view', () => {
  const now = Date.parse(AT) + 500;
  const row = (changes: Partial<AttemptRow>): AttemptRow => ({
    stage: 'test',
    label: 'Test',
    attempt: 1,
    mode: 'GENERATE',
    byHand: false,
    outcome: 'done',
    startedAt: AT,
    durationMs: 1000,
    since: null,
    sittings: 1,
    usage: { usd: 0, inputTokens: 0, outputTokens: 0 },
    note: '',
    ...changes,
  });
  const stages = [
    { stage: 'test', label: 'Test' },
    { stage: 'review', label: 'Review' },
    { stage: 'publish', label: 'Publish' },
  ];
  const rows = [
    row({ durationMs: 3000, outcome: 'failed', usage: { usd: 0.3, inputTokens: 100, outputTokens: 50 } }),
    row({ attempt: 2, mode: 'FIX', durationMs: 1000, usage: { usd: 0.1, inputTokens: 10, outputTokens: 5 } }),
    row({ stage: 'review', label: 'Review', durationMs: 500, since: AT, outcome: 'running', mode: 'RUN' }),
  ];

  it('draws all bars to one scale, each made of its attempts', () => {
    const [test, review, publish] = barsOf(stages, rows, 'time', now);
    assert.deepEqual(
      test?.segments.map(({ from, to }) => [from, to]),
      [
        [0, 0.75],
        [0.75, 1],
      ],
    );
    assert.equal(test.text, '4.0 s');
    assert.equal(review?.total, 1000, 'the sitting under way counts');
    assert.deepEqual(
      review.segments.map(({ to }) => to),
      [0.25],
    );
    assert.deepEqual([publish?.total, publish?.segments, publish?.text], [0, [], '']);
    assert.equal(test.segments[1]?.text, 'attempt 2, FIX: 1.0 s, done');
  });

  it('adds up tokens and dollars', () => {
    assert.equal(barsOf(stages, rows, 'tokens', now)[0]?.total, 165);
    const [test, review] = barsOf(stages, rows, 'cost', now);
    assert.equal(test?.text, '$0.40');
    assert.deepEqual(
      review?.segments.map(({ from, to }) => [from, to]),
      [[0, 0]],
    );
  });

  it('has nothing to divide by before anything was paid', () => {
    for (const bar of barsOf(stages, [], 'cost', now)) assert.deepEqual(bar.segments, []);
    assert.equal(chartText('Cost', barsOf(stages, [], 'cost', now)), 'Cost: nothing yet.');
  });

  it('is told in words to those who do not see it', () => {
    assert.equal(
      chartText('Time', barsOf(stages, rows, 'time', now)),
      'Time: Test 4.0 s in 2 attempts, Review 1.0 s.',
    );
  });

  it('words times, dollars and tokens as the trees do', () => {
    for (const value of [0, 0.004, 0.42, 1, 999, 1000, 61_234, 999_499, 999_500, 1_250_000, 59_999, 65_000]) {
      assert.equal(words.duration(value), present.duration(value));
      assert.equal(words.cost(value), usageWords.cost(value));
      assert.equal(words.tokens(value), usageWords.tokens(value));
    }
  });
});

describe('files that are read only when they have changed', () => {
  it('reads once for each change, and forgets the oldest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sourcewright-newest-'));
    try {
      const read: string[] = [];
      const file = new NewestFile((path) => {
        read.push(path);
        return Promise.resolve(read.length);
      }, 2);
      const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string];
      assert.equal(await file.get(a), undefined, 'not there yet');
      for (const path of [a, b, c]) await writeFile(path, 'one');
      assert.equal(await file.get(a), 1);
      assert.equal(await file.get(a), 1);
      await utimes(a, new Date(0), new Date(1));
      assert.equal(await file.get(a), 2);
      await file.get(b);
      await file.get(c);
      assert.equal(await file.get(a), 5, 'the third file took the place of the first');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
