/** Limits on how often the API may be called, as far as the description says. */
import type { Blueprint } from '../../blueprint/schema.ts';
import type { Description } from '../description.ts';
import type { ResponseObject } from '../document.ts';
import { pointerAt } from '../description.ts';
import type { Endpoint } from './endpoints.ts';
import { shorten } from './words.ts';

export interface RateLimitFinding {
  readonly rateLimit: Blueprint['rateLimit'];
  readonly confidence: number;
  readonly rule: string;
  readonly pointer: string;
  readonly quote: string;
}

const WINDOWS: Readonly<Record<string, number>> = {
  second: 1,
  sec: 1,
  s: 1,
  minute: 60,
  min: 60,
  m: 60,
  hour: 3600,
  hr: 3600,
  h: 3600,
  day: 86_400,
  d: 86_400,
  month: 2_592_000,
};

/** How many operations are looked at for documented limits: what an API documents, it documents often. */
const SAMPLE = 400;

export function findRateLimit(description: Description, endpoints: readonly Endpoint[]): RateLimitFinding {
  const texts: [string, string][] = [[description.document.info.description ?? '', '/info/description']];
  const headers = new Set<string>();
  let documents429 = false;
  let pointer429: string | undefined;
  for (const endpoint of endpoints.slice(0, SAMPLE)) {
    for (const [name] of endpoint.response?.headers ?? []) headers.add(name);
    const refused = endpoint.operation.responses?.['429'];
    if (refused === undefined) continue;
    documents429 = true;
    const at = pointerAt(endpoint.pointer, 'responses', '429');
    pointer429 ??= at;
    const reached = description.deref<ResponseObject>(refused, at);
    for (const name of Object.keys(reached?.value.headers ?? {})) headers.add(name.toLowerCase());
    if (texts.length < 5) texts.push([reached?.value.description ?? '', reached?.pointer ?? at]);
  }
  const stated = texts
    .map(([text, pointer]) => ({ ...statedLimit(text), pointer }))
    .find((found) => found.requests !== undefined);
  const header = (pattern: RegExp): string | undefined => [...headers].find((name) => pattern.test(name));
  const retryAfterHeader = header(/^retry-after$/) ?? header(/retry-?after/);
  const remainingHeader = header(/rate-?limit.*remaining|remaining.*rate/);
  const resetHeader = header(/rate-?limit.*reset/);
  return {
    rateLimit: {
      ...(stated?.requests === undefined ? {} : { requests: stated.requests }),
      ...(stated?.windowSeconds === undefined ? {} : { windowSeconds: stated.windowSeconds }),
      ...(retryAfterHeader === undefined ? {} : { retryAfterHeader }),
      ...(remainingHeader === undefined ? {} : { remainingHeader }),
      ...(resetHeader === undefined ? {} : { resetHeader }),
      documents429: documents429 || /\b429\b/.test(texts[0]?.[0] ?? ''),
    },
    confidence: stated === undefined ? (documents429 ? 0.6 : 0.3) : 0.75,
    rule: stated === undefined ? (documents429 ? 'response-429' : 'no-limit-documented') : 'limit-in-prose',
    pointer: stated?.pointer ?? pointer429 ?? '/info',
    quote: stated?.quote ?? '',
  };
}

/** "100 requests per minute", "limited to 10 requests / second", "60 calls every 30 seconds". */
export function statedLimit(text: string): { requests?: number; windowSeconds?: number; quote?: string } {
  const pattern =
    /(\d[\d,. ]{0,10}\d|\d)\s*(?:api\s+|http\s+)?(?:requests?|calls?|queries|reqs?|hits)\s*(?:are allowed\s+|allowed\s+|each\s+|made\s+)?(?:per|\/|an?|every|each|in an?|within|in)\s*(?:(\d+)[- ]?)?(second|sec|minute|min|hour|hr|day|month|s|m|h)s?\b/gi;
  let best: { requests: number; windowSeconds: number; quote: string } | undefined;
  for (const match of text.matchAll(pattern)) {
    const requests = Number((match[1] ?? '').replace(/[,. ]/g, ''));
    const unit = WINDOWS[(match[3] ?? '').toLowerCase()];
    if (unit === undefined || !Number.isFinite(requests) || requests <= 0) continue;
    const windowSeconds = unit * Number(match[2] ?? 1);
    // Of several tiers the tightest short one: it never gets a person refused.
    if (windowSeconds > 3600 && best !== undefined) continue;
    if (best === undefined || requests / windowSeconds < best.requests / best.windowSeconds) {
      best = { requests, windowSeconds, quote: shorten(match[0], 80) };
    }
  }
  return best ?? {};
}
