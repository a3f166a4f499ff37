import { strict as assert } from 'node:assert';
import { keyProblem } from '../../../src/editor/agents/key-form.ts';
import { modelsMissing, tested } from '../../../src/editor/agents/key-words.ts';

const KEY = 'sk-ant-api03-abcdefghijklmnop';

describe('the form of an API key', () => {
  it('is not ours to know: gateways hand out their own', () => {
    for (const key of [KEY, ` ${KEY}\n`, 'gateway_0123456789abcdef', 'eyJhbGciOi.eyJzdWIi.c2ln']) {
      assert.equal(keyProblem(key), undefined, key);
    }
  });

  it('refuses what was plainly copied wrong, without repeating it', () => {
    const wrong = [
      '',
      '   ',
      `${KEY} ${KEY}`,
      `sk-ant\n${KEY}`,
      `ANTHROPIC_API_KEY=${KEY}`,
      `"${KEY}"`,
      `'${KEY}'`,
      `${KEY}…`,
      'sk-ant-\u200babcdefghijklmn',
      'sk-ant',
    ];
    for (const key of wrong) {
      const problem = keyProblem(key);
      assert.ok(problem, JSON.stringify(key));
      assert.ok(!problem.includes('sk-ant'), problem);
    }
  });
});

describe('a test of the key', () => {
  it('says how many models it may use', () => {
    const found = { models: ['a', 'b'], warning: undefined, missing: [], baseUrl: undefined };
    assert.equal(tested(found), 'The Anthropic API key works and may use 2 models.');
    assert.equal(
      tested({ ...found, models: ['a'], baseUrl: 'https://gateway.example.com/v9' }),
      'The Anthropic API key works at gateway.example.com and may use one model.',
    );
  });

  it('passes on a warning and names models that stages want and the key lacks', () => {
    const words = tested({ models: [], warning: 'No list.', missing: ['claude-x'], baseUrl: undefined });
    assert.match(words, /works\. No list\. Not among them: claude-x\..*sourcewright\.agents\.models/);
  });

  it('takes a dated variant for the model, and an absent list for no proof', () => {
    const wanted = { generate: 'claude-x', test: 'claude-y', review: 'claude-y' };
    assert.deepEqual(modelsMissing(wanted, ['claude-x-20261101', 'claude-z']), ['claude-y']);
    assert.deepEqual(modelsMissing(wanted, []), []);
  });
});
