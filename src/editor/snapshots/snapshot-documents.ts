/** Files of snapshots as read-only documents of their own scheme: one side of a comparison. */
import { join } from 'node:path';
import { Uri, workspace, type Disposable, type TextDocumentContentProvider } from 'vscode';
import type { RunService } from '../run-service.ts';

const SCHEME = 'sourcewright-snapshot';

/** A file of a snapshot. */
export interface SnapshotFileAddress {
  /** Folder that holds `.sourcewright/`. */
  readonly workspace: string;
  readonly connectorDir: string;
  /** Relative to the connector's folder, with forward slashes. */
  readonly path: string;
  /** Hash of its content; null for a file that the snapshot does not have: its document is empty. */
  readonly sha256: string | null;
}

/** The document with the content of a snapshot's file. Its path is the file's, so that it is shown in the same language. */
export function snapshotUri({ workspace: root, connectorDir, path, sha256 }: SnapshotFileAddress): Uri {
  const query = JSON.stringify({ workspace: root, sha256 });
  return Uri.file(join(connectorDir, path)).with({ scheme: SCHEME, query });
}

export class SnapshotDocuments implements TextDocumentContentProvider, Disposable {
  readonly #runs: RunService;
  readonly #registration: Disposable;

  constructor(runs: RunService) {
    this.#runs = runs;
    this.#registration = workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  /** Rejects where the content is no longer kept or damaged: an empty document would say that the file was empty. */
  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const { workspace: root, sha256 } = JSON.parse(uri.query) as Pick<
      SnapshotFileAddress,
      'workspace' | 'sha256'
    >;
    if (sha256 === null) return '';
    const { SnapshotStore } = await this.#runs.engine();
    return (await new SnapshotStore(root).objects.get(sha256)).toString('utf8');
  }

  dispose(): void {
    this.#registration.dispose();
  }
}
