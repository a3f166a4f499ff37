/** Comparing with snapshots, restoring them, and showing what is new: what the commands and the gate *code* do. */
import { basename, join } from 'node:path';
import { commands, Uri, window, workspace, type QuickPickItem } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { StageName } from '../../pipeline/contracts.ts';
import type { Change, Snapshot, SnapshotStore } from '../../workspace/snapshots/index.ts';
import { requireTrust, type RunEntry, type RunService } from '../run-service.ts';
import { runName } from '../present.ts';
import { readSnapshotLimits } from '../settings.ts';
import { snapshotUri } from './snapshot-documents.ts';
import { approvalText, files, restoredText, snapshotLabel, someOf } from './snapshot-words.ts';
import { t } from '../l10n.ts';

/** What becomes of files that the person edited since the snapshot. */
export type EditedAnswer = 'keep' | 'overwrite' | 'cancel';

/** Answers given beforehand; what is not given is asked. */
export interface SnapshotArguments {
  /** Id of the snapshot. */
  readonly snapshot?: string;
  /** Asked with the paths of the edited files. */
  readonly edited?: (paths: readonly string[]) => EditedAnswer | Promise<EditedAnswer>;
}

interface Place {
  readonly workspace: string;
  readonly connectorDir: string;
  readonly store: SnapshotStore;
}

export class Snapshots {
  readonly #runs: RunService;

  constructor(runs: RunService) {
    this.#runs = runs;
  }

  /** Opens the differences between a snapshot and the files as they are now. */
  async compare(entry: RunEntry, stage: StageName | undefined, given: SnapshotArguments = {}): Promise<void> {
    const place = await this.#place(entry);
    const snapshot = await this.#choose(place, entry, stage, given, t('Compare the connector with'));
    if (snapshot === undefined) return;
    const { changesSince } = await this.#runs.engine();
    const changes = await changesSince(place.store, place.connectorDir, snapshot);
    const label = snapshotLabel(snapshot);
    if (changes.length === 0) {
      void window.showInformationMessage(t('Nothing has changed since: {0}', label));
      return;
    }
    await open(place, t('{0}: {1} ↔ now', basename(place.connectorDir), label), changes);
  }

  /** Brings the connector back to a snapshot, with a question first where the person has edited files since. */
  async restore(entry: RunEntry, stage: StageName | undefined, given: SnapshotArguments = {}): Promise<void> {
    requireTrust();
    const place = await this.#place(entry);
    const snapshot = await this.#choose(place, entry, stage, given, t('Restore the connector as it was'));
    if (snapshot === undefined) return;
    const { planRestore, restore } = await this.#runs.engine();
    const { store, connectorDir } = place;
    const plan = await planRestore(store, connectorDir, snapshot.id);
    refuseUnsaved(connectorDir, [...plan.write, ...plan.remove]);
    const ask = given.edited ?? askAboutEdited;
    const answer = plan.edited.length === 0 ? 'keep' : await ask(plan.edited.map(({ path }) => path));
    if (answer === 'cancel') return;
    const done = await restore(store, connectorDir, snapshot.id, answer === 'overwrite' ? plan.edited : []);
    const { undo } = done;
    if (undo === null) {
      const left =
        done.kept.length === 0
          ? ''
          : ` ${t('What you edited ({0}) was left alone.', files(done.kept.length))}`;
      void window.showInformationMessage(`${t('Nothing to restore.')}${left}`);
      return;
    }
    void window
      .showInformationMessage(restoredText(snapshotLabel(snapshot), done), t('Undo'), t('Compare'))
      .then(async (chosen) => {
        if (chosen === undefined) return;
        const next = chosen === t('Undo') ? 'restoreSnapshot' : 'compareWithSnapshot';
        await commands.executeCommand(`sourcewright.${next}`, entry.view.runId, { snapshot: undo });
      });
  }

  /**
   * Opens what is new in the connector's code since it was approved last; all of it the first time.
   * @returns false where nothing is new
   */
  async showCodeChanges(entry: RunEntry): Promise<boolean> {
    const place = await this.#place(entry);
    const { changesSince, lastApproval } = await this.#runs.engine();
    const { store, connectorDir } = place;
    const approval = await lastApproval(store, connectorDir, entry.view.runId);
    const changes = await changesSince(store, connectorDir, approval?.snapshot);
    if (changes.length === 0) return false;
    await open(place, `${runName(entry.view)}: ${approvalText(approval)}`, changes);
    return true;
  }

