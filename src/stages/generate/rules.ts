/**
 * Generation without a model. GENERATE compiles the blueprint. IMPROVE applies the exact suggestions of accepted
 * findings. FIX does what is safe without understanding the code: takes back our own improvement that broke the tests,
 * restores missing files, applies ruff's safe fixes; the rest is reported as unresolved.
 */
import { join } from 'node:path';
import type { Stage, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';
import { checkConnectorFolder, hashFile, listFiles, sha256 } from '../../workspace/files.ts';
import { connectorEnvironment, generatedFiles } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { compileInto } from './compile.ts';
import { restoreMissing } from './emit.ts';
import { finishGeneration, type Work } from './finish.ts';
import { applyAccepted, takeBackImprovements } from './improvements.ts';

async function generate(
  d: StageDependencies,
  context: StageContext,
): Promise<Work | StageOutcome<'generate'>> {
  const done = await compileInto(d, context);
  if ('status' in done) return done;
  const { changed, kept, merged } = done.emission;
  if (kept.length > 0) context.progress(`Kept as you edited them: ${kept.join(', ')}.`);
  if (merged.length > 0) context.progress(`Merged with your edits: ${merged.join(', ')}.`);
  // A person's words can't be followed by rules; saying so beats pretending.
  const words = context.feedback?.from === 'person' ? [context.feedback.text] : [];
  return { changed, unresolved: words };
}

async function improve(context: StageContext, environment: PythonEnvironment): Promise<Work> {
  const applied = await applyAccepted(context, environment);
  return { changed: applied.files.map((file) => file.path), unresolved: applied.unresolved };
}

async function ruffFix(context: StageContext, environment: PythonEnvironment): Promise<string[]> {
  const dir = context.connectorDir;
  const sources = (await listFiles(dir)).files.filter((file) => /^src\/.*\.py$/.test(file));
  const before = new Map<string, string | undefined>();
  for (const path of sources) before.set(path, await hashFile(join(dir, path)));
  const args = ['-m', 'ruff', 'check', '--fix-only', '--no-cache', '--quiet', 'src'];
  await runTool({ environment, cwd: dir, writable: [dir], args, signal: context.signal });
  const changed: string[] = [];
  for (const path of sources) if ((await hashFile(join(dir, path))) !== before.get(path)) changed.push(path);
  return changed;
}

async function fix(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
): Promise<Work> {
  const failing = context.feedback?.failingTests ?? [];
  const compiled = await generatedFiles(d, context);
  const code = compiled.filter((file) => !file.path.startsWith('tests/'));
  const takenBack = await takeBackImprovements(context);
  if (takenBack.length > 0) {
    context.progress(`Took back the improvements that the tests do not bear: ${takenBack.join(', ')}.`);
  }
  const restored = await restoreMissing(context.connectorDir, code);
  if (restored.length > 0) context.progress(`Restored missing files: ${restored.join(', ')}.`);
  const changed = [...takenBack, ...restored];
  if (changed.length === 0) changed.push(...(await ruffFix(context, environment)));
  if (changed.length > 0) return { changed, unresolved: [] };
  const edited = [];
  for (const file of code) {
    if ((await hashFile(join(context.connectorDir, file.path))) !== sha256(file.content))
      edited.push(file.path);
  }
  if (edited.length > 0) context.progress(`Differs from what was generated: ${edited.join(', ')}.`);
  return {
    changed,
    unresolved: failing.length > 0 ? failing : [context.feedback?.text ?? 'the failing tests'],
  };
}

/** The stage *generate* of the engine `rules`. */
export function createRulesGenerate(d: StageDependencies): Stage<'generate'> {
  return {
    name: 'generate',
    async run(context: StageContext): Promise<StageOutcome<'generate'>> {
      await checkConnectorFolder(context.request.outDir, context.connectorDir);
      let work: Work;
      let environment: PythonEnvironment;
      if (context.mode === 'IMPROVE') {
        environment = await connectorEnvironment(d, context);
        work = await improve(context, environment);
      } else if (context.mode === 'FIX') {
        environment = await connectorEnvironment(d, context);
        work = await fix(d, context, environment);
      } else {
        const done = await generate(d, context);
        if ('status' in done) return done;
        work = done;
        environment = await connectorEnvironment(d, context);
      }
      return { status: 'done', result: await finishGeneration(context, environment, work) };
    },
  };
}
