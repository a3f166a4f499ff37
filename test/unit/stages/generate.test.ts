import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import type {
  Feedback,
  GenerateResult,
  StageContext,
  StageOutcome,
} from '../../../src/pipeline/contracts.ts';
import { createRulesGenerate } from '../../../src/stages/generate/rules.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';
import { listFiles } from '../../../src/workspace/files.ts';
import { workbench, type Workbench } from './support/context.ts';
import { suggested } from './support/findings.ts';
import { miniConnector } from './support/mini-connector.ts';

function done(outcome: StageOutcome<'generate'>): GenerateResult {
  assert.equal(outcome.status, 'done', JSON.stringify(outcome));
  return (outcome as { result: GenerateResult }).result;
}

describe('the stage generate by rules', function () {
  // The first run of all builds the environment.
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await workbench();
  });
  afterEach(() => bench.dispose());

  const run = (
    context: Partial<StageContext> = {},
    d: Partial<StageDependencies> = {},
  ): Promise<StageOutcome<'generate'>> =>
    createRulesGenerate(bench.dependencies(d)).run(bench.context(context));
  const feedback = (more: Partial<Feedback>): Feedback => ({
    from: 'diagnose',
    text: 'x',
    failingTests: [],
    findings: [],
    ...more,
  });

  it('writes the connector, checks it, and leaves nothing else behind', async () => {
    const result = done(await run());
    const expected = miniConnector().map((file) => file.path);
    assert.deepEqual(result.changed.sort(), expected);
    assert.deepEqual(
      result.files.map((file) => file.path),
      expected,
    );
    assert.deepEqual(
      result.checks.map(({ name, passed }) => [name, passed]),
      [
        ['compile', true],
        ['import', true],
        ['ruff', true],
        ['format', true],
        ['mypy', true],
      ],
    );
    assert.deepEqual(
      (await listFiles(join(bench.workspace, 'connectors'))).files.filter((file) => /pyc|cache/.test(file)),
      [],
    );
    assert.deepEqual(done(await run({ attempt: 2 })).changed, []);
  });

  it('reports what does not compile, import or please the tools, with the tools’ words', async () => {
    const compile = () => miniConnector({ 'src/tides.py': 'import os\ndef f(:\n' });
    const { checks } = done(await run({}, { compile }));
    const failed = new Map(checks.filter((check) => !check.passed).map((check) => [check.name, check]));
    assert.deepEqual([...failed.keys()], ['compile', 'import', 'ruff', 'format', 'mypy']);
    assert.match(failed.get('import')?.output ?? '', /SyntaxError/);
    assert.match(failed.get('compile')?.output ?? '', /tides\.py/);
  });

  it('pauses where files stand that are not from here, and writes nothing', async () => {
    await bench.write('README.md', 'somebody else’s');
    const outcome = await run();
    assert.equal(outcome.status, 'paused');
    assert.match(JSON.stringify(outcome), /README\.md.*Nothing was written/);
    assert.deepEqual((await listFiles(bench.connectorDir)).files, ['README.md']);
  });

  it('refuses a connector folder that is a link', async () => {
    await mkdir(join(bench.workspace, 'elsewhere'));
    await symlink(join(bench.workspace, 'elsewhere'), bench.connectorDir);
    await assert.rejects(run(), /link or a file/);
    assert.deepEqual((await listFiles(join(bench.workspace, 'elsewhere'))).files, []);
  });

  it('says what is wrong with requirements that are no packages by name', async () => {
    const compile = () => miniConnector({ 'requirements.txt': 'evil @ https://evil.test/x.zip\n' });
    await assert.rejects(run({}, { compile }), (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'environment');
      assert.match(error.toText(), /requirements\.txt at line 1/);
      return true;
    });
  });

  it('says that the brief is missing', async () => {
    await rm(join(bench.runDir, 'brief.json'));
    await assert.rejects(run(), /no brief/);
  });

  it('IMPROVE applies exact suggestions, keeps the format, and reports the others', async () => {
    await run();
    const findings = [
      suggested(
        'src/tides.py',
        7,
        '    """Height of the water in metres."""',
        '    """Return the height of the water in metres."""',
      ),
      suggested(
        'src/tides.py',
        3,
        'CONNECTORS: list[str] = ["height"]',
        "CONNECTORS: list[str] = ['height']",
      ),
      suggested('src/tides.py', 9, 'no longer so', 'x'),
    ];
    const result = done(await run({ mode: 'IMPROVE', feedback: feedback({ from: 'review', findings }) }));
    assert.deepEqual([result.changed, result.unresolved], [['src/tides.py'], ['src/tides.py:9']]);
    const text = await bench.read('src/tides.py');
    assert.match(text, /"""Return the height/);
    assert.match(text, /\["height"\]/, 'ruff’s own quotes');
    assert.ok(result.checks.every((check) => check.passed));
    // The next generation keeps what was accepted.
    assert.deepEqual(done(await run()).changed, []);
    assert.equal(await bench.read('src/tides.py'), text);
  });

  it('FIX takes back its own improvement that broke the tests, once', async () => {
    await run();
    const before = await bench.read('src/tides.py');
    const findings = [suggested('src/tides.py', 11, '    return 1.5 + (hour % 12) / 10', '    return 1.5')];
    await run({ mode: 'IMPROVE', feedback: feedback({ findings }) });
    assert.notEqual(await bench.read('src/tides.py'), before);
    const fixed = done(await run({ mode: 'FIX', feedback: feedback({ failingTests: ['tests/t.py::t'] }) }));
    assert.deepEqual([fixed.changed, fixed.unresolved], [['src/tides.py'], []]);
    assert.equal(await bench.read('src/tides.py'), before);
    const again = done(
      await run({ mode: 'FIX', attempt: 2, feedback: feedback({ failingTests: ['tests/t.py::t'] }) }),
    );
    assert.deepEqual([again.changed, again.unresolved], [[], ['tests/t.py::t']]);
  });

  it('FIX restores missing sources but neither tests nor a person’s edits', async () => {
    await run();
    await bench.write('src/tides.py', 'broken = True\n');
    await rm(join(bench.connectorDir, 'src/protocol.py'));
    await rm(join(bench.connectorDir, 'tests/test_tides.py'));
    const result = done(await run({ mode: 'FIX', feedback: feedback({ failingTests: ['t'] }) }));
    assert.deepEqual(result.changed, ['src/protocol.py']);
    assert.equal(await bench.read('src/tides.py'), 'broken = True\n');
    await assert.rejects(bench.read('tests/test_tides.py'));
  });

  it('FIX says which files differ when it can do nothing', async () => {
    await run();
    await bench.write('src/tides.py', `${await bench.read('src/tides.py')}X = 1\n`);
    const result = done(await run({ mode: 'FIX', feedback: feedback({ failingTests: ['t'] }) }));
    assert.deepEqual([result.changed, result.unresolved], [[], ['t']]);
    assert.match(bench.lines.join('\n'), /Differs from what was generated: src\/tides\.py/);
  });

  it('stops when it is cancelled', async () => {
    const controller = new AbortController();
    const context = {
      signal: controller.signal,
      progress: (text: string) => {
        if (text.startsWith('Checking')) controller.abort();
      },
    };
    await assert.rejects(
      run(context),
      (error) => error instanceof SourcewrightError && error.code === 'cancelled',
    );
  });

  it('is not misled by a damaged memory of the last generation', async () => {
    await mkdir(join(bench.workspace, '.sourcewright', 'generated'), { recursive: true });
    await run();
    const folder = join(bench.workspace, '.sourcewright', 'generated');
    for (const name of (await listFiles(folder)).files) await writeFile(join(folder, name), '{');
    assert.deepEqual(done(await run({ attempt: 2 })).changed, []);
  });

  it('says of an attempt that was killed after it had written what it has written', async () => {
    const { changed } = done(await run());
    assert.ok(changed.includes('src/tides.py'));
    // Nobody heard of the end of it, so it runs again.
    assert.deepEqual(done(await run()).changed, changed);
    assert.deepEqual(done(await run({ attempt: 2 })).changed, []);
  });
});
