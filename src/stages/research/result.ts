/** What the pipeline is told of a brief. */
import type { Blueprint } from '../../blueprint/schema.ts';
import type { ResearchResult } from '../../pipeline/contracts.ts';

export function resultOf(blueprint: Blueprint): ResearchResult {
  return {
    title: blueprint.api.title,
    connectorName: blueprint.name,
    streams: blueprint.streams.filter((stream) => stream.selected).length,
    gaps: blueprint.gaps.length,
    problems: blueprint.problems.length,
  };
}
