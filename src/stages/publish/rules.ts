/**
 * Publishing: the tests once more in a clean copy of exactly the files that go out, packages, a branch with a commit,
 * and a pull request where GitHub and a login are there. Each outward effect looks first whether it is done already.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import {
  type Publication,
  Review,
  type Stage,
  type StageContext,
  type StageOutcome,
  TestReport,
} from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { DEFAULT_TEST_TIMEOUT_MS, evidenceHashes, RESULTS_FILE, runSuite } from '../../python/pytest.ts';
import { checkConnectorFolder, listFiles, writeInside } from '../../workspace/files.ts';
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
import { scanFiles } from '../../workspace/secrets.ts';
import { connectorEnvironment, helperScript, readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { openFindings } from '../review/ledger.ts';
import { resultsFile, toTestResult } from '../test/rules.ts';
import { commitMessage, type PublicationFacts, pullRequestBody, title } from './description.ts';
import { buildPackages } from './packages.ts';

type Paused = Extract<StageOutcome<'publish'>, { status: 'paused' }>;

function paused(message: string, cure: string): Paused {
  return { status: 'paused', cause: 'person', message, cure };
}

async function copyFiles(from: string, to: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path));
  }
}

/** What must not go out: secrets in the files, links to elsewhere. */
async function refusal(
  context: StageContext,
  files: readonly string[],
  links: readonly string[],
): Promise<Paused | undefined> {
  if (links.length > 0) {
    return paused(
      `The connector holds symbolic links, which are not published: ${links.slice(0, 5).join(', ')}.`,
      'Replace them by plain files or remove them, then resume.',
    );
  }
  const secrets = await scanFiles(context.connectorDir, files);
  if (secrets.length === 0) return undefined;
  const shown = secrets.slice(0, 5).map((hit) => `${hit.file}:${hit.line} (${hit.kind})`);
  return paused(
    `Not published, as ${secrets.length} places look like real credentials: ${shown.join(', ')}.`,
    'Remove them (and revoke them, if they are real), then resume.',
  );
}

async function testCleanCopy(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  copy: string,
): Promise<TestReport | Paused> {
  context.progress('Testing a clean copy of the files that go out.');
  const ran = await runSuite({
    connectorDir: copy,
    environment,
    runner: d.runner,
    title: `Tests of a clean copy of ${basename(context.connectorDir)}`,
    timeoutMs: d.testTimeoutMs ?? DEFAULT_TEST_TIMEOUT_MS,
    signal: context.signal,
    coverage: false,
  });
  // Coverage was measured by the stage test; it holds for the same code and tests.
  const tested = await context.readArtifact('test-report.json', TestReport);
  const same = tested?.codeSha256 === ran.codeSha256 && tested.testsSha256 === ran.testsSha256;
  const report = { ...ran, coverage: same ? tested.coverage : null };
  await context.writeArtifact('publish-test-report.json', report);
  if (report.verdict === 'passed') return report;
  const said = report.reason ?? `${report.failed + report.errors} of ${report.total} tests fail`;
  return paused(
    `Not published: in a clean copy ${said}.${same ? '' : ' The connector has changed since it was tested.'}`,
    'See publish-test-report.json. Files that the tests need may lie outside of the connector; correct that, run the stage test, then resume.',
  );
}

