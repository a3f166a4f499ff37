/**
 * Runs some of a connector's tests, as a person picked them. Whatever comes of it is theirs alone: no evidence is made,
 * and nothing is written into the connector's folder or a run's.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import type { Command, CommandResult, TestCase } from '../pipeline/contracts.ts';
import { copyConnector } from './connector-copy.ts';
import type { PythonEnvironment } from './environments.ts';
import { confine } from './isolation/confine.ts';
import { readJunit, UnusableEvidence } from './junit.ts';
import { judge, pytestArguments, pytestEnvironment } from './pytest.ts';

export interface ChosenTests {
  readonly connectorDir: string;
  readonly environment: PythonEnvironment;
  /** Ids as pytest knows them: of a folder, a file, a class, a test or one of its cases. */
  readonly ids: readonly string[];
  readonly title: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Runs the command, visibly; gives undefined where the exit code is not known, as of a debugged process. */
  readonly start: (command: Command, signal: AbortSignal) => Promise<CommandResult | undefined>;
}

export interface ChosenOutcome {
  /** What pytest says of each test that it met. */
  readonly cases: readonly TestCase[];
  /** Why there is less than was asked for, or undefined where pytest did its work, with whatever result. */
  readonly problem: string | undefined;
}

/** Command lines are short on Windows (32 kB); longer lists of tests go through a file. */
const MAX_INLINE = 6000;

/**
 * Runs the chosen tests once, in a temporary home without anything of the person's.
 * @throws SourcewrightError `cancelled` on abort, and what `start` throws.
 */
export async function runChosen(chosen: ChosenTests): Promise<ChosenOutcome> {
  const home = await mkdtemp(join(tmpdir(), 'sourcewright-chosen-'));
  try {
    const junit = join(home, 'junit.xml');
    const { python, isolation: policy } = chosen.environment;
    const copy = join(home, 'connector');
    const confined = await confine({
      policy,
      python,
      home,
      cwd: chosen.connectorDir,
      copies: [{ from: copy, at: chosen.connectorDir }],
    });
    if (confined.copied) await copyConnector(chosen.connectorDir, copy);
    const command: Command = {
      title: chosen.title,
      file: python,
      args: [
        ...(await pytestArguments({
          connectorDir: chosen.connectorDir,
          junit,
          tests: await asArguments(chosen.ids, home),
        })),
        // The whole difference between two values, where pytest would only begin it.
        ...['-o', 'verbosity_assertions=2'],
      ],
      within: confined.within,
      cwd: chosen.connectorDir,
      env: pytestEnvironment(python, home),
      timeoutMs: chosen.timeoutMs,
    };
    const end = await chosen.start(command, chosen.signal);
    if (chosen.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
    return await readOutcome(junit, end);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function asArguments(ids: readonly string[], home: string): Promise<readonly string[]> {
  if (ids.join(' ').length <= MAX_INLINE) return ids;
  const list = join(home, 'tests.txt');
  await writeFile(list, ids.map((id) => `${id}\n`).join(''));
  return [`@${list}`];
}

async function readOutcome(junit: string, end: CommandResult | undefined): Promise<ChosenOutcome> {
  let cases: TestCase[] = [];
  let unreadable: string | undefined;
  try {
    cases = await readJunit(junit);
  } catch (error) {
    if (!(error instanceof UnusableEvidence)) throw error;
    unreadable = error.message;
  }
  if (end === undefined) return { cases, problem: unreadable };
  // That every chosen test is skipped is no fault here, where nothing rests on the result.
  const skipped = cases.length > 0 && cases.every(({ outcome }) => outcome === 'skipped');
  const problem = skipped && end.exitCode === 0 ? undefined : judge(end, cases).reason;
  return { cases, problem: problem ?? unreadable };
}
