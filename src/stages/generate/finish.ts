/** How every generation ends, whoever did the work: our own checks, and the result made of them and of hashes. */
import type { GenerateResult, StageContext } from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { mypyCache } from '../connector.ts';
import { hashesNow } from './sitting.ts';
import { runStaticChecks } from './static-checks.ts';

/** What an attempt did to the files. */
export interface Work {
  readonly changed: string[];
  readonly unresolved: string[];
}

/** Checks the connector, writes `generation.json` and returns the same. */
export async function finishGeneration(
  context: StageContext,
  environment: PythonEnvironment,
  work: Work,
): Promise<GenerateResult> {
  if (context.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
  context.progress('Checking that it compiles, imports, and what ruff and mypy say.');
  const { connectorDir, signal } = context;
  const checks = await runStaticChecks(connectorDir, environment, mypyCache(context), signal);
  const failed = checks.filter((check) => !check.passed).map((check) => check.name);
  context.progress(
    failed.length === 0
      ? 'Compiles, imports, and ruff and mypy have nothing to say.'
      : `Not content: ${failed.join(', ')}.`,
  );
  const files = [...(await hashesNow(connectorDir))].map(([path, sha256]) => ({ path, sha256 }));
  const result: GenerateResult = {
    connectorDir,
    files,
    changed: work.changed,
    checks,
    unresolved: work.unresolved,
  };
  await context.writeArtifact('generation.json', result);
  return result;
}
