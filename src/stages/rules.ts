/** The stages without a model: deterministic, no key, and no network but for Python packages. */
import type { Stages } from '../pipeline/contracts.ts';
import type { StageDependencies } from './dependencies.ts';
import { createRulesDiagnose } from './diagnose/rules.ts';
import { createRulesGenerate } from './generate/rules.ts';
import { createRulesPublish } from './publish/rules.ts';
import { createRulesResearch } from './research/rules.ts';
import { createRulesReview } from './review/rules.ts';
import { createRulesTest } from './test/rules.ts';

export type { StageDependencies } from './dependencies.ts';

/** All six stages of the engine `rules`. */
export function createRulesStages(dependencies: StageDependencies): Stages {
  return {
    research: createRulesResearch(dependencies),
    generate: createRulesGenerate(dependencies),
    test: createRulesTest(dependencies),
    diagnose: createRulesDiagnose(dependencies),
    review: createRulesReview(dependencies),
    publish: createRulesPublish(dependencies),
  };
}
