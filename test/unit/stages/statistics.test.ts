import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_USAGE, TestReport } from '../../../src/pipeline/contracts.ts';
import {
  STATISTICS,
  sizesOf,
  statisticsText,
  writeStatistics,
} from '../../../src/stages/publish/statistics.ts';
import { workbench, type Workbench } from './support/context.ts';

const report = TestReport.parse({
  schemaVersion: 1,
  verdict: 'passed',
  exitCode: 0,
  timedOut: false,
  total: 41,
  passed: 40,
  failed: 0,
  errors: 0,
  skipped: 1,
  coverage: 97.5,
  cases: [],
  codeSha256: 'c0de',
  testsSha256: '7e57',
  command: [],
  python: '3.11',
  startedAt: '2026-01-01T00:00:00Z',
  durationMs: 1234,
  integrity: [],
});
const mutation = {
  note: null,
  seed: 's',
  limit: 30,
  candidates: 500,
  killed: 18,
  survived: 1,
  timedOut: 1,
  notRun: 2,
  killRate: 95,
  mutants: [],
  idleTests: [],
};
const usage = { ...NO_USAGE, usd: 0.25, inputTokens: 1000, outputTokens: 200, requests: 4 };

describe('the statistics of a connector', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await workbench();
    await bench.write('src/a.py', 'a = 1\nb = 2\n');
    await bench.write('src/b.py', 'c = 3');
    await bench.write('tests/test_a.py', '\n\n\n');
    await bench.write('src/schemas/x.json', '{}\n');
  });
  afterEach(() => bench.dispose());
  const files = ['src/a.py', 'src/b.py', 'src/schemas/x.json', 'tests/test_a.py'];
  const written = (): Promise<string> => readFile(join(bench.connectorDir, STATISTICS), 'utf8');

  it('count the Python that goes out', async () => {
    assert.deepEqual(await sizesOf(bench.connectorDir, files), {
      code: { files: 2, lines: 3 },
      tests: { files: 1, lines: 3 },
    });
  });

  it('are the numbers of the evidence and nothing else', () => {
    const sizes = { code: { files: 2, lines: 3 }, tests: { files: 1, lines: 3 } };
    const spent = new Map([
      ['research', usage],
      ['generate', NO_USAGE],
    ]);
    const conformance = {
      ...{ note: null, passed: 60, failed: 0, notApplicable: 7, broken: 1 },
      ...{ seconds: 20, failures: [], advice: [] },
    };
    const tested = { ...report, mutation, conformance };
    const text = statisticsText({ sizes, report, tested, spent });
    assert.match(text, /suite \| 60 of 60 passed, 7 do not apply, 1 could not be run \|/);
    assert.match(text, /\| 3 lines in 2 files \|/);
    assert.match(text, /\| 40 of 41 passed, 0 failed, 0 errors, 1 skipped \|/);
    assert.match(text, /\| 97\.5% \|/);
    assert.match(text, /95% \(19 of 20, a sample of 500 places; 2 not tried for lack of time\)/);
    assert.match(text, /\| Time of the tests \| 1\.2 s \|/);
    assert.match(text, /\$0\.25 \(4 requests to a model, 1000 tokens in, 200 out\)/);
    assert.match(text, /\| research \| 4 \| 1000 \| 200 \| \$0\.25 \|/);
    assert.doesNotMatch(text, /\| generate \|/);
    assert.equal(text, statisticsText({ sizes, report, tested, spent }));
  });

  it('say what was not measured', () => {
    const sizes = { code: { files: 0, lines: 0 }, tests: { files: 0, lines: 0 } };
    const text = statisticsText({
      sizes,
      report: { ...report, coverage: null },
      tested: undefined,
      spent: undefined,
    });
    assert.equal(text.match(/not measured/g)?.length, 5);
  });

  it('are not written where the tests ran something else', async () => {
    const context = bench.context();
    assert.deepEqual(await writeStatistics(context, report, files), []);
    await context.writeArtifact('test-report.json', { ...report, codeSha256: 'other' });
    assert.deepEqual(await writeStatistics(context, report, files), []);
    await assert.rejects(written());
  });

  it('replace those of an earlier version, without what is no longer known', async () => {
    await bench.write(STATISTICS, 'old');
    const context = bench.context();
    await context.writeArtifact('test-report.json', { ...report, codeSha256: 'other', mutation });
    assert.deepEqual(await writeStatistics(context, report, [...files, STATISTICS]), [STATISTICS]);
    assert.match(await written(), /Planted mistakes that tests notice \| not measured/);
  });

  it('are the same however often publishing is tried, whatever that costs', async () => {
    const context = bench.context();
    await context.writeArtifact('test-report.json', { ...report, mutation });
    const attempts = [
      { stage: 'research', usage },
      { stage: 'research', usage },
    ];
    const record = (more: object[]): Promise<void> =>
      writeFile(join(bench.runDir, 'usage.json'), JSON.stringify({ attempts: [...attempts, ...more] }));
    await record([]);
    assert.deepEqual(await writeStatistics(context, report, files), [STATISTICS]);
    const first = await written();
    assert.match(first, /\$0\.50 \(8 requests/);
    await record([{ stage: 'publish', usage }]);
    await writeStatistics(context, { ...report, durationMs: 9999 }, files);
    assert.equal(await written(), first);
  });
});
