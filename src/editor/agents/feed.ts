/** The lines that an agent at work leaves: what each is about, by the words that the runtime begins or ends it with. */
import { t, text } from '../l10n.ts';

export type FeedKind = 'turn' | 'tool' | 'failed' | 'refused' | 'wait' | 'sent-back' | 'put-back' | 'stopped';

const KINDS: readonly [RegExp, FeedKind][] = [
  [/^turn \d+: /, 'turn'],
  [/^refused: /, 'refused'],
  [/^stopped: /, 'stopped'],
  [/^result sent back: /, 'sent-back'],
  [/^locked files were changed and put back: /, 'put-back'],
  [/: try \d+ of \d+ in \d+ s$/, 'wait'],
  [/ \(failed\)$/, 'failed'],
];

/** A line of none of the known forms is a call of a tool, told in the tool's own words. */
export function feedKind(line: string): FeedKind {
  return KINDS.find(([form]) => form.test(line))?.[1] ?? 'tool';
}

export const FEED_ICON: Record<FeedKind, { readonly icon: string; readonly color?: string }> = {
  turn: { icon: 'comment' },
  tool: { icon: 'tools' },
  failed: { icon: 'warning', color: 'list.warningForeground' },
  refused: { icon: 'shield', color: 'list.warningForeground' },
  wait: { icon: 'watch' },
  'sent-back': { icon: 'reply' },
  'put-back': { icon: 'shield', color: 'list.warningForeground' },
  stopped: { icon: 'debug-pause', color: 'list.warningForeground' },
};

/** What a line is, in words. */
export const FEED_WORD: Record<FeedKind, string> = {
  turn: text('Turn of the model'),
  tool: text('Tool call'),
  failed: text('Failed tool call'),
  refused: text('Refused tool call'),
  wait: text('Waiting'),
  'sent-back': text('Result'),
  'put-back': text('Locked'),
  stopped: text('Stopped'),
};

/** For screen readers, which don't see the icon. */
export function feedLabel(line: string): string {
  return `${t(FEED_WORD[feedKind(line)])}: ${line}`;
}

/** Lines with an id each that stays while newer ones come: equal lines of one moment are counted. */
export function withIds(
  activity: readonly { readonly at: string; readonly line: string }[],
): { readonly id: string; readonly line: string }[] {
  const seen = new Map<string, number>();
  return activity.map(({ at, line }) => {
    const count = (seen.get(at) ?? 0) + 1;
    seen.set(at, count);
    return { id: `${at}#${count}`, line };
  });
}
