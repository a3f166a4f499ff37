/** Reading the results of a test run where nobody is kept waiting by it. */
import type { TestCase } from '../pipeline/contracts.ts';
import { UnusableEvidence } from '../python/junit.ts';
import { offThread } from '../threads/off-thread.ts';
import type { StageDependencies } from './dependencies.ts';

/** For `runSuite`: reads a large result file in a thread of its own. */
export function readCasesFor(
  { worker }: Pick<StageDependencies, 'worker'>,
  signal: AbortSignal,
): (path: string) => Promise<TestCase[]> {
  return async (path) => {
    const read = await offThread('junit', { path }, path, { worker, signal });
    if ('unusable' in read) throw new UnusableEvidence(read.unusable);
    return read.cases;
  };
}
