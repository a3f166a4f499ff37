/**
 * Brings a connector's folder back to a snapshot. What a person changed since is theirs: it is overwritten only where they were
 * shown that very content and said so. The present state is kept first, so that a restore can itself be undone.
 */
import { chmod } from 'node:fs/promises';
import { asSourcewrightError, SourcewrightError } from '../../errors.ts';
import { takeLock } from '../../store/lock.ts';
import { connectorLockPath, connectorPlace } from '../../store/run-folders.ts';
import { listRuns } from '../../store/runs.ts';
import { removeInside, resolveInside, writeInside } from '../files.ts';
import type { FolderState } from './folder.ts';
import { editedSince } from './history.ts';
import type { Snapshot, SnapshotFile } from './manifest.ts';
import type { SnapshotStore } from './store.ts';

/** What a restore would do. */
export interface RestorePlan {
  readonly snapshot: Snapshot;
  /** Paths that get other content or come back. */
  readonly write: readonly string[];
  /** Paths that the snapshot does not have. */
  readonly remove: readonly string[];
  /** Those of both which a person changed since the snapshot, with what they hold now. */
  readonly edited: readonly SeenFile[];
  /** Files that are left alone, for the snapshot or the present state does not hold their content. */
  readonly untouched: readonly string[];
}

/** A file as the person was shown it. */
export interface SeenFile {
  readonly path: string;
  /** Null for a file that they deleted. */
  readonly sha256: string | null;
}

export interface Restored {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** The person's own, left as they are. */
  readonly kept: readonly string[];
  /** Id of the snapshot that undoes it; null where nothing had to be done. */
  readonly undo: string | null;
}

interface Steps extends RestorePlan {
  readonly present: FolderState;
  readonly files: ReadonlyMap<string, SnapshotFile>;
}

/**
 * Looks at what a restore would do. Changes nothing.
 * @throws SourcewrightError `input` where there is no such snapshot
 */
export async function planRestore(
  store: SnapshotStore,
  connectorDir: string,
  id: string,
): Promise<RestorePlan> {
  const { snapshot, write, remove, edited, untouched } = await stepsTo(store, connectorDir, id);
  return { snapshot, write, remove, edited, untouched };
}

async function stepsTo(store: SnapshotStore, connectorDir: string, id: string): Promise<Steps> {
  const snapshot = await store.find(connectorDir, id);
  const later = (await store.list(connectorDir)).filter(({ sequence }) => sequence > snapshot.sequence);
  const present = await store.read(connectorDir);
  const files = new Map(snapshot.files.map((file) => [file.path, file]));
  const now = new Map(present.files.map((file) => [file.path, file.sha256]));
  const untouched = new Set([...snapshot.leftOut, ...present.leftOut].map(({ path }) => path));
  const isOpen = (path: string): boolean => !untouched.has(path);
  const write = [...files.values()]
    .filter((file) => now.get(file.path) !== file.sha256)
    .map(({ path }) => path);
  const remove = [...now.keys()].filter((path) => !files.has(path));
  const changed = editedSince(snapshot, later, present);
  return {
    snapshot,
    present,
    files,
    write: write.filter(isOpen),
    remove: remove.filter(isOpen),
    edited: [...write, ...remove]
      .filter((path) => isOpen(path) && changed.has(path))
      .map((path) => ({ path, sha256: now.get(path) ?? null })),
    untouched: [...untouched].sort(),
  };
}

/**
 * Does what was planned, by the folder as it is now.
 * @param overwrite the person's own changes that may go, as they were shown; all others of theirs stay
 * @throws SourcewrightError `locked` while a run works on the connector; `environment` where a link is in the way, the
 *   present state can't be kept or a file can't be written; `corrupt` where the snapshot is damaged. Before the first
 *   file is written everything has been checked that can be
 */
export async function restore(
  store: SnapshotStore,
  connectorDir: string,
  id: string,
  overwrite: readonly SeenFile[] = [],
): Promise<Restored> {
  const path = connectorLockPath(store.workspace, connectorDir);
  const lock = await takeLock(path, 'The folder of the connector', `restores snapshot ${id}`);
  try {
    await refuseWhileRunning(store.workspace, connectorDir);
    const steps = await stepsTo(store, connectorDir, id);
    const isAllowed = ({ path, sha256 }: SeenFile): boolean =>
      overwrite.some((seen) => seen.path === path && seen.sha256 === sha256);
    const kept = new Set(steps.edited.filter((file) => !isAllowed(file)).map((file) => file.path));
    const write = steps.write.filter((path) => !kept.has(path));
    const remove = steps.remove.filter((path) => !kept.has(path));
    const nothing = write.length === 0 && remove.length === 0;
    const undo = nothing ? null : await carryOut(store, connectorDir, steps, { write, remove });
    return { written: write, removed: remove, kept: [...kept].sort(), undo };
  } finally {
    await lock.release();
  }
}

/** A stage that only reads (a diagnosis, a review) holds no lock on the folder, and must not read half of two states. */
async function refuseWhileRunning(workspace: string, connectorDir: string): Promise<void> {
  for (const view of await listRuns(workspace)) {
    if (view.connectorDir === null || view.status !== 'running') continue;
    if (connectorPlace(view.workspace, view.connectorDir) !== connectorPlace(workspace, connectorDir)) continue;
    throw new SourcewrightError('locked', 'A run is at work on this connector.', {
      where: view.runId,
      cure: 'Wait until it stops, or pause it first.',
      retry: true,
    });
  }
}

async function carryOut(
  store: SnapshotStore,
  connectorDir: string,
  { snapshot, files }: Steps,
  { write, remove }: { readonly write: readonly string[]; readonly remove: readonly string[] },
): Promise<string> {
  for (const path of [...write, ...remove]) await resolveInside(connectorDir, path);
  const contents = new Map<SnapshotFile, Buffer>();
  for (const path of write) {
    const file = files.get(path);
    if (file !== undefined) contents.set(file, await store.objects.get(file.sha256));
  }
  const moment = { runId: snapshot.runId, stage: 'restore', attempt: 1 } as const;
  const undo = await store.take(connectorDir, { ...moment, phase: 'before' });
  try {
    // Removals first: a file of the snapshot may go where a folder is now.
    for (const path of remove) await removeInside(connectorDir, path);
    for (const [file, content] of contents) {
      await writeInside(connectorDir, file.path, content);
      if (file.executable) await chmod(await resolveInside(connectorDir, file.path), 0o755);
    }
    await store.take(connectorDir, { ...moment, phase: 'after' });
  } catch (error) {
    const { message, where, cause } = asSourcewrightError(error);
    throw new SourcewrightError('environment', `The restore stopped on the way: ${message}`, {
      where,
      cause,
      cure: `Restore again, or go back with the snapshot ${undo.id}.`,
      retry: true,
    });
  }
  return undo.id;
}
