import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiagnoseResult, TestCase } from '../../../src/pipeline/contracts.ts';
import { findInterpreter } from '../../../src/python/interpreter.ts';
import { capture } from '../../../src/python/process-runner.ts';
import { type ChangedSides, classify, overall } from '../../../src/stages/diagnose/classify.ts';
import { createRulesDiagnose } from '../../../src/stages/diagnose/rules.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { connectorWorkbench, type Workbench } from './support/context.ts';

const NONE: ChangedSides = { code: [], tests: [] };
const TESTS_CHANGED: ChangedSides = { code: [], tests: ['tests/test_a.py'] };
const CODE_CHANGED: ChangedSides = { code: ['src/a.py'], tests: [] };

function failing(message: string, details: string, outcome: TestCase['outcome'] = 'failed'): TestCase {
  return {
    id: 'tests/test_a.py::test_a',
    file: 'tests/test_a.py',
    line: 3,
    outcome,
    durationMs: 1,
    message,
    details,
  };
}
const inTest = (raised: string): string =>
  `    def test_a():\n>       x()\nE       ${raised}\n\ntests/test_a.py:5: ${raised.split(':')[0] ?? ''}`;
const inCode = (raised: string): string =>
  `tests/test_a.py:5: \n_ _ _ _ _\nsrc/a.py:12: in f\n    g()\nE       ${raised}\n\nsrc/b.py:3: ${raised.split(':')[0] ?? ''}`;
const inLibrary = (raised: string): string =>
  `tests/test_a.py:5: \nsrc/a.py:12: \n../venv/lib/python3.11/site-packages/httpx/src/tests/x.py:99: \nE       ${raised}\n`;

const TABLE: readonly (readonly [
  what: string,
  entry: TestCase,
  changed: ChangedSides,
  fault: string,
  because: RegExp,
])[] = [
  [
    'raised in the code',
    failing('ValueError: x', inCode('ValueError: x')),
    NONE,
    'code',
    /ValueError at src\/b\.py:3/,
  ],
  [
    'raised in a library that the code called',
    failing('TypeError: x', inLibrary('TypeError: x')),
    NONE,
    'code',
    /src\/a\.py:12/,
  ],
  [
    'an assertion',
    failing('assert 1 == 2', inTest('AssertionError: assert 1 == 2')),
    NONE,
    'code',
    /asserted at tests\/test_a\.py:5/,
  ],
  [
    'an assertion in an edited test over compiled code',
    failing('assert 1 == 2', inTest('AssertionError: assert 1 == 2')),
    TESTS_CHANGED,
    'tests',
    /code is as compiled/,
  ],
  [
    'an assertion in a compiled test over edited code',
    failing('assert 1 == 2', inTest('AssertionError')),
    CODE_CHANGED,
    'code',
    /tests are as compiled/,
  ],
  [
    'nothing was raised',
    failing('Failed: DID NOT RAISE', inTest('Failed: DID NOT RAISE')),
    NONE,
    'code',
    /not met/,
  ],
  [
    'a mistake of names in a test',
    failing('NameError: x', inTest("NameError: name 'x' is not defined")),
    NONE,
    'tests',
    /NameError at tests/,
  ],
  [
    'a missing fixture',
    failing('failed on setup', "E       fixture 'world' not found\n\n/x/tests/test_a.py:3", 'error'),
    NONE,
    'tests',
    /set up|tests\/test_a/,
  ],
  [
    'a missing fixture file',
    failing('FileNotFoundError: x', inTest('FileNotFoundError: fixtures/x.json')),
    NONE,
    'tests',
    /FileNotFoundError/,
  ],
  [
    'a test file that does not parse',
    failing(
      'collection failure',
      'E     File "/w/tests/test_a.py", line 1\nE       def f(:\nE   SyntaxError: invalid syntax',
      'error',
    ),
    NONE,
    'tests',
    /SyntaxError/,
  ],
  [
    'a source file that does not parse',
    failing(
      'collection failure',
      'tests/test_a.py:1: in <module>\n    import src\nE     File "/w/src/a.py", line 1\nE       def f(:\nE   SyntaxError: invalid syntax',
      'error',
    ),
    NONE,
    'code',
    /src\/a\.py:1/,
  ],
  [
    'a name that edited code no longer has',
    failing('ImportError: x', inTest("ImportError: cannot import name 'f' from 'src.a'")),
    CODE_CHANGED,
    'code',
    /tests are as compiled/,
  ],
  [
    'a module of the connector that is gone',
    failing('x', inTest("ModuleNotFoundError: No module named 'src.paging'")),
    NONE,
    'code',
    /src\.paging is missing/,
  ],
  [
    'a package that is not installed',
    failing('x', inTest("ModuleNotFoundError: No module named 'httpx'")),
    NONE,
    'environment',
    /httpx is not installed/,
  ],
  [
    'a package that is not installed, from the code',
    failing('x', inCode("ModuleNotFoundError: No module named 'tenacity.wait'")),
    CODE_CHANGED,
    'environment',
    /tenacity is not installed/,
  ],
  [
    'a missing plugin',
    failing('x', inTest('Failed: async def functions are not natively supported.')),
    NONE,
    'environment',
    /plugin/,
  ],
  [
    'a missing plugin’s fixture',
    failing('x', "E       fixture 'mocker' not found", 'error'),
    NONE,
    'environment',
    /plugin/,
  ],
  [
    'a full disk',
    failing('x', inCode('OSError: [Errno 28] No space left on device')),
    NONE,
    'environment',
    /disk is full/,
  ],
  [
    'no right to write',
    failing('x', inCode("PermissionError: [Errno 13] Permission denied: '/x'")),
    NONE,
    'environment',
    /may not be/,
  ],
  [
    'no network',
    failing('x', inLibrary('httpx.ConnectError: [Errno -3] Temporary failure in name resolution')),
    NONE,
    'environment',
    /network/,
  ],
  [
    'a port that is taken',
    failing('x', inTest('OSError: [Errno 98] Address already in use')),
    NONE,
    'environment',
    /port/,
  ],
  ['too little memory', failing('x', inCode('MemoryError')), NONE, 'environment', /memory/],
];

