/** `sourcewright conform`: the built program judges a connector, says so in a table or one object, and in its exit code. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compileConnector } from '../../src/blueprint/compiler/compile.ts';
import { ConformanceReport } from '../../src/conformance/contracts.ts';
import { blueprints } from '../python/blueprints.ts';
import {
  allBelow,
  only,
  removeFolder,
  root,
  sourcewright,
  temporaryFolder,
  type Outcome,
} from './program.ts';

const CHECKS = ['data.spec-is-valid', 'data.every-row-once', 'data.circles-are-an-error'];

describe('sourcewright conform', function () {
  this.timeout(600_000);
  this.slow(30_000);
  let folder = '';
  before(async () => {
    folder = await temporaryFolder();
    const blueprint = blueprints.find(({ name }) => name === 'plain');
    assert.ok(blueprint);
    for (const file of compileConnector(blueprint, { templateDir: join(root, 'src/blueprint/template') })) {
      const path = join(folder, 'source-plain', file.path);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.content);
    }
  });
  after(() => removeFolder(folder));

  function conform(...words: string[]): Promise<Outcome> {
    return sourcewright(['conform', 'source-plain', ...words], { cwd: folder, timeoutMs: 500_000 });
  }
  const some = CHECKS.flatMap((id) => ['--only', id]);

  it('prints a table and ends with 0 where all checks pass, and leaves the connector as it was', async () => {
    const before = await allBelow(folder);
    const done = await conform(...some);
    assert.equal(done.exitCode, 0, done.stderr);
    assert.match(
      done.stdout,
      /^passed {10}data\.every-row-once +A full read brings every row exactly once\.$/m,
    );
    assert.match(done.stdout, /^not applicable {2}data\.circles-are-an-error/m);
    assert.match(done.stdout, /^ {16}No page names the next one\.$/m);
    assert.match(done.stdout, /^source-plain: 2 passed, 0 failed, 1 not applicable \(\d+\.\d s\)$/m);
    assert.deepEqual(await allBelow(folder), before);
  });

  it('prints the report as one object with --json', async () => {
    const done = await conform('--json', ...some);
    assert.equal(done.exitCode, 0, done.stderr);
    const report = ConformanceReport.parse(only(done));
    assert.equal(report.verdict, 'passed');
    assert.deepEqual(
      report.checks.map(({ id }) => id),
      CHECKS,
    );
  });

  it('ends with 1 and says what is wrong where a check fails', async () => {
    const path = join(folder, 'source-plain', 'src', 'records.py');
    const right = await readFile(path, 'utf8');
    await writeFile(
      path,
      right.replace(
        '    if _OBJECTS.issuperset(map(type, rows)):',
        '    rows = rows[1:]\n    if _OBJECTS.issuperset(map(type, rows)):',
      ),
    );
    try {
      const done = await conform('--only', 'data.every-row-once');
      assert.equal(done.exitCode, 1, done.stderr);
      assert.match(done.stdout, /^FAILED {10}data\.every-row-once/m);
      assert.match(done.stdout, /^ {16}pages: 1 row is missing, such as /m);
    } finally {
      await writeFile(path, right);
    }
  });

  it('ends with 2 where the folder or a check is not there', async () => {
    const nowhere = await sourcewright(['conform', 'source-nothing', '--python', process.execPath], {
      cwd: folder,
    });
    assert.equal(nowhere.exitCode, 2, nowhere.stderr);
    assert.match(nowhere.stderr, /holds no connector/);
    const unknown = await conform('--only', 'data.no-such-check');
    assert.equal(unknown.exitCode, 2, unknown.stderr);
    assert.match(unknown.stderr, /no check data\.no-such-check/);
    assert.equal((await sourcewright(['conform'], { cwd: folder })).exitCode, 2);
  });
});
