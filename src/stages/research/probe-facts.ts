/** What a probe saw, as facts: confirmed, corrected or put in doubt, each with the request that it was seen at. */
import type { Blueprint, Evidence, Fact } from '../../blueprint/schema.ts';
import type { Probed } from './probe-request.ts';

/** Shares for `Fact.confidence` of what was seen at the API. */
const CONFIRMED = 0.98;
const CORRECTED = 0.95;

export interface Seen {
  readonly status: Fact['status'];
  readonly value?: string;
  readonly quote: string;
}

export function noteSeen(
  blueprint: Blueprint,
  subject: string | null,
  name: Fact['fact'],
  probed: Probed,
  seen: Seen,
): void {
  const evidence: Evidence = {
    source: 'probe',
    document: probed.shownUrl,
    quote: seen.quote,
    at: probed.at,
  };
  const { facts } = blueprint;
  let fact = facts.find((one) => one.subject === subject && one.fact === name);
  if (fact === undefined) {
    fact = {
      subject,
      fact: name,
      value: seen.value ?? seen.quote,
      confidence: CORRECTED,
      rule: 'probe',
      evidence: [],
      status: 'found',
    };
    facts.push(fact);
  }
  // What a first page corrected, a second may confirm: it stays a correction.
  fact.status = fact.status === 'corrected' && seen.status === 'confirmed' ? 'corrected' : seen.status;
  if (seen.value !== undefined) fact.value = seen.value;
  if (seen.status === 'confirmed') fact.confidence = Math.max(fact.confidence, CONFIRMED);
  else if (seen.status === 'corrected') fact.confidence = CORRECTED;
  else fact.confidence = Math.min(fact.confidence, 0.5);
  fact.evidence.push(evidence);
  if (seen.status === 'unconfirmed') return;
  blueprint.gaps = blueprint.gaps.filter((gap) => gap.stream !== subject || gap.fact !== name);
}

/** An answer with rows proves where the API is and how it lets in, where so far only a model had said so. */
export function noteConnection(blueprint: Blueprint, base: string, first: Probed): void {
  const quote = `the API answered ${first.answer.status}`;
  const isUnconfirmed = (name: Fact['fact']): boolean =>
    blueprint.facts.some(
      (fact) => fact.subject === null && fact.fact === name && fact.status === 'unconfirmed',
    );
  if (isUnconfirmed('auth')) noteSeen(blueprint, null, 'auth', first, { status: 'confirmed', quote });
  if (isUnconfirmed('base_url') && base === blueprint.baseUrl) {
    noteSeen(blueprint, null, 'base_url', first, { status: 'confirmed', quote });
  }
}

export function noteRateLimit(blueprint: Blueprint, first: Probed): void {
  const names = Object.keys(first.answer.headers);
  const remaining = names.find((name) => /rate-?limit.*remaining/.test(name));
  const reset = names.find((name) => /rate-?limit.*reset/.test(name));
  if (remaining === undefined && reset === undefined) return;
  const limit = blueprint.rateLimit;
  const same =
    (limit.remainingHeader ?? '').toLowerCase() === remaining &&
    (limit.resetHeader ?? '').toLowerCase() === reset;
  if (!same) {
    if (remaining !== undefined) limit.remainingHeader = remaining;
    if (reset !== undefined) limit.resetHeader = reset;
  }
  const headers = [remaining, reset].filter((name) => name !== undefined).join(', ');
  const known = blueprint.facts.find((fact) => fact.subject === null && fact.fact === 'rate_limit');
  if (known?.evidence.some((evidence) => evidence.source === 'probe') === true) return;
  // Headers say nothing of the numbers that a model claimed.
  if (known?.status === 'unconfirmed') return;
  noteSeen(blueprint, null, 'rate_limit', first, {
    status: same ? 'confirmed' : 'corrected',
    value: `headers ${headers}`,
    quote: headers,
  });
}
