/** Pull requests on GitHub, through `gh` where it is logged in, else through the REST API with a token. */
import { access } from 'node:fs/promises';
import { z } from 'zod';
import { capture } from '../python/process-runner.ts';
import { programCandidates } from '../python/process-tree.ts';
import type { Environment, GitRepository } from './git.ts';

export interface GitHubRemote {
  /** Name of the git remote. */
  readonly remote: string;
  readonly host: string;
  readonly owner: string;
  readonly repo: string;
}

/** Owner and repository of a remote's address, where it is one of GitHub. */
export function parseGitHubUrl(url: string): { host: string; owner: string; repo: string } | undefined {
  const found = /^(?:https?:\/\/(?:[^@/]+@)?|ssh:\/\/git@|git@|git:\/\/)([^/:]+)(?::\d+)?[/:]([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(url);
  const [host, owner, repo] = [found?.[1]?.toLowerCase(), found?.[2], found?.[3]];
  if (host === undefined || owner === undefined || repo === undefined) return undefined;
  return host === 'github.com' || host.startsWith('github.') || host.endsWith('.ghe.com')
    ? { host, owner, repo }
    : undefined;
}

/** The GitHub remote to publish to: `origin`, or else the first that is one. */
export async function findGitHubRemote(repository: GitRepository): Promise<GitHubRemote | undefined> {
  const listed = await repository.try(['remote']);
  const names = listed.stdout.split('\n').filter((name) => name !== '');
  names.sort((a, b) => Number(b === 'origin') - Number(a === 'origin'));
  for (const remote of names) {
    const url = await repository.try(['remote', 'get-url', remote]);
    const parsed = parseGitHubUrl(url.stdout.trim());
    if (parsed !== undefined) return { remote, ...parsed };
  }
  return undefined;
}

/** The remote's default branch as last fetched: where a new branch starts, so that a request holds nothing else. */
export async function remoteDefault(
  repository: GitRepository,
  remote: string,
): Promise<{ name: string; commit: string } | undefined> {
  const head = await repository.try(['symbolic-ref', '--quiet', '--short', `refs/remotes/${remote}/HEAD`]);
  const candidates = head.exitCode === 0 ? [head.stdout.trim()] : [`${remote}/main`, `${remote}/master`];
  for (const name of candidates) {
    const commit = await repository.commitOf(`refs/remotes/${name}`);
    if (commit !== undefined) return { name: name.slice(remote.length + 1), commit };
  }
  return undefined;
}

/** How pull requests can be opened from here. */
export type GitHubLogin =
  | { readonly kind: 'gh'; readonly file: string }
  | { readonly kind: 'token'; readonly token: string; readonly api: string };

/** The login that exists on this machine, or undefined. */
export async function findLogin(host: string, environment: Environment): Promise<GitHubLogin | undefined> {
  for (const file of programCandidates('gh', environment)) {
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (!found) continue;
    const status = await capture({
      file,
      args: ['auth', 'status', '--hostname', host],
      cwd: '/',
      env: environment,
      timeoutMs: 20_000,
    }).catch(() => undefined);
    if (status?.exitCode === 0) return { kind: 'gh', file };
  }
  const token = environment['GH_TOKEN'] ?? environment['GITHUB_TOKEN'];
  if (token === undefined || token === '') return undefined;
  const api =
    environment['GITHUB_API_URL'] ?? (host === 'github.com' ? 'https://api.github.com' : `https://${host}/api/v3`);
  return { kind: 'token', token, api: api.replace(/\/+$/, '') };
}

/** What git printed, as one sentence: its lines are padded and begin with `remote:` and `error:`. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  return lines
    .filter((line) => line !== '' && !line.startsWith('To '))
    .map((line) => (/[.!?]$/.test(line) ? line : `${line}.`))
    .join(' ')
    .slice(0, 500);
}

/** Pushes a branch without force. Returns git's words when it was refused. The token never stands in an argument. */
export async function pushBranch(
  repository: GitRepository,
  remote: GitHubRemote,
  branch: string,
  login: GitHubLogin,
): Promise<string | undefined> {
  const basic = login.kind === 'token' ? Buffer.from(`x-access-token:${login.token}`).toString('base64') : '';
  // In the environment of this one command: neither in its arguments, nor in any file, nor in a trace of git's.
  const header: Environment =
    login.kind === 'token'
      ? {
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: `http.https://${remote.host}/.extraHeader`,
          GIT_CONFIG_VALUE_0: `Authorization: basic ${basic}`,
          GIT_CURL_VERBOSE: undefined,
          GIT_TRACE: undefined,
          GIT_TRACE_CURL: undefined,
          GIT_TRACE_PACKET: undefined,
          GIT_TRACE2: undefined,
          GIT_TRACE2_EVENT: undefined,
        }
      : {};
  const args = ['push', '--quiet', '--no-verify', remote.remote, `refs/heads/${branch}:refs/heads/${branch}`];
  const pushed = await repository.try(args, header);
  if (pushed.exitCode === 0) return undefined;
  const said = oneLine(pushed.stderr) || 'no reason given.';
  const clean = said.replace(/(\w:\/\/)[^@/\s]+@/g, '$1');
  return login.kind === 'token' ? clean.replaceAll(login.token, '***').replaceAll(basic, '***') : clean;
}

export interface PullRequest {
  readonly title: string;
  readonly body: string;
  readonly branch: string;
  readonly draft: boolean;
}

const PullList = z.array(z.object({ html_url: z.string() }));
const Repo = z.object({ default_branch: z.string() });
const GhList = z.array(z.object({ url: z.string() }));

async function callApi(login: GitHubLogin & { kind: 'token' }, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${login.api}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      Accept: 'application/vnd.github+json',
      Authorization: `Bearer ${login.token}`,
      'User-Agent': 'sourcewright',
      'X-GitHub-Api-Version': '2022-11-28',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`GitHub answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

async function throughApi(login: GitHubLogin & { kind: 'token' }, remote: GitHubRemote, request: PullRequest): Promise<string> {
  const base = `/repos/${encodeURIComponent(remote.owner)}/${encodeURIComponent(remote.repo)}`;
  const head = encodeURIComponent(`${remote.owner}:${request.branch}`);
  const open = PullList.parse(await callApi(login, `${base}/pulls?state=open&head=${head}`));
  if (open[0] !== undefined) return open[0].html_url;
  const { default_branch } = Repo.parse(await callApi(login, base));
  const { title, body, draft, branch } = request;
  const created = await callApi(login, `${base}/pulls`, { title, body, draft, head: branch, base: default_branch });
  return z.object({ html_url: z.string() }).parse(created).html_url;
}

async function throughGh(file: string, repository: GitRepository, remote: GitHubRemote, request: PullRequest, environment: Environment): Promise<string> {
  const gh = async (args: readonly string[], input?: string): Promise<string> => {
    const env = { ...environment, GH_PROMPT_DISABLED: '1', NO_COLOR: '1' };
    const result = await capture({ file, args, cwd: repository.top, env, timeoutMs: 60_000, input });
    if (result.exitCode !== 0) throw new Error(`gh ${args[0] ?? ''} ${args[1] ?? ''} failed: ${result.stderr.trim().slice(0, 300)}`);
    return result.stdout.trim();
  };
  const where = ['--repo', `${remote.host}/${remote.owner}/${remote.repo}`, '--head', request.branch];
  const open = GhList.parse(JSON.parse(await gh(['pr', 'list', ...where, '--state', 'open', '--json', 'url'])));
  if (open[0] !== undefined) return open[0].url;
  const draft = request.draft ? ['--draft'] : [];
  const printed = await gh(['pr', 'create', ...where, '--title', request.title, '--body-file', '-', ...draft], request.body);
  return /https?:\/\/\S+/.exec(printed)?.[0] ?? printed;
}

/**
 * Opens a pull request for a branch that was pushed, or finds the one that is open already.
 * @throws Error with GitHub's words; the token is not in it.
 */
export function openPullRequest(
  repository: GitRepository,
  remote: GitHubRemote,
  login: GitHubLogin,
  request: PullRequest,
  environment: Environment,
): Promise<string> {
  return login.kind === 'gh'
    ? throughGh(login.file, repository, remote, request, environment)
    : throughApi(login, remote, request);
}

/** Page on which a person opens the request by hand. */
export function compareUrl(remote: GitHubRemote, base: string, branch: string): string {
  return `https://${remote.host}/${remote.owner}/${remote.repo}/compare/${base}...${branch}?expand=1`;
}