async function commit(
  context: StageContext,
  repository: GitRepository,
  remote: GitHubRemote | undefined,
  facts: PublicationFacts,
  files: readonly string[],
): Promise<CommitOutcome> {
  const start = remote === undefined ? undefined : await remoteDefault(repository, remote.remote);
  const wanted = {
    folder: context.connectorDir,
    files,
    branch: `connector/${facts.name}`,
    message: commitMessage(facts),
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
    notes.push(`The branch could not be pushed: ${refused} By hand: ${byHand}`);
    return null;
  }
  try {
    return await openPullRequest(
      repository,
      remote,
      login,
      { title: title(facts), body: pullRequestBody(facts), branch: committed.branch, draft: facts.draft },
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

async function toGit(
  d: StageDependencies,
  context: StageContext,
  facts: PublicationFacts,
  files: readonly string[],
  notes: string[],
): Promise<Pick<Publication, 'branch' | 'commit' | 'prUrl'>> {
  const found = await findRepository(context.connectorDir, d.environment ?? process.env, context.signal);
  if ('reason' in found) {
    notes.push(`Packaged only, not committed: ${found.reason}.`);
    return { branch: null, commit: null, prUrl: null };
  }
  const { repository } = found;
  const remote = await findGitHubRemote(repository);
  context.progress('Committing to a branch of its own.');
  const committed = await commit(context, repository, remote, facts, files);
  notes.push(...committed.notes);
  if (!committed.created)
    notes.push(`"${committed.branch}" held exactly these files already; no new commit was made.`);
  const prUrl = await request(d, repository, remote, committed, facts, notes);
  return { branch: committed.branch, commit: committed.commit, prUrl };
}

async function publish(
  d: StageDependencies,
  context: StageContext,
  scratch: string,
): Promise<StageOutcome<'publish'>> {
  const notes: string[] = [];
  const listed = await listFiles(context.connectorDir);
  const files = [...new Set([...listed.files, RESULTS_FILE])].sort();
  const refused = await refusal(context, listed.files, listed.links);
  if (refused !== undefined) return refused;
  if (listed.hidden.length > 0) notes.push(`Left out as private: ${listed.hidden.join(', ')}.`);

  const copy = join(scratch, basename(context.connectorDir));
  await copyFiles(context.connectorDir, copy, listed.files);
  const environment = await connectorEnvironment(d, context);
  const report = await testCleanCopy(d, context, environment, copy);
  if ('status' in report) return report;

  context.progress('Building wheel and sdist.');
  const empty = join(scratch, 'wheel');
  await mkdir(empty);
  const packages = await buildPackages({
    copy,
    output: join(context.runDir, 'packages'),
    environment,
    buildScript: await helperScript(d, 'build_packages.py'),
    runScript: await helperScript(d, 'run_wheel.py'),
    scratch: empty,
    signal: context.signal,
  });

  const hashes = await evidenceHashes(context.connectorDir);
  if (hashes.codeSha256 !== report.codeSha256 || hashes.testsSha256 !== report.testsSha256) {
    return paused(
      'Not published: files of the connector changed while it was being tested for publication.',
      'Let them rest, then resume.',
    );
  }
  await writeInside(context.connectorDir, RESULTS_FILE, resultsFile(report));
  const review = await context.readArtifact('review.json', Review);
  const open = review === undefined ? [] : openFindings(review);
  const facts: PublicationFacts = {
    name: basename(context.connectorDir).replace(/^source-/, ''),
    brief: await readBrief(context),
    report,
    review,
    openFindings: open,
    draft: context.draft,
    runId: context.runId,
  };
  const git = await toGit(d, context, facts, files, notes);
  const result: Publication = {
    schemaVersion: 1,
    draft: context.draft,
    ...packages,
    ...git,
    tests: toTestResult(report),
    openFindings: open,
    notes,
    at: new Date().toISOString(),
  };
  await context.writeArtifact('publication.json', result);
  context.progress(git.branch === null ? 'Packaged.' : `Packaged and committed to ${git.branch}.`);
  return { status: 'done', result };
}

/** The stage *publish* of the engine `rules`. */
export function createRulesPublish(d: StageDependencies): Stage<'publish'> {
  return {
    name: 'publish',
    async run(context: StageContext): Promise<StageOutcome<'publish'>> {
      await checkConnectorFolder(context.request.outDir, context.connectorDir);
      const scratch = await mkdtemp(join(tmpdir(), 'sourcewright-publish-'));
      try {
        return await publish(d, context, scratch);
      } finally {
        await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
      }
    },
  };
}
