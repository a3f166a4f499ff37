/** Tests that a person picked, beside the pipeline: alone in the connector's folder, with the environment of its stage. */
import { basename } from 'node:path';
import { type ChosenOutcome, type ChosenTests, runChosen } from '../../python/chosen-tests.ts';
import { DEFAULT_TEST_TIMEOUT_MS } from '../../python/pytest.ts';
import { takeLock } from '../../store/lock.ts';
import { connectorLockPath } from '../../store/run-folders.ts';
import { connectorEnvironment } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';

export type { ChosenOutcome } from '../../python/chosen-tests.ts';

export interface PickedTests extends Pick<ChosenTests, 'connectorDir' | 'ids' | 'signal' | 'start'> {
  /** The workspace that holds `.sourcewright/`, as the connector's runs know it. */
  readonly workspace: string;
  /** What goes on, in words: the environment may have to be built first. */
  readonly progress: (message: string) => void;
}

/**
 * Runs picked tests of a connector and tells what pytest says of each. No run's folder is read or written.
 * @throws SourcewrightError `locked` while a stage or another picked run works on the connector, `environment` where its
 *   Python environment can't be had, `cancelled` on abort
 */
export async function runPickedTests(
  d: StageDependencies,
  { workspace, progress, ...picked }: PickedTests,
): Promise<ChosenOutcome> {
  const name = basename(picked.connectorDir);
  const path = connectorLockPath(workspace, picked.connectorDir);
  const lock = await takeLock(path, 'The folder of the connector', 'tests picked by a person');
  try {
    const { connectorDir, signal } = picked;
    const environment = await connectorEnvironment(d, { connectorDir, signal, progress });
    return await runChosen({
      ...picked,
      environment,
      title: `Picked tests of ${name}`,
      timeoutMs: d.testTimeoutMs ?? DEFAULT_TEST_TIMEOUT_MS,
    });
  } finally {
    await lock.release();
  }
}
