/**
 * Brings a compiled connector onto disk without losing a person's edits. What was written last is remembered in the
 * workspace (`.sourcewright/generated/`), so that a file which differs from it is known to be edited:
 * only they changed it → theirs stays; only the compiler changed it → written; both → merged, or nothing is written.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { CompiledFile } from '../../blueprint/compiler/compile.ts';
import { capture } from '../../python/process-runner.ts';
import { hashFile, removeInside, sha256, writeInside } from '../../workspace/files.ts';
import { findGit } from '../../workspace/git.ts';

const Baseline = z.object({ schemaVersion: z.literal(1), files: z.record(z.string(), z.string()) });
/** Path → content as the compiler gave it last time. */
type Baseline = ReadonlyMap<string, string>;

export interface Emission {
  /** Paths written or removed. */
  readonly changed: string[];
  /** Paths left as a person edited them. */
  readonly kept: string[];
  /** Paths whose edits were merged with what is new. */
  readonly merged: string[];
  /** Paths that both sides changed at the same place, or that are not ours. When there are any, nothing was written. */
  readonly conflicts: string[];
  /** Files of `replaceable` that would have been conflicts: what was compiled before, and what stood in them. */
  readonly replaced: { readonly path: string; readonly base: string; readonly content: string }[];
}

/** File that remembers what was generated into a folder; the folder's path keeps equal names in two places apart. */
export function baselinePath(workspace: string, connectorDir: string): string {
  const name = `${basename(connectorDir)}-${sha256(connectorDir).slice(0, 8)}.json`;
  return join(workspace, '.sourcewright', 'generated', name);
}

/** What was generated last; empty when that is not known. */
export async function readBaseline(path: string): Promise<Baseline> {
  try {
    return new Map(Object.entries(Baseline.parse(JSON.parse(await readFile(path, 'utf8'))).files));
  } catch {
    return new Map();
  }
}

async function writeBaseline(path: string, files: readonly CompiledFile[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const content = {
    schemaVersion: 1,
    files: Object.fromEntries(files.map((file) => [file.path, file.content])),
  };
  await writeInside(dirname(path), basename(path), JSON.stringify(content));
}

/** Three-way merge of texts; undefined on a conflict, or where git is not installed. */
async function merge(mine: string, base: string, theirs: string): Promise<string | undefined> {
  const git = await findGit();
  if (git === undefined) return undefined;
  const dir = await mkdtemp(join(tmpdir(), 'sourcewright-merge-'));
  try {
    const files = { mine, base, theirs };
    for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
    const args = ['merge-file', '-p', '--quiet', 'mine', 'base', 'theirs'];
    const result = await capture({ file: git, args, cwd: dir, env: process.env, timeoutMs: 30_000 });
    return result.exitCode === 0 ? result.stdout : undefined;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

type Step =
  | { readonly kind: 'same' | 'keep' | 'conflict' | 'remove'; readonly path: string }
  | { readonly kind: 'write' | 'merged'; readonly path: string; readonly content: string }
  /** `content` is undefined where the file is no longer generated. */
  | { readonly kind: 'replace'; readonly path: string; readonly content: string | undefined };

async function planFile(dir: string, file: CompiledFile, base: string | undefined): Promise<Step> {
  const { path, content } = file;
  const current = await hashFile(join(dir, path));
  if (current === undefined) return { kind: 'write', path, content };
  if (current === sha256(content)) return { kind: 'same', path };
  if (base === undefined) return { kind: 'conflict', path };
  if (current === sha256(base)) return { kind: 'write', path, content };
  if (base === content) return { kind: 'keep', path };
  const merged = await merge(await readFile(join(dir, path), 'utf8'), base, content);
  return merged === undefined ? { kind: 'conflict', path } : { kind: 'merged', path, content: merged };
}

/** A file that is no longer generated goes, unless it was edited. */
async function planStale(dir: string, path: string, base: string): Promise<Step> {
  const current = await hashFile(join(dir, path));
  if (current === undefined) return { kind: 'same', path };
  return { kind: current === sha256(base) ? 'remove' : 'keep', path };
}

export interface EmitOptions {
  readonly connectorDir: string;
  readonly baseline: string;
  readonly compiled: readonly CompiledFile[];
  /** Hash by path of edits that give way where they can't be kept: an agent made them and can make them again. */
  readonly replaceable?: ReadonlyMap<string, string>;
}

/** A conflict with, or a stale file of, edits that give way. */
async function giveWay(step: Step, options: EmitOptions): Promise<Step> {
  const { path } = step;
  const compiled = options.compiled.find((file) => file.path === path);
  const stale = step.kind === 'keep' && compiled === undefined;
  if (step.kind !== 'conflict' && !stale) return step;
  const edits = options.replaceable?.get(path);
  if (edits === undefined || (await hashFile(join(options.connectorDir, path))) !== edits) return step;
  return { kind: 'replace', path, content: compiled?.content };
}

async function planSteps(options: EmitOptions, before: Baseline): Promise<Step[]> {
  const { connectorDir: dir, compiled } = options;
  const paths = new Set(compiled.map((file) => file.path));
  const steps: Step[] = [];
  for (const file of compiled) steps.push(await planFile(dir, file, before.get(file.path)));
  for (const [path, base] of before) if (!paths.has(path)) steps.push(await planStale(dir, path, base));
  return Promise.all(steps.map((step) => giveWay(step, options)));
}

async function takeStep(dir: string, step: Step): Promise<void> {
  if (step.kind === 'write' || step.kind === 'merged') await writeInside(dir, step.path, step.content);
  if (step.kind === 'remove') await removeInside(dir, step.path);
  if (step.kind === 'replace') {
    if (step.content === undefined) await removeInside(dir, step.path);
    else await writeInside(dir, step.path, step.content);
  }
}

/**
 * Writes a connector, all or nothing as to conflicts; safe to repeat after an interruption.
 * @throws SourcewrightError `environment` when the disk or a symbolic link is in the way.
 */
export async function emitConnector(options: EmitOptions): Promise<Emission> {
  const { connectorDir: dir, compiled } = options;
  const before = await readBaseline(options.baseline);
  const steps = await planSteps(options, before);
  const pathsOf = (...kinds: Step['kind'][]): string[] =>
    steps.filter((step) => kinds.includes(step.kind)).map((step) => step.path);
  const conflicts = pathsOf('conflict');
  if (conflicts.length > 0) return { changed: [], kept: [], merged: [], conflicts, replaced: [] };
  const replaced = [];
  for (const path of pathsOf('replace')) {
    const content = await readFile(join(dir, path), 'utf8');
    replaced.push({ path, base: before.get(path) ?? '', content });
  }
  for (const step of steps) await takeStep(dir, step);
  await writeBaseline(options.baseline, compiled);
  return {
    changed: pathsOf('write', 'merged', 'remove', 'replace'),
    kept: pathsOf('keep'),
    merged: pathsOf('merged'),
    conflicts,
    replaced,
  };
}

/** Writes only those files that are missing; returns their paths. */
export async function restoreMissing(dir: string, compiled: readonly CompiledFile[]): Promise<string[]> {
  const restored: string[] = [];
  for (const file of compiled) {
    if ((await hashFile(join(dir, file.path))) !== undefined) continue;
    await writeInside(dir, file.path, file.content);
    restored.push(file.path);
  }
  return restored;
}
