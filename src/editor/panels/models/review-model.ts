/** What the review panel shows of a run. */
import { runName } from '../../present.ts';
import type { RunView } from '../../../pipeline/contracts.ts';
import type { ReviewModel } from '../../../webview/review/contract.ts';

export function reviewModel(view: RunView): Promise<ReviewModel> {
  return Promise.resolve({ title: runName(view) });
}
