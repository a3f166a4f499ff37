/** Several processes of the built program that want the same run, or the same connector. */
import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLog } from '../../../src/store/append-log.ts';
import type { RunSummary } from '../../../src/terminal/summary.ts';
import { isLeftover } from '../../soak/leftovers.ts';
import {
  allBelow,
  only,
  type Outcome,
  removeFolder,
  root,
  sourcewright,
  temporaryFolder,
} from '../../cli/program.ts';

const said = (outcome: Outcome): RunSummary => only(outcome) as unknown as RunSummary;

describe('several processes', function () {
  this.timeout(600_000);
  let folder = '';
  before(async () => {
    folder = await temporaryFolder();
    const description = join(root, 'test', 'fixtures', 'workspace', 'library.openapi.yaml');
    await cp(description, join(folder, 'library.openapi.yaml'));
  });
  after(() => removeFolder(folder));

  const program = (...words: string[]): Promise<Outcome> =>
    sourcewright([...words, '--json'], { cwd: folder, timeoutMs: 540_000 });
  const generate = (...words: string[]): Promise<Outcome> =>
    program('generate', 'library.openapi.yaml', '--streams', 'books', ...words);

  /** Throws where a line of the journal is damaged, doubled or missing, and gives the stages as they began. */
  async function begun(runDir: string | null): Promise<string[]> {
    const path = join(runDir ?? '', 'journal.jsonl');
    const { entries, tornBytes } = parseLog(await readFile(path), path);
    assert.equal(tornBytes, 0);
    const records = entries.map(({ record }) => record as { type: string; stage?: string });
    return records.filter(({ type }) => type === 'started').map(({ stage = '' }) => stage);
  }

  it('that resume one run at the same moment: one does, the others say who is at it', async () => {
    const waiting = await generate('--approve', 'research');
    assert.equal(waiting.exitCode, 3, waiting.stderr);
    const { run, runDir } = said(waiting);
    const outcomes = await Promise.all(
      Array.from({ length: 3 }, () => program('resume', run ?? '', '--approve', 'code')),
    );
    const codes = outcomes.map(({ exitCode }) => exitCode);
    const refused = outcomes.filter(({ stdout }) => /"code": "locked"/.test(stdout));
    for (const { stderr } of refused) assert.match(stderr, /The run is in use by process \d+ on /);
    // One that comes when the first has ended finds that its gate has been decided.
    const late = outcomes.filter(({ stdout }) => /"code": "input"/.test(stdout));
    assert.equal(
      refused.length + late.length,
      2,
      `${codes.join()} ${outcomes.map(({ stderr }) => stderr).join('\n')}`,
    );
    assert.deepEqual(await begun(runDir), ['research', 'generate', 'test', 'diagnose']);
    const last = await program('resume', run ?? '', '--auto');
    assert.equal(last.exitCode, 0, last.stderr);
  });

  it('of which one resumes a run while another works on it: it is refused, and the other is not disturbed', async () => {
    let other: Promise<Outcome> | undefined;
    const first = await sourcewright(
      ['generate', 'library.openapi.yaml', '--streams', 'books', '--auto', '--json'],
      {
        cwd: folder,
        onStderr: (text) => {
          if (/^ +test +…/m.test(text)) other ??= program('resume', 'latest');
        },
      },
    );
    assert.equal(first.exitCode, 0, first.stderr);
    assert.ok(other !== undefined);
    const refused = await other;
    assert.match(refused.stdout, /"code": "locked"/);
    assert.deepEqual(await begun(said(first).runDir), [
      'research',
      'generate',
      'test',
      'diagnose',
      'review',
      'publish',
    ]);
  });

  it('that generate one connector: none writes while another does, and who had to wait can be resumed', async () => {
    const outcomes = await Promise.all([generate('--auto'), generate('--auto')]);
    for (const outcome of outcomes) {
      const { status, pause, runDir } = said(outcome);
      assert.ok(status === 'published' || pause?.cause === 'environment', outcome.stderr);
      if (status === 'paused')
        assert.match(pause?.message ?? '', /folder of the connector is in use by process \d+/);
      await begun(runDir);
    }
    assert.ok(outcomes.some(({ exitCode }) => exitCode === 0 || exitCode === 4));
    for (const outcome of outcomes) {
      if (outcome.exitCode === 0) continue;
      const resumed = await program('resume', said(outcome).run ?? '');
      assert.equal(resumed.exitCode, 0, resumed.stderr);
      assert.equal(said(resumed).status, 'published');
    }
    const left = (await allBelow(folder)).filter(isLeftover);
    assert.deepEqual(left, [], 'locks and halves of files');
  });
});
