import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Forecast,
  forecastRun,
  forecastText,
  type ForecastQuestion,
  type StageShape,
  TYPICAL,
} from '../../../src/agents/cost/forecast.ts';
import { DEFAULT_MODELS } from '../../../src/agents/cost/models.ts';
import { requirePrice } from '../../../src/agents/cost/prices.ts';
import { StageName } from '../../../src/pipeline/contracts.ts';
import { assertUsd, flat, NOVEMBER, priceIn } from './support.ts';

const LIMITS = { testFixes: 3, codeFixes: 3, reviewCycles: 2, reResearch: 1 };
const NO_LIMITS = { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 };
const forecast = (more: Partial<ForecastQuestion> = {}): Forecast =>
  forecastRun({
    models: DEFAULT_MODELS,
    prices: (model) => priceIn(model),
    facts: { hasDescription: true, streams: 8, gaps: 3 },
    limits: LIMITS,
    ...more,
  });
const stage = (name: StageName, { stages }: Forecast) => stages.find((one) => one.stage === name)!;
/** The same small conversation in each stage. */
const everywhere = (shape: Partial<StageShape>): Record<StageName, StageShape> => {
  const whole: StageShape = {
    firstPrompt: 1_000,
    promptPerStream: 0,
    growth: 100,
    output: 10,
    requests: [3, 3],
    again: [2, 2],
    ...shape,
  };
  return Object.fromEntries(StageName.options.map((name) => [name, whole])) as Record<StageName, StageShape>;
};

describe('forecast: the sum', () => {
  it('is that of conversations read from the cache', () => {
    const price = flat({ cacheWrite5m: 5, cacheRead: 0.2, output: 20, input: 99, cacheWrite1h: 99 });
    const { stages, usd } = forecast({ prices: () => price, limits: NO_LIMITS, typical: everywhere({}) });
    // Written 1,000 + 100 + 100, read 1,000 + 1,100, output 3 x 10: 6,000 + 420 + 600 = 7,020 millionths
    for (const one of stages) {
      assert.deepEqual(one.requests, [3, 3]);
      assertUsd(one.usd[0], 0.00702);
      assertUsd(one.usd[1], 0.00702);
    }
    assertUsd(usd[1], 6 * 0.00702);
  });

  it('counts streams, gaps, searches, and what it takes without a description', () => {
    const shape = {
      promptPerStream: 100,
      requestsPerStream: [0.5, 1],
      requestsPerGap: [1, 2],
      searches: [1, 2],
    } as const;
    const price = flat({ cacheWrite5m: 1 });
    const question = { prices: () => price, limits: NO_LIMITS, typical: everywhere(shape) };
    const facts = { hasDescription: true, streams: 3, gaps: 2 };
    const known = stage('research', forecast({ ...question, facts }));
    assert.deepEqual(known.requests, [7, 10]);
    // Written 1,300 + 6 x 100 and 1,300 + 9 x 100 millionths; one and two searches
    assertUsd(known.usd[0], 0.0119);
    assertUsd(known.usd[1], 0.0222);
    const searched = forecast({ ...question, facts: { ...facts, hasDescription: false } });
    assert.deepEqual(stage('research', searched).requests, [13, 30]);
    assert.deepEqual(stage('generate', searched).requests, [7, 10]);
  });

  it('is high when all fixes and cycles are used, and low when none is', () => {
    const { stages } = forecast({ typical: everywhere({}) });
    assert.deepEqual(
      stages.map((one) => [one.stage, ...one.requests]),
      [
        ['research', 3, 3 + 2],
        ['generate', 3, 3 + 2 * (3 + 2 + 1)],
        ['test', 3, 3 + 2 * (3 + 1)],
        ['diagnose', 3, 3 + 2 * (3 + 3 + 2 + 1)],
        ['review', 3, 3 + 2 * (2 + 1)],
        ['publish', 3, 3],
      ],
    );
  });

  it('counts rounds that a person asks for in both', () => {
    const facts = { hasDescription: true, streams: 8, gaps: 3, feedback: 2 };
    const question = { typical: everywhere({}), limits: NO_LIMITS };
    assert.deepEqual(stage('generate', forecast({ ...question, facts })).requests, [7, 7]);
    assert.deepEqual(stage('publish', forecast({ ...question, facts })).requests, [3, 3]);
  });

  it('charges long prompts by their band', () => {
    const question = { typical: everywhere({ firstPrompt: 100_001, requests: [1, 1] }), limits: NO_LIMITS };
    const { usd } = stage('publish', forecast(question));
    assertUsd(usd[0], (100_001 * 0.625 + 10 * 2.5) / 1_000_000);
  });

  it('is never upside down, and not less with more to do', () => {
    const facts = fc.record({
      streams: fc.nat({ max: 60 }),
      gaps: fc.nat({ max: 40 }),
      feedback: fc.nat({ max: 3 }),
      hasDescription: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, fc.constantFrom('streams', 'gaps', 'feedback'), (some, grown) => {
        const less = forecast({ facts: some });
        const more = forecast({ facts: { ...some, [grown]: some[grown] + 1 } });
        for (const { usd, requests } of less.stages) {
          assert.ok(0 < usd[0] && usd[0] <= usd[1] && requests[0] <= requests[1]);
        }
        assert.ok(less.usd[0] <= more.usd[0] && less.usd[1] <= more.usd[1]);
      }),
    );
  });

  it('has typical numbers that are in order', () => {
    for (const shape of Object.values(TYPICAL)) {
      for (const range of Object.values(shape).filter((value) => Array.isArray(value))) {
        assert.ok(range[0] <= range[1]);
      }
    }
  });
});

describe('forecast: the words', () => {
  const text = (low: number, high: number, budget = 5): string =>
    forecastText({ stages: [], usd: [low, high], basis: '', prices: 'Prices of November 2026.' }, budget);

  it('gives the range and the cap', () => {
    assert.equal(
      text(0.61, 2.38),
      'About $0.60 to $2.40 (at most $5.00, then the run pauses). Prices of November 2026.',
    );
    assert.equal(text(1, 1), 'About $1.00 (at most $5.00, then the run pauses). Prices of November 2026.');
  });

  it('says when the cap may come first, and when it will', () => {
    assert.equal(text(0.45, 6.31), 'About $0.45 to $6.35; the run pauses at $5.00. Prices of November 2026.');
    assert.equal(
      text(0.45, 6.31, 0.25),
      'About $0.45 to $6.35: more than the budget of $0.25, at which the run pauses. Prices of November 2026.',
    );
  });

  it('says what it rests on', () => {
    assert.equal(
      forecast().basis,
      '8 streams, 3 gaps, from a description; at most 3 code fixes, 3 test fixes, 2 review cycles; typical numbers of requests and tokens',
    );
    const limits = { ...LIMITS, codeFixes: 1 };
    const unknown = forecast({ facts: { hasDescription: false }, limits, typical: TYPICAL });
    assert.equal(
      unknown.basis,
      'about 8 streams, about 4 gaps, from documentation pages; at most 1 code fix, 3 test fixes, 2 review cycles; measured numbers of requests and tokens',
    );
  });

  it('says whose prices they are', () => {
    assert.equal(forecast().prices, 'Prices of November 2026.');
    const overrides = { 'claude-opus-5-5': { input: 1, output: 2 } };
    const some = forecast({ prices: (model) => requirePrice(model, NOVEMBER, overrides) });
    assert.equal(some.prices, 'Prices of November 2026; claude-opus-5-5 from your settings.');
    assert.equal(forecast({ prices: () => flat({}) }).prices, 'Prices from your settings.');
  });
});
