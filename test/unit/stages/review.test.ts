import { applyCorrections } from '../../../src/stages/research/corrections.ts';
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Review,
  type ReviewResult,
  type StageContext,
  type StageOutcome,
} from '../../../src/pipeline/contracts.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';
import { createRulesGenerate } from '../../../src/stages/generate/rules.ts';
import { explanationOf, RULES_FILE, RuleTexts } from '../../../src/stages/review/explain.ts';
import { openFindings } from '../../../src/stages/review/ledger.ts';
import { createRulesReview } from '../../../src/stages/review/rules.ts';
import { connectorWorkbench, type Workbench } from './support/context.ts';
import { miniBrief } from './support/mini-connector.ts';

/** What only tools see, one defect a line. */
const PLANTED = `"""Planted."""

import os
import asyncio
import subprocess
import datetime


def undocumented() -> None:
    pass


def mutable(x: list[int] = []) -> list[int]:
    """Return it."""
    return x


def shell(command: str) -> None:
    """Run it."""
    subprocess.call(command, shell=True)


async def slow() -> None:
    """Wait."""
    open("x").read()


def bare() -> None:
    """Fail silently."""
    try:
        undocumented()
    except:
        pass


def wrong() -> int:
    """Return a number."""
    return "x"


def when() -> object:
    """Return now."""
    return datetime.datetime.now()


def undefined() -> None:
    """Use a name."""
    missing_name()
`;
const SECRET = ['q7Zr2Kx9Lm4', 'Wt8Vb3Ny6'].join('');

