/** Which findings are listed, and what is half typed below them: kept over redraws and reloads. */
import * as z from 'zod/mini';
import { type FindingRow, type ReviewModel, Severity } from './contract.ts';

export const Filter = z.object({
  severity: z.union([z.literal(''), Severity]),
  /** '' for all. */
  file: z.string(),
  state: z.enum(['open', 'answered', 'all']),
  text: z.string(),
});
export type Filter = z.infer<typeof Filter>;

/** What the person types below a finding. */
export const Draft = z.object({
  mode: z.enum(['reject', 'reply']),
  text: z.string(),
  /** How many remarks there were when it was sent; null while it is typed. */
  sentAfter: z.nullable(z.int()),
});
export type Draft = z.infer<typeof Draft>;

export const Kept = z.object({ filter: Filter, drafts: z.record(z.string(), Draft) });
export type Kept = z.infer<typeof Kept>;

export const NOTHING_KEPT: Kept = {
  filter: { severity: '', file: '', state: 'open', text: '' },
  drafts: {},
};

export function matching(findings: readonly FindingRow[], filter: Filter): FindingRow[] {
  const text = filter.text.trim().toLowerCase();
  return findings.filter(
    ({ severity, file, answer, message, rule, category }) =>
      (filter.severity === '' || severity === filter.severity) &&
      (filter.file === '' || file === filter.file) &&
      (filter.state === 'all' || (filter.state === 'open') === (answer === null)) &&
      (text === '' || `${message} ${rule} ${category} ${file}`.toLowerCase().includes(text)),
  );
}

/** The drafts that are still to be shown: those that were sent go when the model shows what came of them. */
export function openDrafts(
  drafts: Readonly<Record<string, Draft>>,
  { findings }: ReviewModel,
): Record<string, Draft> {
  const rows = new Map(findings.map((row) => [row.id, row]));
  return Object.fromEntries(
    Object.entries(drafts).filter(([id, { mode, sentAfter }]) => {
      const row = rows.get(id);
      if (row === undefined) return false;
      if (sentAfter === null) return true;
      return mode === 'reject'
        ? row.answer?.answer !== 'rejected'
        : (row.detail?.remarks.length ?? 0) <= sentAfter;
    }),
  );
}
