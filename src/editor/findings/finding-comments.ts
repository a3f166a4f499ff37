/** The review's findings as comment threads in the connector's files. The ledger of the run is the truth; threads mirror it. */
import { join } from 'node:path';
import {
  CommentMode,
  comments,
  CommentThreadCollapsibleState,
  CommentThreadState,
  commands,
  MarkdownString,
  Range,
  Selection,
  TextEditorRevealType,
  Uri,
  window,
  workspace,
  type Comment,
  type CommentController,
  type CommentThread,
  type Disposable,
  type LogOutputChannel,
} from 'vscode';
import { asSourcewrightError, SourcewrightError } from '../../errors.ts';
import type { Finding, FindingAnswer, GateName, Review } from '../../pipeline/contracts.ts';
import { markdownText, SEVERITY_RANK } from '../present.ts';
import type { RunEntry, RunService } from '../run-service.ts';
import { applySuggestion } from './apply-suggestion.ts';

interface Shown {
  readonly runId: string;
  /** The connector's folder. */
  readonly directory: string;
  readonly finding: Finding;
  readonly thread: CommentThread;
  answer: FindingAnswer | undefined;
}

/** What a command may hand over to name a finding: the thread, its comment, a tree node, or nothing. */
export type FindingTarget = { readonly finding?: Finding | string } | CommentThread | undefined;

export class FindingComments implements Disposable {
  readonly #runs: RunService;
  readonly #log: LogOutputChannel;
  readonly #controller: CommentController;
  readonly #subscription: Disposable;
  #shown: Shown[] = [];
  /** Which ledger is shown: run, cycle and number of answers. */
  #key = '';
  #refreshing: Promise<void> = Promise.resolve();

