/** Runs that came with a repository: looked at, but never driven, and their words about folders count for nothing. */
import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { openRun, type RunDependencies, runStage, startRun } from '../../../src/pipeline/run.ts';
import { formatLine, type LogEntry, parseLine } from '../../../src/store/append-log.ts';
import { personalSeal } from '../../../src/store/run-seal.ts';
import { runsDir } from '../../../src/store/run-folders.ts';
import { listRuns } from '../../../src/store/runs.ts';
import { dependencies, request, scripted, temporaryFolder } from '../pipeline/scripted.ts';

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

/** The lines of a journal that is whole. */
function entriesOf(journal: string): LogEntry[] {
  return journal.split('\n').flatMap((line) => parseLine(line) ?? []);
}

describe('a run that was started in another folder', () => {
  let victim: Folder;
  let stranger: Folder;
  let copied: string;

  beforeEach(async () => {
    [victim, stranger] = [await temporaryFolder(), await temporaryFolder()];
    const run = await startRun(
      request(stranger.path, { gates: { code: 'auto', publish: 'auto' } }),
      dependencies(scripted()),
    );
    const view = await run.settled();
    assert.equal(view.gate, 'research');
    await run.dispose();
    copied = join(runsDir(victim.path), basename(view.runDir));
    await mkdir(runsDir(victim.path), { recursive: true });
    await cp(view.runDir, copied, { recursive: true });
  });
  afterEach(async () => {
    await victim.remove();
    await stranger.remove();
  });

  for (const [how, act] of [
    ['resumed', async () => (await openRun(copied, dependencies(scripted()))).dispose()],
    ['made to run a stage', () => runStage(copied, 'generate', dependencies(scripted()))],
  ] as const) {
    it(`is not ${how}, and nothing of it is changed`, async () => {
      const before = await readFile(join(copied, 'journal.jsonl'), 'utf8');
      await assert.rejects(act(), (error) => {
        assert.ok(error instanceof SourcewrightError);
        assert.equal(error.code, 'input');
        assert.match(error.message, /started in another folder/);
        return true;
      });
      assert.equal(await readFile(join(copied, 'journal.jsonl'), 'utf8'), before);
      assert.deepEqual(await readdir(victim.path), ['.sourcewright']);
    });
  }

  it('names no folder of this machine as its connector’s', async () => {
    const file = join(copied, 'run.json');
    const stored = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(
      file,
      JSON.stringify({ ...stored, status: 'finished', connectorDir: '/home/somebody/.ssh' }),
    );
    const [view] = await listRuns(victim.path);
    assert.equal(view?.connectorDir, null);
    assert.equal(view.workspace, victim.path);
    assert.equal(view.runDir, copied);
  });
});

