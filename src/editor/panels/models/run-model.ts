/** What the run view shows of a run. */
import type { RunView } from '../../../pipeline/contracts.ts';
import type { RunModel } from '../../../webview/run/contract.ts';
import { GATES, runName, STAGE_LABEL } from '../../present.ts';

export function runModel(view: RunView): Promise<RunModel> {
  return Promise.resolve({
    title: runName(view),
    question: view.gate === null ? null : GATES[view.gate].question,
    stages: view.stages.map(({ stage, state, note }) => ({ label: STAGE_LABEL[stage], state, note })),
  });
}
