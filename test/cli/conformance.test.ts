/** Whole runs with the conformance suite in them: one that is right, and one whose mistake only the suite notices. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnoseResult, TestReport } from '../../src/pipeline/contracts.ts';
import type { RunSummary } from '../../src/terminal/summary.ts';
import { only, removeFolder, sample, sourcewright, temporaryFolder, type Outcome } from './program.ts';

const PAGE_READ = '        received += len(rows)\n';
/** The server of the connector's own tests never sends three rows on a page. */
const LATE_PAGES_DROPPED = '        rows = [] if number > 3 and largest == 3 else rows\n';

describe('a run with the conformance suite', function () {
  this.timeout(600_000);
  this.slow(120_000);
  let folder = '';
  let first: Outcome;
  const said = (outcome: Outcome): RunSummary => only(outcome) as unknown as RunSummary;
  const artifact = async (outcome: Outcome, name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(said(outcome).runDir ?? '', name), 'utf8'));

  /** Whoever names a number of mistakes has the suite, too. */
  const words = ['--streams', 'users,teams,members', '--mutants', '0', '--json'];

  before(async () => {
    folder = await temporaryFolder();
    first = await sourcewright(['generate', sample, '--approve', 'research', ...words], { cwd: folder });
    assert.equal(said(first).gate, 'code', first.stderr);
  });
  after(() => removeFolder(folder));

  it('sends code back to work that its own tests let pass', async () => {
    const path = join(said(first).connector.dir ?? '', 'src', 'pages.py');
    const right = await readFile(path, 'utf8');
    assert.ok(right.includes(PAGE_READ));
    await writeFile(path, right.replace(PAGE_READ, PAGE_READ + LATE_PAGES_DROPPED));
    const resume = ['resume', said(first).run ?? '', '--approve', 'code', '--auto', '--json'];
    const done = await sourcewright(resume, { cwd: folder });
    await writeFile(path, right);
    assert.equal(done.exitCode, 4, done.stderr);
    const { status, pause, tests } = said(done);
    assert.equal(status, 'paused');
    assert.match(pause?.message ?? '', /conformance checks fail/);
    assert.equal(tests.passed + tests.skipped, tests.total);
    assert.ok((tests.conformance?.failed ?? 0) > 0);
    const report = TestReport.parse(await artifact(done, 'test-report.json'));
    assert.equal(report.verdict, 'failed');
    const failed = report.conformance?.failures.find(({ id }) => id === 'data.every-row-once');
    assert.match(failed?.problems[0]?.message ?? '', /missing/);
    const diagnosis = DiagnoseResult.parse(await artifact(done, 'diagnosis.json'));
    assert.equal(diagnosis.verdict, 'code');
    assert.match(done.stderr, /fix/i);
  });

  it('publishes what is right, and says how many checks it passed', async () => {
    const done = await sourcewright(['resume', 'latest', '--auto', '--json'], { cwd: folder });
    assert.equal(done.exitCode, 0, done.stderr);
    const { status, tests, connector } = said(done);
    assert.equal(status, 'published');
    assert.equal(tests.conformance?.failed, 0);
    assert.ok(tests.conformance.passed > 60);
    const statistics = await readFile(join(connector.dir ?? '', 'STATISTICS.md'), 'utf8');
    const passed = String(tests.conformance.passed);
    assert.match(statistics, new RegExp(`conformance suite \\| ${passed} of ${passed} passed, \\d+ do not`));
    assert.match(done.stderr, new RegExp(`${passed} conformance checks passed`));
  });
});
