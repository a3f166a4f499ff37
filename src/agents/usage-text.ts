import type { Usage } from '../pipeline/contracts.ts';

/** Tokens and dollars of a request in a few words, for the live feed and transcripts. */
export function usageText(usage: Usage): string {
  const cached = usage.inputTokens === 0 ? 0 : Math.round((100 * usage.cacheReadTokens) / usage.inputTokens);
  const read = cached === 0 ? '' : ` (${cached}% cached)`;
  return `${usage.inputTokens} tokens in${read}, ${usage.outputTokens} out, $${usage.usd.toFixed(4)}`;
}
