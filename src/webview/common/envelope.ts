/** What crosses between the editor and a panel, both ways. Each side validates what it receives; nothing here does I/O. */
import * as z from 'zod/mini';

export const PanelKind = z.enum(['research', 'review', 'run']);
export type PanelKind = z.infer<typeof PanelKind>;

/** From the editor: what the panel shows, whole, or why the last thing that the person did there failed. */
export const ToPanel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('model'), model: z.unknown() }),
  z.object({
    type: z.literal('failed'),
    /** The message that failed, as the panel sent it. */
    about: z.unknown(),
    message: z.string(),
    cure: z.nullable(z.string()),
  }),
]);
export type ToPanel = z.infer<typeof ToPanel>;

/** From the panel: it listens now, or something that the person did; what that may be is the panel's own contract. */
export const FromPanel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('act'), action: z.unknown() }),
]);
export type FromPanel = z.infer<typeof FromPanel>;

/** What a panel keeps over a reload, so that it can be filled again. */
export const PanelState = z.object({ kind: PanelKind, runId: z.string() });
export type PanelState = z.infer<typeof PanelState>;
