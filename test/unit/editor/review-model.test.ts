import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DETAIL_CHARACTERS, MAX_ROWS, reviewModel } from '../../../src/editor/panels/models/review-model.ts';
import type { Finding, FindingAnswer, Remark, RunView } from '../../../src/pipeline/contracts.ts';
import { ReviewAction, ReviewModel } from '../../../src/webview/review/contract.ts';
import { matching, openDrafts } from '../../../src/webview/review/filter.ts';
import { finding } from '../pipeline/scripted.ts';

describe('the model of the review panel', () => {
  let runDir = '';
  beforeEach(async () => {
    runDir = await mkdtemp(join(tmpdir(), 'sourcewright-review-model-'));
  });
  afterEach(() => rm(runDir, { recursive: true, force: true }));

  async function model(
    findings: readonly Finding[],
    answers: readonly FindingAnswer[] = [],
    changes: Partial<RunView> = {},
  ): Promise<ReviewModel> {
    const review = { schemaVersion: 1, cycle: 1, decision: 'needs_work', findings, answers, tools: [] };
    await writeFile(join(runDir, 'review.json'), JSON.stringify(review));
    const view = { runDir, connectorName: 'shop', gate: 'review', status: 'waiting', ...changes };
    return ReviewModel.parse(await reviewModel(view as RunView));
  }
  const discuss = (remarks: readonly Remark[]): Promise<void> =>
    writeFile(join(runDir, 'discussion.json'), JSON.stringify({ schemaVersion: 1, remarks }));

  it('lists the gravest open ones first, with suggestion, answer and words', async () => {
    await discuss([{ finding: 'note', by: 'person', text: 'Why?', at: '2026-01-01T00:00:00Z' }]);
    const shown = await model(
      [
        finding('note', { severity: 'info' }),
        finding('done'),
        finding('open', { severity: 'error' }),
        finding('warning', { severity: 'warning' }),
      ],
      [{ finding: 'done', answer: 'rejected', reason: 'Wanted.' }],
    );
    assert.deepEqual(
      shown.findings.map(({ id }) => id),
      ['open', 'warning', 'note', 'done'],
    );
    assert.deepEqual(shown.open, { error: 1, warning: 1, info: 1 });
    assert.equal(shown.answered, 1);
    assert.deepEqual(shown.findings[3]?.answer, { answer: 'rejected', reason: 'Wanted.' });
    assert.equal(shown.findings[2]?.detail?.remarks[0]?.text, 'Why?');
    assert.deepEqual(shown.findings[0]?.detail?.suggestion?.lines, [
      { sign: '-', text: 'assert x' },
      { sign: '+', text: 'check(x)' },
    ]);
    assert.deepEqual(shown.kinds, [{ rule: 'S101', open: 2 }]);
    assert.equal(shown.finish?.label, 'Finish Review');
  });

  it('keeps 2,000 long findings within bounds and counts what it leaves out', async () => {
    const long = 'x'.repeat(600);
    const range = { file: 'src/a.py', startLine: 1, endLine: 12 };
    const many = Array.from({ length: 2000 }, (_, at) =>
      finding(`f${at}`, {
        message: long,
        excerpt: Array.from({ length: 12 }, () => long).join('\n'),
        suggestion: { range, before: 'x = 1\n'.repeat(200), after: '', title: long },
      }),
    );
    const begun = performance.now();
    const shown = await model(many);
    const ms = performance.now() - begun;
    assert.equal(shown.findings.length, MAX_ROWS);
    assert.equal(shown.more, 1000);
    assert.equal(shown.open.error, 2000);
    const size = JSON.stringify(shown).length;
    assert.ok(size < DETAIL_CHARACTERS + MAX_ROWS * 800, `${size} characters`);
    assert.ok(shown.findings[0]?.detail !== null && shown.findings[999]?.detail === null);
    assert.ok(ms < 5000, `took ${Math.round(ms)} ms`);
  });

  it('shows findings where the discussion is damaged, and says what is wrong', async () => {
    await writeFile(join(runDir, 'discussion.json'), '{"remarks": 1');
    const shown = await model([finding('one')]);
    assert.equal(shown.findings.length, 1);
    assert.match(shown.problem, /can’t be shown.*discussion\.json/);
  });

  it('says what can be done: nothing without a review or away from its gate', async () => {
    const none = ReviewModel.parse(await reviewModel({ runDir, connectorName: 'shop' } as RunView));
    assert.equal(none.state, 'The run has not been reviewed yet.');
    const later = await model([finding('one')], [], { gate: null, status: 'published' });
    assert.deepEqual([later.canAnswer, later.finish], [false, null]);
    assert.equal((await model([], [], { gate: 'draft' })).finish?.label, 'Publish as Draft');
  });

  it('is filtered by severity, file, answer and text', async () => {
    const { findings } = await model(
      [finding('one'), finding('two', { severity: 'warning', message: 'Look HERE' })],
      [{ finding: 'one', answer: 'accepted' }],
    );
    const ids = (change: object): string[] =>
      matching(findings, { severity: '', file: '', state: 'all', text: '', ...change }).map(({ id }) => id);
    assert.deepEqual(ids({}), ['two', 'one']);
    assert.deepEqual(ids({ state: 'open' }), ['two']);
    assert.deepEqual(ids({ state: 'answered' }), ['one']);
    assert.deepEqual(ids({ severity: 'warning' }), ['two']);
    assert.deepEqual(ids({ text: ' here ' }), ['two']);
    assert.deepEqual(ids({ file: 'src/other.py' }), []);
  });

  it('keeps half-typed words until the model shows what came of them', async () => {
    const draft = { mode: 'reject' as const, text: 'because', sentAfter: null };
    const drafts = { one: draft, two: { ...draft, sentAfter: 0 }, gone: draft };
    const before = await model([finding('one'), finding('two')]);
    assert.deepEqual(Object.keys(openDrafts(drafts, before)), ['one', 'two']);
    const after = await model([finding('one'), finding('two')], [{ finding: 'two', answer: 'rejected' }]);
    assert.deepEqual(Object.keys(openDrafts(drafts, after)), ['one']);
  });

  it('takes no action that is too large or unknown', () => {
    assert.equal(
      ReviewAction.safeParse({ type: 'reply', finding: 'a', text: 'x'.repeat(4001) }).success,
      false,
    );
    assert.equal(ReviewAction.safeParse({ type: 'accept', finding: 'x'.repeat(101) }).success, false);
    assert.equal(ReviewAction.safeParse({ type: 'delete', finding: 'a' }).success, false);
  });
});
