import assert from 'node:assert/strict';
import { startRun } from '../../../src/pipeline/run.ts';
import { dependencies, request, scripted, temporaryFolder, type Trace } from './scripted.ts';

describe('a run', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('goes through all stages by itself when every gate is auto', async () => {
    const trace: Trace = [];
    const run = await startRun(request(folder.path), dependencies(scripted({}, trace)));
    const view = await run.settled();
    await run.dispose();
    assert.equal(view.status, 'published');
    assert.deepEqual(trace, [
      'research RUN 1',
      'generate GENERATE 1',
      'test GENERATE 1',
      'diagnose RUN 1',
      'review RUN 1',
      'publish RUN 1',
    ]);
  });
});
