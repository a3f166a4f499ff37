import { strict as assert } from 'node:assert';
import { renderReport } from '../../../src/editor/reports/report-markdown.ts';

const HOSTILE = '<img src=x> [click](command:evil) | ``` \n# Heading ![x](http://evil.example/x.png)';

const finding = (id: string, severity: string): object => ({
  id,
  rule: 'F401',
  source: 'ruff',
  severity,
  category: 'style',
  message: HOSTILE,
  range: { file: 'src/a.py', startLine: 3, endLine: 3 },
  excerpt: '',
});
const report = (change: object): string =>
  JSON.stringify({
    schemaVersion: 1,
    verdict: 'failed',
    exitCode: 1,
    timedOut: false,
    total: 2,
    passed: 1,
    failed: 1,
    errors: 0,
    skipped: 0,
    coverage: 87.25,
    cases: [],
    codeSha256: '',
    testsSha256: '',
    command: ['python', '-m', 'pytest'],
    python: '3.11.7',
    startedAt: '',
    durationMs: 1234,
    integrity: [],
    ...change,
  });

/** Outside of code, no markup of the stranger's may be left. */
function assertTame(markdown: string): void {
  const prose = markdown.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '').replace(/(`+)[^`].*?\1/g, '');
  assert.doesNotMatch(prose, /(?<!\\)<img/);
  assert.doesNotMatch(prose, /(?<!\\)\[click/);
  assert.doesNotMatch(prose, /^# Heading/m);
}

describe('reports as Markdown', () => {
  it('shows counts, the failed test and its traceback', () => {
    const text = renderReport(
      'test-report.json',
      report({
        cases: [
          { id: 'tests/t.py::ok', file: 't.py', outcome: 'passed', durationMs: 5 },
          {
            id: 'tests/t.py::bad',
            file: 't.py',
            outcome: 'failed',
            durationMs: 7,
            message: HOSTILE,
            details: `assert 1 == 2\n\`\`\`\n${HOSTILE}`,
          },
        ],
      }),
    );
    assert.match(text, /^# Tests: failed\n/);
    assert.match(text, /\| 2 \| 1 \| 1 \| 0 \| 0 \| 87\.3 % \| 1 \| 1\.2 s \|/);
    assert.match(text, /### `tests\/t\.py::bad`/);
    assert.doesNotMatch(text, /### `tests\/t\.py::ok`/);
    assert.match(text, /^````text\nassert 1 == 2$/m, 'the fence must be longer than what stands in it');
    assertTame(text);
  });

  it('tells failed conformance checks apart from advice on the agent face', () => {
    const check = (id: string): object => ({
      id,
      title: HOSTILE,
      problems: [{ message: HOSTILE, file: 'src/operations.py', line: 12 }],
    });
    const conformance = {
      note: null,
      passed: 40,
      failed: 1,
      notApplicable: 3,
      broken: 0,
      seconds: 2.5,
      failures: [check('data.keys-are-unique')],
      advice: [check('agent.docstring-names-the-next-call')],
    };
    const text = renderReport('test-report.json', report({ conformance }));
    assert.match(text, /\| 40 \| 1 \| 3 \| 0 \| 2\.5 s \|/);
    const [failures = '', advice = ''] = text.split('### Advice on the agent face');
    assert.match(failures, /^### `data\.keys-are-unique`$/m);
    assert.doesNotMatch(failures, /agent\.docstring/);
    assert.match(advice, /^#### `agent\.docstring-names-the-next-call`$/m);
    assert.match(advice, /No reason to fail/);
    assert.match(advice, /`src\/operations\.py:12`/);
    assertTame(text);
    const without = renderReport('test-report.json', report({ conformance: { ...conformance, advice: [] } }));
    assert.doesNotMatch(without, /Advice/);
  });

  it('shows the ledger with answers, and counts no notes as open', () => {
    const text = renderReport(
      'review.json',
      JSON.stringify({
        schemaVersion: 1,
        cycle: 1,
        decision: 'needs_work',
        findings: [finding('a', 'error'), finding('b', 'warning'), finding('c', 'info')],
        answers: [{ finding: 'a', answer: 'rejected', reason: HOSTILE }],
        tools: [],
      }),
    );
    assert.match(text, /3 findings, 1 without an answer that want one/);
    assert.match(text, /\| rejected: /);
    assert.match(text, /\| note \|/);
    assertTame(text);
  });

  it('shows the diagnosis and the publication', () => {
    const diagnosed = renderReport(
      'diagnosis.json',
      JSON.stringify({
        verdict: 'code',
        explanation: HOSTILE,
        evidence: [{ test: 'tests/t.py::bad', fault: 'code', because: HOSTILE }],
        vacuous: [],
      }),
    );
    assert.match(diagnosed, /# Diagnosis: code/);
    assert.match(diagnosed, /\| `tests\/t\.py::bad` \| code \|/);
    assertTame(diagnosed);
    const tests = { verdict: 'passed', total: 9, passed: 9, failed: 0, errors: 0, skipped: 0 };
    const published = renderReport(
      'publication.json',
      JSON.stringify({
        schemaVersion: 1,
        draft: true,
        wheel: '/w/a.whl',
        sdist: null,
        branch: 'connector/a',
        commit: null,
        prUrl: null,
        tests: { ...tests, coverage: null, failing: [] },
        openFindings: [HOSTILE],
        notes: [HOSTILE],
        at: '',
      }),
    );
    assert.match(published, /# Published as a draft/);
    assert.match(published, /9 of 9 passed/);
    assertTame(published);
  });

  it('says what is wrong with a damaged file instead of throwing', () => {
    assert.match(renderReport('review.json', '{'), /can't be read/);
    assert.match(renderReport('review.json', '{}'), /can't be read/);
    assert.match(renderReport('other.json', '{}'), /no report of this kind/);
  });
});
