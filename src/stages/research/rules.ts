import type { Stage } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageDependencies } from '../dependencies.ts';

export function createRulesResearch(_dependencies: StageDependencies): Stage<'research'> {
  return {
    name: 'research',
    run: () => Promise.reject(new SourcewrightError('internal', 'The stage research is not built yet.')),
  };
}
