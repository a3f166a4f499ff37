import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { commitToBranch, type CommitOutcome, findRepository, GitRepository } from '../../../src/workspace/git.ts';

/** A person's settings that must neither matter nor be needed. */
const PLAIN = { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };

describe('committing a connector', function () {
  this.timeout(20_000);
  let base: string;
  let repo: string;
  let folder: string;

  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@x.test', ...args], { cwd: repo, encoding: 'utf8', env: PLAIN, stdio: ['ignore', 'pipe', 'pipe'] }).trim();

  /** All that belongs to the person: branch, index, working tree, stash, other references. */
  const theirs = (): string =>
    [
      git('status', '--porcelain=v2', '--branch', '--untracked-files=all'),
      git('diff'),
      git('diff', '--cached'),
      git('for-each-ref', '--format=%(refname) %(objectname)').split('\n').filter((line) => !line.includes('heads/connector')).join('\n'),
      git('ls-files', '--stage', '--debug'),
    ].join('\n---\n');

  async function put(path: string, content: string): Promise<void> {
    await mkdir(join(repo, path, '..'), { recursive: true });
    await writeFile(join(repo, path), content);
  }

  async function publish(environment: Record<string, string | undefined> = PLAIN, files = ['src/a.py', 'run.sh']): Promise<CommitOutcome> {
    const found = await findRepository(folder, environment);
    assert.ok('repository' in found, 'reason' in found ? found.reason : '');
    return commitToBranch(found.repository, { folder, files, branch: 'connector/x', message: 'Add connector\n' });
  }

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-git-')));
    repo = join(base, 'repo');
    await mkdir(repo);
    folder = join(repo, 'connectors', 'source-x');
    git('init', '--quiet', '--initial-branch=main');
    await put('connectors/source-x/src/a.py', 'a = 1\n');
    await put('connectors/source-x/run.sh', '#!/bin/sh\n');
    await chmod(join(folder, 'run.sh'), 0o755);
  });
  afterEach(() => rm(base, { recursive: true, force: true, maxRetries: 3 }));

  /** A repository in the middle of somebody's work. */
  async function busy(): Promise<void> {
    await put('their.txt', 'one\n');
    await put('gone.txt', 'x\n');
    git('add', 'their.txt', 'gone.txt');
    git('commit', '--quiet', '-m', 'first');
    await put('their.txt', 'two\n');
    git('add', 'their.txt');
    await put('their.txt', 'three\n');
    await rm(join(repo, 'gone.txt'));
    await put('untracked.txt', 'x\n');
  }

  it('leaves staged, unstaged, deleted and untracked work as it is', async () => {
    await busy();
    const before = theirs();
    const outcome = await publish();
    assert.equal(outcome.created, true);
    assert.equal(theirs(), before);
    assert.equal(git('rev-parse', 'connector/x'), outcome.commit);
    assert.equal(git('rev-parse', 'connector/x^'), git('rev-parse', 'main'));
    assert.equal(
      git('diff-tree', '-r', '--name-status', 'main', 'connector/x'),
      'A\tconnectors/source-x/run.sh\nA\tconnectors/source-x/src/a.py',
    );
    assert.match(git('ls-tree', '-r', 'connector/x'), /100755 blob \w+\tconnectors\/source-x\/run\.sh/);
  });

  it('does nothing when the same is committed again, and goes on top when not', async () => {
    await busy();
    const first = await publish();
    const again = await publish();
    assert.deepEqual([again.created, again.commit], [false, first.commit]);
    await put('connectors/source-x/src/a.py', 'a = 2\n');
    const second = await publish(PLAIN, ['src/a.py']);
    assert.equal(git('rev-parse', 'connector/x^'), first.commit);
    assert.equal(
      git('diff-tree', '-r', '--name-status', first.commit, second.commit),
      'D\tconnectors/source-x/run.sh\nM\tconnectors/source-x/src/a.py',
    );
  });

  it('takes a commit of its own run for its own, as if it had not been interrupted, and no other’s', async () => {
    await busy();
    const of = async (run: string, environment: Record<string, string | undefined> = PLAIN): Promise<CommitOutcome> => {
      const found = await findRepository(folder, environment);
      assert.ok('repository' in found);
      const mark = `Sourcewright-Run: ${run}`;
      return commitToBranch(found.repository, { folder, files: ['run.sh'], branch: 'connector/x', message: `Add\n\n${mark}\n`, mark });
    };
    const first = await of('r1');
    assert.deepEqual(await of('r1'), first);
    assert.match(first.notes.join(), /no name and address/);
    assert.deepEqual(await of('r2'), { ...first, created: false, notes: [] });
  });

  it('starts a history in a repository without a commit', async () => {
    const outcome = await publish();
    assert.equal(git('log', '--format=%P', outcome.commit), '');
    assert.throws(() => git('rev-parse', '--verify', '--quiet', 'HEAD'));
    assert.equal(git('symbolic-ref', 'HEAD'), 'refs/heads/main');
  });

  it('works from a detached HEAD and leaves it detached', async () => {
    await busy();
    git('stash', 'push', '--quiet');
    git('checkout', '--quiet', '--detach');
    const before = theirs();
    const outcome = await publish();
    assert.equal(theirs(), before);
    assert.equal(git('rev-parse', `${outcome.commit}^`), git('rev-parse', 'HEAD'));
  });

  it('does not move the branch that is checked out', async () => {
    await busy();
    git('stash', 'push', '--quiet');
    git('checkout', '--quiet', '-b', 'connector/x');
    const head = git('rev-parse', 'HEAD');
    const outcome = await publish();
    assert.equal(outcome.branch, 'connector/x-2');
    assert.equal(git('rev-parse', 'HEAD'), head);
    assert.match(outcome.notes.join(), /is checked out/);
    assert.equal((await publish()).created, false);
  });

  it('does not move a branch that another worktree has checked out', async () => {
    await busy();
    git('worktree', 'add', '--quiet', '-b', 'connector/x', join(base, 'other'));
    assert.equal((await publish()).branch, 'connector/x-2');
  });

  it('works inside a linked worktree', async () => {
    await busy();
    git('worktree', 'add', '--quiet', '-b', 'side', join(base, 'side'));
    folder = join(base, 'side', 'connectors', 'source-x');
    await mkdir(join(folder, 'src'), { recursive: true });
    await writeFile(join(folder, 'src', 'a.py'), 'a = 1\n');
    const outcome = await publish(PLAIN, ['src/a.py']);
    assert.equal(git('rev-parse', 'connector/x'), outcome.commit);
  });

  it('goes beside a branch whose name is in the way', async () => {
    await busy();
    git('branch', 'connector');
    const outcome = await publish();
    assert.equal(outcome.branch, 'connector-x');
    assert.match(outcome.notes.join(), /in the way/);
  });

  it('uses a name of ours only where git has none of the person’s', async () => {
    await busy();
    const ours = await publish();
    assert.equal(git('log', '-1', '--format=%an <%ae>', ours.commit), 'Sourcewright <sourcewright@localhost>');
    assert.match(ours.notes.join(), /no name and address/);
    git('config', 'user.name', 'Grace');
    git('config', 'user.email', 'grace@x.test');
    await put('connectors/source-x/src/a.py', 'a = 3\n');
    const hers = await publish();
    assert.equal(git('log', '-1', '--format=%an <%ae>', hers.commit), 'Grace <grace@x.test>');
    assert.deepEqual(hers.notes, []);
  });

  it('commits what .gitignore leaves out, and says so', async () => {
    await busy();
    await put('.gitignore', '*.sh\n');
    const some = await publish();
    assert.match(some.notes.join(), /run\.sh/);
    assert.equal(some.ignored, false);
    await put('.gitignore', '/connectors/\n');
    await put('connectors/source-x/src/a.py', 'a = 4\n');
    const all = await publish();
    assert.equal(all.ignored, true);
    assert.match(git('show', `${all.commit}:connectors/source-x/src/a.py`), /a = 4/);
  });

  it('runs no hooks and takes no notice of variables that point elsewhere', async () => {
    await busy();
    for (const hook of ['pre-commit', 'commit-msg', 'reference-transaction', 'post-index-change']) {
      await put(`.git/hooks/${hook}`, `#!/bin/sh\ntouch ${base}/hook-ran\nexit 1\n`);
      await chmod(join(repo, '.git/hooks', hook), 0o755);
    }
    const outcome = await publish({ ...PLAIN, GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere', GIT_WORK_TREE: '/' });
    assert.equal(outcome.created, true);
    await assert.rejects(readFile(join(base, 'hook-ran')));
  });

  it('notices a branch that moves meanwhile', async () => {
    await busy();
    const first = await publish();
    await put('connectors/source-x/src/a.py', 'a = 5\n');
    class Slow extends GitRepository {
      override async try(...args: Parameters<GitRepository['try']>): ReturnType<GitRepository['try']> {
        if (args[0][0] === 'update-ref') git('update-ref', 'refs/heads/connector/x', 'main');
        return super.try(...args);
      }
    }
    const slow = new Slow(execFileSync('which', ['git'], { encoding: 'utf8' }).trim(), repo, PLAIN);
    const moving = commitToBranch(slow, { folder, files: ['src/a.py'], branch: 'connector/x', message: 'm' });
    await assert.rejects(moving, (error) => error instanceof SourcewrightError && error.code === 'locked' && error.retry);
    assert.notEqual(git('rev-parse', 'connector/x'), first.commit);
  });

  it('does not mind that somebody holds the index, and says when they hold the branch', async () => {
    await busy();
    await put('.git/index.lock', '');
    const outcome = await publish();
    assert.equal(outcome.created, true);
    await put('connectors/source-x/src/a.py', 'a = 6\n');
    await put('.git/refs/heads/connector/x.lock', '');
    await assert.rejects(
      publish(),
      (error) => error instanceof SourcewrightError && error.code === 'locked' && /x\.lock/.test(error.message),
    );
    await rm(join(repo, '.git/refs/heads/connector/x.lock'));
    assert.equal((await publish()).created, true);
  });

  it('says why there is no repository to commit to', async () => {
    const outside = await findRepository(base, { ...PLAIN, GIT_CEILING_DIRECTORIES: tmpdir() });
    assert.deepEqual(outside, { reason: 'no git repository here' });
    execFileSync('git', ['init', '--quiet', '--bare', join(base, 'bare')], { env: PLAIN });
    assert.match(JSON.stringify(await findRepository(join(base, 'bare'), PLAIN)), /bare repository/);
    assert.match(JSON.stringify(await findRepository(folder, { PATH: '/nowhere' })), /not installed/);
  });
});