describe('whose fault a failing test is', () => {
  for (const [what, entry, changed, fault, because] of TABLE) {
    it(`${what} → ${fault}`, () => {
      const verdict = classify(entry, changed);
      assert.equal(verdict.fault, fault, verdict.because);
      assert.match(verdict.because, because);
      assert.equal(verdict.cure !== undefined, fault === 'environment');
    });
  }

  it('over all: the environment first, then tests that were changed, else the code', () => {
    const of = (...faults: ('code' | 'tests' | 'environment')[]) =>
      faults.map((fault) => ({ fault, because: 'x' }));
    assert.equal(overall(of('code', 'tests', 'environment'), NONE), 'environment');
    assert.equal(overall(of('code', 'tests'), TESTS_CHANGED), 'tests');
    assert.equal(overall(of('code', 'tests'), NONE), 'code');
    assert.equal(overall(of('tests'), NONE), 'tests');
  });
});

/** Tests that can and can't fail; the names say which. */
const SUITE = `
import pytest
from unittest import mock


def verify(x):
    assert x


def deeper(x):
    verify(x)


def helper(x):
    return x


def test_bad_nothing():
    helper(1)


def test_bad_true():
    assert True


def test_bad_tuple(x):
    assert (x == 1, "message")


def test_bad_same(x):
    assert x == x


def test_bad_or(x):
    assert x == 1 or True


def test_bad_length(x):
    assert len(x) >= 0


def test_bad_swallowed(x):
    try:
        assert x == 1
    except AssertionError:
        pass


def test_bad_swallowed_all(x):
    try:
        verify(x)
    except Exception as error:
        print(error)


def test_bad_inner(x):
    def inner():
        assert x == 1


def test_good_assert(x):
    assert x == 1


def test_good_raises():
    with pytest.raises(ValueError):
        helper(1)


def test_good_helper(x):
    deeper(x)


def test_good_mock(m):
    m.assert_called_once_with(1)


def test_good_fail(x):
    if x:
        pytest.fail("no")


def test_good_reraised(x):
    try:
        assert x == 1
    except AssertionError:
        raise


def test_good_call_compared():
    assert helper(1) == helper(1)


class TestAll:
    def test_bad_method(self):
        self.x = 1

    def test_good_method(self):
        assert self.x == 1
`;

