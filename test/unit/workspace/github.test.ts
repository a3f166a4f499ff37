import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRepository, type GitRepository } from '../../../src/workspace/git.ts';
import {
  compareUrl,
  findGitHubRemote,
  findLogin,
  type GitHubLogin,
  type GitHubRemote,
  openPullRequest,
  parseGitHubUrl,
  pushBranch,
  remoteDefault,
} from '../../../src/workspace/github.ts';

describe('addresses of GitHub', () => {
  for (const [url, expected] of [
    ['https://github.com/o/r.git', 'github.com/o/r'],
    ['https://token@github.com/o/r', 'github.com/o/r'],
    ['git@github.com:o/r.git', 'github.com/o/r'],
    ['ssh://git@github.com:22/o/r.name.git', 'github.com/o/r.name'],
    ['https://github.acme.test/o/r', 'github.acme.test/o/r'],
    ['https://gitlab.com/o/r.git', undefined],
    ['/srv/git/r.git', undefined],
    ['https://notgithub.com/o/r', undefined],
    ['https://evil.test/github.com/o/r', undefined],
  ] as const) {
    it(`${url} → ${expected ?? 'none'}`, () => {
      const found = parseGitHubUrl(url);
      assert.equal(found && `${found.host}/${found.owner}/${found.repo}`, expected);
    });
  }
});

