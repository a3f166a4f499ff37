/** The suite passes connectors that are right, and each mistake fails the check that is there for it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { conform, conformanceFolder } from '../../../src/conformance/conform.ts';
import type { ConformanceReport } from '../../../src/conformance/contracts.ts';
import { compiled, inTurns, type Connectors } from './connectors.ts';
import { MISTAKES, type Mistake } from './mistakes.ts';

const NAMES = [
  // The first one's packages are installed: it needs all that any of them does.
  'signed',
  'shop',
  'tickets',
  'issues',
  'ledger',
  'crm',
  'plain',
  'regions',
  'files',
  'workbook',
  'sessions',
  'outline',
];
/** Between them they have something to look at for each check. */
const SOUND = ['shop', 'tickets', 'issues', 'ledger', 'crm', 'signed', 'outline', 'workbook'];
const WIDTH = Math.min(availableParallelism(), 4);

describe('conformance: planted mistakes', function () {
  this.timeout(600_000);
  this.slow(60_000);
  let connectors: Connectors;
  const reports = new Map<string, ConformanceReport>();

  /** Runs checks over a folder; a planted hang must not be waited for. */
  function judged(connectorDir: string, only?: readonly string[]): Promise<ConformanceReport> {
    return conform({
      connectorDir,
      python: connectors.python,
      signal: new AbortController().signal,
      only,
      faces: ['data'],
      checkLimitSeconds: 60,
    });
  }

  before(async () => {
    connectors = await compiled(NAMES);
    await inTurns(MISTAKES, WIDTH, async ({ name, connector, edits, check }: Mistake) => {
      const dir = await connectors.planted(connector, name, edits);
      reports.set(name, await judged(dir, [`data.${check}`]));
    });
  });
  after(() => connectors.remove());

  for (const { name, connector, check } of MISTAKES) {
    it(`${name} in ${connector} fails ${check}`, () => {
      const [outcome] = reports.get(name)?.checks ?? [];
      assert.equal(outcome?.id, `data.${check}`);
      assert.equal(outcome.status, 'failed', JSON.stringify(outcome, null, 1));
      assert.ok(outcome.problems.some((problem) => !problem.note));
    });
  }

  it('connectors without a mistake pass every check', async () => {
    const sound = await inTurns(SOUND, WIDTH, (name) => judged(connectors.folder(name)));
    for (const { connector, checks } of sound) {
      const bad = checks.filter(({ status }) => status === 'failed' || status === 'broken');
      assert.deepEqual(bad, [], connector);
    }
    const idle = sound[0]?.checks.filter((_, index) =>
      sound.every((report) => report.checks[index]?.status === 'not_applicable'),
    );
    assert.deepEqual(
      idle?.map(({ id }) => id),
      [],
    );
  });

  it('a connector that hangs fails its check at the time limit, and the next check is run', async () => {
    const dir = await connectors.planted('plain', 'hangs', [
      { file: 'records.py', find: '    rows: list[Any] = []\n', replace: '    while True:\n        pass\n' },
    ]);
    const report = await conform({
      connectorDir: dir,
      python: connectors.python,
      signal: new AbortController().signal,
      only: ['data.every-row-once', 'data.spec-is-valid', 'data.discover-is-valid'],
      checkLimitSeconds: 3,
    });
    const status = Object.fromEntries(report.checks.map((check) => [check.id, check.status]));
    assert.deepEqual(status, {
      'data.spec-is-valid': 'passed',
      'data.discover-is-valid': 'passed',
      'data.every-row-once': 'failed',
    });
    const hung = report.checks.find(({ id }) => id === 'data.every-row-once');
    assert.match(hung?.problems[0]?.message ?? '', /did not end within 3 seconds/);
  });

  it('a connector that ends the process fails the check that it was in', async () => {
    const dir = await connectors.planted('plain', 'exits', [
      { file: 'records.py', find: '    rows: list[Any] = []\n', replace: '    import os\n    os._exit(0)\n' },
    ]);
    const report = await judged(dir, [
      'data.every-row-once',
      'data.a-single-row-is-read',
      'data.spec-is-valid',
    ]);
    assert.deepEqual(
      report.checks.map(({ status }) => status),
      ['passed', 'failed', 'failed'],
    );
  });

  it('a connector that can’t be imported fails, and the suite does not break', async () => {
    const dir = await connectors.planted('plain', 'unimportable', [
      { file: 'connector.py', find: 'import asyncio\n', replace: 'import asyncio\nimport no_such_package\n' },
    ]);
    const report = await judged(dir, ['data.spec-is-valid']);
    assert.equal(report.checks[0]?.status, 'failed');
    assert.match(report.checks[0].problems[0]?.message ?? '', /no_such_package/);
  });

  it('an unknown check is bad input, a missing package a broken environment', async () => {
    await assert.rejects(judged(connectors.folder('plain'), ['data.no-such-check']), { code: 'input' });
    const signal = new AbortController().signal;
    const bare = {
      connectorDir: connectors.folder('plain'),
      python: process.env['SOURCEWRIGHT_PYTHON'] ?? '',
      signal,
    };
    if (bare.python !== '') await assert.rejects(conform(bare), { code: 'environment' });
    await assert.rejects(conform({ ...bare, connectorDir: connectors.folder('no-such') }), { code: 'input' });
  });

  it('every check of the data face is in the documentation', async () => {
    const listed = execFileSync(connectors.python, ['-m', 'conformance', '--list', '--face', 'data'], {
      env: { ...process.env, PYTHONPATH: conformanceFolder() },
      encoding: 'utf8',
    });
    const page = await readFile(new URL('../../../docs/conformance.md', import.meta.url), 'utf8');
    const ids = listed
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0] ?? '');
    assert.ok(ids.length > 60);
    assert.deepEqual(
      ids.filter((id) => !page.includes(`| \`${id}\` `)),
      [],
    );
  });

  it('ends at once when it is cancelled', async () => {
    const stop = new AbortController();
    const judging = conform({
      connectorDir: connectors.folder('shop'),
      python: connectors.python,
      signal: stop.signal,
    });
    setTimeout(() => {
      stop.abort();
    }, 1000);
    await assert.rejects(judging, { code: 'cancelled' });
  });
});
