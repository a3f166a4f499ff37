/** The review's findings as comment threads in the connector's files. The ledger of the run is the truth; threads mirror it. */
import { join } from 'node:path';
import {
  comments,
  CommentThreadCollapsibleState,
  commands,
  Range,
  Selection,
  TextEditorRevealType,
  Uri,
  ViewColumn,
  window,
  workspace,
  type CommentController,
  type CommentReply,
  type CommentThread,
  type Disposable,
  type LogOutputChannel,
} from 'vscode';
import { asSourcewrightError, SourcewrightError } from '../../errors.ts';
import type { Finding, FindingAnswer, GateName, Remark, Review } from '../../pipeline/contracts.ts';
import { SEVERITY_RANK } from '../present.ts';
import type { RunEntry, RunService } from '../run-service.ts';
import { type Anchor, anchorFindings, follow } from './anchor.ts';
import { FindingAnswers } from './finding-answers.ts';
import { FindingTexts } from './finding-texts.ts';
import { nextFinding, type Place } from './next.ts';
import { foldedState, presentHead, type Shown, threadComments } from './thread-words.ts';
import { t } from '../l10n.ts';
import { pathInside } from '../paths.ts';

/** What a command may hand over to name a finding: the thread, its comment, a tree node, or nothing. */
export type FindingTarget = { readonly finding?: Finding | string } | CommentThread | undefined;

