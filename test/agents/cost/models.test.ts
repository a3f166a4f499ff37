import assert from 'node:assert/strict';
import { APIError } from '@anthropic-ai/sdk';
import { checkModels, DEFAULT_MODELS, maxTokensFor, modelFor } from '../../../src/agents/cost/models.ts';
import { StageName } from '../../../src/pipeline/contracts.ts';
import { modelInfo, type ScriptedModel } from '../loopback/models.ts';
import { priceIn } from './support.ts';

const check = (wanted: string[], listed: ScriptedModel[]) =>
  checkModels(wanted, () => Promise.resolve(listed.map(modelInfo)));
const CURRENT = ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5'];

describe('models: which one', () => {
  it('has a model with a price for each stage', () => {
    for (const stage of StageName.options)
      assert.equal(priceIn(DEFAULT_MODELS[stage]).model, DEFAULT_MODELS[stage]);
    assert.equal(DEFAULT_MODELS.generate, 'claude-opus-5-5');
    assert.equal(DEFAULT_MODELS.publish, 'claude-haiku-5-5');
  });

  it('takes the settings before the request, and that before the built-in choice', () => {
    const options = { models: { review: 'from-request', test: 'from-request' } };
    const settings = { models: { review: 'from-settings' } };
    assert.equal(modelFor('review', options, settings), 'from-settings');
    assert.equal(modelFor('test', options, settings), 'from-request');
    assert.equal(modelFor('research', options, settings), 'claude-sonnet-5-5');
    assert.equal(modelFor('generate'), 'claude-opus-5-5');
    assert.equal(modelFor('generate', undefined, { models: undefined }), 'claude-opus-5-5');
  });

  it('knows how long an answer may be', () => {
    assert.equal(maxTokensFor(modelInfo('claude-opus-5-5')), 128_000);
    assert.equal(maxTokensFor({ max_tokens: 8_192 }), 8_192);
    for (const unknown of [undefined, { max_tokens: null }, { max_tokens: 0 }]) {
      assert.equal(maxTokensFor(unknown), 32_000);
    }
  });
});

describe('models: what the key has', () => {
  it('finds nothing wrong with those that it has, and tells what the list says about them', async () => {
    const { problems, models } = await check(
      ['claude-opus-5-5', 'claude-haiku-5-5', 'claude-opus-5-5'],
      CURRENT,
    );
    assert.deepEqual(problems, []);
    assert.deepEqual([...models.keys()], ['claude-opus-5-5', 'claude-haiku-5-5']);
    assert.equal(models.get('claude-opus-5-5')?.max_tokens, 128_000);
  });

  it('names the nearest for one that it has not', async () => {
    const { problems, models } = await check(['claude-sonet-5-5'], [...CURRENT, 'embedding-large']);
    assert.deepEqual(problems, [
      {
        model: 'claude-sonet-5-5',
        severity: 'problem',
        message: 'Your key has no model claude-sonet-5-5.',
        cure: 'Name another in the setting sourcewright.agents.models (in the terminal: --model). The nearest that your key has: claude-sonnet-5-5, claude-opus-5-5, claude-haiku-5-5.',
      },
    ]);
    assert.equal(models.size, 0);
  });

  it('takes a name without a date for the newest of its dated models', async () => {
    const { problems, models } = await check(
      ['claude-haiku-4-5'],
      ['claude-haiku-4-5-20250101', 'claude-haiku-4-5-20251001', 'claude-haiku-4'],
    );
    assert.deepEqual(problems, []);
    assert.equal(models.get('claude-haiku-4-5')?.id, 'claude-haiku-4-5-20251001');
  });

  it('stops at a retired model and suggests none that ends too', async () => {
    const { problems } = await check(
      ['claude-opus-4'],
      [
        ...CURRENT,
        { id: 'claude-opus-4', lifecycle: 'retired' },
        { id: 'claude-opus-4-1', lifecycle: 'retired' },
        { id: 'claude-opus-4-5', lifecycle: 'deprecated' },
      ],
    );
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.severity, 'problem');
    assert.equal(problems[0].message, 'The model claude-opus-4 is retired and no longer answers.');
    assert.match(problems[0].cure, /has: claude-opus-5-5, /);
    assert.doesNotMatch(problems[0].cure, /opus-4/);
  });

  it('warns of a deprecated model with its date, or that it has none', async () => {
    const old: ScriptedModel[] = [
      { id: 'old-one', lifecycle: 'deprecated', retires_at: '2027-01-22T00:00:00Z' },
      { id: 'old-two', lifecycle: 'deprecated' },
    ];
    const { problems, models } = await check(['old-one', 'old-two'], old);
    assert.deepEqual(
      problems.map(({ severity, message, cure }) => [severity, message, cure]),
      [
        [
          'warning',
          'The model old-one is deprecated. It retires on 2027-01-22.',
          'Name another in the setting sourcewright.agents.models (in the terminal: --model).',
        ],
        [
          'warning',
          'The model old-two is deprecated. No date is set yet.',
          'Name another in the setting sourcewright.agents.models (in the terminal: --model).',
        ],
      ],
    );
    assert.equal(models.size, 2);
  });

  it('only warns where there is no list', async () => {
    const answers = [404, 405, 501].map((status) => () => {
      return Promise.reject(APIError.generate(status, { error: {} }, undefined, new Headers()));
    });
    for (const list of [...answers, () => Promise.resolve([])]) {
      const { problems, models } = await checkModels(['house-model'], list);
      assert.deepEqual(
        problems.map(({ model, severity }) => [model, severity]),
        [[null, 'warning']],
      );
      assert.equal(models.size, 0);
    }
  });

  it('leaves other failures to whoever asked', async () => {
    for (const status of [401, 403, 429, 500]) {
      const error = APIError.generate(status, { error: {} }, undefined, new Headers());
      await assert.rejects(
        checkModels(['claude-opus-5-5'], () => Promise.reject(error)),
        (thrown) => thrown === error,
      );
    }
  });
});
