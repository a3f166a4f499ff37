/** What became of a file since a snapshot: whether the stages changed it, or the person. */
import type { FolderState } from './folder.ts';
import type { Snapshot } from './manifest.ts';

/**
 * The paths whose content a person may have changed since a snapshot, of those that now differ from it.
 *
 * A stage's changes lie between the snapshots before and after it. All that changed at another time, or while no pair of
 * snapshots vouches for it (one could not be taken, was thrown away, or the process was killed), counts as the person's:
 * to ask once too often costs a click, not to ask may cost an hour's work.
 * @param later the snapshots that are newer than `target`, the oldest first
 */
export function editedSince(target: Snapshot, later: readonly Snapshot[], present: FolderState): Set<string> {
  const chain: readonly FolderState[] = [target, ...later, present];
  const contents = chain.map(contentsOf);
  const paths = new Set(contents.flatMap((state) => [...state.keys()]));
  const edited = new Set<string>();
  for (const path of paths) {
    const of = contents.map((state) => state.get(path));
    // What happened before the content was last the snapshot's own is over: nobody's work is in it.
    const since = of.lastIndexOf(of[0]);
    for (let at = since + 1; at < of.length; at += 1) {
      if (of[at] !== of[at - 1] && !isStage([target, ...later], at)) edited.add(path);
    }
  }
  return edited;
}

/** Whether what changed between the snapshots `at - 1` and `at` is the work of one stage (or of one restore). */
function isStage(snapshots: readonly Snapshot[], at: number): boolean {
  const [before, after] = [snapshots[at - 1], snapshots[at]];
  return (
    before?.phase === 'before' &&
    after?.phase === 'after' &&
    before.sequence + 1 === after.sequence &&
    before.runId === after.runId &&
    before.stage === after.stage &&
    before.attempt === after.attempt
  );
}

function contentsOf({ files, leftOut }: FolderState): Map<string, string> {
  return new Map([
    ...files.map((file) => [file.path, file.sha256] as const),
    ...leftOut.map((file) => [file.path, file.why] as const),
  ]);
}
