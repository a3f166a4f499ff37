import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFile, mkdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SourcewrightError } from '../../../src/errors.ts';
import { createRun, openRun, startRun } from '../../../src/pipeline/run.ts';
import { newRunId, runsDir } from '../../../src/store/run-folders.ts';
import { findRun, listRuns, viewRun } from '../../../src/store/runs.ts';
import { dependencies, request, scripted, temporaryFolder } from '../pipeline/scripted.ts';

describe('the runs of a workspace', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  async function finished(at: string): Promise<string> {
    const now = (): Date => new Date(at);
    const run = await startRun(request(folder.path), dependencies(scripted(), { now }));
    const { runDir } = await run.settled();
    await run.dispose();
    return runDir;
  }

  it('are none where there never was one', async () => {
    assert.deepEqual(await listRuns(folder.path), []);
    await assert.rejects(
      findRun(folder.path, 'latest'),
      (error) => error instanceof SourcewrightError && error.code === 'input',
    );
  });

  it('are listed newest first', async () => {
    await finished('2026-11-20T03:12:00Z');
    await finished('2026-11-21T03:12:00Z');
    await finished('2027-01-01T00:00:00Z');
    const runs = await listRuns(folder.path);
    assert.deepEqual(
      runs.map(({ runId, status }) => [runId.slice(0, 15), status]),
      [
        ['20270101-000000', 'published'],
        ['20261121-031200', 'published'],
        ['20261120-031200', 'published'],
      ],
    );
  });

  it('are found by id, by a beginning that fits one only, and as the latest', async () => {
    const old = await finished('2026-11-21T03:12:00Z');
    const young = await finished('2026-11-22T03:12:00Z');
    assert.equal(await findRun(folder.path, 'latest'), young);
    assert.equal(await findRun(folder.path, '20261121'), old);
    assert.equal(await findRun(folder.path, old.slice(runsDir(folder.path).length + 1)), old);
    for (const wrong of ['2026', '1999', '', '../runs', '.']) {
      await assert.rejects(
        findRun(folder.path, wrong),
        (error) => error instanceof SourcewrightError && error.code === 'input',
        wrong,
      );
    }
  });

  it('are listed in spite of damage, each with what is wrong', async () => {
    const whole = await finished('2026-11-21T03:12:00Z');
    const noView = await finished('2026-11-22T03:12:00Z');
    await writeFile(join(noView, 'run.json'), '{"half":');
    const noJournal = await finished('2026-11-23T03:12:00Z');
    await rm(join(noJournal, 'journal.jsonl'));
    await rm(join(noJournal, 'run.json'));
    const nothing = join(runsDir(folder.path), '20261124-000000-empty-0000');
    await mkdir(nothing);
    await writeFile(join(runsDir(folder.path), 'a-file'), '');
    const runs = await listRuns(folder.path);
    assert.deepEqual(
      runs.map(({ runDir, status, error }) => [runDir, status, error?.code ?? null]),
      [
        [nothing, 'failed', 'corrupt'],
        [noJournal, 'failed', 'corrupt'],
        [noView, 'published', null],
        [whole, 'published', null],
      ],
    );
  });

  it('that run in this process are shown as they are', async () => {
    const run = await startRun(request(folder.path, { gates: {} }), dependencies(scripted()));
    await run.settled();
    const [view] = await listRuns(folder.path);
    assert.equal(view?.gate, 'research');
    await run.dispose();
  });

  it('are shown as the journal says where run.json is older', async () => {
    const run = await startRun(request(folder.path, { gates: {} }), dependencies(scripted()));
    const { runDir } = await run.settled();
    const before = await readFile(join(runDir, 'run.json'));
    await run.decide('research', { kind: 'approve' });
    await run.settled();
    await run.dispose();
    // As if the process had been killed between the journal and run.json.
    await writeFile(join(runDir, 'run.json'), before);
    const old = new Date(Date.now() - 60_000);
    await utimes(join(runDir, 'run.json'), old, old);
    const [view] = await listRuns(folder.path);
    assert.equal(view?.gate, 'code');
    assert.equal((await viewRun(runDir)).gate, 'code');
  });

  it('are shown as the journal says where run.json is from the future: the clock was set back since', async () => {
    const run = await startRun(request(folder.path, { gates: {} }), dependencies(scripted()));
    const { runDir } = await run.settled();
    const before = await readFile(join(runDir, 'run.json'));
    await run.decide('research', { kind: 'approve' });
    await run.settled();
    await run.dispose();
    await writeFile(join(runDir, 'run.json'), before);
    const future = new Date(Date.now() + 3_600_000);
    await utimes(join(runDir, 'run.json'), future, future);
    assert.equal((await viewRun(runDir)).gate, 'code');
  });

  it('whose process was killed are not shown as running, and go on from where they were', async function () {
    this.timeout(60_000);
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('../pipeline/killed-run.ts', import.meta.url)), folder.path],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const ended = await new Promise((done) =>
      child.once('close', (_, signal) => {
        done(signal);
      }),
    );
    assert.equal(ended, 'SIGKILL');
    const [view] = await listRuns(folder.path);
    assert.equal(view?.status, 'paused');
    assert.equal(view.pause?.cause, 'reload');
    assert.equal(view.stages[2]?.state, 'paused');
    const stored = JSON.parse(await readFile(join(view.runDir, 'run.json'), 'utf8')) as { status: string };
    assert.equal(stored.status, 'running', 'what the killed process left behind');
    const trace: string[] = [];
    const run = await openRun(view.runDir, dependencies(scripted({}, trace)));
    await run.resume();
    assert.equal((await run.settled()).status, 'published');
    assert.equal(trace[0], 'test GENERATE 1');
  });
});

