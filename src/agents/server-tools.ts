/** What tools that run at the API may add to one request: to its price and to its prompt. */
import type { BetaToolUnion } from '@anthropic-ai/sdk/resources/beta';

/** Uses of a tool in one request where the task sets no limit. */
const USES = 10;
/** What one search brings, and one fetched page where the task sets no limit. Tokens. */
const SEARCH_TOKENS = 8_000;
const PAGE_TOKENS = 25_000;

/** How often one request may use a tool of this name. */
export function usesOf(tools: readonly BetaToolUnion[], name: string): number {
  const tool = tools.find((one) => 'name' in one && one.name === name);
  if (tool === undefined) return 0;
  return 'max_uses' in tool ? (tool.max_uses ?? USES) : USES;
}

/** Tokens that searches and fetched pages may add to the prompt while the request is answered. */
export function tokensBrought(tools: readonly BetaToolUnion[]): number {
  const fetch = tools.find((one) => 'name' in one && one.name === 'web_fetch');
  const page = fetch !== undefined && 'max_content_tokens' in fetch ? fetch.max_content_tokens : undefined;
  return usesOf(tools, 'web_search') * SEARCH_TOKENS + usesOf(tools, 'web_fetch') * (page ?? PAGE_TOKENS);
}
