/** Where the agent starts: with what rules make of the API's description, if they find one. */
import { z } from 'zod';
import type { AgentRuntime } from '../../../agents/contracts.ts';
import { Blueprint } from '../../../blueprint/schema.ts';
import { SourcewrightError } from '../../../errors.ts';
import type { StageContext } from '../../../pipeline/contracts.ts';
import type { StageDependencies } from '../../dependencies.ts';
import { assertReadable, describedApi, readByRules } from '../described-api.ts';
import { NoDescription } from '../documentation-page.ts';

export const Start = z.object({
  /** Null where rules found no description. */
  blueprint: Blueprint.nullable(),
  /** How it was found, where it was not given itself. */
  how: z.string().nullable(),
  /** Why there is none. */
  missing: z.string().nullable(),
});
export type Start = z.infer<typeof Start>;

/** Throws what reading a description that was given throws: a model does not mend that. */
export async function startWithRules(
  context: StageContext,
  dependencies: StageDependencies,
  runtime: AgentRuntime,
): Promise<Start> {
  const start = await runtime.input(context, 'blueprint', Start, () =>
    lookForDescription(context, dependencies),
  );
  if (start.blueprint !== null) assertReadable(start.blueprint, context.request.streams);
  return start;
}

async function lookForDescription(context: StageContext, dependencies: StageDependencies): Promise<Start> {
  const isDocs = context.request.source.kind === 'docs';
  try {
    const { found, blueprint } = await describedApi(context, dependencies);
    if (isDocs && blueprint.streams.length === 0) {
      return nothing(`The description at ${found.location} has no request that reads a list of records.`);
    }
    return { blueprint, how: found.how ?? null, missing: null };
  } catch (error) {
    if (!(error instanceof SourcewrightError)) throw error;
    // A page that does not answer us may be found by search all the same.
    if (error instanceof NoDescription || (isDocs && error.code === 'remote')) return nothing(error.message);
    throw error;
  }
}

function nothing(missing: string): Start {
  return { blueprint: null, how: null, missing };
}

/** A description that the agent found: kept with the run, so that a resumed or replayed conversation builds upon the same. */
export async function readFound(
  url: string,
  hosts: readonly string[],
  context: StageContext,
  dependencies: StageDependencies,
  runtime: AgentRuntime,
): Promise<Blueprint> {
  const { host } = new URL(url);
  // Nobody named it: then it has to be a public one.
  const trustedHost = hosts.includes(host) ? host : '';
  const blueprint = await runtime.input(context, `description ${url}`, Blueprint, () =>
    readWithStreams(
      { location: url, how: 'found by the research agent', trustedHost },
      context,
      dependencies,
    ),
  );
  return trustedHost === '' ? doubted(blueprint, url) : blueprint;
}

/** The person named streams before anyone knew what they are called: where none is called so, the sensible ones are taken. */
async function readWithStreams(
  found: Parameters<typeof readByRules>[0],
  context: StageContext,
  dependencies: StageDependencies,
): Promise<Blueprint> {
  try {
    return await readByRules(found, context, dependencies);
  } catch (error) {
    const unknown = error instanceof SourcewrightError && error.where === '--streams';
    if (!unknown) throw error;
    return readByRules(found, context, dependencies, []);
  }
}

/** Where requests and secrets go is not sure as long as a model alone chose the description. */
function doubted(blueprint: Blueprint, url: string): Blueprint {
  return {
    ...blueprint,
    facts: blueprint.facts.map((fact) =>
      fact.subject === null && (fact.fact === 'base_url' || fact.fact === 'auth')
        ? {
            ...fact,
            status: 'unconfirmed',
            evidence: [...fact.evidence, { source: 'model', document: url }],
          }
        : fact,
    ),
  };
}
