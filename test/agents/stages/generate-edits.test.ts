import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompiledFile } from '../../../src/blueprint/compiler/compile.ts';
import type { StageContext, TestCase, TestReport } from '../../../src/pipeline/contracts.ts';
import {
  agentEdits,
  followEmission,
  forgetLostEdits,
  lostEdits,
  rememberAgentEdits,
  standingEdits,
} from '../../../src/stages/generate/agent-edits.ts';
import { baselinePath, type Emission, emitConnector } from '../../../src/stages/generate/emit.ts';
import { failureGiven } from '../../../src/stages/generate/known.ts';
import { beginSitting, hashesNow, openSitting } from '../../../src/stages/generate/sitting.ts';
import { workbench, type Workbench } from '../../unit/stages/support/context.ts';

const LINES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const text = (changes: Record<string, string> = {}): string =>
  LINES.map((line) => `${changes[line] ?? line}\n`).join('');
const all = (): boolean => true;

describe('what agents wrote', () => {
  let bench: Workbench;
  let context: StageContext;

  beforeEach(async () => {
    bench = await workbench();
    context = bench.context();
  });
  afterEach(() => bench.dispose());

  /** A generation as the stage does it. */
  async function emit(files: Record<string, string>): Promise<Emission> {
    const standing = await standingEdits(context);
    const emission = await emitConnector({
      connectorDir: bench.connectorDir,
      baseline: baselinePath(bench.workspace, bench.connectorDir),
      compiled: Object.entries(files).map(([path, content]): CompiledFile => ({ path, content })),
      replaceable: await agentEdits(context),
    });
    await followEmission(context, emission, standing);
    return emission;
  }
  async function asAgent(path: string, content: string | undefined): Promise<void> {
    const before = await hashesNow(bench.connectorDir);
    if (content === undefined) await rm(join(bench.connectorDir, path));
    else await bench.write(path, content);
    await rememberAgentEdits(context, before, await hashesNow(bench.connectorDir));
  }

  it('gives way where the compiler changed the same lines, and is kept to be made again', async () => {
    await emit({ 'src/a.py': text() });
    await asAgent('src/a.py', text({ d: 'agent' }));
    const emission = await emit({ 'src/a.py': text({ d: 'new' }) });
    assert.deepEqual([emission.conflicts, emission.changed], [[], ['src/a.py']]);
    assert.equal(await bench.read('src/a.py'), text({ d: 'new' }));
    const lost = [{ path: 'src/a.py', base: text(), content: text({ d: 'agent' }) }];
    assert.deepEqual(await lostEdits(context, all), lost);
    await forgetLostEdits(context, (path) => path.startsWith('tests/'));
    assert.deepEqual(await lostEdits(context, all), lost);
    await forgetLostEdits(context, all);
    assert.deepEqual(await lostEdits(context, all), []);
  });

  it('is merged where it can be, and stays an agent’s', async () => {
    await emit({ 'src/a.py': text() });
    await asAgent('src/a.py', text({ a: 'agent' }));
    assert.deepEqual((await emit({ 'src/a.py': text({ g: 'new' }) })).merged, ['src/a.py']);
    assert.deepEqual((await emit({ 'src/a.py': text({ a: 'newer' }) })).conflicts, []);
    assert.equal(await bench.read('src/a.py'), text({ a: 'newer' }));
  });

  it('goes with a file that is no longer made', async () => {
    await emit({ 'src/a.py': text(), 'src/b.py': 'b\n' });
    await asAgent('src/b.py', 'agent\n');
    const emission = await emit({ 'src/a.py': text() });
    assert.deepEqual(emission.changed, ['src/b.py']);
    await assert.rejects(bench.read('src/b.py'));
    assert.deepEqual(
      (await lostEdits(context, all)).map(({ path }) => path),
      ['src/b.py'],
    );
  });

  it('gives way also where an agent made the file', async () => {
    await emit({ 'src/a.py': text() });
    await asAgent('src/new.py', 'agent\n');
    assert.deepEqual((await emit({ 'src/a.py': text(), 'src/new.py': 'ours\n' })).conflicts, []);
    assert.equal(await bench.read('src/new.py'), 'ours\n');
  });

  for (const [what, act] of [
    ['after it', async () => bench.write('src/a.py', text({ d: 'person' }))],
    [
      'before it',
      async () => {
        await emit({ 'src/a.py': text() });
        await bench.write('src/a.py', text({ a: 'person' }));
        await asAgent('src/a.py', text({ a: 'person', d: 'agent' }));
      },
    ],
  ] as const) {
    it(`does not give way where a person edited the file ${what}`, async () => {
      await emit({ 'src/a.py': text() });
      await asAgent('src/a.py', text({ d: 'agent' }));
      await act();
      const before = await bench.read('src/a.py');
      assert.deepEqual((await emit({ 'src/a.py': text({ d: 'new' }) })).conflicts, ['src/a.py']);
      assert.equal(await bench.read('src/a.py'), before);
    });
  }

  it('counts as a person’s where the memory is damaged', async () => {
    await emit({ 'src/a.py': text() });
    await asAgent('src/a.py', text({ d: 'agent' }));
    await writeFile(
      baselinePath(bench.workspace, bench.connectorDir).replace('.json', '.agents.json'),
      '{"files":',
    );
    assert.deepEqual((await emit({ 'src/a.py': text({ d: 'new' }) })).conflicts, ['src/a.py']);
  });

  it('goes on only with the same attempt', async () => {
    await emit({ 'src/a.py': text() });
    const question = { asked: [], given: [], unresolved: [] };
    await beginSitting(context, 'generate', await hashesNow(bench.connectorDir), question);
    assert.ok((await openSitting(context, 'generate')) !== undefined);
    for (const other of [bench.context({ attempt: 2 }), bench.context({ mode: 'FIX' })]) {
      assert.equal(await openSitting(other, 'generate'), undefined);
    }
    await writeFile(join(bench.runDir, 'before', 'generate-1', 'note.json'), '{');
    assert.equal(await openSitting(context, 'generate'), undefined);
  });
});

