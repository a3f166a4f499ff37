/**
 * What a request cost, from what the API reports about it. Where a report leaves something open, the dearer reading
 * counts: a cap that is kept by flattering numbers is none.
 */
import type { Usage } from '../../pipeline/contracts.ts';
import { addUsage } from '../../pipeline/view.ts';
import { estimateTokens } from './budget.ts';
import { type ModelPrice, ratesFor } from './prices.ts';

type Count = number | null | undefined;

/** Token counts as reported; gateways leave some out. */
export interface ReportedTokens {
  readonly input_tokens?: Count;
  readonly output_tokens?: Count;
  readonly cache_read_input_tokens?: Count;
  readonly cache_creation_input_tokens?: Count;
  readonly cache_creation?:
    | { readonly ephemeral_5m_input_tokens?: Count; readonly ephemeral_1h_input_tokens?: Count }
    | null
    | undefined;
}

/** The part of the SDK's `BetaUsage` that money depends on; a `BetaUsage` fits. */
export interface ReportedUsage extends ReportedTokens {
  readonly server_tool_use?: { readonly web_search_requests?: Count } | null | undefined;
  /** Only entries of type `compaction` are read: their tokens are not in the totals, those of other types are. */
  readonly iterations?: readonly ({ readonly type: string } & ReportedTokens)[] | null | undefined;
}

/** What one answered request cost, web searches and compaction included. */
export function usageOf(reported: ReportedUsage, price: ModelPrice): Usage {
  const compactions = (reported.iterations ?? []).filter(({ type }) => type === 'compaction');
  // A compaction is a request of its own at the API, so its prompt alone decides about its rates.
  const total = [reported, ...compactions].map((one) => costOf(one, price)).reduce(addUsage);
  const searches = count(reported.server_tool_use?.web_search_requests);
  return { ...total, usd: total.usd + searches * price.webSearch, requests: 1 };
}

/**
 * What a stream cost that was cut off: the prompt is paid for, and so is the output until then, which nobody reported.
 * @param start usage in `message_start`, or in whatever came last
 * @param outputCharacters of all that came: text, thinking and tool input. Thinking that is not shown can't be counted.
 */
export function lostUsage(start: ReportedUsage, outputCharacters: number, price: ModelPrice): Usage {
  const output_tokens = Math.max(count(start.output_tokens), estimateTokens(outputCharacters));
  return usageOf({ ...start, output_tokens }, price);
}

function costOf(reported: ReportedTokens, price: ModelPrice): Usage {
  const input = count(reported.input_tokens);
  const output = count(reported.output_tokens);
  const read = count(reported.cache_read_input_tokens);
  const { minutes, hour } = writtenIn(reported);
  const inputTokens = input + read + minutes + hour;
  const rates = ratesFor(price, inputTokens);
  const millionths =
    input * rates.input +
    read * rates.cacheRead +
    minutes * rates.cacheWrite5m +
    hour * rates.cacheWrite1h +
    output * rates.output;
  return {
    usd: millionths / 1_000_000,
    inputTokens,
    outputTokens: output,
    cacheReadTokens: read,
    cacheWriteTokens: minutes + hour,
    requests: 1,
  };
}

/**
 * Tokens written to the cache by how long they are kept. The split can cover less than the total: a stream's last event
 * raises the total, but not the split that came with the first.
 */
function writtenIn(reported: ReportedTokens): { readonly minutes: number; readonly hour: number } {
  const minutes = count(reported.cache_creation?.ephemeral_5m_input_tokens);
  const hour = count(reported.cache_creation?.ephemeral_1h_input_tokens);
  const unsplit = Math.max(0, count(reported.cache_creation_input_tokens) - minutes - hour);
  const onlyMinutes = minutes > 0 && hour === 0;
  return onlyMinutes ? { minutes: minutes + unsplit, hour } : { minutes, hour: hour + unsplit };
}

function count(reported: Count): number {
  return Math.max(0, reported ?? 0);
}
