/** Replays of runs whose stages are scripted: what is tested here is the way through gates, findings and pauses. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import type { Finding, Review } from '../../../src/pipeline/contracts.ts';
import { readJournal } from '../../../src/pipeline/journal.ts';
import { openRun } from '../../../src/pipeline/run.ts';
import { nodeFiles } from '../../../src/store/files.ts';
import type { RunSummary } from '../../../src/terminal/summary.ts';
import {
  dependencies,
  diagnosed,
  done,
  finding,
  reviewed,
  scripted,
  tested,
  type Script,
  type Trace,
} from '../pipeline/scripted.ts';
import { call, type Called } from './calls.ts';

const KEY = { ANTHROPIC_API_KEY: 'a-key-for-tests' };

describe('terminal: replay', () => {
  let folder = '';
  let here = '';
  let there = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-replay-'));
    [there, here] = [join(folder, 'there'), join(folder, 'here')];
    await mkdir(there);
    await mkdir(here);
    await writeFile(join(there, 'shop.yaml'), 'openapi: 3.0.0\n');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A call in the workspace where the run is recorded. */
  const recording = (words: string[], script: Script, trace: Trace): Promise<Called> =>
    call(words, { cwd: there, env: KEY, script, trace });
  const generate = ['generate', 'shop.yaml', '--engine', 'agents'];

  /** The folder of the recorded run, moved away from its workspace as a bug report would hold it. */
  async function recorded(): Promise<string> {
    const runs = join(there, '.sourcewright', 'runs');
    const [run = ''] = await readdir(runs);
    await mkdir(join(runs, run, 'transcripts'), { recursive: true });
    await rm(join(there, 'shop.yaml'), { force: true });
    return join(runs, run);
  }

  async function replayed(script: Script, trace: Trace = []): Promise<Called & { summary: RunSummary }> {
    const words = ['replay', await recorded(), '--json'];
    const made = await call(words, { cwd: here, script, trace });
    return { ...made, summary: JSON.parse(made.stdout) as RunSummary };
  }

  /** What people and gates decided, and what was answered, in order. */
  async function decisions(runDir: string): Promise<string[]> {
    const { records } = await readJournal(runDir, nodeFiles);
    return records.flatMap((record) => {
      if (record.type === 'decided') return [`${record.gate} ${record.decision.kind}`];
      return record.type === 'answered' ? [`${record.answer.finding} ${record.answer.answer}`] : [];
    });
  }

  /** Finds these in its first attempt, and nothing later. */
  function reviewWith(...findings: Finding[]): NonNullable<Script['review']> {
    return async (context) => {
      const left = context.attempt === 1 ? findings : [];
      const decision = left.length > 0 ? ('needs_work' as const) : ('clean' as const);
      const review: Review = {
        schemaVersion: 1,
        cycle: context.attempt,
        decision,
        findings: left,
        answers: [],
        tools: [],
      };
      await context.writeArtifact('review.json', review);
      return done(reviewed(decision, left.length));
    };
  }

  it('answers gates and findings as they were answered, with no key, in the workspace here', async () => {
    const script: Script = { review: reviewWith(finding('f1'), finding('f2')) };
    const [before, after]: [Trace, Trace] = [[], []];
    await recording([...generate, '--approve', 'code,tests,publish'], script, before);
    const changes = ['--request-changes', 'research', '--feedback', 'more'];
    await recording(['resume', 'latest', ...changes], script, before);
    await recording(['resume', 'latest', '--approve', 'research'], script, before);
    await recording(['answer', 'latest', 'f1=reject'], script, before);
    const ended = await recording(
      ['resume', 'latest', '--answer', 'f2=accept', '--approve', 'review'],
      script,
      before,
    );
    assert.equal(ended.code, 0, ended.stderr);
    assert.ok(before.includes('generate IMPROVE 2'), before.join('; '));

    const made = await replayed(script, after);
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(after, before);
    const { summary } = made;
    assert.equal(summary.status, 'published');
    assert.equal(summary.connector.dir, join(here, 'connectors', 'source-shop'));
    assert.ok(summary.runDir?.startsWith(join(here, '.sourcewright', 'runs')));
    const folderThere = await recorded();
    assert.deepEqual(await decisions(summary.runDir ?? ''), await decisions(folderThere));
    assert.equal(summary.replayOf?.folder, folderThere);
    assert.equal(made.setting?.agents?.replay, folderThere);
    assert.match(made.stderr, /^Replaying \S+ from .*: no model is asked\./);
    assert.doesNotMatch(made.stderr, /forecast/);

    const [one, two] = [
      await readJournal(folderThere, nodeFiles),
      await readJournal(summary.runDir ?? '', nodeFiles),
    ];
    assert.deepEqual(two.request.source, one.request.source);
    assert.deepEqual(two.request.agents, one.request.agents);
    assert.equal(two.request.workspace, here);
  });

  it('repeats what gates on auto decided', async () => {
    const script: Script = { review: reviewWith(finding('f1'), finding('f2', { severity: 'info' })) };
    const [before, after]: [Trace, Trace] = [[], []];
    assert.equal((await recording([...generate, '--auto'], script, before)).code, 0);
    const made = await replayed(script, after);
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(after, before);
    assert.deepEqual(await decisions(made.summary.runDir ?? ''), await decisions(await recorded()));
  });

  it('gives answers in time that were given while the run went on', async () => {
    // A finding that comes back, and was rejected before it did: the gate "review" asks only once.
    const back: Script['review'] = async (context) => {
      const review: Review = {
        schemaVersion: 1,
        cycle: context.attempt,
        decision: 'needs_work',
        findings: context.attempt === 1 ? [finding('f1'), finding('f2')] : [finding('f2')],
        answers: [],
        tools: [],
      };
      await context.writeArtifact('review.json', review);
      return done(reviewed('needs_work', review.findings.length));
    };
    const pausing: Script['generate'] = (context) =>
      context.mode === 'IMPROVE' && context.attempt === 2 && stops > 0
        ? { status: 'paused', cause: 'rate_limit', message: `Wait, ${(stops -= 1)}.`, cure: 'Resume.' }
        : done({
            connectorDir: context.connectorDir,
            files: [],
            changed: ['src/client.py'],
            checks: [],
            unresolved: [],
          });
    let stops = 1;
    const script: Script = { review: back, generate: pausing };
    const [before, after]: [Trace, Trace] = [[], []];
    await recording([...generate, '--approve', 'research,code,tests,publish,draft'], script, before);
    const words = ['resume', 'latest', '--answer', 'f1=accept', '--approve', 'review'];
    assert.equal((await recording(words, script, before)).code, 4);
    await recording(['answer', 'latest', 'f2=reject'], script, before);
    assert.equal((await recording(['resume', 'latest'], script, before)).code, 0);

    const slowly: Script['generate'] = async (context) => {
      await new Promise((later) => setTimeout(later, 50));
      return pausing(context);
    };
    const made = await replayed({ ...script, generate: slowly }, after);
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(await decisions(made.summary.runDir ?? ''), await decisions(await recorded()));
    assert.deepEqual(
      after,
      before.filter((step, at) => step !== before[at - 1]),
    );
  });

  it('goes on after pauses that come again, and not after others', async () => {
    const script: Script = {
      test: (context) => done(tested(context.attempt < 3 ? ['tests/test_read.py::test_x'] : [])),
      diagnose: (context) => done(diagnosed(context.attempt < 3 ? 'environment' : 'pass')),
    };
    const noGit: Script = {
      ...script,
      publish: () => ({ status: 'paused', cause: 'environment', message: 'No git.', cure: 'Install git.' }),
    };
    const [before, after]: [Trace, Trace] = [[], []];
    assert.equal((await recording([...generate, '--auto'], script, before)).code, 4);
    assert.equal((await recording(['resume', 'latest'], script, before)).code, 4);
    assert.equal((await recording(['resume', 'latest'], noGit, before)).code, 4);
    assert.equal((await recording(['resume', 'latest'], script, before)).code, 0);
    const made = await replayed(script, after);
    assert.equal(made.code, 0, made.stderr);
    // What was missing on the machine of then is not missing here: publishing runs once.
    assert.deepEqual([...after, 'publish RUN 1'], before);

    await rm(here, { recursive: true });
    await mkdir(here);
    const again: Trace = [];
    const paused = await replayed(noGit, again);
    assert.equal(paused.code, 4);
    assert.equal(paused.summary.pause?.message, 'No git.');
    assert.deepEqual(again, after);
  });

  it('stands where the recorded run stood, and can’t be resumed with models', async () => {
    await recording([...generate, '--approve', 'research'], {}, []);
    const made = await replayed({});
    assert.equal(made.code, 3);
    assert.equal(made.summary.gate, 'code');
    const shown = await call(['show', 'latest'], { cwd: here });
    assert.match(shown.stdout, /The recorded run was left here\./);
    assert.doesNotMatch(shown.stdout, /resume/);
    for (const words of [
      ['resume', 'latest', '--approve', 'code'],
      ['stage', 'test', '--run', 'latest'],
    ]) {
      const refused = await call(words, { cwd: here, env: KEY });
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /is a replay[^]*sourcewright replay \S+ --workspace DIR/);
    }
  });

  it('ends cancelled where the recorded one was', async () => {
    await recording([...generate, '--approve', 'research'], {}, []);
    await recording(['cancel', 'latest'], {}, []);
    const made = await replayed({});
    assert.equal(made.code, 1);
    assert.equal(made.summary.status, 'cancelled');
  });

  it('makes the edits that the editor had made for a finding', async () => {
    const client = join('connectors', 'source-shop', 'src', 'client.py');
    const generated: Script['generate'] = async (context) => {
      await mkdir(join(context.connectorDir, 'src'), { recursive: true });
      await writeFile(join(context.connectorDir, 'src', 'client.py'), 'assert x\n');
      return done({
        connectorDir: context.connectorDir,
        files: [],
        changed: ['src/client.py'],
        checks: [],
        unresolved: [],
      });
    };
    const script: Script = { generate: generated, review: reviewWith(finding('f1')) };
    const [before, after]: [Trace, Trace] = [[], []];
    await recording([...generate, '--approve', 'research,code,tests,publish'], script, before);
    const run = await openRun(await recorded(), dependencies(scripted(script, before)));
    await run.answer({ finding: 'f1', answer: 'applied' });
    await run.decide('review', { kind: 'approve' });
    assert.equal((await run.settled()).status, 'published');
    await run.dispose();

    const made = await replayed(script, after);
    assert.equal(made.code, 0, made.stderr);
    assert.deepEqual(after, before);
    assert.equal(await readFile(join(here, client), 'utf8'), 'check(x)\n');
  });

  it('ends with what the runtime says where it leaves the recorded path', async () => {
    await recording([...generate, '--auto'], {}, []);
    const made = await replayed({
      research: () => {
        throw new SourcewrightError('input', 'The replay has left the recorded path: the prompt.', {
          cure: 'Look.',
        });
      },
    });
    assert.equal(made.code, 2);
    assert.equal(made.summary.status, 'failed');
    assert.match(made.summary.error?.message ?? '', /left the recorded path/);
    assert.notEqual(made.summary.run, null);
  });

  it('ends where another gate waits, or a finding is missing', async () => {
    const script: Script = { review: reviewWith(finding('f1')) };
    await recording([...generate, '--approve', 'research,code,tests,publish'], script, []);
    await recording(['resume', 'latest', '--answer', 'f1=accept', '--approve', 'review'], script, []);
    const other = await replayed({ review: reviewWith(finding('f2')) });
    assert.equal(other.code, 2);
    assert.match(other.stderr, /left the recorded path: finding f1 is not there/);

    await rm(here, { recursive: true });
    await mkdir(here);
    const clean = await replayed({});
    assert.equal(clean.code, 2);
    assert.match(clean.stderr, /left the recorded path: .*f1/);
  });

  it('refuses what is no recording, and a workspace that has the connector', async () => {
    const refused = async (path: string, says: RegExp): Promise<void> => {
      const made = await call(['replay', path], { cwd: here });
      assert.equal(made.code, 2);
      assert.match(made.stderr, says);
    };
    await refused('nowhere', /not the folder of a run[^]*run with agents/);
    await call(['generate', 'shop.yaml', '--auto'], { cwd: there });
    await refused(await recorded(), /worked by rules/);
    await rm(join(there, '.sourcewright'), { recursive: true });
    await writeFile(join(there, 'shop.yaml'), 'openapi: 3.0.0\n');
    await recording([...generate, '--auto'], {}, []);
    const path = await recorded();
    await rm(join(path, 'transcripts'), { recursive: true });
    await refused(path, /No agent was at work/);
    await recorded();
    await mkdir(join(here, 'connectors', 'source-shop', 'src'), { recursive: true });
    await refused(path, /is here already[^]*--workspace/);
  });
});
