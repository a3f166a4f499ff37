/** `sourcewright replay`: runs a recorded run again from its folder, offline and without a key, and decides as it did. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { TRANSCRIPTS } from '../../agents/transcript.ts';
import { SourcewrightError } from '../../errors.ts';
import { GateName, type RunRequest } from '../../pipeline/contracts.ts';
import { JOURNAL_FILE, readJournal, type JournalContent } from '../../pipeline/journal.ts';
import { nodeFiles } from '../../store/files.ts';
import { exitCodeOf, type ExitCode } from '../exit-codes.ts';
import { driveNewRun } from '../new-run.ts';
import { Progress } from '../progress.ts';
import { following } from '../recorded-path.ts';
import { markReplay } from '../replay-mark.ts';
import { printRun } from '../report.ts';
import { shown, workspaceOf, type Session, type WorkspaceOptions } from '../session.ts';

export interface ReplayOptions extends WorkspaceOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Nothing is paid for, so no cap may stop a replay: the recorded run may have been resumed with a higher one. */
const NO_CAP = 1_000_000;

export async function replay(session: Session, source: string, options: ReplayOptions): Promise<ExitCode> {
  const { terminal } = session;
  const folder = resolve(terminal.cwd, source);
  const workspace = await workspaceOf(session, options);
  const recorded = await readRecording(folder);
  const request = requestHere(recorded.request, workspace);
  await refuseOldConnector(recorded, request);
  const progress = new Progress(terminal, { verbose: options.verbose ?? false });
  progress.line(`Replaying ${recorded.runId} from ${shown(session, folder)}: no model is asked.`);
  if (recorded.records.some((record) => record.type === 'hand_started')) {
    progress.line('Stages that were run by hand are left out.');
  }
  const view = await driveNewRun(session, progress, {
    request,
    agents: { replay: folder, budgetUsd: NO_CAP, stageBudgetUsd: NO_CAP },
    verbose: options.verbose ?? false,
    begun: (run) => markReplay(run.view().runDir, { run: recorded.runId, folder }),
    act: following(recorded.records),
  });
  await printRun(session, view, options.json);
  return exitCodeOf(view);
}

async function readRecording(folder: string): Promise<JournalContent> {
  const refused = (why: string): SourcewrightError =>
    new SourcewrightError('input', why, {
      where: folder,
      cure: 'Name the folder of a run with agents (.sourcewright/runs/…).',
    });
  if (!existsSync(join(folder, JOURNAL_FILE))) throw refused('This is not the folder of a run.');
  const content = await readJournal(folder, nodeFiles);
  if (content.request.engine !== 'agents') {
    throw refused('This run worked by rules, so there is nothing to replay: generate makes the same again.');
  }
  if (!existsSync(join(folder, TRANSCRIPTS))) throw refused('No agent was at work in this run.');
  return content;
}

/** The same request in the workspace here. Every gate asks, for it is answered as the journal says. */
function requestHere(recorded: RunRequest, workspace: string): RunRequest {
  const inside = relative(recorded.workspace, recorded.outDir);
  const elsewhere = inside.startsWith('..') || isAbsolute(inside);
  return {
    ...recorded,
    workspace,
    outDir: elsewhere ? resolve(workspace, 'connectors') : resolve(workspace, inside),
    gates: Object.fromEntries(GateName.options.map((gate) => [gate, 'ask'])),
  };
}

/** A connector that is there already would be a part of what the agents see: they would not see what was recorded. */
async function refuseOldConnector({ records }: JournalContent, { outDir }: RunRequest): Promise<void> {
  for (const record of records) {
    if (record.type !== 'done' || record.stage !== 'research') continue;
    const folder = join(outDir, `source-${record.result.connectorName}`);
    const names = await readdir(folder).catch(() => []);
    if (names.length === 0) continue;
    throw new SourcewrightError('input', 'The connector of the recorded run is here already.', {
      where: folder,
      cure: 'Replay in a folder of its own: --workspace DIR',
    });
  }
}
