/**
 * Runs a command as a task in the integrated terminal. The exit code comes from the task's own end event, so it never
 * depends on shell integration: there is no shell.
 */
import { randomUUID } from 'node:crypto';
import {
  ProcessExecution,
  Task,
  TaskPanelKind,
  TaskRevealKind,
  TaskScope,
  tasks,
  workspace,
  Uri,
  type Disposable,
  type TaskExecution,
} from 'vscode';
import { SourcewrightError } from '../errors.ts';
import type { Command, CommandResult, VisibleRunner } from '../pipeline/contracts.ts';
import { startedAs } from '../python/started-as.ts';

/** How long a task that was asked to end may take before its process group is ended by force. */
const GRACE_MS = 3000;

/** Reports each task that ended, for the log (and the suite that runs in the editor). */
export type TaskEnded = (command: Command, result: CommandResult) => void;

export class TaskRunner implements VisibleRunner {
  private readonly onEnded: TaskEnded;

  constructor(onEnded: TaskEnded) {
    this.onEnded = onEnded;
  }

  /** Throws `environment` when the editor can't start the task, and `cancelled` when the signal was already set. */
  async run(command: Command, signal: AbortSignal): Promise<CommandResult> {
    if (signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
    const id = randomUUID();
    const owned: Disposable[] = [];
    const limit = AbortSignal.timeout(command.timeoutMs);
    let pid: number | undefined;

    const ended = new Promise<number | null>((resolve) => {
      owned.push(
        tasks.onDidStartTaskProcess((event) => {
          if (isOurs(event.execution, id)) pid = event.processId;
        }),
        tasks.onDidEndTaskProcess((event) => {
          if (isOurs(event.execution, id)) resolve(event.exitCode ?? null);
        }),
        // Comes without a process event where the process never started or its terminal was closed.
        tasks.onDidEndTask((event) => {
          if (isOurs(event.execution, id)) setTimeout(resolve, 500, null);
        }),
      );
    });

    const stopped = new AbortController();
    let execution: TaskExecution | undefined;
    let force: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (stopped.signal.aborted) return;
      stopped.abort();
      execution?.terminate();
      force = setTimeout(() => {
        endGroup(pid);
      }, GRACE_MS);
    };
    signal.addEventListener('abort', stop, { once: true });
    limit.addEventListener('abort', stop, { once: true });

    try {
      execution = await tasks.executeTask(asTask(command, id));
      if (stopped.signal.aborted) execution.terminate();
      const exitCode = await ended;
      const ours = stopped.signal.aborted;
      if (ours) endGroup(pid);
      const result = { exitCode: ours ? null : exitCode, timedOut: ours && limit.aborted && !signal.aborted };
      this.onEnded(command, result);
      return result;
    } catch (error) {
      throw new SourcewrightError('environment', `The editor could not run "${command.title}".`, {
        where: command.file,
        cure: 'Look into the terminal panel and the Sourcewright log, then retry the stage.',
        retry: true,
        cause: error,
      });
    } finally {
      limit.removeEventListener('abort', stop);
      clearTimeout(force);
      signal.removeEventListener('abort', stop);
      for (const disposable of owned) disposable.dispose();
    }
  }
}

function isOurs(execution: TaskExecution, id: string): boolean {
  return execution.task.definition['id'] === id;
}

function asTask(command: Command, id: string): Task {
  const folder = workspace.getWorkspaceFolder(Uri.file(command.cwd));
  const task = new Task(
    { type: 'sourcewright', id },
    folder ?? TaskScope.Workspace,
    command.title,
    'Sourcewright',
    withExactEnvironment(command),
    [],
  );
  // Seen when looked for, never in the way: the panel is not raised and the keyboard stays where it is.
  task.presentationOptions = {
    reveal: TaskRevealKind.Silent,
    focus: false,
    echo: false,
    panel: TaskPanelKind.Dedicated,
    clear: true,
    showReuseMessage: false,
  };
  return task;
}

/**
 * A task inherits the editor's environment and its `env` only adds to it. A command states its whole environment, so
 * that the tests of generated code never see the person's secrets: `env -i` starts it with exactly that.
 */
function withExactEnvironment(command: Command): ProcessExecution {
  const { file, args } = startedAs(command);
  if (process.platform === 'win32') {
    return new ProcessExecution(file, [...args], {
      cwd: command.cwd,
      env: { ...command.env },
    });
  }
  const variables = Object.entries(command.env).map(([name, value]) => `${name}=${value}`);
  return new ProcessExecution('/usr/bin/env', ['-i', ...variables, file, ...args], {
    cwd: command.cwd,
  });
}

/** The task's process leads its own group (it has its own pseudoterminal), so children end with it. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // Gone already: what was wanted.
  }
}
