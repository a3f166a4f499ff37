import type { Stage } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageDependencies } from '../dependencies.ts';

export function createRulesTest(_dependencies: StageDependencies): Stage<'test'> {
  return {
    name: 'test',
    run: () => Promise.reject(new SourcewrightError('internal', 'The stage test is not built yet.')),
  };
}
