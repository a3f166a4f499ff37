/** The runs of a workspace, found by looking at their folders: there is no index that could be wrong. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import { NO_USAGE, RunView } from '../pipeline/contracts.ts';
import { JOURNAL_FILE } from '../pipeline/journal.ts';
import { readRunView } from '../pipeline/read-run.ts';
import { RUN_FILE } from '../pipeline/run-files.ts';
import { fileError, systemCode } from './files.ts';
import { lockHolder } from './lock.ts';
import { runLockPath, runsDir } from './run-folders.ts';

/** Names of the run folders, newest first: their names begin with the time. */
async function runNames(workspace: string): Promise<string[]> {
  const folder = runsDir(workspace);
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    return names.sort().reverse();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'list', folder);
  }
}

/** The view that the run wrote last, if it can be read, and whether the journal says more than it. */
async function storedView(runDir: string): Promise<{ view: RunView; behind: boolean } | undefined> {
  try {
    const path = join(runDir, RUN_FILE);
    const [content, written] = await Promise.all([readFile(path, 'utf8'), modified(path)]);
    const view = RunView.safeParse(JSON.parse(content)).data;
    // Without its journal a run can't go on, whatever it wrote about itself.
    const journal = await modified(join(runDir, JOURNAL_FILE)).catch(() => Infinity);
    // What was written in the future says nothing about its order: the clock was set back since.
    return view === undefined ? undefined : { view, behind: journal > written || written > Date.now() };
  } catch {
    return undefined;
  }
}

async function modified(path: string): Promise<number> {
  return (await stat(path)).mtimeMs;
}

async function isHeld(runDir: string): Promise<boolean> {
  try {
    return (await lockHolder(runLockPath(runDir))) !== undefined;
  } catch {
    return false;
  }
}

/**
 * How a run stands: as its living process says, else as its journal says. Never throws: a damaged run is `failed` with
 * what is wrong with it.
 */
export async function viewRun(runDir: string): Promise<RunView> {
  return atHome(runDir, await viewAsWritten(runDir));
}

/**
 * Without its folders where a run was started elsewhere: what came with a repository, or was copied, could name any folder of
 * this machine as its connector's.
 */
async function atHome(runDir: string, view: RunView): Promise<RunView> {
  const here = resolve(runDir, '..', '..', '..');
  const [real, said] = await Promise.all(
    [here, view.workspace].map((path) => realpath(path).catch(() => path)),
  );
  return real === said ? view : { ...view, workspace: here, connectorDir: null };
}

async function viewAsWritten(runDir: string): Promise<RunView> {
  const [stored, held] = await Promise.all([storedView(runDir), isHeld(runDir)]);
  // Without a living holder, what a killed process left behind may say `running`, or be older than the journal.
  const current = stored !== undefined && (held || (stored.view.status !== 'running' && !stored.behind));
  if (current) return { ...stored.view, runDir };
  try {
    return await readRunView(runDir);
  } catch (error) {
    return damagedView(runDir, error, stored?.view);
  }
}

function damagedView(runDir: string, thrown: unknown, stored: RunView | undefined): RunView {
  const { code, message, cure } = asSourcewrightError(thrown);
  const error = { code, message, cure: cure ?? null };
  if (stored !== undefined) return { ...stored, runDir, status: 'failed', gate: null, pause: null, error };
  return {
    schemaVersion: 1,
    runId: basename(runDir),
    status: 'failed',
    title: basename(runDir),
    engine: 'rules',
    connectorName: null,
    connectorDir: null,
    runDir,
    workspace: resolve(runDir, '..', '..', '..'),
    startedAt: '',
    updatedAt: '',
    stages: [],
    gate: null,
    pause: null,
    error,
    counts: { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 },
    usage: NO_USAGE,
  };
}

/** All runs of a workspace, newest first. A damaged one is listed as `failed` with what is wrong with it. */
export async function listRuns(workspace: string): Promise<RunView[]> {
  const names = await runNames(workspace);
  return Promise.all(names.map((name) => viewRun(join(runsDir(workspace), name))));
}

/**
 * The folder of the run with this id, of the only one whose id begins with it, or of the newest one for `latest`.
 * @throws SourcewrightError `input` when there is none or more than one
 */
export async function findRun(workspace: string, idOrPrefix: string): Promise<string> {
  const names = await runNames(workspace);
  const matching =
    idOrPrefix === 'latest' ? names.slice(0, 1) : names.filter((name) => name.startsWith(idOrPrefix));
  const exact = names.find((name) => name === idOrPrefix);
  const [found, another] = exact === undefined ? matching : [exact];
  if (found === undefined || idOrPrefix === '') {
    throw new SourcewrightError(
      'input',
      names.length === 0 ? 'There are no runs here.' : `No run "${idOrPrefix}".`,
      {
        where: runsDir(workspace),
        cure: names.length === 0 ? 'Start one.' : `The newest runs: ${names.slice(0, 5).join(', ')}.`,
      },
    );
  }
  if (another !== undefined) {
    throw new SourcewrightError('input', `"${idOrPrefix}" fits ${matching.length} runs.`, {
      cure: `Say more of its id: ${matching.slice(0, 5).join(', ')}.`,
    });
  }
  return join(runsDir(workspace), found);
}
