/** What the page has seen of a feed: each model brings only the newest lines. Pure. */
import type { Feed, FeedLine } from './contract.ts';

/** Lines that the page keeps; the transcript has them all. */
export const FEED_KEPT = 500;

export interface SeenFeed {
  readonly key: string;
  readonly lines: readonly FeedLine[];
  /** How many lines have come since the feed began, those that were let go included. */
  readonly count: number;
}

export const NOTHING_SEEN: SeenFeed = { key: '', lines: [], count: 0 };

/**
 * The lines seen so far with the new ones at the end. Lines that came and went between two models are not known; another
 * attempt begins a new feed.
 */
export function mergeFeed(seen: SeenFeed, feed: Pick<Feed, 'key' | 'lines'>): SeenFeed {
  if (seen.key !== feed.key) return { key: feed.key, lines: kept(feed.lines), count: feed.lines.length };
  const known = new Set(seen.lines.map(({ id }) => id));
  const fresh = feed.lines.filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return seen;
  return { key: seen.key, lines: kept([...seen.lines, ...fresh]), count: seen.count + fresh.length };
}

function kept(lines: readonly FeedLine[]): readonly FeedLine[] {
  return lines.slice(-FEED_KEPT);
}
