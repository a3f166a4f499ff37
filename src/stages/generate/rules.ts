/**
 * Generation without a model. GENERATE compiles the blueprint. IMPROVE applies the exact suggestions of accepted
 * findings. FIX does what is safe without understanding the code: takes back our own improvement that broke the tests,
 * restores missing files, applies ruff's safe fixes; the rest is reported as unresolved.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { Stage, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';
import { checkConnectorFolder, hashFile, listFiles, sha256 } from '../../workspace/files.ts';
import { connectorEnvironment, generatedFiles } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { differingPaths, type FileHashes } from './agent-edits.ts';
import { compileInto } from './compile.ts';
import { restoreMissing } from './emit.ts';
import { finishGeneration, type Work } from './finish.ts';
import { applyAccepted, takeBackImprovements } from './improvements.ts';
import { hashesNow } from './sitting.ts';

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

/** `generation-before.json`: hashes of the files as the attempt found them, however often it is interrupted. */
const FilesBefore = z.object({
  schemaVersion: z.literal(1),
  /** Tells this attempt from another one of the same number, e.g. of a stage run by hand. */
  key: z.string(),
  files: z.record(z.string(), z.string()),
});
const BEFORE = 'generation-before.json';

async function filesBefore(context: StageContext): Promise<FileHashes> {
  const { attempt, mode, feedback } = context;
  const key = sha256(JSON.stringify([attempt, mode, feedback ?? null]));
  const kept = await context.readArtifact(BEFORE, FilesBefore);
  if (kept?.key === key) return new Map(Object.entries(kept.files));
  const files = await hashesNow(context.connectorDir);
  await context.writeArtifact(BEFORE, { schemaVersion: 1, key, files: Object.fromEntries(files) });
  return files;
}

/** What the attempt has changed in all its sittings: one that was killed after it wrote has nothing left to write. */
async function sinceBegun(context: StageContext, before: FileHashes, work: Work): Promise<Work> {
  const changed = differingPaths(before, await hashesNow(context.connectorDir));
  return { ...work, changed: [...new Set([...work.changed, ...changed])].sort() };
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
      const before = await filesBefore(context);
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
      const whole = await sinceBegun(context, before, work);
      return { status: 'done', result: await finishGeneration(context, environment, whole) };
    },
  };
}
