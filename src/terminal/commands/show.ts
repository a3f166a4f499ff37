/** `sourcewright show`: how a run stands, stage by stage, and what its agents did. */
import type { TranscriptView } from '../../agents/transcript-view.ts';
import { asSourcewrightError } from '../../errors.ts';
import type { RunView, StageView } from '../../pipeline/contracts.ts';
import { findRun, viewRun } from '../../store/runs.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { reportLines } from '../report.ts';
import { printError, printJson, workspaceOf, type Session } from '../session.ts';
import { summarize } from '../summary.ts';
import { coloured, dollars, duration, harmless, painter, type Paint } from '../terminal.ts';
import { transcriptLines } from '../transcript-lines.ts';
import type { ShowOptions } from './runs.ts';

/** The exit code is 0: that it could be shown is all that was asked. */
export async function show(session: Session, name: string, options: ShowOptions): Promise<ExitCode> {
  const { terminal } = session;
  const view = await viewRun(await findRun(await workspaceOf(session, options), name));
  const [summary, transcripts] = await Promise.all([summarize(view), transcriptsOf(session, view)]);
  if (options.json === true) {
    const { stages, counts, title } = view;
    printJson(terminal, { ...summary, stages, counts, title, transcripts });
    return EXIT.done;
  }
  const paint = painter(terminal.colour);
  const lines = [
    ...reportLines(session, view, summary),
    ...view.stages.map((stage) => stageLine(stage, paint, view.usage.usd > 0)),
    ...transcriptLines(terminal, transcripts),
  ];
  terminal.stdout.write(`${coloured(lines.join('\n'))}\n`);
  return EXIT.done;
}

function stageLine(stage: StageView, paint: Paint, costs: boolean): string {
  const time = stage.durationMs === null ? '' : duration(stage.durationMs);
  const attempt = stage.attempt > 1 ? ` (${stage.attempt})` : '';
  const cost = costs ? ` ${(stage.usage.usd > 0 ? dollars(stage.usage.usd) : '').padStart(8)}` : '';
  const name = paint('dim', (stage.stage + attempt).padEnd(14));
  return `  ${name} ${stage.state.padEnd(9)} ${time.padStart(9)}${cost}  ${harmless(stage.note)}`.trimEnd();
}

/** A damaged transcript is told, but does not keep the rest of the run from being shown. */
async function transcriptsOf(session: Session, view: RunView): Promise<readonly TranscriptView[]> {
  if (view.engine !== 'agents') return [];
  try {
    return await session.agents.readTranscripts(view.runDir);
  } catch (thrown) {
    printError(session.terminal, asSourcewrightError(thrown));
    return [];
  }
}
