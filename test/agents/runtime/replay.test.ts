import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { json, reply, text, thinking, tool, webFetch } from '../loopback/index.ts';
import { look, world, type World } from './support.ts';

const GOOD = { colour: 'blue', sure: true };
const TURNS = [
  [thinking('Hm.'), text('I look.'), tool('look', { place: 'sky' })],
  [tool('look', { place: 'sea' })],
  json(GOOD),
];

describe('agents: a recorded run', () => {
  let recorded: World;
  let w: World;
  beforeEach(async () => {
    recorded = await world();
    recorded.server.setScript(({ position }) => reply(TURNS[position] ?? text('?')));
    w = await world();
  });
  afterEach(async () => {
    await recorded.close();
    await w.close();
  });

  it('is replayed exactly: no key, no request, the same result, calls and cost', async () => {
    await recorded.runtime().run(recorded.task());
    const seen: string[] = [];
    const runtime = w.runtime({ apiKey: () => Promise.resolve(undefined), replay: recorded.runDir });
    const outcome = await runtime.run(w.task({ tools: [look(seen)] }));
    assert.deepEqual(outcome.status === 'done' && outcome.result, GOOD);
    assert.deepEqual(seen, ['sky', 'sea']);
    assert.equal(w.server.requests.length, 0);
    assert.deepEqual(w.spent(), recorded.spent());
    const bare = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/\s+/g, ' '));
    assert.deepEqual(bare(w.lines), bare(recorded.lines));
    // And the replay can be replayed.
    const again = await world();
    const second = await again.runtime({ replay: w.runDir }).run(again.task());
    assert.equal(second.status, 'done');
    await again.close();
  });

  it('takes what came from outside from the recording', async () => {
    const outside = { ...look([], () => 'as it was then'), outside: true };
    await recorded.runtime().run(recorded.task({ tools: [outside] }));
    const seen: string[] = [];
    const now = { ...look(seen, () => 'as it is now'), outside: true };
    const outcome = await w.runtime({ replay: recorded.runDir }).run(w.task({ tools: [now] }));
    assert.equal(outcome.status, 'done');
    assert.deepEqual(seen, []);
  });

  it('keeps inputs and hands them out again', async () => {
    const schema = z.object({ at: z.number() });
    const first = await recorded
      .runtime()
      .input(recorded.context(), 'the time', schema, () => Promise.resolve({ at: 1 }));
    const stored = await recorded
      .runtime()
      .input(recorded.context(), 'the time', schema, () => Promise.resolve({ at: 2 }));
    const replayed = await w
      .runtime({ replay: recorded.runDir })
      .input(w.context(), 'the time', schema, () => Promise.reject(new Error('not asked')));
    assert.deepEqual([first, stored, replayed], [{ at: 1 }, { at: 1 }, { at: 1 }]);
  });

  it('ends with the place when it leaves the recorded path', async () => {
    await recorded.runtime().run(recorded.task());
    const other = look([], () => 'something else');
    await assert.rejects(w.runtime({ replay: recorded.runDir }).run(w.task({ tools: [other] })), {
      code: 'input',
      message: /left the recorded path: message 3 of the conversation .*research, attempt 1, turn 2/,
    });
    await assert.rejects(
      w.runtime({ replay: recorded.runDir }).run(w.task({ context: w.context({ attempt: 2 }) })),
      { code: 'input', message: /no conversation for research, attempt 2/ },
    );
  });

  it('holds no secret', async () => {
    const secret = 'correct-horse-battery-staple';
    const tools = [look([], () => `password ${secret}`)];
    await recorded.runtime({ secrets: [secret] }).run(recorded.task({ tools }));
    const text = JSON.stringify(await recorded.transcript());
    assert.ok(!text.includes(secret) && !text.includes(recorded.server.apiKey));
  });

  it('works with blocks that the API’s own tools make', async () => {
    const page = { url: 'https://docs.example/colours', text: 'The sky is blue by day.', title: 'Colours' };
    recorded.server.setScript(({ position }) =>
      position === 0 ? reply([webFetch(page), tool('look', { place: 'sky' })]) : reply(json(GOOD)),
    );
    const serverTools = [{ type: 'web_fetch_20260318', name: 'web_fetch', max_uses: 2 } as const];
    const made = await recorded.runtime().run(recorded.task({ serverTools }));
    assert.equal(made.status === 'done' && made.conversation.documents[0]?.url, page.url);
    await cp(recorded.runDir, join(w.runDir, 'recorded'), { recursive: true });
    const outcome = await w.runtime({ replay: join(w.runDir, 'recorded') }).run(w.task({ serverTools }));
    assert.equal(outcome.status === 'done' && outcome.conversation.documents[0]?.text, page.text);
  });
});
