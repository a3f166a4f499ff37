/** What the agent at work says and does: the newest line stays in sight unless the person has scrolled away from it. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../common/parts.tsx';
import type { Feed } from './contract.ts';
import { mergeFeed, NOTHING_SEEN } from './feed-lines.ts';
import { clock, counted } from './words.ts';

/** A screen reader is told of news at most this often, in milliseconds. */
const ANNOUNCE_MS = 10_000;
/** Pixels from the end that still count as the end. */
const NEAR = 24;

export function FeedView({ feed }: { readonly feed: Feed }) {
  const seen = useRef(NOTHING_SEEN);
  const list = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  seen.current = mergeFeed(seen.current, feed);
  const { lines, count } = seen.current;
  const toNewest = (): void => {
    const element = list.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(() => {
    if (follows) toNewest();
  }, [count, follows]);
  return (
    <section aria-labelledby="run-feed">
      <h2 id="run-feed">{`What the agent does: ${feed.label}`}</h2>
      <div
        ref={list}
        class="run-feed"
        role="log"
        aria-live="off"
        aria-labelledby="run-feed"
        tabIndex={0}
        onScroll={() => {
          const element = list.current;
          if (element === null) return;
          setFollows(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR);
        }}
      >
        <ol>
          {lines.map(({ id, at, kind, line }) => (
            <li key={id}>
              <time dateTime={at}>{clock(at)}</time> <span class="run-feed-kind">{kind}</span> {line}
            </li>
          ))}
        </ol>
      </div>
      {follows ? null : (
        <Button
          onPress={() => {
            setFollows(true);
            toNewest();
          }}
        >
          Go to newest
        </Button>
      )}
      <Announcer count={count} newest={lines.at(-1)?.line ?? ''} />
    </section>
  );
}

/** Tells screen readers how much is new and what is newest: politely, and not each line. */
function Announcer({ count, newest }: { readonly count: number; readonly newest: string }) {
  const [said, setSaid] = useState('');
  const now = useRef({ count, newest });
  const told = useRef(count);
  now.current = { count, newest };
  useEffect(() => {
    const timer = setInterval(() => {
      const fresh = now.current.count - told.current;
      if (fresh <= 0) return;
      told.current = now.current.count;
      setSaid(`${counted(fresh, 'new line')}. Newest: ${now.current.newest}`);
    }, ANNOUNCE_MS);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <p class="visually-hidden" aria-live="polite">
      {said}
    </p>
  );
}
