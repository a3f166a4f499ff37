/**
 * Reports of a run as read-only documents of their own scheme: written by stages and agents as JSON, shown as Markdown.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  EventEmitter,
  Uri,
  workspace,
  type Disposable,
  type Event,
  type TextDocumentContentProvider,
} from 'vscode';
import { asSourcewrightError } from '../../errors.ts';
import { transcriptOf, type TranscriptFile } from '../agents/transcripts.ts';
import { DisposableStore } from '../disposables.ts';
import type { RunService } from '../run-service.ts';

const SCHEME = 'sourcewright-report';
const REPORTS = new Set(['test-report.json', 'diagnosis.json', 'review.json', 'publication.json']);

/** Whether the artifact at `path` has a readable form beside its JSON. */
export function isReport(path: string): boolean {
  return REPORTS.has(basename(path)) || transcriptOf(path) !== undefined;
}

/** The readable form of the report at `path`. */
export function reportUri(path: string): Uri {
  const file = Uri.file(path);
  return file.with({ scheme: SCHEME, path: file.path.replace(/\.jsonl?$/, '.md') });
}

/** The file that a report is about. */
function fileOf(uri: Uri): string {
  const ending = /\/transcripts\/[^/]+\.md$/.test(uri.path) ? '.jsonl' : '.json';
  return uri.with({ scheme: 'file', path: uri.path.replace(/\.md$/, ending) }).fsPath;
}

export class ReportDocuments implements TextDocumentContentProvider, Disposable {
  readonly #runs: RunService;
  readonly #owned = new DisposableStore();
  readonly #changed = this.#owned.add(new EventEmitter<Uri>());
  /** Folders, as paths of URIs, in which something has changed since the last redraw. */
  readonly #stale = new Set<string>();
  #refresh: NodeJS.Timeout | undefined;
  readonly onDidChange: Event<Uri> = this.#changed.event;

  constructor(runs: RunService) {
    this.#runs = runs;
    this.#owned.add(workspace.registerTextDocumentContentProvider(SCHEME, this));
    // A report on show follows its run: answers of the person, the next attempt, an agent at work.
    this.#owned.add(
      runs.onDidChange((entry) => {
        this.#stale.add(entry === undefined ? '/' : `${Uri.file(entry.view.runDir).path}/`);
        this.#refresh ??= setTimeout(() => {
          this.#refresh = undefined;
          this.#redraw();
        }, 500);
      }),
    );
  }

  #redraw(): void {
    const folders = [...this.#stale];
    this.#stale.clear();
    for (const { uri } of workspace.textDocuments) {
      const isStale = folders.some((folder) => uri.path.startsWith(folder));
      if (uri.scheme === SCHEME && isStale) this.#changed.fire(uri);
    }
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const path = fileOf(uri);
    if (!isReport(path)) return '';
    const transcript = transcriptOf(path);
    if (transcript !== undefined) return this.#transcript(transcript);
    const { renderReport } = await this.#runs.engine();
    return renderReport(basename(path), await readFile(path, 'utf8').catch(() => ''));
  }

  async #transcript(file: TranscriptFile): Promise<string> {
    const { readTranscripts, renderTranscript } = await this.#runs.engine();
    try {
      const all = await readTranscripts(dirname(dirname(file.path)));
      const view = all.find(({ stage, attempt }) => stage === file.stage && attempt === file.attempt);
      return renderTranscript(file, view);
    } catch (error) {
      return renderTranscript(file, asSourcewrightError(error));
    }
  }

  dispose(): void {
    clearTimeout(this.#refresh);
    this.#owned.dispose();
  }
}
