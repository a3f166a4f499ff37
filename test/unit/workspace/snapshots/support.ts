/** A workspace with a connector in it, for tests of snapshots. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Snapshot } from '../../../../src/workspace/snapshots/index.ts';
import { SnapshotStore, type SnapshotOptions } from '../../../../src/workspace/snapshots/index.ts';

export const RUN = '20261121-031200-shop-3f2a';

export class Bench {
  readonly workspace: string;
  readonly connector: string;

  private constructor(workspace: string) {
    this.workspace = workspace;
    this.connector = join(workspace, 'connectors', 'source-shop');
  }

  static async make(): Promise<Bench> {
    const bench = new Bench(await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-snapshots-'))));
    await mkdir(bench.connector, { recursive: true });
    return bench;
  }

  remove(): Promise<void> {
    return rm(this.workspace, { recursive: true, force: true });
  }

  store(options: SnapshotOptions = {}): SnapshotStore {
    return new SnapshotStore(this.workspace, options);
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    const target = join(this.connector, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.connector, path), 'utf8');
  }

  take(
    phase: 'before' | 'after',
    more: Partial<{ runId: string; stage: 'generate' | 'test' | 'publish'; attempt: number }> = {},
    options: SnapshotOptions = {},
  ): Promise<Snapshot> {
    const moment = { runId: RUN, stage: 'generate' as const, attempt: 1, phase, ...more };
    return this.store(options).take(this.connector, moment);
  }

  /** A stage that writes these files (undefined: removes it), with the snapshots around it. */
  async stage(files: Record<string, string | undefined>, attempt = 1): Promise<Snapshot> {
    await this.take('before', { attempt });
    for (const [path, content] of Object.entries(files)) {
      if (content === undefined) await rm(join(this.connector, path));
      else await this.write(path, content);
    }
    return this.take('after', { attempt });
  }

  /** All files of a folder of the workspace, by their path in it. */
  async files(folder: string): Promise<string[]> {
    const found = await readdir(join(this.workspace, folder), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    const prefix = join(this.workspace, folder);
    return found
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(prefix.length + 1))
      .sort();
  }

  objects(): Promise<string[]> {
    return this.files('.sourcewright/snapshots/objects');
  }

  /** Where the connector's manifests lie. */
  async manifestFolder(): Promise<string> {
    const root = join(this.workspace, '.sourcewright', 'snapshots');
    const [name] = (await readdir(root)).filter((entry) => entry.startsWith('source-shop'));
    return join(root, name ?? 'none');
  }
}
