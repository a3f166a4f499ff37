import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ErrorCode, SourcewrightError } from '../../../src/errors.ts';
import {
  Discussion,
  type Feedback,
  type Finding,
  GateName,
  NO_USAGE,
  type PauseCause,
  type PipelineRun,
  Review,
  RunView,
  type StageContext,
  StageName,
} from '../../../src/pipeline/contracts.ts';
import { createRun, openRun, runStage, startRun } from '../../../src/pipeline/run.ts';
import {
  ALL_AUTO,
  dependencies,
  diagnosed,
  done,
  finding,
  generated,
  LIMITS,
  request,
  reviewed,
  type Script,
  scripted,
  temporaryFolder,
  tested,
  type Trace,
} from './scripted.ts';

const HAPPY = [
  'research RUN 1',
  'generate GENERATE 1',
  'test GENERATE 1',
  'diagnose RUN 1',
  'review RUN 1',
  'publish RUN 1',
];

function isError(code: ErrorCode, words: RegExp = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SourcewrightError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.toText(), words);
    return true;
  };
}

/** A stage body that works until it is told to stop. */
function untilStopped(started: () => void) {
  return (context: StageContext): Promise<never> =>
    new Promise((_, reject) => {
      context.signal.addEventListener('abort', () => {
        reject(new SourcewrightError('cancelled', 'Stopped.'));
      });
      started();
    });
}

function signal(): { promise: Promise<void>; give: () => void } {
  let give = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { promise, give };
}

/** A review stage that writes these findings in its first cycle, then these, … */
function reviewing(...cycles: Finding[][]): NonNullable<Script['review']> {
  return async (context) => {
    const findings = cycles[context.attempt - 1] ?? [];
    const decision = findings.length === 0 ? 'clean' : 'needs_work';
    const review: Review = {
      schemaVersion: 1,
      cycle: context.attempt,
      decision,
      findings,
      answers: [],
      tools: [],
    };
    await context.writeArtifact('review.json', review);
    return done(
      reviewed(decision, findings.filter(({ severity }) => severity === 'error').length, findings.length),
    );
  };
}

