/** Attempts as they stand in journals that real runs have written. */
import { strict as assert } from 'node:assert';
import { SourcewrightError } from '../../../src/errors.ts';
import { type Attempt, historyOf, type RunHistory } from '../../../src/pipeline/attempts.ts';
import {
  NO_USAGE,
  type PipelineRun,
  type RunRequest,
  type StageContext,
  type Usage,
} from '../../../src/pipeline/contracts.ts';
import { readJournal } from '../../../src/pipeline/journal.ts';
import { openRun, runStage, startRun } from '../../../src/pipeline/run.ts';
import { nodeFiles } from '../../../src/store/files.ts';
import {
  ALL_AUTO,
  dependencies,
  diagnosed,
  done,
  generated,
  request,
  type Script,
  scripted,
  temporaryFolder,
  tested,
} from './scripted.ts';

const paid = (usd: number): Usage => ({ ...NO_USAGE, usd, inputTokens: usd * 1000, requests: 1 });

/** A clock that goes on by a second with each look at it. */
function clock(): () => Date {
  let now = Date.parse('2026-11-28T08:00:00.000Z');
  return () => new Date((now += 1000));
}

/** Durations go by the clock that nobody sets; here it goes on in the same way. */
function ticking(): { now: () => Date; elapsed: () => number } {
  const [now, since] = [clock(), clock()];
  return { now, elapsed: () => since().getTime() };
}

