/**
 * Testing without a model. The suite is compiled with the connector; GENERATE makes sure it is there, RERUN only runs
 * it, FIX puts back tests that differ from the compiled ones. In all modes we run pytest and read the evidence.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompiledFile } from '../../blueprint/compiler/compile.ts';
import type { Stage, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import { writeInside } from '../../workspace/files.ts';
import { generatedFiles, connectorEnvironment } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { restoreMissing } from '../generate/emit.ts';
import { runTests } from './run-tests.ts';

export { resultsFile, toTestResult } from './report.ts';

/** The suite as it was generated. */
export async function generatedTests(d: StageDependencies, context: StageContext): Promise<CompiledFile[]> {
  return (await generatedFiles(d, context)).filter((file) => file.path.startsWith('tests/'));
}

/** Writes those of the generated tests that are not there; returns their paths. */
export async function restoreMissingTests(d: StageDependencies, context: StageContext): Promise<string[]> {
  const restored = await restoreMissing(context.connectorDir, await generatedTests(d, context));
  if (restored.length > 0) context.progress(`Wrote missing tests: ${restored.join(', ')}.`);
  return restored;
}

/**
 * Tests that differ from the compiled ones are put back; the person's own additional files stay. What is replaced is
 * kept in the run's folder, as it may be somebody's work.
 */
async function restoreTests(d: StageDependencies, context: StageContext): Promise<string[]> {
  const replaced: { path: string; content: string | null }[] = [];
  const tests = await generatedTests(d, context);
  for (const file of tests) {
    const content = await readFile(join(context.connectorDir, file.path), 'utf8').catch(() => null);
    if (content !== file.content) replaced.push({ path: file.path, content });
  }
  if (replaced.length > 0) {
    await context.writeArtifact(`replaced-tests-${context.attempt}.json`, {
      schemaVersion: 1,
      files: replaced,
    });
  }
  const paths = new Set(replaced.map((file) => file.path));
  for (const file of tests) {
    if (paths.has(file.path)) await writeInside(context.connectorDir, file.path, file.content);
  }
  return [...paths];
}

async function prepare(d: StageDependencies, context: StageContext): Promise<void> {
  if (context.mode === 'RERUN') return;
  if (context.mode !== 'FIX') {
    await restoreMissingTests(d, context);
    return;
  }
  const restored = await restoreTests(d, context);
  context.progress(
    restored.length === 0
      ? 'The tests are as they were compiled: rules can’t repair them further.'
      : `Put back as compiled (what stood there is in replaced-tests-${context.attempt}.json): ${restored.join(', ')}.`,
  );
}

/** The stage *test* of the engine `rules`. */
export function createRulesTest(d: StageDependencies): Stage<'test'> {
  return {
    name: 'test',
    async run(context: StageContext): Promise<StageOutcome<'test'>> {
      await prepare(d, context);
      const environment = await connectorEnvironment(d, context);
      return { status: 'done', result: await runTests(d, context, environment) };
    },
  };
}