describe('opening a run whose journal', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let runDir: string;
  let journal: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    const d = dependencies(scripted());
    const run = await startRun(request(folder.path, { gates: {} }), d);
    await run.settled();
    await run.decide('research', { kind: 'approve' });
    runDir = (await run.settled()).runDir;
    await run.dispose();
    journal = join(runDir, 'journal.jsonl');
  });
  afterEach(() => folder.remove());

  async function corrupt(words: RegExp): Promise<void> {
    const before = await readFile(journal, 'utf8').catch(() => undefined);
    await assert.rejects(openRun(runDir, dependencies(scripted())), (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'corrupt');
      assert.match(error.toText(), words);
      return true;
    });
    const after = await readFile(journal, 'utf8').catch(() => undefined);
    assert.equal(after, before, 'a damaged journal is left as it is');
  }

  it('ends in a half-written line goes on before it, and notes the cut', async () => {
    const { length } = await readFile(journal);
    await truncate(journal, length - 20);
    const trace: string[] = [];
    const run = await openRun(runDir, dependencies(scripted({}, trace)));
    assert.equal((await run.settled()).pause?.cause, 'reload', 'the generate step is unfinished again');
    await run.resume();
    assert.equal((await run.settled()).gate, 'code');
    assert.deepEqual(trace, ['generate GENERATE 1']);
    await run.dispose();
    assert.match(await readFile(journal, 'utf8'), /Cut off \d+ bytes/);
  });

  it('is damaged in the middle is refused with the line', async () => {
    const text = await readFile(journal, 'utf8');
    await writeFile(journal, text.replace('Shop API', 'Ship API'));
    await corrupt(/Line 3 of the run's journal is damaged/);
  });

  it('is empty or missing is refused', async () => {
    await writeFile(journal, '');
    await corrupt(/empty or missing/);
    await rm(journal);
    await corrupt(/empty or missing/);
  });

  it('comes from another version is refused as such', async () => {
    const { formatLine } = await import('../../../src/store/append-log.ts');
    const record = { type: 'run', schemaVersion: 1, machineVersion: 999, future: true };
    await writeFile(journal, `${formatLine({ seq: 1, at: 'then', record })}\n`);
    await corrupt(/newer version.*\n?.*Update/s);
  });

  it('has a whole line that means nothing to us is refused', async () => {
    const { formatLine } = await import('../../../src/store/append-log.ts');
    const lines = (await readFile(journal, 'utf8')).trimEnd().split('\n').length;
    await appendFile(journal, `${formatLine({ seq: lines + 1, at: 'then', record: { type: 'odd' } })}\n`);
    await corrupt(new RegExp(`Line ${lines + 1}`));
  });

  it('was refused is not left locked', async () => {
    const text = await readFile(journal, 'utf8');
    await writeFile(journal, '');
    await corrupt(/empty/);
    await writeFile(journal, text);
    const run = await openRun(runDir, dependencies(scripted()));
    assert.equal(run.view().gate, 'code');
    await run.dispose();
  });
});

describe('the id of a run', () => {
  const at = new Date('2026-11-21T03:12:00Z');
  const named = (location: string, name?: string): string =>
    newRunId(
      request('/w', { source: { kind: 'description', location }, ...(name === undefined ? {} : { name }) }),
      at,
    );

  it('says when and what about', () => {
    assert.match(
      named('https://api.ynab.com/papi/ynab.openapi.yaml?x=1'),
      /^20261121-031200-ynab-[0-9a-f]{4}$/,
    );
    assert.match(named('x.json', 'my-api'), /^20261121-031200-my-api-[0-9a-f]{4}$/);
    assert.match(named('https://example.com/'), /^20261121-031200-example-com-[0-9a-f]{4}$/);
  });

  it('is a harmless folder name whatever the description is called', () => {
    for (const odd of ['../../etc/passwd', 'C:\\x\\y.json', '日本語.yaml', '...', 'a'.repeat(400)]) {
      assert.match(named(odd), /^20261121-031200-[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{4}$/, odd);
      assert.ok(named(odd).length < 60);
    }
  });

  it('differs for runs of the same second', async () => {
    const folder = await temporaryFolder();
    const d = dependencies(scripted(), { now: () => at });
    const made = await Promise.all(Array.from({ length: 10 }, () => createRun(request(folder.path), d)));
    assert.equal(new Set(made).size, 10);
    await folder.remove();
  });

  it('sorts behind the runs that are there, also where the clock was set back since, and says its year in four digits', async () => {
    const folder = await temporaryFolder();
    const begun = async (time: string): Promise<string> => {
      const runDir = await createRun(
        request(folder.path),
        dependencies(scripted(), { now: () => new Date(time) }),
      );
      return basename(runDir).slice(0, 15);
    };
    assert.equal(await begun('2031-11-21T03:12:59Z'), '20311121-031259');
    assert.equal(await begun('2026-11-21T03:12:00Z'), '20311121-031300');
    const [newest] = await listRuns(folder.path);
    assert.equal(await findRun(folder.path, 'latest'), newest?.runDir);
    assert.equal(newest?.startedAt, '2026-11-21T03:12:00.000Z');
    await mkdir(join(runsDir(folder.path), '99991231-235959-odd-0000'));
    assert.equal(await begun('2026-11-21T03:12:02Z'), '20261121-031202');
    await folder.remove();
  });

  it('keeps our folder out of the person’s commits', async () => {
    const folder = await temporaryFolder();
    await createRun(request(folder.path), dependencies(scripted()));
    assert.equal(await readFile(join(folder.path, '.sourcewright', '.gitignore'), 'utf8'), '*\n');
    await folder.remove();
  });
});
