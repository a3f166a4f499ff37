/** Drives a run from the terminal: shows it, decides at its gates or asks, and stops it when the person says so. */
import type { GateDecision, GateName, PipelineRun, RunView } from '../pipeline/contracts.ts';
import { askFindings, askGate } from './questions.ts';
import { withAnswers } from './summary.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

export interface DriveOptions {
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
  terminal: Terminal,
  interrupts: Interrupts,
  options: DriveOptions,
): Promise<RunView> {
  const stopShowing = run.onChange((view) => {
    progress.update(view);
  });
  const stopListening = listen(run, progress, interrupts);
  const decisions = new Map(options.decisions);
  try {
    progress.update(run.view());
    for (;;) {
      const view = await run.settled();
      progress.update(view);
      if (view.status !== 'waiting' || view.gate === null) return view;
      const decision = await decide(run, view, view.gate, decisions);
      if (decision === undefined) return view;
      await run.decide(view.gate, decision);
    }
  } finally {
    progress.stop();
    stopListening();
    stopShowing();
  }

  async function decide(
    waiting: PipelineRun,
    view: RunView,
    gate: GateName,
    given: Map<GateName, GateDecision>,
  ): Promise<GateDecision | undefined> {
    const named = given.get(gate);
    given.delete(gate);
    if (named !== undefined) return named;
    if (options.approveAll) return { kind: 'approve' };
    if (!options.ask) return undefined;
    progress.stop();
    if (gate === 'review') {
      const findings = withAnswers(await waiting.findings());
      const answered = await askFindings(terminal, findings, (answer) => waiting.answer(answer));
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
        'Pausing; the unfinished step runs again on resume. Press Ctrl-C again to cancel the run at once.',
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
