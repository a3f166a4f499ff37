import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  affordableOutput,
  decideRequest,
  estimateTokens,
  money,
  type RequestQuestion,
  reserveFor,
} from '../../../src/agents/cost/budget.ts';
import { usageOf } from '../../../src/agents/cost/usage.ts';
import { assertUsd, flat, priceIn, reported } from './support.ts';

const opus = priceIn('claude-opus-5-5');
const ask = (more: Partial<RequestQuestion> = {}) =>
  decideRequest({
    price: opus,
    inputTokensEstimate: 20_000,
    wantedMaxTokens: 32_000,
    leastMaxTokens: 4_000,
    spentUsd: 0,
    stageSpentUsd: 0,
    budgetUsd: 5,
    ...more,
  });
/** The decision, which the test knows to be this. */
const over = (more: Partial<RequestQuestion>) => {
  const decision = ask(more);
  assert.ok(decision.kind === 'over', `expected over, got ${JSON.stringify(decision)}`);
  return decision;
};

describe('budget: reserves', () => {
  it('estimates tokens up', () => {
    assert.deepEqual([0, 1, 3, 4, 3_001, -5].map(estimateTokens), [0, 1, 1, 2, 1_001, 0]);
  });

  it('takes the prompt as written to the cache and the answer as long as it may be', () => {
    // 20,000 x 8 + 32,000 x 20 = 800,000 millionths; for five minutes 20,000 x 5 + 640,000 = 740,000
    assertUsd(reserveFor({ price: opus, inputTokens: 20_000, maxTokens: 32_000 }), 0.8);
    assertUsd(reserveFor({ price: opus, inputTokens: 20_000, maxTokens: 32_000, cacheLife: '5m' }), 0.74);
  });

  it('takes the input price where a setting made it dearer than writing', () => {
    const price = flat({ input: 4, cacheWrite5m: 1, cacheWrite1h: 1, output: 0 });
    assertUsd(reserveFor({ price, inputTokens: 1_000_000, maxTokens: 1 }), 4);
  });

  it('counts the band and the web searches', () => {
    const price = priceIn('claude-haiku-5-5');
    // 100,001 x 1.00 + 1,000 x 2.50 millionths, and 5 cents
    assertUsd(reserveFor({ price, inputTokens: 100_001, maxTokens: 1_000, webSearches: 5 }), 0.152501);
    assertUsd(reserveFor({ price, inputTokens: 100_000, maxTokens: 1_000 }), 0.0205);
  });

  it('tells how long an answer the money pays for', () => {
    const planned = { price: opus, inputTokens: 20_000 };
    assert.equal(affordableOutput({ ...planned, remainingUsd: 0.8 }), 32_000);
    assert.equal(affordableOutput({ ...planned, remainingUsd: 0.79999 }), 31_999);
    assert.equal(affordableOutput({ ...planned, remainingUsd: 0.16 }), 0);
    assert.equal(affordableOutput({ ...planned, remainingUsd: 0.1 }), 0);
    assert.equal(affordableOutput({ ...planned, remainingUsd: -1 }), 0);
    assert.equal(affordableOutput({ price: flat({}), inputTokens: 9, remainingUsd: 0 }), Infinity);
  });
});

