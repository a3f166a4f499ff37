/** The program's commands over the real pipeline, with stages that do what a script says. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import type { Finding, Review } from '../../../src/pipeline/contracts.ts';
import { runProgram } from '../../../src/terminal/program.ts';
import type { RunSummary } from '../../../src/terminal/summary.ts';
import type { Terminal } from '../../../src/terminal/terminal.ts';
import {
  dependencies,
  done,
  finding,
  research,
  reviewed,
  scripted,
  temporaryFolder,
  type Script,
  type Trace,
} from '../pipeline/scripted.ts';
import { recordedTerminal } from './recorder.ts';

interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('terminal: the program', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let trace: Trace;
  let script: Script;
  let interrupts: EventEmitter;
  beforeEach(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, 'shop.yaml'), 'openapi: 3.0.0\n');
    trace = [];
    script = {};
    interrupts = new EventEmitter();
  });
  afterEach(() => folder.remove());

  /** `type` is written to standard input as soon as a question that fits its key shows up on stderr. */
  async function call(
    words: readonly string[],
    type: readonly (readonly [RegExp, string])[] = [],
  ): Promise<Called> {
    const options: Partial<Terminal> = { cwd: folder.path, interactive: type.length > 0 };
    const terminal = recordedTerminal(options);
    const waiting = [...type];
    let read = 0;
    const typist = setInterval(() => {
      const [next] = waiting;
      if (next === undefined || !next[0].test(terminal.stderr.text.slice(read))) return;
      waiting.shift();
      read = terminal.stderr.text.length;
      terminal.stdin.write(next[1]);
    }, 5);
    try {
      const code = await runProgram(
        {
          terminal,
          interrupts: interrupts,
          version: '1.2.3',
          command: 'sourcewright',
          pipeline: () => dependencies(scripted(script, trace)),
          agents: {
            testKey: () => Promise.reject(new Error('No key is tested here.')),
            readTranscripts: () => Promise.reject(new Error('No agent works here.')),
          },
        },
        words,
      );
      return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
    } finally {
      clearInterval(typist);
    }
  }

  const json = (called: Called): RunSummary => JSON.parse(called.stdout) as RunSummary;
  const runs = (): Promise<string[]> => readdir(join(folder.path, '.sourcewright', 'runs'));

  function reviewWith(...findings: Finding[]): NonNullable<Script['review']> {
    return async (context) => {
      const left = context.attempt === 1 ? findings : [];
      const review: Review = {
        schemaVersion: 1,
        cycle: context.attempt,
        decision: left.length > 0 ? 'needs_work' : 'clean',
        findings: left,
        answers: [],
        tools: [],
      };
      await context.writeArtifact('review.json', review);
      return done(reviewed(review.decision, left.length));
    };
  }

  it('publishes with every gate on auto, and says the same about it afterwards', async () => {
    const made = await call(['generate', 'shop.yaml', '--auto', '--json']);
    assert.equal(made.code, 0, made.stderr);
    const summary = json(made);
    assert.equal(summary.status, 'published');
    assert.deepEqual(summary.connector, {
      name: 'shop',
      kind: 'source',
      dir: join(folder.path, 'connectors', 'source-shop'),
    });
    assert.equal(trace.length, 6);
    const shown = json(await call(['show', 'latest', '--json']));
    assert.deepEqual(
      { ...shown, stages: undefined, counts: undefined, title: undefined, transcripts: undefined },
      {
        ...summary,
        stages: undefined,
        counts: undefined,
        title: undefined,
        transcripts: undefined,
      },
    );
    const listed = JSON.parse((await call(['runs', '--json'])).stdout) as {
      runs: { run: string; status: string }[];
    };
    assert.deepEqual(
      listed.runs.map(({ run, status }) => [run, status]),
      [[summary.run, 'published']],
    );
    assert.match((await call(['runs'])).stdout, /published/);
    assert.match((await call(['show', 'latest'])).stdout, /Published: Shop API[^]*publish +done/);
  });

  it('waits at a gate with exit code 3 and the command to go on, and goes on with it', async () => {
    const waiting = await call(['generate', 'shop.yaml', '--approve', 'code,tests']);
    assert.equal(waiting.code, 3);
    const [run = ''] = await runs();
    assert.match(waiting.stdout, /gate "research"/);
    assert.ok(waiting.stdout.includes(`sourcewright resume ${run} --approve research`), waiting.stdout);
    const wrong = await call(['resume', 'latest', '--approve', 'publish', '--json']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /waits at the gate "research"/);
    const again = await call([
      'resume',
      'latest',
      '--request-changes',
      'research',
      '--feedback',
      'more',
      '--json',
    ]);
    assert.equal(again.code, 3);
    assert.equal(json(again).gate, 'research');
    const further = await call(['resume', run, '--approve', 'research', '--json']);
    assert.equal(json(further).gate, 'publish');
    const ended = await call(['resume', run, '--reject', 'publish', '--json']);
    assert.equal(ended.code, 1);
    assert.equal(json(ended).status, 'cancelled');
    const over = await call(['resume', run, '--approve', 'publish']);
    assert.equal(over.code, 2);
    assert.ok(trace.includes('research REVISE 2'));
  });

  it('tells the stage what shall change before --auto approves what it makes then', async () => {
    script = { review: reviewWith(finding('f1')) };
    await call(['generate', 'shop.yaml']);
    const changes = ['--request-changes', 'research', '--feedback', 'It takes a token.'];
    const made = await call(['resume', 'latest', ...changes, '--auto', '--json']);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(json(made).status, 'published');
    assert.deepEqual(
      trace.filter((step) => /^(research|generate)/.test(step)),
      ['research RUN 1', 'research REVISE 2', 'generate GENERATE 1', 'generate IMPROVE 2'],
    );
  });

  it('asks a person who is there, finding by finding', async () => {
    script = { review: reviewWith(finding('f1'), finding('f2')) };
    const made = await call(
      ['generate', 'shop.yaml', '--approve', 'research,code,tests'],
      [
        [/1 of 2[^]*\[a\]ccept/, 'a\n'],
        [/2 of 2[^]*\[a\]ccept/, 'r\n'],
        [/Gate "review"[^]*\[a\]pprove/, 'what?\n'],
        [/one of the letters[^]*\[a\]pprove/, 'a\n'],
        [/Gate "publish"[^]*\[a\]pprove/, 'approve\n'],
      ],
    );
    assert.equal(made.code, 0, made.stderr + made.stdout);
    assert.ok(trace.includes('generate IMPROVE 2'), trace.join('; '));
    assert.match(made.stdout, /Published/);
  });

  it('leaves a question open when the person decides later', async () => {
    const made = await call(['generate', 'shop.yaml'], [[/\[l\]ater/, 'l\n']]);
    assert.equal(made.code, 3);
    assert.match(made.stdout, /Go on with one of|Read /);
  });

  it('takes answers to findings from the command line', async () => {
    script = { review: reviewWith(finding('f1'), finding('f2')) };
    await call(['generate', 'shop.yaml', '--approve', 'research,code,tests,publish', '--json']);
    const unknown = await call(['answer', 'latest', 'f9=accept']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no finding "f9"/);
    const answered = await call(['answer', 'latest', 'f1=reject', '--json']);
    assert.equal(answered.code, 0, answered.stderr);
    assert.equal(json(answered).review.open, 1);
    assert.match((await call(['findings', 'latest'])).stdout, /answered: rejected[^]*2 findings, 1 open/);
    const ended = await call(['resume', 'latest', '--answer', 'f2=accept', '--approve', 'review', '--json']);
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(json(ended).status, 'published');
  });

  it('pauses at Ctrl-C and goes on at resume; cancel ends a run', async () => {
    let started: () => void = () => undefined;
    const begun = new Promise<void>((done_) => (started = done_));
    const slow: Script['test'] = (context) =>
      new Promise((_, failed) => {
        started();
        context.signal.addEventListener('abort', () => {
          failed(new SourcewrightError('cancelled', 'Stopped.'));
        });
      });
    script = { test: slow };
    const paused = call(['generate', 'shop.yaml', '--auto', '--json']);
    await begun;
    interrupts.emit('SIGINT');
    const first = await paused;
    assert.equal(first.code, 4, first.stderr);
    assert.equal(json(first).pause?.cause, 'person');
    assert.match(first.stderr, /Pausing/);
    assert.equal(interrupts.listenerCount('SIGINT'), 0);
    script = {};
    const resumed = await call(['resume', 'latest', '--json']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(json(resumed).status, 'published');
    const waiting = json(await call(['generate', 'shop.yaml', '--json']));
    assert.equal((await call(['cancel', waiting.run ?? ''])).code, 0);
    assert.match((await call(['show', waiting.run ?? ''])).stdout, /Cancelled/);
  });

  it('pauses with what to do where the machine lacks something', async () => {
    script = {
      test: () => ({
        status: 'paused',
        cause: 'environment',
        message: 'No Python.',
        cure: 'Install Python 3.11.',
      }),
    };
    const made = await call(['generate', 'shop.yaml', '--auto']);
    assert.equal(made.code, 4);
    assert.match(made.stdout, /No Python\.\nInstall Python 3\.11\./);
    assert.match(made.stdout, /sourcewright resume /);
  });

  it('keeps no run of a description that can not be read, and says where', async () => {
    for (const code of ['input', 'remote'] as const) {
      script = {
        research: () => {
          throw new SourcewrightError(code, 'This is HTML.', {
            where: '/x/shop.yaml',
            place: 'line 1',
            cure: 'Look.',
          });
        },
      };
      const made = await call(['generate', 'shop.yaml', '--auto', '--json']);
      assert.equal(made.code, 2);
      const summary = json(made);
      assert.equal(summary.run, null);
      assert.deepEqual(summary.error, {
        code,
        message: 'This is HTML.',
        where: '/x/shop.yaml',
        place: 'line 1',
        cure: 'Look.',
      });
      assert.deepEqual(await readdir(folder.path), ['shop.yaml']);
    }
  });

  it('keeps the other runs of a workspace when one is refused', async () => {
    await call(['generate', 'shop.yaml', '--auto']);
    script = {
      research: () => {
        throw new SourcewrightError('input', 'No.');
      },
    };
    await call(['generate', 'shop.yaml', '--auto']);
    assert.equal((await runs()).length, 1);
  });

  it('keeps a run that failed later, and says so with exit code 1', async () => {
    script = {
      generate: () => {
        throw new SourcewrightError('internal', 'Broken.');
      },
    };
    const made = await call(['generate', 'shop.yaml', '--auto', '--json']);
    assert.equal(made.code, 1);
    assert.equal(json(made).error?.code, 'internal');
    assert.equal((await runs()).length, 1);
  });

  it('runs a stage by hand', async () => {
    await call(['generate', 'shop.yaml', '--auto']);
    trace.length = 0;
    const ran = await call(['stage', 'test', '--run', 'latest', '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(trace, ['test RERUN 2']);
    assert.equal((await call(['stage', 'lunch', '--run', 'latest'])).code, 2);
  });

  it('shows what a description’s own words hold without letting them steer the terminal', async () => {
    script = { research: () => done({ ...research, title: 'Shop\u001b[2J API' }) };
    const made = await call(['generate', 'shop.yaml', '--auto']);
    assert.ok(!made.stdout.includes('\u001b'), JSON.stringify(made.stdout));
  });

  it('explains itself, and answers wrong usage with exit code 2', async () => {
    const help = await call(['--help']);
    assert.equal(help.code, 0);
    for (const command of [
      'inspect',
      'generate',
      'resume',
      'runs',
      'show',
      'stage',
      'replay',
      'models',
      'findings',
      'answer',
      'cancel',
    ]) {
      assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'));
      assert.equal((await call([command, '--help'])).code, 0);
    }
    assert.equal((await call(['--version'])).stdout.trim(), '1.2.3');
    for (const words of [
      [],
      ['dance'],
      ['generate'],
      ['generate', 'shop.yaml', '--dance'],
      ['answer', 'latest'],
    ]) {
      const refused = await call(words);
      assert.equal(refused.code, 2, words.join(' '));
      assert.equal(refused.stdout, '');
      assert.notEqual(refused.stderr, '');
    }
  });
});
