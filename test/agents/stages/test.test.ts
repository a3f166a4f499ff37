import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Feedback,
  type Finding,
  type StageContext,
  type StageOutcome,
  TestReport,
  type TestResult,
} from '../../../src/pipeline/contracts.ts';
import { createAgentGenerate } from '../../../src/stages/generate/agent.ts';
import { createRulesGenerate } from '../../../src/stages/generate/rules.ts';
import { createAgentTest } from '../../../src/stages/test/agent.ts';
import { workbench, type Workbench } from '../../unit/stages/support/context.ts';
import { miniBrief, miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { type Hand, PAUSED, type Script, stubRuntime, type StubRuntime } from './stub-runtime.ts';

const NOTHING = { summary: 'Nothing.', findings: [], unresolved: [] };
const TIDES = 'src/tides.py';
const TESTS = 'tests/test_tides.py';
const MORE = 'tests/test_more.py';
const MORE_TESTS = `"""More."""

import pytest

from src import height


@pytest.mark.parametrize("hour", [2, 3, 4])
def test_rises(hour: int) -> None:
    """The water rises."""
    assert height(hour) > height(hour - 1)
    assert height(hour) < 3
`;

describe('the stage test by agents', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await workbench();
    await createRulesGenerate({ ...bench.dependencies() }).run(bench.context());
  });
  afterEach(() => bench.dispose());

  const run = (runtime: StubRuntime, context: Partial<StageContext> = {}): Promise<StageOutcome<'test'>> =>
    createAgentTest(bench.dependencies(), runtime).run(bench.context(context));
  const done = async (
    runtime: StubRuntime,
    context: Partial<StageContext> = {},
  ): Promise<{ result: TestResult; report: TestReport }> => {
    const outcome = await run(runtime, context);
    assert.equal(outcome.status, 'done', JSON.stringify(outcome));
    return {
      result: (outcome as { result: TestResult }).result,
      report: TestReport.parse(await bench.artifact('test-report.json')),
    };
  };
  const change = async (path: string, from: string, to: string): Promise<void> => {
    const text = await bench.read(path);
    assert.ok(text.includes(from), from);
    await bench.write(path, text.replace(from, to));
  };
  const edit = async (hand: Hand, path: string, from: string, to: string): Promise<void> => {
    const { isError, text } = await hand.call('edit', { file_path: path, old_string: from, new_string: to });
    assert.ok(!isError, text);
  };
  const write = async (hand: Hand, path: string, content: string): Promise<void> => {
    const { isError, text } = await hand.call('write', { file_path: path, content });
    assert.ok(!isError, text);
  };
  const feedback = (more: Partial<Feedback> = {}): Feedback => ({
    from: 'diagnose',
    text: 'The tests are at fault.',
    failingTests: [],
    findings: [],
    ...more,
  });
  const fixing = (attempt = 2, more: Partial<Feedback> = {}): Partial<StageContext> => ({
    mode: 'FIX',
    attempt,
    feedback: feedback(more),
  });
  const integrity = (report: TestReport): string[] =>
    report.integrity.map(({ rule, severity, range }) => `${rule} ${severity} ${range.file}`).sort();

  describe('GENERATE', () => {
    it('runs without a model turn where the code is as it was compiled', async () => {
      await rm(join(bench.connectorDir, 'tests/fixtures/heights.json'));
      const { result, report } = await done(stubRuntime());
      assert.deepEqual([result.verdict, result.total], ['passed', 4]);
      assert.deepEqual(report.integrity, []);
    });

    it('has the suite extended for what was written by hand, once', async () => {
      await change(TIDES, '    return 1.5 +', '    return 1.5 + 0 +');
      const runtime = stubRuntime(async (hand) => {
        assert.match(hand.given, /### src\/tides\.py\n[\s\S]*\+ {4}return 1\.5 \+ 0 \+/);
        assert.deepEqual([...hand.toolNames].sort(), [
          'edit',
          'glob',
          'grep',
          'probe_mock',
          'read',
          'run_tests',
          'web_search',
          'write',
        ]);
        await write(hand, MORE, MORE_TESTS);
        const ran = await hand.call('run_tests', { only: [MORE] });
        assert.match(ran.text, /3 tests: 3 passed/);
        return NOTHING;
      });
      const { result, report } = await done(runtime);
      assert.equal(runtime.tasks[0]?.prompt, 'test');
      assert.deepEqual([result.verdict, result.total], ['passed', 7]);
      assert.deepEqual(report.integrity, []);
      assert.equal((await done(stubRuntime(), { attempt: 2 })).result.total, 7);
    });

    it('reads nothing of what the agent says about tests', async () => {
      await change(TIDES, '1.5', '1.4');
      const claim = { summary: 'All 150 tests pass.', findings: [], unresolved: [] };
      const { result } = await done(stubRuntime(() => claim));
      assert.deepEqual([result.verdict, result.failing.length], ['failed', 3]);
    });

    it('puts back code that was changed past the tools, and finds it', async () => {
      await change(TIDES, '1.5', '1.4');
      const runtime = stubRuntime(async (hand) => {
        const refused = await hand.call('write', { file_path: TIDES, content: 'x = 1\n' });
        assert.ok(refused.isError);
        await change(TIDES, '1.4', '1.5');
        return NOTHING;
      });
      const { result, report } = await done(runtime);
      assert.equal(result.verdict, 'failed');
      assert.match(await bench.read(TIDES), /1\.4/);
      assert.deepEqual(integrity(report), [`integrity-locked error ${TIDES}`]);
      assert.match(JSON.stringify(await bench.artifact('replaced-locked-test-1.json')), /1\.5/);
    });

    it('answers the person’s words and findings about tests', async () => {
      const about: Finding = {
        id: 'f1',
        rule: 'vacuous-test',
        source: 'integrity',
        severity: 'warning',
        category: 'tests',
        message: 'It can’t fail.',
        range: { file: TESTS, startLine: 13, endLine: 15 },
        excerpt: '',
      };
      const code: Finding = { ...about, id: 'f2', category: 'style', range: { ...about.range, file: TIDES } };
      const runtime = stubRuntime((hand) => {
        assert.match(hand.given, /f1: warning vacuous-test at tests\/test_tides\.py:13-15: It can’t fail\./);
        assert.match(hand.given, /person: Test more\./);
        assert.doesNotMatch(hand.given, /f2/);
        return {
          summary: 's',
          findings: [
            { id: 'f1', fixed: false, why: 'it can' },
            { id: 'person', fixed: true, why: 'done' },
          ],
          unresolved: [],
        };
      });
      await done(runtime, {
        feedback: feedback({ from: 'person', text: 'Test more.', findings: [about, code] }),
      });
      const notes = (await bench.artifact('test-notes.json')) as { unresolved: string[] };
      assert.equal(notes.unresolved.length, 2, 'nothing was changed');
    });

    it('goes on where it was paused', async () => {
      await change(TIDES, '1.5 +', '1.5 + 0 +');
      const first = stubRuntime(async (hand) => {
        await write(hand, MORE, MORE_TESTS);
        return PAUSED;
      });
      assert.equal((await run(first)).status, 'paused');
      const second = stubRuntime((hand) => {
        assert.deepEqual(hand.task.given, first.tasks[0]?.given);
        return NOTHING;
      });
      assert.equal((await done(second)).result.total, 7);
    });
  });

  it('RERUN never asks a model', async () => {
    await change(TIDES, '1.5', '1.4');
    const { result } = await done(stubRuntime(), {
      mode: 'RERUN',
      feedback: feedback({ from: 'person', text: 'x' }),
    });
    assert.equal(result.verdict, 'failed');
  });

  describe('FIX', () => {
    /** A suite that fails through its own fault, and the report of that. */
    const wrongTest = async (): Promise<void> => {
      await change(TESTS, 'assert height(noon) == 1.5', 'assert height(noon) == 1.6\n    assert noon == 12');
      assert.equal((await done(stubRuntime(), { mode: 'RERUN' })).result.verdict, 'failed');
    };

    it('repairs a wrong test', async () => {
      await wrongTest();
      const runtime = stubRuntime(async (hand) => {
        assert.match(hand.given, /test_noon \(failed\)[\s\S]*assert 1\.5 == 1\.6/);
        assert.match(hand.given, /Not as compiled\n- tests\/test_tides\.py/);
        await edit(hand, TESTS, '1.6', '1.5');
        return NOTHING;
      });
      const { result, report } = await done(runtime, fixing());
      assert.equal(runtime.tasks[0]?.prompt, 'test-fix');
      assert.deepEqual([result.verdict, integrity(report)], ['passed', []]);
    });

    const bent: readonly [string, Script, readonly string[]][] = [
      [
        'a new skip',
        async (hand) => {
          await edit(hand, TESTS, 'def test_noon', '@pytest.mark.skip(reason="later")\ndef test_noon');
          return NOTHING;
        },
        [`integrity-skip error ${TESTS}`],
      ],
      [
        'a removed assert that was not compiled',
        async (hand) => {
          await edit(hand, TESTS, '    assert height(noon) == 1.6\n', '');
          return NOTHING;
        },
        [`integrity-removed-assert error ${TESTS}`],
      ],
      [
        'fewer cases and an edited fixture',
        async (hand) => {
          await edit(hand, TESTS, '1.6', '1.5');
          await edit(hand, TESTS, '"hour", [0, 1]', '"hour", [0]');
          await edit(hand, 'tests/fixtures/heights.json', '1.6', '1.7');
          return NOTHING;
        },
        [
          'integrity-edited-fixture error tests/fixtures/heights.json',
          `integrity-removed-test error ${TESTS}`,
        ],
      ],
      [
        'a removed test',
        async (hand) => {
          const text = await bench.read(TESTS);
          const from = text.slice(text.indexOf('def test_noon'), text.indexOf('@pytest.mark.parametrize'));
          await edit(hand, TESTS, from, '');
          return NOTHING;
        },
        [`integrity-removed-test error ${TESTS}`],
      ],
      [
        'a skip that no name gives away',
        async (hand) => {
          await edit(
            hand,
            TESTS,
            'assert height(noon) == 1.6',
            'raise __import__("unittest").SkipTest("later")',
          );
          return NOTHING;
        },
        [`integrity-skip error ${TESTS}`],
      ],
    ];
    for (const [what, script, expected] of bent) {
      it(`finds ${what}`, async () => {
        await wrongTest();
        const { result, report } = await done(stubRuntime(script), fixing());
        assert.equal(result.verdict, 'passed');
        assert.deepEqual(integrity(report), expected);
      });
    }

    it('finds what it took from the tester’s own tests, also in the runs after', async () => {
      await change(TIDES, '1.5 +', '1.5 + 0 +');
      await done(
        stubRuntime(async (hand) => {
          await write(hand, MORE, MORE_TESTS.replace('< 3', '< 1'));
          return NOTHING;
        }),
      );
      const runtime = stubRuntime(async (hand) => {
        await edit(hand, MORE, '    assert height(hour) < 1\n', '');
        return NOTHING;
      });
      const expected = [`integrity-removed-assert error ${MORE}`];
      assert.deepEqual(integrity((await done(runtime, fixing())).report), expected);
      assert.deepEqual(
        integrity((await done(stubRuntime(), { mode: 'RERUN', attempt: 3 })).report),
        expected,
      );
    });

    it('writes missing tests without a model turn', async () => {
      await done(stubRuntime());
      await rm(join(bench.connectorDir, 'tests/fixtures/heights.json'));
      await done(stubRuntime(), { mode: 'RERUN' });
      const context = fixing(3, { failingTests: [`${TESTS}::test_table[0]`] });
      assert.equal((await done(stubRuntime(), context)).result.verdict, 'passed');
    });

    it('follows the person’s words where nothing fails', async () => {
      await done(stubRuntime());
      const runtime = stubRuntime(async (hand) => {
        await write(hand, MORE, MORE_TESTS);
        return { summary: 's', findings: [{ id: 'person', fixed: true, why: 'w' }], unresolved: [] };
      });
      const { result } = await done(runtime, fixing(2, { from: 'person', text: 'Test that it rises.' }));
      assert.equal(result.total, 7);
    });
  });

  it('lets a new generation write over tests that only the tester edited', async () => {
    await change(TIDES, '1.5 +', '1.5 + 0 +');
    const tester = stubRuntime(async (hand) => {
      await edit(hand, TESTS, 'assert height(noon) == 1.5', 'assert height(noon) == 1.5 + 0');
      return NOTHING;
    });
    await done(tester);
    const newer = miniConnector({
      [TESTS]: (await bench.read(TESTS)).replace('1.5 + 0', '3.0 / 2'),
      [TIDES]: await bench.read(TIDES),
    });
    await writeFile(join(bench.runDir, 'brief.json'), JSON.stringify(miniBrief()));
    const d = bench.dependencies({ compile: () => newer });
    const outcome = await createAgentGenerate(d, stubRuntime()).run(bench.context({ attempt: 2 }));
    assert.equal(outcome.status, 'done', JSON.stringify(outcome));
    assert.match(await bench.read(TESTS), /3\.0 \/ 2/);
    const again = stubRuntime((hand) => {
      assert.match(hand.given, /again-1: tests\/test_tides\.py was compiled anew/);
      return { summary: 's', findings: [{ id: 'again-1', fixed: false, why: 'needless' }], unresolved: [] };
    });
    await createAgentTest(d, again).run(bench.context({ attempt: 2 }));
    assert.equal(again.tasks.length, 1);
  });
});
