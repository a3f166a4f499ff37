/** Unified diffs by Python's own difflib: a connector's environment has it on every machine. */
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import type { PythonEnvironment } from './environments.ts';
import { runTool } from './tools.ts';

export interface TextPair {
  /** Null: there was, or is, no such text. */
  readonly before: string | null;
  readonly after: string | null;
}

const DIFF = `
import difflib, json, sys
diffs = []
for pair in json.load(sys.stdin):
    before, after = ((pair[side] or "").splitlines() for side in ("before", "after"))
    diffs.append("\\n".join(list(difflib.unified_diff(before, after, lineterm=""))[2:]))
json.dump(diffs, sys.stdout)
`;
const Diffs = z.array(z.string());

/**
 * The hunks of each pair, without the two lines that name files.
 * @throws SourcewrightError `internal` when Python answered something else
 */
export async function unifiedDiffs(
  pairs: readonly TextPair[],
  run: { readonly environment: PythonEnvironment; readonly cwd: string; readonly signal: AbortSignal },
): Promise<string[]> {
  if (pairs.length === 0) return [];
  const input = JSON.stringify(pairs.map(({ before, after }) => ({ before, after })));
  const result = await runTool({ ...run, args: ['-I', '-c', DIFF], input });
  try {
    return Diffs.parse(JSON.parse(result.stdout));
  } catch (cause) {
    throw new SourcewrightError('internal', 'The differences of two texts could not be made out.', {
      where: run.cwd,
      cure: result.stderr.trim().split('\n').at(-1) ?? 'See the log.',
      cause,
    });
  }
}
