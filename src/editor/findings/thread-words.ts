/** What a comment thread of a finding says: its label, its state and its comments. */
import {
  CommentMode,
  CommentThreadCollapsibleState,
  CommentThreadState,
  MarkdownString,
  type Comment,
  type CommentThread,
} from 'vscode';
import type { Finding, FindingAnswer, Remark } from '../../pipeline/contracts.ts';
import { ANSWER_WORD, markdownText, SEVERITY_WORD } from '../present.ts';
import type { Anchor, AnchorState } from './anchor.ts';
import { diffLines } from './suggestion-diff.ts';
import { t, text } from '../l10n.ts';

/** A finding as it stands. */
export interface Shown {
  readonly runId: string;
  /** The connector's folder. */
  readonly directory: string;
  readonly finding: Finding;
  readonly thread: CommentThread;
  anchor: Anchor;
  answer: FindingAnswer | undefined;
  remarks: readonly Remark[];
}

const ANSWERED: Record<FindingAnswer['answer'], string> = {
  accepted: text('accepted, queued for the improvement'),
  applied: text('accepted, suggestion applied'),
  rejected: text('rejected'),
};

/** What is to be said about a place that is not sure. */
const PLACE: Partial<Record<AnchorState, string>> = {
  nearest: text('its lines stand in several places, this is the nearest'),
  changed: text('its lines have changed since the review'),
  gone: text('its file is gone'),
};

/** Puts number, state and what can be done into the thread's head. `mine`: it can be answered in this window. */
export function presentHead(
  { thread, finding, answer, anchor }: Shown,
  place: { readonly number: number; readonly of: number; readonly mine: boolean },
): void {
  const state =
    answer === undefined
      ? `${t(SEVERITY_WORD[finding.severity])} · ${finding.category}`
      : t(ANSWERED[answer.answer]);
  const unsure = answer?.answer === 'applied' ? undefined : PLACE[anchor.state];
  const words = [
    t('Finding {0} of {1}', place.number, place.of),
    state,
    unsure === undefined ? undefined : t(unsure),
  ];
  thread.label = words.filter((part) => part !== undefined).join(' · ');
  thread.contextValue = [
    'finding',
    place.mine ? (answer === undefined ? 'open' : 'answered') : 'elsewhere',
    finding.suggestion === undefined ? 'plain' : 'suggestion',
  ].join('.');
  thread.state = answer === undefined ? CommentThreadState.Unresolved : CommentThreadState.Resolved;
  thread.canReply = place.mine;
}

/** Open findings are unfolded, unless they are so many that the code would be lost between them. */
export function foldedState(answer: FindingAnswer | undefined, of: number): CommentThreadCollapsibleState {
  return answer === undefined && of <= 30
    ? CommentThreadCollapsibleState.Expanded
    : CommentThreadCollapsibleState.Collapsed;
}

/** The finding itself and what was said about it. */
export function threadComments({ finding, answer, remarks }: Omit<Shown, 'thread'>): Comment[] {
  const first: Comment = {
    body: findingBody(finding),
    mode: CommentMode.Preview,
    author: { name: `Sourcewright · ${finding.source}` },
    contextValue: finding.suggestion === undefined ? 'finding' : 'finding.suggestion',
  };
  const said = remarks.map(({ by, text, at }): Comment => ({
    body: plain(text),
    mode: CommentMode.Preview,
    author: { name: by === 'person' ? t('You') : 'Sourcewright' },
    timestamp: new Date(at),
  }));
  const reason: Comment[] =
    answer?.reason === undefined
      ? []
      : [
          {
            body: plain(answer.reason),
            mode: CommentMode.Preview,
            author: { name: `${t('You')} · ${t(ANSWER_WORD[answer.answer])}` },
          },
        ];
  return [first, ...said, ...reason];
}

/** Text as it was typed: nothing in it becomes a link, an image or a heading. */
function plain(text: string): MarkdownString {
  return new MarkdownString(text.split(/\n/).map(markdownText).join('\n\n'));
}

function findingBody(finding: Finding): MarkdownString {
  const body = new MarkdownString();
  body.appendMarkdown(markdownText(finding.message));
  if (finding.suggestion !== undefined) {
    const { title, before, after } = finding.suggestion;
    body.appendMarkdown(`\n\n${t('Suggestion: {0}', markdownText(title))}`);
    const lines = diffLines(before, after).map(({ sign, text }) => `${sign} ${text}`);
    body.appendCodeblock(lines.join('\n'), 'diff');
  }
  body.appendMarkdown(`\n\n\`${finding.source}\` \`${finding.rule}\``);
  return body;
}
