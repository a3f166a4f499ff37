/** Looking for credentials in a connector where nobody is kept waiting by it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageContext } from '../pipeline/contracts.ts';
import { offThread } from '../threads/off-thread.ts';
import type { KnownSecret, SecretHit } from '../workspace/secrets.ts';
import type { StageDependencies } from './dependencies.ts';

/**
 * Places in the given files of the connector that look like real credentials.
 * @param files relative to the connector's folder
 * @param known values that are secret for sure
 */
export async function credentialsIn(
  { worker }: Pick<StageDependencies, 'worker'>,
  { connectorDir: dir, signal }: Pick<StageContext, 'connectorDir' | 'signal'>,
  files: readonly string[],
  known: readonly KnownSecret[] = [],
): Promise<SecretHit[]> {
  let bytes = 0;
  for (const file of files) bytes += (await stat(join(dir, file)).catch(() => ({ size: 0 }))).size;
  return offThread('secrets', { dir, files, known }, bytes, { worker, signal });
}
