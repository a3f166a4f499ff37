/** What a connector's `pyproject.toml` asks for, read by Python before there is an environment. */
import { dirname } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { installEnvironment } from './install.ts';
import type { Interpreter } from './interpreter.ts';
import { capture } from './process-runner.ts';

const Declared = z.object({
  /** What building its packages needs. */
  build: z.array(z.string()),
  /** What whoever installs it gets with it, extras and groups too. */
  declared: z.array(z.string()),
  /** Tables and keys that name other places than the person's index. */
  elsewhere: z.array(z.string()),
});
export type Declared = z.infer<typeof Declared>;

/**
 * @param text of the file; where it is no TOML, nothing is declared, and what reads it next says so
 * @throws SourcewrightError `environment` where Python can't be started, `internal` where the helper script fails
 */
export async function declaredRequirements(
  text: string,
  run: {
    readonly script: string;
    readonly interpreter: Interpreter;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Declared> {
  const result = await capture({
    file: run.interpreter.path,
    args: ['-I', run.script],
    cwd: dirname(run.script),
    env: installEnvironment({ PATH: process.env['PATH'], SystemRoot: process.env['SystemRoot'] }),
    timeoutMs: 30_000,
    signal: run.signal,
    input: text,
  });
  if (result.cancelled) throw new SourcewrightError('cancelled', 'Cancelled.');
  try {
    return Declared.parse(JSON.parse(result.stdout));
  } catch (error) {
    throw new SourcewrightError('internal', 'pyproject.toml could not be read.', {
      cure: result.stderr.trim().split('\n').at(-1) ?? 'See the log.',
      cause: error,
    });
  }
}

/** The refusal of a file that wants packages from elsewhere. */
export function fetchedElsewhere(where: string, place: string): SourcewrightError {
  return new SourcewrightError(
    'environment',
    `${place} in pyproject.toml names a place to fetch packages from.`,
    {
      where,
      cure: 'Take it out: packages come by name from your own index, which pip or uv is told of outside of the connector. Then resume.',
    },
  );
}
