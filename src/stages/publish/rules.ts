import type { Stage } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageDependencies } from '../dependencies.ts';

export function createRulesPublish(_dependencies: StageDependencies): Stage<'publish'> {
  return {
    name: 'publish',
    run: () => Promise.reject(new SourcewrightError('internal', 'The stage publish is not built yet.')),
  };
}
