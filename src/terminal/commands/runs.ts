/** `sourcewright runs`, `findings` and `stage`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../../errors.ts';
import { Review, StageName } from '../../pipeline/contracts.ts';
import { runStage } from '../../pipeline/run.ts';
import { findRun, listRuns } from '../../store/runs.ts';
import { agentChoiceFrom, type AgentWords } from '../agent-options.ts';
import { readCredentials } from '../credentials.ts';
import { EXIT, exitCodeOfStage, type ExitCode } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { findingText } from '../questions.ts';
import { refuseReplay } from '../replay-mark.ts';
import { reportLines } from '../report.ts';
import { pipelineSetting, printJson, workspaceOf, type Session, type WorkspaceOptions } from '../session.ts';
import { summarize, withAnswers } from '../summary.ts';
import { coloured, count, harmless } from '../terminal.ts';

export interface ShowOptions extends WorkspaceOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Lists the runs of a workspace, the newest first. */
export async function runs(session: Session, options: ShowOptions): Promise<ExitCode> {
  const views = await listRuns(await workspaceOf(session, options));
  if (options.json === true) {
    printJson(session.terminal, {
      runs: views.map((view) => ({
        run: view.runId,
        status: view.status,
        title: view.title,
        connector: { name: view.connectorName, kind: 'source', dir: view.connectorDir },
        engine: view.engine,
        gate: view.gate,
        pause: view.pause,
        error: view.error,
        startedAt: view.startedAt,
        updatedAt: view.updatedAt,
        usage: view.usage,
        runDir: view.runDir,
      })),
    });
    return EXIT.done;
  }
  if (views.length === 0) {
    session.terminal.stderr.write('No runs in this workspace yet.\n');
    return EXIT.done;
  }
  const width = Math.max(...views.map((view) => view.runId.length));
  for (const view of views) {
    const state = view.gate !== null ? `waits: ${view.gate}` : view.status;
    const line = `${view.runId.padEnd(width)}  ${state.padEnd(15)}  ${view.startedAt.slice(0, 16).replace('T', ' ')}  ${harmless(view.title)}`;
    session.terminal.stdout.write(`${harmless(line)}\n`);
  }
  return EXIT.done;
}

/** The findings of a run's review, with their ids and answers. */
export async function findings(session: Session, name: string, options: ShowOptions): Promise<ExitCode> {
  const runDir = await findRun(await workspaceOf(session, options), name);
  const path = join(runDir, 'review.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new SourcewrightError('input', 'This run has no review yet.', { where: runDir });
  }
  const all = withAnswers(Review.parse(JSON.parse(text)));
  const open = all.filter((finding) => finding.answer === null).length;
  if (options.json === true) printJson(session.terminal, { findings: all, open });
  else {
    for (const finding of all)
      session.terminal.stdout.write(`${coloured(findingText(finding, session.terminal.colour))}\n\n`);
    session.terminal.stdout.write(`${count(all.length, 'finding')}, ${open} open\n`);
  }
  return EXIT.done;
}

export interface StageOptions extends ShowOptions, AgentWords {
  readonly run: string;
  readonly credentials?: string;
  /** Drive a run also where the person did not begin it here. */
  readonly adopt?: boolean;
}

/** Runs one stage of a run by hand. */
export async function stage(session: Session, name: string, options: StageOptions): Promise<ExitCode> {
  const parsed = StageName.safeParse(name);
  if (!parsed.success) {
    throw new SourcewrightError('input', `There is no stage "${name}".`, {
      cure: `The stages are ${StageName.options.join(', ')}.`,
    });
  }
  const { terminal } = session;
  const runDir = await findRun(await workspaceOf(session, options), options.run);
  await refuseReplay(session, runDir);
  const credentials =
    options.credentials === undefined ? undefined : await readCredentials(options.credentials, terminal.env);
  const agents = await agentChoiceFrom(options, terminal.cwd);
  const progress = new Progress(terminal, { verbose: options.verbose ?? false });
  const setting = pipelineSetting(progress, { verbose: options.verbose, credentials, agents });
  const dependencies = { ...session.pipeline(setting), adopt: options.adopt ?? false };
  const view = await runStage(runDir, parsed.data, dependencies);
  progress.update(view);
  progress.stop();
  const summary = await summarize(view);
  if (options.json === true) printJson(terminal, { ...summary, stages: view.stages });
  else terminal.stdout.write(`${coloured(reportLines(session, view, summary).join('\n'))}\n`);
  return exitCodeOfStage(view, parsed.data);
}
