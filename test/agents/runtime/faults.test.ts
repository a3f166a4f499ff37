import assert from 'node:assert/strict';
import { json, reply, text, tool, type Fault } from '../loopback/index.ts';
import { look, types, world, type World } from './support.ts';

const GOOD = { colour: 'blue', sure: true };
const TURNS = [tool('look', { place: 'sky' }), tool('look', { place: 'sea' }), json(GOOD)];

/** Faults that another try gets past, each with the words of the countdown. */
const PASSING: readonly (readonly [string, Fault, RegExp])[] = [
  ['429', { status: 429, retryAfter: 3 }, /Rate limit \(429\): trying again in 3 s \(2 of 8\)/],
  ['529', { status: 529 }, /Overloaded \(529\): trying again/],
  ['500', { status: 500 }, /Error of the API \(500\)/],
  ['502', { status: 502 }, /Bad gateway \(502\)/],
  ['503', { status: 503 }, /Service unavailable \(503\)/],
  ['408', { status: 408 }, /Request timed out \(408\)/],
  ['a stream that is cut', { cut: 5 }, /The answer broke off/],
  ['a stream that is cut at once', { cut: 1 }, /The answer broke off/],
  ['a stream that falls silent', { stall: 3 }, /The stream went silent/],
  ['a server that never answers', { hang: true }, /The stream went silent/],
  ['a connection that is refused', { refuse: true }, /The connection failed/],
  ['an error within the stream', { errorEvent: 'overloaded_error' }, /Overloaded \(529\)/],
  ['tool input that is not JSON', { malformedToolJson: true }, /The answer broke off/],
];

/** Faults that no other try gets past: cause of the pause, and its cure. */
const LASTING: readonly (readonly [string, Fault, string, RegExp])[] = [
  ['401', { status: 401 }, 'credentials', /valid key/],
  ['402', { status: 402 }, 'budget', /credit/],
  ['403', { status: 403 }, 'credentials', /may call this model/],
  ['400', { status: 400 }, 'environment', /report/],
  ['404', { status: 404 }, 'environment', /model/],
  ['413', { status: 413 }, 'environment', /fewer streams/],
];

