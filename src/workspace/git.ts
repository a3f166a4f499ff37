/**
 * Commits a connector to a branch of its own without touching the person's working tree, index, current branch or
 * uncommitted work: objects and one reference are all that is written. No hook runs.
 */
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { capture, type Captured } from '../python/process-runner.ts';
import { programCandidates } from '../python/process-tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Absolute path of git, or undefined where it is not installed. */
export async function findGit(environment: Environment = process.env): Promise<string | undefined> {
  for (const file of programCandidates('git', environment)) {
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

/** Variables that would point git at another repository or index than the folder's own. */
const POINTING = /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|PREFIX)$/;
const NO_HOOKS = process.platform === 'win32' ? 'NUL' : '/dev/null';

/** A repository as seen from a folder in it. */
export class GitRepository {
  readonly top: string;
  readonly #git: string;
  readonly #environment: Environment;
  readonly #signal: AbortSignal | undefined;

  constructor(git: string, top: string, environment: Environment, signal?: AbortSignal) {
    this.#git = git;
    this.top = top;
    this.#environment = environment;
    this.#signal = signal;
  }

  /** Runs git in the repository. Resolves also on failure. */
  async try(args: readonly string[], extra: Environment = {}, input?: string): Promise<Captured> {
    const kept = Object.fromEntries(Object.entries(this.#environment).filter(([name]) => !POINTING.test(name)));
    const result = await capture({
      file: this.#git,
      args: ['-c', `core.hooksPath=${NO_HOOKS}`, '-c', 'core.fsmonitor=false', '-c', 'gc.auto=0', ...args],
      cwd: this.top,
      env: { ...kept, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', ...extra },
      timeoutMs: 120_000,
      signal: this.#signal,
      input,
    });
    if (result.cancelled) throw new SourcewrightError('cancelled', 'Cancelled.');
    return result;
  }

  /**
   * Runs git and returns what it prints, without the last newline.
   * @throws SourcewrightError `environment` with git's own words when it fails.
   */
  async run(args: readonly string[], extra: Environment = {}, input?: string): Promise<string> {
    const result = await this.try(args, extra, input);
    if (result.exitCode !== 0) {
      throw new SourcewrightError('environment', `git ${args[0] ?? ''} failed: ${result.stderr.trim().slice(0, 500)}`, {
        where: this.top,
        cure: 'Correct what git names, then resume.',
      });
    }
    return result.stdout.replace(/\n$/, '');
  }

  /** The commit a name stands for, or undefined. */
  async commitOf(name: string): Promise<string | undefined> {
    const result = await this.try(['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
    return result.exitCode === 0 ? result.stdout.trim() : undefined;
  }
}

export type FoundRepository = { readonly repository: GitRepository } | { readonly reason: string };

/** The repository whose working tree holds a folder, or why there is none, in words for the person. */
export async function findRepository(
  folder: string,
  environment: Environment = process.env,
  signal?: AbortSignal,
): Promise<FoundRepository> {
  const git = await findGit(environment);
  if (git === undefined) return { reason: 'git is not installed' };
  const here = new GitRepository(git, folder, environment, signal);
  const inside = await here.try(['rev-parse', '--is-inside-work-tree']);
  if (inside.exitCode !== 0) {
    const said = inside.stderr;
    if (said.includes('dubious ownership')) {
      return { reason: 'git does not trust this repository, as it belongs to another user (see git config safe.directory)' };
    }
    if (said.includes('not a git repository')) return { reason: 'no git repository here' };
    return { reason: `git can’t use this folder: ${said.trim().split('\n')[0] ?? ''}` };
  }
  if (inside.stdout.trim() !== 'true') return { reason: 'the folder lies in a bare repository or inside .git' };
  const top = await here.run(['rev-parse', '--show-toplevel']);
  return { repository: new GitRepository(git, top, environment, signal) };
}

/** What is committed, and where to. */
export interface CommitRequest {
  /** Absolute path of the connector's folder. */
  readonly folder: string;
  /** Its files, relative to it with forward slashes. What else the branch has below the folder is removed there. */
  readonly files: readonly string[];
  /** Name of the branch without `refs/heads/`. */
  readonly branch: string;
  readonly message: string;
  /** A line of the message that no other run's commits have: what carries it was made by this run, in an earlier sitting. */
  readonly mark?: string | undefined;
  /** Where a new branch starts; absent = at HEAD. */
  readonly startAt?: string | undefined;
}

export interface CommitOutcome {
  readonly branch: string;
  readonly commit: string;
  /** False when the branch held exactly this already, before this run. */
  readonly created: boolean;
  /** True when the whole folder is ignored by git. */
  readonly ignored: boolean;
  /** What the person should know. */
  readonly notes: string[];
}

/** The folder's path in the repository; links on the way to either are resolved by git itself. */
async function folderInRepository(repository: GitRepository, folder: string): Promise<string> {
  const there = new GitRepository((await findGit()) ?? 'git', folder, process.env);
  const prefix = await there.try(['rev-parse', '--show-prefix']);
  const found = prefix.exitCode === 0 ? prefix.stdout.trim().replace(/\/$/, '') : '';
  return found !== '' ? found : relative(repository.top, folder).split(sep).join('/');
}

/** Branches that are checked out somewhere: moving one would turn that working tree's state around. */
async function checkedOutBranches(repository: GitRepository): Promise<Set<string>> {
  const listed = await repository.try(['worktree', 'list', '--porcelain']);
  const names = [...listed.stdout.matchAll(/^branch refs\/heads\/(.+)$/gm)].map((found) => found[1] ?? '');
  const head = await repository.try(['symbolic-ref', '--quiet', '--short', 'HEAD']);
  if (head.exitCode === 0) names.push(head.stdout.trim());
  return new Set(names);
}

/** A branch name that is free to move: not checked out, and not in the way of another branch's name. */
async function freeBranch(repository: GitRepository, wanted: string, notes: string[]): Promise<string> {
  let name = wanted;
  const parent = wanted.split('/').slice(0, -1).join('/');
  if (parent !== '' && (await repository.commitOf(`refs/heads/${parent}`)) !== undefined) {
    name = wanted.replaceAll('/', '-');
    notes.push(`A branch named "${parent}" is in the way, so the connector went to "${name}".`);
  }
  const taken = await checkedOutBranches(repository);
  if (!taken.has(name)) return name;
  for (let n = 2; ; n += 1) {
    const next = `${name}-${n}`;
    if (taken.has(next)) continue;
    notes.push(`"${name}" is checked out, so it was left alone and the connector went to "${next}".`);
    return next;
  }
}

/** Name and address for the commit: the person's, or ours for this command only. */
async function identity(repository: GitRepository, notes: string[]): Promise<Environment> {
  const author = await repository.try(['var', 'GIT_AUTHOR_IDENT']);
  const committer = await repository.try(['var', 'GIT_COMMITTER_IDENT']);
  if (author.exitCode === 0 && committer.exitCode === 0) return {};
  notes.push('git has no name and address of yours (user.name, user.email), so the commit carries "Sourcewright".');
  return {
    GIT_AUTHOR_NAME: 'Sourcewright',
    GIT_AUTHOR_EMAIL: 'sourcewright@localhost',
    GIT_COMMITTER_NAME: 'Sourcewright',
    GIT_COMMITTER_EMAIL: 'sourcewright@localhost',
  };
}

/** Which of the files git would ignore; they are committed all the same, as the connector needs each. */
async function ignoredFiles(repository: GitRepository, paths: readonly string[]): Promise<string[]> {
  const result = await repository.try(['check-ignore', '--no-index', '-z', '--stdin'], {}, paths.map((path) => `${path}\0`).join(''));
  return result.exitCode === 0 ? result.stdout.split('\0').filter((path) => path !== '') : [];
}

/** Stores the files as objects and returns the lines for `update-index --index-info`. */
async function storeFiles(repository: GitRepository, request: CommitRequest, prefix: string): Promise<string> {
  const paths = request.files.map((file) => (prefix === '' ? file : `${prefix}/${file}`));
  if (paths.some((path) => path.includes('\n'))) {
    throw new SourcewrightError('environment', 'A file of the connector has a line break in its name.', {
      where: request.folder,
      cure: 'Rename the file, then resume.',
    });
  }
  const stored = await repository.run(['hash-object', '-w', '--stdin-paths'], {}, paths.map((path) => `${path}\n`).join(''));
  const objects = stored.split('\n');
  const lines: string[] = [];
  for (const [index, path] of paths.entries()) {
    const mode = await stat(join(request.folder, request.files[index] ?? ''));
    const executable = process.platform !== 'win32' && (mode.mode & 0o111) !== 0;
    lines.push(`${executable ? '100755' : '100644'} ${objects[index] ?? ''}\t${path}\0`);
  }
  return lines.join('');
}

/** Builds the tree of the commit in an index of its own. */
async function buildTree(
  repository: GitRepository,
  request: CommitRequest,
  prefix: string,
  base: string | undefined,
): Promise<string> {
  const temporary = await mkdtemp(join(tmpdir(), 'sourcewright-index-'));
  const own = { GIT_INDEX_FILE: join(temporary, 'index') };
  try {
    await repository.run(base === undefined ? ['read-tree', '--empty'] : ['read-tree', base], own);
    const below = prefix === '' ? ['ls-files', '-z'] : ['ls-files', '-z', '--', `:(top,literal)${prefix}`];
    const known = await repository.run(below, own);
    await repository.run(['update-index', '--force-remove', '-z', '--stdin'], own, known);
    await repository.run(['update-index', '--add', '-z', '--index-info'], own, await storeFiles(repository, request, prefix));
    return await repository.run(['write-tree'], own);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Commits the files on the branch, on top of what it holds. Committing the same again changes nothing.
 * @throws SourcewrightError `locked` when the branch moved meanwhile; `environment` with git's words otherwise.
 */
export async function commitToBranch(repository: GitRepository, request: CommitRequest): Promise<CommitOutcome> {
  const notes: string[] = [];
  const prefix = await folderInRepository(repository, request.folder);
  const branch = await freeBranch(repository, request.branch, notes);
  const ref = `refs/heads/${branch}`;
  const existing = await repository.commitOf(ref);
  const base = existing ?? (request.startAt === undefined ? await repository.commitOf('HEAD') : request.startAt);
  const paths = request.files.map((file) => (prefix === '' ? file : `${prefix}/${file}`));
  const ignored = await ignoredFiles(repository, paths);
  if (ignored.length > 0) {
    const all = ignored.length === paths.length;
    notes.push(
      all
        ? 'The folder is ignored by git (.gitignore); the branch holds it all the same.'
        : `Committed although .gitignore leaves them out, as the connector needs them: ${ignored.slice(0, 5).join(', ')}${ignored.length > 5 ? ` and ${ignored.length - 5} more` : ''}.`,
    );
  }
  const tree = await buildTree(repository, request, prefix, base);
  const baseTree = base === undefined ? undefined : await repository.run(['rev-parse', `${base}^{tree}`]);
  const outcome = { branch, ignored: paths.length > 0 && ignored.length === paths.length, notes };
  if (base !== undefined && tree === baseTree) {
    if (existing === undefined) await moveBranch(repository, ref, base, '');
    const ours = await isMarked(repository, base, request.mark);
    // Of a sitting that was interrupted before it could say so: said now, as if it had not been.
    if (ours) await identity(repository, notes);
    return { ...outcome, commit: base, created: ours };
  }
  const parents = base === undefined ? [] : ['-p', base];
  const author = await identity(repository, notes);
  const commit = await repository.run(['commit-tree', ...parents, '-F', '-', tree], author, request.message);
  await moveBranch(repository, ref, commit, existing ?? '');
  return { ...outcome, commit, created: true };
}

async function isMarked(repository: GitRepository, commit: string, mark: string | undefined): Promise<boolean> {
  if (mark === undefined) return false;
  const message = await repository.run(['log', '-1', '--format=%B', commit]);
  return message.split('\n').includes(mark);
}

/** Sets a branch only if it still is where it was (`''`: does not exist). */
async function moveBranch(repository: GitRepository, ref: string, to: string, from: string): Promise<void> {
  const moved = await repository.try(['update-ref', '-m', 'sourcewright: publish', ref, to, from]);
  if (moved.exitCode === 0) return;
  throw new SourcewrightError('locked', `The branch could not be moved: ${moved.stderr.trim().slice(0, 300)}`, {
    where: ref,
    cure: 'Something else moved it at the same moment. Publish again.',
    retry: true,
  });
}
