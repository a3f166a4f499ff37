import type { Usage } from '../pipeline/contracts.ts';

/** Tokens of a request in a few words. */
export function tokensText(usage: Usage): string {
  const cached = usage.inputTokens === 0 ? 0 : Math.round((100 * usage.cacheReadTokens) / usage.inputTokens);
  const read = cached === 0 ? '' : ` (${cached}% cached)`;
  return `${usage.inputTokens} tokens in${read}, ${usage.outputTokens} out`;
}

/** Tokens and dollars of a request, for the live feed. */
export function usageText(usage: Usage): string {
  return `${tokensText(usage)}, $${usage.usd.toFixed(4)}`;
}
