/** What lies beside a connector's tests and could bend their outcome, read without running it. */
import { dirname } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import type { PythonEnvironment } from './environments.ts';
import { runTool } from './tools.ts';

const Found = z.object({
  kind: z.enum(['shadow', 'reach', 'hook', 'settings']),
  /** Relative to the connector's folder. */
  path: z.string(),
  line: z.number(),
  /** The name in question: a module, a hook, a table. */
  what: z.string(),
});
export type Found = z.infer<typeof Found>;
const Inspection = z.object({ found: z.array(Found) });

/** @throws SourcewrightError `internal` when the helper script itself fails. */
export async function inspectFolder(options: {
  readonly connectorDir: string;
  /** Those to look at, relative to the folder. */
  readonly files: readonly string[];
  /** `pyproject.toml` as it was generated; empty where it was not. */
  readonly pyproject: string;
  /** Path of `inspect_folder.py`. */
  readonly script: string;
  readonly environment: PythonEnvironment;
  readonly signal: AbortSignal;
}): Promise<Found[]> {
  const { connectorDir, files, pyproject, script, environment, signal } = options;
  const result = await runTool({
    environment,
    // Not the connector's folder: nothing in it is to be imported.
    cwd: dirname(script),
    args: ['-E', '-s', script, connectorDir],
    input: JSON.stringify({ files, pyproject }),
    signal,
  });
  try {
    return Inspection.parse(JSON.parse(result.stdout)).found;
  } catch (error) {
    throw new SourcewrightError('internal', 'The connector’s folder could not be inspected.', {
      where: connectorDir,
      cure: result.stderr.trim().split('\n').at(-1) ?? 'See the log.',
      cause: error,
    });
  }
}