  constructor(runs: RunService, log: LogOutputChannel) {
    this.#runs = runs;
    this.#log = log;
    this.#controller = comments.createCommentController('sourcewright.findings', 'Sourcewright Review');
    this.#subscription = runs.onDidChange(() => {
      this.#refreshing = this.#refreshing
        .then(() => this.#refresh())
        .catch((error: unknown) => {
          log.error(`Findings: ${asSourcewrightError(error).toText()}`);
        });
    });
  }

  /** The findings on show, in order. */
  shown(): readonly Shown[] {
    return this.#shown;
  }

  async #refresh(): Promise<void> {
    const entry = this.#runs.current();
    const stage = entry?.view.stages.find(({ stage: name }) => name === 'review');
    if (entry === undefined || !isAnswered(entry.view.gate) || entry.access === 'locked') {
      this.#clear('');
      return;
    }
    const review = await this.#runs.review(entry.view.runId);
    if (review === undefined) {
      this.#clear('');
      return;
    }
    const key = `${entry.view.runId}/${String(stage?.attempt)}/${review.cycle}`;
    if (key !== this.#key) this.#build(entry, review, key);
    else this.#mark(review);
    this.#setOpen();
  }

  #clear(key: string): void {
    this.#key = key;
    for (const { thread } of this.#shown.splice(0)) thread.dispose();
    this.#setOpen();
  }

  #setOpen(): void {
    const open = this.#shown.filter(({ answer }) => answer === undefined).length;
    void commands.executeCommand('setContext', 'sourcewright.openFindings', open);
  }

  #build({ view }: RunEntry, review: Review, key: string): void {
    this.#clear(key);
    const directory = view.connectorDir;
    if (directory === null) return;
    const ordered = [...review.findings].sort(
      (a, b) =>
        a.range.file.localeCompare(b.range.file) ||
        // The editor puts a thread below the last of its lines: number them as they are seen.
        a.range.endLine - b.range.endLine ||
        SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity],
    );
    const answers = new Map(review.answers.map((answer) => [answer.finding, answer]));
    this.#shown = ordered.map((finding, index) => {
      const { file, startLine, endLine } = finding.range;
      const comment: Comment = {
        body: commentBody(finding),
        mode: CommentMode.Preview,
        author: { name: `Sourcewright · ${finding.source}` },
        contextValue: finding.suggestion === undefined ? 'finding' : 'finding.suggestion',
      };
      const thread = this.#controller.createCommentThread(
        Uri.file(join(directory, file)),
        new Range(startLine - 1, 0, endLine - 1, 0),
        [comment],
      );
      thread.canReply = false;
      const shown: Shown = {
        runId: view.runId,
        directory,
        finding,
        thread,
        answer: answers.get(finding.id),
      };
      present(shown, index + 1, ordered.length);
      return shown;
    });
  }

  #mark(review: Review): void {
    const answers = new Map(review.answers.map((answer) => [answer.finding, answer]));
    this.#shown.forEach((shown, index) => {
      const answer = answers.get(shown.finding.id);
      if (answer?.answer === shown.answer?.answer) return;
      shown.answer = answer;
      present(shown, index + 1, this.#shown.length);
    });
  }

  /**
   * Accepts: writes the exact suggestion into the file (one undo step) and notes it as applied; where there is none, or
   * the text has changed since, it is queued for the next improvement. Throws `input` at the draft gate, where none follows.
   */
  async accept(target: FindingTarget): Promise<void> {
    const shown = this.#find(target);
    const run = await this.#runs.open(shown.runId);
    const { suggestion } = shown.finding;
    const isLast = run.view().gate === 'draft';
    if (isLast && suggestion === undefined) throw tooLate();
    let applied = false;
    if (suggestion !== undefined) {
      applied = await applySuggestion(Uri.file(join(shown.directory, suggestion.range.file)), suggestion);
      if (!applied && isLast) throw tooLate();
      if (!applied) {
        void window.showInformationMessage(
          'The lines have changed since the review: the finding is queued for the improvement instead.',
        );
      }
    }
    await this.#answer(shown, run, { finding: shown.finding.id, answer: applied ? 'applied' : 'accepted' });
  }

  /** Rejects, with a reason where the person gives one; Escape at the question leaves the finding open. */
  async reject(target: FindingTarget, words?: string): Promise<void> {
    const shown = this.#find(target);
    const reason =
      words ??
      (await window.showInputBox({
        title: 'Reject the finding',
        prompt: 'Why? (optional, kept in the review’s ledger)',
        placeHolder: 'Enter without a reason, Escape to leave the finding open',
      }));
    if (reason === undefined) return;
    const run = await this.#runs.open(shown.runId);
    await this.#answer(shown, run, {
      finding: shown.finding.id,
      answer: 'rejected',
      ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
    });
  }

  /** Accepts every open finding that has an exact suggestion; from the last line to the first, so that lines stay right. */
  async acceptAllSuggestions(): Promise<number> {
    const open = this.#shown
      .filter(({ answer, finding }) => answer === undefined && finding.suggestion !== undefined)
      .reverse();
    for (const { finding } of open) await this.accept({ finding });
    return open.length;
  }

  /** Shows the next (or previous) finding without an answer, from the cursor on; of any answer when none is open. */
  async go(step: 1 | -1): Promise<void> {
    await this.#refreshing;
    const open = this.#shown.filter(({ answer }) => answer === undefined);
    const among = open.length > 0 ? open : this.#shown;
    if (among.length === 0) {
      void window.showInformationMessage('There are no findings to go to.');
      return;
    }
    await this.reveal({ finding: (nextFrom(among, step) ?? among[0])?.finding.id ?? '' });
  }

  async reveal(target: FindingTarget): Promise<void> {
    const { thread } = this.#find(target);
    const document = await workspace.openTextDocument(thread.uri);
    const at = thread.range ?? new Range(0, 0, 0, 0);
    const editor = await window.showTextDocument(document, { preview: false });
    editor.selection = new Selection(at.start, at.start);
    // Near the top, so that the thread below the lines is in sight as well.
    const above = at.with({ start: at.start.with({ line: Math.max(0, at.start.line - 4) }) });
    editor.revealRange(above, TextEditorRevealType.AtTop);
    thread.collapsibleState = CommentThreadCollapsibleState.Expanded;
  }

  async #answer(
    shown: Shown,
    run: { answer(answer: FindingAnswer): Promise<void> },
    answer: FindingAnswer,
  ): Promise<void> {
    await run.answer(answer);
    shown.answer = answer;
    present(shown, this.#shown.indexOf(shown) + 1, this.#shown.length);
    this.#setOpen();
    this.#log.info(`Finding ${shown.finding.rule} in ${shown.finding.range.file}: ${answer.answer}.`);
  }

  #find(target: FindingTarget): Shown {
    const found =
      this.#shown.find((shown) => shown.thread === target) ??
      this.#shown.find(({ finding }) => {
        const named = target !== undefined && 'finding' in target ? target.finding : undefined;
        return finding.id === (typeof named === 'string' ? named : named?.id);
      }) ??
      (target === undefined ? this.#atCursor() : undefined);
    if (found !== undefined) return found;
    throw new SourcewrightError('input', 'There is no finding here to answer.', {
      cure: 'Go to one with "Sourcewright: Next Finding".',
    });
  }

  #atCursor(): Shown | undefined {
    const editor = window.activeTextEditor;
    if (editor === undefined) return undefined;
    return this.#shown.find(
      ({ thread }) =>
        thread.uri.toString() === editor.document.uri.toString() &&
        thread.range?.contains(editor.selection.active) === true,
    );
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#controller.dispose();
  }
}

