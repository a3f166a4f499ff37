/** A new run from its request to the words about how it stands: what `generate` and `replay` share. */
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asSourcewrightError, type SourcewrightError } from '../errors.ts';
import type {
  Engine,
  PipelineDependencies,
  PipelineRun,
  ProbeCredentials,
  RunRequest,
  RunView,
  Stages,
} from '../pipeline/contracts.ts';
import { startRun } from '../pipeline/run.ts';
import { homeOf } from '../store/run-folders.ts';
import type { AgentChoice } from './agent-options.ts';
import { drive, type Act } from './drive.ts';
import type { Progress } from './progress.ts';
import { pipelineSetting, type Session } from './session.ts';

export interface NewRun {
  readonly request: RunRequest;
  readonly credentials?: ProbeCredentials | undefined;
  readonly agents?: AgentChoice | undefined;
  readonly verbose: boolean;
  /** Called when the run has its folder. */
  readonly begun?: (run: PipelineRun) => Promise<void>;
  readonly act: Act;
}

/**
 * Starts a run and drives it until nothing goes on by itself.
 * @throws SourcewrightError what was wrong with a source that could not be read; such a run is not kept
 */
export async function driveNewRun(session: Session, progress: Progress, job: NewRun): Promise<RunView> {
  const { request, agents, act } = job;
  const errors = rememberErrors(session.pipeline(pipelineSetting(progress, job)));
  const hadStore = await exists(homeOf(request.workspace));
  const run = await startRun(request, errors.dependencies);
  let view: RunView;
  try {
    await job.begun?.(run);
    view = await drive(run, progress, session.interrupts, act);
  } finally {
    await run.dispose();
  }
  const rejection = rejectedInput(view, errors.last());
  if (rejection === undefined || agents?.replay !== undefined) return view;
  await discard(view.runDir, hadStore ? undefined : homeOf(request.workspace));
  throw rejection;
}

/** The pipeline keeps an error's words; which file and place it was about is remembered here for the person. */
function rememberErrors(dependencies: PipelineDependencies): {
  readonly dependencies: PipelineDependencies;
  readonly last: () => SourcewrightError | undefined;
} {
  let last: SourcewrightError | undefined;
  const stages = (engine: Engine): Stages => {
    const all = dependencies.stages(engine);
    const { research } = all;
    return {
      ...all,
      research: {
        name: 'research',
        run: async (context) => {
          try {
            return await research.run(context);
          } catch (thrown) {
            last = asSourcewrightError(thrown);
            throw last;
          }
        },
      },
    };
  };
  return { dependencies: { ...dependencies, stages }, last: () => last };
}

/**
 * What the person gave could not be read: the run never got beyond its first look at it. An address that does not answer
 * pauses a run that is under way, but for a new one it is an address that can't be used; unless agents work, for then it
 * may as well be the model's that does not answer. A run that has cost something is kept in any case.
 */
function rejectedInput(view: RunView, error: SourcewrightError | undefined): SourcewrightError | undefined {
  const research = view.stages.find((stage) => stage.stage === 'research');
  const first = view.connectorDir === null && (research?.attempt ?? 0) <= 1;
  const stopped = view.status === 'failed' || view.status === 'paused';
  const free = view.usage.requests === 0 && view.usage.usd === 0;
  const unusable = error?.code === 'input' || (error?.code === 'remote' && view.engine === 'rules');
  return first && stopped && free && unusable ? error : undefined;
}

/** Takes the folder of a rejected run away again, and `.sourcewright/` too where this run had made it. */
async function discard(runDir: string, madeStore: string | undefined): Promise<void> {
  await rm(runDir, { recursive: true, force: true });
  const others = await readdir(dirname(runDir));
  if (others.length === 0 && madeStore !== undefined) await rm(madeStore, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
