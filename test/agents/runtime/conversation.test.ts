import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import assert from 'node:assert/strict';
import { json, reply, text, thinking, tool } from '../loopback/index.ts';
import { Answer, look, types, world, type World } from './support.ts';

const GOOD = { colour: 'blue', sure: true };

describe('agents: a conversation', () => {
  let w: World;
  beforeEach(async () => {
    w = await world({ minimumCacheableTokens: 10 });
  });
  afterEach(async () => {
    assert.deepEqual(w.server.scriptErrors, []);
    await w.close();
  });

  it('runs the calls, ends in a result of the schema, and writes everything down before it counts', async () => {
    const seen: string[] = [];
    const turns = [
      [thinking('Hm.'), tool('look', { place: 'sky' }), tool('look', { place: 'sea' })],
      json(GOOD),
    ];
    w.server.setScript(({ position }) => reply(turns[position] ?? text('?')));
    const outcome = await w.runtime().run(w.task({ tools: [look(seen)] }));
    assert.equal(outcome.status, 'done');
    assert.deepEqual(outcome.result, GOOD);
    assert.deepEqual(seen, ['sky', 'sea']);
    assert.equal(w.server.messageRequests.length, 2);
    const entries = await w.transcript();
    assert.deepEqual(types(entries), [
      'begin',
      'asked',
      'turn',
      'answer',
      'answer',
      'asked',
      'turn',
      'result',
    ]);
    assert.match(w.lines.join('\n'), /turn 1: 2 calls, \d+ tokens in/);
    assert.match(w.lines.join('\n'), /look sky\nlook sea/);
    const [first, second] = w.server.messageRequests;
    assert.equal(first?.message?.toolNames.join(), 'look');
    assert.deepEqual(
      second?.message?.toolResults.map((result) => result.text),
      ['sky is blue', 'sea is blue'],
    );
  });

  it('adds up what it cost, as the server counted, with what came from the cache', async () => {
    const turns = [tool('look', { place: 'sky' }), tool('look', { place: 'sea' }), json(GOOD)];
    w.server.setScript(({ position }) => reply(turns[position] ?? text('?')));
    await w.runtime().run(w.task());
    const totals = w.server.totals();
    const spent = w.spent();
    assert.equal(spent.requests, 3);
    assert.equal(spent.inputTokens, totals.input + totals.cacheRead + totals.cacheWrite);
    assert.equal(spent.outputTokens, totals.output);
    assert.equal(spent.cacheReadTokens, totals.cacheRead);
    assert.ok(totals.cacheRead > totals.input, 'later turns read what earlier ones wrote');
    const usd =
      (totals.input * 2 + totals.cacheWrite * 2.5 + totals.cacheRead * 0.1 + totals.output * 10) / 1e6;
    assert.ok(Math.abs(spent.usd - usd) < 1e-9, `${spent.usd} is not ${usd}`);
  });

  it('reads what was sent before from the cache also after a turn with many calls', async () => {
    const many = Array.from({ length: 15 }, (_, index) => tool('look', { place: `place ${index}` }));
    w.server.setScript(({ position }) =>
      reply(position < 2 ? many.map((call) => ({ ...call })) : json(GOOD)),
    );
    const changing = { ...look(), changes: true };
    await w.runtime().run(w.task({ tools: [changing] }));
    const usages = w.server.messageRequests.map((request) => request.answer?.usage);
    const sent = (index: number): number => {
      const usage = usages[index];
      return (usage?.cache_read_input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0);
    };
    assert.equal(usages[1]?.cache_read_input_tokens, sent(0));
    assert.equal(usages[2]?.cache_read_input_tokens, sent(1));
  });

  it('sends a bad result back with the reasons, twice, and then fails', async () => {
    const turns = [
      text('It is blue.'),
      json({ colour: 7, sure: true }),
      json({ colour: 'green', sure: true }),
    ];
    w.server.setScript(({ position }) => reply(turns[position] ?? text('?')));
    const check = ({ colour }: { colour: string }): string[] =>
      colour === 'green' ? ['The sky is not green.'] : [];
    await assert.rejects(w.runtime().run(w.task({ check })), {
      code: 'model',
      message: /after 2 corrections: The sky is not green/,
    });
    assert.equal(w.server.messageRequests.length, 3);
    const bodies = w.server.messageRequests.map((request) => JSON.stringify(request.body));
    assert.match(bodies[1] ?? '', /not one JSON value/);
    assert.match(bodies[2] ?? '', /colour: Invalid input/);
  });

  it('takes a result that is good after a correction', async () => {
    const turns = [json({ colour: 'green', sure: true }), json(GOOD)];
    w.server.setScript(({ position }) => reply(turns[position] ?? text('?')));
    const check = ({ colour }: { colour: string }): string[] => (colour === 'green' ? ['No.'] : []);
    const outcome = await w.runtime().run(w.task({ check }));
    assert.equal(outcome.status === 'done' && outcome.result.colour, 'blue');
  });

  it('answers unknown tools and input of the wrong form with an error that the model can act on', async () => {
    const turns = [[tool('bash', { command: 'rm -rf /' }), tool('look', { place: 7 })], json(GOOD)];
    w.server.setScript(({ position }) => reply(turns[position] ?? text('?')));
    const outcome = await w.runtime().run(w.task());
    assert.equal(outcome.status, 'done');
    const results = w.server.messageRequests[1]?.message?.toolResults ?? [];
    assert.equal(results.length, 2);
    assert.ok(results.every((result) => result.isError));
    assert.match(results[0]?.text ?? '', /bash.*not found/);
  });

  it('stops an agent that makes the same call three times', async () => {
    const seen: string[] = [];
    w.server.setScript(() => reply(tool('look', { place: 'sky' })));
    const outcome = await w.runtime().run(w.task({ tools: [look(seen)] }));
    assert.equal(outcome.status === 'paused' && outcome.cause, 'stuck');
    assert.match(outcome.status === 'paused' ? outcome.message : '', /same call \(look\) for the third time/);
    assert.deepEqual(seen, ['sky', 'sky']);
    assert.equal(w.server.messageRequests.length, 3);
  });

  it('stops an agent that writes the same thing again and again', async () => {
    const seen: string[] = [];
    const paint = { ...look(seen), changes: true };
    w.server.setScript(() => reply(tool('look', { place: 'wall' })));
    const outcome = await w.runtime().run(w.task({ tools: [paint] }));
    assert.match(outcome.status === 'paused' ? outcome.message : '', /same call \(look\) for the third time/);
    assert.equal(seen.length, 2);
  });

  it('lets a call be made again after something has changed', async () => {
    const seen: string[] = [];
    const paint = { ...look(seen), changes: true };
    const turns = [1, 2, 3, 4].map((n) => tool('look', { place: `wall ${n % 2}` }));
    w.server.setScript(({ position }) => reply(turns[position] ?? json(GOOD)));
    const outcome = await w.runtime().run(w.task({ tools: [paint] }));
    assert.equal(outcome.status, 'done');
    assert.equal(seen.length, 4);
  });

  it('stops at the limit of turns, and gives as many again on resume', async () => {
    w.server.setScript(({ position }) => reply(tool('look', { place: `place ${position}` })));
    const first = await w.runtime().run(w.task({ maxTurns: 3 }));
    assert.equal(first.status === 'paused' && first.cause, 'stuck');
    assert.equal(w.server.messageRequests.length, 3);
    const second = await w.runtime().run(w.task({ maxTurns: 3 }));
    assert.equal(second.status, 'paused');
    assert.equal(w.server.messageRequests.length, 6);
  });

  it('stops after calls that the policy refused again and again, and shows them', async () => {
    const refusing = look([], () => {
      throw new ToolError('Refused: .env is private.');
    });
    w.server.setScript(({ position }) => reply(tool('look', { place: `.env ${position}` })));
    const outcome = await w.runtime().run(w.task({ tools: [refusing] }));
    assert.match(outcome.status === 'paused' ? outcome.message : '', /tried 5 times to do what it may not/);
    assert.match(w.lines.join('\n'), /refused: look \.env 0/);
  });

  it('keeps secrets out of prompts, answers, transcripts and the feed', async () => {
    const secret = 'correct-horse-battery-staple';
    const tools = [look([], () => `the password is ${secret} and AKIAQWERTYUIOPASDFGH`)];
    const given = [{ title: 'Known', text: `token ${secret}`, stable: true }];
    const turns = [tool('look', { place: secret }), json(GOOD)];
    w.server.setScript(({ position }) => reply(turns[position] ?? text('?')));
    await w.runtime({ secrets: [secret] }).run(w.task({ tools, given }));
    const sent = JSON.stringify(w.server.messageRequests.map((request) => request.body));
    const kept = JSON.stringify(await w.transcript());
    for (const place of [sent, kept, w.lines.join()]) {
      assert.ok(!place.includes(secret));
      assert.ok(!place.includes('AKIAQWERTYUIOPASDFGH'));
    }
    assert.match(sent, /\[redacted\]/);
  });

  it('says how to set the key where there is none, and asks nobody', async () => {
    const runtime = w.runtime({ apiKey: () => Promise.resolve(undefined) });
    await assert.rejects(runtime.run(w.task()), { code: 'credentials', cure: /ANTHROPIC_API_KEY/ });
    assert.equal(w.server.requests.length, 0);
  });

  it('checks the models against the key’s list before it asks anything', async () => {
    const runtime = w.runtime({ models: { publish: 'claude-haiku-5-5-typo' } });
    await assert.rejects(runtime.run(w.task()), { code: /environment|input/ });
    assert.equal(w.server.messageRequests.length, 0);
  });

  it('goes on where a gateway has no list of models', async () => {
    w.server.refuseModels(404);
    w.server.setScript(() => reply(json(GOOD)));
    assert.equal((await w.runtime().run(w.task())).status, 'done');
  });

  it('has a result for a conversation that ended before the process did, without asking again', async () => {
    w.server.setScript(() => reply(json(GOOD)));
    await w.runtime().run(w.task());
    const again = await w.runtime().run(w.task());
    assert.deepEqual(again.status === 'done' && Answer.parse(again.result), GOOD);
    assert.equal(w.server.messageRequests.length, 1);
  });
});
