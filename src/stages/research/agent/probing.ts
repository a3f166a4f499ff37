/** The probe of the engine `agents`: what it saw is kept with the run, and secrets go nowhere on a model's word alone. */
import { z } from 'zod';
import type { AgentRuntime } from '../../../agents/contracts.ts';
import { Blueprint } from '../../../blueprint/schema.ts';
import { Brief, type StageContext } from '../../../pipeline/contracts.ts';
import type { StageDependencies } from '../../dependencies.ts';
import type { Correction } from '../corrections.ts';
import { probed } from '../probed.ts';
import type { ProbeOutcome } from '../probe.ts';
import { namedHosts } from './tools.ts';

const Seen = z.object({
  blueprint: Blueprint,
  probes: Brief.shape.probes,
  note: z.string().nullable(),
});

export interface Probing {
  readonly context: StageContext;
  readonly dependencies: Pick<StageDependencies, 'credentials'>;
  readonly runtime: AgentRuntime;
}

/** The blueprint as a probe leaves it; as it was where none was asked for or none may be made. */
export async function probedThroughRuntime(
  blueprint: Blueprint,
  { context, dependencies, runtime }: Probing,
  corrections: readonly Correction[],
): Promise<ProbeOutcome> {
  if (!context.request.probe) return { blueprint, probes: [], note: undefined };
  if (dependencies.credentials?.['base_url'] === undefined && !isTrusted(blueprint, context, corrections)) {
    return {
      blueprint,
      probes: [],
      note:
        "The API was not asked: its base URL comes from the research agent, and secrets are sent to no host on a model's word. " +
        'Give base_url with the credentials, or say it as a correction.',
    };
  }
  const seen = await runtime.input(context, 'probe', Seen, async () => {
    const { note, probes, ...outcome } = await probed(blueprint, context, dependencies);
    return { ...outcome, probes: [...probes], note: note ?? null };
  });
  return { ...seen, note: seen.note ?? undefined };
}

/** The person named the host themselves, or the description that they gave says it. */
function isTrusted(blueprint: Blueprint, context: StageContext, corrections: readonly Correction[]): boolean {
  const fact = blueprint.facts.find((one) => one.subject === null && one.fact === 'base_url');
  if (fact !== undefined && fact.status !== 'unconfirmed') return true;
  const corrected = corrections.filter((one) => one.fact === 'base_url').map((one) => String(one.value));
  const urls = corrected.filter((url) => URL.canParse(url));
  const hosts = new Set([...namedHosts(context), ...urls.map((url) => new URL(url).host)]);
  return URL.canParse(blueprint.baseUrl) && hosts.has(new URL(blueprint.baseUrl).host);
}
