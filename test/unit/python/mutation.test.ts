import assert from 'node:assert/strict';
import { mkdir, readdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SourcewrightError } from '../../../src/errors.ts';
import type { Mutation } from '../../../src/pipeline/contracts.ts';
import type { PythonEnvironment } from '../../../src/python/environments.ts';
import { runMutants, type MutationRun } from '../../../src/python/mutation.ts';
import { hashFiles, listFiles } from '../../../src/workspace/files.ts';
import { connectorEnvironment } from '../../../src/stages/connector.ts';
import { workbench, type Workbench } from '../stages/support/context.ts';
import { miniConnector } from '../stages/support/mini-connector.ts';

const script = join(import.meta.dirname, '..', '..', '..', 'src', 'python', 'scripts', 'mutate_connector.py');

const LEVELS = `"""Levels of the water."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["first_high", "never_run", "waits"]


def first_high(levels: "Sequence[int]", limit: int) -> int:
    """Index of the first level that is at least the limit."""
    for index, level in enumerate(levels):
        if level >= limit:
            return index
    raise ValueError("no level is high")


def waits(times: int) -> int:
    """Count down."""
    while times > 0:
        times -= 1
    return times


def never_run(value: int) -> int:
    """Nobody calls this."""
    return value + 1
`;
const WEAK = `"""Tests that do not look at the boundary."""

import pytest

from src.levels import first_high, waits


def test_high() -> None:
    """A level above the limit is found."""
    assert first_high([1, 9], 5) == 1


def test_none() -> None:
    """Without a high level there is an error."""
    with pytest.raises(ValueError, match="no level"):
        first_high([1], 5)


def test_waits() -> None:
    """It ends."""
    assert waits(2) == 0


def test_anything() -> None:
    """Notices nothing."""
    assert first_high([9], 5) is not None
`;

/** Numbers of the processes that work in a folder; none where the system does not tell. */
async function processesIn(dir: string): Promise<string[]> {
  const names = await readdir('/proc').catch(() => []);
  const places = await Promise.all(
    names.map(async (name) => ({ name, cwd: await readlink(`/proc/${name}/cwd`).catch(() => '') })),
  );
  return places.filter(({ cwd }) => cwd.startsWith(dir)).map(({ name }) => name);
}

