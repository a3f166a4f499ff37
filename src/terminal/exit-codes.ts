/** What the program's exit code says, for scripts and CI. */
import type { SourcewrightError } from '../errors.ts';
import type { RunView, StageName } from '../pipeline/contracts.ts';

export const EXIT = {
  /** Published, or finished as far as was asked. */
  done: 0,
  failed: 1,
  /** The command line or what it names can't be used. */
  input: 2,
  /** A gate waits for a person. */
  waiting: 3,
  /** Paused: budget, credentials, environment, or by the person. */
  paused: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code of a command that leaves a run in this state. */
export function exitCodeOf(view: RunView): ExitCode {
  switch (view.status) {
    case 'published':
    case 'finished':
      return EXIT.done;
    case 'waiting':
      return EXIT.waiting;
    case 'paused':
    case 'running':
      return EXIT.paused;
    case 'cancelled':
      return EXIT.failed;
    case 'failed':
      return view.error?.code === 'input' ? EXIT.input : EXIT.failed;
  }
}

/** The exit code of a stage that was run by hand: what came of it, and only then how the run as a whole stands. */
export function exitCodeOfStage(view: RunView, stage: StageName): ExitCode {
  const state = view.stages.find((one) => one.stage === stage)?.state;
  if (state === 'paused') return EXIT.paused;
  return state === 'failed' || state === 'cancelled' ? EXIT.failed : exitCodeOf(view);
}

/**
 * The exit code of a command that ended with an error instead of a run. `remote` is bad input as well: what was named
 * did not answer, so for the caller it is an address that can't be used.
 */
export function exitCodeOfError(error: SourcewrightError): ExitCode {
  switch (error.code) {
    case 'input':
    case 'remote':
      return EXIT.input;
    case 'environment':
    case 'credentials':
    case 'budget':
    case 'locked':
      return EXIT.paused;
    case 'cancelled':
    case 'corrupt':
    case 'model':
    case 'internal':
      return EXIT.failed;
  }
}
