import { strict as assert } from 'node:assert';
import { stageDescription } from '../../../src/editor/present.ts';
import { cost, runCost, tokens, usageInWords, usageText } from '../../../src/editor/usage-words.ts';
import { NO_USAGE, type StageView, type Usage } from '../../../src/pipeline/contracts.ts';

const USED: Usage = {
  usd: 0.42,
  inputTokens: 60_000,
  outputTokens: 1_234,
  cacheReadTokens: 46_999,
  cacheWriteTokens: 9_000,
  requests: 7,
};

const stage = (change: Partial<StageView>): StageView => ({
  stage: 'generate',
  state: 'running',
  mode: 'GENERATE',
  attempt: 1,
  startedAt: '2026-11-21T03:12:00.000Z',
  durationMs: 12_300,
  usage: USED,
  note: '',
  activity: [],
  artifacts: [],
  ...change,
});

describe('cost in words', () => {
  it('says dollars, tokens and the cached share', () => {
    assert.equal(usageText(USED), '$0.42 · 61k tokens, 78% cached');
    assert.equal(usageText({ ...USED, cacheReadTokens: 0 }), '$0.42 · 61k tokens');
    assert.equal(usageText(NO_USAGE), '$0');
  });

  it('claims no more of the cache than is true', () => {
    assert.match(usageText({ ...USED, cacheReadTokens: 59_999 }), /99% cached/);
    assert.match(usageText({ ...USED, cacheReadTokens: 60_000 }), /100% cached/);
  });

  it('shortens tokens without a jump at the border', () => {
    assert.deepEqual([0, 999, 1000, 61_234, 999_499, 999_500, 12_345_678].map(tokens), [
      '0',
      '999',
      '1k',
      '61k',
      '999k',
      '1.0M',
      '12.3M',
    ]);
  });

  it('does not call a little nothing', () => {
    assert.deepEqual([0, 0.0004, 0.01, 5].map(cost), ['$0', '<$0.01', '$0.01', '$5.00']);
  });

  it('shortens nothing where it is read aloud', () => {
    assert.equal(
      usageInWords(USED),
      'cost $0.42, 7 requests, 60,000 tokens in (46,999 from the cache), 1,234 out',
    );
    assert.equal(usageInWords(NO_USAGE), 'cost $0');
  });

  it('names the cost of a run by agents only', () => {
    assert.equal(runCost({ engine: 'agents', usage: USED }), '$0.42');
    assert.equal(runCost({ engine: 'rules', usage: NO_USAGE }), '');
  });

  it('stands beside the name of a stage, first where it is paid', () => {
    assert.equal(stageDescription(stage({}), 0), '$0.42 · 61k tokens, 78% cached · GENERATE · #1 · 12.3 s');
    assert.equal(stageDescription(stage({ mode: 'RUN', usage: NO_USAGE }), 0), '#1 · 12.3 s · $0');
  });
});