describe('agents: faults of the API', () => {
  let w: World;
  beforeEach(async () => {
    w = await world();
    w.server.setScript(({ position }) => reply(TURNS[position] ?? text('?')));
  });
  afterEach(async () => {
    assert.deepEqual(w.server.scriptErrors, []);
    await w.close();
  });

  for (const [name, fault, words] of PASSING) {
    it(`gets past ${name}, with a countdown, and asks only that turn again`, async () => {
      w.server.fail(2, fault);
      const seen: string[] = [];
      const outcome = await w.runtime().run(w.task({ tools: [look(seen)] }));
      assert.equal(outcome.status, 'done');
      assert.equal(w.server.messageRequests.length, 4);
      assert.deepEqual(seen, ['sky', 'sea'], 'no call is run twice');
      assert.match(w.progress.join('\n'), words);
      assert.ok(w.waits.length > 0);
    });
  }

  for (const [name, fault, cause, cure] of LASTING) {
    it(`pauses on ${name} with the cause and the cure, and goes on from there`, async () => {
      w.server.fail(2, fault);
      const seen: string[] = [];
      const paused = await w.runtime().run(w.task({ tools: [look(seen)] }));
      assert.equal(paused.status === 'paused' && paused.cause, cause);
      assert.match(paused.status === 'paused' ? paused.cure : '', cure);
      assert.equal(w.server.messageRequests.length, 2);
      const outcome = await w.runtime().run(w.task({ tools: [look(seen)] }));
      assert.equal(outcome.status, 'done');
      assert.equal(w.server.messageRequests.length, 4);
      assert.deepEqual(seen, ['sky', 'sea']);
    });
  }

  it('gives up after eight tries, and says so', async () => {
    w.server.fail(() => true, { status: 529, times: 100 });
    const outcome = await w.runtime().run(w.task());
    assert.equal(w.server.messageRequests.length, 8);
    assert.equal(outcome.status === 'paused' && outcome.cause, 'rate_limit');
    assert.match(outcome.status === 'paused' ? outcome.message : '', /failed 8 times: overloaded \(529\)/);
  });

  it('does not wait an hour because the API says so', async () => {
    w.server.fail(1, { status: 429, retryAfter: 3600 });
    const outcome = await w.runtime().run(w.task());
    assert.equal(w.server.messageRequests.length, 1);
    assert.equal(outcome.status === 'paused' && outcome.cause, 'rate_limit');
    assert.match(outcome.status === 'paused' ? outcome.message : '', /wait 60 minutes/);
    assert.deepEqual(w.waits, []);
  });

  it('counts what a broken stream has cost', async () => {
    w.server.fail(1, { cut: 5 });
    await w.runtime().run(w.task());
    const totals = w.server.totals();
    assert.ok(w.spent().inputTokens > totals.input + totals.cacheRead + totals.cacheWrite);
  });

  it('asks again with more room when an answer is cut off at its length', async () => {
    let cuts = 0;
    w.server.setScript(({ position }) => {
      cuts += 1;
      return cuts === 1
        ? reply(text('{"colour": "bl'), { stopReason: 'max_tokens' })
        : reply(TURNS[position] ?? text('?'));
    });
    const outcome = await w.runtime().run(w.task());
    assert.equal(outcome.status, 'done');
    const [first, second] = w.server.messageRequests.map((request) => request.message?.body.max_tokens ?? 0);
    assert.equal(second, 2 * (first ?? 0));
    assert.ok(types(await w.transcript()).includes('lost'));
  });

  it('pauses when answers are cut off again and again', async () => {
    w.server.setScript(() => reply(text('…'), { stopReason: 'max_tokens' }));
    const outcome = await w.runtime().run(w.task());
    assert.equal(outcome.status === 'paused' && outcome.cause, 'stuck');
    assert.equal(w.server.messageRequests.length, 3);
  });

  it('pauses when the model declines, and when the context is full', async () => {
    for (const stopReason of ['refusal', 'model_context_window_exceeded'] as const) {
      w.server.setScript(() => reply(text('No.'), { stopReason }));
      const outcome = await w.runtime().run(w.task());
      assert.equal(outcome.status === 'paused' && outcome.cause, 'stuck', stopReason);
    }
  });

  it('ends at once when it is cancelled while a stream is silent, and goes on after that', async () => {
    w.server.fail(2, { stall: 3 });
    setTimeout(() => {
      w.stop.abort();
    }, 250);
    await assert.rejects(w.runtime({ stallMs: 30_000 }).run(w.task()), { code: 'cancelled' });
    const context = w.context({ signal: new AbortController().signal });
    const outcome = await w.runtime().run(w.task({ context }));
    assert.equal(outcome.status, 'done');
    assert.equal(w.server.messageRequests.length, 4);
  });

  it('does not take a long silence of the model for a stall while the API still sends pings', async () => {
    w.server.fail(2, { pings: 9 });
    const outcome = await w.runtime({ stallMs: 300 }).run(w.task());
    assert.equal(outcome.status, 'done');
    assert.equal(w.server.messageRequests.length, 3);
    assert.deepEqual(w.waits, []);
  });
});

describe('agents: the budget', () => {
  let w: World;
  beforeEach(async () => {
    w = await world();
    w.server.setScript(({ position }) => reply(TURNS[position] ?? text('?')));
  });
  afterEach(() => w.close());

  it('pauses before a request that the cap does not allow, and goes on with a higher one', async () => {
    const low = w.context({}, { budgetUsd: 0.001 });
    const paused = await w.runtime().run(w.task({ context: low }));
    assert.equal(paused.status === 'paused' && paused.cause, 'budget');
    assert.equal(w.server.messageRequests.length, 0);
    assert.match(paused.status === 'paused' ? paused.cure : '', /--budget/);
    const outcome = await w.runtime({ budgetUsd: 5 }).run(w.task({ context: low }));
    assert.equal(outcome.status, 'done');
  });

  it('lowers the room for an answer to what is left', async () => {
    const context = w.context({}, { budgetUsd: 0.06 });
    await w.runtime().run(w.task({ context }));
    const room = w.server.messageRequests.map((request) => request.message?.body.max_tokens ?? 0);
    assert.ok((room[0] ?? 0) < 6_000 && (room[0] ?? 0) >= 2_000, `${room[0]}`);
  });

  it('counts what other conversations of the run have cost, and keeps a stage to its own cap', async () => {
    await w.runtime().run(w.task());
    const after = w.spent().usd;
    const context = w.context({ attempt: 2 }, { budgetUsd: 5, stageBudgetUsd: after + 0.001 });
    const paused = await w.runtime().run(w.task({ context }));
    assert.equal(paused.status === 'paused' && paused.cause, 'budget');
    assert.match(paused.status === 'paused' ? paused.message : '', /stage/);
  });

  it('refuses to run a model without a known price', async () => {
    const runtime = w.runtime({ models: { research: 'somebody-else-1' } });
    await assert.rejects(runtime.run(w.task()), { code: 'input', cure: /prices/ });
  });
});
