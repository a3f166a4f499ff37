import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LimitsOf } from './limits.ts';
import { type PipelineRun, Publication, Review, TestReport } from '../../../src/pipeline/contracts.ts';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { json, tool } from '../loopback/index.ts';
import { approve, BEYOND, research, words, worthIt, write, written } from './harbour.ts';
import {
  drive,
  pipelineWorld,
  type Conversations,
  type PipelineWorld,
  type ScriptedTurn,
  steps,
  why,
} from './support.ts';

const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));

const SOUND = miniConnector();
const textOf = (path: string): string => SOUND.find((file) => file.path === path)?.content ?? '';
const CODE = textOf('src/tides.py');
const TESTS = textOf('tests/test_tides.py');
/** Noon is not low water any more. */
const BAD_CODE = CODE.replace('return 1.5 +', 'return 1.7 +');
const BAD_TESTS = TESTS.replace('assert height(noon) == 1.5', 'assert height(noon) == 9.5');

const base: Conversations = {
  research: [research({ beyond: [] })],
  'diagnose-pass': [worthIt],
  review: [approve],
  publish: [words],
};

/** The Test Reviewer blames one side, for all tests that it was shown. */
const blame =
  (fault: 'code' | 'tests' | 'environment', cure: string | null = null): ScriptedTurn =>
  (request) => {
    const tests = [...new Set(request.userText.match(/tests\/[\w/]+\.py::[\w:[\]-]+/g) ?? [])];
    const evidence = tests.map((test) => ({ test, fault, because: 'src/tides.py:10 says so' }));
    return json({ verdict: fault, explanation: `It is the ${fault}.`, cure, evidence });
  };

const editCode = (from: string, to: string): ScriptedTurn[] => [
  tool('edit', { file_path: 'src/tides.py', old_string: from, new_string: to }),
  (request) => written(request),
];
const editTests = (from: string, to: string): ScriptedTurn[] => [
  tool('edit', { file_path: 'tests/test_tides.py', old_string: from, new_string: to }),
  (request) => written(request),
];

/** The line of a file of the connector, counted from 1. */
function lineOf(text: string, part: string): number {
  return text.split('\n').findIndex((line) => line.includes(part)) + 1;
}

const PLACE = lineOf(CODE, 'if hour < 0:');
function finding(changes: object = {}): object {
  return {
    file: 'src/tides.py',
    startLine: PLACE,
    endLine: PLACE,
    severity: 'warning',
    category: 'correctness',
    message: 'Hours above 23 are taken as well.',
    before: '    if hour < 0:',
    after: '    if hour < 0 or hour > 10_000:',
    ...changes,
  };
}
const needsWork = (...findings: object[]): ScriptedTurn[] => [
  json({ decision: 'needs_work', question: null, findings }),
];

