/** The connector's files as they read now, for anchoring: what an editor holds unsaved counts before what the disk has. */
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RelativePattern, Uri, workspace, type Disposable, type TextDocumentChangeEvent } from 'vscode';
import { DisposableStore } from '../disposables.ts';
import { pathInside } from '../paths.ts';

/** Edits come in bursts; lines are looked for again when they pause. Milliseconds. */
const SETTLE_MS = 120;

export interface TextListener {
  /** Lines were edited in an editor, just now; `file` as in a finding's range. */
  readonly edited: (file: string, event: TextDocumentChangeEvent) => void;
  /** A file reads otherwise than before, or is gone or back. Called when edits pause. */
  readonly changed: (file: string) => void;
}

export class FindingTexts implements Disposable {
  readonly directory: string;
  readonly #files: ReadonlySet<string>;
  readonly #owned = new DisposableStore();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #listener: TextListener;

  /** @param files relative to the connector's folder, with forward slashes */
  constructor(directory: string, files: Iterable<string>, listener: TextListener) {
    this.directory = directory;
    this.#files = new Set(files);
    this.#listener = listener;
    const paths = new Map([...this.#files].map((file) => [this.#uri(file).toString(), file]));
    this.#owned.add(
      workspace.onDidChangeTextDocument((event) => {
        const file = paths.get(event.document.uri.toString());
        if (file === undefined || event.contentChanges.length === 0) return;
        listener.edited(file, event);
        this.#soon(file);
      }),
    );
    this.#owned.add(
      workspace.onDidOpenTextDocument(({ uri }) => {
        const file = paths.get(uri.toString());
        if (file !== undefined) this.#soon(file);
      }),
    );
    const watcher = this.#owned.add(
      workspace.createFileSystemWatcher(new RelativePattern(Uri.file(directory), '**/*')),
    );
    const onDisk = (uri: Uri): void => {
      const file = paths.get(uri.toString());
      if (file !== undefined) this.#soon(file);
    };
    this.#owned.add(watcher.onDidChange(onDisk));
    this.#owned.add(watcher.onDidCreate(onDisk));
    this.#owned.add(watcher.onDidDelete(onDisk));
  }

  #uri(file: string): Uri {
    return Uri.file(join(this.directory, file));
  }

  #soon(file: string): void {
    clearTimeout(this.#timers.get(file));
    this.#timers.set(
      file,
      setTimeout(() => {
        this.#timers.delete(file);
        this.#listener.changed(file);
      }, SETTLE_MS),
    );
  }

  /** Undefined where there is no such file, or it can't be read. */
  async read(file: string): Promise<string | undefined> {
    return textOf(this.directory, file);
  }

  dispose(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#owned.dispose();
  }
}

/** Whether a finding's file is one of the connector: who writes a review may name any. */
export function isBelow(directory: string, file: string): boolean {
  const path = join(directory, file);
  if (!isInside(directory, path)) return false;
  try {
    // A link may lead elsewhere. What is not there yet leads nowhere.
    return isInside(realpathSync(directory), realpathSync(path));
  } catch {
    return true;
  }
}

function isInside(folder: string, path: string): boolean {
  const inside = pathInside(folder, path);
  return inside !== undefined && inside !== '';
}

/** A file of the connector as it reads now; undefined where there is none. */
export async function textOf(directory: string, file: string): Promise<string | undefined> {
  if (!isBelow(directory, file)) return undefined;
  const uri = Uri.file(join(directory, file));
  const onDisk = await readFile(uri.fsPath, 'utf8').catch(() => undefined);
  const open = workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  // A document of a file that was deleted may stay open for a while.
  if (open === undefined || open.isClosed || (onDisk === undefined && !open.isDirty)) return onDisk;
  return open.getText();
}
