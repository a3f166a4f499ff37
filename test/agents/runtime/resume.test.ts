import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { json, reply, text, tool } from '../loopback/index.ts';
import { note, types, world, type World } from './support.ts';

const GOOD = { colour: 'blue', sure: true };
const TURNS = [
  [tool('note', { line: 'one' }), tool('note', { line: 'two' })],
  tool('note', { line: 'three' }),
  json({ colour: 1 }),
  json(GOOD),
];

function runKilled(w: World, after: number): Promise<string> {
  const script = join(import.meta.dirname, 'killed-conversation.ts');
  const words = ['--import', 'tsx', script, w.server.url, dirname(w.runDir), String(after)];
  return new Promise((done) => {
    execFile(process.execPath, words, (error, stdout) => {
      done(error?.signal ?? stdout);
    });
  });
}

describe('agents: a conversation whose process is killed', () => {
  let w: World;
  beforeEach(async () => {
    w = await world();
    w.server.setScript(({ position }) => reply(TURNS[position] ?? text('?')));
  });
  afterEach(() => w.close());

  it('goes on after the last whole turn: nothing that was answered is asked again, nothing that was done is done again', async function () {
    this.timeout(400_000);
    const calm = await w.runtime().run(w.task({ tools: [note(join(dirname(w.runDir), 'notes.txt'))] }));
    assert.equal(calm.status, 'done');
    const records = types(await w.transcript());
    assert.equal(w.server.messageRequests.length, TURNS.length);
    for (const [index, record] of records.entries()) {
      await rm(join(w.runDir, 'transcripts'), { recursive: true });
      await rm(join(dirname(w.runDir), 'notes.txt'));
      w.server.reset();
      const end = await runKilled(w, index + 1);
      assert.equal(end, 'SIGKILL', `killed after ${record}, the ${index + 1}th write`);
      const before = w.server.totals().requests;
      const outcome = await w.runtime().run(w.task({ tools: [note(join(dirname(w.runDir), 'notes.txt'))] }));
      assert.deepEqual(outcome.status === 'done' ? outcome.result : outcome, GOOD, `killed after ${record}`);
      const whole = records.slice(0, index + 1).filter((type) => type === 'turn').length;
      assert.equal(
        w.server.totals().requests - before,
        TURNS.length - whole,
        `killed after ${record}: only what was missing is asked`,
      );
      const notes = (await readFile(join(dirname(w.runDir), 'notes.txt'), 'utf8')).trim().split('\n');
      assert.deepEqual([...new Set(notes)], ['one', 'two', 'three']);
      // A call whose answer had not been written down when the process died is made once more, and no other.
      assert.ok(notes.length <= 4, `${notes.length} notes`);
      const expected = w.server.totals();
      assert.ok(w.spent().requests === TURNS.length && w.spent().outputTokens >= 1 && expected.requests >= 1);
    }
  });
});