describe('pull requests', function () {
  this.timeout(20_000);
  let base: string;
  let repository: GitRepository;
  let remote: GitHubRemote;
  let server: Server;
  let requests: { method: string; url: string; authorization: string | undefined; body: string }[];
  let open: object[];
  let status: number;
  let api: string;

  const environment = (more: Record<string, string> = {}): Record<string, string | undefined> => ({
    PATH: process.env['PATH'],
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    ...more,
  });
  const request = { title: 'Add', body: 'Evidence', branch: 'connector/x', draft: true };

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-hub-')));
    const run = (cwd: string, ...args: string[]): void => {
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@x.test', ...args], { cwd, env: environment(), stdio: 'pipe' });
    };
    run(base, 'init', '--quiet', '--bare', 'hub.git');
    run(base, 'init', '--quiet', '--initial-branch=main', 'repo');
    const repo = join(base, 'repo');
    run(repo, 'commit', '--quiet', '--allow-empty', '-m', 'first');
    run(repo, 'branch', 'connector/x');
    run(repo, 'remote', 'add', 'backup', '/srv/elsewhere.git');
    run(repo, 'remote', 'add', 'upstream', 'https://github.com/o/r.git');
    run(repo, 'config', `url.file://${base}/hub.git.pushInsteadOf`, 'https://github.com/o/r.git');
    const found = await findRepository(repo, environment());
    assert.ok('repository' in found);
    repository = found.repository;
    const there = await findGitHubRemote(repository);
    assert.ok(there);
    remote = there;
    requests = [];
    open = [];
    status = 201;
    server = createServer((incoming, response) => {
      let body = '';
      incoming.on('data', (chunk) => (body += String(chunk)));
      incoming.on('end', () => {
        const { method = '', url = '' } = incoming;
        requests.push({ method, url, authorization: incoming.headers.authorization, body });
        const answer = method === 'POST' ? { html_url: 'https://github.com/o/r/pull/7' } : url.includes('/pulls') ? open : { default_branch: 'trunk' };
        response.writeHead(method === 'POST' ? status : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(method === 'POST' && status >= 400 ? { message: 'No commits between trunk and connector/x' } : answer));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(base, { recursive: true, force: true, maxRetries: 3 });
  });

  async function login(): Promise<GitHubLogin> {
    const found = await findLogin('github.com', environment({ PATH: '/nowhere', GH_TOKEN: 'tok-1', GITHUB_API_URL: api }));
    assert.ok(found);
    return found;
  }

  it('finds the GitHub remote, its default branch, and no login where there is none', async () => {
    assert.deepEqual(remote, { remote: 'upstream', host: 'github.com', owner: 'o', repo: 'r' });
    assert.equal(await remoteDefault(repository, 'upstream'), undefined);
    await repository.run(['update-ref', 'refs/remotes/upstream/main', 'HEAD']);
    assert.equal((await remoteDefault(repository, 'upstream'))?.name, 'main');
    assert.equal(await findLogin('github.com', { PATH: '/nowhere' }), undefined);
    assert.equal(compareUrl(remote, 'main', 'connector/x'), 'https://github.com/o/r/compare/main...connector/x?expand=1');
  });

  it('pushes without force, and gives git’s words without the token when refused', async () => {
    assert.equal(await pushBranch(repository, remote, 'connector/x', await login()), undefined);
    await repository.run(['-c', 'user.name=A', '-c', 'user.email=a@x.test', 'commit', '--quiet', '--amend', '--allow-empty', '-m', 'other']);
    await repository.run(['branch', '--force', 'connector/x']);
    const refused = await pushBranch(repository, remote, 'connector/x', await login());
    assert.match(refused ?? '', /rejected|non-fast-forward|fetch first/);
    assert.doesNotMatch(refused ?? '', /tok-1/);
  });

  it('shows the token nowhere while it pushes, and passes on why a hook of the remote refuses', async () => {
    const hook = join(base, 'hub.git', 'hooks', 'pre-receive');
    await writeFile(hook, '#!/bin/sh\nsleep 1\necho "policy: no connectors here" >&2\nexit 1\n');
    await chmod(hook, 0o755);
    const token = 'ghp-watched-4711';
    const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
    const config = await readFile(join(base, 'repo', '.git', 'config'), 'utf8');
    const found = await findLogin('github.com', environment({ PATH: '/nowhere', GH_TOKEN: token }));
    assert.ok(found);
    const seen = new Set<string>();
    const pushed = new AbortController();
    const watching = (async () => {
      while (!pushed.signal.aborted) {
        for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
          seen.add(await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => ''));
        }
      }
    })();
    const refused = await pushBranch(repository, remote, 'connector/x', found);
    pushed.abort();
    await watching;
    assert.match(refused ?? '', /remote: policy: no connectors here\. .*pre-receive hook declined/);
    assert.ok([...seen].some((line) => line.includes('push\0--quiet')), 'the push itself was seen');
    const told = [...seen, refused ?? ''].join('\n');
    assert.ok(!told.includes(token) && !told.includes(basic));
    assert.equal(await readFile(join(base, 'repo', '.git', 'config'), 'utf8'), config);
    for (const name of await readdir(base, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      const content = await readFile(join(name.parentPath, name.name));
      assert.ok(!content.includes(token) && !content.includes(basic), name.name);
    }
  });

  it('opens one through the API, against the repository’s default branch', async () => {
    const url = await openPullRequest(repository, remote, await login(), request, environment());
    assert.equal(url, 'https://github.com/o/r/pull/7');
    const posted = requests.at(-1);
    assert.equal(posted?.url, '/repos/o/r/pulls');
    assert.equal(posted.authorization, 'Bearer tok-1');
    assert.deepEqual(JSON.parse(posted.body), { title: 'Add', body: 'Evidence', draft: true, head: 'connector/x', base: 'trunk' });
  });

  it('finds the one that is open already instead of a second', async () => {
    open = [{ html_url: 'https://github.com/o/r/pull/3' }];
    assert.equal(await openPullRequest(repository, remote, await login(), request, environment()), 'https://github.com/o/r/pull/3');
    assert.ok(requests.every((entry) => entry.method === 'GET'));
    assert.match(requests[0]?.url ?? '', /head=o%3Aconnector%2Fx/);
  });

  it('passes on GitHub’s words when it refuses', async () => {
    status = 422;
    await assert.rejects(openPullRequest(repository, remote, await login(), request, environment()), /422.*No commits between/);
  });

  it('goes through gh where that is logged in', async function () {
    if (process.platform === 'win32') return this.skip();
    const gh = join(base, 'gh');
    const script = `#!/bin/sh
echo "$@" >> ${base}/calls
case "$1 $2" in
  "auth status") exit 0;;
  "pr list") echo "[]";;
  "pr create") while read -r line; do echo "$line" >> ${base}/body; done; echo "Creating"; echo "https://github.com/o/r/pull/9";;
esac
`;
    await writeFile(gh, script);
    await chmod(gh, 0o755);
    const found = await findLogin('github.com', environment({ PATH: `${base}:/usr/bin:/bin`, GH_TOKEN: 'tok-1' }));
    assert.equal(found?.kind, 'gh');
    const url = await openPullRequest(repository, remote, found, { ...request, body: 'Evidence\n' }, environment());
    assert.equal(url, 'https://github.com/o/r/pull/9');
    const calls = await readFile(join(base, 'calls'), 'utf8');
    assert.match(calls, /pr create --repo github\.com\/o\/r --head connector\/x --title Add --body-file - --draft/);
    assert.equal(await readFile(join(base, 'body'), 'utf8'), 'Evidence\n');
  });
});