describe('a run that came with a folder to the very place that its journal names', () => {
  let workspace: Folder;
  let homes: Folder;
  let runDir: string;
  /** What the repository's author had. */
  const author = (): RunDependencies => ({
    ...dependencies(scripted()),
    seal: personalSeal(join(homes.path, 'author')),
  });
  const person = (stages = scripted()): RunDependencies => ({
    ...dependencies(stages),
    seal: personalSeal(join(homes.path, 'person')),
  });

  beforeEach(async () => {
    [workspace, homes] = [await temporaryFolder(), await temporaryFolder()];
    // The person has runs of their own.
    await personalSeal(join(homes.path, 'person')).of('some line');
    const run = await startRun(
      request(workspace.path, { gates: { code: 'auto', tests: 'auto', review: 'auto', publish: 'auto' } }),
      author(),
    );
    ({ runDir } = await run.settled());
    await run.decide('research', { kind: 'request_changes', feedback: 'look again' });
    await run.settled();
    await run.dispose();
  });
  afterEach(async () => {
    await workspace.remove();
    await homes.remove();
  });

  const journal = (): Promise<string> => readFile(join(runDir, 'journal.jsonl'), 'utf8');
  const isRefused = (error: unknown): boolean => {
    assert.ok(error instanceof SourcewrightError);
    assert.equal(error.code, 'input');
    assert.match(error.message, /not begun by you on this machine, or its journal was changed since/);
    return true;
  };
  const theirs = async (): Promise<string> => {
    const run = await startRun(request(workspace.path), person());
    const { runDir: folder } = await run.settled();
    await run.dispose();
    return join(folder, 'journal.jsonl');
  };

  it('is not driven before the person says so, and nothing of it is changed', async () => {
    const before = await journal();
    await assert.rejects(openRun(runDir, person()), isRefused);
    await assert.rejects(runStage(runDir, 'research', person()), isRefused);
    assert.equal(await journal(), before);
  });

  it('carries no mark that its author could have made, or taken from another run of the person', async () => {
    const [stolen = ''] = (await readFile(await theirs(), 'utf8')).split('\n');
    const mark = parseLine(stolen)?.mark ?? '';
    assert.match(mark, /^[0-9a-f]{64}$/);
    const lines = entriesOf(await journal());
    for (const forged of [mark, '', undefined]) {
      const text = lines.map((entry) => `${formatLine({ ...entry, mark: forged })}\n`);
      await writeFile(join(runDir, 'journal.jsonl'), text.join(''));
      await assert.rejects(openRun(runDir, person()), isRefused, String(forged));
    }
  });

  it('is the person’s own once they have taken it on: then it is driven without a question', async () => {
    const taken = await openRun(runDir, { ...person(), adopt: true });
    assert.equal(taken.view().gate, 'research');
    await taken.dispose();
    const again = await openRun(runDir, person());
    await again.decide('research', { kind: 'approve' });
    await again.settled();
    assert.equal(again.view().status, 'published');
    await again.dispose();
    assert.equal((await journal()).match(/"adopted"/g)?.length, 1);
  });

  it('is a stranger’s again when something was added after that, also where half a line follows', async () => {
    await (await openRun(runDir, { ...person(), adopt: true })).dispose();
    const own = await journal();
    const decision = { kind: 'approve' };
    const record = { type: 'decided', gate: 'research', decision, by: 'person', accepted: [], applied: 0 };
    const open = { blocking: 0, unanswered: 0 };
    const seq = entriesOf(own).length + 1;
    const added = formatLine({ seq, at: '2099-01-01T00:00:00.000Z', record: { ...record, open } });
    for (const tail of ['', '{"seq":']) {
      await writeFile(join(runDir, 'journal.jsonl'), `${own}${added}\n${tail}`);
      await assert.rejects(openRun(runDir, person()), isRefused);
      assert.equal(await journal(), `${own}${added}\n${tail}`, 'a line of ours would have vouched for it');
    }
  });

  it('is driven as before by who began it', async () => {
    const run = await openRun(runDir, author());
    await run.dispose();
    assert.doesNotMatch(await journal(), /adopted/);
  });

  it('is not driven when a line of the person’s own was changed, taken out or moved from another run', async () => {
    const path = await theirs();
    const folder = dirname(path);
    const lines = entriesOf(await readFile(path, 'utf8'));
    const started = lines.findIndex(({ record }) => (record as { type: string }).type === 'started');
    assert.ok(started > 0 && started < lines.length - 1);
    const renumbered = (entries: readonly LogEntry[]): string =>
      entries.map((entry, index) => `${formatLine({ ...entry, seq: index + 1 })}\n`).join('');
    const changes: Record<string, string> = {
      changed: renumbered(
        lines.map((entry, index) =>
          index === started ? { ...entry, record: { ...(entry.record as object), attempt: 2 } } : entry,
        ),
      ),
      'taken out': renumbered(lines.filter((_, index) => index !== started)),
      moved: renumbered([...lines, ...entriesOf(await journal()).slice(-1)]),
    };
    for (const [how, text] of Object.entries(changes)) {
      await writeFile(path, text);
      await assert.rejects(openRun(folder, person()), isRefused, how);
    }
    await writeFile(path, renumbered(lines));
    await (await openRun(folder, person())).dispose();
  });

  it('goes on after half a line of the person’s own', async () => {
    const path = await theirs();
    await appendFile(path, '{"seq":');
    await (await openRun(dirname(path), person())).dispose();
    assert.match(await readFile(path, 'utf8'), /Cut off 7 bytes/);
    await (await openRun(dirname(path), person())).dispose();
  });
});
