import assert from 'node:assert/strict';
import {
  type Finding,
  Review,
  type ReviewResult,
  type StageContext,
} from '../../../src/pipeline/contracts.ts';
import { connectorEnvironment } from '../../../src/stages/connector.ts';
import { applySuggestions } from '../../../src/stages/generate/suggestions.ts';
import { createAgentReview } from '../../../src/stages/review/agent.ts';
import { TextFiles } from '../../../src/stages/text-files.ts';
import { checkReview, ReviewerVerdict } from '../../../src/stages/review/verdict.ts';
import { connectorWorkbench, type Workbench } from '../../unit/stages/support/context.ts';
import { PAUSED, stubRuntime, type StubRuntime } from './stub-runtime.ts';

const LINE = '    return 1.5 + (hour % 12) / 10';
const SECRET = ['q7Zr2Kx9Lm4', 'Wt8Vb3Ny6'].join('');

const finding = (changes: object = {}): object => ({
  file: 'src/tides.py',
  startLine: 11,
  endLine: 11,
  severity: 'warning',
  category: 'correctness',
  message: 'The tide turns every 12.4 hours.',
  before: LINE,
  after: '    return 1.5 + (hour % 12.4) / 10',
  ...changes,
});
const approve = { decision: 'approve', question: null, findings: [] };
const needsWork = (...findings: object[]): object => ({ decision: 'needs_work', question: null, findings });

