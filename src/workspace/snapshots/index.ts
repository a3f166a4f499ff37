/** Snapshots of connectors: what those who drive runs use of them. */
import type { PipelineDependencies, SnapshotHook } from '../../pipeline/contracts.ts';
import { type SnapshotOptions, SnapshotStore } from './store.ts';

export { changesSince, lastApproval, type Approval, type Change } from './changes.ts';
export type { Snapshot, SnapshotFile } from './manifest.ts';
export { planRestore, restore, type Restored, type RestorePlan, type SeenFile } from './restore.ts';
export { SnapshotStore, type SnapshotOptions } from './store.ts';

/** The hook of a pipeline: each snapshot goes into the workspace of its run. `options` are asked for at each one. */
export function snapshotHook(
  log: PipelineDependencies['log'],
  options: () => SnapshotOptions = () => ({}),
): SnapshotHook {
  return {
    async take({ workspace, connectorDir, ...moment }) {
      const { leftOut, id } = await new SnapshotStore(workspace, options()).take(connectorDir, moment);
      if (leftOut.length === 0) return;
      const names = leftOut.map(({ path, why }) => `${path} (${why})`).join(', ');
      log('info', `Left out of the snapshot ${id}: ${names}`);
    },
  };
}
