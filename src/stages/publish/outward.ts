/** What leaves the folder: a commit on a branch, a push, a pull request. Each looks first whether it is done already. */
import type { Publication, StageContext } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import {
  commitToBranch,
  type CommitOutcome,
  findRepository,
  type GitRepository,
} from '../../workspace/git.ts';
import {
  compareUrl,
  findGitHubRemote,
  findLogin,
  type GitHubRemote,
  openPullRequest,
  pushBranch,
  remoteDefault,
} from '../../workspace/github.ts';
import { type KnownSecret, redactText } from '../../workspace/secrets.ts';
import type { StageDependencies } from '../dependencies.ts';
import { commitMessage, type PublicationFacts, pullRequestBody, runMark, title } from './description.ts';

async function commit(
  context: StageContext,
  repository: GitRepository,
  remote: GitHubRemote | undefined,
  facts: PublicationFacts,
  files: readonly string[],
  known: readonly KnownSecret[],
): Promise<CommitOutcome> {
  const start = remote === undefined ? undefined : await remoteDefault(repository, remote.remote);
  const wanted = {
    folder: context.connectorDir,
    files,
    branch: `connector/${facts.name}`,
    message: redactText(commitMessage(facts), known),
    mark: runMark(facts),
    startAt: start?.commit,
  };
  try {
    return await commitToBranch(repository, wanted);
  } catch (error) {
    if (!(error instanceof SourcewrightError && error.code === 'locked')) throw error;
    // The branch moved between reading and writing it: once more, on top of where it is now.
    return commitToBranch(repository, wanted);
  }
}

/** Pushes and opens the request where that can be done; what is left to the person is added to the notes. */
async function request(
  d: StageDependencies,
  repository: GitRepository,
  remote: GitHubRemote | undefined,
  committed: CommitOutcome,
  facts: PublicationFacts,
  notes: string[],
  known: readonly KnownSecret[],
): Promise<string | null> {
  if (remote === undefined) {
    notes.push('No GitHub remote, so no pull request was opened.');
    return null;
  }
  if (committed.ignored) {
    notes.push('Nothing was pushed, as git ignores the connector’s folder here.');
    return null;
  }
  const environment = d.environment ?? process.env;
  const base = (await remoteDefault(repository, remote.remote))?.name ?? 'main';
  const byHand = `git push ${remote.remote} ${committed.branch}, then open ${compareUrl(remote, base, committed.branch)}`;
  const login = await findLogin(remote.host, environment);
  if (login === undefined) {
    notes.push(`No login for GitHub (gh, or GH_TOKEN), so no pull request was opened. By hand: ${byHand}`);
    return null;
  }
  const refused = await pushBranch(repository, remote, committed.branch, login);
  if (refused !== undefined) {
    notes.push(`The branch could not be pushed: ${refused} Once that is settled: ${byHand}`);
    return null;
  }
  try {
    return await openPullRequest(
      repository,
      remote,
      login,
      {
        title: redactText(title(facts), known),
        body: redactText(pullRequestBody(facts), known),
        branch: committed.branch,
        draft: facts.draft,
      },
      environment,
    );
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    notes.push(
      `The branch is pushed; the pull request could not be opened (${said}). By hand: open ${compareUrl(remote, base, committed.branch)}`,
    );
    return null;
  }
}

/** Commits and, where there is a remote and a login, pushes and asks for the merge. */
export async function toGit(
  d: StageDependencies,
  context: StageContext,
  facts: PublicationFacts,
  files: readonly string[],
  notes: string[],
  known: readonly KnownSecret[],
): Promise<Pick<Publication, 'branch' | 'commit' | 'prUrl'>> {
  const found = await findRepository(context.connectorDir, d.environment ?? process.env, context.signal);
  if ('reason' in found) {
    notes.push(`Packaged only, not committed: ${found.reason}.`);
    return { branch: null, commit: null, prUrl: null };
  }
  const { repository } = found;
  const remote = await findGitHubRemote(repository);
  context.progress('Committing to a branch of its own.');
  const committed = await commit(context, repository, remote, facts, files, known);
  notes.push(...committed.notes);
  if (!committed.created)
    notes.push(`"${committed.branch}" held exactly these files already; no new commit was made.`);
  const prUrl = await request(d, repository, remote, committed, facts, notes, known);
  return { branch: committed.branch, commit: committed.commit, prUrl };
}