describe('budget: whether the next request may be sent', () => {
  it('lets go as wanted while there is enough', () => {
    assert.deepEqual(ask(), { kind: 'go', maxTokens: 32_000, reserveUsd: 0.8 });
    // 5.00 - 4.20 is a little less than 0.80 in floating point, and 0.80 for a person.
    assert.deepEqual(ask({ spentUsd: 4.2 }), { kind: 'go', maxTokens: 32_000, reserveUsd: 0.8 });
  });

  it('shortens the answer to what is left, down to the least', () => {
    assert.deepEqual(ask({ spentUsd: 4.6 }), { kind: 'go', maxTokens: 12_000, reserveUsd: 0.4 });
    assert.deepEqual(ask({ spentUsd: 4.76 }), { kind: 'go', maxTokens: 4_000, reserveUsd: 0.24 });
    assert.equal(ask({ spentUsd: 4.77 }).kind, 'over');
    assert.equal(ask({ stageSpentUsd: 0.5, stageBudgetUsd: 0.9 }).kind, 'go');
    assert.equal(ask({ wantedMaxTokens: 100, leastMaxTokens: 4_000, spentUsd: 4.8 }).kind, 'go');
  });

  it('says what is spent, what comes next, and what to do', () => {
    assert.deepEqual(ask({ spentUsd: 4.803 }), {
      kind: 'over',
      which: 'run',
      message: 'The run has cost $4.80 of its budget of $5.00. The next request may cost up to $0.80.',
      cure: 'Raise the budget to $5.61 or more (setting sourcewright.agents.budget, or --budget on resume), then resume: the run goes on where it stopped.',
      neededUsd: 5.61,
    });
  });

  it('says so of the stage too', () => {
    const decision = over({ spentUsd: 2, stageSpentUsd: 1.4, stageBudgetUsd: 1.5 });
    assert.equal(decision.which, 'stage');
    assert.equal(
      decision.message,
      'The stage has cost $1.40 of its budget of $1.50. The next request may cost up to $0.80.',
    );
    assert.equal(
      decision.cure,
      'Raise the stage budget to $2.20 or more (setting sourcewright.agents.stageBudget, or --stage-budget on resume), then resume: the run goes on where it stopped.',
    );
    assert.equal(decision.neededUsd, 2.2);
  });

  it('names both caps where both are short, the tighter one first', () => {
    const decision = over({ spentUsd: 4.9, stageSpentUsd: 1.45, stageBudgetUsd: 1.5 });
    assert.equal(decision.which, 'stage');
    assert.equal(decision.neededUsd, 2.25);
    assert.equal(
      decision.message,
      'The stage has cost $1.45 of its budget of $1.50, and the run has cost $4.90 of its budget of $5.00. The next request may cost up to $0.80.',
    );
    assert.match(decision.cure, /^Raise the stage budget to \$2\.25 .* and the budget to \$5\.70 or more \(/);
  });

  it('goes by what is left when more was spent than allowed, and when nothing was spent', () => {
    assert.equal(over({ spentUsd: 6 }).neededUsd, 6.8);
    assert.match(over({ budgetUsd: 0.1 }).message, /^The run has cost \$0\.00 of its budget of \$0\.10\./);
    assert.match(over({ spentUsd: 0.001, budgetUsd: 0.1 }).message, /^The run has cost less than \$0\.01 of/);
  });

  it('rounds what may come up, never down', () => {
    // 20,100 x 8 + 32,000 x 20 = 800,800 millionths
    const decision = over({ inputTokensEstimate: 20_100, spentUsd: 4.9 });
    assert.match(decision.message, /may cost up to \$0\.81\.$/);
    assert.equal(decision.neededUsd, 5.71);
  });

  it('writes amounts to the cent', () => {
    assert.deepEqual([0, 0.004, 0.005, 1.1, 12.345].map(money), [
      '$0.00',
      'less than $0.01',
      '$0.01',
      '$1.10',
      '$12.35',
    ]);
  });
});

describe('budget: for all requests', () => {
  const usd = (max: number) => fc.integer({ min: 0, max: max * 1e7 }).map((amount) => amount / 1e7);
  const tokens = (max: number) => fc.nat({ max });
  const question = fc.record(
    {
      price: fc
        .constantFrom('claude-haiku-5-5', 'claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5-1')
        .map((model) => priceIn(model)),
      inputTokensEstimate: tokens(400_000),
      wantedMaxTokens: fc.integer({ min: 1, max: 128_000 }),
      leastMaxTokens: tokens(16_000),
      spentUsd: usd(6),
      stageSpentUsd: usd(3),
      budgetUsd: usd(8),
      stageBudgetUsd: usd(4),
      webSearches: tokens(8),
      cacheLife: fc.constantFrom<'5m' | '1h'>('5m', '1h'),
    },
    {
      requiredKeys: [
        'price',
        'inputTokensEstimate',
        'wantedMaxTokens',
        'leastMaxTokens',
        'spentUsd',
        'stageSpentUsd',
        'budgetUsd',
      ],
    },
  );
  /** What is left under each cap that is set; amounts are exact to a billionth. */
  const left = ({ budgetUsd, spentUsd, stageBudgetUsd = Infinity, stageSpentUsd }: RequestQuestion) =>
    Math.min(budgetUsd - spentUsd, stageBudgetUsd - stageSpentUsd) + 1e-9;

  it('never lets a request go that may cost more than is left', () => {
    const seen = { go: 0, over: 0 };
    fc.assert(
      fc.property(question, (asked) => {
        const decision = decideRequest(asked);
        seen[decision.kind] += 1;
        if (decision.kind === 'over') return;
        const { maxTokens, reserveUsd } = decision;
        assert.ok(reserveUsd <= left(asked), `reserves ${reserveUsd} of ${left(asked)}`);
        assert.ok(Number.isInteger(maxTokens) && maxTokens <= asked.wantedMaxTokens);
        assert.ok(maxTokens >= Math.min(asked.leastMaxTokens, asked.wantedMaxTokens));
      }),
      { numRuns: 1_000 },
    );
    assert.ok(seen.go > 100 && seen.over > 100, `only ${JSON.stringify(seen)}`);
  });

  it('reserves at least what the request then costs, whichever way its prompt was cached', () => {
    fc.assert(
      fc.property(
        question,
        fc.array(fc.nat({ max: 100 }), { minLength: 4, maxLength: 4 }),
        (asked, parts) => {
          const decision = decideRequest(asked);
          if (decision.kind === 'over') return;
          const whole = parts.reduce((sum, part) => sum + part, 1);
          const [read = 0, written = 0, output = 0] = parts.map((part) => part / whole);
          const total = asked.inputTokensEstimate;
          const cached = { read: Math.floor(total * read), written: Math.floor(total * written) };
          const { usd: cost } = usageOf(
            reported(
              {
                input: total - cached.read - cached.written,
                read: cached.read,
                [asked.cacheLife === '5m' ? 'minutes' : 'hour']: cached.written,
                output: Math.floor(decision.maxTokens * output),
              },
              { server_tool_use: { web_search_requests: asked.webSearches ?? 0, web_fetch_requests: 0 } },
            ),
            asked.price,
          );
          assert.ok(cost <= decision.reserveUsd + 1e-9, `cost ${cost}, reserved ${decision.reserveUsd}`);
        },
      ),
    );
  });

  it('uses what is left: one token more could not be paid', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const decision = decideRequest(asked);
        if (decision.kind === 'over' || decision.maxTokens >= asked.wantedMaxTokens) return;
        const { maxTokens } = decision;
        const more = reserveFor({
          ...asked,
          inputTokens: asked.inputTokensEstimate,
          maxTokens: maxTokens + 1,
        });
        assert.ok(more > left(asked) - 2e-9);
      }),
      { numRuns: 1_000 },
    );
  });

  it('asks for no cap that would not do, and for none that would do before', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const decision = decideRequest({ ...asked, stageBudgetUsd: undefined });
        if (decision.kind === 'go') return;
        assert.equal(decision.which, 'run');
        assert.ok(decision.neededUsd > asked.budgetUsd);
        assert.equal(Math.round(decision.neededUsd * 100) / 100, decision.neededUsd);
        const raised = decideRequest({ ...asked, stageBudgetUsd: undefined, budgetUsd: decision.neededUsd });
        assert.ok(raised.kind === 'go' && raised.maxTokens === Math.max(1, asked.wantedMaxTokens));
        assert.ok(decision.neededUsd - asked.spentUsd < raised.reserveUsd + 0.02);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is enough to raise the caps that the cure names', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const decision = decideRequest(asked);
        if (decision.kind === 'go') return;
        const [, run] = /the budget to \$([\d.]+)/.exec(decision.cure) ?? [];
        const [, stage] = /the stage budget to \$([\d.]+)/.exec(decision.cure) ?? [];
        const raised = decideRequest({
          ...asked,
          ...(run !== undefined && { budgetUsd: Number(run) }),
          ...(stage !== undefined && { stageBudgetUsd: Number(stage) }),
        });
        assert.equal(raised.kind, 'go');
      }),
      { numRuns: 1_000 },
    );
  });
});
