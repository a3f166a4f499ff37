/** `sourcewright generate`: a new run, from a description to a published connector. */
import type { RunRequest } from '../../pipeline/contracts.ts';
import { requireKey } from '../agent-settings.ts';
import { pricesFrom, type AgentChoice } from '../agent-options.ts';
import { readCredentials } from '../credentials.ts';
import { deciding } from '../drive.ts';
import { exitCodeOf, type ExitCode } from '../exit-codes.ts';
import { forecastLines } from '../forecast.ts';
import { driveNewRun } from '../new-run.ts';
import { Progress } from '../progress.ts';
import { printRun } from '../report.ts';
import { requestFrom, type GenerateOptions } from '../request.ts';
import type { Session } from '../session.ts';

export interface GenerateCommandOptions extends GenerateOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export async function generate(
  session: Session,
  source: string,
  options: GenerateCommandOptions,
): Promise<ExitCode> {
  const { terminal } = session;
  const request = await requestFrom(source, options, terminal.cwd);
  const progress = new Progress(terminal, { verbose: options.verbose ?? false });
  const agents = request.engine === 'agents' ? await prepareAgents(session, request, options) : undefined;
  const credentials =
    options.credentials === undefined ? undefined : await readCredentials(options.credentials, terminal.env);
  if (agents !== undefined) for (const line of forecastLines(request, agents)) progress.line(line);
  const view = await driveNewRun(session, progress, {
    request,
    credentials,
    agents,
    verbose: options.verbose ?? false,
    act: deciding(terminal, progress, {
      decisions: new Map(),
      approveAll: options.auto ?? false,
      ask: terminal.interactive && options.json !== true,
    }),
  });
  await printRun(session, view, options.json);
  return exitCodeOf(view);
}

/** What agents need is looked for before a run is made. */
async function prepareAgents(
  { terminal }: Session,
  request: RunRequest,
  options: GenerateCommandOptions,
): Promise<AgentChoice> {
  const choice = await pricesFrom(options, terminal.cwd);
  requireKey(terminal.env);
  return choice;
}
