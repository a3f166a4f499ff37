/** Drives a run from the terminal: shows it, acts where it stands still, and stops it when the person says so. */
import type { GateDecision, GateName, PipelineRun, RunView } from '../pipeline/contracts.ts';
import { askFindings, askGate } from './questions.ts';
import { withAnswers } from './summary.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Acts on a run that stands still; answers whether it goes on now. */
export type Act = (run: PipelineRun, view: RunView) => Promise<boolean>;

export interface DecideOptions {
  /** Decisions given on the command line, each used once and only at its own gate. */
  readonly decisions: ReadonlyMap<GateName, GateDecision>;
  /** Approve whatever gate comes. */
  readonly approveAll: boolean;
  /** Ask the person at the terminal. */
  readonly ask: boolean;
}

/** Where the signals of the person come from; `process` in the program. */
export interface Interrupts {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): void;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): void;
}

/** Runs until nothing goes on by itself any more, and answers how it then stands. */
export async function drive(
  run: PipelineRun,
  progress: Progress,
  interrupts: Interrupts,
  act: Act,
): Promise<RunView> {
  const stopShowing = run.onChange((view) => {
    progress.update(view);
  });
  const stopListening = listen(run, progress, interrupts);
  try {
    progress.update(run.view());
    for (;;) {
      const view = await run.settled();
      progress.update(view);
      if (!(await act(run, view))) return view;
    }
  } finally {
    progress.stop();
    stopListening();
    stopShowing();
  }
}

/** Decides at gates as the command line says, or asks the person. */
export function deciding(terminal: Terminal, progress: Progress, options: DecideOptions): Act {
  const decisions = new Map(options.decisions);
  return async (run, view) => {
    if (view.status !== 'waiting' || view.gate === null) return false;
    const decision = await decide(run, view, view.gate);
    if (decision === undefined) return false;
    await run.decide(view.gate, decision);
    return true;
  };

  async function decide(run: PipelineRun, view: RunView, gate: GateName): Promise<GateDecision | undefined> {
    const named = decisions.get(gate);
    decisions.delete(gate);
    if (named !== undefined) return named;
    if (options.approveAll) return { kind: 'approve' };
    if (!options.ask) return undefined;
    progress.stop();
    if (gate === 'review') {
      const findings = withAnswers(await run.findings());
      const answered = await askFindings(terminal, findings, (answer) => run.answer(answer));
      if (answered === 'gone') return undefined;
    }
    const answer = await askGate(terminal, view, gate);
    return answer === 'gone' ? undefined : answer;
  }
}

/** The first Ctrl-C pauses the run, which can then be resumed; the second ends it and all that it started. */
function listen(run: PipelineRun, progress: Progress, interrupts: Interrupts): () => void {
  let interrupted = 0;
  const stop = (): void => {
    interrupted += 1;
    if (interrupted === 1) {
      progress.line(
        'Pausing; resume takes up the unfinished step. Press Ctrl-C again to cancel the run at once.',
      );
      run.pause().catch(report);
    } else if (interrupted === 2) {
      progress.line('Cancelling …');
      run.cancel().catch(report);
    }
  };
  const report = (error: unknown): void => {
    progress.line(error instanceof Error ? error.message : String(error));
  };
  interrupts.on('SIGINT', stop);
  interrupts.on('SIGTERM', stop);
  return () => {
    interrupts.off('SIGINT', stop);
    interrupts.off('SIGTERM', stop);
  };
}
