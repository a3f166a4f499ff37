/** Publishing without a model: all words are made of evidence. */
import type { Stage } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import { publishConnector } from './publish.ts';

/** The stage *publish* of the engine `rules`. */
export function createRulesPublish(d: StageDependencies): Stage<'publish'> {
  return { name: 'publish', run: (context) => publishConnector(d, context) };
}
