/**
 * An agent's attempt at a connector, which may take several sittings: how the files were before it, and what it was asked.
 * It lies in the run's folder (`before/<stage>-<attempt>/`), so that an attempt that was paused or killed goes on where it
 * was. One that has ended is kept aside until the next one ends: its process may die before the journal knows of it.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Given } from '../../agents/contracts.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import { RESULTS_FILE } from '../../python/pytest.ts';
import { hashFile, listFiles, sha256, writeInside } from '../../workspace/files.ts';
import { differingPaths, type FileHashes } from './agent-edits.ts';

/** Something that an agent is asked to do and has to answer for. */
export const Asked = z.object({ id: z.string(), what: z.string() });
export type Asked = z.infer<typeof Asked>;

const GivenPiece = z.object({ title: z.string(), text: z.string(), stable: z.boolean() });

const Note = z.object({
  schemaVersion: z.literal(1),
  /** Tells this attempt from another one of the same number, e.g. of a stage run by hand. */
  key: z.string(),
  /** Hash by path before the attempt, rules' own work included. */
  before: z.record(z.string(), z.string()),
  asked: z.array(Asked),
  /** What the agent is told before it begins. */
  given: z.array(GivenPiece),
  /** What rules already know to be left open. */
  unresolved: z.array(z.string()),
  /** Locked files that were changed in earlier sittings and put back. */
  broken: z.array(z.string()),
});
type Note = z.infer<typeof Note>;

/** What is put to an agent, after rules have done their part. */
export interface Question {
  readonly asked: readonly Asked[];
  readonly given: readonly Given[];
  /** What rules already know to be left open. */
  readonly unresolved: readonly string[];
}

export interface Sitting {
  readonly folder: string;
  readonly note: Note;
}

const FILES = 'files';
const ENDED = '.ended';

function folderOf(context: StageContext, stage: string): string {
  return join(context.runDir, 'before', `${stage}-${context.attempt}`);
}

function keyOf({ mode, feedback }: StageContext): string {
  return sha256(JSON.stringify([mode, feedback ?? null]));
}

/** Hash by path of the connector's files now, but for the results that we write ourselves. */
export async function hashesNow(connectorDir: string): Promise<FileHashes> {
  const hashes = new Map<string, string>();
  for (const path of (await listFiles(connectorDir)).files) {
    const hash = path === RESULTS_FILE ? undefined : await hashFile(join(connectorDir, path));
    if (hash !== undefined) hashes.set(path, hash);
  }
  return hashes;
}

/** Copies files of one folder to another. */
export async function copyFiles(from: string, to: string, wanted: (path: string) => boolean): Promise<void> {
  await mkdir(to, { recursive: true });
  const paths = (await listFiles(from)).files.filter((path) => path !== RESULTS_FILE && wanted(path));
  for (const path of paths) await writeInside(to, path, await readFile(join(from, path)));
}

/** Makes a folder anew: it is whole, or what it was before. */
export async function replaceFolder(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await fill(partial);
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  await rename(partial, folder);
}

async function writeNote(folder: string, note: Note): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeInside(folder, 'note.json', JSON.stringify(note, null, 2));
}

/** The attempt that this one goes on with, if it has begun before. */
export async function openSitting(context: StageContext, stage: string): Promise<Sitting | undefined> {
  const folder = folderOf(context, stage);
  return (await readSitting(context, folder)) ?? readSitting(context, folder + ENDED);
}

async function readSitting(context: StageContext, folder: string): Promise<Sitting | undefined> {
  try {
    const note = Note.parse(JSON.parse(await readFile(join(folder, 'note.json'), 'utf8')));
    return note.key === keyOf(context) ? { folder, note } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps the connector as it is now, before an agent works on it.
 * @param before its files before the attempt, rules' own work included
 */
export async function beginSitting(
  context: StageContext,
  stage: string,
  before: FileHashes,
  question: Question,
): Promise<Sitting> {
  const folder = folderOf(context, stage);
  const note: Note = {
    schemaVersion: 1,
    key: keyOf(context),
    before: Object.fromEntries(before),
    asked: [...question.asked],
    given: [...question.given],
    unresolved: [...question.unresolved],
    broken: [],
  };
  await replaceFolder(folder, async (partial) => {
    await copyFiles(context.connectorDir, join(partial, FILES), () => true);
    await writeNote(partial, note);
  });
  return { folder, note };
}

/** Remembers locked files that had to be put back. */
export async function noteBroken(sitting: Sitting, paths: readonly string[]): Promise<Sitting> {
  if (paths.length === 0) return sitting;
  const broken = [...new Set([...sitting.note.broken, ...paths])];
  const note = { ...sitting.note, broken };
  await writeNote(sitting.folder, note);
  return { ...sitting, note };
}

/** Folder of the copy: the connector as it was when the conversation began. */
export function copyOf(sitting: Sitting): string {
  return join(sitting.folder, FILES);
}

/** Paths that the attempt changed as a whole, by their hashes. */
export async function changedByAttempt(sitting: Sitting, connectorDir: string): Promise<string[]> {
  return differingPaths(new Map(Object.entries(sitting.note.before)), await hashesNow(connectorDir));
}

/** Paths that changed since the conversation began. */
export async function changedSinceCopy(sitting: Sitting, connectorDir: string): Promise<string[]> {
  return differingPaths(await hashesNow(copyOf(sitting)), await hashesNow(connectorDir));
}

/** The attempt has ended well. Should it come again all the same, it is found as it was. */
export async function endSitting({ folder }: Sitting): Promise<void> {
  if (folder.endsWith(ENDED)) return;
  const all = dirname(folder);
  const stage = basename(folder).replace(/-\d+$/, '');
  const older = (await readdir(all)).filter((name) => name.startsWith(`${stage}-`) && name.endsWith(ENDED));
  for (const name of older) await rm(join(all, name), { recursive: true, force: true });
  await rename(folder, folder + ENDED);
}