describe('tests that can’t fail', function () {
  this.timeout(20_000);
  it('are told from those that can', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sourcewright-vacuous-'));
    try {
      await writeFile(join(dir, 'test_x.py'), SUITE);
      const { path } = await findInterpreter();
      const script = join(import.meta.dirname, '../../../src/python/scripts/inspect_tests.py');
      const result = await capture({
        file: path,
        args: ['-I', script, dir],
        cwd: dir,
        env: {},
        timeoutMs: 20_000,
      });
      const inspection = JSON.parse(result.stdout) as {
        files: { tests: { name: string; vacuous: string | null }[] }[];
      };
      const tests = inspection.files[0]?.tests ?? [];
      assert.equal(tests.length, 18);
      for (const test of tests)
        assert.equal(
          test.vacuous !== null,
          test.name.includes('bad'),
          `${test.name}: ${test.vacuous ?? 'can fail'}`,
        );
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

describe('the stage diagnose by rules', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  /** Writes files, runs the real suite and diagnoses its real evidence. */
  async function diagnose(
    files: Readonly<Record<string, string>>,
    testTimeoutMs?: number,
  ): Promise<DiagnoseResult> {
    for (const [path, text] of Object.entries(files)) await bench.write(path, text);
    const d = bench.dependencies({ testTimeoutMs });
    await createRulesTest(d).run(bench.context({ mode: 'RERUN' }));
    const outcome = await createRulesDiagnose(d).run(bench.context({ mode: 'RUN' }));
    assert.equal(outcome.status, 'done');
    return (outcome as { result: DiagnoseResult }).result;
  }

  it('a pass, with the tests that can’t fail as findings', async () => {
    const result = await diagnose({ 'tests/test_more.py': 'def test_more():\n    x = 1\n' });
    assert.equal(result.verdict, 'pass');
    assert.deepEqual(
      result.vacuous.map(({ rule, range }) => [rule, range]),
      [['vacuous-test', { file: 'tests/test_more.py', startLine: 1, endLine: 2 }]],
    );
  });

  it('code: behaviour and exceptions', async () => {
    const source = await bench.read('src/tides.py');
    const result = await diagnose({ 'src/tides.py': source.replace('return 1.5 +', 'return {}["x"] +') });
    assert.equal(result.verdict, 'code');
    assert.match(result.explanation, /KeyError at src\/tides\.py:11/);
    assert.equal(result.evidence.length, 3);
  });

  it('code: a module that does not parse, seen at collection', async () => {
    const result = await diagnose({ 'src/tides.py': 'def f(:\n' });
    assert.equal(result.verdict, 'code');
    assert.match(result.explanation, /SyntaxError at src\/tides\.py:1/);
  });

  it('tests: an edited assertion over compiled code', async () => {
    const tests = await bench.read('tests/test_tides.py');
    const result = await diagnose({ 'tests/test_tides.py': tests.replace('== 1.5', '== 1.6') });
    assert.equal(result.verdict, 'tests');
    assert.match(result.explanation, /tests\/test_tides\.py/);
  });

  it('environment: a package that is not there, with a cure', async () => {
    const result = await diagnose({
      'tests/test_more.py': 'import nonsense_package\n\n\ndef test_a():\n    assert nonsense_package.x\n',
    });
    assert.equal(result.verdict, 'environment');
    assert.match(result.explanation, /nonsense_package is not installed/);
    assert.match(result.cure ?? '', /requirements/);
  });

  it('a run without a result: conftest is read from a second look', async () => {
    const result = await diagnose({ 'tests/conftest.py': 'import nonsense_package\n' });
    assert.equal(result.verdict, 'environment');
    assert.match(result.explanation, /nonsense_package/);
  });

  it('a suite that does not end', async () => {
    const result = await diagnose(
      { 'tests/test_slow.py': 'import time\n\n\ndef test_slow():\n    time.sleep(60)\n' },
      2500,
    );
    assert.equal(result.verdict, 'code');
    assert.match(result.explanation, /time limit/);
  });

  it('needs a test report', async () => {
    await assert.rejects(createRulesDiagnose(bench.dependencies()).run(bench.context()), /no test report/);
  });
});
