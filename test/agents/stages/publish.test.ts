import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  Publication,
  type StageContext,
  type StageOutcome,
  type TestReport,
} from '../../../src/pipeline/contracts.ts';
import { evidenceHashes } from '../../../src/python/pytest.ts';
import { createAgentPublish } from '../../../src/stages/publish/agent.ts';
import { runDate, sectionText, withSection } from '../../../src/stages/publish/changelog.ts';
import {
  commitMessage,
  type PublicationFacts,
  pullRequestBody,
} from '../../../src/stages/publish/description.ts';
import { PublicationWords, wordProblems } from '../../../src/stages/publish/words.ts';
import { connectorWorkbench, type Workbench } from '../../unit/stages/support/context.ts';
import { miniBrief } from '../../unit/stages/support/mini-connector.ts';
import { PAUSED, stubRuntime, type StubRuntime } from './stub-runtime.ts';

const RUN = '20261121-031200-tides-3f2a';
const words = (changes: object = {}): PublicationWords => ({
  title: 'Add connector source-tides for the tides',
  summary: 'Reads the heights of the water.\n\nAll 4 tests passed.',
  changes: ['The stream user_heights is read in one page.'],
  notes: ['The key is assumed to be id.'],
  ...changes,
});

describe('the stage publish by agents', function () {
  this.timeout(300_000);
  let bench: Workbench;
  /** Neither the person's git settings nor a login of theirs. */
  const plain = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GH_TOKEN: undefined,
    GITHUB_TOKEN: undefined,
  };

  beforeEach(async () => {
    bench = await connectorWorkbench();
  });
  afterEach(() => bench.dispose());

  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: bench.workspace, encoding: 'utf8', env: plain }).trim();
  const run = (runtime: StubRuntime, context: Partial<StageContext> = {}): Promise<StageOutcome<'publish'>> =>
    createAgentPublish(bench.dependencies({ environment: plain }), runtime).run(
      bench.context({ mode: 'RUN', runId: RUN, ...context }),
    );
  async function published(runtime: StubRuntime, context: Partial<StageContext> = {}): Promise<Publication> {
    const outcome = await run(runtime, context);
    assert.equal(outcome.status, 'done', JSON.stringify(outcome));
    return Publication.parse(await bench.artifact('publication.json'));
  }
  /** The report of the stage test, about the files as they are. */
  async function tested(passed: number): Promise<void> {
    const report: TestReport = {
      schemaVersion: 1,
      verdict: 'passed',
      exitCode: 0,
      timedOut: false,
      total: passed,
      passed,
      failed: 0,
      errors: 0,
      skipped: 0,
      coverage: 87.5,
      cases: [],
      ...(await evidenceHashes(bench.connectorDir)),
      command: [],
      python: '3.11',
      startedAt: '2026-11-21T03:12:00.000Z',
      durationMs: 1,
      integrity: [],
    };
    await bench.context().writeArtifact('test-report.json', report);
  }

  it('puts the words into commit and changelog beside our evidence, and asks once', async () => {
    git('init', '--quiet', '--initial-branch=main');
    await tested(4);
    const first = await published(
      stubRuntime(({ given, toolNames, task }) => {
        assert.deepEqual([task.prompt, toolNames], ['publish', ['read']]);
        assert.match(given, /Version 0\.1\.0\. Published for the first time\.\nNot a draft\./);
        assert.match(given, /4 tests: 4 passed, 0 failed, 0 skipped; 87\.5% of the lines/);
        assert.match(given, /# Not as compiled from the template\nNothing\./);
        return words();
      }),
    );
    assert.equal(first.branch, 'connector/tides');
    const message = git('log', '-1', '--format=%B', 'connector/tides');
    assert.match(message, /^Add connector source-tides for the tides\n\nReads the heights of the water\.\n/);
    assert.match(message, /\n- The stream user_heights is read in one page\.\n/);
    assert.match(message, /\nTests: 4 of 4 passed, 87\.5% of the lines covered/);
    assert.match(
      git('log', '-1', '--format=%(trailers)', 'connector/tides'),
      new RegExp(`Sourcewright-Run: ${RUN}`),
    );
    const committed = 'connector/tides:connectors/source-tides/CHANGELOG.md';
    const changelog = git('show', committed);
    assert.match(
      changelog,
      /^# Changelog\n\n## 0\.1\.0 - 2026-11-21\n\n<!-- sourcewright-run: .* -->\n\nReads the heights/,
    );
    const second = await published(stubRuntime());
    assert.equal(second.commit, first.commit);
    assert.equal(git('show', committed), changelog);
    const later = await published(
      stubRuntime(({ given }) => {
        assert.match(given, /Published before: 0\.1\.0 - 2026-11-21\./);
        return words({ summary: 'Reads them faster.' });
      }),
      { runId: '20261122-000000-tides-0000' },
    );
    assert.notEqual(later.commit, first.commit);
    assert.deepEqual(git('show', committed).match(/^## .*$/gm), [
      '## 0.1.0 - 2026-11-22',
      '## 0.1.0 - 2026-11-21',
    ]);
  });

  it('uses the words again after a kill, and leaves what a person made of them', async () => {
    await tested(4);
    const killed = (line: string): void => {
      if (line.startsWith('Testing a clean copy')) throw new Error('killed');
    };
    await assert.rejects(
      run(
        stubRuntime(() => words()),
        { progress: killed },
      ),
      /killed/,
    );
    assert.equal((await bench.read('CHANGELOG.md')).match(/^## /gm)?.length, 1);
    await bench.write(
      'CHANGELOG.md',
      (await bench.read('CHANGELOG.md')).replace('of the water', 'of the sea'),
    );
    const publication = await published(stubRuntime());
    assert.match(publication.notes.join('\n'), /CHANGELOG\.md was left as you edited it/);
    assert.match(await bench.read('CHANGELOG.md'), /of the sea/);
  });

  it('publishes nothing with numbers of tests that the report does not know', async () => {
    await tested(4);
    const lie = words({ summary: '150 passed.' });
    await assert.rejects(run(stubRuntime(() => lie)), /"150 passed" is not what the report says/);
    await assert.rejects(bench.read('CHANGELOG.md'));
    // Changed since it was tested: no number is known.
    await bench.write('src/tides.py', `${await bench.read('src/tides.py')}\n`);
    await assert.rejects(
      run(
        stubRuntime(({ given }) => {
          assert.match(given, /has changed since its tests ran/);
          return words();
        }),
      ),
      /"4 tests passed" is not what/,
    );
  });

  it('stops where the clean copy does not bear the words out', async () => {
    await tested(5);
    const outcome = await run(stubRuntime(() => words({ summary: '5 tests passed.' })));
    assert.equal(outcome.status, 'paused');
    assert.match(JSON.stringify(outcome), /do not agree with the tests of the clean copy: .*5 tests passed/);
  });

  it('pays for no words where something must be kept back, and hands a pause on', async () => {
    await tested(4);
    assert.deepEqual(await run(stubRuntime(() => PAUSED)), PAUSED);
    const secret = ['q7Zr2Kx9Lm4', 'Wt8Vb3Ny6'].join('');
    await bench.write('README.md', `api_key = "${secret}"\n`);
    assert.match(JSON.stringify(await run(stubRuntime())), /looks like a real credential/);
  });
});

describe('the words of a publication', () => {
  const counts = { total: 5, passed: 4, failed: 0, errors: 0, skipped: 1, coverage: 87.5 };
  const token = `ghp_${'a1B2c3D4e5'.repeat(4)}`;
  const TABLE: readonly (readonly [text: string, why: RegExp | undefined])[] = [
    ['It reads 3 streams, retries on 429 and waits 60 seconds.', undefined],
    ['4 of 5 tests passed, 1 skipped, 0 failed.', undefined],
    ['5 tests, 87.5% covered (88 percent).', undefined],
    ['150 tests', /"150 tests"/],
    ['All 5 tests passed.', /"5 tests passed"/],
    ['4 of 4 tests passed.', /"4 of 4 tests passed"/],
    ['4/4 unit tests', /"4\/4 unit tests"/],
    ['1,500 of them passed', /"1,500 of them passed"/],
    ['Passed: 12', /"Passed: 12"/],
    ['tests (150)', /"tests \(150"/],
    ['2 failed', /"2 failed"/],
    ['100% covered', /"100%"/],
    ['a hundred and fifty tests', /in digits/],
    ['See https://x.test/a', /no links/],
    ['See www.x.test', /no links/],
    ['[click](x)', /no links/],
    ['Thanks, @ada', /no @mentions/],
    ['Signed-off-by: Ada', /no trailers/],
    ['Code 3f2a3f2a3f2a3f2a', /no hashes/],
    [`The token is ${token}`, /credential/],
    ['***', /must hold words/],
  ];
  for (const [text, why] of TABLE) {
    it(`${text.slice(0, 40)} → ${why === undefined ? 'good' : 'refused'}`, () => {
      const said = words({ summary: 'x', changes: [text] });
      const problems = wordProblems(said, counts, '').join('\n');
      if (why === undefined) assert.equal(problems, '');
      else assert.match(problems, why);
    });
  }

  it('keep to their lengths; a draft’s title is shorter', () => {
    assert.equal(PublicationWords.safeParse(words({ title: 'x'.repeat(73) })).success, false);
    assert.equal(PublicationWords.safeParse(words({ summary: 'x'.repeat(1501) })).success, false);
    const long = words({ title: 'x'.repeat(70), summary: 'x' });
    assert.deepEqual(wordProblems(long, counts, ''), []);
    assert.match(wordProblems(long, counts, 'Draft: ').join(), /at most 65 characters/);
    assert.match(wordProblems(words({ title: 'a\nb', summary: 'x' }), counts, '').join(), /one line/);
  });

  it('stand before our evidence, without marks, and change none of it', () => {
    const facts: PublicationFacts = {
      name: 'tides',
      brief: miniBrief(),
      report: {
        ...counts,
        schemaVersion: 1,
        verdict: 'passed',
        exitCode: 0,
        timedOut: false,
        cases: [],
        codeSha256: 'c'.repeat(64),
        testsSha256: 't'.repeat(64),
        command: [],
        python: '3.11',
        startedAt: '',
        durationMs: 1,
        integrity: [],
      },
      review: undefined,
      openFindings: ['f1'],
      draft: true,
      runId: RUN,
    };
    const said = words({
      summary: `## Loud <b>words</b> #12 ${'long '.repeat(30)}`,
      changes: ['- `a_b` _c_'],
    });
    const message = commitMessage({ ...facts, words: said });
    assert.match(
      message,
      /^Draft: Add connector source-tides for the tides\n\nLoud b words \/b #\u200b12 long/,
    );
    assert.ok(message.split('\n').every((line) => line.length <= 120));
    const evidence = (text: string): string => text.slice(text.indexOf('Generated from'));
    assert.equal(evidence(message), evidence(commitMessage(facts)));
    const body = pullRequestBody({ ...facts, words: said });
    assert.match(body, /## Changes\n- a_b c\n\n## Notes\n- The key is assumed to be id\.\n/);
    assert.ok(body.endsWith(pullRequestBody(facts)));
  });
});

describe('the changelog', () => {
  const release = { runId: RUN, version: '1.2.0', date: '2026-11-21' };
  const section = sectionText(release, words());
  const other = sectionText({ ...release, runId: 'r0', version: '1.1.0' }, words({ notes: [] }));

  it('begins with a heading and grows at the top', () => {
    assert.equal(withSection('', RUN, section, []), `# Changelog\n\n${section}`);
    assert.equal(
      withSection(`# Changelog\n\n${other}`, RUN, section, []),
      `# Changelog\n\n${section}\n${other}`,
    );
    assert.equal(withSection('# Mine\n\nText.\n', RUN, section, []), `# Mine\n\nText.\n\n${section}`);
    assert.equal(withSection(other, RUN, section, []), `# Changelog\n\n${section}\n${other}`);
  });

  it('holds a run once', () => {
    const text = `# Changelog\n\n${section}\n${other}`;
    assert.equal(withSection(text, RUN, section, []), text);
    const anew = sectionText(release, words({ summary: 'Anew.' }));
    assert.equal(withSection(text, RUN, anew, [section]), `# Changelog\n\n${anew}\n${other}`);
    assert.equal(withSection(`# Changelog\n\n${section}`, RUN, anew, [section]), `# Changelog\n\n${anew}`);
    assert.equal(withSection(text.replace('water', 'sea'), RUN, anew, [section]), undefined);
  });

  it('is dated by the run’s start', () => {
    assert.equal(runDate(RUN, ''), '2026-11-21');
    assert.equal(runDate('r1', '2026-01-02T03:04:05Z'), '2026-01-02');
  });
});
