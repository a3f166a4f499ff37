/** What a person reads of the conformance suite at the end of a run, from the test report in the run's folder. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Conformance, FailedCheck } from '../../../src/conformance/contracts.ts';
import { call } from './calls.ts';

const failure: FailedCheck = {
  id: 'data.every-row-once',
  title: 'Every row is read once.',
  problems: [{ message: '3 rows of users are missing.', file: null, line: null }],
};
const advice: FailedCheck = {
  id: 'agent.descriptions',
  title: 'Parameters are described.',
  problems: [
    { message: 'list_users says nothing\nof "team".', file: 'src/operations/on_users.py', line: 12 },
    { message: 'list_teams says nothing of "page".', file: 'src/operations/on_teams.py', line: 9 },
  ],
};

describe('terminal: the end of a run', () => {
  let folder = '';
  let runDir = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-report-'));
    await writeFile(join(folder, 'shop.yaml'), 'openapi: 3.0.0\n');
    await call(['generate', 'shop.yaml', '--auto'], { cwd: folder });
    const runs = join(folder, '.sourcewright', 'runs');
    runDir = join(runs, (await readdir(runs))[0] ?? '');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function tested(checks: Pick<Conformance, 'failures' | 'advice'>): Promise<void> {
    const numbers = { note: null, passed: 90, notApplicable: 2, broken: 0, seconds: 20 };
    const report = {
      schemaVersion: 1,
      verdict: checks.failures.length > 0 ? 'failed' : 'passed',
      exitCode: 0,
      timedOut: false,
      total: 8,
      passed: 8,
      failed: 0,
      errors: 0,
      skipped: 0,
      coverage: null,
      cases: [],
      codeSha256: '',
      testsSha256: '',
      command: [],
      python: '3.11',
      startedAt: '2026-01-01T00:00:00.000Z',
      durationMs: 9,
      integrity: [],
      conformance: { ...numbers, failed: checks.failures.length, ...checks },
    };
    await writeFile(join(runDir, 'test-report.json'), JSON.stringify(report));
  }

  it('names the checks that fail and what the agent face lacks, each on a line of its own', async () => {
    await tested({ failures: [failure], advice: [advice] });
    const { stdout } = await call(['show', 'latest'], { cwd: folder });
    const lines = stdout.split('\n').map((line) => line.trim());
    assert.ok(
      lines.includes('fails      data.every-row-once: Every row is read once. 3 rows of users are missing.'),
      stdout,
    );
    assert.ok(
      lines.includes(
        'advice     agent.descriptions: Parameters are described. list_users says nothing of "team". (src/operations/on_users.py:12; 1 more in test-report.json)',
      ),
      stdout,
    );
  });

  it('says nothing of checks where all passed, and gives scripts both lists', async () => {
    await tested({ failures: [], advice: [] });
    const quiet = await call(['show', 'latest'], { cwd: folder });
    assert.match(quiet.stdout, /90 of 90 conformance checks passed/);
    assert.doesNotMatch(quiet.stdout, /^ *(fails|advice) /m);
    await tested({ failures: [], advice: [advice] });
    const told = await call(['show', 'latest', '--json'], { cwd: folder });
    const said = JSON.parse(told.stdout) as { tests: { conformance: unknown } };
    assert.deepEqual(said.tests.conformance, { passed: 90, failed: 0, failures: [], advice: [advice] });
  });
});