  async #place({ view }: RunEntry): Promise<Place> {
    if (view.connectorDir === null) throw new SourcewrightError('input', 'The run has no connector yet.');
    const { SnapshotStore: Store } = await this.#runs.engine();
    const { workspace: root, connectorDir } = view;
    return { workspace: root, connectorDir, store: new Store(root, readSnapshotLimits()) };
  }

  /** The snapshot that was given, or the one that the person picks: of a stage in this run, or of the whole connector. */
  async #choose(
    { store, connectorDir }: Place,
    { view }: RunEntry,
    stage: StageName | undefined,
    given: SnapshotArguments,
    title: string,
  ): Promise<Snapshot | undefined> {
    if (given.snapshot !== undefined) return store.find(connectorDir, given.snapshot);
    const all = await store.list(connectorDir);
    const offered = all.filter((one) =>
      stage === undefined ? true : one.runId === view.runId && one.stage === stage,
    );
    if (offered.length === 0) {
      throw new SourcewrightError('input', 'No snapshot is kept here.', {
        cure: 'Snapshots are taken before and after Generate, Test and Publish; the oldest are thrown away in time.',
      });
    }
    type Item = QuickPickItem & { readonly snapshot: Snapshot };
    const items = offered.reverse().map((snapshot): Item => ({
      label: snapshotLabel(snapshot),
      description: `${new Date(snapshot.at).toLocaleString()} · ${files(snapshot.files.length)}`,
      ...(snapshot.runId !== view.runId && { detail: t('run {0}', snapshot.runId) }),
      snapshot,
    }));
    const chosen = await window.showQuickPick(items, { title, placeHolder: t('The newest first') });
    return chosen?.snapshot;
  }
}

/** One file in a plain diff, several in one editor below each other. The side of now is the file itself. */
async function open(place: Place, title: string, changes: readonly Change[]): Promise<void> {
  const fileOf = ({ path }: Change): Uri => Uri.file(join(place.connectorDir, path));
  const before = ({ path, before: sha256 }: Change): Uri => snapshotUri({ ...place, path, sha256 });
  const [only, another] = changes;
  if (only !== undefined && another === undefined) {
    const now = only.exists ? fileOf(only) : snapshotUri({ ...place, path: only.path, sha256: null });
    await commands.executeCommand('vscode.diff', before(only), now, `${title}: ${only.path}`);
    return;
  }
  const resources = changes.map((change) => [
    fileOf(change),
    change.before === null ? undefined : before(change),
    change.exists ? fileOf(change) : undefined,
  ]);
  await commands.executeCommand('vscode.changes', title, resources);
}

/** What is typed and not saved is on no disk: it could neither be kept nor brought back. */
function refuseUnsaved(connectorDir: string, paths: readonly string[]): void {
  const concerned = new Set(paths.map((path) => Uri.file(join(connectorDir, path)).toString()));
  const unsaved = workspace.textDocuments.filter(
    (document) => document.isDirty && concerned.has(document.uri.toString()),
  );
  if (unsaved.length === 0) return;
  const names = unsaved.map(({ fileName }) => basename(fileName)).join(', ');
  throw new SourcewrightError('input', `Unsaved changes would get lost: ${names}.`, {
    cure: 'Save or revert them, then restore again.',
  });
}

async function askAboutEdited(paths: readonly string[]): Promise<EditedAnswer> {
  const keep = t('Keep Mine');
  const overwrite = t('Overwrite');
  const chosen = await window.showWarningMessage(
    t('You changed {0} since that snapshot.', files(paths.length)),
    {
      modal: true,
      detail: `${someOf(paths)}\n\n${t('Keep Mine restores all others. Overwrite can be undone: what is there now is kept as a snapshot.')}`,
    },
    keep,
    overwrite,
  );
  if (chosen === keep) return 'keep';
  return chosen === overwrite ? 'overwrite' : 'cancel';
}