export class FindingComments implements Disposable {
  /** Where the panel and the threads alike answer. */
  readonly answers: FindingAnswers;
  readonly #runs: RunService;
  readonly #log: LogOutputChannel;
  readonly #controller: CommentController;
  readonly #subscription: Disposable;
  #shown: Shown[] = [];
  #texts: FindingTexts | undefined;
  /** Start lines by finding, followed through edits. */
  #lines = new Map<string, number>();
  /** Which ledger is shown: run, attempt and cycle. */
  #key = '';
  #mine = true;
  #last: string | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(runs: RunService, log: LogOutputChannel) {
    this.#runs = runs;
    this.#log = log;
    this.answers = new FindingAnswers(runs);
    this.#controller = comments.createCommentController('sourcewright.findings', t('Sourcewright Review'));
    this.#controller.options = {
      prompt: t('Reply…'),
      placeHolder: t('Ask why, or say what should be different. Your words stay with the finding.'),
    };
    this.#subscription = runs.onDidChange(() => {
      void this.refreshed();
    });
  }

  /** The findings on show, in order. */
  shown(): readonly Shown[] {
    return this.#shown;
  }

  /** Reads the ledger again; settles when the threads show it. Never rejects. */
  refreshed(): Promise<void> {
    return this.#inTurn(() => this.#refresh());
  }

  #inTurn(act: () => Promise<void> | void): Promise<void> {
    this.#refreshing = this.#refreshing.then(act).catch((error: unknown) => {
      this.#log.error(`Findings: ${asSourcewrightError(error).toText()}`);
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const entry = this.#runs.current();
    const stage = entry?.view.stages.find(({ stage: name }) => name === 'review');
    const review =
      entry !== undefined && isAnswered(entry.view.gate)
        ? await this.#runs.review(entry.view.runId)
        : undefined;
    if (entry === undefined || review === undefined) {
      this.#clear('');
      return;
    }
    const remarks = await this.#remarks(entry.view.runDir);
    const key = `${entry.view.runId}/${String(stage?.attempt)}/${review.cycle}`;
    this.#mine = entry.access !== 'locked';
    if (key !== this.#key) await this.#build(entry, review, remarks, key);
    else this.#mark(review, remarks);
    this.#setOpen();
  }

  /** What was said; a damaged file hides words, never findings. */
  async #remarks(runDir: string): Promise<readonly Remark[]> {
    try {
      return await (await this.#runs.engine()).readRemarks(runDir);
    } catch (error) {
      this.#log.warn(asSourcewrightError(error).toText());
      return [];
    }
  }

  #clear(key: string): void {
    this.#key = key;
    this.#texts?.dispose();
    this.#texts = undefined;
    this.#lines.clear();
    for (const { thread } of this.#shown.splice(0)) thread.dispose();
    this.#setOpen();
  }

  #setOpen(): void {
    const open = this.#mine ? this.#shown.filter(({ answer }) => answer === undefined).length : 0;
    void commands.executeCommand('setContext', 'sourcewright.openFindings', open);
  }

  async #build({ view }: RunEntry, review: Review, remarks: readonly Remark[], key: string): Promise<void> {
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
    const files = new Set(ordered.map(({ range }) => range.file));
    const texts = new FindingTexts(directory, files, {
      edited: (file, { contentChanges }) => {
        const edits = contentChanges.map(({ range, text }) => ({
          start: range.start.line,
          end: range.end,
          text,
        }));
        for (const { finding, anchor } of this.#shown.filter((shown) => shown.finding.range.file === file)) {
          this.#lines.set(finding.id, follow(this.#lines.get(finding.id) ?? anchor.startLine, edits));
        }
      },
      changed: (file) => {
        void this.#inTurn(() => this.#anchorAgain(texts, file));
      },
    });
    this.#texts = texts;
    const anchors = new Map<string, Anchor>();
    for (const file of files) {
      const text = await texts.read(file);
      const found = anchorFindings(
        text,
        ordered.filter(({ range }) => range.file === file),
      );
      for (const [id, anchor] of found) anchors.set(id, anchor);
    }
    const answers = answersOf(review);
    this.#shown = ordered.map((finding, index) => {
      const { id, range } = finding;
      const anchor = anchors.get(id) ?? { ...range, state: 'same' };
      const state = {
        runId: view.runId,
        directory,
        finding,
        anchor,
        answer: answers.get(id),
        remarks: remarks.filter((remark) => remark.finding === id),
      };
      const thread = this.#controller.createCommentThread(
        Uri.file(join(directory, range.file)),
        rangeOf(anchor),
        threadComments(state),
      );
      const shown: Shown = { ...state, thread };
      this.#present(shown, index, ordered.length);
      thread.collapsibleState = foldedState(shown.answer, ordered.length);
      return shown;
    });
  }

  #present(shown: Shown, index = this.#shown.indexOf(shown), of = this.#shown.length): void {
    presentHead(shown, { number: index + 1, of, mine: this.#mine });
  }

  #mark(review: Review, remarks: readonly Remark[]): void {
    const answers = answersOf(review);
    for (const shown of this.#shown) {
      const { finding, thread } = shown;
      const answer = answers.get(finding.id);
      const said = remarks.filter((remark) => remark.finding === finding.id);
      const isAnswered = answer?.answer !== shown.answer?.answer || answer?.reason !== shown.answer?.reason;
      const isDiscussed = said.length !== shown.remarks.length;
      if (!isAnswered && !isDiscussed && thread.canReply === this.#mine) continue;
      shown.answer = answer;
      shown.remarks = said;
      this.#present(shown);
      if (isAnswered || isDiscussed) thread.comments = threadComments(shown);
      if (isAnswered) thread.collapsibleState = foldedState(answer, this.#shown.length);
    }
  }

  /** Looks for the lines of a file's findings again, and moves the threads to them. */
  async #anchorAgain(texts: FindingTexts, file: string): Promise<void> {
    const inFile = this.#shown.filter(({ finding }) => finding.range.file === file);
    const text = await texts.read(file);
    if (texts !== this.#texts) return;
    const findings = inFile.map(({ finding }) => finding);
    const anchors = anchorFindings(text, findings, this.#lines);
    for (const shown of inFile) {
      const anchor = anchors.get(shown.finding.id);
      if (anchor === undefined) continue;
      const { startLine, endLine, state } = shown.anchor;
      shown.anchor = anchor;
      if (this.#lines.has(shown.finding.id)) this.#lines.set(shown.finding.id, anchor.startLine);
      if (anchor.startLine !== startLine || anchor.endLine !== endLine) shown.thread.range = rangeOf(anchor);
      if (anchor.state !== state) this.#present(shown);
    }
  }

  /** Accepts the finding; from a thread or the palette, the next open one is shown then. See `FindingAnswers.accept`. */
  async accept(target: FindingTarget): Promise<void> {
    const shown = this.#find(target);
    this.#told(await this.answers.accept([shown]));
    await this.refreshed();
    const fromEditor = target === undefined || target === shown.thread;
    if (fromEditor && this.#shown.some(({ answer }) => answer === undefined)) {
      this.#last = shown.finding.id;
      await this.#step(1, this.#shown.indexOf(shown));
    }
  }

  /** Rejects, with a reason where the person gives one; Escape at the question leaves the finding open. */
  async reject(target: FindingTarget, words?: string): Promise<void> {
    const shown = this.#find(target);
    const reason =
      words ??
      (await window.showInputBox({
        title: t('Reject the finding'),
        prompt: t('Why? (optional, later reviews of this connector remember it)'),
        placeHolder: t('Enter without a reason, Escape to leave the finding open'),
      }));
    if (reason === undefined) return;
    this.#told([await this.answers.reject(shown, reason)]);
    await this.refreshed();
  }

  /** What the person typed below a thread. */
  async reply(reply: CommentReply | undefined): Promise<void> {
    if (reply === undefined) throw new SourcewrightError('input', 'Reply below a finding, in its thread.');
    await this.answers.reply(this.#find(reply.thread), reply.text);
    await this.refreshed();
  }

  /** Accepts every open finding that has an exact suggestion, as one undo step. */
  async acceptAllSuggestions(): Promise<number> {
    const open = this.#shown.filter(
      ({ answer, finding }) => answer === undefined && finding.suggestion !== undefined,
    );
    this.#told(await this.answers.accept(open));
    await this.refreshed();
    return open.length;
  }

  #told(answers: readonly FindingAnswer[]): void {
    for (const { finding, answer } of answers) {
      const about = this.#shown.find((shown) => shown.finding.id === finding)?.finding;
      this.#log.info(
        `Finding ${about?.rule ?? finding} in ${about?.range.file ?? 'the connector'}: ${answer}.`,
      );
    }
  }

  /** Shows the next (or previous) finding without an answer, from the cursor on; of any answer when none is open. */
  async go(step: 1 | -1): Promise<void> {
    await this.refreshed();
    if (this.#shown.length === 0) {
      void window.showInformationMessage(t('There are no findings to go to.'));
      return;
    }
    await this.#step(step, undefined);
  }

  async #step(step: 1 | -1, from: number | undefined): Promise<void> {
    const someOpen = this.#shown.some(({ answer }) => answer === undefined);
    const cursor = this.#cursor();
    const places = this.#shown.map(({ finding, anchor }) => ({
      file: finding.range.file,
      line: anchor.startLine,
    }));
    const last = this.#shown.findIndex(({ finding }) => finding.id === this.#last);
    const isThere = places[last]?.file === cursor?.file && places[last]?.line === cursor?.line;
    const index = nextFinding({
      places,
      isWanted: (at) => !someOpen || this.#shown[at]?.answer === undefined,
      current: from ?? (isThere && last >= 0 ? last : undefined),
      cursor,
      step,
    });
    const next = index === undefined ? undefined : this.#shown[index];
    if (next !== undefined) await this.#reveal(next, undefined);
  }

  /** The person's place in the connector. */
  #cursor(): Place | undefined {
    const editor = window.activeTextEditor;
    const directory = this.#texts?.directory;
    if (editor === undefined || directory === undefined) return undefined;
    const file = pathInside(directory, editor.document.uri.fsPath);
    return file === undefined ? undefined : { file, line: editor.selection.active.line + 1 };
  }

  /** Opens the file there, with the thread unfolded. Throws `input` where the file is gone. */
  async reveal(target: FindingTarget, column?: ViewColumn): Promise<void> {
    await this.#reveal(this.#find(target), column);
  }

  async #reveal({ finding, thread, anchor }: Shown, column: ViewColumn | undefined): Promise<void> {
    this.#last = finding.id;
    await showPlace(thread.uri, anchor, column);
    thread.collapsibleState = CommentThreadCollapsibleState.Expanded;
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
    const cursor = this.#cursor();
    if (cursor === undefined) return undefined;
    const here = this.#shown.filter(
      ({ finding, anchor }) =>
        finding.range.file === cursor.file &&
        anchor.startLine <= cursor.line &&
        cursor.line <= anchor.endLine,
    );
    return here.find(({ finding }) => finding.id === this.#last) ?? here[0];
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#texts?.dispose();
    this.#controller.dispose();
  }
}

