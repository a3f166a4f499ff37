/** The stage *test* holds the suite against a connector whose own tests pass; what fails there is the code's fault. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import { ConformanceReport } from '../../../src/conformance/contracts.ts';
import { renderReport } from '../../../src/editor/reports/report-markdown.ts';
import { failingText } from '../../../src/pipeline/decisions.ts';
import {
  DiagnoseResult,
  type StageContext,
  TestReport,
  type TestResult,
} from '../../../src/pipeline/contracts.ts';
import { resultNote } from '../../../src/pipeline/view.ts';
import type { AgentRuntime } from '../../../src/agents/contracts.ts';
import { createAgentDiagnose } from '../../../src/stages/diagnose/agent.ts';
import { createRulesDiagnose } from '../../../src/stages/diagnose/rules.ts';
import { failureGiven } from '../../../src/stages/generate/known.ts';
import { emitConnector } from '../../../src/stages/generate/emit.ts';
import { conformanceWords, inShort, withConformance } from '../../../src/stages/test/conformance.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { blueprints } from '../../python/blueprints.ts';
import { workbench, type Workbench } from '../stages/support/context.ts';

const templateDir = join(import.meta.dirname, '../../../src/blueprint/template');
const plain = blueprints.find(({ name }) => name === 'plain');
const LIST = '    if _OBJECTS.issuperset(map(type, rows)):';

describe('conformance in the stage test', function () {
  this.timeout(600_000);
  this.slow(60_000);
  let bench: Workbench;

  before(async () => {
    assert.ok(plain);
    const compiled = compileConnector(plain, { templateDir });
    bench = await workbench(() => compiled);
    await emitConnector({
      connectorDir: bench.connectorDir,
      baseline: join(bench.workspace, 'b.json'),
      compiled,
    });
  });
  after(() => bench.dispose());

  function context(changes: Partial<StageContext> = {}, more = { conformance: true }): StageContext {
    const made = bench.context(changes);
    return { ...made, request: { ...made.request, limits: { ...made.request.limits, ...more } } };
  }
  async function run(within: StageContext): Promise<{ result: TestResult; report: TestReport }> {
    const outcome = await createRulesTest(bench.dependencies()).run(within);
    assert.equal(outcome.status, 'done');
    return {
      result: (outcome as { result: TestResult }).result,
      report: TestReport.parse(await bench.artifact('test-report.json')),
    };
  }
  const judged = (): number => bench.lines.filter((line) => line.startsWith('Holding the connector')).length;
  it('counts the checks of a connector that is right, once for the same code and tests', async () => {
    const { result, report } = await run(context());
    const { conformance } = report;
    assert.ok(conformance !== undefined);
    assert.equal(report.verdict, 'passed');
    assert.equal(conformance.note, null);
    assert.ok(conformance.passed > 40 && conformance.notApplicable > 10);
    assert.deepEqual([conformance.failed, conformance.failures], [0, []]);
    assert.deepEqual(result.conformance, { passed: conformance.passed, failed: 0 });
    assert.match(bench.lines.join('\n'), /(\d+) of \1 conformance checks passed/);
    assert.match(resultNote({ stage: 'test', result }), /conformance checks passed/);
    assert.match(renderReport('test-report.json', JSON.stringify(report)), /## Conformance suite/);
    const again = await run(context({ mode: 'RERUN' }));
    assert.deepEqual(again.report.conformance, conformance);
    assert.equal(judged(), 1);
  });

  it('does not run where it is not asked for', async () => {
    const before = judged();
    const off = await run(context({ mode: 'RERUN' }, { conformance: false }));
    assert.equal(off.report.conformance, undefined);
    assert.equal((await run(bench.context({ mode: 'RERUN' }))).report.conformance, undefined);
    assert.equal(judged(), before);
  });

  describe('with a mistake that the connector’s own tests let through', () => {
    let result: TestResult;
    let report: TestReport;

    before(async () => {
      // No list of the tests has so many rows.
      const source = await bench.read('src/records.py');
      assert.ok(source.includes(LIST));
      await bench.write('src/records.py', source.replace(LIST, `    rows = rows[:8]\n${LIST}`));
      ({ result, report } = await run(context({ mode: 'RERUN' })));
    });

    it('fails, and says which check and what was seen', () => {
      assert.equal(report.verdict, 'failed');
      assert.deepEqual([report.failed, report.errors, report.passed], [0, 0, report.total - report.skipped]);
      const failure = report.conformance?.failures.find(({ id }) => id === 'data.every-row-once');
      assert.match(failure?.problems[0]?.message ?? '', /3 rows are missing/);
      assert.ok(result.failing.includes('conformance::data.every-row-once'));
      assert.equal(result.conformance?.failed, report.conformance?.failed);
      assert.match(failingText({ result, ran: null }), /^\d+ of \d+ conformance checks fail$/);
      const shown = renderReport('test-report.json', JSON.stringify(report));
      assert.match(shown, /data\.every-row-once[\s\S]*3 rows are missing/);
    });

    it('plants no mistakes, for the code is about to change', async () => {
      const limits = { conformance: true, mutants: 4 };
      assert.equal((await run(context({ mode: 'RERUN' }, limits))).report.mutation, undefined);
    });

    it('leaves what pytest said as it is in the connector’s own results', async () => {
      const own = JSON.parse(await bench.read('tests/test_results.json')) as { verdict: string };
      assert.equal(own.verdict, 'passed');
    });

    it('is the code’s fault by rules', async () => {
      const outcome = await createRulesDiagnose(bench.dependencies()).run(context());
      assert.equal(outcome.status, 'done');
      const diagnosis = DiagnoseResult.parse(await bench.artifact('diagnosis.json'));
      assert.equal(diagnosis.verdict, 'code');
      assert.match(
        diagnosis.explanation,
        /^The code is at fault in \d+ of \d+ failing conformance checks \(of \d+\)/,
      );
      assert.ok(diagnosis.evidence.every(({ fault }) => fault === 'code'));
    });

    it('is the code’s fault with agents, and no model is asked', async () => {
      const runtime: AgentRuntime = {
        ...({} as AgentRuntime),
        run: () => Promise.reject(new Error('A model was asked.')),
      };
      const outcome = await createAgentDiagnose(bench.dependencies(), runtime).run(context());
      assert.equal(outcome.status, 'done');
      const { verdict } = DiagnoseResult.parse(await bench.artifact('diagnosis.json'));
      assert.equal(verdict, 'code');
    });

    it('is told to the one who mends the code', async () => {
      const given = await failureGiven(context({ mode: 'FIX' }));
      const words = given.map(({ text }) => text).join('\n');
      assert.match(words, /\d+ of \d+ conformance checks fail/);
      assert.match(words, /conformance::data\.every-row-once/);
      assert.match(words, /3 rows are missing/);
    });
  });

  it('says why where it can’t be run, and fails nobody for it', () => {
    const report = ConformanceReport.parse({
      ...{ schemaVersion: 1, connector: 'source-x', verdict: 'failed', seconds: 1 },
      ...{ passed: 1, failed: 0, notApplicable: 0, broken: 1 },
      checks: [
        {
          ...{ id: 'data.a', face: 'data', title: 'A.', rules: [], status: 'broken' },
          ...{ problems: [], seconds: 1, reason: 'Traceback' },
        },
      ],
    });
    const short = inShort(report);
    assert.deepEqual([short.failed, short.note, short.failures], [0, '1 checks could not be run', []]);
    assert.match(conformanceWords(short), /1 of 1 conformance checks passed \(1 checks could not be run\)/);
  });
});

describe('what the agent face lacks', () => {
  it('is told, and fails no connector', () => {
    const check = (id: string, status: 'passed' | 'failed') => ({
      ...{ id, face: 'agent' as const, title: id, rules: [], status, seconds: 0, reason: null },
      problems:
        status === 'failed' ? [{ message: 'No way leads there.', file: null, line: null, note: false }] : [],
    });
    const checks = [
      check('data.every-row-once', 'passed'),
      check('agent.every-operation-is-reachable', 'failed'),
    ];
    const counts = { passed: 1, failed: 1, notApplicable: 0, broken: 0, seconds: 1 };
    const conformance = inShort({ checks, ...counts } as never);
    assert.deepEqual([conformance.passed, conformance.failed, conformance.failures], [1, 0, []]);
    assert.equal(conformance.advice[0]?.problems[0]?.message, 'No way leads there.');
    assert.equal(withConformance({ verdict: 'passed' } as TestReport, conformance).verdict, 'passed');
    assert.match(conformanceWords(conformance), /^1 of 1 .* all rules but 1$/);
  });
});
