import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandResult, TestCase } from '../../../src/pipeline/contracts.ts';
import { readCoverage } from '../../../src/python/coverage.ts';
import { excerpt, parseJunit, readJunit, UnusableEvidence } from '../../../src/python/junit.ts';
import { judge } from '../../../src/python/pytest.ts';

const suite = (tests: number, body: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="${tests}" time="0.1">${body}</testsuite></testsuites>`;
const one = (attributes: string, inner = ''): string =>
  `<testcase ${attributes} time="0.25">${inner}</testcase>`;
const IN_CLASS =
  'classname="tests.test_a.TestX.TestY" name="test_b[a/b::c]" file="tests/test_a.py" line="11"';

function unusable(work: () => unknown, why: RegExp): void {
  assert.throws(work, (error) => error instanceof UnusableEvidence && why.test(error.message));
}

describe('JUnit XML', () => {
  it('gives the ids of pytest with file, line, parameter and classes', () => {
    assert.deepEqual(parseJunit(suite(1, one(IN_CLASS))), [
      {
        id: 'tests/test_a.py::TestX::TestY::test_b[a/b::c]',
        file: 'tests/test_a.py',
        line: 12,
        outcome: 'passed',
        durationMs: 250,
      },
    ]);
  });

  it('reads outcomes with message and traceback, entities and CDATA', () => {
    const body =
      one(
        'classname="tests.t" name="f" file="tests/t.py" line="0"',
        '<failure message="a &lt; b&#10;&#x41;">E   assert 1 &lt; 0 &amp;lt;</failure>',
      ) +
      one(
        'classname="tests.t" name="e" file="tests/t.py" line="1"',
        '<error message="failed on setup"><![CDATA[<!DOCTYPE x> raw]]></error>',
      ) +
      one(
        'classname="tests.t" name="s" file="tests/t.py" line="2"',
        '<skipped type="pytest.skip" message="why">x</skipped>',
      );
    const [f, e, s] = parseJunit(suite(3, body));
    assert.equal(f?.outcome, 'failed');
    assert.equal(f.message, 'a < b\nA');
    assert.equal(f.details, 'E   assert 1 < 0 &lt;');
    assert.equal(e?.outcome, 'error');
    assert.equal(e.details, '<!DOCTYPE x> raw');
    assert.equal(s?.outcome, 'skipped');
  });

  it('names a failed collection by its file', () => {
    const body = one(
      'classname="" name="tests.test_a"',
      '<error message="collection failure">E  SyntaxError</error>',
    );
    const [found] = parseJunit(suite(1, body));
    assert.equal(found?.id, 'tests/test_a.py');
    assert.equal(found.outcome, 'error');
  });

  it('joins a test that is listed twice to its worse outcome', () => {
    const body = one(IN_CLASS) + one(IN_CLASS, '<error message="teardown">x</error>');
    const cases = parseJunit(suite(2, body));
    assert.deepEqual(
      cases.map((entry) => entry.outcome),
      ['error'],
    );
  });

  it('does not expand entities or read a document type', () => {
    const bomb = '<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>';
    unusable(
      () => parseJunit(suite(1, one(IN_CLASS)).replace('<testsuites', `${bomb}<testsuites`)),
      /document type/,
    );
    const [found] = parseJunit(suite(1, one(IN_CLASS, '<failure message="&b;">&b;</failure>')));
    assert.equal(found?.message, '&b;');
  });

  const whole = suite(2, one(IN_CLASS) + one('classname="tests.t" name="x" file="tests/t.py" line="1"'));
  for (const [what, xml, why] of [
    ['nothing', '', /empty/],
    ['other text', 'Segmentation fault', /not JUnit/],
    ['a file cut in the middle', whole.slice(0, whole.length - 60), /cut off/],
    [
      'a file that counts more than it lists',
      whole.replace('tests="2"', 'tests="3"'),
      /counts 3 tests and lists 2/,
    ],
    ['another shape', '<testsuites><testsuite><x/></testsuite></testsuites>', /can't be read/],
  ] as const) {
    it(`refuses ${what}`, () => {
      unusable(() => parseJunit(xml), why);
    });
  }

  it('refuses a missing file, a folder and one that is too large', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sourcewright-junit-'));
    try {
      await assert.rejects(readJunit(join(dir, 'none.xml')), /left no result file/);
      await assert.rejects(readJunit(dir), /left no result file/);
      await writeFile(join(dir, 'huge.xml'), Buffer.alloc(65 * 1024 * 1024, 32));
      await assert.rejects(readJunit(join(dir, 'huge.xml')), /bytes long/);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it('reads ten thousand cases with long tracebacks in little time and keeps each short', () => {
    const failure = `<failure message="m">${'E   x &lt; y\n'.repeat(2000)}</failure>`;
    const body = Array.from({ length: 2000 }, (_, n) =>
      one(`classname="tests.t" name="t${n}" file="tests/t.py" line="1"`, failure),
    ).join('');
    const started = Date.now();
    const cases = parseJunit(suite(2000, body));
    assert.equal(cases.length, 2000);
    assert.ok(cases.every((entry) => (entry.details ?? '').length <= 8192));
    assert.ok(Date.now() - started < 10_000);
  });

  it('cuts the middle of a long text', () => {
    const cut = excerpt(`start${'x'.repeat(10_000)}end`, 100);
    assert.ok(cut.length <= 100 && cut.startsWith('start') && cut.endsWith('end'));
  });
});

describe('the verdict', () => {
  const testCase = (outcome: TestCase['outcome']): TestCase => ({
    id: 'x',
    file: 'x',
    outcome,
    durationMs: 1,
  });
  const end = (exitCode: number | null, timedOut = false): CommandResult => ({ exitCode, timedOut });
  const table: readonly (readonly [string, CommandResult, TestCase['outcome'][], string, RegExp?])[] = [
    ['all pass', end(0), ['passed'], 'passed'],
    ['some skipped', end(0), ['passed', 'skipped'], 'passed'],
    ['one fails', end(1), ['passed', 'failed'], 'failed'],
    ['an error on setup', end(1), ['error'], 'failed'],
    ['a collection error', end(2), ['error'], 'failed'],
    ['every test skipped', end(0), ['skipped', 'skipped'], 'unusable', /every test was skipped/],
    ['0 in spite of a failure', end(0), ['failed'], 'unusable', /although 1 tests are listed as failed/],
    ['1 without a failure', end(1), ['passed'], 'unusable', /no test is listed as failed/],
    ['interrupted', end(2), ['passed'], 'unusable', /interrupted/],
    ['internal error', end(3), ['passed'], 'unusable', /internal error/],
    ['wrong usage', end(4), ['passed'], 'unusable', /called wrongly/],
    ['nothing collected', end(5), [], 'unusable', /no tests/],
    ['0 and no tests', end(0), [], 'unusable', /no tests/],
    ['time limit', end(null, true), ['passed'], 'unusable', /time limit/],
    ['killed', end(null), ['passed'], 'unusable', /ended before/],
    ['killed inside a sandbox', end(137), ['passed'], 'unusable', /ended by signal 9/],
    ['another code', end(99), ['passed'], 'unusable', /99/],
  ];
  for (const [what, ended, outcomes, verdict, reason] of table) {
    it(`${what} → ${verdict}`, () => {
      const judged = judge(ended, outcomes.map(testCase));
      assert.equal(judged.verdict, verdict);
      if (reason === undefined) assert.equal(judged.reason, undefined);
      else assert.match(judged.reason ?? '', reason);
    });
  }
});

describe('coverage', () => {
  it('is null where it was not measured or can’t be read', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sourcewright-cov-'));
    const file = join(dir, 'c.json');
    try {
      assert.equal(await readCoverage(file), null);
      await writeFile(file, '{"totals": {"num_statements": 0, "percent_covered": 100}}');
      assert.equal(await readCoverage(file), null);
      await writeFile(file, '{"totals": {"num_statements": 3, "percent_covered": 66.666}}');
      assert.equal(await readCoverage(file), 66.7);
      await writeFile(file, '{"totals"');
      assert.equal(await readCoverage(file), null);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
