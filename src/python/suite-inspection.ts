/** What a test suite holds, read from its syntax without running it. */
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import type { PythonEnvironment } from './environments.ts';
import { runTool } from './tools.ts';

const Place = z.object({ line: z.number(), what: z.string() });
const Inspection = z.object({
  files: z.array(
    z.object({
      /** Relative to the tests' folder. */
      path: z.string(),
      /** Why it can't be read as Python. */
      error: z.string().nullable(),
      tests: z.array(
        z.object({
          /** `TestX::test_y`, without parameters. */
          name: z.string(),
          line: z.number(),
          end: z.number(),
          /** Number of asserts and other checks that can fail. */
          checks: z.number(),
          /** Why the test can't fail; null when it can. */
          vacuous: z.string().nullable(),
        }),
      ),
      skips: z.array(Place),
      hooks: z.array(Place),
    }),
  ),
});
export type SuiteInspection = z.infer<typeof Inspection>;

/** @throws SourcewrightError `internal` when the helper script itself fails. */
export async function inspectSuite(options: {
  readonly testsDir: string;
  readonly script: string;
  readonly environment: PythonEnvironment;
  readonly signal: AbortSignal;
}): Promise<SuiteInspection> {
  const result = await runTool({
    environment: options.environment,
    cwd: options.testsDir,
    args: ['-I', options.script, options.testsDir],
    signal: options.signal,
  });
  try {
    return Inspection.parse(JSON.parse(result.stdout));
  } catch (error) {
    throw new SourcewrightError('internal', 'The test suite could not be inspected.', {
      where: options.testsDir,
      cure: result.stderr.trim().split('\n').at(-1) ?? 'See the log.',
      cause: error,
    });
  }
}
