/**
 * A run of the pipeline, as the editor and the terminal hold it. This is where the machine meets the disk: every event is
 * journalled before the machine hears of it, and a run is resumed by telling a fresh machine the journal's events again.
 */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { type Files, nodeFiles } from '../store/files.ts';
import { createRunFolder } from '../store/run-folders.ts';
import {
  type GateName,
  type PipelineDependencies,
  type PipelineRun,
  RunRequest,
  type RunView,
  type StageMode,
  type StageName,
} from './contracts.ts';
import { Journal } from './journal.ts';
import { LiveRun, openRunAt } from './live-run.ts';
import { isConnectorName } from './stage-runner.ts';

/** What may be set beside the dependencies. */
export interface RunOptions {
  /** How long a stopped stage may take to end before it is given up. Milliseconds, default 10,000. */
  readonly graceMs?: number;
  /** Which gates decide by themselves while the run is open this time, whatever its request says. */
  readonly autoApprove?: (gate: GateName) => boolean;
  /** The person has said that they want to drive this run though it was not begun by them here. */
  readonly adopt?: boolean;
  /** The file system that the run's own files go through. */
  readonly files?: Files;
}
export type RunDependencies = PipelineDependencies & RunOptions;

function checkedRequest(request: RunRequest): RunRequest {
  const parsed = RunRequest.safeParse(request);
  if (parsed.success && isConnectorName(parsed.data.name ?? 'none')) return parsed.data;
  if (parsed.success) {
    throw new SourcewrightError('input', `"${parsed.data.name ?? ''}" can't be the name of a connector.`, {
      where: 'name',
      cure: 'Use small letters, digits and single hyphens, beginning with a letter: "my-api".',
    });
  }
  const [issue] = parsed.error.issues;
  throw new SourcewrightError('input', `The request can't be used: ${issue?.message ?? 'unknown reason'}.`, {
    place: issue?.path.join('.'),
    cause: parsed.error,
  });
}

/**
 * Makes a run without starting it and returns its folder: `openRun(folder)` and `resume()` start it, or single stages
 * are run by hand.
 * @throws SourcewrightError `input` for a request that can't be used, `environment` when the workspace can't be written
 */
export async function createRun(request: RunRequest, d: RunDependencies): Promise<string> {
  const valid = checkedRequest(request);
  const { runId, runDir } = await createRunFolder(valid, d.now());
  try {
    await Journal.create(runDir, { runId, request: valid }, d.files ?? nodeFiles, d.now, d.seal?.of);
  } catch (error) {
    await rm(runDir, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  return runDir;
}

/**
 * Starts a run. It goes on by itself; follow it with `onChange` or `settled`, and `dispose` it in the end.
 * @throws SourcewrightError `input` for a request that can't be used, `environment` when the workspace can't be written
 */
export async function startRun(request: RunRequest, d: RunDependencies): Promise<PipelineRun> {
  const run = await openRunAt(await createRun(request, d), d);
  run.start();
  return run;
}

/**
 * Opens a run from its folder. One that had not ended stands `paused` (cause `reload`, or why it was paused before)
 * until `resume()`; a gate that waited waits again.
 * @throws SourcewrightError `locked` when another process or window holds it, `corrupt` when its journal is damaged, `input`
 *   where the run was not begun by this person here and they have not said that they want to drive it (`adopt`)
 */
export async function openRun(runDir: string, d: RunDependencies): Promise<PipelineRun> {
  const run = await openRunAt(runDir, d);
  try {
    await run.standStill();
    return run;
  } catch (error) {
    await run.dispose();
    throw error;
  }
}

/**
 * Runs one stage by hand, beside the pipeline: its artifacts are written and the attempt is journalled, but where the
 * pipeline stands does not change. A run that this process has open already is used as it is.
 * @param mode defaults to what a person means: tests that exist are run again, everything else is made anew
 * @throws SourcewrightError `input` when a stage before it has never been done, `locked` while the pipeline works or
 *   another process holds the run
 */
export async function runStage(
  runDir: string,
  stage: StageName,
  d: RunDependencies,
  mode?: StageMode,
): Promise<RunView> {
  const open = LiveRun.open(resolve(runDir));
  if (open !== undefined) return open.runByHand(stage, mode);
  const run = await openRunAt(runDir, d);
  try {
    await run.runByHand(stage, mode);
  } finally {
    await run.dispose();
  }
  return run.view();
}
