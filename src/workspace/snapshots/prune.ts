/** Keeps the store of snapshots within its size: the oldest manifests go first, then the contents that no other one names. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { homeOf, runsDir } from '../../store/run-folders.ts';
import { viewRun } from '../../store/runs.ts';
import { type Snapshot, SNAPSHOTS } from './manifest.ts';
import { entries } from './objects.ts';
import type { SnapshotStore } from './store.ts';

interface Kept {
  /** Inside `.sourcewright/`. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Throws away what is too much. The caller holds the store's lock.
 * @param newest path of the manifest that was just written: it stays, whatever it takes
 */
export async function prune(
  store: SnapshotStore,
  { maxBytes, newest }: { readonly maxBytes: number; readonly newest: string },
): Promise<void> {
  const manifests = await allManifests(store);
  const sizes = new Map((await store.objects.list()).map((object) => [object.sha256, object.bytes]));
  let total = sum(sizes.values()) + sum(manifests.map(({ bytes }) => bytes));
  if (total <= maxBytes) return;

  const read = await Promise.all(
    manifests.map(async (kept) => ({ ...kept, snapshot: await store.readManifest(kept.path) })),
  );
  const uses = new Map<string, number>();
  for (const { snapshot } of read) {
    for (const hash of hashesOf(snapshot)) uses.set(hash, (uses.get(hash) ?? 0) + 1);
  }
  const drop = async (hash: string): Promise<void> => {
    await store.objects.remove(hash);
    total -= sizes.get(hash) ?? 0;
    sizes.delete(hash);
  };
  // What a killed process stored and never named.
  for (const hash of [...sizes.keys()]) if (!uses.has(hash)) await drop(hash);

  const finals = await finalRuns(store, read);
  const rank = ({ snapshot }: { snapshot: Snapshot | undefined }): string => {
    if (snapshot === undefined) return '0';
    return `${finals.has(snapshot.runId) ? '1' : '2'} ${snapshot.at}`;
  };
  const oldestFirst = read.filter(({ path }) => path !== newest);
  oldestFirst.sort((a, b) => rank(a).localeCompare(rank(b)) || a.path.localeCompare(b.path));
  for (const { path, bytes, snapshot } of oldestFirst) {
    if (total <= maxBytes) return;
    // The manifest first: one that names contents which are gone would promise what can't be kept.
    await store.removeManifest(path);
    total -= bytes;
    for (const hash of hashesOf(snapshot)) {
      const left = (uses.get(hash) ?? 1) - 1;
      uses.set(hash, left);
      if (left === 0) await drop(hash);
    }
  }
}

function hashesOf(snapshot: Snapshot | undefined): Set<string> {
  return new Set(snapshot?.files.map((file) => file.sha256));
}

async function allManifests(store: SnapshotStore): Promise<Kept[]> {
  const home = homeOf(store.workspace);
  const found: Kept[] = [];
  for (const folder of await entries(home, SNAPSHOTS)) {
    if (!folder.isDirectory() || folder.name === 'objects') continue;
    for (const entry of await entries(home, `${SNAPSHOTS}/${folder.name}`)) {
      if (!entry.isFile() || !/\.(json|tmp)$/.test(entry.name)) continue;
      const path = `${SNAPSHOTS}/${folder.name}/${entry.name}`;
      found.push({ path, bytes: (await stat(join(home, path))).size });
    }
  }
  return found;
}

/** The runs that have ended, of those that have snapshots; one whose folder was deleted has ended, too. */
async function finalRuns(
  store: SnapshotStore,
  read: readonly { readonly snapshot: Snapshot | undefined }[],
): Promise<Set<string>> {
  const finals = new Set<string>();
  for (const runId of new Set(read.map(({ snapshot }) => snapshot?.runId))) {
    if (runId === undefined) continue;
    const { status } = await viewRun(join(runsDir(store.workspace), runId));
    if (status !== 'running' && status !== 'waiting' && status !== 'paused') finals.add(runId);
  }
  return finals;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
