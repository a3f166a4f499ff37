/** What models cost, in words: pure, shared by trees, status bar, notifications and reports. */
import type { RunView, Usage } from '../pipeline/contracts.ts';

export function cost(usd: number): string {
  return usd === 0 ? '$0' : usd < 0.01 ? '<$0.01' : `$${usd.toFixed(2)}`;
}

/** `950`, `61k`, `1.2M`: what fits beside a stage's name. */
export function tokens(count: number): string {
  if (count < 1000) return String(count);
  // 999,500 is not "1000k".
  if (count < 999_500) return `${Math.round(count / 1000)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** `$0.42 · 61k tokens, 78% cached`; only the dollars where no model was asked. */
export function usageText(usage: Usage): string {
  const all = usage.inputTokens + usage.outputTokens;
  if (all === 0) return cost(usage.usd);
  const cached = cachedPercent(usage);
  return `${cost(usage.usd)} · ${tokens(all)} tokens${cached === 0 ? '' : `, ${cached}% cached`}`;
}

/** Share of the input that was read from the cache, rounded down: "100%" would mean all of it. */
export function cachedPercent({ inputTokens, cacheReadTokens }: Usage): number {
  return inputTokens === 0 ? 0 : Math.floor((100 * cacheReadTokens) / inputTokens);
}

/** The same with nothing shortened, for tooltips and screen readers. */
export function usageInWords(usage: Usage): string {
  if (usage.requests === 0 && usage.inputTokens + usage.outputTokens === 0) return `cost ${cost(usage.usd)}`;
  return [
    `cost ${cost(usage.usd)}`,
    `${grouped(usage.requests)} ${usage.requests === 1 ? 'request' : 'requests'}`,
    `${grouped(usage.inputTokens)} tokens in (${grouped(usage.cacheReadTokens)} from the cache)`,
    `${grouped(usage.outputTokens)} out`,
  ].join(', ');
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** What a run by agents has cost so far, to stand beside its name; '' where rules do the work. */
export function runCost({ engine, usage }: Pick<RunView, 'engine' | 'usage'>): string {
  return engine === 'agents' ? cost(usage.usd) : '';
}
