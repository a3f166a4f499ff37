/** What the person does in the research panel. */
import type { PanelSpecification } from './panels.ts';
import type { PanelServices } from './specifications.ts';

export function researchPanel({ gates }: PanelServices): Pick<PanelSpecification<'research'>, 'act'> {
  return {
    act: async (_action, { view }) => {
      await gates.approve(view.runId);
    },
  };
}
