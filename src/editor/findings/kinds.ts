/** Findings of a kind, which can be accepted together. */
import type { Finding } from '../../pipeline/contracts.ts';

/** The open findings that accepting a rule's kind is about: notes (rejected earlier, say) stay out beside graver ones. */
export function ofKind(open: readonly Finding[], rule: string): Finding[] {
  const all = open.filter((finding) => finding.rule === rule);
  const graver = all.filter(({ severity }) => severity !== 'info');
  return graver.length > 0 ? graver : all;
}
