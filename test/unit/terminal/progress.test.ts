import assert from 'node:assert/strict';
import { NO_USAGE, type StageView } from '../../../src/pipeline/contracts.ts';
import { Progress } from '../../../src/terminal/progress.ts';
import {
  count,
  dollars,
  duration,
  grouped,
  harmless,
  oneLine,
  painter,
  terminalOf,
} from '../../../src/terminal/terminal.ts';
import { recordedTerminal } from './recorder.ts';
import { runView } from './views.ts';

/* eslint-disable no-control-regex -- what is tested here are control characters */
describe('terminal: progress', () => {
  it('tells each begin and end once, in plain lines, where lines can not be drawn over', () => {
    const terminal = recordedTerminal();
    const progress = new Progress(terminal, { verbose: false });
    const running = runView({}, { research: { state: 'running', mode: 'RUN', attempt: 1, note: 'reading' } });
    progress.update(running);
    progress.update(
      runView({}, { research: { state: 'running', mode: 'RUN', attempt: 1, note: 'finding' } }),
    );
    progress.update(
      runView(
        {},
        {
          research: { state: 'done', mode: 'RUN', attempt: 1, durationMs: 640, note: '3 streams' },
          generate: { state: 'running', mode: 'GENERATE', attempt: 1 },
        },
      ),
    );
    progress.stop();
    assert.deepEqual(terminal.stderr.text.split('\n'), [
      '  research  …',
      '✓ research    640 ms  3 streams',
      '  generate  …',
      '',
    ]);
    assert.equal(terminal.stdout.text, '');
  });

  it('names how and how often a stage runs again, and tells the end of each attempt', () => {
    const terminal = recordedTerminal();
    const progress = new Progress(terminal, { verbose: false });
    for (const attempt of [1, 2]) {
      const mode = attempt === 1 ? 'GENERATE' : 'RERUN';
      progress.update(runView({}, { test: { state: 'running', mode, attempt } }));
      progress.update(
        runView({}, { test: { state: attempt === 1 ? 'failed' : 'done', mode, attempt, durationMs: 2000 } }),
      );
    }
    progress.stop();
    assert.match(terminal.stderr.text, /✗ test +2\.0 s/);
    assert.match(terminal.stderr.text, /✓ test RERUN \(2\) +2\.0 s/);
  });

  it('draws over one line where it can, cut to the width, and clears it for other text', () => {
    const terminal = recordedTerminal({ live: true, columns: () => 30 });
    const progress = new Progress(terminal, { verbose: true, now: () => Date.parse('2026-01-01T00:00:02Z') });
    const note = 'collecting what the tests need from the registry';
    progress.update(
      runView(
        {},
        { test: { state: 'running', mode: 'RERUN', attempt: 1, startedAt: '2026-01-01T00:00:00Z', note } },
      ),
    );
    assert.match(terminal.stderr.text, /\r\u001b\[2K⠋ test RERUN +2\.0 s/);
    assert.ok(!terminal.stderr.text.includes('\n'));
    const drawn = terminal.stderr.text.split('\u001b[2K').at(-1) ?? '';
    assert.equal(Array.from(drawn).length, 29);
    progress.output('57 passed\n');
    assert.match(terminal.stderr.text, /\r\u001b\[2K57 passed\n\r\u001b\[2K⠋/);
    progress.stop();
    assert.ok(terminal.stderr.text.endsWith('\r\u001b[2K'));
  });

  describe('of an agent', () => {
    const line = (at: number, text: string): StageView['activity'][number] => ({
      at: `2026-01-01T00:00:${String(at).padStart(2, '0')}.000Z`,
      line: text,
    });
    const usage = { ...NO_USAGE, usd: 0.0123, requests: 1 };

    it('tells each turn and call once, however often a view shows it', () => {
      const terminal = recordedTerminal();
      const progress = new Progress(terminal, { verbose: false });
      const show = (...activity: StageView['activity']): void => {
        progress.update(runView({}, { research: { state: 'running', mode: 'RUN', attempt: 1, activity } }));
      };
      const [a, b, c] = [line(1, 'turn 1: 1 call'), line(2, 'read x'), line(2, 'read x')];
      show();
      show(a);
      show(a, b);
      show(a, b);
      // The oldest line has made place for a new one, which is the same call once more.
      show(b, c);
      show(line(9, 'turn 2: an answer'));
      progress.stop();
      assert.deepEqual(terminal.stderr.text.split('\n'), [
        '  research  …',
        '  research › turn 1: 1 call',
        '  research › read x',
        '  research › read x',
        '  research › turn 2: an answer',
        '',
      ]);
    });

    it('tells the lines of the next attempt, and those that came with the end of one', () => {
      const terminal = recordedTerminal();
      const progress = new Progress(terminal, { verbose: false });
      for (const attempt of [1, 2]) {
        const mode = attempt === 1 ? 'GENERATE' : 'FIX';
        const activity = [line(attempt, 'edit src/client.py')];
        progress.update(runView({}, { generate: { state: 'running', mode, attempt } }));
        progress.update(runView({}, { generate: { state: 'done', mode, attempt, activity, usage } }));
      }
      progress.stop();
      assert.deepEqual(terminal.stderr.text.split('\n'), [
        '  generate  …',
        '  generate › edit src/client.py',
        '✓ generate            $0.0123',
        '  generate FIX (2) …',
        '  generate › edit src/client.py',
        '✓ generate FIX (2)           $0.0123',
        '',
      ]);
    });

    it('draws the cost so far into the line, and cuts the feed to the width; nothing steers the terminal', () => {
      const terminal = recordedTerminal({ live: true, colour: true, columns: () => 40 });
      const progress = new Progress(terminal, { verbose: false, now: () => 0 });
      const activity = [line(1, `fetch https://x.example/\u001b[2J${'a'.repeat(80)}`)];
      const research = {
        state: 'running',
        mode: 'RUN',
        attempt: 1,
        note: 'Asking',
        usage,
        activity,
      } as const;
      progress.update(runView({}, { research }));
      progress.stop();
      assert.match(terminal.stderr.text, /\u001b\[2m {2}research › fetch https:\/\/x\.ex\S+\u001b\[22m\n/);
      assert.match(terminal.stderr.text, /research +0 ms {2}\$0\.0123 {2}Asking/);
      assert.ok(!terminal.stderr.text.includes('\u001b[2J'));
      const printed = terminal.stderr.text.split('\n').find((text) => text.includes('›')) ?? '';
      assert.equal(Array.from(printed.replace(/\u001b\[\d+m/g, '')).length, 39);
    });
  });

  it('keeps the output of programs back unless it is wanted', () => {
    const terminal = recordedTerminal();
    new Progress(terminal, { verbose: false }).output('collected 57 items\n');
    assert.equal(terminal.stderr.text, '');
  });

  it('lets no control characters through from elsewhere', () => {
    assert.equal(harmless('a\u001b]0;title\u0007b\u009b1mc\td\ne'), 'a]0;titleb1mc\td\ne');
    const terminal = recordedTerminal();
    new Progress(terminal, { verbose: false }).update(
      runView({}, { research: { state: 'done', attempt: 1, note: 'x\u001b[31m\u0007' } }),
    );
    assert.doesNotMatch(terminal.stderr.text, /[\u0007\u001b]/);
  });

  it('writes durations and numbers in words', () => {
    assert.deepEqual([0, 999, 1000, 61_500, 3_600_000].map(duration), [
      '0 ms',
      '999 ms',
      '1.0 s',
      '1 min 2 s',
      '60 min 0 s',
    ]);
    assert.deepEqual(
      [count(0, 'gap'), count(1, 'gap'), count(2, 'query', 'queries')],
      ['0 gaps', '1 gap', '2 queries'],
    );
    assert.deepEqual([0, 0.00421, 0.0999, 0.1, 1.005, 12].map(dollars), [
      '$0.00',
      '$0.0042',
      '$0.0999',
      '$0.10',
      '$1.00',
      '$12.00',
    ]);
    assert.deepEqual([0, 999, 1_234_567].map(grouped), ['0', '999', '1,234,567']);
    assert.equal(oneLine(' a\n\tb\u001b[1m ', 20), 'a b[1m');
    assert.equal(oneLine('abcdef', 4), 'abc…');
  });

  it('honours NO_COLOR, TERM=dumb and CI', () => {
    const of = (env: NodeJS.ProcessEnv): ReturnType<typeof terminalOf> =>
      terminalOf({
        stdin: { isTTY: true },
        stdout: {},
        stderr: { isTTY: true, columns: 100 },
        env,
        cwd: () => '/',
      } as unknown as NodeJS.Process);
    const pick = (env: NodeJS.ProcessEnv): boolean[] => [of(env).colour, of(env).live, of(env).interactive];
    assert.deepEqual(pick({}), [true, true, true]);
    assert.deepEqual(pick({ NO_COLOR: '1' }), [false, true, true]);
    assert.deepEqual(pick({ TERM: 'dumb' }), [false, false, true]);
    assert.deepEqual(pick({ CI: 'true' }), [true, false, false]);
    assert.deepEqual(pick({ CI: 'false' }), [true, true, true]);
    assert.equal(painter(true)('red', 'x'), '\u001b[31mx\u001b[39m');
    assert.equal(painter(false)('red', 'x'), 'x');
  });
});
