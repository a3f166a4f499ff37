/**
 * What the research agent remembers over the attempts of a run (`research-agent.json`): what has held, so that it is known
 * when something is to be revised, and what was asked, so that nothing is paid for twice.
 */
import { z } from 'zod';
import { Brief, type StageContext } from '../../../pipeline/contracts.ts';
import { Known } from './judgement.ts';

const FILE = 'research-agent.json';

/** What goes into the brief beside the blueprint. */
export const AgentNotes = Brief.shape.agent.unwrap().extend({ openQuestions: z.array(z.string()) });
export type AgentNotes = z.infer<typeof AgentNotes>;

const Attempt = z.object({
  attempt: z.number().int(),
  /** The description that the agent found and built upon. */
  description: z.string().nullable(),
  /** Ids of the gaps that were asked about. */
  asked: z.array(z.string()),
  known: Known,
  notes: AgentNotes,
});
export type Remembered = z.infer<typeof Attempt>;

const Memory = z.object({ schemaVersion: z.literal(1), attempts: z.array(Attempt) });

type Context = Pick<StageContext, 'attempt' | 'readArtifact' | 'writeArtifact'>;

/** What the attempts before this one know; what this one wrote itself, before it was cut off, does not count. */
export async function recall(context: Context): Promise<Remembered | undefined> {
  const memory = await context.readArtifact(FILE, Memory);
  return memory?.attempts.filter(({ attempt }) => attempt < context.attempt).at(-1);
}

export async function remember(context: Context, remembered: Omit<Remembered, 'attempt'>): Promise<void> {
  const memory = await context.readArtifact(FILE, Memory);
  const earlier = memory?.attempts.filter(({ attempt }) => attempt < context.attempt) ?? [];
  await context.writeArtifact(FILE, {
    schemaVersion: 1,
    attempts: [...earlier, { attempt: context.attempt, ...remembered }],
  });
}
