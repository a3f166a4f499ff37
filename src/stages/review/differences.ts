/** How the connector's source differs from what was compiled: the part that a person or a model wrote. */
import { z } from 'zod';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';
import { SourcewrightError } from '../../errors.ts';
import { generatedFiles } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { TextFiles } from './places.ts';

/** Python's own difflib: the connector's environment has it on every machine. */
const DIFF = `
import difflib, json, sys
found = []
for item in json.load(sys.stdin):
    before, after = (item["before"] or "").splitlines(), (item["after"] or "").splitlines()
    names = ["compiled" if item["before"] is not None else "(absent)", "now" if item["after"] is not None else "(absent)"]
    lines = difflib.unified_diff(before, after, *names, lineterm="", n=3)
    found.append({"path": item["path"], "diff": "\\n".join(lines)})
json.dump(found, sys.stdout)
`;

const Diffs = z.array(z.object({ path: z.string(), diff: z.string() }));
export type Difference = z.infer<typeof Diffs>[number];

interface Pair {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Files that were compiled otherwise, are new or are gone, each with both texts. */
async function pairs(
  d: StageDependencies,
  context: StageContext,
  wanted: (path: string) => boolean,
): Promise<Pair[]> {
  const before = new Map((await generatedFiles(d, context)).map((file) => [file.path, file.content]));
  const now = await TextFiles.read(context.connectorDir, wanted);
  const paths = [...new Set([...[...before.keys()].filter(wanted), ...now.paths])].sort();
  return paths
    .map((path) => ({ path, before: before.get(path) ?? null, after: now.text(path) ?? null }))
    .filter((pair) => pair.before !== pair.after);
}

/** Names of the files that are not as they were compiled. */
export async function changedFiles(
  d: StageDependencies,
  context: StageContext,
  wanted: (path: string) => boolean,
): Promise<string[]> {
  const how = ({ before, after }: Pair): string =>
    before === null ? ' (new)' : after === null ? ' (removed)' : '';
  return (await pairs(d, context, wanted)).map((pair) => `${pair.path}${how(pair)}`);
}

/** Unified diffs of the files that are not as they were compiled, in order of path. */
export async function differences(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  wanted: (path: string) => boolean,
): Promise<Difference[]> {
  const changed = await pairs(d, context, wanted);
  if (changed.length === 0) return [];
  const result = await runTool({
    environment,
    cwd: context.connectorDir,
    args: ['-I', '-c', DIFF],
    input: JSON.stringify(changed),
    signal: context.signal,
  });
  try {
    return Diffs.parse(JSON.parse(result.stdout));
  } catch (error) {
    throw new SourcewrightError('internal', 'The differences to the compiled files could not be made out.', {
      where: context.connectorDir,
      cure: result.stderr.trim().split('\n').at(-1) ?? 'See the log.',
      cause: error,
    });
  }
}

/** Less than this of a file is not worth showing. */
const LEAST_SHOWN = 1500;

/** The diffs as one text of about `limit` characters; what does not fit is named, to be read. */
export function differencesText(found: readonly Difference[], limit: number): string {
  if (found.length === 0) return 'Nothing: all of it is as compiled from the tested template.';
  const shown: string[] = [];
  const left: string[] = [];
  let room = limit;
  for (const { path, diff } of found) {
    if (room < Math.min(LEAST_SHOWN, diff.length)) left.push(path);
    else {
      const cut = diff.length > room ? `${diff.slice(0, room)}\n… (cut: read the file)` : diff;
      shown.push(`### ${path}\n${cut}`);
      room -= cut.length;
    }
  }
  if (left.length > 0) shown.push(`Differ as well, but had no room here: ${left.join(', ')}. Read them.`);
  return shown.join('\n\n');
}
