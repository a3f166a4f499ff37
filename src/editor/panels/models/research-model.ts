/** What the research panel shows of a run. */
import { runName } from '../../present.ts';
import type { RunView } from '../../../pipeline/contracts.ts';
import type { ResearchModel } from '../../../webview/research/contract.ts';

export function researchModel(view: RunView): Promise<ResearchModel> {
  return Promise.resolve({ title: runName(view) });
}
