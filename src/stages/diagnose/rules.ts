import type { Stage } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { StageDependencies } from '../dependencies.ts';

export function createRulesDiagnose(_dependencies: StageDependencies): Stage<'diagnose'> {
  return {
    name: 'diagnose',
    run: () => Promise.reject(new SourcewrightError('internal', 'The stage diagnose is not built yet.')),
  };
}
