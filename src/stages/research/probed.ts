/** Whether the API itself may be asked, and the asking. */
import type { Blueprint } from '../../blueprint/schema.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import { probeApi, type ProbeOutcome } from './probe.ts';

/** The blueprint as a probe leaves it; as it was where none was asked for, or none can be made. */
export async function probed(
  blueprint: Blueprint,
  context: Pick<StageContext, 'request' | 'signal' | 'progress'>,
  dependencies: Pick<StageDependencies, 'credentials'>,
): Promise<ProbeOutcome> {
  if (!context.request.probe) return { blueprint, probes: [], note: undefined };
  if (
    dependencies.credentials === undefined &&
    blueprint.auth[0]?.parts.every((part) => part.kind === 'none') !== true
  ) {
    return {
      blueprint,
      probes: [],
      note: 'The probe was asked for but no credentials were given, so the API was not asked.',
    };
  }
  return probeApi(blueprint, {
    credentials: dependencies.credentials ?? {},
    signal: context.signal,
    progress: (message) => {
      context.progress(message);
    },
  });
}
