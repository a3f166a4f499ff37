/** IMPROVE without thinking: applies exact suggestions, and keeps the record by which a FIX can take them back. */
import { join } from 'node:path';
import { z } from 'zod';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';
import { hashFile, writeInside } from '../../workspace/files.ts';
import { type Applied, applySuggestions } from './suggestions.ts';

/** `improvements.json`: what the last IMPROVE changed, so that FIX can take it back. */
const Improvements = z.object({
  schemaVersion: z.literal(1),
  files: z.array(z.object({ path: z.string(), before: z.string(), afterSha256: z.string() })),
});
type Improvements = z.infer<typeof Improvements>;
const IMPROVEMENTS = 'improvements.json';

/** A file with what stood in it before it was improved. */
export interface ImprovedFile {
  readonly path: string;
  readonly before: string;
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

/** What the last IMPROVE is known to have changed. */
export async function recordedImprovements(context: StageContext): Promise<ImprovedFile[]> {
  return (await context.readArtifact(IMPROVEMENTS, Improvements))?.files ?? [];
}

/** Remembers what an IMPROVE changed, with the files as they are now. */
export async function recordImprovements(
  context: StageContext,
  improved: readonly ImprovedFile[],
): Promise<void> {
  const files = [];
  for (const { path, before } of improved) {
    files.push({ path, before, afterSha256: (await hashFile(join(context.connectorDir, path))) ?? '' });
  }
  await context.writeArtifact(IMPROVEMENTS, { schemaVersion: 1, files });
}

/** Applies the exact suggestions of accepted findings; files that were formatted before are formatted after. */
export async function applyAccepted(context: StageContext, environment: PythonEnvironment): Promise<Applied> {
  const findings = context.feedback?.findings ?? [];
  const paths = [...new Set(findings.flatMap((finding) => finding.suggestion?.range.file ?? []))];
  const formatted = new Set<string>();
  for (const path of paths.filter((name) => name.endsWith('.py'))) {
    if (await isFormatted(context, environment, path)) formatted.add(path);
  }
  const applied = await applySuggestions(context.connectorDir, findings);
  for (const file of applied.files.filter((entry) => formatted.has(entry.path))) {
    const args = ['-m', 'ruff', 'format', '--quiet', '--no-cache', file.path];
    const { connectorDir, signal } = context;
    await runTool({ environment, cwd: connectorDir, writable: [connectorDir], args, signal });
  }
  await recordImprovements(context, applied.files);
  context.progress(`Applied ${applied.applied.length} of ${findings.length} accepted findings.`);
  return applied;
}

async function standing(context: StageContext, record: Improvements | undefined): Promise<ImprovedFile[]> {
  const files: ImprovedFile[] = [];
  for (const { path, before, afterSha256 } of record?.files ?? []) {
    if ((await hashFile(join(context.connectorDir, path))) === afterSha256) files.push({ path, before });
  }
  return files;
}

/** Files that the last IMPROVE changed and nobody touched since. */
export async function standingImprovements(context: StageContext): Promise<ImprovedFile[]> {
  return standing(context, await context.readArtifact(IMPROVEMENTS, Improvements));
}

/** Puts back files that our own IMPROVE changed and nobody touched since. Once: the record is emptied. */
export async function takeBackImprovements(context: StageContext): Promise<string[]> {
  const record = await context.readArtifact(IMPROVEMENTS, Improvements);
  const files = await standing(context, record);
  for (const { path, before } of files) await writeInside(context.connectorDir, path, before);
  if (record !== undefined) await recordImprovements(context, []);
  return files.map((file) => file.path);
}
