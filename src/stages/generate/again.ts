/** Edits of agents that gave way to a new generation, as something that is asked again. */
import type { Given } from '../../agents/contracts.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { differencesText } from '../hand-written.ts';
import { lostEdits } from './agent-edits.ts';
import { thisTime } from './known.ts';
import type { Asked } from './sitting.ts';

/** Characters. */
const MAX_DIFF = 10_000;

export async function askedAgain(
  context: StageContext,
  environment: () => Promise<PythonEnvironment>,
  wanted: (path: string) => boolean,
): Promise<{ asked: Asked[]; given: Given[] }> {
  const lost = await lostEdits(context, wanted);
  if (lost.length === 0) return { asked: [], given: [] };
  const asked = lost.map(({ path }, index) => ({
    id: `again-${index + 1}`,
    what: `${path} was compiled anew: make your earlier changes to it again where they are still needed`,
  }));
  const files = lost.map(({ path, base, content }) => ({ path, before: base, after: content }));
  const diffs = await differencesText(files, MAX_DIFF, context, await environment());
  return { asked, given: thisTime('Your earlier changes that gave way', diffs) };
}
