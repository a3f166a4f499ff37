/** Looking for credentials in a connector where nobody is kept waiting by it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageContext } from '../pipeline/contracts.ts';
import { secretsOfFolders } from '../agents/redaction.ts';
import { offThread } from '../threads/off-thread.ts';
import { environmentSecrets, givenSecrets, isTelling } from '../workspace/known-secrets.ts';
import type { KnownSecret, SecretHit } from '../workspace/secrets.ts';
import type { StageDependencies } from './dependencies.ts';

/** What must not go out whatever it looks like: secrets of the environment, of private files, and what was given for the probe. */
export async function knownSecrets(
  d: Pick<StageDependencies, 'environment' | 'credentials'>,
  { connectorDir, request }: Pick<StageContext, 'connectorDir' | 'request'>,
): Promise<KnownSecret[]> {
  const ofFiles = (await secretsOfFolders(connectorDir, request.workspace)).filter(isTelling);
  return [
    ...environmentSecrets(d.environment ?? process.env),
    ...givenSecrets(d.credentials),
    ...ofFiles.map((value) => ({ from: 'a private file', value })),
  ];
}

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
