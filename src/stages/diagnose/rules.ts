/**
 * The Test Reviewer without a model. On failure: is the code or the test at fault, or the environment, told from the
 * evidence of the run. On success: tests that can't fail, and signs that the suite was bent.
 */
import type { DiagnoseResult, Stage, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import {
  changedSides,
  conclude,
  judgeFailure,
  judgeUnusable,
  passWith,
  readReport,
  readSuite,
  vacuousTests,
} from './judge.ts';
import { survivorFindings } from './survivors.ts';

async function diagnose(d: StageDependencies, context: StageContext): Promise<DiagnoseResult> {
  const report = await readReport(context);
  if (report.verdict === 'passed') {
    const vacuous = await vacuousTests(context.connectorDir, await readSuite(d, context));
    const survivors = await survivorFindings(context.connectorDir, report, () => 'info');
    return passWith(report, [...vacuous, ...report.integrity], survivors);
  }
  const changed = await changedSides(d, context);
  return report.verdict === 'failed'
    ? judgeFailure(report, changed)
    : (await judgeUnusable(d, context, report, changed)).result;
}

/** The stage *diagnose* of the engine `rules`. */
export function createRulesDiagnose(d: StageDependencies): Stage<'diagnose'> {
  return {
    name: 'diagnose',
    async run(context: StageContext): Promise<StageOutcome<'diagnose'>> {
      return conclude(context, await diagnose(d, context));
    },
  };
}
