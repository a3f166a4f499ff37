import { strict as assert } from 'node:assert';
import { agentChoices, optionsOf } from '../../../src/editor/agents/agent-choices.ts';
import { SourcewrightError } from '../../../src/errors.ts';

const choices = (settings: Record<string, unknown>, environmentUrl?: string) =>
  agentChoices((name) => settings[name], environmentUrl);

/** A value that can't be used is refused with the setting's name and a cure; never replaced. */
function refuses(settings: Record<string, unknown>): void {
  const [name] = Object.keys(settings);
  assert.throws(
    () => choices(settings),
    (error) =>
      error instanceof SourcewrightError &&
      error.code === 'input' &&
      error.where === `setting sourcewright.agents.${name ?? ''}` &&
      error.cure !== undefined,
    JSON.stringify(settings),
  );
}

describe('settings for agents', () => {
  it('have defaults', () => {
    assert.deepEqual(choices({}), {
      budgetUsd: 5,
      models: {},
      baseUrl: undefined,
      webDomains: [],
      prices: {},
    });
  });

  it('are taken as they are, and what belongs to it goes into the request', () => {
    const chosen = choices({
      budget: 2.5,
      stageBudget: 1,
      models: { generate: ' claude-x ', review: '' },
      webDomains: ['Developer.Example.com'],
      prices: { 'claude-x': { input: 1, output: 2 } },
    });
    assert.deepEqual(chosen.webDomains, ['developer.example.com']);
    assert.deepEqual(optionsOf(chosen), {
      budgetUsd: 2.5,
      stageBudgetUsd: 1,
      models: { generate: 'claude-x' },
    });
    assert.equal('stageBudgetUsd' in optionsOf(choices({ stageBudget: 0 })), false);
  });

  it('refuse amounts that are none', () => {
    for (const budget of [0, -1, Number.NaN, Infinity, 5000, '5', true]) refuses({ budget });
    for (const stageBudget of [-1, 5000, '0']) refuses({ stageBudget });
  });

  it('refuse models of stages that are none', () => {
    for (const models of [{ write: 'x' }, { generate: 3 }, { constructor: 'x' }, [], 'claude-x']) {
      refuses({ models });
    }
  });

  it('refuse a mistyped domain, which must not mean any', () => {
    for (const domain of ['https://example.com', 'example.com/docs', 'example', '*.example.com', '', 7]) {
      refuses({ webDomains: [domain] });
    }
    refuses({ webDomains: 'example.com, example.org' });
  });

  it('send the key over no open line', () => {
    for (const baseUrl of ['http://gateway.example.com', 'ftp://example.com', 'gateway'])
      refuses({ baseUrl });
    for (const baseUrl of ['https://gateway.example.com/anthropic', 'http://127.0.0.1:8080']) {
      assert.equal(choices({ baseUrl }).baseUrl, baseUrl);
    }
  });

  it('take the gateway of the environment where the setting names none', () => {
    assert.equal(choices({}, 'https://a.example').baseUrl, 'https://a.example');
    assert.equal(choices({ baseUrl: 'https://b.example' }, 'https://a.example').baseUrl, 'https://b.example');
    assert.throws(() => choices({}, 'nonsense'), /ANTHROPIC_BASE_URL/);
  });
});
