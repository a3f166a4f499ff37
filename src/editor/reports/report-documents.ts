/** Reports of a run as read-only documents of their own scheme: written by the stages as JSON, shown as Markdown. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  EventEmitter,
  Uri,
  workspace,
  type Disposable,
  type Event,
  type TextDocumentContentProvider,
} from 'vscode';
import { DisposableStore } from '../disposables.ts';
import type { RunService } from '../run-service.ts';

const SCHEME = 'sourcewright-report';
const REPORTS = new Set(['test-report.json', 'diagnosis.json', 'review.json', 'publication.json']);

/** Whether the artifact at `path` has a readable form beside its JSON. */
export function isReport(path: string): boolean {
  return REPORTS.has(basename(path));
}

/** The readable form of the report at `path`. */
export function reportUri(path: string): Uri {
  const file = Uri.file(path);
  return file.with({ scheme: SCHEME, path: file.path.replace(/\.json$/, '.md') });
}

export class ReportDocuments implements TextDocumentContentProvider, Disposable {
  readonly #runs: RunService;
  readonly #owned = new DisposableStore();
  readonly #changed = this.#owned.add(new EventEmitter<Uri>());
  #refresh: NodeJS.Timeout | undefined;
  readonly onDidChange: Event<Uri> = this.#changed.event;

  constructor(runs: RunService) {
    this.#runs = runs;
    this.#owned.add(workspace.registerTextDocumentContentProvider(SCHEME, this));
    // A report on show follows its run: answers of the person, or the next attempt.
    this.#owned.add(
      runs.onDidChange(() => {
        this.#refresh ??= setTimeout(() => {
          this.#refresh = undefined;
          const shown = workspace.textDocuments.filter(({ uri }) => uri.scheme === SCHEME);
          for (const { uri } of shown) this.#changed.fire(uri);
        }, 500);
      }),
    );
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const path = uri.with({ scheme: 'file', path: uri.path.replace(/\.md$/, '.json') }).fsPath;
    if (!isReport(path)) return '';
    const { renderReport } = await this.#runs.engine();
    return renderReport(basename(path), await readFile(path, 'utf8').catch(() => ''));
  }

  dispose(): void {
    clearTimeout(this.#refresh);
    this.#owned.dispose();
  }
}
