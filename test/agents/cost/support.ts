/** What the tests of costs share: reports of the API as the SDK types them, and amounts that floating point blurs. */
import assert from 'node:assert/strict';
import type { BetaUsage } from '@anthropic-ai/sdk/resources/beta/messages';
import { type ModelPrice, type Rates, requirePrice } from '../../../src/agents/cost/prices.ts';
import '../../unit/fuzz-seed.ts';

export const NOVEMBER = new Date('2026-11-27T12:00:00Z');

export function priceIn(model: string, at = NOVEMBER): ModelPrice {
  return requirePrice(model, at);
}

/** One price at every length of prompt; web searches a cent each. */
export function flat(rates: Partial<Rates>): ModelPrice {
  const none: Rates = { input: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0, output: 0 };
  return { model: 'flat', source: 'setting', rates: { ...none, ...rates }, longer: [], webSearch: 0.01 };
}

export interface Tokens {
  readonly input?: number;
  readonly read?: number;
  readonly minutes?: number;
  readonly hour?: number;
  readonly output?: number;
}

/** A whole report, as the SDK types it: that it compiles is the proof that a `BetaUsage` can be handed over. */
export function reported(tokens: Tokens, more: Partial<BetaUsage> = {}): BetaUsage {
  const { input = 0, read = 0, minutes = 0, hour = 0, output = 0 } = tokens;
  return {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: minutes + hour,
    cache_creation: { ephemeral_5m_input_tokens: minutes, ephemeral_1h_input_tokens: hour },
    output_tokens: output,
    output_tokens_details: null,
    server_tool_use: null,
    iterations: null,
    fallback_credit: null,
    inference_geo: null,
    service_tier: 'standard',
    speed: null,
    ...more,
  };
}

/** Equal to a trillionth of a dollar. */
export function assertUsd(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `expected $${expected}, got $${actual}`);
}
