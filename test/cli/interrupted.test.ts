/** Runs that stop on the way: at a gate, by Ctrl-C, by a killed process. Each goes on where it stood. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunSummary } from '../../src/terminal/summary.ts';
import { only, removeFolder, sample, sourcewright, temporaryFolder, type Outcome } from './program.ts';

describe('a run that stops on the way', function () {
  this.timeout(600_000);
  let folder = '';
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => removeFolder(folder));

  const small = ['generate', sample, '--streams', 'users,teams,members', '--json'];
  const said = (outcome: Outcome): RunSummary => only(outcome) as unknown as RunSummary;

  /** How often each stage began, by the run's journal. */
  async function begun(runDir: string): Promise<Record<string, number>> {
    const lines = (await readFile(join(runDir, 'journal.jsonl'), 'utf8')).trim().split('\n');
    const records = lines.map(
      (line) => (JSON.parse(line) as { record: { type: string; stage?: string } }).record,
    );
    const counts: Record<string, number> = {};
    for (const { type, stage } of records) {
      if (type === 'started' && stage !== undefined) counts[stage] = (counts[stage] ?? 0) + 1;
    }
    return counts;
  }

  it('waits at its gates where nobody is there, and goes on with each decision', async () => {
    const first = await sourcewright(small, { cwd: folder });
    assert.equal(first.exitCode, 3, first.stderr);
    const { run, gate, runDir } = said(first);
    assert.equal(gate, 'research');
    assert.match(await readFile(join(runDir ?? '', 'brief.md'), 'utf8'), /members/);
    assert.deepEqual(await readdir(folder), ['.sourcewright'], 'no connector before the brief is approved');
    const words = ['resume', run ?? '', '--json'];
    const code = await sourcewright([...words, '--approve', 'research'], { cwd: folder });
    assert.equal(said(code).gate, 'code');
    const rest = await sourcewright([...words, '--approve', 'code', '--auto'], { cwd: folder });
    assert.equal(rest.exitCode, 0, rest.stderr);
    assert.equal(said(rest).status, 'published');
    const counts = await begun(runDir ?? '');
    assert.deepEqual([counts['research'], counts['publish']], [1, 1]);
  });

  it('pauses at Ctrl-C with exit code 4, and resumes', async () => {
    let sent = false;
    const paused = await sourcewright([...small, '--auto'], {
      cwd: folder,
      onStderr: (text, kill) => {
        if (sent || !/^ +test +…/m.test(text)) return;
        sent = true;
        kill('SIGINT');
      },
    });
    assert.ok(sent, paused.stderr);
    assert.equal(paused.exitCode, 4, paused.stderr);
    assert.equal(said(paused).pause?.cause, 'person');
    const resumed = await sourcewright(['resume', 'latest', '--json'], { cwd: folder });
    assert.equal(resumed.exitCode, 0, resumed.stderr);
    assert.equal((await begun(said(resumed).runDir ?? ''))['generate'], 1, 'what was done is not done again');
  });

  it('goes on after its process was killed', async () => {
    let sent = false;
    const killed = await sourcewright([...small, '--auto'], {
      cwd: folder,
      onStderr: (text, kill) => {
        if (sent || !/✓ generate/.test(text)) return;
        sent = true;
        kill('SIGKILL');
      },
    });
    assert.equal(killed.exitCode, null);
    const listed = only(await sourcewright(['runs', '--json'], { cwd: folder })) as {
      runs?: { status: string; pause: { cause: string } | null }[];
    };
    assert.deepEqual(
      listed.runs?.map(({ status, pause }) => [status, pause?.cause]),
      [['paused', 'reload']],
    );
    const resumed = await sourcewright(['resume', 'latest', '--json'], { cwd: folder });
    assert.equal(resumed.exitCode, 0, resumed.stderr);
    assert.equal(said(resumed).status, 'published');
    const counts = await begun(said(resumed).runDir ?? '');
    assert.deepEqual([counts['research'], counts['generate']], [1, 1]);
    const tests = await sourcewright(['stage', 'test', '--run', 'latest', '--json'], { cwd: folder });
    assert.equal(tests.exitCode, 0, tests.stderr);
    assert.ok(said(tests).tests.passed > 10);
  });
});
