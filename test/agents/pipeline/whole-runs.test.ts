import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Brief, Publication, TestReport } from '../../../src/pipeline/contracts.ts';
import { HAPPY } from './harbour.ts';
import { drive, pipelineWorld, type PipelineWorld, steps, why } from './support.ts';

const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));

describe('agents: whole runs', function () {
  this.timeout(240_000);
  let w: PipelineWorld;
  afterEach(async () => {
    await w.close();
    assert.deepEqual(w.scripts.missing, []);
  });

  it('all green: each agent is asked once, and only for what rules can’t do', async () => {
    w = await pipelineWorld(HAPPY);
    const view = await drive(await w.start());
    assert.equal(view.status, 'published', await why(view));
    assert.deepEqual(await steps(view.runDir), [
      'research RUN 1',
      'generate GENERATE 1',
      'test GENERATE 1',
      'diagnose RUN 1',
      'review RUN 1',
      'publish RUN 1',
    ]);
    assert.deepEqual(w.scripts.counts(), {
      research: 1,
      generate: 4,
      test: 3,
      'diagnose-pass': 1,
      review: 1,
      publish: 1,
    });
    assert.equal(view.usage.requests, 11);
    assert.ok(view.usage.usd > 0 && view.usage.usd < 5);
    const brief = Brief.parse(await read(join(view.runDir, 'brief.json')));
    const unconfirmed = brief.blueprint.facts.filter((fact) => fact.status === 'unconfirmed');
    assert.equal(unconfirmed.length, 3);
    assert.deepEqual(brief.blueprint.gaps, []);
    const report = TestReport.parse(await read(join(view.runDir, 'test-report.json')));
    assert.equal(report.verdict, 'passed');
    assert.deepEqual(report.integrity, []);
    assert.ok(report.cases.some(({ id }) => id === 'tests/test_lengths.py::test_old_ships_carry_feet'));
    const publication = Publication.parse(await read(join(view.runDir, 'publication.json')));
    assert.equal(publication.draft, false);
  });
});
