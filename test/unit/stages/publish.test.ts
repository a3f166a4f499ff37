import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Publication, type StageContext, type StageOutcome } from '../../../src/pipeline/contracts.ts';
import { findInterpreter } from '../../../src/python/interpreter.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';
import { PLAN_PAGE, writePlan } from '../../../src/stages/publish/plan.ts';
import { Provenance } from '../../../src/stages/publish/provenance.ts';
import { createRulesPublish } from '../../../src/stages/publish/rules.ts';
import { createRulesTest } from '../../../src/stages/test/rules.ts';
import { findGit } from '../../../src/workspace/git.ts';
import { connectorWorkbench, type Workbench } from './support/context.ts';
import { miniConnector } from './support/mini-connector.ts';

describe('the stage publish by rules', function () {
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
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@x.test', ...args], {
      cwd: bench.workspace,
      encoding: 'utf8',
      env: plain,
    }).trim();
  const run = (
    context: Partial<StageContext> = {},
    d: Partial<StageDependencies> = {},
  ): Promise<StageOutcome<'publish'>> =>
    createRulesPublish(bench.dependencies({ environment: plain, ...d })).run(
      bench.context({ mode: 'RUN', ...context }),
    );
  async function published(
    context: Partial<StageContext> = {},
    d: Partial<StageDependencies> = {},
  ): Promise<Publication> {
    const outcome = await run(context, d);
    assert.equal(outcome.status, 'done', JSON.stringify(outcome));
    return Publication.parse(await bench.artifact('publication.json'));
  }
  async function paused(why: RegExp): Promise<void> {
    const outcome = await run();
    assert.equal(outcome.status, 'paused');
    assert.match((outcome as { message: string }).message, why);
    await assert.rejects(bench.artifact('publication.json'));
  }

  it('packages only, and says so, where there is no repository', async () => {
    const publication = await published();
    assert.deepEqual([publication.branch, publication.commit, publication.prUrl], [null, null, null]);
    assert.match(publication.notes.join(), /no git repository/);
    assert.deepEqual((await readdir(join(bench.runDir, 'packages'))).sort(), [
      'source_tides-0.1.0-py3-none-any.whl',
      'source_tides-0.1.0.tar.gz',
    ]);
    assert.equal(publication.tests.verdict, 'passed');
    for (const leftover of ['dist', 'build', '.pytest_cache'])
      await assert.rejects(readdir(join(bench.connectorDir, leftover)));
  });

  it('commits exactly the connector beside the person’s work, once', async () => {
    git('init', '--quiet', '--initial-branch=main');
    await writeFile(join(bench.workspace, 'mine.txt'), 'mine');
    await bench.write('.env', 'KEY=x');
    const first = await published();
    assert.equal(first.branch, 'connector/tides');
    const committed = git('ls-tree', '-r', '--name-only', 'connector/tides').split('\n');
    const written = ['provenance.json', 'tests/test_results.json'];
    const expected = [...miniConnector().map((file) => file.path), ...written].map(
      (path) => `connectors/source-tides/${path}`,
    );
    assert.deepEqual(committed, expected.sort());
    assert.match(first.notes.join('\n'), /Left out as private: \.env/);
    const message = git('log', '-1', '--format=%B', 'connector/tides');
    assert.match(message, /4 of 4 passed/);
    assert.match(message, /Sourcewright-Run: r1/);
    // As after a kill that left the commit and nothing that tells of it.
    const second = await published();
    assert.deepEqual([second.commit, second.notes], [first.commit, first.notes]);
    await bench.write('README.md', '# Tides\n');
    await bench.write('Readme.md', '# The same to some\n');
    const third = await published({ runId: 'r2' });
    assert.notEqual(third.commit, first.commit);
    assert.match(third.notes.join('\n'), /Only one of these is kept[^]*: README\.md, Readme\.md\./);
    assert.throws(() => git('rev-parse', '--verify', '--quiet', 'HEAD'));
  });

  it('does not publish what only works where it was made', async () => {
    await bench.write('../shared.json', '1');
    await bench.write(
      'tests/test_shared.py',
      'from pathlib import Path\n\n\ndef test_shared():\n    assert (Path(__file__).parents[2] / "shared.json").exists()\n',
    );
    // A sandbox would show the tests no more than the clean copy does.
    const bare = { ...bench.dependencies(), isolation: 'off' as const };
    const tested = await createRulesTest(bare).run(bench.context({ mode: 'RERUN' }));
    assert.equal((tested as { result: { verdict: string } }).result.verdict, 'passed');
    await paused(/in a clean copy 1 of 5 tests fail/);
  });

  it('names the files that were deleted since the tests, and takes an edit as it is once it has been tested', async () => {
    const source = (await readdir(join(bench.connectorDir, 'src'))).find((name) => name === 'tides.py') ?? '';
    const text = await bench.read(`src/${source}`);
    await createRulesTest(bench.dependencies()).run(bench.context({ mode: 'RERUN' }));
    await rm(join(bench.connectorDir, 'src', source));
    await paused(/in a clean copy[^]*src\/tides\.py/);
    await bench.write(`src/${source}`, `${text}\n# By hand.\n`);
    await published();
    assert.match(await bench.read(`src/${source}`), /By hand/);
  });

  it('does not publish secrets or links, and does not repeat the secret', async () => {
    const secret = ['q7Zr2Kx9Lm4', 'Wt8Vb3Ny6'].join('');
    await bench.write('README.md', `api_key = "${secret}"\n`);
    await paused(/one place looks like a real credential: README\.md:1/);
    assert.ok(!JSON.stringify(await run()).includes(secret));
    await bench.write('README.md', 'ok\n');
    await symlink('/etc/hostname', join(bench.connectorDir, 'link'));
    await paused(/symbolic links.*link/);
  });

  it('says what is wrong when it can’t be packaged, or the package does not work', async () => {
    const project = await bench.read('pyproject.toml');
    await bench.write('pyproject.toml', project.replace('version = "0.1.0"', ''));
    await assert.rejects(run(), /could not be built[\s\S]*version/);
    await bench.write(
      'pyproject.toml',
      project.replace('only-include = ["src"]', 'only-include = ["src/tides.py"]'),
    );
    await assert.rejects(run(), /does not print its specification/);
  });

  it('carries the open findings of a draft', async () => {
    git('init', '--quiet');
    const range = { file: 'src/tides.py', startLine: 3, endLine: 3 };
    const finding = {
      id: 'f1',
      rule: 'S1',
      source: 'ruff',
      severity: 'error',
      category: 'security',
      message: 'm',
      range,
      excerpt: '',
    };
    await bench.context().writeArtifact('review.json', {
      schemaVersion: 1,
      cycle: 1,
      decision: 'needs_work',
      findings: [finding],
      answers: [],
      tools: [],
    });
    const publication = await published({ draft: true });
    assert.deepEqual([publication.draft, publication.openFindings], [true, ['f1']]);
    assert.match(git('log', '-1', '--format=%B', 'connector/tides'), /^Draft: [\s\S]*Open findings: 1/);
  });

  it('records what it was made of, by what and with which evidence, the same each time', async () => {
    git('init', '--quiet', '--initial-branch=main');
    const publication = await published();
    const there = await readFile(join(bench.connectorDir, 'provenance.json'), 'utf8');
    const record = Provenance.parse(JSON.parse(there));
    assert.equal(record.publication, undefined);
    assert.equal(record.engine, 'rules');
    for (const { path, bytes, sha256 } of record.files) {
      const content = await readFile(join(bench.connectorDir, path));
      assert.deepEqual(
        [content.length, createHash('sha256').update(content).digest('hex')],
        [bytes, sha256],
        path,
      );
    }
    assert.ok(record.files.some(({ path }) => path === 'tests/test_results.json'));
    const kept = Provenance.parse(await bench.artifact('provenance.json'));
    assert.equal(kept.publication?.commit, publication.commit);
    assert.equal(kept.publication.packages.length, 2);
    await published();
    assert.equal(await readFile(join(bench.connectorDir, 'provenance.json'), 'utf8'), there);
  });

  it('lists what would go out, and lets no file pass that was not on the list', async () => {
    const plan = await writePlan({ environment: plain }, bench.context({ mode: 'RUN' }));
    assert.equal(plan.destination.remote, null);
    assert.match(
      await readFile(join(bench.runDir, PLAN_PAGE), 'utf8'),
      /`src\/[^`]+` \| \d+ \| `[0-9a-f]{64}`/,
    );
    await writeFile(join(bench.connectorDir, 'notes.txt'), 'private\n');
    assert.match(JSON.stringify(await run()), /after the list[^"]*: notes\.txt/);
    assert.match(await readFile(join(bench.runDir, PLAN_PAGE), 'utf8'), /notes\.txt/);
  });

  it('keeps back values of the person’s environment, whatever they look like', async () => {
    await writeFile(join(bench.connectorDir, 'README.md'), 'Use correct-horse battery.\n');
    const outcome = await run({}, { environment: { ...plain, SHOP_TOKEN: 'correct-horse battery' } });
    assert.match(JSON.stringify(outcome), /README\.md:1 \(value of the environment variable SHOP_TOKEN\)/);
    assert.doesNotMatch(JSON.stringify(outcome), /correct-horse/);
  });

  describe('with a GitHub remote', () => {
    beforeEach(() => {
      git('init', '--quiet', '--initial-branch=main');
      git('commit', '--quiet', '--allow-empty', '-m', 'first');
      git('init', '--quiet', '--bare', 'hub.git');
      git('remote', 'add', 'origin', 'git@github.com:o/r.git');
      git('config', `url.file://${bench.workspace}/hub.git.pushInsteadOf`, 'git@github.com:o/r.git');
    });

    it('leaves the push to the person where there is no login', async () => {
      const publication = await published();
      assert.equal(publication.prUrl, null);
      assert.match(
        publication.notes.join(),
        /git push origin connector\/tides, then open https:\/\/github\.com\/o\/r\/compare\/main\.\.\.connector\/tides/,
      );
      assert.deepEqual(await readdir(join(bench.workspace, 'hub.git', 'refs', 'heads')), []);
    });

    it('pushes, opens one request from evidence, and not a second one', async () => {
      git('update-ref', 'refs/remotes/origin/main', 'HEAD');
      git('commit', '--quiet', '--allow-empty', '-m', 'private work');
      const posted: { title: string; body: string; head: string }[] = [];
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => (body += String(chunk)));
        request.on('end', () => {
          if (request.method === 'POST') posted.push(JSON.parse(body) as (typeof posted)[number]);
          const one = { html_url: 'https://github.com/o/r/pull/1' };
          const answer =
            request.method === 'POST'
              ? one
              : request.url?.includes('/pulls')
                ? posted.map(() => one)
                : { default_branch: 'main' };
          response.end(JSON.stringify(answer));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      // Only git is on the search path: a gh of this machine must not answer.
      const bin = join(bench.workspace, 'bin');
      await mkdir(bin);
      await symlink((await findGit()) ?? '', join(bin, 'git'));
      const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const environment = { ...plain, PATH: bin, GH_TOKEN: 'tok', GITHUB_API_URL: api };
      const pythonPath = (await findInterpreter()).path;
      try {
        const first = await published({}, { environment, pythonPath });
        const second = await published({}, { environment, pythonPath });
        assert.equal(first.prUrl, 'https://github.com/o/r/pull/1');
        assert.equal(second.prUrl, first.prUrl);
        assert.equal(posted.length, 1);
        assert.match(posted[0]?.body ?? '', /4 of 4 passed[\s\S]*heights \(one page; key: id\)/);
        assert.equal(git('--git-dir=hub.git', 'rev-parse', 'connector/tides'), first.commit);
        assert.equal(
          git('log', '--format=%s', 'connector/tides').split('\n').includes('private work'),
          false,
        );
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });

    it('does not push a folder that git ignores', async () => {
      await writeFile(join(bench.workspace, '.gitignore'), '/connectors/\n');
      const publication = await published(
        {},
        { environment: { ...plain, GH_TOKEN: 'tok', GITHUB_API_URL: 'http://127.0.0.1:9' } },
      );
      assert.match(publication.notes.join(), /Nothing was pushed/);
    });
  });

  it('refuses a folder that moved while it was tested', async () => {
    const progress = (text: string): void => {
      if (text.startsWith('Building')) void writeFile(join(bench.connectorDir, 'src/late.py'), 'x = 1\n');
    };
    const outcome = await run({ progress });
    assert.equal(outcome.status, 'paused');
    assert.match(JSON.stringify(outcome), /changed while it was being tested/);
    await rm(join(bench.runDir, 'packages'), { recursive: true });
    await mkdir(join(bench.runDir, 'packages'));
    await writeFile(join(bench.runDir, 'packages', 'old.whl'), '');
    await published();
    assert.ok(!(await readdir(join(bench.runDir, 'packages'))).includes('old.whl'));
    assert.match(
      await readFile(join(bench.connectorDir, 'tests/test_results.json'), 'utf8'),
      /"verdict": "passed"/,
    );
  });
});