describe('the stage review by rules', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  async function run(
    context: Partial<StageContext> = {},
    d: Partial<StageDependencies> = {},
  ): Promise<{ result: ReviewResult; review: Review }> {
    const outcome: StageOutcome<'review'> = await createRulesReview(bench.dependencies(d)).run(
      bench.context({ mode: 'RUN', ...context }),
    );
    assert.equal(outcome.status, 'done');
    return {
      result: (outcome as { result: ReviewResult }).result,
      review: Review.parse(await bench.artifact('review.json')),
    };
  }

  it('has nothing to say about clean code', async () => {
    const { result, review } = await run();
    assert.deepEqual(result, { decision: 'clean', findings: 0, blocking: 0 });
    assert.deepEqual(
      review.tools.map(({ name, passed }) => [name, passed]),
      [
        ['ruff', true],
        ['mypy', true],
      ],
    );
  });

  it('finds what ruff, mypy and the scan for secrets find, and says where', async () => {
    await bench.write('src/planted.py', PLANTED);
    await bench.write('tests/fixtures/leak.json', `{"client_secret": "${SECRET}"}\n`);
    const { result, review } = await run();
    assert.equal(result.decision, 'needs_work');
    const found = new Set(
      review.findings.map((finding) => `${finding.rule} ${finding.range.file}:${finding.range.startLine}`),
    );
    for (const expected of [
      'F401 src/planted.py:3',
      'F401 src/planted.py:4',
      'D103 src/planted.py:9',
      'B006 src/planted.py:13',
      'S602 src/planted.py:20',
      'ASYNC230 src/planted.py:25',
      'E722 src/planted.py:32',
      'swallowed-error src/planted.py:32',
      'mypy-return-value src/planted.py:38',
      'DTZ005 src/planted.py:43',
      'F821 src/planted.py:48',
      'secret tests/fixtures/leak.json:1',
    ]) {
      assert.ok(found.has(expected), `${expected} is missing in ${[...found].join(', ')}`);
    }
    assert.ok(!JSON.stringify(review).includes(SECRET), 'the secret itself is in the review');
    const severities = new Map(
      review.findings.map((finding) => [finding.rule, `${finding.severity} ${finding.category}`]),
    );
    assert.equal(severities.get('S602'), 'error security');
    assert.equal(severities.get('D103'), 'warning documentation');
    assert.equal(severities.get('F821'), 'error correctness');
  });

  it('gives the same ids for the same code, and for code that only moved', async () => {
    await bench.write('src/planted.py', PLANTED);
    const ids = async (): Promise<string[]> =>
      (await run()).review.findings.filter(({ rule }) => rule !== 'mypy-return-value').map(({ id }) => id);
    const first = await ids();
    assert.equal(new Set(first).size, first.length);
    assert.deepEqual(await ids(), first);
    await bench.write('src/planted.py', PLANTED.replace('import os\n', '# moved\n\nimport os\n'));
    assert.deepEqual(await ids(), first);
  });

  it('offers exact suggestions that IMPROVE applies, and then they are gone', async () => {
    await bench.write('src/planted.py', PLANTED);
    const { review } = await run();
    const fixable = review.findings.filter(
      (finding) => finding.suggestion !== undefined && finding.rule === 'F401',
    );
    assert.equal(fixable.length, 2);
    const feedback = { from: 'review' as const, text: '', failingTests: [], findings: fixable };
    const outcome = await createRulesGenerate(bench.dependencies()).run(
      bench.context({ mode: 'IMPROVE', feedback }),
    );
    assert.deepEqual((outcome as { result: { unresolved: string[] } }).result.unresolved, []);
    assert.doesNotMatch(await bench.read('src/planted.py'), /^import (os|asyncio)$/m);
    const after = await run({ attempt: 2 });
    assert.deepEqual(
      after.review.findings.filter((finding) => finding.rule === 'F401'),
      [],
    );
    assert.equal(after.review.cycle, 2);
  });

  it('lets rejected findings rest, in this run and in later ones', async () => {
    await bench.write('src/planted.py', '"""Planted."""\n\nimport os\n');
    const { review } = await run();
    const [finding] = review.findings;
    assert.ok(finding);
    assert.deepEqual(openFindings(review), [finding.id]);
    const answered = {
      ...review,
      answers: [{ finding: finding.id, answer: 'rejected' as const, reason: 'needed' }],
    };
    assert.deepEqual(openFindings(answered), []);
    await bench.context().writeArtifact('review.json', answered);
    const second = await run();
    assert.deepEqual([second.result.decision, second.result.blocking], ['clean', 0]);
    assert.equal(second.review.answers.length, 1);
    // Another run of the same connector has no ledger yet.
    const third = await run({
      readArtifact: (name, schema) =>
        name === 'review.json' ? Promise.resolve(undefined) : bench.context().readArtifact(name, schema),
    });
    assert.equal(third.result.decision, 'clean');
    assert.equal(third.review.findings[0]?.severity, 'info');
    assert.match(third.review.findings[0].message, /Rejected in an earlier run: needed/);
  });

  it('knows what was rejected in the last review of an earlier run, and of this connector only', async () => {
    await bench.write('src/planted.py', '"""Planted."""\n\nimport os\n');
    const { review } = await run();
    const [finding] = review.findings;
    assert.ok(finding);
    const earlier = async (name: string, connectorDir: string, reason: string): Promise<void> => {
      const dir = join(bench.workspace, '.sourcewright', 'runs', name);
      await mkdir(dir, { recursive: true });
      const answers = [{ finding: finding.id, answer: 'rejected', reason }];
      await writeFile(join(dir, 'run.json'), JSON.stringify({ connectorDir }));
      await writeFile(join(dir, 'review.json'), JSON.stringify({ ...review, answers }));
    };
    await rm(join(bench.runDir, 'review.json'));
    await earlier('a-other', `${bench.connectorDir}-other`, 'of another');
    await earlier('a-damaged', bench.connectorDir, 'damaged');
    await writeFile(join(bench.workspace, '.sourcewright', 'runs', 'a-damaged', 'review.json'), '{');
    assert.equal((await run()).result.decision, 'needs_work');
    await rm(join(bench.runDir, 'review.json'));
    await earlier('b-first', bench.connectorDir, 'said first');
    await earlier('c-second', bench.connectorDir, 'said last');
    const { result, review: later } = await run();
    assert.equal(result.decision, 'clean');
    assert.match(later.findings[0]?.message ?? '', /Rejected in an earlier run: said last/);
  });

  it('keeps ruff’s own explanations of the rules that it has findings of', async () => {
    await bench.write('src/planted.py', PLANTED);
    const { review } = await run();
    const texts = RuleTexts.parse(await bench.artifact(RULES_FILE));
    const codes = new Set(review.findings.filter(({ source }) => source === 'ruff').map(({ rule }) => rule));
    assert.deepEqual(new Set(Object.keys(texts.rules)), codes);
    for (const finding of review.findings) {
      const words = explanationOf(finding, texts);
      assert.ok(words.length > 60 && words.length < 2000, words);
      assert.doesNotMatch(words, /##|```|no longer text/);
    }
    const unused = review.findings.find(({ rule }) => rule === 'F401');
    assert.ok(unused);
    assert.match(
      explanationOf(unused, texts),
      /^ruff’s rule F401, unused-import: Checks for unused imports\./,
    );
    assert.match(explanationOf(unused, undefined), /^ruff’s rule F401 found this\./);
  });

  it('does not let an accepted finding rest while it is still there', async () => {
    await bench.write('src/planted.py', '"""Planted."""\n\nimport os\n');
    const { review } = await run();
    const answers = review.findings.map((finding) => ({ finding: finding.id, answer: 'accepted' as const }));
    await bench.context().writeArtifact('review.json', { ...review, answers });
    assert.equal((await run()).result.decision, 'needs_work');
  });

  it('is not silenced by the connector’s own configuration', async () => {
    await bench.write('src/planted.py', '"""Planted."""\n\nimport os\n');
    await bench.write(
      'pyproject.toml',
      `${await bench.read('pyproject.toml')}\n[tool.ruff]\nexclude = ["src"]\n\n[tool.ruff.lint]\nignore = ["F401"]\n`,
    );
    assert.equal((await run()).result.blocking, 1);
  });

  it('reviews code that does not parse', async () => {
    await bench.write('src/tides.py', 'def f(:\n');
    const { result, review } = await run();
    assert.equal(result.decision, 'needs_work');
    assert.ok(review.findings.some((finding) => finding.rule === 'syntax' && finding.severity === 'error'));
  });

  it('is an error where a tool can’t work, not a clean review', async () => {
    await rm(join(bench.connectorDir, 'src'), { recursive: true });
    await assert.rejects(run(), /could not review the connector/);
  });

  it('takes over what the test stages found about the suite', async () => {
    const finding = {
      id: 'x',
      rule: 'vacuous-test',
      source: 'integrity',
      severity: 'warning',
      category: 'tests',
      message: 'm',
      range: { file: 'tests/test_tides.py', startLine: 11, endLine: 13 },
      excerpt: '',
    };
    await bench.context().writeArtifact('diagnosis.json', {
      verdict: 'pass',
      explanation: '',
      evidence: [],
      vacuous: [finding],
    });
    const { review } = await run();
    assert.deepEqual(
      review.findings.map(({ rule, excerpt }) => [rule, excerpt.split('\n')[0]]),
      [['vacuous-test', 'def test_noon(noon: int) -> None:']],
    );
  });

  it('asks for research where a person struck out a fact', async () => {
    const brief = miniBrief();
    brief.blueprint.facts.push({
      subject: 'heights',
      fact: 'paging',
      value: 'none',
      confidence: 0.9,
      rule: 'r',
      evidence: [],
      status: 'struck',
    });
    await bench.context().writeArtifact('brief.json', brief);
    const { result } = await run();
    assert.equal(result.decision, 'needs_research');
    assert.match(result.question ?? '', /paging of heights/);
  });

  it('takes a claim that was struck by a correction for answered', async () => {
    const brief = miniBrief();
    const { blueprint } = applyCorrections(brief.blueprint, [
      { stream: 'heights', fact: 'primary_key', value: null },
    ]);
    assert.ok(blueprint.facts.some(({ status }) => status === 'struck'));
    await bench.context().writeArtifact('brief.json', { ...brief, blueprint });
    const { result } = await run();
    assert.notEqual(result.decision, 'needs_research');
  });
});