describe('a run', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let runs: PipelineRun[] = [];
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    for (const run of runs) await run.dispose();
    runs = [];
    await folder.remove();
  });

  async function start(
    script: Script = {},
    changes: Parameters<typeof request>[1] = {},
    trace: Trace = [],
    more: Parameters<typeof dependencies>[1] = {},
  ): Promise<PipelineRun> {
    const run = await startRun(request(folder.path, changes), dependencies(scripted(script, trace), more));
    runs.push(run);
    return run;
  }

  describe('with every gate on auto', () => {
    it('goes through all stages by itself', async () => {
      const trace: Trace = [];
      const run = await start({}, {}, trace);
      const view = await run.settled();
      assert.equal(view.status, 'published');
      assert.deepEqual(trace, HAPPY);
      assert.deepEqual(
        view.stages.map(({ stage, state, attempt }) => [stage, state, attempt]),
        StageName.options.map((stage) => [stage, 'done', 1]),
      );
      assert.equal(view.title, 'Shop API');
      assert.equal(view.connectorDir, join(folder.path, 'connectors', 'source-shop'));
    });

    it('leaves a run.json that says the same, a journal and the usage', async () => {
      const usage = { ...NO_USAGE, usd: 0.25, inputTokens: 10, outputTokens: 5, requests: 1 };
      const run = await start({
        research: (context) => {
          context.spent({ ...usage, usd: 0.1 });
          // The sum so far, not what came since.
          context.spent(usage);
          return done({ title: 'T', connectorName: 'shop', streams: 1, gaps: 0, problems: 0 });
        },
        review: (context) => {
          context.spent(usage);
          return done(reviewed());
        },
      });
      const view = await run.settled();
      const stored = RunView.parse(JSON.parse(await readFile(join(view.runDir, 'run.json'), 'utf8')));
      assert.deepEqual(stored, run.view());
      assert.deepEqual(view.usage, {
        ...NO_USAGE,
        usd: 0.5,
        inputTokens: 20,
        outputTokens: 10,
        requests: 2,
      });
      const used = JSON.parse(await readFile(join(view.runDir, 'usage.json'), 'utf8')) as { total: unknown };
      assert.deepEqual(used.total, view.usage);
      const files = await readdir(view.runDir);
      assert.deepEqual(
        files.sort(),
        ['journal.jsonl', 'run.json', 'usage.json'],
        'nothing else, and no lock',
      );
    });

    it('fixes the code three times with a limit of three, with the newest feedback each time', async () => {
      const seen: Feedback[] = [];
      const trace: Trace = [];
      const run = await start(
        {
          generate: (context) => {
            if (context.feedback !== undefined) seen.push(context.feedback);
            return done(generated());
          },
          test: ({ attempt }) => done(tested([`t${attempt}`])),
          diagnose: ({ attempt }) => done({ ...diagnosed('code'), explanation: `reason ${attempt}` }),
        },
        {},
        trace,
      );
      const view = await run.settled();
      assert.equal(view.status, 'paused');
      assert.equal(view.pause?.cause, 'stuck');
      assert.match(view.pause.message, /All 3 fixes of the code are used up/);
      assert.equal(view.counts.codeFixes, 3);
      assert.deepEqual(
        seen.map(({ from, text, failingTests }) => [from, text, failingTests]),
        [1, 2, 3].map((n) => ['diagnose', `reason ${n}`, [`t${n}`]]),
      );
      assert.equal(trace.filter((line) => line.startsWith('generate FIX')).length, 3);
      assert.equal(trace.filter((line) => line.startsWith('test RERUN')).length, 3);
    });

    it('goes on with the tests when a stuck run is resumed, and grants no further fix', async () => {
      const trace: Trace = [];
      let healed = false;
      const run = await start(
        {
          test: () => done(healed ? tested() : tested(['t'])),
          diagnose: () => done(diagnosed(healed ? 'pass' : 'code')),
        },
        { limits: { ...LIMITS, codeFixes: 0 } },
        trace,
      );
      assert.equal((await run.settled()).pause?.cause, 'stuck');
      await run.resume();
      assert.equal((await run.settled()).pause?.cause, 'stuck');
      healed = true;
      await run.resume();
      assert.equal((await run.settled()).status, 'published');
      assert.deepEqual(trace.slice(2, 8), [
        'test GENERATE 1',
        'diagnose RUN 1',
        'test RERUN 2',
        'diagnose RUN 2',
        'test RERUN 3',
        'diagnose RUN 3',
      ]);
    });

    it('stops when a fix changed nothing and the same tests fail', async () => {
      const run = await start({
        generate: ({ mode }) => done(generated(mode === 'FIX' ? [] : ['a.py'])),
        test: () => done(tested(['t'])),
        diagnose: () => done(diagnosed('code')),
      });
      const view = await run.settled();
      assert.equal(view.pause?.cause, 'stuck');
      assert.match(view.pause.message, /of no use/);
      assert.equal(view.counts.codeFixes, 1);
    });

    it('stops when a fix changed something and yet the very same tests fail', async () => {
      const run = await start({
        async test(context) {
          const report = { codeSha256: `c${context.attempt}`, testsSha256: 't' };
          await context.writeArtifact('test-report.json', report);
          return done(tested(['t', 'u']));
        },
        diagnose: () => done(diagnosed('code')),
      });
      const view = await run.settled();
      assert.match(view.pause?.message ?? '', /of no use/);
      assert.equal(view.counts.codeFixes, 1);
    });

    it('tries the other side before it stops, and neither side twice', async () => {
      const trace: Trace = [];
      const run = await start(
        {
          generate: ({ mode }) => done(generated(mode === 'FIX' ? [] : ['a.py'])),
          async test(context) {
            await context.writeArtifact('test-report.json', { codeSha256: 'c', testsSha256: 't' });
            return done(tested(['t']));
          },
          diagnose: ({ attempt }) => done(diagnosed(attempt % 2 === 1 ? 'code' : 'tests')),
        },
        {},
        trace,
      );
      const view = await run.settled();
      assert.equal(view.pause?.cause, 'stuck');
      assert.deepEqual(
        trace.filter((line) => line.includes('FIX')),
        ['generate FIX 2', 'test FIX 3'],
      );
    });

    it('believes the hashes of what ran more than the stage', async () => {
      const report = (code: string): object => ({ codeSha256: code, testsSha256: 't' });
      const run = await start({
        generate: () => done(generated(['claims.py'])),
        async test(context) {
          await context.writeArtifact('test-report.json', report('same'));
          return done(tested(['t']));
        },
        diagnose: () => done(diagnosed('code')),
      });
      const view = await run.settled();
      assert.match(view.pause?.message ?? '', /of no use/);
      assert.equal(view.counts.codeFixes, 1);
    });

    it('pauses for the environment with the cure, and tests again on resume', async () => {
      const trace: Trace = [];
      const run = await start(
        { diagnose: ({ attempt }) => done(diagnosed(attempt === 1 ? 'environment' : 'pass')) },
        {},
        trace,
      );
      const view = await run.settled();
      assert.deepEqual(view.pause, {
        cause: 'environment',
        message: 'It is the environment.',
        cure: 'Install Python 3.11.',
      });
      await run.resume();
      assert.equal((await run.settled()).status, 'published');
      assert.ok(trace.includes('test RERUN 2'));
    });
  });

  describe('asks at its gates', () => {
    const asking = { gates: {} };

    it('once at each, and does nothing while it waits', async () => {
      const trace: Trace = [];
      const run = await start({}, asking, trace);
      const asked: string[] = [];
      for (let view = await run.settled(); view.status === 'waiting'; view = await run.settled()) {
        assert.ok(view.gate !== null);
        asked.push(`${view.gate} after ${trace.length}`);
        await run.decide(view.gate, { kind: 'approve' });
      }
      assert.deepEqual(asked, ['research after 1', 'code after 2', 'tests after 4', 'publish after 5']);
      assert.equal(run.view().status, 'published');
    });

    it('refuses a decision at another gate, after the end, or without words', async () => {
      const run = await start({}, asking);
      await run.settled();
      await assert.rejects(
        run.decide('code', { kind: 'approve' }),
        isError('input', /"research", not "code"/),
      );
      await assert.rejects(
        run.decide('research', { kind: 'request_changes', feedback: '' }),
        isError('input', /words/),
      );
      assert.equal(run.view().gate, 'research');
      await run.decide('research', { kind: 'reject' });
      assert.equal((await run.settled()).status, 'cancelled');
      await assert.rejects(run.decide('research', { kind: 'approve' }), isError('input', /No gate/));
    });

    it('lets only the first of two decisions count', async () => {
      const trace: Trace = [];
      const run = await start({}, asking, trace);
      await run.settled();
      const decisions = await Promise.allSettled([
        run.decide('research', { kind: 'approve' }),
        run.decide('research', { kind: 'request_changes', feedback: 'No.' }),
      ]);
      assert.deepEqual(
        decisions.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      );
      await run.settled();
      assert.deepEqual(trace, ['research RUN 1', 'generate GENERATE 1']);
    });

    const changes: [GateName, string, string, number][] = [
      ['research', 'research REVISE 2', 'research', 1],
      ['code', 'generate IMPROVE 2', 'code', 2],
      ['tests', 'test FIX 2', 'tests', 4],
      ['publish', 'generate IMPROVE 2', 'publish', 5],
    ];
    for (const [gate, step, again, after] of changes) {
      it(`takes a request for changes at ${gate} back to ${step} and asks again`, async () => {
        const trace: Trace = [];
        const heard: (Feedback | undefined)[] = [];
        const listen = (context: StageContext): void => {
          if (context.mode === 'REVISE' || context.mode === 'IMPROVE' || context.mode === 'FIX') {
            heard.push(context.feedback);
          }
        };
        const run = await start(
          {
            research(context) {
              listen(context);
              return done({ title: 'T', connectorName: 'shop', streams: 1, gaps: 0, problems: 0 });
            },
            generate(context) {
              listen(context);
              return done(generated());
            },
            test(context) {
              listen(context);
              return done(tested());
            },
          },
          { gates: { ...ALL_AUTO, [gate]: 'ask' } },
          trace,
        );
        assert.equal((await run.settled()).gate, gate);
        await run.decide(gate, { kind: 'request_changes', feedback: 'Call it something else.' });
        const view = await run.settled();
        assert.equal(trace[after], step);
        assert.deepEqual(heard, [
          { from: 'person', text: 'Call it something else.', failingTests: [], findings: [] },
        ]);
        assert.equal(view.gate, again);
        assert.deepEqual(view.counts, { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 });
        await run.decide(gate, { kind: 'approve' });
        assert.equal((await run.settled()).status, 'published');
      });
    }
  });

  describe('with findings of the review', () => {
    const one = finding('one');
    const two = finding('two');
    const style = finding('style', { severity: 'warning' });
    const { suggestion, ...bare } = finding('bare');
    assert.ok(suggestion);
    const gates = { ...ALL_AUTO, review: 'ask', draft: 'ask', publish: 'ask' } as const;

    it('takes secrets out of what a person types before it is written', async () => {
      const folders: unknown[] = [];
      const run = await start({ review: reviewing([one, two], []) }, { gates }, [], {
        redact: (text, where) => {
          folders.push(where);
          return Promise.resolve(text.replaceAll('hunter2', '[redacted]'));
        },
      });
      await run.settled();
      await run.answer({ finding: 'one', answer: 'rejected', reason: 'It is hunter2.' });
      await run.decide('review', { kind: 'request_changes', feedback: 'Use hunter2.' });
      await run.settled();
      const { runDir, connectorDir } = run.view();
      const kept = await readFile(join(runDir, 'journal.jsonl'), 'utf8');
      assert.doesNotMatch(kept, /hunter2/);
      assert.match(kept, /It is \[redacted\]\./);
      assert.match(kept, /Use \[redacted\]\./);
      assert.deepEqual(folders[0], { workspace: folder.path, connectorDir });
    });

    it('improves with exactly the accepted ones, tests again and reviews again', async () => {
      const trace: Trace = [];
      const heard: (Feedback | undefined)[] = [];
      const run = await start(
        {
          review: reviewing([one, two], []),
          generate(context) {
            heard.push(context.feedback);
            return done(generated());
          },
        },
        { gates },
        trace,
      );
      assert.equal((await run.settled()).gate, 'review');
      await run.answer({ finding: 'one', answer: 'accepted' });
      await run.answer({ finding: 'two', answer: 'rejected', reason: 'Wanted so.' });
      const ledger = await run.findings();
      assert.deepEqual(ledger?.answers, [
        { finding: 'one', answer: 'accepted' },
        { finding: 'two', answer: 'rejected', reason: 'Wanted so.' },
      ]);
      const stored = Review.parse(JSON.parse(await readFile(join(run.view().runDir, 'review.json'), 'utf8')));
      assert.deepEqual(stored, ledger);
      await run.decide('review', { kind: 'approve' });
      const view = await run.settled();
      assert.deepEqual(heard[1]?.findings, [one]);
      assert.deepEqual(trace.slice(5), [
        'generate IMPROVE 2',
        'test RERUN 2',
        'diagnose RUN 2',
        'review RUN 2',
      ]);
      assert.equal(view.gate, 'publish');
      assert.equal(view.counts.reviewCycles, 1);
    });

    it('hands what a person said about a finding on with it, without secrets, and keeps it over a reload', async () => {
      const heard: (Feedback | undefined)[] = [];
      const redact = (text: string): Promise<string> =>
        Promise.resolve(text.replaceAll('hunter2', '[redacted]'));
      const stages: Script = {
        review: reviewing([one, two], [two]),
        generate(context: StageContext) {
          heard.push(context.feedback);
          return done(generated());
        },
      };
      const first = await start(stages, { gates }, [], { redact });
      await first.settled();
      const { runDir } = first.view();
      await first.discuss({ finding: 'one', by: 'person', text: ' Use check_it, never hunter2. ' });
      await first.discuss({ finding: 'one', by: 'sourcewright', text: 'The rule looks for asserts.' });
      await first.dispose();
      const run = await openRun(runDir, dependencies(scripted(stages), { redact }));
      runs.push(run);
      await run.discuss({ finding: 'two', by: 'person', text: 'Later.' });
      await assert.rejects(
        run.discuss({ finding: 'three', by: 'person', text: 'No.' }),
        /no finding "three"/,
      );
      await assert.rejects(run.discuss({ finding: 'one', by: 'person', text: '  ' }), /Say something/);
      await assert.rejects(run.discuss({ finding: 'one', by: 'person', text: 'x'.repeat(4001) }), /too long/);
      await run.answer({ finding: 'one', answer: 'accepted', reason: 'Soon.' });
      await run.decide('review', { kind: 'approve' });
      await run.settled();
      assert.deepEqual(heard.at(-1)?.findings, [
        { ...one, said: ['Use check_it, never [redacted].', 'Soon.'] },
      ]);
      const { remarks } = Discussion.parse(
        JSON.parse(await readFile(join(runDir, 'discussion.json'), 'utf8')),
      );
      assert.deepEqual(
        remarks.map(({ finding: about, by, text }) => [about, by, text]),
        [
          ['one', 'person', 'Use check_it, never [redacted].'],
          ['one', 'sourcewright', 'The rule looks for asserts.'],
          ['two', 'person', 'Later.'],
        ],
      );
      assert.deepEqual((await run.findings())?.findings, [two], 'the words went into the review itself');
    });

    it('keeps a person’s words safe where the discussion is damaged: nothing is dropped in silence', async () => {
      const run = await start({ review: reviewing([one], []) }, { gates });
      await run.settled();
      const path = join(run.view().runDir, 'discussion.json');
      await writeFile(path, '{"schemaVersion":1,"remarks":[{"finding":"one"');
      await assert.rejects(
        run.discuss({ finding: 'one', by: 'person', text: 'More.' }),
        /not what it should be/,
      );
      await run.answer({ finding: 'one', answer: 'accepted' });
      await assert.rejects(run.decide('review', { kind: 'approve' }), { code: 'corrupt', where: path });
      assert.equal(run.view().gate, 'review');
      await rm(path);
      await run.decide('review', { kind: 'approve' });
      assert.equal((await run.settled()).gate, 'publish');
    });

    it('counts answers that nobody waited for before deciding', async () => {
      const heard: (Feedback | undefined)[] = [];
      const run = await start(
        {
          review: reviewing([one, two], []),
          generate(context) {
            heard.push(context.feedback);
            return done(generated());
          },
        },
        { gates },
      );
      await run.settled();
      await Promise.all([
        run.answer({ finding: 'one', answer: 'accepted' }),
        run.answer({ finding: 'two', answer: 'accepted' }),
        run.decide('review', { kind: 'approve' }),
      ]);
      await run.settled();
      assert.deepEqual(heard[1]?.findings, [one, two]);
    });

    it('asks no more about what was rejected, and forgets what was accepted for the old code', async () => {
      const run = await start({ review: reviewing([one, two], [one, two], [one]) }, { gates });
      await run.settled();
      await run.answer({ finding: 'one', answer: 'rejected' });
      await run.answer({ finding: 'two', answer: 'accepted' });
      await run.decide('review', { kind: 'approve' });
      assert.equal((await run.settled()).gate, 'review');
      assert.deepEqual((await run.findings())?.answers, [{ finding: 'one', answer: 'rejected' }]);
      await run.answer({ finding: 'two', answer: 'accepted' });
      await run.decide('review', { kind: 'approve' });
      assert.equal((await run.settled()).gate, 'publish');
    });

    it('only tests and reviews again what the editor has applied already', async () => {
      const trace: Trace = [];
      const run = await start({ review: reviewing([one], []) }, { gates }, trace);
      await run.settled();
      await run.answer({ finding: 'one', answer: 'applied' });
      await run.decide('review', { kind: 'approve' });
      await run.settled();
      assert.deepEqual(trace.slice(5), ['test RERUN 2', 'diagnose RUN 2', 'review RUN 2']);
    });

    it('goes to the publish gate when all are rejected', async () => {
      const run = await start({ review: reviewing([one]) }, { gates });
      await run.settled();
      await run.answer({ finding: 'one', answer: 'rejected' });
      await run.decide('review', { kind: 'approve' });
      const view = await run.settled();
      assert.equal(view.gate, 'publish');
      assert.equal(view.counts.reviewCycles, 0);
    });

    it('asks about a draft when a blocking one is left open, and publishes it as one', async () => {
      const run = await start({ review: reviewing([one, style]) }, { gates });
      await run.settled();
      await run.answer({ finding: 'style', answer: 'rejected' });
      await run.decide('review', { kind: 'approve' });
      assert.equal((await run.settled()).gate, 'draft');
      await assert.rejects(
        run.decide('draft', { kind: 'request_changes', feedback: 'More.' }),
        isError('input', /draft/),
      );
      await run.decide('draft', { kind: 'approve' });
      const view = await run.settled();
      assert.equal(view.status, 'published');
      assert.match(view.stages[5]?.note ?? '', /Draft/);
    });

    it('is no draft any more when the last blocking one is rejected at that gate', async () => {
      const drafts: boolean[] = [];
      const run = await start(
        {
          review: reviewing([one], [one], [one]),
          publish: (context) => {
            drafts.push(context.draft);
            throw new SourcewrightError('environment', 'Enough seen.');
          },
        },
        { gates, limits: { ...LIMITS, reviewCycles: 0 } },
      );
      assert.equal((await run.settled()).gate, 'draft');
      await run.answer({ finding: 'one', answer: 'rejected' });
      await run.decide('draft', { kind: 'approve' });
      await run.settled();
      assert.deepEqual(drafts, [false]);
    });

    it('counts two review cycles with a limit of two', async () => {
      const trace: Trace = [];
      const run = await start({ review: reviewing([one], [two], [one], []) }, { gates: ALL_AUTO }, trace);
      const view = await run.settled();
      assert.equal(view.status, 'published');
      assert.equal(view.counts.reviewCycles, 2);
      assert.equal(trace.filter((line) => line.startsWith('review')).length, 3);
      assert.equal(trace.filter((line) => line.startsWith('generate IMPROVE')).length, 2);
      assert.match(view.stages[5]?.note ?? '', /Draft/);
    });

    it('accepts by itself only what has an exact suggestion', async () => {
      const heard: (Feedback | undefined)[] = [];
      const run = await start({
        review: reviewing([one, bare], [bare]),
        generate(context) {
          heard.push(context.feedback);
          return done(generated());
        },
      });
      const view = await run.settled();
      assert.deepEqual(heard[1]?.findings, [one]);
      assert.equal(view.counts.reviewCycles, 1);
      assert.match(view.stages[5]?.note ?? '', /Draft/, 'the finding without a suggestion stayed open');
    });

    it('leaves notes alone: they are not accepted by themselves and block nothing', async () => {
      const heard: (Feedback | undefined)[] = [];
      const note = finding('note', { severity: 'info' });
      const run = await start({
        review: reviewing([note, one], [note]),
        generate(context) {
          heard.push(context.feedback);
          return done(generated());
        },
      });
      const view = await run.settled();
      assert.deepEqual(heard[1]?.findings, [one]);
      assert.equal(view.status, 'published');
      assert.doesNotMatch(view.stages[5]?.note ?? '', /Draft/);
    });

    it('does not publish a draft by itself for someone who wants to be asked before publishing', async () => {
      const run = await start({ review: reviewing([bare]) }, { gates: { ...ALL_AUTO, publish: 'ask' } });
      assert.equal((await run.settled()).gate, 'draft');
    });

    it('refuses answers to findings that there are not, and after the end', async () => {
      const run = await start({ review: reviewing([one]) }, { gates });
      await run.settled();
      await assert.rejects(
        run.answer({ finding: 'none', answer: 'accepted' }),
        isError('input', /no finding/),
      );
      await run.cancel();
      await assert.rejects(run.answer({ finding: 'one', answer: 'accepted' }), isError('input', /ended/));
    });

    it('researches once more with what the review asks, then writes the connector anew', async () => {
      const trace: Trace = [];
      const heard: (Feedback | undefined)[] = [];
      const run = await start(
        {
          research(context) {
            heard.push(context.feedback);
            return done({ title: 'T', connectorName: 'shop', streams: 1, gaps: 0, problems: 0 });
          },
          review: ({ attempt }) => done(reviewed(attempt === 1 ? 'needs_research' : 'clean')),
        },
        {},
        trace,
      );
      assert.equal((await run.settled()).status, 'published');
      assert.equal(heard[1]?.text, 'Which paging is it?');
      assert.deepEqual(trace.slice(5, 10), [
        'research REVISE 2',
        'generate GENERATE 2',
        'test GENERATE 2',
        'diagnose RUN 2',
        'review RUN 2',
      ]);
    });

    it('says so in a draft when the question stays unanswered', async () => {
      const run = await start({ review: () => done(reviewed('needs_research')) });
      const view = await run.settled();
      assert.equal(view.counts.reResearch, 1);
      assert.match(view.stages[5]?.note ?? '', /Draft/);
    });
  });

  describe('when a stage throws', () => {
    const cases: [ErrorCode, PauseCause | 'failed'][] = [
      ['environment', 'environment'],
      ['credentials', 'credentials'],
      ['budget', 'budget'],
      ['remote', 'environment'],
      ['locked', 'environment'],
      ['cancelled', 'person'],
      ['corrupt', 'environment'],
      ['input', 'failed'],
      ['internal', 'failed'],
    ];
    for (const [code, expected] of cases) {
      it(`${code}: ${expected === 'failed' ? 'fails' : `pauses (${expected}) and repeats the step on resume`}`, async () => {
        const trace: Trace = [];
        let broken = true;
        const run = await start(
          {
            generate() {
              if (broken)
                throw new SourcewrightError(code, 'Out of order.', { where: 'here', cure: 'Mend it.' });
              return done(generated());
            },
          },
          {},
          trace,
        );
        const view = await run.settled();
        if (expected === 'failed') {
          assert.equal(view.status, 'failed');
          assert.deepEqual(view.error, { code, message: 'Out of order. (here)', cure: 'Mend it.' });
          assert.equal(view.stages[1]?.state, 'failed');
          return;
        }
        assert.deepEqual(view.pause, { cause: expected, message: 'Out of order. (here)', cure: 'Mend it.' });
        assert.equal(view.stages[1]?.state, 'paused');
        broken = false;
        await run.resume();
        assert.equal((await run.settled()).status, 'published');
        assert.deepEqual(trace.slice(0, 3), ['research RUN 1', 'generate GENERATE 1', 'generate GENERATE 1']);
      });
    }

    it('something unknown, or returns nonsense: fails with internal', async () => {
      const thrown = await start({
        generate: () => {
          throw new TypeError('x is undefined');
        },
      });
      assert.equal((await thrown.settled()).error?.code, 'internal');
      const odd = await start({ test: () => done({ verdict: 'great' } as never) });
      assert.equal((await odd.settled()).error?.code, 'internal');
    });

    it('refuses a connector name that leads out of the folder', async () => {
      const run = await start({
        research: () => done({ title: 'T', connectorName: '../../etc', streams: 1, gaps: 0, problems: 0 }),
      });
      assert.equal((await run.settled()).error?.code, 'internal');
      await assert.rejects(start({}, { name: '../x' }), isError('input', /hyphens/));
    });

    it('keeps artifacts inside the run and away from our own files', async () => {
      for (const name of ['../x.json', '/tmp/x.json', 'journal.jsonl', './run.json', '']) {
        const run = await start({
          research: async (context) => {
            await context.writeArtifact(name, {});
            return done({ title: 'T', connectorName: 'shop', streams: 1, gaps: 0, problems: 0 });
          },
        });
        assert.equal((await run.settled()).error?.code, 'internal', name);
      }
    });
  });

  describe('is stopped', () => {
    for (const stage of StageName.options) {
      it(`in ${stage}: pause keeps the place, resume repeats the step, cancel ends`, async () => {
        const trace: Trace = [];
        let block = true;
        const started = signal();
        const script: Script = {
          [stage]: (context: StageContext) => {
            if (block) return untilStopped(started.give)(context);
            return scripted()[stage].run(context);
          },
        };
        const run = await start(script, {}, trace);
        await started.promise;
        assert.equal(run.view().status, 'running');
        await run.pause();
        const paused = await run.settled();
        assert.equal(paused.status, 'paused');
        assert.equal(paused.pause?.cause, 'person');
        assert.equal(paused.stages.find((view) => view.stage === stage)?.state, 'paused');
        block = false;
        await run.resume();
        assert.equal((await run.settled()).status, 'published');
        const [step] = HAPPY.filter((line) => line.startsWith(stage));
        assert.equal(trace.filter((line) => line === step).length, 2);
        assert.equal(trace.length, HAPPY.length + 1);

        block = true;
        const again = signal();
        const other = await start({ [stage]: untilStopped(again.give) });
        await again.promise;
        await other.cancel();
        const view = await other.settled();
        assert.equal(view.status, 'cancelled');
        assert.equal(view.stages.find((one) => one.stage === stage)?.state, 'cancelled');
        await other.resume();
        assert.equal(other.view().status, 'cancelled', 'cancelled is final');
      });
    }

    for (const gate of GateName.options) {
      it(`at gate ${gate}: pause, resume and cancel`, async () => {
        const trace: Trace = [];
        const limits = gate === 'draft' ? { ...LIMITS, reviewCycles: 0 } : LIMITS;
        const findings = gate === 'review' || gate === 'draft' ? [finding('one')] : [];
        const gates = { ...ALL_AUTO, [gate]: 'ask' };
        const run = await start({ review: reviewing(findings) }, { limits, gates }, trace);
        assert.equal((await run.settled()).gate, gate);
        const before = trace.length;
        await run.pause();
        assert.equal(run.view().status, 'paused');
        assert.equal(run.view().gate, null);
        await assert.rejects(run.decide(gate, { kind: 'approve' }), isError('input'));
        await run.resume();
        assert.equal((await run.settled()).gate, gate);
        assert.equal(trace.length, before, 'nothing ran again');
        await run.pause();
        await run.cancel();
        assert.equal((await run.settled()).status, 'cancelled');
      });
    }

    it('does not wait for ever for a stage that ignores it, and ignores what it says and writes later', async () => {
      const started = signal();
      const late = signal();
      const finished = signal();
      let refused: unknown;
      const run = await start(
        {
          async research(context) {
            started.give();
            await late.promise;
            context.progress('still here');
            await context.writeArtifact('brief.json', {}).catch((error: unknown) => {
              refused = error;
            });
            finished.give();
            return done({ title: 'Late', connectorName: 'late', streams: 1, gaps: 0, problems: 0 });
          },
        },
        {},
        [],
        { graceMs: 50 },
      );
      await started.promise;
      const stopping = run.cancel();
      await new Promise((wait) => setTimeout(wait, 5));
      assert.equal(run.view().status, 'running', 'it is still stopping');
      await stopping;
      assert.equal((await run.settled()).status, 'cancelled');
      late.give();
      await finished.promise;
      await new Promise((wait) => setTimeout(wait, 20));
      assert.equal(run.view().status, 'cancelled');
      assert.notEqual(run.view().title, 'Late');
      assert.ok(refused instanceof SourcewrightError);
      assert.deepEqual((await readdir(run.view().runDir)).sort(), ['journal.jsonl', 'run.json']);
    });

    it('starts nothing new beside a stage that has not stopped', async () => {
      const started = signal();
      const late = signal();
      const trace: Trace = [];
      const run = await start(
        {
          async research({ attempt }) {
            if (trace.length === 1) {
              started.give();
              await late.promise;
            }
            return done({ title: `T${attempt}`, connectorName: 'shop', streams: 1, gaps: 0, problems: 0 });
          },
        },
        {},
        trace,
        { graceMs: 30 },
      );
      await started.promise;
      await run.pause();
      await run.resume();
      const view = await run.settled();
      assert.equal(view.pause?.cause, 'environment');
      assert.match(view.pause.message, /has not stopped yet/);
      assert.equal(trace.length, 1);
      late.give();
      await new Promise((wait) => setTimeout(wait, 10));
      await run.resume();
      assert.equal((await run.settled()).status, 'published');
    });
  });

  describe('opened again', () => {
    it('stands paused after an interruption, keeps what was done and repeats the unfinished step only', async () => {
      const started = signal();
      const first = await start({ test: untilStopped(started.give) });
      await started.promise;
      await first.dispose();
      assert.equal((await first.settled()).pause?.cause, 'reload');
      const trace: Trace = [];
      const run = await openRun(first.view().runDir, dependencies(scripted({}, trace)));
      runs.push(run);
      const view = await run.settled();
      assert.equal(view.status, 'paused');
      assert.equal(view.pause?.cause, 'reload');
      assert.deepEqual(
        view.stages.map(({ state }) => state),
        ['done', 'done', 'paused', 'pending', 'pending', 'pending'],
      );
      assert.deepEqual(trace, []);
      await run.resume();
      assert.equal((await run.settled()).status, 'published');
      assert.deepEqual(trace, HAPPY.slice(2));
    });

    it('waits again at the gate where it waited', async () => {
      const first = await start({}, { gates: {} });
      await first.settled();
      await first.dispose();
      assert.equal(first.view().status, 'waiting');
      const run = await openRun(first.view().runDir, dependencies(scripted()));
      runs.push(run);
      assert.equal((await run.settled()).gate, 'research');
      await run.decide('research', { kind: 'approve' });
      assert.equal((await run.settled()).gate, 'code');
    });

    it('goes through the gates that waited when it is opened to approve all', async () => {
      const first = await start({ review: reviewing([finding('one')], []) }, { gates: {} });
      await first.settled();
      await first.dispose();
      const trace: Trace = [];
      const stages = scripted({ review: reviewing([finding('one')], []) }, trace);
      const run = await openRun(first.view().runDir, dependencies(stages, { autoApprove: () => true }));
      runs.push(run);
      assert.deepEqual((await run.settled()).pause?.cause, 'reload', 'nothing begins without the person');
      await run.resume();
      assert.equal((await run.settled()).status, 'published');
      assert.ok(trace.includes('generate IMPROVE 2'), 'findings with a suggestion were accepted');
    });

    it('keeps the reason why it was paused', async () => {
      const first = await start({
        generate: () => {
          throw new SourcewrightError('credentials', 'No key.', { cure: 'Set one.' });
        },
      });
      await first.settled();
      await first.dispose();
      const run = await openRun(first.view().runDir, dependencies(scripted()));
      runs.push(run);
      assert.deepEqual((await run.settled()).pause, {
        cause: 'credentials',
        message: 'No key.',
        cure: 'Set one.',
      });
    });

    it('shows an ended run as it ended, and lets go of it at once', async () => {
      const first = await start();
      const view = await first.settled();
      const run = await openRun(view.runDir, dependencies(scripted()));
      assert.deepEqual((await run.settled()).stages, view.stages);
      const again = await openRun(view.runDir, dependencies(scripted()));
      assert.equal(again.view().status, 'published');
      await again.settled();
    });

    it('is refused while someone else has it open', async () => {
      const run = await start({}, { gates: {} });
      await run.settled();
      await assert.rejects(
        openRun(run.view().runDir, dependencies(scripted())),
        isError('locked', new RegExp(`process ${process.pid}`)),
      );
      await run.dispose();
      const other = await openRun(run.view().runDir, dependencies(scripted()));
      runs.push(other);
      assert.equal(other.view().gate, 'research');
    });
  });

  it('lets only one run at a time write a connector', async () => {
    const started = signal();
    const first = await start({ generate: untilStopped(started.give) });
    await started.promise;
    const second = await start();
    const view = await second.settled();
    assert.equal(view.pause?.cause, 'environment');
    assert.match(
      view.pause.message,
      new RegExp(`in use by process ${process.pid}.*generate of run ${first.runId}`),
    );
    await first.cancel();
    await second.resume();
    assert.equal((await second.settled()).status, 'published');
  });

  describe('by hand', () => {
    it('runs one stage beside the pipeline', async () => {
      const first = await start({}, { gates: { ...ALL_AUTO, publish: 'ask' } });
      await first.settled();
      await first.dispose();
      const trace: Trace = [];
      const { runDir } = first.view();
      const view = await runStage(
        runDir,
        'test',
        dependencies(scripted({ test: () => done(tested(['a'])) }, trace)),
      );
      assert.deepEqual(trace, ['test RERUN 2']);
      assert.equal(view.gate, 'publish', 'the pipeline stands where it stood');
      assert.match(view.stages[2]?.note ?? '', /1 of 10 tests failed/);
      const run = await openRun(runDir, dependencies(scripted()));
      runs.push(run);
      await run.decide('publish', { kind: 'request_changes', feedback: 'Once more.' });
      await run.settled();
      assert.equal(run.view().stages[2]?.attempt, 3, 'no attempt number is used twice');
    });

    it('works on a run that this process has open, on one that has ended, and from the very first stage', async () => {
      const open = await start({}, { gates: {} });
      await open.settled();
      const shown = await runStage(open.view().runDir, 'generate', dependencies(scripted()));
      assert.equal(shown.gate, 'research');
      assert.equal(shown.stages[1]?.state, 'done');

      const ended = await start();
      await ended.settled();
      const after = await runStage(ended.view().runDir, 'review', dependencies(scripted()));
      assert.equal(after.status, 'published');
      assert.equal(after.stages[4]?.attempt, 2);

      const trace: Trace = [];
      const fresh = await createRun(request(folder.path), dependencies(scripted()));
      const d = dependencies(scripted({}, trace));
      const researched = await runStage(fresh, 'research', d);
      assert.equal(researched.connectorName, 'shop');
      await runStage(fresh, 'generate', d);
      await runStage(fresh, 'test', d);
      assert.deepEqual(
        trace.map((line) => line.split(' ').slice(0, 2).join(' ')),
        ['research RUN', 'generate GENERATE', 'test GENERATE'],
      );
    });

    it('says which stage is missing', async () => {
      const fresh = await createRun(request(folder.path), dependencies(scripted()));
      await assert.rejects(
        runStage(fresh, 'review', dependencies(scripted())),
        isError('input', /generate first/),
      );
      await runStage(fresh, 'research', dependencies(scripted()));
    });

    it('is refused while the pipeline works, and a failure by hand does not fail the run', async () => {
      const started = signal();
      const run = await start({ test: untilStopped(started.give) });
      await started.promise;
      await assert.rejects(
        runStage(run.view().runDir, 'generate', dependencies(scripted())),
        isError('locked'),
      );
      await run.pause();
      const view = await runStage(run.view().runDir, 'generate', dependencies(scripted()));
      assert.equal(view.status, 'paused');
      await run.dispose();
      const broken = dependencies(
        scripted({
          generate: () => {
            throw new Error('no');
          },
        }),
      );
      const failed = await runStage(run.view().runDir, 'generate', broken);
      assert.equal(failed.status, 'paused');
      assert.equal(failed.stages[1]?.state, 'failed');
    });
  });

  it('tells listeners of each change, of progress not too often, and survives one that throws', async () => {
    const go = signal();
    const run = await start({
      async research(context) {
        await go.promise;
        for (let line = 0; line < 500; line += 1) context.progress(`line ${line}`);
        await new Promise((wait) => setTimeout(wait, 150));
        return done({ title: 'T', connectorName: 'shop', streams: 1, gaps: 0, problems: 0 });
      },
    });
    const notes: string[] = [];
    run.onChange(() => {
      throw new Error('broken listener');
    });
    const end = run.onChange((view) => notes.push(view.stages[0]?.note ?? ''));
    go.give();
    await run.settled();
    const lines = notes.filter((note) => note.startsWith('line'));
    assert.ok(lines.length >= 1 && lines.length < 10, `${lines.length} notifications`);
    assert.equal(lines.at(-1), 'line 499');
    const before = notes.length;
    end();
    await run.dispose();
    assert.equal(notes.length, before);
  });

  it('shows nothing of later stages that is out of date', async () => {
    const started = signal();
    const run = await start({
      test: ({ attempt }) => done(attempt === 1 ? tested(['t']) : tested()),
      diagnose: ({ attempt }) => done(diagnosed(attempt === 1 ? 'code' : 'pass')),
      generate: (context) =>
        context.mode === 'FIX' ? untilStopped(started.give)(context) : done(generated()),
    });
    await started.promise;
    const [, generate, test, diagnose] = run.view().stages;
    assert.deepEqual([generate?.state, generate?.mode], ['running', 'FIX']);
    assert.deepEqual(
      [test?.state, test?.note, diagnose?.state, diagnose?.note],
      ['pending', '', 'pending', ''],
    );
  });

  it('is called after its description until the research knows better, without the keys in an address', async () => {
    const source = {
      kind: 'description',
      location: 'https://u:p@x.test/api/shop.json?key=secret#a/b',
    } as const;
    const started = signal();
    const run = await start({ research: untilStopped(started.give) }, { source });
    await started.promise;
    assert.equal(run.view().title, 'shop.json');
    assert.doesNotMatch(run.runId, /secret/);
  });

  it('shows progress as one line of a sensible length', async () => {
    const run = await start({
      research(context) {
        context.progress(`two\nlines ${'x'.repeat(5000)}`);
        throw new SourcewrightError('environment', 'No.');
      },
    });
    const notes: string[] = [];
    run.onChange((view) => notes.push(view.stages[0]?.note ?? ''));
    await run.settled();
    for (const note of notes) assert.ok(note.length <= 300 && !note.includes('\n'), note);
  });

  it('reads artifacts through their schema', async () => {
    const run = await start({
      async research(context) {
        assert.equal(await context.readArtifact('absent.json', z.object({})), undefined);
        await context.writeArtifact('notes.md', '# Notes');
        await context.writeArtifact('deep/brief.json', { a: 1 });
        assert.deepEqual(await context.readArtifact('deep/brief.json', z.object({ a: z.number() })), {
          a: 1,
        });
        await assert.rejects(
          context.readArtifact('deep/brief.json', z.object({ a: z.string() })),
          isError('corrupt', /brief\.json/),
        );
        return done({ title: 'T', connectorName: 'shop', streams: 1, gaps: 0, problems: 0 });
      },
    });
    const view = await run.settled();
    assert.equal(view.status, 'published');
    assert.deepEqual(view.stages[0]?.artifacts, ['deep/brief.json', 'notes.md']);
    assert.equal(await readFile(join(view.runDir, 'notes.md'), 'utf8'), '# Notes');
  });
});
