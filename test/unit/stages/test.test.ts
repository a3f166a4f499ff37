import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { type StageContext, TestReport, type TestResult } from '../../../src/pipeline/contracts.ts';
import { ProcessRunner } from '../../../src/python/process-runner.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';
import { baselinePath, emitConnector } from '../../../src/stages/generate/emit.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { connectorWorkbench, type Workbench } from './support/context.ts';
import { miniConnector } from './support/mini-connector.ts';

const TESTS = 'tests/test_tides.py';

describe('the stage test by rules', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  async function run(
    context: Partial<StageContext> = {},
    d: Partial<StageDependencies> = {},
  ): Promise<{ result: TestResult; report: TestReport }> {
    const outcome = await createRulesTest(bench.dependencies(d)).run(bench.context(context));
    assert.equal(outcome.status, 'done');
    return {
      result: (outcome as { result: TestResult }).result,
      report: TestReport.parse(await bench.artifact('test-report.json')),
    };
  }
  const edit = async (path: string, from: string | RegExp, to: string): Promise<void> => {
    const text = await bench.read(path);
    const changed = text.replace(from, to);
    assert.notEqual(changed, text);
    await bench.write(path, changed);
  };
  const rules = (report: TestReport): string[] =>
    report.integrity.map((finding) => `${finding.rule} ${finding.range.file}`);

  it('runs the suite and binds the verdict to what ran', async () => {
    const { result, report } = await run();
    assert.deepEqual(
      { ...result, coverage: 0 },
      { verdict: 'passed', total: 4, passed: 4, failed: 0, errors: 0, skipped: 0, coverage: 0, failing: [] },
    );
    assert.ok((result.coverage ?? 0) > 30 && (result.coverage ?? 0) < 100);
    assert.equal(report.exitCode, 0);
    assert.match(report.command[0] ?? '', /^\/.*python/);
    assert.deepEqual(report.integrity, []);
    const again = await run({ mode: 'RERUN' });
    assert.equal(again.report.codeSha256, report.codeSha256);
    await bench.write('src/tides.py', `${await bench.read('src/tides.py')}\n`);
    const edited = await run({ mode: 'RERUN' });
    assert.notEqual(edited.report.codeSha256, report.codeSha256);
    assert.equal(edited.report.testsSha256, report.testsSha256);
  });

  it('leaves the same results file for the same run, and no caches', async () => {
    await run();
    const first = await bench.read('tests/test_results.json');
    await run({ mode: 'RERUN' });
    assert.equal(await bench.read('tests/test_results.json'), first);
    assert.doesNotMatch(first, /duration|startedAt|\/tmp/);
    for (const path of ['.pytest_cache/README.md', '.coverage', 'src/__pycache__'])
      await assert.rejects(bench.read(path), /ENOENT/);
  });

  it('gives failing tests by id with their tracebacks', async () => {
    await edit('src/tides.py', '1.5', '1.4');
    const { result, report } = await run({ mode: 'RERUN' });
    assert.equal(result.verdict, 'failed');
    assert.deepEqual(result.failing, [
      `${TESTS}::test_noon`,
      `${TESTS}::test_table[0]`,
      `${TESTS}::test_table[1]`,
    ]);
    assert.match(report.cases[0]?.details ?? '', /E\s+assert 1\.4 == 1\.5/);
  });

  it('inherits no secret, no home and no proxy, and does not write beside the sources', async () => {
    process.env['SOURCEWRIGHT_TEST_TOKEN'] = 'x';
    await bench.write(
      'tests/test_env.py',
      `import os
from pathlib import Path


def test_environment():
    assert "SOURCEWRIGHT_TEST_TOKEN" not in os.environ
    assert not [name for name in os.environ if name.lower().endswith("_proxy") and name != "NO_PROXY"]
    assert str(Path.home()).startswith(os.environ["TMPDIR"])
    assert os.environ["TZ"] == "UTC"
`,
    );
    const { result } = await run({ mode: 'RERUN' });
    delete process.env['SOURCEWRIGHT_TEST_TOKEN'];
    assert.equal(result.verdict, 'passed');
    assert.equal(result.total, 5);
  });

  it('heeds no options with which a suite could leave tests out', async () => {
    await edit(
      'pyproject.toml',
      'testpaths = ["tests"]',
      'testpaths = ["tests"]\naddopts = "--deselect tests/test_tides.py::test_noon -k nothing"',
    );
    assert.equal((await run({ mode: 'RERUN' })).result.total, 4);
  });

  for (const [what, path, text, reason] of [
    ['nothing is collected', TESTS, '', /no tests were collected/],
    [
      'every test is skipped',
      'tests/conftest.py',
      'import pytest\n\n\ndef pytest_collection_modifyitems(items):\n    for item in items:\n        item.add_marker(pytest.mark.skip(reason="x"))\n',
      /every test was skipped/,
    ],
    [
      'the run ends itself with success',
      TESTS,
      'import os\n\n\ndef test_a():\n    os._exit(0)\n',
      /left no result file/,
    ],
    [
      'conftest can’t be imported',
      'tests/conftest.py',
      'import nonsense_module\n',
      /called wrongly|configuration/,
    ],
    [
      'tests change the code while they run',
      TESTS,
      'from pathlib import Path\n\n\ndef test_a():\n    Path("src/new.py").write_text("x = 1")\n    assert True is not False\n',
      /changed while its tests ran/,
    ],
    [
      'exit code and results disagree',
      'tests/conftest.py',
      'import pytest\n\n\n@pytest.fixture\ndef noon():\n    return 12\n\n\n@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session):\n    session.exitstatus = 1\n',
      /no test is listed as failed/,
    ],
  ] as const) {
    it(`gives no verdict when ${what}`, async () => {
      await bench.write(path, text);
      const { result, report } = await run({ mode: 'RERUN' });
      assert.equal(result.verdict, 'unusable');
      assert.match(report.reason ?? '', reason);
    });
  }

  it('reads a test file that does not parse as a failure of that file', async () => {
    await bench.write('tests/test_broken.py', 'def test_a(:\n');
    const { result } = await run({ mode: 'RERUN' });
    assert.equal(result.verdict, 'failed');
    assert.deepEqual(result.failing, ['tests/test_broken.py']);
  });

  it('ends a suite at the time limit', async () => {
    await bench.write('tests/test_slow.py', 'import time\n\n\ndef test_slow():\n    time.sleep(60)\n');
    const started = Date.now();
    const { result, report } = await run({ mode: 'RERUN' }, { testTimeoutMs: 3000 });
    assert.ok(Date.now() - started < 20_000);
    assert.deepEqual([result.verdict, report.timedOut, report.exitCode], ['unusable', true, null]);
  });

  it('stops when it is cancelled', async () => {
    await bench.write('tests/test_slow.py', 'import time\n\n\ndef test_slow():\n    time.sleep(60)\n');
    const controller = new AbortController();
    const runner = new ProcessRunner({
      write: () => {
        controller.abort();
      },
    });
    await assert.rejects(
      run({ mode: 'RERUN', signal: controller.signal }, { runner }),
      (error) => error instanceof SourcewrightError && error.code === 'cancelled',
    );
  });

  it('GENERATE writes missing tests and leaves edited ones; RERUN writes none', async () => {
    await rm(join(bench.connectorDir, 'tests/fixtures/heights.json'));
    await edit(TESTS, '== 1.5', '== 1.50');
    assert.deepEqual((await run({ mode: 'RERUN' })).result.failing.length, 2);
    assert.equal((await run()).result.verdict, 'passed');
    assert.match(await bench.read(TESTS), /== 1\.50/);
  });

  it('FIX puts edited tests back and keeps what stood there', async () => {
    await edit(TESTS, '== 1.5', '== 9');
    await bench.write('tests/test_mine.py', 'def test_mine():\n    assert 1 + 1 == 2\n');
    assert.equal((await run({ mode: 'RERUN' })).result.verdict, 'failed');
    const { result } = await run({ mode: 'FIX', attempt: 3 });
    assert.deepEqual([result.verdict, result.total], ['passed', 5]);
    assert.match(JSON.stringify(await bench.artifact('replaced-tests-3.json')), /== 9/);
  });

  describe('integrity', () => {
    it('sees skips, removed tests, weakened tests, edited fixtures, hooks and removed files', async () => {
      await edit(TESTS, 'def test_noon', '@pytest.mark.skip(reason="later")\ndef test_noon');
      await edit(
        TESTS,
        '        with pytest.raises(ValueError, match="negative"):\n            height(-1)\n',
        '        height(1)\n',
      );
      await edit(TESTS, /@pytest\.mark\.parametrize[\s\S]*?(?=class TestErrors)/, '');
      await bench.write('tests/fixtures/heights.json', '[1, 2]\n');
      await bench.write(
        'tests/test_more.py',
        'collect_ignore = ["test_tides.py"]\n\n\ndef test_more():\n    import pytest\n    pytest.xfail("x")\n',
      );
      await rm(join(bench.connectorDir, 'tests/conftest.py'));
      const { report } = await run({ mode: 'RERUN' });
      assert.deepEqual(rules(report).sort(), [
        'integrity-edited-fixture tests/fixtures/heights.json',
        'integrity-hook tests/test_more.py',
        'integrity-removed-assert tests/test_tides.py',
        'integrity-removed-file tests/conftest.py',
        'integrity-removed-test tests/test_tides.py',
        'integrity-skip tests/test_more.py',
        'integrity-skip tests/test_tides.py',
      ]);
      const skip = report.integrity.find(
        (finding) => finding.rule === 'integrity-skip' && finding.range.file === TESTS,
      );
      assert.match(skip?.excerpt ?? '', /mark\.skip/);
    });

    it('compares with what was generated, also after an update of the compiler', async () => {
      const baseline = baselinePath(bench.workspace, bench.connectorDir);
      await emitConnector({ connectorDir: bench.connectorDir, baseline, compiled: miniConnector() });
      const newer = miniConnector({ 'tests/test_new.py': 'def test_new():\n    assert 1 + 1 == 2\n' });
      const { report } = await run({ mode: 'RERUN' }, { compile: () => newer });
      assert.deepEqual(rules(report), []);
    });

    it('has nothing against more tests, more asserts and skips that were compiled', async () => {
      const withSkip = miniConnector({
        'tests/test_skips.py':
          'import pytest\n\npytest.importorskip("pandas")\n\n\ndef test_a():\n    assert 1 + 1 == 2\n',
      });
      await bench.write(
        'tests/test_skips.py',
        'import pytest\n\npytest.importorskip("pandas")\n\n\ndef test_a():\n    assert 1 + 1 == 2\n    assert 1 + 2 == 3\n',
      );
      await bench.write('tests/test_mine.py', 'def test_mine():\n    assert 2 + 1 == 3\n');
      const { report } = await run({ mode: 'RERUN' }, { compile: () => withSkip });
      assert.deepEqual(rules(report), []);
    });
  });
});
