/** What the run view shows, and what can be done there. */
import * as z from 'zod/mini';

export const StageRow = z.object({
  /** The stage's name for people. */
  label: z.string(),
  /** As in `StageView`. */
  state: z.string(),
  note: z.string(),
});

export const RunModel = z.object({
  /** Name of the connector, or of what it is made from. */
  title: z.string(),
  /** What the person is asked; null where nothing waits. */
  question: z.nullable(z.string()),
  stages: z.array(StageRow),
});
export type RunModel = z.infer<typeof RunModel>;

export const RunAction = z.discriminatedUnion('type', [
  /** Opens what waits for the person. */
  z.object({ type: z.literal('goToPendingApproval') }),
]);
export type RunAction = z.infer<typeof RunAction>;
