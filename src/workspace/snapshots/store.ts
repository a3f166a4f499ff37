/**
 * Takes snapshots of connectors and keeps them within a size: who changed what, and what can be brought back. Nothing here
 * touches git, and nothing is written but in the workspace's `.sourcewright/snapshots/`.
 */
import { rm } from 'node:fs/promises';
import { SourcewrightError } from '../../errors.ts';
import { later } from '../../store/append-log.ts';
import { type Files, fileError, nodeFiles } from '../../store/files.ts';
import { type Lock, takeLock } from '../../store/lock.ts';
import { homeOf } from '../../store/run-folders.ts';
import { resolveInside } from '../files.ts';
import { type FolderState, readFolder } from './folder.ts';
import {
  type Manifest,
  manifestFolder,
  Manifest as ManifestSchema,
  type Snapshot,
  snapshotId,
  sequenceOf,
} from './manifest.ts';
import { entries, ObjectStore } from './objects.ts';
import { prune } from './prune.ts';

export interface SnapshotOptions {
  /** The file system that snapshots are written through. */
  readonly files?: Files;
  readonly now?: () => Date;
  /** Of all snapshots of the workspace together, as stored; the oldest go first. Bytes, default 200 MB. */
  readonly maxBytes?: number;
  /** A bigger file is left out. Bytes, default 5 MB. */
  readonly maxFileBytes?: number;
  /** How long to wait for another process that takes a snapshot. Milliseconds, default 30,000. */
  readonly waitMs?: number;
}

/** What is to be snapshotted, and around what. */
export interface Moment extends Pick<Manifest, 'runId' | 'stage' | 'attempt' | 'phase'> {
  /** ISO time that the snapshot is not older than, whatever the clock says. */
  readonly notBefore?: string;
}

const MEGABYTE = 1024 * 1024;
/** A manifest with tens of thousands of files is not one of ours. Bytes. */
const MOST_MANIFEST_BYTES = 16 * MEGABYTE;

/**
 * Whether a step that was interrupted and runs again finds what it left: what the newest snapshot holds is taken once
 * for an attempt, so that its `before` stays what the attempt began with.
 */
function keptAlready(newest: Snapshot, moment: Moment, { files, leftOut }: FolderState): boolean {
  const { runId, stage, attempt, phase } = newest;
  const sameAttempt = runId === moment.runId && stage === moment.stage && attempt === moment.attempt;
  if (stage === 'restore' || !sameAttempt || (phase !== moment.phase && moment.phase === 'after')) return false;
  return JSON.stringify([newest.files, newest.leftOut]) === JSON.stringify([files, leftOut]);
}

export class SnapshotStore {
  readonly workspace: string;
  readonly objects: ObjectStore;
  readonly #options: Required<SnapshotOptions>;

  /** @param workspace absolute path of the folder that holds `.sourcewright/` */
  constructor(workspace: string, options: SnapshotOptions = {}) {
    this.workspace = workspace;
    this.#options = {
      files: nodeFiles,
      now: () => new Date(),
      maxBytes: 200 * MEGABYTE,
      maxFileBytes: 5 * MEGABYTE,
      waitMs: 30_000,
      ...options,
    };
    this.objects = new ObjectStore(homeOf(workspace), this.#options.files);
  }

