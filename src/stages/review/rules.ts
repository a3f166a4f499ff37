/**
 * Review without a model: ruff and mypy with our own choice of rules, a scan for secrets, our checks for connectors, and
 * what the test stages found about the suite. Same code, same findings, same ids.
 */
import type { Stage } from '../../pipeline/contracts.ts';
import { connectorEnvironment } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { concludeReview, takePriorReview } from './conclude.ts';
import { gatherFindings } from './gather.ts';

/** The stage *review* of the engine `rules`. */
export function createRulesReview(d: StageDependencies): Stage<'review'> {
  return {
    name: 'review',
    async run(context) {
      const prior = await takePriorReview(context);
      const environment = await connectorEnvironment(d, context);
      return concludeReview(d, context, await gatherFindings(d, context, environment), prior);
    },
  };
}
