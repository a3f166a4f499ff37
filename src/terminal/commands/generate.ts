/** `sourcewright generate`: a new run, from a description to a published connector. */
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asSourcewrightError, type SourcewrightError } from '../../errors.ts';
import type { Engine, PipelineDependencies, RunView, Stages } from '../../pipeline/contracts.ts';
import { startRun } from '../../pipeline/run.ts';
import { homeOf } from '../../store/run-folders.ts';
import { readCredentials } from '../credentials.ts';
import { drive } from '../drive.ts';
import { exitCodeOf, exitCodeOfError, type ExitCode } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { reportLines } from '../report.ts';
import { requestFrom, type GenerateOptions } from '../request.ts';
import { printError, printJson, type Session } from '../session.ts';
import { rejectedSummary, summarize } from '../summary.ts';

export interface GenerateCommandOptions extends GenerateOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export async function generate(
  session: Session,
  source: string,
  options: GenerateCommandOptions,
): Promise<ExitCode> {
  const started = performance.now();
  const { terminal } = session;
  try {
    const request = await requestFrom(source, options, terminal.cwd);
    const credentials =
      options.credentials === undefined
        ? undefined
        : await readCredentials(options.credentials, terminal.env);
    const progress = new Progress(terminal, { verbose: options.verbose ?? false });
    const dependencies = session.pipeline({
      output: (text) => {
        progress.output(text);
      },
      verbose: options.verbose ?? false,
      ...(credentials !== undefined && { credentials }),
    });
    const errors = rememberErrors(dependencies);
    const hadStore = await exists(homeOf(request.workspace));
    const run = await startRun(request, errors.dependencies);
    let view: RunView;
    try {
      view = await drive(run, progress, terminal, session.interrupts, {
        decisions: new Map(),
        approveAll: options.auto ?? false,
        ask: terminal.interactive && options.json !== true,
      });
    } finally {
      await run.dispose();
    }
    const rejection = rejectedInput(view, errors.last());
    if (rejection !== undefined) {
      await discard(view.runDir, hadStore ? undefined : homeOf(request.workspace));
      throw rejection;
    }
    const summary = await summarize(view);
    if (options.json === true) printJson(terminal, summary);
    else terminal.stdout.write(`${reportLines(session, view, summary).join('\n')}\n`);
    return exitCodeOf(view);
  } catch (thrown) {
    const error = asSourcewrightError(thrown);
    if (options.json === true) printJson(terminal, rejectedSummary(error, performance.now() - started));
    printError(terminal, error);
    return exitCodeOfError(error);
  }
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
 * pauses a run that is under way, but for a new one it is an address that can't be used.
 */
function rejectedInput(view: RunView, error: SourcewrightError | undefined): SourcewrightError | undefined {
  const research = view.stages.find((stage) => stage.stage === 'research');
  const first = view.connectorDir === null && (research?.attempt ?? 0) <= 1;
  const stopped = view.status === 'failed' || view.status === 'paused';
  return first && stopped && (error?.code === 'input' || error?.code === 'remote') ? error : undefined;
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