describe('planting mistakes into a connector', function () {
  this.timeout(240_000);
  let bench: Workbench;
  let environment: PythonEnvironment;
  const usual = process.env['TMPDIR'];

  beforeEach(async () => {
    bench = await workbench();
    // A place of our own, so that nobody else's temporary folders are taken for ours.
    process.env['TMPDIR'] = join(bench.workspace, 'temporary');
    await mkdir(process.env['TMPDIR']);
    for (const { path, content } of miniConnector()) await bench.write(path, content);
    await bench.write('src/levels.py', LEVELS);
    await bench.write('tests/test_levels.py', WEAK);
    environment = await connectorEnvironment(bench.dependencies(), bench.context());
  });
  afterEach(async () => {
    if (usual === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usual;
    await bench.dispose();
  });

  function plant(changes: Partial<MutationRun> = {}): Promise<Mutation> {
    return runMutants({
      connectorDir: bench.connectorDir,
      environment,
      script,
      limit: 40,
      compiled: {},
      signal: new AbortController().signal,
      ...changes,
    });
  }
  const ours = async (): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith('sourcewright-mutants-'));

  it('finds the boundary that no test looks at, and changes no file', async () => {
    const files = (await listFiles(bench.connectorDir)).files;
    const before = await hashFiles(bench.connectorDir, files);
    const found = await plant();
    assert.equal(found.note, null);
    assert.equal(found.notRun, 0);
    const boundary = found.mutants.find(({ before: text }) => text === 'if level >= limit:');
    assert.deepEqual(
      [boundary?.file, boundary?.operator, boundary?.outcome],
      ['src/levels.py', 'boundary', 'survived'],
    );
    assert.equal(boundary?.after, 'if level > limit:');
    const raised = found.mutants.find(({ before: text }) => text.startsWith('raise ValueError("no level'));
    assert.equal(raised?.outcome, 'killed');
    assert.deepEqual(raised.killedBy, ['tests/test_levels.py::test_none']);
    const noticed = found.killed + found.timedOut;
    assert.equal(found.killRate, Math.round((noticed / (noticed + found.survived)) * 1000) / 10);
    assert.deepEqual((await listFiles(bench.connectorDir)).files, files);
    assert.equal(await hashFiles(bench.connectorDir, files), before);
  });

  it('touches only lines that ran, and no exports, annotations, docstrings or imports for types', async () => {
    const { mutants } = await plant();
    const texts = mutants.map(({ before }) => before);
    for (const left of ['return value + 1', '__all__', 'TYPE_CHECKING', '"""', 'import']) {
      assert.ok(!texts.some((text) => text.includes(left)), left);
    }
    assert.ok(texts.some((text) => text.startsWith('while times > 0')));
  });

  it('loads no plugin of pytest that lies in the connector’s folder', async () => {
    await bench.write('evil-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n');
    await bench.write('evil-1.0.dist-info/entry_points.txt', '[pytest11]\nevil = evil\n');
    await bench.write(
      'evil.py',
      'def pytest_collection_modifyitems(items: list) -> None:\n    items.clear()\n',
    );
    const found = await plant({ limit: 3 });
    assert.equal(found.note, null);
    assert.ok(found.mutants.length > 0);
  });

  it('gives the same report for the same code', async () => {
    const first = await plant({ limit: 6 });
    const second = await plant({ limit: 6 });
    assert.equal(first.mutants.length, 6);
    assert.deepEqual(second, first);
  });

  it('names tests that noticed nothing', async () => {
    const { idleTests } = await plant();
    assert.ok(idleTests.includes('tests/test_levels.py::test_anything'));
    assert.ok(!idleTests.includes('tests/test_levels.py::test_none'));
    assert.ok(!idleTests.includes('tests/test_levels.py::test_high'));
  });

  it('prefers lines that were written by hand', async () => {
    const before = LEVELS.replace('level >= limit', 'level > limit');
    const { mutants } = await plant({ limit: 2, compiled: { 'src/levels.py': before } });
    assert.ok(mutants.some(({ handWritten, operator }) => handWritten && operator === 'boundary'));
    assert.ok(mutants.some(({ handWritten }) => !handWritten));
  });

  it('counts a loop that does not end as noticed, and goes on', async () => {
    await bench.write('src/levels.py', LEVELS.replace('times -= 1', 'times = times - 1'));
    const { mutants, timedOut } = await plant();
    const hanging = mutants.find(({ before }) => before === 'times = times - 1');
    assert.equal(hanging?.outcome, 'timed-out');
    assert.deepEqual(hanging.killedBy, ['tests/test_levels.py::test_waits']);
    assert.ok(timedOut >= 1);
    assert.deepEqual(await ours(), []);
  });

  it('says nothing where the tests do not pass in a copy, and says why', async () => {
    await bench.write(
      'tests/test_here.py',
      `"""Knows its place."""\n\nfrom pathlib import Path\n\n\ndef test_here() -> None:\n    """It is there."""\n    assert str(Path.cwd()) == ${JSON.stringify(bench.connectorDir)}\n`,
    );
    const { note, killRate, mutants } = await plant();
    assert.match(note ?? '', /do not pass in a copy.*tests\/test_here\.py::test_here/);
    assert.equal(killRate, null);
    assert.deepEqual(mutants, []);
  });

  it('says how many were not tried when the time is over', async () => {
    const found = await plant({ timeMs: 10 });
    assert.match(found.note ?? '', /took all the time/);
    assert.equal(found.killRate, null);
  });

  it('leaves no folder and no process when it is cancelled', async () => {
    await bench.write(
      'tests/test_slow.py',
      '"""Slow."""\n\nimport time\n\n\ndef test_slow() -> None:\n    """Takes long."""\n    time.sleep(60)\n',
    );
    const controller = new AbortController();
    const running = plant({ signal: controller.signal });
    const refused = assert.rejects(
      running,
      (error: unknown) => error instanceof SourcewrightError && error.code === 'cancelled',
    );
    await delay(4000);
    const [folder] = await ours();
    assert.ok(folder !== undefined);
    if (process.platform === 'linux') assert.ok((await processesIn(tmpdir())).length >= 2);
    controller.abort();
    await refused;
    assert.deepEqual(await ours(), []);
    assert.deepEqual(await processesIn(tmpdir()), []);
  });
});