describe('the attempts in a journal', () => {
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

  async function start(script: Script, gates: RunRequest['gates'] = ALL_AUTO): Promise<PipelineRun> {
    const run = await startRun(request(folder.path, { gates }), dependencies(scripted(script), ticking()));
    runs.push(run);
    return run;
  }
  async function reopen(run: PipelineRun, script: Script): Promise<PipelineRun> {
    await run.dispose();
    const again = await openRun(run.view().runDir, dependencies(scripted(script), ticking()));
    runs.push(again);
    return again;
  }
  async function history(run: PipelineRun): Promise<RunHistory> {
    return historyOf((await readJournal(run.view().runDir, nodeFiles)).records);
  }
  const short = ({ stage, attempt, mode, outcome }: Attempt): string =>
    `${stage} ${attempt} ${mode} ${outcome}`;

  it('lists each with its mode, its outcome and what came of it', async () => {
    const run = await start({
      test: ({ attempt }) => done(attempt === 1 ? tested(['tests/test_a.py::test_a']) : tested()),
      diagnose: ({ attempt }) => done(diagnosed(attempt === 1 ? 'code' : 'pass')),
    });
    assert.equal((await run.settled()).status, 'published');
    const { attempts, gates } = await history(run);
    assert.deepEqual(attempts.map(short), [
      'research 1 RUN done',
      'generate 1 GENERATE done',
      'test 1 GENERATE failed',
      'diagnose 1 RUN done',
      'generate 2 FIX done',
      'test 2 RERUN done',
      'diagnose 2 RUN done',
      'review 1 RUN done',
      'publish 1 RUN done',
    ]);
    assert.match(attempts[2]?.note ?? '', /^1 of 10 tests failed/);
    assert.ok(attempts.every(({ durationMs, sittings }) => durationMs >= 1000 && sittings === 1));
    assert.deepEqual(
      gates.map(({ gate, decision, by }) => `${gate} ${decision} ${by}`),
      ['research approve auto', 'code approve auto', 'tests approve auto', 'publish approve auto'],
    );
  });

  it('adds up the sittings of an attempt that paused and was resumed', async () => {
    let sitting = 0;
    const generate = (context: StageContext): ReturnType<NonNullable<Script['generate']>> => {
      sitting += 1;
      context.spent(paid(sitting));
      if (sitting === 1)
        throw new SourcewrightError('budget', 'The budget is used up.', { cure: 'Raise it.' });
      return done(generated());
    };
    const run = await start({ generate });
    assert.equal((await run.settled()).status, 'paused');
    const [, paused] = (await history(run)).attempts;
    assert.ok(paused);
    assert.equal(short(paused), 'generate 1 GENERATE paused');
    assert.match(paused.note, /The budget is used up/);
    assert.equal(paused.usage?.usd, 1);
    assert.equal(paused.sittingSince, null);

    await run.resume();
    assert.equal((await run.settled()).status, 'published');
    const [, whole] = (await history(run)).attempts;
    assert.ok(whole);
    assert.equal(short(whole), 'generate 1 GENERATE done');
    assert.equal(whole.sittings, 2);
    assert.equal(whole.usage?.usd, 2, 'the newest word on what an attempt cost holds all its sittings');
    assert.ok(whole.durationMs > paused.durationMs);
    assert.equal(whole.startedAt, paused.startedAt);
  });

  it('counts the time until a person paused', async () => {
    let begun: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const run = await start({
      review: (context) =>
        new Promise((_, reject) => {
          context.signal.addEventListener('abort', () => {
            reject(new SourcewrightError('cancelled', 'Stopped.'));
          });
          begun();
        }),
    });
    await started;
    const during = (await history(run)).attempts.at(-1);
    assert.equal(during && short(during), 'review 1 RUN running');
    assert.notEqual(during?.sittingSince, null);
    await run.pause();
    const after = (await history(run)).attempts.at(-1);
    assert.equal(after && short(after), 'review 1 RUN paused');
    assert.ok((after?.durationMs ?? 0) >= 1000);
    assert.equal(after?.usage, null, 'what a stopped sitting cost stands in no record');
    await run.cancel();
    assert.equal((await history(run)).attempts.at(-1)?.outcome, 'cancelled');
  });

  it('does not take the hours until a killed run was opened again for work', async () => {
    let begun: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const run = await start({
      test: (context) =>
        new Promise((_, reject) => {
          context.signal.addEventListener('abort', () => {
            reject(new SourcewrightError('cancelled', 'Stopped.'));
          });
          begun();
        }),
    });
    await started;
    const again = await reopen(run, {});
    const stood = (await history(again)).attempts.at(-1);
    assert.equal(stood && short(stood), 'test 1 GENERATE paused');
    assert.equal(stood?.durationMs, 0);
    await again.resume();
    await again.settled();
    const test = (await history(again)).attempts.find(({ stage }) => stage === 'test');
    assert.equal(test && short(test), 'test 1 GENERATE done');
    assert.equal(test?.sittings, 2);
  });

  it('tells a failure, and what was run by hand', async () => {
    const run = await start({
      review: () => {
        throw new SourcewrightError('internal', 'It broke.');
      },
    });
    assert.equal((await run.settled()).status, 'failed');
    const failed = (await history(run)).attempts.at(-1);
    assert.equal(failed && short(failed), 'review 1 RUN failed');
    assert.equal(failed?.note, 'It broke.');
    await run.dispose();
    await runStage(run.view().runDir, 'test', dependencies(scripted(), { now: clock() }));
    const byHand = (await history(run)).attempts.at(-1);
    assert.equal(byHand && short(byHand), 'test 2 RERUN done');
    assert.equal(byHand?.byHand, true);
  });

  it('keeps only the newest answer of each gate', async () => {
    const run = await start({}, { ...ALL_AUTO, research: 'ask' });
    await run.settled();
    await run.decide('research', { kind: 'request_changes', feedback: 'Read again.' });
    await run.settled();
    assert.deepEqual(
      (await history(run)).gates.map(({ gate, decision, by }) => [gate, decision, by]),
      [['research', 'request_changes', 'person']],
    );
    await run.decide('research', { kind: 'approve' });
    await run.settled();
    const research = (await history(run)).gates.filter(({ gate }) => gate === 'research');
    assert.deepEqual(
      research.map(({ decision }) => decision),
      ['approve'],
    );
  });
});
