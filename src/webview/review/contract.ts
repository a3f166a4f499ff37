/** What the review panel shows, and what can be done there. */
import * as z from 'zod/mini';

export const Severity = z.enum(['error', 'warning', 'info']);
export type Severity = z.infer<typeof Severity>;

export const Answer = z.object({
  answer: z.enum(['accepted', 'rejected', 'applied']),
  /** '' where none was given. */
  reason: z.string(),
});

export const Detail = z.object({
  /** The lines that it is about, as they were at the review; '' where they are not shown. */
  excerpt: z.string(),
  suggestion: z.nullable(
    z.object({
      title: z.string(),
      lines: z.array(z.object({ sign: z.enum([' ', '-', '+']), text: z.string() })),
    }),
  ),
  remarks: z.array(z.object({ by: z.enum(['person', 'sourcewright']), text: z.string(), at: z.string() })),
});
export type Detail = z.infer<typeof Detail>;

export const FindingRow = z.object({
  id: z.string(),
  rule: z.string(),
  source: z.string(),
  severity: Severity,
  category: z.string(),
  message: z.string(),
  /** Relative to the connector's folder. */
  file: z.string(),
  line: z.int(),
  answer: z.nullable(Answer),
  /** Accepting it writes an exact suggestion. */
  isExact: z.boolean(),
  /** Null for findings far down a long list: the editor has the rest. */
  detail: z.nullable(Detail),
});
export type FindingRow = z.infer<typeof FindingRow>;

export const ReviewModel = z.object({
  /** Name of the connector, or of what it is made from. */
  title: z.string(),
  /** What is to be done, or why nothing can be. */
  state: z.string(),
  /** The run waits at a gate at which answers count. */
  canAnswer: z.boolean(),
  /** What ends the review; null where it is not open. */
  finish: z.nullable(z.object({ label: z.string(), next: z.string() })),
  /** Of all findings, also of those that are not in the list. */
  open: z.object({ error: z.int(), warning: z.int(), info: z.int() }),
  answered: z.int(),
  /** The gravest open ones first, then what is answered. */
  findings: z.array(FindingRow),
  /** How many are left out at the end of the list. */
  more: z.int(),
  /** Rules with more than one open finding. */
  kinds: z.array(z.object({ rule: z.string(), open: z.int() })),
  /** Something of the run that can't be read; '' where all is well. */
  problem: z.string(),
});
export type ReviewModel = z.infer<typeof ReviewModel>;

const finding = z.string().check(z.maxLength(100));
const words = z.string().check(z.maxLength(4000));

export const ReviewAction = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accept'), finding }),
  /** An empty reason is none. */
  z.object({ type: z.literal('reject'), finding, reason: words }),
  z.object({ type: z.literal('acceptKind'), rule: z.string().check(z.maxLength(200)) }),
  z.object({ type: z.literal('reply'), finding, text: words }),
  /** Opens the file there. */
  z.object({ type: z.literal('open'), finding }),
  z.object({ type: z.literal('finish') }),
]);
export type ReviewAction = z.infer<typeof ReviewAction>;
