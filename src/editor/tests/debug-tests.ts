/** Debugs pytest with the Python Debugger extension, where it is installed. */
import { randomUUID } from 'node:crypto';
import {
  commands,
  debug,
  extensions,
  Uri,
  window,
  workspace,
  type DebugConfiguration,
  type DebugSession,
  type TestRun,
} from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Command } from '../../pipeline/contracts.ts';
import { t } from '../l10n.ts';

export const PYTHON_DEBUGGER = 'ms-python.debugpy';

/** Whether tests can be debugged here; where they can't, the person is told what to install. */
export async function requirePythonDebugger(): Promise<boolean> {
  if (extensions.getExtension(PYTHON_DEBUGGER) !== undefined) return true;
  const show = t('Show Extension');
  const chosen = await window.showInformationMessage(
    t(
      'Tests are debugged with the extension Python Debugger ({0}), which is not installed here. They can be run without it.',
      PYTHON_DEBUGGER,
    ),
    show,
  );
  if (chosen === show) {
    await commands.executeCommand('workbench.extensions.search', `@id:${PYTHON_DEBUGGER}`);
  }
  return false;
}

/** What the debugger is started with: the same interpreter, arguments and environment as a plain run. */
export function debugConfiguration(
  { title, file, args, cwd, env }: Command,
  inherited: Readonly<Record<string, string | undefined>>,
): DebugConfiguration {
  const at = args.indexOf('-m');
  const module = args[at + 1];
  if (at < 0 || module === undefined) throw new Error('Only modules are debugged.');
  return {
    type: 'debugpy',
    request: 'launch',
    name: title,
    module,
    args: args.slice(at + 2),
    cwd,
    python: [file, ...args.slice(0, at)],
    env: { ...withheld(inherited, env), ...env },
    // Without a word about it, the debugger would read the workspace's `.env`, where people keep their keys.
    envFile: '',
    // In a terminal, what the person's shell sets would come in as well.
    console: 'internalConsole',
    justMyCode: true,
  };
}

/**
 * Takes out all that the editor's process has: a debugged process inherits it, which a plain run doesn't, and names don't tell what
 * is secret. Null is how the debugger is told to leave a variable out; but for `PYTHONPATH`, which it adds again.
 */
function withheld(
  inherited: Readonly<Record<string, string | undefined>>,
  given: Readonly<Record<string, string>>,
): Record<string, null> {
  // On Windows `Path` and `PATH` are one name, and the debugger refuses two values for it.
  const taken = new Set(Object.keys(given).map((name) => name.toUpperCase()));
  const others = Object.keys(inherited).filter((name) => !taken.has(name.toUpperCase()));
  return Object.fromEntries(others.map((name) => [name, null]));
}

/**
 * Debugs a command and waits for the end of its session.
 * @throws SourcewrightError `environment` where the debugger does not start it
 */
export async function debugCommand(command: Command, signal: AbortSignal, testRun: TestRun): Promise<void> {
  const id = randomUUID();
  const configuration = { ...debugConfiguration(command, process.env), sourcewright: id };
  let session: DebugSession | undefined;
  const ours = (candidate: DebugSession): boolean => candidate.configuration['sourcewright'] === id;
  const started = debug.onDidStartDebugSession((candidate) => {
    if (!ours(candidate) || candidate.parentSession !== undefined) return;
    session = candidate;
    if (signal.aborted) stop();
  });
  let ended: { dispose(): void } | undefined;
  const end = new Promise<void>((resolve) => {
    ended = debug.onDidTerminateDebugSession((candidate) => {
      if (candidate === session) resolve();
    });
  });
  const stop = (): void => {
    if (session !== undefined) void debug.stopDebugging(session);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const folder = workspace.getWorkspaceFolder(Uri.file(command.cwd));
    if (!(await debug.startDebugging(folder, configuration, { testRun }))) {
      throw new SourcewrightError('environment', 'The debugger did not start.', {
        cure: 'Look into the output of the extension Python Debugger, then try again.',
        retry: true,
      });
    }
    await end;
  } finally {
    signal.removeEventListener('abort', stop);
    started.dispose();
    ended?.dispose();
  }
}