/** The gates at which answers to findings count; at the draft's, settling the last blocking one lifts the draft. */
function isAnswered(gate: GateName | null): boolean {
  return gate === 'review' || gate === 'draft';
}

function nextFrom(among: readonly Shown[], step: 1 | -1): Shown | undefined {
  const editor = window.activeTextEditor;
  const at = among.findIndex(
    ({ thread }) =>
      editor !== undefined &&
      thread.uri.toString() === editor.document.uri.toString() &&
      thread.range?.start.line === editor.selection.active.line,
  );
  if (at < 0) return undefined;
  return among[(at + step + among.length) % among.length];
}

function tooLate(): SourcewrightError {
  return new SourcewrightError('input', 'No improvement follows any more: the review cycles are used up.', {
    cure: 'Reject the finding with a reason, or leave it open: the draft lists it.',
  });
}

const ANSWERED: Record<FindingAnswer['answer'], string> = {
  accepted: 'accepted, queued for the improvement',
  applied: 'accepted, suggestion applied',
  rejected: 'rejected',
};

function present({ thread, finding, answer }: Shown, number: number, of: number): void {
  const state = answer === undefined ? `${finding.severity} · ${finding.category}` : ANSWERED[answer.answer];
  thread.label = `Finding ${number} of ${of} · ${state}`;
  thread.contextValue = [
    'finding',
    answer === undefined ? 'open' : 'answered',
    finding.suggestion === undefined ? 'plain' : 'suggestion',
  ].join('.');
  thread.state = answer === undefined ? CommentThreadState.Unresolved : CommentThreadState.Resolved;
  thread.collapsibleState =
    answer === undefined ? CommentThreadCollapsibleState.Expanded : CommentThreadCollapsibleState.Collapsed;
}

function commentBody(finding: Finding): MarkdownString {
  const body = new MarkdownString();
  body.appendMarkdown(markdownText(finding.message));
  if (finding.suggestion !== undefined) {
    body.appendMarkdown(`\n\nSuggestion: ${markdownText(finding.suggestion.title)}`);
    body.appendCodeblock(diffText(finding.suggestion.before, finding.suggestion.after), 'diff');
  }
  body.appendMarkdown(`\n\n\`${finding.source}\` \`${finding.rule}\``);
  return body;
}

/** The changed lines with their signs; lines that both share at the start and the end stay as context. */
function diffText(before: string, after: string): string {
  const old = before.replace(/\n$/, '').split('\n');
  const fresh = after === '' ? [] : after.replace(/\n$/, '').split('\n');
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < fresh.length - head &&
    old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]
  ) {
    tail += 1;
  }
  return [
    ...old.slice(0, head).map((line) => `  ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...fresh.slice(head, fresh.length - tail).map((line) => `+ ${line}`),
    ...old.slice(old.length - tail).map((line) => `  ${line}`),
  ].join('\n');
}
