/** Unified diffs of texts, by Python's own difflib: the connector's environment has it on every machine. */
import { z } from 'zod';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';

const DIFF = `
import difflib, json, sys
diffs = []
for pair in json.load(sys.stdin):
    before, after = pair["before"].splitlines(), pair["after"].splitlines()
    diffs.append("\\n".join(list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]))
json.dump(diffs, sys.stdout)
`;
const Diffs = z.array(z.string());

export interface TextPair {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** One text of at most about `maxLines` lines; what has no room is named. */
export async function diffText(
  context: StageContext,
  environment: PythonEnvironment,
  pairs: readonly TextPair[],
  maxLines: number,
): Promise<string> {
  const input = JSON.stringify(pairs.map(({ before, after }) => ({ before, after })));
  const args = ['-I', '-c', DIFF];
  const { connectorDir: cwd, signal } = context;
  const result = await runTool({ environment, cwd, args, input, signal });
  const parsed = Diffs.safeParse(jsonOf(result.stdout));
  const diffs = parsed.success ? parsed.data : [];
  let room = maxLines;
  const shown = pairs.map(({ path }, index) => {
    const lines = (diffs[index] ?? '').split('\n');
    const taken = lines.slice(0, Math.max(0, room));
    room -= taken.length;
    const left = lines.length - taken.length;
    const rest = left > 0 ? [`… ${left} more lines, not shown`] : [];
    return [`### ${path}`, ...taken, ...rest].join('\n');
  });
  return shown.join('\n\n');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
