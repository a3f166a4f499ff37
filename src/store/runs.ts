/** The runs of a workspace, found by looking at their folders: there is no index that could be wrong. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import { NO_USAGE, RunView } from '../pipeline/contracts.ts';
import { readRunView } from '../pipeline/read-run.ts';
import { RUN_FILE } from '../pipeline/run-files.ts';
import { fileError, nodeFiles, systemCode } from './files.ts';
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

/** The view that the run wrote last, or undefined when there is none or it can't be read. */
async function storedView(runDir: string): Promise<RunView | undefined> {
  try {
    const content = await nodeFiles.read(join(runDir, RUN_FILE));
    if (content === undefined) return undefined;
    return RunView.safeParse(JSON.parse(content.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

async function isHeld(runDir: string): Promise<boolean> {
  try {
    return (await lockHolder(runLockPath(runDir))) !== undefined;
  } catch {
    return false;
  }
}

/** One run: as its living process says, else as its journal says. */
async function viewOf(workspace: string, runDir: string): Promise<RunView> {
  const [stored, held] = await Promise.all([storedView(runDir), isHeld(runDir)]);
  // Without a living holder `running` is what a killed process left behind: only the journal knows.
  if (stored !== undefined && (held || stored.status !== 'running')) return { ...stored, runDir };
  try {
    return await readRunView(runDir);
  } catch (error) {
    return damagedView(workspace, runDir, error, stored);
  }
}

function damagedView(
  workspace: string,
  runDir: string,
  thrown: unknown,
  stored: RunView | undefined,
): RunView {
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
    workspace,
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
  return Promise.all(names.map((name) => viewOf(workspace, join(runsDir(workspace), name))));
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
