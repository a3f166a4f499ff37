/** The first judge of a defect: the tests that the connector itself comes with. */
import type { Defect } from './defect.ts';
import { run, tail, TIMED_OUT } from './process.ts';

/** A planted defect may read in circles for ever: a run of tests has a time limit, and so it is found. */
const LIMIT_MS = 120_000;
/** A single test takes a second or two. */
const KILLER_LIMIT_MS = 30_000;
const TESTS_FAILED = 1;

export interface Verdict {
  readonly killed: boolean;
  /** What noticed it, or why nothing did. */
  readonly by: string;
}

/** Runs a connector's tests up to the first that fails; the one that is known to notice the defect comes first. */
export async function generatedTests(python: string, defect: Defect, dir: string): Promise<Verdict> {
  if (defect.killer !== undefined) {
    const first = await pytest(python, dir, [defect.killer], KILLER_LIMIT_MS);
    if (first.killed) return first;
  }
  return pytest(python, dir, [], LIMIT_MS);
}

async function pytest(
  python: string,
  dir: string,
  tests: readonly string[],
  limitMs: number,
): Promise<Verdict> {
  const words = ['-m', 'pytest', '-x', '-q', '-p', 'no:cacheprovider', '--tb=no', '-rfE', ...tests];
  const done = await run(python, words, dir, {
    limitMs,
    environment: { PYTHONDONTWRITEBYTECODE: '1' },
  });
  if (done.code === TIMED_OUT) return { killed: true, by: 'time limit' };
  const noticed = /^(?:FAILED|ERROR) (\S+)/m.exec(done.output)?.[1];
  if (done.code === TESTS_FAILED && noticed !== undefined) return { killed: true, by: noticed };
  // Other codes say that the tests could not be collected: that is no test which noticed anything.
  return { killed: false, by: `exit ${String(done.code)}: ${tail(done.output, 5)}` };
}
