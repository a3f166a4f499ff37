/** What the person does in the review panel. */
import type { PanelSpecification } from './panels.ts';
import type { PanelServices } from './specifications.ts';

export function reviewPanel({ gates }: PanelServices): Pick<PanelSpecification<'review'>, 'act'> {
  return {
    act: async (_action, { view }) => {
      await gates.approve(view.runId);
    },
  };
}