describe('what an agent is told of failing tests', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await workbench();
  });
  afterEach(() => bench.dispose());

  const failing = (n: number, message: string): TestCase => ({
    id: `tests/test_a.py::test_${n}`,
    file: 'tests/test_a.py',
    outcome: 'failed',
    durationMs: 1,
    message,
    details: Array.from({ length: 500 }, (_, line) => `line ${line} of ${bench.connectorDir}/src/x.py`).join(
      '\n',
    ),
  });

  it('is a few of them, one of each kind first, shortened, and without places of this machine', async () => {
    const cases = [...Array.from({ length: 60 }, (_, n) => failing(n, 'same')), failing(99, 'other')];
    const report: TestReport = {
      schemaVersion: 1,
      verdict: 'failed',
      exitCode: 1,
      timedOut: false,
      total: 61,
      passed: 0,
      failed: 61,
      errors: 0,
      skipped: 0,
      coverage: null,
      cases,
      codeSha256: '',
      testsSha256: '',
      command: [],
      python: '',
      startedAt: '',
      durationMs: 1,
      integrity: [],
    };
    await mkdir(bench.runDir, { recursive: true });
    await writeFile(join(bench.runDir, 'test-report.json'), JSON.stringify(report));
    const diagnosis = {
      verdict: 'code',
      explanation: 'It is the code.',
      evidence: [{ test: 'tests/test_a.py::test_1', fault: 'code', because: 'the last page is lost' }],
      vacuous: [],
    };
    await writeFile(join(bench.runDir, 'diagnosis.json'), JSON.stringify(diagnosis));
    const given = await failureGiven(bench.context({ mode: 'FIX' }));
    assert.deepEqual(
      given.map(({ title, stable }) => [title, stable]),
      [
        ['The diagnosis', false],
        ['Failing tests', false],
      ],
    );
    assert.match(
      given[0]?.text ?? '',
      /It is the code\.\n- tests\/test_a\.py::test_1: code, the last page is lost/,
    );
    const said = given[1]?.text ?? '';
    assert.match(said, /^61 of 61 tests fail\.\n\n### tests\/test_a\.py::test_0 \(failed\)\nsame\n/);
    assert.ok(said.indexOf('test_99') < said.indexOf('test_1 '), 'another kind before the same again');
    assert.equal(said.match(/^### /gm)?.length, 15);
    assert.ok(said.split('\n').length < 15 * 60 + 40, `${said.split('\n').length} lines`);
    assert.match(said, /and 16 more$/);
    assert.ok(!said.includes(bench.workspace));
    assert.match(await readFile(join(bench.runDir, 'test-report.json'), 'utf8'), /line 250/);
  });
});
