import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lostUsage, usageOf } from '../../../src/agents/cost/usage.ts';
import { assertUsd, flat, priceIn, reported, type Tokens } from './support.ts';

describe('usage: what a request cost', () => {
  it('adds up each kind of token at its own price', () => {
    // 1,000 x 4 + 50,000 x 0.20 + 2,000 x 5 + 300 x 8 + 700 x 20 = 40,400 millionths
    const usage = usageOf(
      reported({ input: 1_000, read: 50_000, minutes: 2_000, hour: 300, output: 700 }),
      priceIn('claude-opus-5-5'),
    );
    assertUsd(usage.usd, 0.0404);
    assert.deepEqual(
      { ...usage, usd: 0 },
      {
        usd: 0,
        inputTokens: 53_300,
        outputTokens: 700,
        cacheReadTokens: 50_000,
        cacheWriteTokens: 2_300,
        requests: 1,
      },
    );
  });

  it('follows the price of the day', () => {
    const before = priceIn('claude-sonnet-5-5', new Date('2026-10-01'));
    assertUsd(usageOf(reported({ read: 1_000_000 }), before).usd, 0.2);
    assertUsd(usageOf(reported({ read: 1_000_000 }), priceIn('claude-sonnet-5-5')).usd, 0.1);
  });

  it('counts cache reads and writes for the band, and charges the whole request by it', () => {
    const haiku = priceIn('claude-haiku-5-5');
    // At the border: 40,000 x 0.10 + 50,000 x 0.01 + 10,000 x 0.125 + 1,000 x 0.50 = 6,250 millionths
    const border = { input: 40_000, read: 50_000, minutes: 10_000, output: 1_000 };
    assertUsd(usageOf(reported(border), haiku).usd, 0.00625);
    // One token more: 40,001 x 0.50 + 50,000 x 0.05 + 10,000 x 0.625 + 1,000 x 2.50 = 31,250.5 millionths
    assertUsd(usageOf(reported({ ...border, input: 40_001 }), haiku).usd, 0.0312505);
  });

  it('charges web searches, not fetches', () => {
    const tools = { server_tool_use: { web_search_requests: 3, web_fetch_requests: 9 } };
    assertUsd(usageOf(reported({ input: 100 }, tools), priceIn('claude-opus-5-5')).usd, 0.0304);
  });

  it('adds compactions, which are not in the totals, and nothing else of the iterations', () => {
    const iteration = {
      input_tokens: 1_000,
      output_tokens: 100,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_creation: null,
    };
    const iterations = [
      { ...iteration, type: 'compaction' as const, input_tokens: 60_000, output_tokens: 2_000 },
      { ...iteration, type: 'message' as const, model: null },
    ];
    const usage = usageOf(
      reported({ input: 1_000, output: 100 }, { iterations }),
      priceIn('claude-opus-5-5'),
    );
    // 1,000 x 4 + 100 x 20 = 6,000, and 60,000 x 4 + 2,000 x 20 = 280,000 millionths
    assertUsd(usage.usd, 0.286);
    assert.equal(usage.inputTokens, 61_000);
    assert.equal(usage.outputTokens, 2_100);
    assert.equal(usage.requests, 1);
  });

  it('decides the band of a compaction by its own prompt', () => {
    const compaction = {
      type: 'compaction' as const,
      input_tokens: 90_000,
      output_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_creation: null,
    };
    const usage = usageOf(
      reported({ input: 20_000 }, { iterations: [compaction] }),
      priceIn('claude-haiku-5-5'),
    );
    assertUsd(usage.usd, (110_000 * 0.1) / 1_000_000);
  });

  it('takes the dearer reading of writes whose life is not told', () => {
    const price = flat({ cacheWrite5m: 5, cacheWrite1h: 8 });
    const written = (
      cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number } | null,
    ) => usageOf(reported({}, { cache_creation_input_tokens: 1_000, cache_creation }), price);
    assertUsd(written(null).usd, 0.008);
    assertUsd(written({ ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }).usd, 0.008);
    // The stream's first event told the split of 400; its last one raised only the total.
    assertUsd(written({ ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 0 }).usd, 0.005);
    assertUsd(written({ ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 100 }).usd, 0.0071);
    assert.equal(written(null).cacheWriteTokens, 1_000);
  });

  it('reads what a gateway left out as nothing', () => {
    const price = priceIn('claude-opus-5-5');
    assert.equal(usageOf({}, price).usd, 0);
    assertUsd(usageOf({ input_tokens: 10, output_tokens: null }, price).usd, 0.00004);
    assert.equal(usageOf({ input_tokens: -5 }, price).inputTokens, 0);
  });
});

describe('usage: a stream that was cut', () => {
  const price = priceIn('claude-opus-5-5');

  it('is the prompt and an estimate of what had come', () => {
    const usage = lostUsage(reported({ read: 10_000, output: 1 }), 301, price);
    // 10,000 x 0.20 + ceil(301 / 3) x 20 = 2,000 + 2,020 millionths
    assertUsd(usage.usd, 0.00402);
    assert.equal(usage.outputTokens, 101);
    assert.equal(usage.requests, 1);
  });

  it('is not less than what was reported', () => {
    assert.equal(lostUsage(reported({ output: 500 }), 30, price).outputTokens, 500);
  });
});

describe('usage: for all reports', () => {
  const tokens = fc.nat({ max: 2_000_000 });
  const counts = fc.record<Required<Tokens>>({
    input: tokens,
    read: tokens,
    minutes: tokens,
    hour: tokens,
    output: tokens,
  });
  const model = fc.constantFrom(
    'claude-haiku-5-5',
    'claude-opus-5-5',
    'claude-sonnet-5-5',
    'claude-fable-5-1',
  );

  it('costs nothing negative, and not less when any count grows', () => {
    const kind = fc.constantFrom<keyof Tokens>('input', 'read', 'minutes', 'hour', 'output');
    fc.assert(
      fc.property(model, counts, kind, fc.integer({ min: 1, max: 300_000 }), (id, before, grown, by) => {
        const price = priceIn(id);
        const less = usageOf(reported(before), price).usd;
        const more = usageOf(reported({ ...before, [grown]: before[grown] + by }), price).usd;
        assert.ok(less >= 0);
        assert.ok(more > less, `${grown} + ${by}: $${less} became $${more}`);
      }),
    );
  });

  it('is never negative, whatever a gateway sends', () => {
    const any = fc.option(fc.integer({ min: -1_000, max: 1_000_000 }), { nil: null });
    const report = fc.record(
      {
        input_tokens: any,
        output_tokens: any,
        cache_read_input_tokens: any,
        cache_creation_input_tokens: any,
        cache_creation: fc.option(
          fc.record({ ephemeral_5m_input_tokens: any, ephemeral_1h_input_tokens: any }, { requiredKeys: [] }),
          { nil: null },
        ),
        server_tool_use: fc.option(fc.record({ web_search_requests: any }), { nil: null }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(report, fc.integer({ min: -10, max: 10_000 }), (sent, characters) => {
        const price = priceIn('claude-haiku-5-5');
        for (const usage of [usageOf(sent, price), lostUsage(sent, characters, price)]) {
          for (const value of Object.values(usage)) assert.ok(value >= 0 && Number.isFinite(value));
        }
      }),
    );
  });
});
