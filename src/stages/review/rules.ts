import type { Stage } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageDependencies } from '../dependencies.ts';

export function createRulesReview(_dependencies: StageDependencies): Stage<'review'> {
  return {
    name: 'review',
    run: () => Promise.reject(new SourcewrightError('internal', 'The stage review is not built yet.')),
  };
}
