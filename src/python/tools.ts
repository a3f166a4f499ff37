/** Quiet runs of Python tools over a connector, confined and with the environment of a test run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { childEnvironment } from './child-environment.ts';
import type { PythonEnvironment } from './environments.ts';
import { refuseFullDisk } from './full-disk.ts';
import { confine } from './isolation/confine.ts';
import { capture, type Captured } from './process-runner.ts';

export interface ToolRun {
  readonly environment: PythonEnvironment;
  readonly cwd: string;
  /** Folders that may be written to, beside its temporary ones; `cwd` is only read. */
  readonly writable?: readonly string[];
  /** What follows the interpreter: `['-m', 'ruff', 'check']`. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly input?: string;
  /** Milliseconds; default two minutes. */
  readonly timeoutMs?: number;
}

export type ToolResult = Captured & { readonly command: string };

/**
 * Runs Python with these arguments and captures what it prints. Byte code goes to a temporary folder.
 * @throws SourcewrightError `cancelled` on abort, `environment` when Python can't be started.
 */
export async function runTool(run: ToolRun): Promise<ToolResult> {
  const home = await mkdtemp(join(tmpdir(), 'sourcewright-tool-'));
  try {
    const args = ['-X', `pycache_prefix=${join(home, 'bytecode')}`, ...run.args];
    const { within } = await confine({
      policy: run.environment.isolation,
      python: run.environment.python,
      home,
      cwd: run.cwd,
      // What the arguments name is there to be read.
      readable: run.args.filter((arg) => isAbsolute(arg)),
      ...(run.writable !== undefined && { writable: run.writable }),
    });
    const result = await capture({
      file: run.environment.python,
      args,
      within,
      cwd: run.cwd,
      env: childEnvironment({ python: run.environment.python, home }),
      timeoutMs: run.timeoutMs ?? 120_000,
      signal: run.signal,
      input: run.input,
    });
    if (run.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
    if (result.exitCode !== 0) await refuseFullDisk(home);
    return { ...result, command: ['python', ...run.args].join(' ') };
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}
