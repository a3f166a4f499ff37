/** What differs between a snapshot and the folder as it is now, and which snapshot a person approved last. */
import { readJournal, type Recorded } from '../../pipeline/journal.ts';
import type { GateName, RunView } from '../../pipeline/contracts.ts';
import { nodeFiles } from '../../store/files.ts';
import { connectorPlace } from '../../store/run-folders.ts';
import { listRuns } from '../../store/runs.ts';
import type { Snapshot } from './manifest.ts';
import type { SnapshotStore } from './store.ts';

/** A file that is not as the snapshot has it. */
export interface Change {
  /** Relative to the connector's folder, with forward slashes. */
  readonly path: string;
  /** Hash of the content in the snapshot; null where it is new since. */
  readonly before: string | null;
  /** Whether it is there now. */
  readonly exists: boolean;
}

/** Code first, then tests, then what is written about them. */
const ORDER = [/^src\//, /^tests\//, /./];

/**
 * The files that differ from the snapshot, in the order of reading; without a snapshot every file is new. Those that either
 * side left out are not compared.
 */
export async function changesSince(
  store: SnapshotStore,
  connectorDir: string,
  snapshot: Pick<Snapshot, 'files' | 'leftOut'> = { files: [], leftOut: [] },
): Promise<Change[]> {
  const present = await store.read(connectorDir);
  const before = new Map(snapshot.files.map((file) => [file.path, file.sha256]));
  const now = new Map(present.files.map((file) => [file.path, file.sha256]));
  const unknown = new Set([...snapshot.leftOut, ...present.leftOut].map(({ path }) => path));
  const rank = (path: string): number => ORDER.findIndex((pattern) => pattern.test(path));
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((path) => !unknown.has(path) && before.get(path) !== now.get(path))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((path) => ({ path, before: before.get(path) ?? null, exists: now.has(path) }));
}

/** The gates at which code is approved, that of the code itself or a later one. */
const CODE_GATES: readonly GateName[] = ['code', 'tests', 'review', 'draft', 'publish'];

/** An approval of a connector's code. */
export interface Approval {
  readonly runId: string;
  readonly gate: GateName;
  readonly by: 'person' | 'auto';
  readonly at: string;
  /** The code as it was approved. */
  readonly snapshot: Snapshot;
}

/**
 * The newest approval of this connector's code, in any of its runs up to `runId`, of which a snapshot is still kept: a
 * person's, and only where they never approved any, one of a gate that decides by itself. Undefined where there is none:
 * then all of the code is new.
 */
export async function lastApproval(
  store: SnapshotStore,
  connectorDir: string,
  runId: string,
): Promise<Approval | undefined> {
  const snapshots = await store.list(connectorDir);
  const place = connectorPlace(store.workspace, connectorDir);
  const views = (await listRuns(store.workspace)).filter(
    (view) => view.connectorDir !== null && connectorPlace(view.workspace, view.connectorDir) === place,
  );
  const upTo = views.find((view) => view.runId === runId);
  const approvals: Approval[] = [];
  for (const view of views) {
    if (upTo !== undefined && view.startedAt > upTo.startedAt) continue;
    for (const record of await approvalsOf(view)) {
      const snapshot = approvedState(snapshots, view.runId, record.at);
      if (snapshot === undefined) continue;
      approvals.push({ runId: view.runId, gate: record.gate, by: record.by, at: record.at, snapshot });
    }
  }
  approvals.sort((a, b) => a.at.localeCompare(b.at));
  return approvals.findLast(({ by }) => by === 'person') ?? approvals.at(-1);
}

type Decided = Extract<Recorded, { type: 'decided' }>;

async function approvalsOf(view: RunView): Promise<Decided[]> {
  // A damaged journal says nothing that can be relied on.
  const journal = await readJournal(view.runDir, nodeFiles).catch(() => undefined);
  const decided = (journal?.records ?? []).filter((record): record is Decided => record.type === 'decided');
  return decided.filter(({ gate, decision }) => decision.kind === 'approve' && CODE_GATES.includes(gate));
}

/**
 * What was approved at a time: as the next stage of that run found it, for a person may have edited the code before they
 * approved it; where none came, as the newest snapshot before has it.
 */
function approvedState(snapshots: readonly Snapshot[], runId: string, at: string): Snapshot | undefined {
  const next = snapshots.find((snapshot) => snapshot.at >= at);
  if (next?.runId === runId && next.phase === 'before' && next.stage !== 'restore') return next;
  return snapshots.findLast((snapshot) => snapshot.at <= at);
}
