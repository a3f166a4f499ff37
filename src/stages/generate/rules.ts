/**
 * Generation without a model. GENERATE compiles the blueprint. IMPROVE applies the exact suggestions of accepted
 * findings. FIX does what is safe without understanding the code: takes back our own improvement that broke the tests,
 * restores missing files, applies ruff's safe fixes; the rest is reported as unresolved.
 */
import { join } from 'node:path';
import { z } from 'zod';
import {
  type GenerateResult,
  type Stage,
  type StageContext,
  type StageOutcome,
} from '../../pipeline/contracts.ts';
import { SourcewrightError } from '../../errors.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { RESULTS_FILE } from '../../python/pytest.ts';
import { runTool } from '../../python/tools.ts';
import { checkConnectorFolder, hashFile, listFiles, sha256, writeInside } from '../../workspace/files.ts';
import { compileBrief, connectorEnvironment, generatedFiles, mypyCache } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { baselinePath, emitConnector, restoreMissing } from './emit.ts';
import { runStaticChecks } from './static-checks.ts';
import { applySuggestions } from './suggestions.ts';

/** `improvements.json`: what the last IMPROVE changed, so that FIX can take it back. */
const Improvements = z.object({
  schemaVersion: z.literal(1),
  files: z.array(z.object({ path: z.string(), before: z.string(), afterSha256: z.string() })),
});
const IMPROVEMENTS = 'improvements.json';

/** What an attempt did to the files. */
interface Work {
  readonly changed: string[];
  readonly unresolved: string[];
}

async function hashAll(dir: string): Promise<{ path: string; sha256: string }[]> {
  const { files } = await listFiles(dir);
  const hashed = [];
  for (const path of files) {
    if (path === RESULTS_FILE) continue;
    hashed.push({ path, sha256: (await hashFile(join(dir, path))) ?? '' });
  }
  return hashed;
}

async function generate(
  d: StageDependencies,
  context: StageContext,
): Promise<Work | StageOutcome<'generate'>> {
  context.progress('Compiling the blueprint.');
  const compiled = await compileBrief(d, context);
  const emission = await emitConnector({
    connectorDir: context.connectorDir,
    baseline: baselinePath(context.request.workspace, context.connectorDir),
    compiled,
  });
  if (emission.conflicts.length > 0) {
    const shown = emission.conflicts.slice(0, 5).join(', ');
    const more = emission.conflicts.length > 5 ? ` and ${emission.conflicts.length - 5} more` : '';
    return {
      status: 'paused',
      cause: 'person',
      message: `${context.connectorDir} holds files that were edited or are not from here, and that differ from what is generated now: ${shown}${more}. Nothing was written.`,
      cure: 'Move or delete those files (yours are safe in git or in a copy) or choose another name, then resume.',
    };
  }
  if (emission.kept.length > 0) context.progress(`Kept as you edited them: ${emission.kept.join(', ')}.`);
  if (emission.merged.length > 0) context.progress(`Merged with your edits: ${emission.merged.join(', ')}.`);
  // A person's words can't be followed by rules; saying so beats pretending.
  const words = context.feedback?.from === 'person' ? [context.feedback.text] : [];
  return { changed: emission.changed, unresolved: words };
}

async function isFormatted(
  context: StageContext,
  environment: PythonEnvironment,
  path: string,
): Promise<boolean> {
  const args = ['-m', 'ruff', 'format', '--check', '--no-cache', path];
  const result = await runTool({ environment, cwd: context.connectorDir, args, signal: context.signal });
  return result.exitCode === 0;
}

async function improve(context: StageContext, environment: PythonEnvironment): Promise<Work> {
  const findings = context.feedback?.findings ?? [];
  const paths = [...new Set(findings.flatMap((finding) => finding.suggestion?.range.file ?? []))];
  const formatted = new Set<string>();
  for (const path of paths.filter((name) => name.endsWith('.py'))) {
    if (await isFormatted(context, environment, path)) formatted.add(path);
  }
  const applied = await applySuggestions(context.connectorDir, findings);
  for (const file of applied.files.filter((entry) => formatted.has(entry.path))) {
    const args = ['-m', 'ruff', 'format', '--quiet', '--no-cache', file.path];
    await runTool({ environment, cwd: context.connectorDir, args, signal: context.signal });
  }
  const files = [];
  for (const { path, before } of applied.files) {
    files.push({ path, before, afterSha256: (await hashFile(join(context.connectorDir, path))) ?? '' });
  }
  await context.writeArtifact(IMPROVEMENTS, { schemaVersion: 1, files });
  context.progress(`Applied ${applied.applied.length} of ${findings.length} accepted findings.`);
  return { changed: applied.files.map((file) => file.path), unresolved: applied.unresolved };
}

/** Puts back files that our own IMPROVE changed and nobody touched since. Once: the record is emptied. */
async function takeBackImprovements(context: StageContext): Promise<string[]> {
  const improvements = await context.readArtifact(IMPROVEMENTS, Improvements);
  const restored: string[] = [];
  for (const file of improvements?.files ?? []) {
    if ((await hashFile(join(context.connectorDir, file.path))) !== file.afterSha256) continue;
    await writeInside(context.connectorDir, file.path, file.before);
    restored.push(file.path);
  }
  if (improvements !== undefined) await context.writeArtifact(IMPROVEMENTS, { schemaVersion: 1, files: [] });
  return restored;
}

async function ruffFix(context: StageContext, environment: PythonEnvironment): Promise<string[]> {
  const dir = context.connectorDir;
  const sources = (await listFiles(dir)).files.filter((file) => /^src\/.*\.py$/.test(file));
  const before = new Map<string, string | undefined>();
  for (const path of sources) before.set(path, await hashFile(join(dir, path)));
  const args = ['-m', 'ruff', 'check', '--fix-only', '--no-cache', '--quiet', 'src'];
  await runTool({ environment, cwd: dir, args, signal: context.signal });
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
      if (context.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
      context.progress('Checking that it compiles, imports, and what ruff and mypy say.');
      const checks = await runStaticChecks(
        context.connectorDir,
        environment,
        mypyCache(context),
        context.signal,
      );
      const failed = checks.filter((check) => !check.passed).map((check) => check.name);
      context.progress(
        failed.length === 0
          ? 'Compiles, imports, and ruff and mypy have nothing to say.'
          : `Not content: ${failed.join(', ')}.`,
      );
      const result: GenerateResult = {
        connectorDir: context.connectorDir,
        files: await hashAll(context.connectorDir),
        changed: work.changed,
        checks,
        unresolved: work.unresolved,
      };
      await context.writeArtifact('generation.json', result);
      return { status: 'done', result };
    },
  };
}