describe('agents: loops of a run', function () {
  this.timeout(180_000);
  let w: PipelineWorld;
  afterEach(async () => {
    await w.close();
    assert.deepEqual(w.scripts.missing, []);
  });

  it('code bug → FIX → RERUN → pass', async () => {
    const conversations = {
      ...base,
      diagnose: [[blame('code')]],
      'generate-fix': [editCode('return 1.7 +', 'return 1.5 +')],
    };
    w = await pipelineWorld(conversations, () => miniConnector({ 'src/tides.py': BAD_CODE }));
    const view = await drive(await w.start({ name: 'tides' }));
    assert.equal(view.status, 'published', await why(view));
    assert.deepEqual((await steps(view.runDir)).slice(1, 8), [
      'generate GENERATE 1',
      'test GENERATE 1',
      'diagnose RUN 1',
      'generate FIX 2',
      'test RERUN 2',
      'diagnose RUN 2',
      'review RUN 1',
    ]);
    assert.deepEqual(w.scripts.counts(), {
      research: 1,
      diagnose: 1,
      'generate-fix': 2,
      'diagnose-pass': 1,
      review: 1,
      publish: 1,
    });
  });

  it('test bug → FIX → pass', async () => {
    const conversations = {
      ...base,
      diagnose: [[blame('tests')]],
      'test-fix': [editTests('== 9.5', '== 1.5')],
    };
    w = await pipelineWorld(conversations, () => miniConnector({ 'tests/test_tides.py': BAD_TESTS }));
    const view = await drive(await w.start({ name: 'tides' }));
    assert.equal(view.status, 'published', await why(view));
    assert.deepEqual((await steps(view.runDir)).slice(3, 6), [
      'diagnose RUN 1',
      'test FIX 2',
      'diagnose RUN 2',
    ]);
    assert.equal(w.scripts.counts()['test-fix'], 2);
    const report = TestReport.parse(await read(join(view.runDir, 'test-report.json')));
    assert.equal(report.verdict, 'passed');
  });

  it('review rejects → IMPROVE → RERUN → approve: an exact suggestion is applied without a model turn', async () => {
    const conversations = { ...base, review: [needsWork(finding()), approve] };
    w = await pipelineWorld(conversations, () => SOUND);
    const view = await drive(await w.start({ name: 'tides' }));
    assert.equal(view.status, 'published', await why(view));
    assert.deepEqual((await steps(view.runDir)).slice(4, 9), [
      'review RUN 1',
      'generate IMPROVE 2',
      'test RERUN 2',
      'diagnose RUN 2',
      'review RUN 2',
    ]);
    assert.equal(w.scripts.counts()['generate-improve'], undefined);
    assert.match(await readFile(join(view.connectorDir ?? '', 'src', 'tides.py'), 'utf8'), /hour > 10_000/);
  });

  it('review rejects → the generator works in what has no exact suggestion', async () => {
    const conversations = {
      ...base,
      review: [needsWork(finding({ after: null })), approve],
      'generate-improve': [editCode('if hour < 0:', 'if hour < 0 or hour > 9_999:')],
    };
    w = await pipelineWorld(conversations, () => SOUND);
    const view = await drive(
      await w.start({ name: 'tides', gates: { ...AUTO, review: 'ask' } }),
      {},
      acceptAll,
    );
    assert.equal(view.status, 'published', await why(view));
    assert.equal(w.scripts.counts()['generate-improve'], 2);
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
    const conversations = {
      ...base,
      'diagnose-pass': [worthIt, worthIt],
      review: [needsWork(weak), approve],
      'test-fix': [
        editTests(
          'assert height(noon) == 1.5',
          'assert height(noon) == 1.5\n    assert height(noon + 12) == 1.5',
        ),
      ],
    };
    w = await pipelineWorld(conversations, () => SOUND);
    const view = await drive(
      await w.start({ name: 'tides', gates: { ...AUTO, review: 'ask' } }),
      {},
      acceptAll,
    );
    assert.equal(view.status, 'published', await why(view));
    assert.ok((await steps(view.runDir)).includes('test FIX 2'));
    assert.equal(w.scripts.counts()['generate-improve'], undefined);
  });

  it('needs research → REVISE → written anew', async () => {
    const question = 'Which paging do berths have?';
    const asks: ScriptedTurn[] = [json({ decision: 'needs_research', question, findings: [] })];
    const conversations = {
      ...base,
      research: [research({ beyond: [] }), research({ beyond: [], summary: 'Berths come on one page.' })],
      review: [asks, approve],
    };
    w = await pipelineWorld(conversations, () => SOUND);
    const view = await drive(await w.start({ name: 'tides' }));
    assert.equal(view.status, 'published', await why(view));
    const done = await steps(view.runDir);
    assert.ok(done.includes('research REVISE 2') && done.includes('generate GENERATE 2'), done.join());
    assert.equal(w.scripts.counts()['research'], 2);
    const asked = w.server.messageRequests
      .map((request) => request.rawBody)
      .filter((body) => body.includes(question));
    assert.ok(asked.length > 0);
  });

  it('uses each limit up, exactly, and publishes a draft with what is open', async () => {
    const open = finding({ after: null });
    const conversations = {
      ...base,
      review: [needsWork(open), needsWork(open), needsWork(open)],
      'generate-improve': [[(request) => written(request, false)], [(request) => written(request, false)]],
    } satisfies Conversations;
    w = await pipelineWorld(conversations, () => SOUND);
    const view = await drive(
      await w.start({ name: 'tides', gates: { ...AUTO, review: 'ask' } }),
      {},
      acceptAll,
    );
    assert.equal(view.status, 'published', await why(view));
    assert.equal(view.counts.reviewCycles, 2);
    const publication = Publication.parse(await read(join(view.runDir, 'publication.json')));
    assert.equal(publication.draft, true);
    assert.equal(publication.openFindings.length, 1);
    assert.equal(w.scripts.counts()['review'], 3);
  });

  it('stops after three fixes of the code when each time another test fails', async () => {
    w = await pipelineWorld(LimitsOf.code(base, blame('code')), () => LimitsOf.connector());
    const view = await drive(await w.start({ name: 'tides' }));
    assert.equal(view.pause?.cause, 'stuck');
    assert.match(view.pause.message, /All 3 fixes of the code are used up/);
    assert.equal(view.counts.codeFixes, 3);
    assert.equal(w.scripts.counts()['generate-fix'], 6);
    assert.equal(w.scripts.counts()['diagnose'], 4);
  });

  it('stops when the same tests fail again after a fix, whatever the agent says', async () => {
    const lies: ScriptedTurn[] = [
      tool('edit', {
        file_path: 'src/tides.py',
        old_string: '"""Tides."""',
        new_string: '"""Tides of the sea."""',
      }),
      (request) => written(request),
    ];
    const conversations = { ...base, diagnose: [[blame('code')], [blame('code')]], 'generate-fix': [lies] };
    w = await pipelineWorld(conversations, () => miniConnector({ 'src/tides.py': BAD_CODE }));
    const view = await drive(await w.start({ name: 'tides' }));
    assert.equal(view.pause?.cause, 'stuck');
    assert.match(view.pause.message, /of no use, the same tests fail/);
    assert.equal(view.counts.codeFixes, 1);
  });

  it('pauses for the environment with the agent’s cure', async () => {
    const conversations = { ...base, diagnose: [[blame('environment', 'Install the tide tables.')]] };
    w = await pipelineWorld(conversations, () => miniConnector({ 'src/tides.py': BAD_CODE }));
    const view = await drive(await w.start({ name: 'tides' }));
    assert.deepEqual([view.pause?.cause, view.pause?.cure], ['environment', 'Install the tide tables.']);
  });

  it('an agent that writes what the blueprint can’t say is given it, and the tester extends the suite', async () => {
    const conversations = {
      ...base,
      research: [research({ beyond: [BEYOND] })],
      generate: [
        [write('src/lengths.py', '"""Lengths."""\n\nFEET = 0.3048\n'), (request) => written(request)],
      ] as ScriptedTurn[][],
      test: [
        [
          write(
            'tests/test_lengths.py',
            '"""Lengths."""\n\nfrom src.lengths import FEET\n\n\ndef test_feet() -> None:\n    """A foot."""\n    assert FEET == 0.3048\n',
          ),
          (request) => written(request),
        ],
      ] as ScriptedTurn[][],
    };
    w = await pipelineWorld(conversations, () => SOUND);
    const view = await drive(await w.start({ name: 'tides' }));
    assert.equal(view.status, 'published', await why(view));
    assert.match(w.server.messageRequests.map(({ rawBody }) => rawBody).join(), /feet into metres/);
    const review = Review.parse(await read(join(view.runDir, 'review.json')));
    assert.deepEqual(
      review.findings.filter(({ severity }) => severity !== 'info'),
      [],
    );
  });
});

const AUTO = Object.fromEntries(
  (['research', 'code', 'tests', 'review', 'draft', 'publish'] as const).map((gate) => [
    gate,
    'auto' as const,
  ]),
);

async function acceptAll(run: PipelineRun): Promise<void> {
  for (const { id, severity } of (await run.findings())?.findings ?? []) {
    if (severity !== 'info') await run.answer({ finding: id, answer: 'accepted' });
  }
}
