/** When a server wants to be asked again. */

/**
 * `Retry-After` (RFC 9110 §10.2.3: seconds or a date) in milliseconds; undefined where it is neither.
 * @param date the header `Date`: what is said as a date is meant by the server's clock, for ours may be wrong
 * @param now by our clock, where the server does not tell its own
 */
export function retryAfterMs(
  retryAfter: string | null | undefined,
  date: string | null | undefined,
  now: number,
): number | undefined {
  const text = retryAfter?.trim() ?? '';
  if (text === '') return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const until = Date.parse(text);
  return Number.isNaN(until) ? undefined : Math.max(0, until - (Date.parse(date ?? '') || now));
}
