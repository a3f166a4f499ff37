/** What the review panel shows, and what can be done there. */
import * as z from 'zod/mini';

export const ReviewModel = z.object({
  /** Name of the connector, or of what it is made from. */
  title: z.string(),
});
export type ReviewModel = z.infer<typeof ReviewModel>;

export const ReviewAction = z.discriminatedUnion('type', [z.object({ type: z.literal('approve') })]);
export type ReviewAction = z.infer<typeof ReviewAction>;
