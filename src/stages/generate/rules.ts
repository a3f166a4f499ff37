import type { Stage } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageDependencies } from '../dependencies.ts';

export function createRulesGenerate(_dependencies: StageDependencies): Stage<'generate'> {
  return {
    name: 'generate',
    run: () => Promise.reject(new SourcewrightError('internal', 'The stage generate is not built yet.')),
  };
}
