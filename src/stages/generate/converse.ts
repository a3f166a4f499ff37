/** One conversation over a connector's folder, with what surrounds it: locked files are verified, edits are remembered. */
import { join } from 'node:path';
import type { AgentPaused, AgentRuntime, AgentTask } from '../../agents/contracts.ts';
import type { Role } from '../../agents/policy/paths.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';
import { rememberAgentEdits } from './agent-edits.ts';
import { lockConnector } from './locked.ts';
import { changedSinceCopy, copyOf, hashesNow, noteBroken, type Sitting } from './sitting.ts';

export interface Conversed<R> {
  readonly status: 'done';
  readonly result: R;
  readonly sitting: Sitting;
  /** Paths that changed since the conversation began. */
  readonly changed: string[];
}

/** Name in the run's folder of what stood where locked files were put back. */
export function keptLockedName(context: StageContext, stage: string): string {
  return `replaced-locked-${stage}-${context.attempt}.json`;
}

/**
 * Formats what the agent wrote, so that no turn is spent on blanks. Files that were not formatted before are left alone.
 */
async function formatWritten(
  context: StageContext,
  environment: PythonEnvironment,
  sitting: Sitting,
): Promise<void> {
  const { connectorDir, signal } = context;
  const now = await hashesNow(connectorDir);
  const changed = await changedSinceCopy(sitting, connectorDir);
  const paths = changed.filter((path) => path.endsWith('.py') && now.has(path));
  if (paths.length === 0) return;
  const known = await hashesNow(copyOf(sitting));
  const before = paths.filter((path) => known.has(path));
  let unformatted = '';
  if (before.length > 0) {
    const args = ['-m', 'ruff', 'format', '--check', '--no-cache', '--', ...before];
    const result = await runTool({ environment, cwd: copyOf(sitting), args, signal });
    unformatted = result.stdout.replaceAll('\\', '/');
  }
  const wanted = paths.filter((path) => !unformatted.includes(`Would reformat: ${path}\n`));
  const args = ['-m', 'ruff', 'format', '--quiet', '--no-cache', '--', ...wanted];
  if (wanted.length > 0) {
    await runTool({ environment, cwd: connectorDir, writable: [connectorDir], args, signal });
  }
}

/**
 * Runs the task. However it ends, locked files are as they were afterwards, and what changed is known as an agent's work.
 */
export async function converse<R>(
  runtime: AgentRuntime,
  task: AgentTask<R>,
  setup: { readonly role: Role; readonly environment: PythonEnvironment; readonly sitting: Sitting },
): Promise<AgentPaused | Conversed<R>> {
  const { context, stage } = task;
  const { role, environment } = setup;
  let { sitting } = setup;
  const before = await hashesNow(context.connectorDir);
  const locked = await lockConnector(context, role);
  const close = async (): Promise<void> => {
    const keepAs = keptLockedName(context, stage);
    const broken = await locked.restore(keepAs);
    if (broken.length > 0) {
      context.activity(`locked files were changed and put back: ${broken.join(', ')}`);
      context.progress(`Put back locked files that the agent’s work changed: ${broken.join(', ')}.`);
    }
    sitting = await noteBroken(sitting, broken);
    await rememberAgentEdits(context, before, await hashesNow(context.connectorDir));
  };
  try {
    let outcome;
    try {
      outcome = await runtime.run(task);
      if (outcome.status === 'done') await formatWritten(context, environment, sitting);
    } finally {
      await close();
    }
    if (outcome.status === 'paused') return outcome;
    const changed = await changedSinceCopy(sitting, context.connectorDir);
    return { status: 'done', result: outcome.result, sitting, changed };
  } finally {
    await locked.dispose();
  }
}

/** Where a locked file's former content can be read, in words. */
export function keptLockedPath(context: StageContext, stage: string): string {
  return join(context.runDir, keptLockedName(context, stage));
}
