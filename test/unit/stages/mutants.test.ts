import assert from 'node:assert/strict';
import {
  DiagnoseResult,
  type Mutation,
  type StageContext,
  TestReport,
  type TestResult,
} from '../../../src/pipeline/contracts.ts';
import { createRulesDiagnose } from '../../../src/stages/diagnose/rules.ts';
import { askForSurvivors, survivorFindings } from '../../../src/stages/diagnose/survivors.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { renderReport } from '../../../src/editor/reports/report-markdown.ts';
import { connectorWorkbench, type Workbench } from './support/context.ts';

describe('judging tests by planted mistakes', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  function context(changes: Partial<StageContext> = {}, mutants = 6, testFixes = 3): StageContext {
    const plain = bench.context(changes);
    const limits = { ...plain.request.limits, testFixes, mutants };
    return { ...plain, request: { ...plain.request, limits } };
  }
  async function run(within: StageContext): Promise<{ result: TestResult; report: TestReport }> {
    const outcome = await createRulesTest(bench.dependencies()).run(within);
    assert.equal(outcome.status, 'done');
    return {
      result: (outcome as { result: TestResult }).result,
      report: TestReport.parse(await bench.artifact('test-report.json')),
    };
  }
  const planted = (): number => bench.lines.filter((line) => line.startsWith('Planting')).length;

  it('reports the kill rate, and judges the same code and tests once', async () => {
    const first = await run(context());
    const { mutation } = first.report;
    assert.ok(mutation !== undefined);
    assert.equal(mutation.note, null);
    assert.ok(mutation.mutants.length > 0 && mutation.mutants.length <= 6);
    assert.equal(first.result.killRate, mutation.killRate);
    assert.match(bench.lines.join('\n'), /\d of \d planted mistakes noticed \([\d.]+%\)/);
    assert.equal(planted(), 1);
    const again = await run(context({ mode: 'RERUN' }));
    assert.deepEqual(again.report.mutation, mutation);
    assert.equal(planted(), 1);
    const tests = await bench.read('tests/test_tides.py');
    await bench.write(
      'tests/test_tides.py',
      `${tests}\n\ndef test_more() -> None:\n    assert height(2) == 1.7\n`,
    );
    await run(context({ mode: 'RERUN' }));
    assert.equal(planted(), 2);
  });

  it('plants nothing where none is asked for or tests fail', async () => {
    const none = await run(bench.context());
    assert.equal(none.report.mutation, undefined);
    assert.ok(!('killRate' in none.result));
    assert.equal((await run(context({}, 0))).report.mutation, undefined);
    await bench.write('src/tides.py', (await bench.read('src/tides.py')).replace('1.5', '1.4'));
    const failed = await run(context({ mode: 'RERUN' }));
    assert.equal(failed.report.verdict, 'failed');
    assert.equal(failed.report.mutation, undefined);
    assert.equal(planted(), 0);
  });

  it('shows survivors by rules as notes, at the lines that the tests do not look at', async () => {
    // The boundary that was added by hand is looked at by no test.
    const source = await bench.read('src/tides.py');
    await bench.write(
      'src/tides.py',
      source.replace('    return 1.5', '    if hour > 500:\n        hour = 500\n    return 1.5'),
    );
    const { report } = await run(context({ mode: 'RERUN' }));
    const survivor = report.mutation?.mutants.find(({ before }) => before === 'if hour > 500:');
    assert.deepEqual([survivor?.outcome, survivor?.handWritten], ['survived', true]);
    const outcome = await createRulesDiagnose(bench.dependencies()).run(context());
    assert.equal(outcome.status, 'done');
    const diagnosis = DiagnoseResult.parse(await bench.artifact('diagnosis.json'));
    assert.equal(diagnosis.verdict, 'pass');
    assert.match(diagnosis.explanation, /They notice \d of \d planted mistakes/);
    const finding = diagnosis.vacuous.find(({ excerpt }) => excerpt.includes('hour > 500'));
    assert.deepEqual(
      [finding?.rule, finding?.severity, finding?.category, finding?.range.file],
      ['surviving-mutant', 'info', 'tests', 'src/tides.py'],
    );
    const shown = renderReport('test-report.json', JSON.stringify(report));
    assert.match(shown, /## Planted mistakes/);
    assert.match(shown, /hour &gt;= 500|hour >= 500/);
  });

  it('asks the tester once about hand-written code, and not where no fix of tests is left', async () => {
    const mutation: Mutation = {
      note: null,
      seed: '1',
      limit: 6,
      candidates: 9,
      killed: 0,
      survived: 2,
      timedOut: 0,
      notRun: 0,
      killRate: 0,
      mutants: [
        {
          ...{ file: 'src/tides.py', line: 9, operator: 'boundary', tests: 1, killedBy: [] },
          ...{ before: 'if hour < 0:', after: 'if hour <= 0:', handWritten: true, outcome: 'survived' },
        },
        {
          ...{ file: 'src/tides.py', line: 11, operator: 'constant', tests: 1, killedBy: [] },
          ...{ before: 'return 1', after: 'return 2', handWritten: false, outcome: 'survived' },
        },
      ],
      idleTests: [],
    };
    const { report: ran } = await run(bench.context());
    const report: TestReport = { ...ran, mutation };
    const found = await survivorFindings(bench.connectorDir, report, ({ handWritten }) =>
      handWritten ? 'warning' : 'info',
    );
    assert.deepEqual(found.map(({ severity }) => severity).sort(), ['info', 'warning']);
    assert.equal(await askForSurvivors(context({}, 6, 0), report, found), undefined);
    const asked = await askForSurvivors(context(), report, found);
    assert.equal(asked?.verdict, 'tests');
    assert.deepEqual(
      asked.vacuous.map(({ range }) => `${range.file}:${range.startLine}`),
      ['src/tides.py:9'],
    );
    // The same attempt, begun anew after a crash, asks the same.
    assert.deepEqual(await askForSurvivors(context(), report, found), asked);
    assert.equal(await askForSurvivors(context({ attempt: 2 }), report, found), undefined);
  });
});
