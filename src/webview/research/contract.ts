/** What the research panel shows, and what can be done there. */
import * as z from 'zod/mini';

export const ResearchModel = z.object({
  /** Name of the connector, or of what it is made from. */
  title: z.string(),
});
export type ResearchModel = z.infer<typeof ResearchModel>;

export const ResearchAction = z.discriminatedUnion('type', [z.object({ type: z.literal('approve') })]);
export type ResearchAction = z.infer<typeof ResearchAction>;
