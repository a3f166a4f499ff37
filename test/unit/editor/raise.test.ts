import { strict as assert } from 'node:assert';
import { decideRequest } from '../../../src/agents/cost/budget.ts';
import { requirePrice } from '../../../src/agents/cost/prices.ts';
import { agentChoices } from '../../../src/editor/agents/agent-choices.ts';
import { amountOf, amountProblem, proposedUsd, raisesIn } from '../../../src/editor/agents/raise.ts';
import { pauseKind } from '../../../src/editor/present.ts';

const now = agentChoices(() => undefined);

function cureOf(caps: { budgetUsd: number; stageBudgetUsd?: number }): { cure: string; neededUsd: number } {
  const decision = decideRequest({
    price: requirePrice('claude-opus-5-5', new Date('2026-11-20')),
    inputTokensEstimate: 100_000,
    wantedMaxTokens: 16_000,
    leastMaxTokens: 2_000,
    spentUsd: 4.9,
    stageSpentUsd: 1.9,
    ...caps,
  });
  assert.ok(decision.kind === 'over');
  return decision;
}

describe('raising the budget', () => {
  it('reads the settings and amounts out of what the budget says', () => {
    const run = cureOf({ budgetUsd: 5 });
    assert.deepEqual(raisesIn(run.cure), [{ setting: 'budget', neededUsd: run.neededUsd }]);
    const stage = cureOf({ budgetUsd: 50, stageBudgetUsd: 2 });
    assert.deepEqual(raisesIn(stage.cure), [{ setting: 'stageBudget', neededUsd: stage.neededUsd }]);
    const both = raisesIn(cureOf({ budgetUsd: 5, stageBudgetUsd: 2 }).cure).map(({ setting }) => setting);
    assert.deepEqual(both.sort(), ['budget', 'stageBudget']);
  });

  it('knows a cure that names the setting without an amount', () => {
    const cure = 'Raise the cap (setting sourcewright.agents.budget, or --budget on resume), then resume.';
    assert.deepEqual(raisesIn(cure), [{ setting: 'budget', neededUsd: undefined }]);
  });

  it('is offered for our own caps, a key for refused ones, and neither where it would not help', () => {
    const pause = (cause: 'budget' | 'credentials' | 'rate_limit', cure: string) =>
      ({ cause, message: '', cure }) as const;
    const budget = pause('budget', cureOf({ budgetUsd: 5 }).cure);
    assert.equal(pauseKind({ engine: 'agents', pause: budget }), 'budget');
    const unpaid = pause('budget', 'Add credit to the key’s organisation, then resume.');
    assert.equal(pauseKind({ engine: 'agents', pause: unpaid }), 'other');
    const refused = pause('credentials', 'Set a valid key, then resume.');
    assert.equal(pauseKind({ engine: 'agents', pause: refused }), 'credentials');
    // The credentials of a probe are not the key.
    assert.equal(pauseKind({ engine: 'rules', pause: refused }), 'other');
    assert.equal(pauseKind({ engine: 'agents', pause: pause('rate_limit', 'Wait.') }), 'other');
    assert.equal(pauseKind({ engine: 'agents', pause: null }), '');
  });

  it('proposes enough for the next request, and half as much again', () => {
    assert.equal(proposedUsd({ setting: 'budget', neededUsd: 0.56 }, now), 7.5);
    assert.equal(proposedUsd({ setting: 'budget', neededUsd: 5.43 }, now), 8.15);
    assert.equal(proposedUsd({ setting: 'budget', neededUsd: undefined }, now), 7.5);
    assert.equal(proposedUsd({ setting: 'stageBudget', neededUsd: 0.56 }, now), 0.84);
    assert.equal(proposedUsd({ setting: 'budget', neededUsd: 900 }, now), 1000);
  });

  it('takes amounts as people write them', () => {
    assert.deepEqual(['7', '7.5', '$7.50', ' 7,50 ', '7.505', '-7', 'seven', '7 USD'].map(amountOf), [
      7,
      7.5,
      7.5,
      7.5,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('refuses amounts that change nothing or are a slip', () => {
    const needed = { setting: 'budget', neededUsd: 5.43 } as const;
    const open = { setting: 'budget', neededUsd: undefined } as const;
    assert.match(amountProblem('5.42', needed, now) ?? '', /\$5\.43/);
    assert.equal(amountProblem('5.43', needed, now), undefined);
    assert.match(amountProblem('5', open, now) ?? '', /already/);
    assert.match(amountProblem('5000', open, now) ?? '', /up to 1000/);
  });
});
