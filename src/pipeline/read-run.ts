/** A run's view made from its journal alone, without opening the run: for lists, and for runs whose process was killed. */
import { createActor } from 'xstate';
import { type Files, nodeFiles } from '../store/files.ts';
import type { RunView } from './contracts.ts';
import { eventOf, readJournal } from './journal.ts';
import { pipelineMachine } from './machine.ts';
import { isAutoGate, runView, StageBoard } from './view.ts';

/**
 * What the journal says about a run that nobody works on at this moment.
 * @throws SourcewrightError `corrupt` when the journal is damaged
 */
export async function readRunView(runDir: string, files: Files = nodeFiles): Promise<RunView> {
  const { runId, request, createdAt, records } = await readJournal(runDir, files);
  const actor = createActor(pipelineMachine, { input: { limits: request.limits } });
  actor.start();
  const board = new StageBoard(request, createdAt);
  for (const record of records) {
    board.take(record);
    const event = eventOf(record);
    if (event !== undefined) actor.send(event);
  }
  const { value, context } = actor.getSnapshot();
  actor.stop();
  const view = runView({ runId, runDir, request, createdAt, board, machine: { value, context } });
  const auto = view.gate !== null && isAutoGate(request, view.gate);
  return view.status === 'running' || auto ? interrupted(view) : view;
}

/** A step that nobody works on any more. */
export const INTERRUPTED = {
  cause: 'reload',
  message: 'The run was interrupted before it had ended.',
  cure: 'Resume to go on: what was finished is kept, the unfinished step runs again.',
} as const;

/** The view of a run whose process is gone in the middle of the work. */
export function interrupted(view: RunView): RunView {
  const stages = view.stages.map((stage) =>
    stage.state === 'running' || stage.state === 'waiting' ? { ...stage, state: 'paused' as const } : stage,
  );
  return { ...view, status: 'paused', gate: null, pause: { ...INTERRUPTED }, stages };
}