  /**
   * Takes a snapshot of the connector's folder. Whoever calls holds the connector's lock, so that nothing moves meanwhile.
   * The contents are on the disk before the manifest that names them; the oldest snapshots then make room for it. Where the
   * newest one is of the same attempt and of the same files, as after an interruption, that one is returned.
   * @throws SourcewrightError `environment` when it can't be written, `locked` when others are at it for too long
   */
  async take(connectorDir: string, { notBefore = '', ...moment }: Moment): Promise<Snapshot> {
    return this.#alone(async () => {
      const { files, leftOut } = await this.read(connectorDir, (content) => this.objects.put(content));
      const folder = manifestFolder(this.workspace, connectorDir);
      const newest = (await this.list(connectorDir)).at(-1);
      if (newest !== undefined && keptAlready(newest, moment, { files, leftOut })) {
        await prune(this, { maxBytes: this.#options.maxBytes, newest: `${folder}/${newest.id}.json` });
        return newest;
      }
      const numbers = (await this.#names(folder)).map((name) => sequenceOf(name) ?? 0);
      const manifest: Manifest = {
        schemaVersion: 1,
        sequence: Math.max(0, ...numbers) + 1,
        ...moment,
        // Times of snapshots and of journals are compared, so they never go back.
        at: later(new Date(later(this.#options.now(), notBefore)), newest?.at ?? ''),
        files: [...files],
        leftOut: [...leftOut],
      };
      const id = snapshotId(manifest);
      const path = await resolveInside(homeOf(this.workspace), `${folder}/${id}.json`);
      await this.#options.files.writeAtomic(path, `${JSON.stringify(manifest)}\n`);
      await prune(this, { maxBytes: this.#options.maxBytes, newest: `${folder}/${id}.json` });
      return { ...manifest, id };
    });
  }

  /** The connector's folder as it is now; see `readFolder`. */
  async read(connectorDir: string, keep?: (content: Buffer) => Promise<unknown>): Promise<FolderState> {
    const { maxFileBytes, maxBytes } = this.#options;
    return readFolder(connectorDir, { maxFileBytes, maxTotalBytes: maxBytes }, keep);
  }

  /** The snapshots of a connector, the oldest first. Damaged manifests are passed over. */
  async list(connectorDir: string): Promise<Snapshot[]> {
    const folder = manifestFolder(this.workspace, connectorDir);
    const names = await this.#names(folder);
    const all = await Promise.all(names.map((name) => this.readManifest(`${folder}/${name}`)));
    return all.filter((snapshot) => snapshot !== undefined).sort((a, b) => a.sequence - b.sequence);
  }

  /** @throws SourcewrightError `input` where the connector has no such snapshot (any more) */
  async find(connectorDir: string, id: string): Promise<Snapshot> {
    const found = (await this.list(connectorDir)).find((snapshot) => snapshot.id === id);
    if (found !== undefined) return found;
    throw new SourcewrightError('input', `There is no snapshot ${id} of this connector (any more).`, {
      where: connectorDir,
      cure: 'The oldest are thrown away when they get too many. Choose another one.',
    });
  }

  /** A manifest by its path in `.sourcewright/`; undefined where it is not there or not a whole one. */
  async readManifest(path: string): Promise<Snapshot | undefined> {
    try {
      const content = await this.#options.files.read(await resolveInside(homeOf(this.workspace), path));
      if (content === undefined || content.length > MOST_MANIFEST_BYTES) return undefined;
      const manifest = ManifestSchema.parse(JSON.parse(content.toString('utf8')));
      const id = snapshotId(manifest);
      // A manifest under another name is a copy that somebody made.
      return path.endsWith(`/${id}.json`) ? { ...manifest, id } : undefined;
    } catch {
      return undefined;
    }
  }

  async #names(folder: string): Promise<string[]> {
    const found = await entries(homeOf(this.workspace), folder);
    return found
      .filter((entry) => entry.isFile() && sequenceOf(entry.name) !== undefined)
      .map(({ name }) => name);
  }

  async removeManifest(path: string): Promise<void> {
    const absolute = await resolveInside(homeOf(this.workspace), path);
    await rm(absolute, { force: true }).catch((error: unknown) => {
      throw fileError(error, 'remove', absolute);
    });
  }

  /** One at a time in a workspace: what one has stored and not named yet, another must not throw away. */
  async #alone<T>(act: () => Promise<T>): Promise<T> {
    const lock = await this.#lock();
    try {
      return await act();
    } finally {
      await lock.release();
    }
  }

  async #lock(): Promise<Lock> {
    const path = await resolveInside(homeOf(this.workspace), 'locks/snapshots.lock');
    const deadline = performance.now() + this.#options.waitMs;
    for (;;) {
      try {
        return await takeLock(path, 'The store of snapshots', 'takes a snapshot');
      } catch (error) {
        const held = error instanceof SourcewrightError && error.code === 'locked';
        if (!held || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}
