import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  Brief,
  Feedback,
  Finding,
  GenerateResult,
  StageContext,
  StageOutcome,
} from '../../../src/pipeline/contracts.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';
import { createAgentGenerate } from '../../../src/stages/generate/agent.ts';
import { createRulesGenerate } from '../../../src/stages/generate/rules.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { workbench, type Workbench } from '../../unit/stages/support/context.ts';
import { suggested } from '../../unit/stages/support/findings.ts';
import { miniBrief, miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { PAUSED, type Script, stubRuntime, type StubRuntime } from './stub-runtime.ts';

const NOTHING = { summary: 'Nothing.', findings: [], unresolved: [] };
const TIDES = 'src/tides.py';
const RETURN = '    return 1.5 + (hour % 12) / 10';

function done(outcome: StageOutcome<'generate'>): GenerateResult {
  assert.equal(outcome.status, 'done', JSON.stringify(outcome));
  return (outcome as { result: GenerateResult }).result;
}

/** A brief with things that its blueprint can't say. */
function beyond(...what: string[]): Brief {
  return {
    ...miniBrief(),
    agent: {
      summary: '',
      beyond: what.map((words) => ({
        stream: 'heights',
        what: words,
        url: 'https://tides.test/docs',
        quote: 'q',
      })),
      existingConnectors: [],
      struck: [],
      documents: [],
    },
  };
}

describe('the stage generate by agents', function () {
  // The first run of all builds the environment.
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await workbench();
  });
  afterEach(() => bench.dispose());

  const run = (
    runtime: StubRuntime,
    context: Partial<StageContext> = {},
    d: Partial<StageDependencies> = {},
  ): Promise<StageOutcome<'generate'>> =>
    createAgentGenerate(bench.dependencies(d), runtime).run(bench.context(context));
  const compiled = (): Promise<StageOutcome<'generate'>> =>
    createRulesGenerate(bench.dependencies()).run(bench.context());
  const brief = (value: Brief): Promise<void> =>
    writeFile(join(bench.runDir, 'brief.json'), JSON.stringify(value));
  const feedback = (more: Partial<Feedback>): Feedback => ({
    from: 'diagnose',
    text: 'The code is at fault.',
    failingTests: [],
    findings: [],
    ...more,
  });
  const edits =
    (from: string, to: string, answer: unknown = NOTHING): Script =>
    async (hand) => {
      const { isError, text } = await hand.call('edit', {
        file_path: TIDES,
        old_string: from,
        new_string: to,
      });
      assert.ok(!isError, text);
      return answer;
    };
  const answered = (id: string, fixed = true): unknown => ({
    summary: 'Did it.',
    findings: [{ id, fixed, why: 'because' }],
    unresolved: [],
  });

  describe('GENERATE', () => {
    it('asks no model where the blueprint says it all', async () => {
      const runtime = stubRuntime();
      const result = done(await run(runtime));
      assert.deepEqual(runtime.tasks, []);
      assert.deepEqual(
        result.changed,
        miniConnector().map((file) => file.path),
      );
      assert.deepEqual([result.unresolved, result.checks.every((check) => check.passed)], [[], true]);
    });

    it('has written what the blueprint can’t say, formats it, and counts files and not words', async () => {
      await brief(beyond('Heights above 2 m come in feet.'));
      const runtime = stubRuntime((hand) => {
        assert.match(
          hand.given,
          /beyond-1: heights: Heights above 2 m come in feet\. \(https:\/\/tides\.test\/docs/,
        );
        assert.deepEqual([...hand.toolNames].sort(), [
          'check',
          'edit',
          'glob',
          'grep',
          'probe_mock',
          'read',
          'write',
        ]);
        const script = edits(
          RETURN,
          "    unit='m'\n    return len(unit) * (1.5 + (hour % 12) / 10)",
          answered('beyond-1'),
        );
        return script(hand);
      });
      const result = done(await run(runtime));
      assert.equal(runtime.tasks[0]?.prompt, 'generate');
      assert.match(await bench.read(TIDES), /unit = "m"/, 'formatted');
      assert.deepEqual([result.unresolved, result.checks.every((check) => check.passed)], [[], true]);
      // The next generation of the same keeps it, and says that it is there.
      const again = stubRuntime((hand) => {
        assert.match(hand.given, /Already written by hand\n- src\/tides\.py/);
        return answered('beyond-1', true);
      });
      const second = done(await run(again, { attempt: 2 }));
      assert.deepEqual(second.changed, []);
      assert.match(
        second.unresolved.join('\n'),
        /^beyond-1: .* \(said to be done, but no file was changed\)$/,
      );
    });

    it('gives what stays the same first, and no place of this machine', async () => {
      await brief(beyond('x'));
      const runtime = stubRuntime(() => answered('beyond-1', false));
      await run(runtime);
      const given = runtime.tasks[0]?.given ?? [];
      assert.deepEqual(
        given.map((piece) => piece.stable),
        [...given.map((piece) => piece.stable)].sort((a, b) => Number(b) - Number(a)),
      );
      assert.match(given.map((piece) => piece.text).join('\n'), /- src\/tides\.py: Tides\./);
      assert.ok(!JSON.stringify(given).includes(bench.workspace));
    });

    it('puts back locked files that were changed past the tools, keeps what stood there, and says so', async () => {
      await brief(beyond('x'));
      const runtime = stubRuntime(async () => {
        await bench.write('tests/test_tides.py', 'def test_a():\n    assert True\n');
        await bench.write('tests/test_extra.py', 'x = 1\n');
        await rm(join(bench.connectorDir, 'pyproject.toml'));
        return answered('beyond-1', false);
      });
      const result = done(await run(runtime));
      for (const path of ['tests/test_tides.py', 'pyproject.toml']) {
        const file = miniConnector().find((one) => one.path === path);
        assert.equal(await bench.read(path), file?.content);
      }
      await assert.rejects(bench.read('tests/test_extra.py'));
      const locked = result.unresolved.filter((words) => words.startsWith('integrity-locked: '));
      assert.deepEqual(
        locked.map((words) => words.split(' ')[1]),
        ['pyproject.toml', 'tests/test_extra.py', 'tests/test_tides.py'],
      );
      assert.match(JSON.stringify(await bench.artifact('replaced-locked-generate-1.json')), /assert True/);
    });

    it('refuses to let the tools write what is locked', async () => {
      await brief(beyond('x'));
      const runtime = stubRuntime(async (hand) => {
        for (const file_path of ['tests/test_tides.py', 'pyproject.toml', '.env', '../out.py']) {
          const { isError, text } = await hand.call('write', { file_path, content: 'x' });
          assert.ok(isError, `${file_path}: ${text}`);
        }
        return answered('beyond-1', false);
      });
      assert.match(done(await run(runtime)).unresolved[0] ?? '', /^beyond-1: .*\(because\)$/);
    });

    it('tells the truth of our own checks, whatever the agent says', async () => {
      await brief(beyond('x'));
      const result = done(
        await run(stubRuntime(edits(RETURN, '    return nonsense', answered('beyond-1'))), {}),
      );
      const failed = result.checks.filter((check) => !check.passed).map((check) => check.name);
      assert.deepEqual(failed, ['ruff', 'mypy']);
    });

    it('goes on where it was paused, with what it was given and with its edits', async () => {
      await brief(beyond('x'));
      const first = stubRuntime(async (hand) => {
        await edits(RETURN, '    return 1.5')(hand);
        return PAUSED;
      });
      assert.equal((await run(first)).status, 'paused');
      const second = stubRuntime((hand) => {
        assert.deepEqual(hand.task.given, first.tasks[0]?.given);
        return answered('beyond-1');
      });
      const result = done(await run(second));
      assert.deepEqual(
        result.changed,
        miniConnector().map((file) => file.path),
      );
      assert.deepEqual(result.unresolved, []);
      assert.match(await bench.read(TIDES), /return 1\.5\n/);
      await assert.rejects(readFile(join(bench.runDir, 'before', 'generate-1', 'note.json')));
    });

    it('writes anew over what only agents wrote, and has it made again', async () => {
      await brief(beyond('x'));
      await run(stubRuntime(edits(RETURN, '    return 1.5', answered('beyond-1'))));
      await brief(miniBrief());
      const newer = miniConnector({
        [TIDES]: (await bench.read(TIDES)).replace('    return 1.5\n', '    return 1.5 + (hour % 24) / 20\n'),
      });
      const runtime = stubRuntime((hand) => {
        assert.match(hand.given, /again-1: src\/tides\.py was compiled anew/);
        assert.match(hand.given, /- {4}return 1\.5 \+ \(hour % 12\) \/ 10\n\+ {4}return 1\.5/);
        return answered('again-1', false);
      });
      const result = done(await run(runtime, { attempt: 2 }, { compile: () => newer }));
      assert.deepEqual(result.changed, [TIDES]);
      assert.match(await bench.read(TIDES), /hour % 24/);
      // Told once.
      assert.deepEqual(done(await run(stubRuntime(), { attempt: 3 }, { compile: () => newer })).changed, []);
    });

    it('pauses where a person edited the file, also on top of an agent', async () => {
      await brief(beyond('x'));
      await run(stubRuntime(edits(RETURN, '    return 1.5', answered('beyond-1'))));
      const mine = (await bench.read(TIDES)).replace('return 1.5', 'return 1.75');
      await bench.write(TIDES, mine);
      const newer = miniConnector({ [TIDES]: mine.replace('1.75', '99') });
      const outcome = await run(stubRuntime(), { attempt: 2 }, { compile: () => newer });
      assert.equal(outcome.status, 'paused');
      assert.match(JSON.stringify(outcome), /src\/tides\.py.*Nothing was written/);
      assert.equal(await bench.read(TIDES), mine);
    });

    it('does not take a person’s edit for an agent’s because an agent edited the same file', async () => {
      await compiled();
      await bench.write(TIDES, (await bench.read(TIDES)).replace('"""Tides."""', '"""My tides."""'));
      await brief(beyond('x'));
      await run(stubRuntime(edits(RETURN, '    return 1.5', answered('beyond-1'))));
      const newer = miniConnector({ [TIDES]: '"""Other tides."""\n' });
      const outcome = await run(stubRuntime(), { attempt: 2 }, { compile: () => newer });
      assert.equal(outcome.status, 'paused');
    });
  });

  describe('FIX', () => {
    /** Breaks the code as a person would and leaves the evidence of a run. */
    const broken = async (): Promise<Partial<StageContext>> => {
      await compiled();
      await bench.write(TIDES, (await bench.read(TIDES)).replace('1.5', '1.4'));
      const tested = await createRulesTest(bench.dependencies()).run(bench.context());
      assert.ok(tested.status === 'done');
      return { mode: 'FIX', feedback: feedback({ failingTests: tested.result.failing }) };
    };

    it('repairs what really fails', async () => {
      const context = await broken();
      const runtime = stubRuntime((hand) => {
        assert.match(hand.given, /tests\/test_tides\.py::test_noon \(failed\)[\s\S]*assert 1\.4 == 1\.5/);
        assert.match(hand.given, /The code is at fault\./);
        assert.match(hand.given, /Written by hand\n- src\/tides\.py/);
        return edits('1.4', '1.5')(hand);
      });
      const result = done(await run(runtime, context));
      assert.equal(runtime.tasks[0]?.prompt, 'generate-fix');
      assert.deepEqual([result.changed, result.unresolved], [[TIDES], []]);
      const again = await createRulesTest(bench.dependencies()).run(bench.context({ mode: 'RERUN' }));
      assert.ok(again.status === 'done' && again.result.verdict === 'passed');
    });

    it('counts a claim without a change as nothing', async () => {
      const context = await broken();
      const claim = { summary: 'All 150 tests pass now.', findings: [], unresolved: [] };
      const result = done(
        await run(
          stubRuntime(() => claim),
          context,
        ),
      );
      assert.deepEqual([result.changed, result.unresolved], [[], context.feedback?.failingTests]);
    });

    it('restores what is missing without a model turn', async () => {
      await compiled();
      await rm(join(bench.connectorDir, 'src/protocol.py'));
      const context = { mode: 'FIX', feedback: feedback({ failingTests: ['t'] }) } as const;
      assert.deepEqual(done(await run(stubRuntime(), context)).changed, ['src/protocol.py']);
    });

    it('asks nothing where nothing is known to fail', async () => {
      await compiled();
      const result = done(
        await run(stubRuntime(), { mode: 'FIX', feedback: feedback({ failingTests: ['t'] }) }),
      );
      assert.deepEqual([result.changed, result.unresolved], [[], ['t']]);
    });
  });

  describe('IMPROVE', () => {
    const noted = (id: string, file = TIDES): Finding => {
      const { suggestion: _, ...finding } = suggested(file, 11, RETURN, '');
      return { ...finding, id, message: `message of ${id}` };
    };
    const improving = (findings: Finding[], from: Feedback['from'] = 'review', text = 'x') =>
      ({ mode: 'IMPROVE', feedback: feedback({ from, text, findings }) }) as const;

    it('applies exact suggestions without a model turn', async () => {
      await compiled();
      const findings = [suggested(TIDES, 11, RETURN, '    return 1.5')];
      const result = done(await run(stubRuntime(), improving(findings)));
      assert.deepEqual([result.changed, result.unresolved], [[TIDES], []]);
    });

    it('has each other finding answered, and leaves those about tests', async () => {
      await compiled();
      const exact = suggested(TIDES, 8, '    """Height of the water in metres."""', '    """Metres."""');
      const findings = [noted('a'), noted('b'), noted('c', 'tests/test_tides.py'), exact];
      const runtime = stubRuntime((hand) => {
        assert.match(hand.given, /### a\nwarning R at src\/tides\.py:11: message of a/);
        assert.doesNotMatch(hand.given, /message of c/);
        return edits(RETURN, '    return 1.5', {
          summary: 's',
          findings: [
            { id: 'a', fixed: true, why: 'done' },
            { id: 'b', fixed: false, why: 'it is not so' },
          ],
          unresolved: ['More is to be done.'],
        })(hand);
      });
      const before = await bench.read(TIDES);
      const result = done(await run(runtime, improving(findings)));
      assert.equal(runtime.tasks[0]?.prompt, 'generate-improve');
      assert.deepEqual(result.changed, [TIDES]);
      assert.deepEqual(
        result.unresolved.map((words) => words.replace(/^(\w+):.*\((.*)\)$/, '$1 $2')),
        [
          'b it is not so',
          'More is to be done.',
          'c about the tests, which are locked while the code is improved',
        ],
      );
      // Rules can take back the whole of it.
      const fixed = await createRulesGenerate(bench.dependencies()).run(
        bench.context({ mode: 'FIX', feedback: feedback({ failingTests: ['t'] }) }),
      );
      assert.deepEqual(done(fixed).changed, [TIDES]);
      assert.equal(await bench.read(TIDES), before);
    });

    it('refuses an answer that passes over a finding', async () => {
      await compiled();
      const runtime = stubRuntime(() => answered('a'));
      await assert.rejects(run(runtime, improving([noted('a'), noted('b')])), /must answer "b" exactly once/);
    });

    it('follows the person’s own words', async () => {
      await compiled();
      const runtime = stubRuntime((hand) => {
        assert.match(hand.given, /person: Say it in feet\./);
        return edits(RETURN, '    return 5.0', answered('person'))(hand);
      });
      const result = done(await run(runtime, improving([], 'person', 'Say it in feet.')));
      assert.deepEqual([result.changed, result.unresolved], [[TIDES], []]);
    });
  });
});
