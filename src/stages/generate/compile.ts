/** GENERATE without thinking: compiles the run's blueprint and brings it onto disk beside what people and agents edited. */
import type { CompiledFile } from '../../blueprint/compiler/compile.ts';
import type { StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import { compileBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { baselinePath, type Emission, emitConnector } from './emit.ts';

/** Paths whose edits can't be kept beside what is new; a person decides. */
function conflict(context: StageContext, conflicts: readonly string[]): StageOutcome<'generate'> {
  const shown = conflicts.slice(0, 5).join(', ');
  const more = conflicts.length > 5 ? ` and ${conflicts.length - 5} more` : '';
  return {
    status: 'paused',
    cause: 'person',
    message: `${context.connectorDir} holds files that were edited or are not from here, and that differ from what is generated now: ${shown}${more}. Nothing was written.`,
    cure: 'Move or delete those files (yours are safe in git or in a copy) or choose another name, then resume.',
  };
}

/**
 * Compiles and writes the connector.
 * @param replaceable hashes of files, by path, that may be written over in spite of a conflict: only agents edited them
 */
export async function compileInto(
  d: StageDependencies,
  context: StageContext,
  replaceable: ReadonlyMap<string, string> = new Map(),
): Promise<{ compiled: CompiledFile[]; emission: Emission } | StageOutcome<'generate'>> {
  context.progress('Compiling the blueprint.');
  const compiled = await compileBrief(d, context);
  const emission = await emitConnector({
    connectorDir: context.connectorDir,
    baseline: baselinePath(context.request.workspace, context.connectorDir),
    compiled,
    replaceable,
  });
  if (emission.conflicts.length > 0) return conflict(context, emission.conflicts);
  return { compiled, emission };
}
