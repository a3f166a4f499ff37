/** Research by rules: from a description to a brief, without a model, the same each time. */
import type { Brief, Stage } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import { briefMarkdown } from './brief-markdown.ts';
import { applyCorrections } from './corrections.ts';
import { assertReadable, assertSelection, describedApi } from './described-api.ts';
import { probed } from './probed.ts';
import { readCorrections } from './read-corrections.ts';
import { resultOf } from './result.ts';

/** Writes `brief.json` and `brief.md`. Throws `input` or `remote` when there is nothing to work on. */
export function createRulesResearch(dependencies: StageDependencies): Stage<'research'> {
  return {
    name: 'research',
    async run(context) {
      const { found, blueprint: researched } = await describedApi(context, dependencies);
      assertReadable(researched, context.request.streams);
      const corrections = await readCorrections(context);
      const probe = await probed(researched, context, dependencies);
      const { blueprint, applied } = applyCorrections(probe.blueprint, corrections.list);
      assertSelection(blueprint);
      const brief: Brief = { schemaVersion: 1, blueprint, probes: [...probe.probes] };
      const notes = {
        found: found.how,
        feedback: corrections.words,
        corrections: applied,
        probe: probe.note,
      };
      await context.writeArtifact('brief.json', brief);
      await context.writeArtifact('brief.md', briefMarkdown(brief, notes));
      return { status: 'done', result: resultOf(blueprint) };
    },
  };
}
