/** What tests that pass are worth: small mistakes are planted into a copy of the code, and the tests have to notice. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { Mutant, type Mutation } from '../pipeline/contracts.ts';
import { childEnvironment } from './child-environment.ts';
import { copyConnector } from './connector-copy.ts';
import type { PythonEnvironment } from './environments.ts';
import { confine } from './isolation/confine.ts';
import { capture, type Captured } from './process-runner.ts';

/** For all of them together, in milliseconds: a net for slow suites and busy machines, not what usually ends it. */
export const MUTATION_TIME_MS = 180_000;
/** The same code gives the same sample. */
const SEED = '1';
/** Time for reading, sampling and ending, beyond what is given to the tests. */
const GRACE_MS = 30_000;
const MAX_SLOTS = 4;
const MAX_NAMED = 5;

const Answer = z.object({
  reason: z.string().nullable(),
  candidates: z.number().int(),
  mutants: z.array(Mutant),
  idle: z.array(z.string()),
});
type Answer = z.infer<typeof Answer>;

export interface MutationRun {
  readonly connectorDir: string;
  readonly environment: PythonEnvironment;
  /** Path of `mutate_connector.py`. */
  readonly script: string;
  /** At most so many mutants; at least 1. */
  readonly limit: number;
  /** For all together. Default `MUTATION_TIME_MS`. */
  readonly timeMs?: number;
  /** Files of `src/` that read otherwise than compiled, with the compiled text; null = new. */
  readonly compiled: Readonly<Record<string, string | null>>;
  readonly signal: AbortSignal;
}

function count(mutants: readonly Mutant[], outcome: Mutant['outcome']): number {
  return mutants.filter((mutant) => mutant.outcome === outcome).length;
}

/** The answer as it is reported: nothing in it differs between equal runs that had the time. */
function toMutation(answer: Answer, limit: number): Mutation {
  const { mutants } = answer;
  const [killed, survived, timedOut, notRun] = (['killed', 'survived', 'timed-out', 'not-run'] as const).map(
    (outcome) => count(mutants, outcome),
  ) as [number, number, number, number];
  const ran = killed + survived + timedOut;
  const rest = notRun === 0 ? null : `the time was over before ${notRun} of ${mutants.length} could be tried`;
  const none = mutants.length === 0 ? 'the tests run no line where a mistake could be planted' : null;
  return {
    note: answer.reason ?? rest ?? none,
    seed: SEED,
    limit,
    candidates: answer.candidates,
    killed,
    survived,
    timedOut,
    notRun,
    killRate: ran === 0 ? null : Math.round(((killed + timedOut) / ran) * 1000) / 10,
    mutants: mutants.map((mutant) => ({ ...mutant, killedBy: mutant.killedBy.slice(0, MAX_NAMED) })),
    idleTests: answer.idle,
  };
}

/** What the script answered; where it failed, the reason: passing tests stay passing tests. */
function readAnswer(result: Captured): Answer {
  const without = (reason: string): Answer => ({ reason, candidates: 0, mutants: [], idle: [] });
  if (result.timedOut) return without('the tests of the planted mistakes did not end');
  try {
    return Answer.parse(JSON.parse(result.stdout));
  } catch {
    const said = result.stderr.trim().split('\n').at(-1) ?? '';
    return without(`no mistakes could be planted${said === '' ? '' : `: ${said}`}`);
  }
}

/**
 * Tries a sample of mutants in temporary copies: the connector's own folder is only read. The tests have the environment of
 * an ordinary run, and nothing of it is left behind, however it ends.
 * @throws SourcewrightError `cancelled` on abort, `environment` when Python can't be started.
 */
export async function runMutants(run: MutationRun): Promise<Mutation> {
  const home = await mkdtemp(join(tmpdir(), 'sourcewright-mutants-'));
  try {
    const [copy, work] = [join(home, 'copy'), join(home, 'work')];
    await mkdir(work);
    await copyConnector(run.connectorDir, copy);
    const timeMs = run.timeMs ?? MUTATION_TIME_MS;
    const order = {
      copy,
      work,
      limit: run.limit,
      seed: SEED,
      seconds: timeMs / 1000,
      slots: Math.min(MAX_SLOTS, availableParallelism()),
      compiled: run.compiled,
    };
    const { within } = await confine({
      policy: run.environment.isolation,
      python: run.environment.python,
      home,
      cwd: work,
      readable: [dirname(run.script)],
    });
    const result = await capture({
      file: run.environment.python,
      args: [run.script],
      within,
      cwd: work,
      env: childEnvironment({ python: run.environment.python, home }),
      timeoutMs: timeMs + GRACE_MS,
      signal: run.signal,
      input: JSON.stringify(order),
    });
    if (run.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
    return toMutation(readAnswer(result), run.limit);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}
