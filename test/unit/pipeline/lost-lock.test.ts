/** A run whose lock is gone: a person deleted it, or another computer took it over while this one slept. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { openRun, startRun } from '../../../src/pipeline/run.ts';
import { dependencies, request, scripted, temporaryFolder } from './scripted.ts';

describe('a run that has lost its lock', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('writes nothing any more, and leaves the run to who has it now', async () => {
    const d = dependencies(scripted());
    const gates = { research: 'ask' } as const;
    const first = await startRun(request(folder.path, { gates }), d);
    const { runDir, gate } = await first.settled();
    assert.equal(gate, 'research');
    await rm(join(runDir, 'lock'));
    const second = await openRun(runDir, d);
    const journal = await readFile(join(runDir, 'journal.jsonl'), 'utf8');
    await assert.rejects(first.decide('research', { kind: 'approve' }), (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'locked');
      assert.match(error.toText(), /its lock is gone[^]*Close the run here and open it again/);
      return true;
    });
    await first.dispose();
    assert.equal(await readFile(join(runDir, 'journal.jsonl'), 'utf8'), journal);
    await second.decide('research', { kind: 'approve' });
    assert.notEqual((await second.settled()).gate, 'research');
    await second.dispose();
    assert.ok((await readFile(join(runDir, 'journal.jsonl'), 'utf8')).startsWith(journal));
  });
});
