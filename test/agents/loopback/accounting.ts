/**
 * What a request costs, with a prompt cache that behaves as the API's does but knows no clock: entries are written at
 * breakpoints only, and found by looking back from a breakpoint over a limited number of blocks.
 */
import { createHash } from 'node:crypto';
import type { BetaUsage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import { promptBlocks, type PromptBlock } from './prompt.ts';
import type { CountBody } from './request-body.ts';

export interface CacheOptions {
  /** Prefixes of fewer tokens are not cached, without an error. */
  readonly minimumTokens: number;
  /** How many blocks before a breakpoint are tried; the API documents 20. */
  readonly lookback: number;
}

export type InputUsage = Pick<
  BetaUsage,
  'input_tokens' | 'cache_read_input_tokens' | 'cache_creation_input_tokens' | 'cache_creation'
>;

interface Prefix {
  readonly hash: string;
  /** Of the whole prefix, this block included. */
  readonly tokens: number;
  readonly breakpoint: PromptBlock['breakpoint'];
}

function prefixesOf(body: CountBody): Prefix[] {
  let hash = body.model;
  let tokens = 0;
  return promptBlocks(body).map((block) => {
    hash = createHash('sha256').update(`${hash}\n${block.identity}`).digest('hex');
    tokens += block.tokens;
    return { hash, tokens, breakpoint: block.breakpoint };
  });
}

export class PromptCache {
  readonly #options: CacheOptions;
  readonly #entries = new Set<string>();

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Reads what is cached, writes up to the last breakpoint, and says what that came to. */
  charge(body: CountBody): InputUsage {
    const prefixes = prefixesOf(body);
    const total = prefixes.at(-1)?.tokens ?? 0;
    const breakpoints = prefixes.filter((prefix) => prefix.breakpoint !== null && this.#isLongEnough(prefix));
    const read = this.#longestHit(prefixes);
    const longTtl = breakpoints.findLast((prefix) => prefix.breakpoint === '1h')?.tokens ?? 0;
    const last = breakpoints.at(-1)?.tokens ?? 0;
    // With both lifetimes the API bills the part up to the last breakpoint of an hour as such and the rest as 5 minutes.
    const hour = Math.max(0, longTtl - read);
    const minutes = Math.max(0, last - Math.max(read, longTtl));
    for (const prefix of breakpoints) this.#entries.add(prefix.hash);
    return {
      input_tokens: total - Math.max(read, last),
      cache_read_input_tokens: read,
      cache_creation_input_tokens: hour + minutes,
      cache_creation: { ephemeral_5m_input_tokens: minutes, ephemeral_1h_input_tokens: hour },
    };
  }

  #isLongEnough(prefix: Prefix): boolean {
    return prefix.tokens >= this.#options.minimumTokens;
  }

  #longestHit(prefixes: readonly Prefix[]): number {
    let longest = 0;
    prefixes.forEach((prefix, index) => {
      if (prefix.breakpoint === null) return;
      const tried = prefixes.slice(Math.max(0, index - this.#options.lookback + 1), index + 1);
      const hit = tried.findLast(({ hash }) => this.#entries.has(hash));
      longest = Math.max(longest, hit?.tokens ?? 0);
    });
    return longest;
  }
}
