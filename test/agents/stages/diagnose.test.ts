import assert from 'node:assert/strict';
import type { DiagnoseResult, StageContext, TestCase, TestReport } from '../../../src/pipeline/contracts.ts';
import { evidenceHashes } from '../../../src/python/pytest.ts';
import { createAgentDiagnose } from '../../../src/stages/diagnose/agent.ts';
import { steadyText } from '../../../src/stages/diagnose/steady.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { connectorWorkbench, type Workbench } from '../../unit/stages/support/context.ts';
import { PAUSED, type Script, stubRuntime, type StubRuntime } from './stub-runtime.ts';

const NOON = 'tests/test_tides.py::test_noon';
const TABLE = 'tests/test_tides.py::test_table[0]';

function failing(id: string, raised: string): TestCase {
  return {
    id,
    file: 'tests/test_tides.py',
    line: 11,
    outcome: 'failed',
    durationMs: 1,
    message: raised,
    details: `E   ${raised}\n\nsrc/tides.py:11: ${raised}`,
  };
}

describe('the stage diagnose by agents', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  async function report(cases: readonly TestCase[], more: Partial<TestReport> = {}): Promise<void> {
    const bad = cases.filter((entry) => entry.outcome === 'failed').length;
    const made: TestReport = {
      schemaVersion: 1,
      verdict: bad > 0 ? 'failed' : 'passed',
      exitCode: bad > 0 ? 1 : 0,
      timedOut: false,
      total: cases.length,
      passed: cases.length - bad,
      failed: bad,
      errors: 0,
      skipped: 0,
      coverage: 80,
      cases: [...cases],
      ...(await evidenceHashes(bench.connectorDir)),
      command: [],
      python: '3.11',
      startedAt: '2026-11-21T03:12:00.000Z',
      durationMs: 1,
      integrity: [],
      ...more,
    };
    await bench.context().writeArtifact('test-report.json', made);
  }

  async function diagnose(
    runtime: StubRuntime,
    context: Partial<StageContext> = {},
  ): Promise<DiagnoseResult> {
    const outcome = await createAgentDiagnose(bench.dependencies(), runtime).run(
      bench.context({ mode: 'RUN', ...context }),
    );
    assert.equal(outcome.status, 'done', JSON.stringify(outcome));
    const { result } = outcome as { result: DiagnoseResult };
    assert.deepEqual(await bench.artifact('diagnosis.json'), JSON.parse(JSON.stringify(result)));
    return result;
  }

  const verdict = (changes: object = {}): object => ({
    verdict: 'code',
    explanation: 'height() looks up a key that is not there.',
    cure: null,
    evidence: [{ test: NOON, fault: 'code', because: 'src/tides.py:11 raises KeyError' }],
    ...changes,
  });
  const noon = failing(NOON, "KeyError: 'x'");

  it('asks nobody where the machine is at fault', async () => {
    await report([failing(NOON, 'OSError: [Errno 28] No space left on device')]);
    const result = await diagnose(stubRuntime());
    assert.equal(result.verdict, 'environment');
    assert.match(result.cure ?? '', /Free some space/);
    await report([], { verdict: 'unusable', reason: 'files of the connector changed while its tests ran' });
    assert.equal((await diagnose(stubRuntime())).verdict, 'environment');
  });

  it('hands over failing tests and the rules’ hint, and takes reasons from the model, counts from the report', async () => {
    await report([noon, failing(TABLE, 'OSError: [Errno 28] No space left on device')]);
    const runtime = stubRuntime(({ task, given, toolNames }) => {
      assert.deepEqual(toolNames, ['read', 'grep']);
      assert.deepEqual(
        task.given.map((piece) => piece.stable),
        [true, false, false, false],
      );
      assert.match(given, /heights: GET \/heights/);
      assert.match(given, /2 tests: 0 passed, 2 failed/);
      assert.match(given, /1 × code: KeyError at src\/tides\.py:11/);
      assert.match(given, /### tests\/test_tides\.py::test_noon \(tests\/test_tides\.py:11\): failed/);
      return verdict({
        explanation: '150 passed, but a key is missing.',
        evidence: [
          { test: NOON, fault: 'code', because: 'KeyError' },
          { test: TABLE, fault: 'environment', because: 'the disk is full' },
        ],
      });
    });
    const result = await diagnose(runtime);
    assert.equal(result.verdict, 'code');
    assert.match(
      result.explanation,
      /^The code is at fault in 1 of 2 failing tests that were looked at: 150/,
    );
    assert.equal(result.evidence.length, 2);
    assert.equal(result.cure, undefined);
  });

  it('shows 15 tests at most, one for each reason first; the others keep the rules’ reason', async () => {
    const many = [...Array(20).keys()].map((n) => failing(`${TABLE}-${n}`, "KeyError: 'x'"));
    const odd = {
      ...failing(NOON, 'NameError: y'),
      details: 'E   NameError: y\n\ntests/test_tides.py:13: N',
    };
    await report([...many, odd]);
    const result = await diagnose(
      stubRuntime(({ given }) => {
        assert.match(given, /# Failing tests \(15\)/);
        assert.match(given, /### tests\/test_tides\.py::test_noon /);
        assert.match(given, /Also failing[\s\S]*- tests\/test_tides\.py::test_table\[0\]-19/);
        const shown = [...given.matchAll(/^### (\S+)/gm)].map((found) => found[1]);
        return verdict({ evidence: shown.map((test) => ({ test, fault: 'code', because: 'b' })) });
      }),
    );
    assert.equal(result.evidence.length, 21);
    assert.equal(result.evidence.filter((entry) => entry.because.endsWith('(told by rules)')).length, 6);
  });

  const entry = (test: string, fault = 'code'): object => ({ test, fault, because: 'b' });
  const token = `ghp_${'a1B2c3D4e5'.repeat(4)}`;
  const REFUSED: readonly (readonly [string, object, RegExp])[] = [
    ['a pass', { verdict: 'pass' }, /does not fit/],
    [
      'a test that is not there',
      { evidence: [entry(NOON), entry('tests/x.py::y')] },
      /names tests\/x\.py::y/,
    ],
    ['a test left out', { evidence: [] }, /exactly once; it holds it 0 times/],
    ['a test twice', { evidence: [entry(NOON), entry(NOON)] }, /it holds it 2 times/],
    ['a verdict without evidence', { verdict: 'tests' }, /no entry of the evidence has that fault/],
    [
      'an environment without a cure',
      { verdict: 'environment', evidence: [entry(NOON, 'environment')] },
      /needs a cure/,
    ],
    ['a credential', { explanation: `The token ${token} is sent.` }, /credential/],
    ['further fields', { passed: 150 }, /does not fit/],
  ];
  for (const [what, changes, why] of REFUSED) {
    it(`refuses ${what}`, async () => {
      await report([noon]);
      await assert.rejects(diagnose(stubRuntime(() => verdict(changes))), why);
      await assert.rejects(bench.artifact('diagnosis.json'));
    });
  }

  it('asks about the whole suite where no test can be named', async () => {
    await report([], {
      verdict: 'unusable',
      reason: 'the tests ran longer than the time limit',
      timedOut: true,
    });
    const result = await diagnose(
      stubRuntime(({ given }) => {
        assert.match(given, /### tests: error\nthe tests ran longer/);
        return verdict({ evidence: [entry('tests')] });
      }),
    );
    assert.match(result.explanation, /^The code is at fault: height/);
    assert.equal(result.evidence.length, 1);
  });

  it('tells the next attempt what the last one said and what changed since', async () => {
    await report([noon]);
    await diagnose(stubRuntime(() => verdict()));
    const source = await bench.read('src/tides.py');
    await bench.write('src/tides.py', `${source}\n`);
    await report([noon]);
    const told: Script = ({ given }) => {
      assert.match(given, /Verdict before this one: code\. .*looks up a key/);
      assert.match(given, /the code changed, the tests did not change/);
      assert.match(given, /Then 1 tests failed; 1 of them still do/);
      return verdict();
    };
    await diagnose(stubRuntime(told), { attempt: 2 });
    // The same attempt again, after a kill: it is told the same.
    await diagnose(stubRuntime(told), { attempt: 2 });
  });

  it('hands a pause on and concludes nothing', async () => {
    await report([noon]);
    const stage = createAgentDiagnose(
      bench.dependencies(),
      stubRuntime(() => PAUSED),
    );
    assert.deepEqual(await stage.run(bench.context({ mode: 'RUN' })), PAUSED);
    await assert.rejects(bench.artifact('diagnosis.json'));
  });

  const weak = (changes: object = {}): object => ({
    file: 'tests/test_tides.py',
    startLine: 11,
    endLine: 13,
    severity: 'warning',
    message: 'Any constant would pass.',
    ...changes,
  });

  it('looks at tests that pass once, until they change', async () => {
    await bench.write('tests/test_more.py', 'def test_more():\n    x = 1\n');
    const test = (): Promise<unknown> =>
      createRulesTest(bench.dependencies()).run(bench.context({ mode: 'RERUN' }));
    await test();
    const first = await diagnose(
      stubRuntime(({ given, task }) => {
        assert.equal(task.prompt, 'diagnose-pass');
        assert.match(given, /5 of 5 tests passed, 0 skipped\. \d+(\.\d+)?% of the lines/);
        assert.match(
          given,
          /tests\/test_tides\.py \(as compiled; 3 tests, 3 checks\): test_noon 1, test_table 1/,
        );
        assert.match(given, /tests\/test_more\.py \(written or changed; 1 tests, 0 checks\): test_more:1 0/);
        assert.match(given, /Known already[^]*tests\/test_more\.py:1: test_more can’t fail/);
        return { findings: [weak(), weak({ file: 'tests/test_more.py', startLine: 1, endLine: 2 })] };
      }),
    );
    assert.equal(first.verdict, 'pass');
    assert.deepEqual(
      first.vacuous.map(({ rule, source, category, range }) => [rule, source, category, range.file]),
      [
        ['vacuous-test', 'integrity', 'tests', 'tests/test_more.py'],
        ['agent-weak-test', 'model', 'tests', 'tests/test_tides.py'],
      ],
    );
    // The code changed and the tests did not: nothing to think about.
    await bench.write('src/tides.py', `${await bench.read('src/tides.py')}\n`);
    await report([{ ...noon, outcome: 'passed' }]);
    assert.deepEqual((await diagnose(stubRuntime())).vacuous, first.vacuous);
    await bench.write('tests/test_more.py', 'def test_more():\n    assert len("x") == 1\n');
    await report([{ ...noon, outcome: 'passed' }]);
    const runtime = stubRuntime(() => ({ findings: [] }));
    assert.deepEqual((await diagnose(runtime)).vacuous, []);
    assert.equal(runtime.tasks.length, 1);
  });

  it('refuses places that are not there, and verdicts', async () => {
    await report([{ ...noon, outcome: 'passed' }]);
    for (const [findings, why] of [
      [[weak({ endLine: 99 })], /tests\/test_tides\.py has \d+ lines; 11 to 99 do not exist/],
      [[weak({ file: 'src/tides.py' })], /src\/tides\.py is not one of the files/],
      [[weak({ startLine: 13, endLine: 11 })], /lies before/],
      [[weak({ severity: 'error' })], /does not fit/],
      [Array(16).fill(weak()), /too many/],
    ] as const) {
      await assert.rejects(diagnose(stubRuntime(() => ({ findings }))), why);
    }
    await assert.rejects(diagnose(stubRuntime(() => ({ findings: [], verdict: 'code' }))), /does not fit/);
  });
});

describe('what pytest said, as it is shown to a model', () => {
  it('is the same on every machine', () => {
    const said = [
      '/home/ada/w/connectors/source-x/src/client.py:3: KeyError',
      'File "/home/ada/.cache/env/lib/python3.11/site-packages/httpx/_client.py", line 1',
      'File "/usr/lib/python3.11/json/decoder.py", line 2',
      '<Mock at 0x7f01aabbccdd> http://127.0.0.1:40123/heights took 0.31s',
      "PosixPath('/tmp/pytest-of-ada/pytest-7/test_x0/f')",
    ].join('\n');
    assert.equal(
      steadyText(said, '/home/ada/w/connectors/source-x'),
      [
        'src/client.py:3: KeyError',
        'File "site-packages/httpx/_client.py", line 1',
        'File "python/json/decoder.py", line 2',
        '<Mock at 0x…> http://127.0.0.1:<port>/heights took <time>',
        "PosixPath('<temporary>/test_x0/f')",
      ].join('\n'),
    );
  });

  it('is cut in the middle', () => {
    const lines = steadyText([...Array(100).keys()].map((n) => `line ${n}`).join('\n'), '/x').split('\n');
    assert.equal(lines.length, 51);
    assert.deepEqual([lines[0], lines[15], lines[50]], ['line 0', '… 50 lines left out …', 'line 99']);
  });
});
