/**
 * What a snapshot is: a list of a connector's files with the hashes of their contents, which lie in the object store. One
 * JSON file each, `.sourcewright/snapshots/<folder of the connector>/<sequence>-<run>-<stage>-<attempt>-<phase>.json`.
 */
import { basename, relative } from 'node:path';
import { z } from 'zod';
import { StageName } from '../../pipeline/contracts.ts';
import { sha256 } from '../../store/files.ts';

/** Inside the workspace's `.sourcewright/`, with forward slashes. */
export const SNAPSHOTS = 'snapshots';

/** A manifest may have been edited, or come along with a folder from elsewhere: no path in it may lead out. */
function isPlainPath(path: string): boolean {
  return path
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0]|^\.git$/i.test(part));
}

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const RelativePath = z.string().refine(isPlainPath, 'is no path inside the folder');

export const SnapshotFile = z.object({
  /** Relative to the connector's folder, with forward slashes. */
  path: RelativePath,
  sha256: Sha256,
  bytes: z.number().int().min(0),
  /** May be started as a program; absent = no. */
  executable: z.literal(true).optional(),
});
export type SnapshotFile = z.infer<typeof SnapshotFile>;

/** A file that was there and is not kept. It is never restored, and never removed by a restore. */
export const LeftOutFile = z.object({
  path: RelativePath,
  why: z.enum(['too big', 'unreadable']),
});
export type LeftOutFile = z.infer<typeof LeftOutFile>;

/** What a snapshot was taken around: a stage that writes, or a restore. */
export const SnapshotCause = z.enum([...StageName.options, 'restore']);
export type SnapshotCause = z.infer<typeof SnapshotCause>;

export const SnapshotPhase = z.enum(['before', 'after']);
export type SnapshotPhase = z.infer<typeof SnapshotPhase>;

export const Manifest = z.object({
  schemaVersion: z.literal(1),
  /** Counts the snapshots of this connector; a number that is missing was thrown away or could not be taken. */
  sequence: z.number().int().min(1),
  runId: z.string().regex(/^[A-Za-z0-9][\w.-]*$/),
  stage: SnapshotCause,
  attempt: z.number().int().min(1),
  phase: SnapshotPhase,
  /** Time of taking, ISO 8601 in UTC. */
  at: z.string(),
  files: z.array(SnapshotFile),
  leftOut: z.array(LeftOutFile),
});
export type Manifest = z.infer<typeof Manifest>;

/** A snapshot that is kept. Its id is unique within its connector. */
export type Snapshot = Manifest & { readonly id: string };

/**
 * The folder of a connector's manifests, inside `.sourcewright/`. Two folders of the same name in different places are told
 * apart by a hash of where they are, seen from the workspace: that one may move.
 */
export function manifestFolder(workspace: string, connectorDir: string): string {
  const place = sha256(relative(workspace, connectorDir)).slice(0, 8);
  return `${SNAPSHOTS}/${basename(connectorDir)}-${place}`;
}

/** The id of a snapshot: sorts by sequence, and says to a person what it is. */
export function snapshotId({ sequence, runId, stage, attempt, phase }: Omit<Manifest, 'files'>): string {
  return `${String(sequence).padStart(6, '0')}-${runId}-${stage}-${attempt}-${phase}`;
}

const MANIFEST_NAME = /^(\d{6,})-[\w.-]+\.json$/;

/** The sequence number in a manifest's file name; undefined for the name of anything else. */
export function sequenceOf(fileName: string): number | undefined {
  const [, digits] = MANIFEST_NAME.exec(fileName) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
