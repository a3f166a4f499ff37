/** What the person does in the run panel. */
import type { PanelSpecification } from './panels.ts';
import type { PanelServices } from './specifications.ts';

export function runPanel({ gates }: PanelServices): Pick<PanelSpecification<'run'>, 'act'> {
  return {
    act: async (_action, { view }) => {
      await gates.goTo(view.runId);
    },
  };
}
