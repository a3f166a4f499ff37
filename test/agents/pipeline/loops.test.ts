import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Publication, Review, type RunView, TestReport } from '../../../src/pipeline/contracts.ts';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { approve, BEYOND, research, worthIt, write, written } from './harbour.ts';
import {
  ALL_AUTO,
  drive,
  pipelineWorld,
  type Conversations,
  type PipelineWorld,
  steps,
  why,
} from './support.ts';
import {
  acceptAll,
  BAD_CODE,
  BAD_TESTS,
  blame,
  CODE_FIXES,
  editCode,
  editTests,
  finding,
  hydra,
  lineOf,
  needsResearch,
  needsWork,
  SOUND,
  TEST_FIXES,
  TESTS,
  WELL_BEHAVED,
} from './tides.ts';

const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));

/** Requests where nothing goes wrong and nothing is left to write; tests name what differs. */
const CALM = { research: 1, 'diagnose-pass': 1, review: 1, publish: 1 };
const badCode = (): ReturnType<typeof miniConnector> => miniConnector({ 'src/tides.py': BAD_CODE });

describe('agents: loops of a run', function () {
  this.timeout(180_000);
  let w: PipelineWorld;
  afterEach(async () => {
    await w.close();
    assert.deepEqual(w.scripts.missing, []);
  });

  const asked = (expected: Record<string, number>): void => {
    assert.deepEqual(w.scripts.counts(), expected);
  };
  const begin = async (agents: Conversations, compile = () => SOUND): Promise<RunView> => {
    w = await pipelineWorld({ ...WELL_BEHAVED, ...agents }, compile);
    return drive(await w.start({ name: 'tides' }));
  };
  /** The same, with a person who accepts all that a review finds. */
  const beginAndAccept = async (agents: Conversations): Promise<RunView> => {
    w = await pipelineWorld({ ...WELL_BEHAVED, ...agents }, () => SOUND);
    return drive(await w.start({ name: 'tides', gates: { ...ALL_AUTO, review: 'ask' } }), {}, acceptAll);
  };
  const assertPublished = async (view: RunView): Promise<void> => {
    assert.equal(view.status, 'published', await why(view));
  };
  const publication = async (view: RunView): Promise<Publication> =>
    Publication.parse(await read(join(view.runDir, 'publication.json')));

  it('code bug → FIX → RERUN → pass', async () => {
    const view = await begin(
      { diagnose: [[blame('code')]], 'generate-fix': [editCode('return 1.7 +', 'return 1.5 +')] },
      badCode,
    );
    await assertPublished(view);
    assert.deepEqual((await steps(view.runDir)).slice(1, 8), [
      'generate GENERATE 1',
      'test GENERATE 1',
      'diagnose RUN 1',
      'generate FIX 2',
      'test RERUN 2',
      'diagnose RUN 2',
      'review RUN 1',
    ]);
    asked({ ...CALM, diagnose: 1, 'generate-fix': 2 });
  });

  it('test bug → FIX → pass', async () => {
    const view = await begin(
      { diagnose: [[blame('tests')]], 'test-fix': [editTests('== 9.5', '== 1.5')] },
      () => miniConnector({ 'tests/test_tides.py': BAD_TESTS }),
    );
    await assertPublished(view);
    assert.deepEqual((await steps(view.runDir)).slice(3, 6), [
      'diagnose RUN 1',
      'test FIX 2',
      'diagnose RUN 2',
    ]);
    asked({ ...CALM, diagnose: 1, 'test-fix': 2 });
    const report = TestReport.parse(await read(join(view.runDir, 'test-report.json')));
    assert.equal(report.verdict, 'passed');
  });

  it('review rejects → IMPROVE → RERUN → approve: an exact suggestion is applied without a model turn', async () => {
    const view = await begin({ review: [[needsWork(finding())], approve] });
    await assertPublished(view);
    assert.deepEqual((await steps(view.runDir)).slice(4, 9), [
      'review RUN 1',
      'generate IMPROVE 2',
      'test RERUN 2',
      'diagnose RUN 2',
      'review RUN 2',
    ]);
    asked({ ...CALM, review: 2 });
    assert.match(await readFile(join(view.connectorDir ?? '', 'src', 'tides.py'), 'utf8'), /hour > 10_000/);
  });

  it('review rejects → the generator works in what has no exact suggestion', async () => {
    const view = await beginAndAccept({
      review: [[needsWork(finding({ after: null }))], approve],
      'generate-improve': [editCode('if hour < 0:', 'if hour < 0 or hour > 9_999:')],
    });
    await assertPublished(view);
    asked({ ...CALM, review: 2, 'generate-improve': 2 });
  });

  it('a finding about a test goes to the tester, not to the generator', async () => {
    const line = lineOf(TESTS, 'assert height(noon) == 1.5');
    const weak = finding({
      file: 'tests/test_tides.py',
      startLine: line,
      endLine: line,
      category: 'tests',
      message: 'Only noon is looked at.',
      before: '    assert height(noon) == 1.5',
      after: null,
    });
    const more = 'assert height(noon) == 1.5\n    assert height(noon + 12) == 1.5';
    const view = await beginAndAccept({
      'diagnose-pass': [worthIt, worthIt],
      review: [[needsWork(weak)], approve],
      'test-fix': [editTests('assert height(noon) == 1.5', more)],
    });
    await assertPublished(view);
    assert.ok((await steps(view.runDir)).includes('test FIX 2'));
    asked({ ...CALM, 'diagnose-pass': 2, review: 2, 'test-fix': 2 });
  });

  it('needs research → REVISE → written anew', async () => {
    const question = 'Which paging do berths have?';
    const view = await begin({
      research: [research({ beyond: [] }), research({ beyond: [], summary: 'Berths come on one page.' })],
      review: [[needsResearch(question)], approve],
    });
    await assertPublished(view);
    const done = await steps(view.runDir);
    assert.ok(done.includes('research REVISE 2') && done.includes('generate GENERATE 2'), done.join());
    asked({ ...CALM, research: 2, review: 2 });
    assert.ok(w.server.messageRequests.some(({ rawBody }) => rawBody.includes(question)));
  });

  it('an agent that writes what the blueprint can’t say is given it, and the tester extends the suite', async () => {
    const tests = [
      '"""Lengths."""',
      '',
      'from src.lengths import FEET',
      '',
      '',
      'def test_feet() -> None:',
      '    """A foot."""',
      '    assert FEET == 0.3048',
      '',
    ].join('\n');
    const view = await begin({
      research: [research({ beyond: [BEYOND] })],
      generate: [
        [write('src/lengths.py', '"""Lengths."""\n\nFEET = 0.3048\n'), (request) => written(request)],
      ],
      test: [[write('tests/test_lengths.py', tests), (request) => written(request)]],
    });
    await assertPublished(view);
    asked({ ...CALM, generate: 2, test: 2 });
    assert.match(w.server.messageRequests.map(({ rawBody }) => rawBody).join(), /feet into metres/);
    const review = Review.parse(await read(join(view.runDir, 'review.json')));
    assert.deepEqual(
      review.findings.filter(({ severity }) => severity !== 'info'),
      [],
    );
  });

  describe('at its limits', () => {
    it('three fixes of the code: after each another test fails', async () => {
      const diagnose = [1, 2, 3, 4].map(() => [blame('code')]);
      const view = await begin({ diagnose, 'generate-fix': CODE_FIXES }, hydra);
      assert.equal(view.pause?.cause, 'stuck', await why(view));
      assert.match(view.pause.message, /All 3 fixes of the code are used up/);
      assert.deepEqual(view.counts, { codeFixes: 3, testFixes: 0, reviewCycles: 0, reResearch: 0 });
      asked({ research: 1, diagnose: 4, 'generate-fix': 6 });
    });

    it('three fixes of the tests: after each another test fails', async () => {
      const diagnose = [1, 2, 3, 4].map(() => [blame('tests')]);
      const view = await begin({ diagnose, 'test-fix': TEST_FIXES }, hydra);
      assert.equal(view.pause?.cause, 'stuck', await why(view));
      assert.match(view.pause.message, /All 3 fixes of the tests are used up/);
      assert.deepEqual(view.counts, { codeFixes: 0, testFixes: 3, reviewCycles: 0, reResearch: 0 });
      asked({ research: 1, diagnose: 4, 'test-fix': 6 });
    });

    it('two cycles of review: published as a draft with what is open', async () => {
      const open = [needsWork(finding({ after: null }))];
      const view = await beginAndAccept({
        review: [open, open, open],
        'generate-improve': [[(request) => written(request, false)], [(request) => written(request, false)]],
      });
      await assertPublished(view);
      assert.deepEqual(view.counts, { codeFixes: 0, testFixes: 0, reviewCycles: 2, reResearch: 0 });
      const { draft, openFindings } = await publication(view);
      assert.deepEqual([draft, openFindings.length], [true, 1]);
      asked({ ...CALM, review: 3, 'generate-improve': 2 });
    });

    it('one more research: a question that stays open makes it a draft', async () => {
      const view = await begin({
        research: [research({ beyond: [] }), research({ beyond: [], summary: 'Nothing more is told.' })],
        review: [[needsResearch('How old are the rows?')], [needsResearch('Who owns the berths?')]],
      });
      await assertPublished(view);
      assert.deepEqual(view.counts, { codeFixes: 0, testFixes: 0, reviewCycles: 0, reResearch: 1 });
      assert.equal((await publication(view)).draft, true);
      asked({ ...CALM, research: 2, review: 2 });
    });
  });

  it('stops when the same tests fail again after a fix, whatever the agent says', async () => {
    const lies = editCode('"""Tides."""', '"""Tides of the sea."""');
    const view = await begin(
      { diagnose: [[blame('code')], [blame('code')]], 'generate-fix': [lies] },
      badCode,
    );
    assert.equal(view.pause?.cause, 'stuck');
    assert.match(view.pause.message, /of no use, the same tests fail/);
    assert.equal(view.counts.codeFixes, 1);
    asked({ research: 1, diagnose: 2, 'generate-fix': 2 });
  });

  it('pauses for the environment with the agent’s cure', async () => {
    const view = await begin({ diagnose: [[blame('environment', 'Install the tide tables.')]] }, badCode);
    assert.deepEqual([view.pause?.cause, view.pause?.cure], ['environment', 'Install the tide tables.']);
    asked({ research: 1, diagnose: 1 });
  });
});