describe('the stage review by agents', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  async function run(
    runtime: StubRuntime,
    context: Partial<StageContext> = {},
  ): Promise<{ result: ReviewResult; review: Review }> {
    const outcome = await createAgentReview(bench.dependencies(), runtime).run(
      bench.context({ mode: 'RUN', ...context }),
    );
    assert.equal(outcome.status, 'done', JSON.stringify(outcome));
    return {
      result: (outcome as { result: ReviewResult }).result,
      review: Review.parse(await bench.artifact('review.json')),
    };
  }
  const ofModel = (review: Review): Finding[] => review.findings.filter((one) => one.source === 'model');

  it('approves what the model approves, and says that all is template', async () => {
    const runtime = stubRuntime(({ given, toolNames, task }) => {
      assert.deepEqual([task.prompt, toolNames], ['review', ['read', 'grep']]);
      assert.match(given, /heights: GET \/heights; rows at \(root\)/);
      assert.match(given, /# How src\/ differs[^\n]*\nNothing: all of it is as compiled/);
      assert.match(given, /# Found by rules, not to be repeated\nNothing\./);
      assert.doesNotMatch(given, /Earlier reviews/);
      return approve;
    });
    assert.deepEqual((await run(runtime)).result, { decision: 'clean', findings: 0, blocking: 0 });
  });

  it('shows what is not template, adds findings with edits that apply, and drops what rules report', async () => {
    await bench.write('src/more.py', '"""More."""\n\nimport os\n');
    await bench.write('README.md', 'changed\n');
    const { result, review } = await run(
      stubRuntime(({ given }) => {
        assert.match(given, /### src\/more\.py \(new\)\n@@[^\n]*\n\+"""More\."""/);
        assert.match(given, /Not as compiled either:\n- README\.md/);
        assert.match(given, /- warning style F401 src\/more\.py:3/);
        return needsWork(
          finding(),
          finding({
            file: 'src/more.py',
            startLine: 3,
            endLine: 3,
            category: 'style',
            before: 'import os',
            after: null,
          }),
          finding({
            file: 'src/more.py',
            startLine: 3,
            endLine: 3,
            category: 'security',
            before: 'import os\n',
            after: '',
          }),
        );
      }),
    );
    assert.equal(result.decision, 'needs_work');
    assert.deepEqual(
      ofModel(review).map(({ rule, range, excerpt }) => [rule, range.file, excerpt]),
      [
        ['agent-security', 'src/more.py', 'import os'],
        ['agent-correctness', 'src/tides.py', LINE],
      ],
    );
    const applied = await applySuggestions(bench.connectorDir, ofModel(review));
    assert.equal(applied.applied.length, 2);
    assert.equal(await bench.read('src/more.py'), '"""More."""\n\n');
    assert.match(await bench.read('src/tides.py'), /hour % 12\.4/);
  });

  it('refuses a verdict about lines that read otherwise, and says what stands there', async () => {
    const wrong = needsWork(finding({ startLine: 10, endLine: 10 }));
    await assert.rejects(
      run(stubRuntime(() => wrong)),
      /src\/tides\.py:10-10: before is not what stands there \(before stands at line 11\)\. These lines read:\n {8}raise ValueError/,
    );
    await assert.rejects(bench.artifact('review.json'));
  });

  it('mutes what a person rejected, here and in later runs, and tells the model', async () => {
    const first = await run(stubRuntime(() => needsWork(finding())));
    const [found] = ofModel(first.review);
    assert.ok(found);
    const answers = [{ finding: found.id, answer: 'rejected' as const, reason: 'metres will do' }];
    await bench.context().writeArtifact('review.json', { ...first.review, answers });
    await bench.write('src/tides.py', `"""Tides."""\n\n${await bench.read('src/tides.py')}`);
    const moved = needsWork(finding({ startLine: 13, endLine: 13, message: 'Said in other words.' }));
    const second = await run(
      stubRuntime(({ given }) => {
        assert.match(
          given,
          /# Earlier reviews\n- Rejected by a person: src\/tides\.py \(correctness\): The tide turns every 12\.4 hours\. Reason: metres will do$/m,
        );
        return moved;
      }),
      { attempt: 2 },
    );
    const [again] = ofModel(second.review);
    assert.deepEqual([again?.id, again?.severity], [found.id, 'info']);
    assert.match(again?.message ?? '', /other words\. \(Rejected in an earlier run: metres will do\)/);
    assert.equal(second.review.cycle, 2);
    const elsewhere: Partial<StageContext> = {
      readArtifact: (name, schema) =>
        name.startsWith('review') ? Promise.resolve(undefined) : bench.context().readArtifact(name, schema),
    };
    const third = await run(
      stubRuntime(({ given }) => {
        assert.match(given, /Rejected by a person: src\/tides\.py \(correctness\): The tide turns/);
        return moved;
      }),
      elsewhere,
    );
    assert.equal(ofModel(third.review)[0]?.severity, 'info');
  });

  it('asks for research with the model’s question, once an attempt, and remembers that it asked', async () => {
    const question = 'Does /heights end its pages?';
    const research = { decision: 'needs_research', question, findings: [] };
    const first = await run(stubRuntime(() => research));
    assert.deepEqual([first.result.decision, first.result.question], ['needs_research', question]);
    assert.equal(first.review.decision, 'needs_research');
    // The same attempt after a kill: what was paid for is used.
    assert.equal((await run(stubRuntime())).result.decision, 'needs_research');
    const next = await run(
      stubRuntime(({ given }) => {
        assert.match(given, /Asked, and researched again since: Does \/heights end its pages\?/);
        return approve;
      }),
      { attempt: 2 },
    );
    assert.equal(next.result.decision, 'clean');
  });

  it('neither asks for nor repeats a credential', async () => {
    const line = `client_secret = "${SECRET}"`;
    await bench.write('src/leak.py', `"""Leak."""\n\n${line}\n`);
    const leak = finding({
      file: 'src/leak.py',
      startLine: 3,
      endLine: 3,
      category: 'security',
      severity: 'error',
      before: 'x',
      after: 'client_secret = load()',
    });
    const style = finding({
      file: 'src/leak.py',
      startLine: 1,
      endLine: 3,
      category: 'style',
      before: 'y',
      after: null,
    });
    const { review } = await run(stubRuntime(() => needsWork(leak, style)));
    assert.deepEqual(ofModel(review), []);
    assert.ok(review.findings.some(({ rule }) => rule === 'secret'));
    assert.ok(!JSON.stringify(review).includes(SECRET));
  });

  it('hands a pause on and writes no ledger', async () => {
    const stage = createAgentReview(
      bench.dependencies(),
      stubRuntime(() => PAUSED),
    );
    assert.deepEqual(await stage.run(bench.context({ mode: 'RUN' })), PAUSED);
    await assert.rejects(bench.artifact('review.json'));
  });

  it('says why a verdict can’t be used', async () => {
    const context = bench.context({ mode: 'RUN' });
    const environment = await connectorEnvironment(bench.dependencies(), context);
    const files = await TextFiles.read(bench.connectorDir);
    const check = (verdict: object): Promise<string[]> =>
      checkReview(ReviewerVerdict.parse(verdict), files, environment, context.signal);
    const token = `ghp_${'a1B2c3D4e5'.repeat(4)}`;
    const TABLE: readonly (readonly [object, RegExp | undefined])[] = [
      [needsWork(finding()), undefined],
      [needsWork(finding({ before: `${LINE}\r\n`, after: null })), undefined],
      [needsWork(finding({ before: LINE.trim() })), /before is not what stands there/],
      [needsWork(finding({ startLine: 90, endLine: 90 })), /has 11 lines; 90 to 90 do not exist/],
      [needsWork(finding({ file: '../x.py' })), /\.\.\/x\.py is not one of the files/],
      [needsWork(finding({ file: 'tests/test_results.json' })), /is not one of the files/],
      [needsWork(finding({ after: LINE })), /after is the same as before/],
      [
        needsWork(finding({ after: '    return (' })),
        /with after in place the file does not parse: .* \(line 11\)/,
      ],
      [needsWork(finding({ after: 'return 1' })), /does not parse/],
      [needsWork(finding({ message: token })), /credential/],
      [needsWork(finding({ after: `    x = "${token}"` })), /credential/],
      [needsWork(finding({ severity: 'info' })), /needs at least one finding/],
      [{ ...approve, findings: [finding({ severity: 'error' })] }, /approve can’t stand/],
      [{ ...approve, findings: [finding()] }, undefined],
      [{ ...approve, decision: 'needs_research' }, /needs a question/],
      [needsWork(...Array<object>(21).fill(finding())), /too many/],
    ];
    for (const [verdict, why] of TABLE) {
      const problems = (await check(verdict)).join('\n');
      if (why === undefined) assert.equal(problems, '');
      else assert.match(problems, why);
    }
    for (const changes of [{ severity: 'fatal' }, { category: 'taste' }, { startLine: 0 }, { line: 1 }]) {
      assert.equal(ReviewerVerdict.safeParse(needsWork(finding(changes))).success, false);
    }
  });

  it('lets an edit of a file off that did not parse before', async () => {
    await bench.write('src/broken.py', 'def f(:\n    pass\n');
    const context = bench.context({ mode: 'RUN' });
    const environment = await connectorEnvironment(bench.dependencies(), context);
    const files = await TextFiles.read(bench.connectorDir);
    const verdict = needsWork(
      finding({ file: 'src/broken.py', startLine: 2, endLine: 2, before: '    pass', after: '    return 1' }),
    );
    assert.deepEqual(
      await checkReview(ReviewerVerdict.parse(verdict), files, environment, context.signal),
      [],
    );
  });
});
