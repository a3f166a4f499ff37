/** The findings of a review together with the person's answers, over cycles and over runs. */
import type { Review } from '../../pipeline/contracts.ts';

/** Ids of the findings that nobody rejected and that are not applied yet; notes of severity `info` don't count. */
export function openFindings(review: Review): string[] {
  const settled = new Set(
    review.answers.filter((entry) => entry.answer !== 'accepted').map((entry) => entry.finding),
  );
  return review.findings
    .filter((finding) => finding.severity !== 'info' && !settled.has(finding.id))
    .map((finding) => finding.id);
}
