import assert from 'node:assert/strict';
import type { BetaUsage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import { PromptCache } from './accounting.ts';
import { LoopbackServer, script, text, tool } from './index.ts';
import { readCountBody } from './request-body.ts';
import { clientOf, converse, MODEL } from './sdk.ts';

/** A text block of exactly this many tokens. */
const filled = (tokens: number, letter: string) => ({
  type: 'text',
  text: letter.repeat(tokens * 4 - JSON.stringify({ text: '', type: 'text' }).length),
});
const marked = <Block extends object>(block: Block, ttl?: string) => ({
  ...block,
  cache_control: { type: 'ephemeral', ...(ttl !== undefined && { ttl }) },
});
const user = (...content: object[]) => ({ role: 'user', content });

describe('loopback server: cache', () => {
  const make = (minimumTokens = 100) => new PromptCache({ minimumTokens, lookback: 20 });
  const charge = (cache: PromptCache, body: object): (number | null)[] => {
    const usage = cache.charge(readCountBody({ model: MODEL, ...body }));
    return [usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens];
  };

  it('reads on every later turn what the turns before it wrote', async () => {
    const turns = Array.from({ length: 4 }, (_, index) => tool('look', { path: `path ${index}` }));
    const server = await LoopbackServer.start({ script: script({ research: [...turns, text('done')] }) });
    try {
      await converse({ client: clientOf(server), system: `role: research ${'x'.repeat(8_000)}` });
      const usages = server.messageRequests.map(({ answer }) => answer?.usage as BetaUsage);
      assert.equal(usages.length, 5);
      assert.equal(usages[0]?.cache_read_input_tokens, 0);
      usages.slice(1).forEach((usage, index) => {
        const before = usages[index]!;
        assert.equal(
          usage.cache_read_input_tokens,
          before.cache_read_input_tokens! + before.cache_creation_input_tokens!,
        );
        assert.ok(usage.cache_creation_input_tokens! > 0);
        assert.equal(usage.input_tokens, 0);
      });
      const totals = server.totals();
      assert.equal(totals.requests, 5);
      assert.ok(totals.cacheRead > 4 * 2_000 && totals.output > 0);
    } finally {
      await server.close();
    }
  });

  it('writes at breakpoints only, and reads the longest prefix that was written', () => {
    const cache = make();
    const system = [filled(150, 's'), marked(filled(50, 't'))];
    assert.deepEqual(charge(cache, { system, messages: [user(filled(30, 'a'))] }), [30, 0, 200]);
    assert.deepEqual(charge(cache, { system, messages: [user(filled(40, 'b'))] }), [40, 200, 0]);
    // Without a breakpoint nothing is looked up, and a changed first block changes all that follows.
    const bare = [filled(150, 's'), filled(50, 't')];
    assert.deepEqual(charge(cache, { system: bare, messages: [user(filled(30, 'a'))] }), [230, 0, 0]);
    const other = [filled(150, 'o'), marked(filled(50, 't'))];
    assert.deepEqual(charge(cache, { system: other, messages: [user(filled(30, 'a'))] }), [30, 0, 200]);
  });

  it('does not care how a text is written, nor that a breakpoint moves on', () => {
    const cache = make();
    const long = filled(120, 'a');
    assert.deepEqual(charge(cache, { messages: [user(marked(long))] }), [0, 0, 120]);
    const messages = [
      { role: 'user', content: long.text },
      { role: 'assistant', content: [filled(20, 'b')] },
      user(filled(10, 'c')),
    ];
    assert.deepEqual(charge(cache, { cache_control: { type: 'ephemeral' }, messages }), [0, 120, 30]);
  });

  it('caches nothing that is too short', () => {
    const cache = make(1024);
    const body = { cache_control: { type: 'ephemeral' }, messages: [user(filled(1023, 'a'))] };
    assert.deepEqual(charge(cache, body), [1023, 0, 0]);
    assert.deepEqual(charge(cache, body), [1023, 0, 0]);
    assert.deepEqual(charge(cache, { ...body, messages: [user(filled(1024, 'a'))] }), [0, 0, 1024]);
  });

  it('looks back over 20 blocks and no more', () => {
    const first = marked(filled(200, 'a'));
    const more = (count: number) =>
      Array.from({ length: count }, (_, index) => filled(10, 'bcdef'[index % 5]!));
    for (const [count, read] of [
      [19, 200],
      [20, 0],
    ] as const) {
      const cache = make();
      charge(cache, { messages: [user(first)] });
      const { cache_control: _, ...unmarked } = first;
      const body = { cache_control: { type: 'ephemeral' }, messages: [user(unmarked, ...more(count))] };
      assert.equal(charge(cache, body)[1], read);
    }
  });

  it('keeps models and settings apart, but tools and system over changed settings', () => {
    const cache = make();
    const system = [marked(filled(200, 's'))];
    const body = { system, cache_control: { type: 'ephemeral' }, messages: [user(filled(100, 'a'))] };
    assert.deepEqual(charge(cache, body), [0, 0, 300]);
    assert.deepEqual(charge(cache, { ...body, tool_choice: { type: 'none' } }), [0, 200, 100]);
    assert.deepEqual(charge(cache, { ...body, model: 'claude-haiku-5-5' }), [0, 0, 300]);
    assert.deepEqual(charge(cache, body), [0, 300, 0]);
    cache.clear();
    assert.deepEqual(charge(cache, body), [0, 0, 300]);
  });

  it('tells lifetimes apart', () => {
    const body = readCountBody({
      model: MODEL,
      system: [marked(filled(200, 's'), '1h')],
      messages: [user(marked(filled(100, 'a')), filled(7, 'b'))],
    });
    assert.deepEqual(make().charge(body), {
      input_tokens: 7,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
    });
  });
});
