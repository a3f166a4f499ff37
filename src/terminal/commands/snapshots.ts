/** `sourcewright snapshots` and `restore`: what is kept of a connector around the stages that write, and the way back. */
import { SourcewrightError } from '../../errors.ts';
import type { RunView } from '../../pipeline/contracts.ts';
import { findRun, viewRun } from '../../store/runs.ts';
import {
  planRestore,
  restore as restoreSnapshot,
  SnapshotStore,
  type RestorePlan,
  type Snapshot,
} from '../../workspace/snapshots/index.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printJson, shown, workspaceOf, type Session, type WorkspaceOptions } from '../session.ts';
import { count, harmless } from '../terminal.ts';

export interface SnapshotsOptions extends WorkspaceOptions {
  readonly json?: boolean;
}

export interface RestoreOptions extends SnapshotsOptions {
  readonly stage?: string;
  readonly attempt?: string;
  readonly before?: boolean;
  readonly snapshot?: string;
  readonly force?: boolean;
  readonly keep?: boolean;
}

interface Place {
  readonly view: RunView;
  readonly connectorDir: string;
  readonly store: SnapshotStore;
  /** Of the run's connector, by whatever run, the oldest first. */
  readonly all: readonly Snapshot[];
}

async function placeOf(session: Session, name: string, options: WorkspaceOptions): Promise<Place> {
  const workspace = await workspaceOf(session, options);
  const view = await viewRun(await findRun(workspace, name));
  const { connectorDir } = view;
  if (connectorDir === null) {
    throw new SourcewrightError('input', 'This run has no connector yet.', { where: view.runDir });
  }
  const store = new SnapshotStore(workspace);
  return { view, connectorDir, store, all: await store.list(connectorDir) };
}

/** Lists the snapshots that a run took, the oldest first, with what each of its stages changed. */
export async function snapshots(
  session: Session,
  name: string,
  options: SnapshotsOptions,
): Promise<ExitCode> {
  const { terminal } = session;
  const { view, all } = await placeOf(session, name, options);
  const own = all.filter(({ runId }) => runId === view.runId);
  if (options.json === true) {
    const rows = own.map(({ id, stage, attempt, phase, at, files, leftOut }) => ({
      id,
      stage,
      attempt,
      phase,
      at,
      files: files.length,
      leftOut,
    }));
    printJson(terminal, { snapshots: rows });
    return EXIT.done;
  }
  if (own.length === 0) terminal.stderr.write('No snapshots of this run are kept.\n');
  const width = Math.max(0, ...own.map(({ id }) => id.length));
  for (const snapshot of own) {
    const previous = all.find(({ sequence }) => sequence === snapshot.sequence - 1);
    const time = snapshot.at.slice(0, 19).replace('T', ' ');
    const about = [count(snapshot.files.length, 'file'), ...changedWords(snapshot, previous)].join(', ');
    terminal.stdout.write(`${snapshot.id.padEnd(width)}  ${time}  ${harmless(about)}\n`);
  }
  return EXIT.done;
}

function changedWords(snapshot: Snapshot, previous: Snapshot | undefined): string[] {
  if (previous === undefined) return [];
  const before = new Map(previous.files.map((file) => [file.path, file.sha256]));
  const changed = snapshot.files.filter((file) => before.get(file.path) !== file.sha256).length;
  const now = new Set(snapshot.files.map((file) => file.path));
  const gone = previous.files.filter((file) => !now.has(file.path)).length;
  return [changed > 0 ? `${changed} new or changed` : '', gone > 0 ? `${gone} removed` : ''].filter(
    (words) => words !== '',
  );
}

/** Brings the connector's folder back to a snapshot. Edits of the person's need `--force` or `--keep`. */
export async function restore(session: Session, name: string, options: RestoreOptions): Promise<ExitCode> {
  const { terminal } = session;
  if (options.force === true && options.keep === true) {
    throw new SourcewrightError('input', '--force and --keep contradict each other.');
  }
  const place = await placeOf(session, name, options);
  const { store, connectorDir } = place;
  const chosen = choose(place, options);
  const plan = await planRestore(store, connectorDir, chosen.id);
  if (plan.edited.length > 0 && options.force !== true && options.keep !== true) throw editedError(plan);
  const done = await restoreSnapshot(
    store,
    connectorDir,
    chosen.id,
    options.force === true ? plan.edited : [],
  );
  if (options.json === true) {
    printJson(terminal, { snapshot: chosen.id, ...done });
    return EXIT.done;
  }
  const lines = [
    `${shown(session, connectorDir)} is as in ${chosen.id}: ` +
      `${count(done.written.length, 'file')} written, ${done.removed.length} removed.`,
    ...done.kept.map((path) => `  kept as you edited it: ${path}`),
  ];
  if (done.undo === null) lines[0] = `Nothing to do: ${chosen.id} is what is there.`;
  else lines.push(`Undo: ${session.command} restore ${place.view.runId} --snapshot ${done.undo}`);
  terminal.stdout.write(`${lines.map(harmless).join('\n')}\n`);
  return EXIT.done;
}

/**
 * By its id, or the newest of a stage of this run: after it, or before it. An attempt that was interrupted may have several:
 * what it began with is the first of them.
 */
function choose({ view, all, store }: Place, options: RestoreOptions): Snapshot {
  const { stage, snapshot, attempt } = options;
  if ((stage === undefined) === (snapshot === undefined)) {
    throw new SourcewrightError('input', 'Say either --stage or --snapshot.', {
      cure: 'The snapshots of a run are listed by `sourcewright snapshots <run>`.',
    });
  }
  const phase = options.before === true ? 'before' : 'after';
  const newest = all.findLast(
    (one) =>
      one.runId === view.runId &&
      one.stage === stage &&
      one.phase === phase &&
      (attempt === undefined || String(one.attempt) === attempt),
  );
  const sameAttempt = (one: Snapshot): boolean =>
    one.runId === newest?.runId &&
    one.stage === stage &&
    one.phase === phase &&
    one.attempt === newest.attempt;
  const ofStage = phase === 'before' ? all.find(sameAttempt) : newest;
  const found = snapshot === undefined ? ofStage : all.find(({ id }) => id === snapshot);
  if (found !== undefined) return found;
  const what =
    snapshot ?? `${phase} ${stage ?? ''}${attempt === undefined ? '' : ` (attempt ${attempt})`} of this run`;
  throw new SourcewrightError('input', `No snapshot ${what} is kept.`, {
    where: store.workspace,
    cure: 'Choose one that `sourcewright snapshots <run>` lists.',
  });
}

function editedError(plan: RestorePlan): SourcewrightError {
  const names = plan.edited.map(({ path, sha256 }) => (sha256 === null ? `${path} (deleted)` : path));
  return new SourcewrightError(
    'input',
    `You changed ${count(names.length, 'file')} since that snapshot: ${names.join(', ')}.`,
    {
      cure: 'Nothing was touched. --keep leaves these as they are and restores the rest, --force overwrites them.',
    },
  );
}