/** Shows lines of a file near the top, so that what stands below them is in sight as well. */
export async function showPlace(
  uri: Uri,
  { startLine, state }: Anchor,
  viewColumn: ViewColumn | undefined,
): Promise<void> {
  if (state === 'gone') {
    throw new SourcewrightError('input', 'The file of this finding is no longer there.', {
      where: uri.fsPath,
      cure: 'Reject the finding, or restore the file.',
    });
  }
  const document = await workspace.openTextDocument(uri);
  // Where the file is in sight already: the panel's column may be the active one, and must not be covered.
  const inSight = window.visibleTextEditors.find((editor) => editor.document === document)?.viewColumn;
  const editor = await window.showTextDocument(document, {
    preview: false,
    viewColumn: inSight ?? viewColumn ?? ViewColumn.Active,
  });
  const line = Math.min(startLine, document.lineCount) - 1;
  editor.selection = new Selection(line, 0, line, 0);
  editor.revealRange(new Range(Math.max(0, line - 4), 0, line, 0), TextEditorRevealType.AtTop);
}

function rangeOf({ startLine, endLine }: Anchor): Range {
  return new Range(startLine - 1, 0, endLine - 1, 0);
}

function answersOf(review: Review): Map<string, FindingAnswer> {
  return new Map(review.answers.map((answer) => [answer.finding, answer]));
}

/** The gates at which answers to findings count; at the draft's, settling the last blocking one lifts the draft. */
export function isAnswered(gate: GateName | null): boolean {
  return gate === 'review' || gate === 'draft';
}
