/** `sourcewright generate`: a new run, from a description to a published connector. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asSourcewrightError, SourcewrightError, type ErrorCode } from '../../errors.ts';
import type { RunView } from '../../pipeline/contracts.ts';
import { startRun } from '../../pipeline/run.ts';
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
    const run = await startRun(request, dependencies);
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
    const rejection = rejectedInput(view);
    if (rejection !== undefined) {
      await discard(view.runDir);
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

/**
 * What the person gave could not be read: the run never got beyond its first look at it. An address that does not answer
 * pauses a run that is under way, but for a new one it is an address that can't be used.
 */
function rejectedInput(view: RunView): SourcewrightError | undefined {
  const research = view.stages.find((stage) => stage.stage === 'research');
  const first = view.connectorDir === null && (research?.attempt ?? 0) <= 1;
  if (!first) return undefined;
  if (view.status === 'failed' && view.error?.code === 'input') {
    return new SourcewrightError('input', view.error.message, places(view.error));
  }
  if (view.status === 'paused' && view.pause !== null && isRemote(view)) {
    return new SourcewrightError('remote' satisfies ErrorCode, view.pause.message, { cure: view.pause.cure });
  }
  return undefined;
}

function isRemote(view: RunView): boolean {
  return view.pause?.cause === 'environment' && view.error?.code !== 'environment';
}

function places(error: NonNullable<RunView['error']>): { cure?: string } {
  return error.cure === null ? {} : { cure: error.cure };
}

/** Takes the folder of a rejected run away again, and the folders above it that hold nothing else. */
async function discard(runDir: string): Promise<void> {
  await rm(runDir, { recursive: true, force: true });
  const runs = dirname(runDir);
  if (!(await isEmpty(runs))) return;
  await rmdir(runs);
  const store = dirname(runs);
  if (await isEmpty(store)) await rmdir(store);
}

async function isEmpty(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true && (await readdir(path)).length === 0;
}
