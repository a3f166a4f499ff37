/**
 * Keeps the caps: before each request it is reckoned what that may cost at most, and it is sent only when so much is
 * left. Amounts are US dollars.
 */
import { type ModelPrice, ratesFor } from './prices.ts';

export type Cap = 'run' | 'stage';

const CAPS: Record<Cap, { readonly name: string; readonly setting: string; readonly flag: string }> = {
  run: { name: 'budget', setting: 'sourcewright.agents.budget', flag: '--budget' },
  stage: { name: 'stage budget', setting: 'sourcewright.agents.stageBudget', flag: '--stage-budget' },
};

/**
 * Characters to a token. English prose was measured at about 3.6 with the tokenizer of these models. Not safe for all:
 * dense code can come below 3, Chinese and Japanese near 1. Where that matters, the API's `countTokens` is asked.
 */
export const CHARACTERS_PER_TOKEN = 3;

export function estimateTokens(characters: number): number {
  return Math.ceil(Math.max(0, characters) / CHARACTERS_PER_TOKEN);
}

/** A request that is about to be sent. */
export interface Planned {
  readonly price: ModelPrice;
  /** No fewer than the whole prompt has, cached or not; with server tools, what they may add to it is in it. */
  readonly inputTokens: number;
  /** Web searches that the request allows (`max_uses`). Default 0. */
  readonly webSearches?: number | undefined;
  /** How long its cache entries are kept. Default the dearer hour. */
  readonly cacheLife?: '5m' | '1h' | undefined;
}

/** The most that a request can cost: nothing of the prompt is read from the cache, and the answer is as long as it may be. */
export function reserveFor(planned: Planned & { readonly maxTokens: number }): number {
  const { price, inputTokens, maxTokens } = planned;
  return dollars(promptUsd(planned) + (maxTokens * ratesFor(price, inputTokens).output) / 1_000_000);
}

/** How many output tokens of this request so much money pays for. 0 also when it does not even pay for the prompt. */
export function affordableOutput(planned: Planned & { readonly remainingUsd: number }): number {
  const { price, inputTokens, remainingUsd } = planned;
  const left = dollars(remainingUsd - promptUsd(planned));
  if (left < 0) return 0;
  const { output } = ratesFor(price, inputTokens);
  if (output === 0) return Infinity;
  return Math.floor(dollars((left * 1_000_000) / output));
}

export interface RequestQuestion extends Omit<Planned, 'inputTokens'> {
  readonly inputTokensEstimate: number;
  readonly wantedMaxTokens: number;
  /** An answer cut shorter than this is of no use. Counts only up to `wantedMaxTokens`. */
  readonly leastMaxTokens: number;
  /** By the run so far, all stages together. */
  readonly spentUsd: number;
  /** By the stage so far, all its attempts together. */
  readonly stageSpentUsd: number;
  readonly budgetUsd: number;
  /** Absent = the run's cap alone counts. */
  readonly stageBudgetUsd?: number | undefined;
}

export type RequestDecision =
  | { readonly kind: 'go'; readonly maxTokens: number; readonly reserveUsd: number }
  | {
      readonly kind: 'over';
      /** The cap that leaves the least. */
      readonly which: Cap;
      readonly message: string;
      readonly cure: string;
      /** What that cap has to be for the request to be sent as wanted, rounded up to cents. */
      readonly neededUsd: number;
    };

/** Whether the next request may be sent, and with how long an answer. What it reserves is never more than what is left. */
export function decideRequest(question: RequestQuestion): RequestDecision {
  const { inputTokensEstimate, wantedMaxTokens, leastMaxTokens, ...rest } = question;
  const planned: Planned = { ...rest, inputTokens: inputTokensEstimate };
  const wanted = Math.max(1, wantedMaxTokens);
  const least = Math.min(wanted, Math.max(1, leastMaxTokens));
  const leastUsd = reserveFor({ ...planned, maxTokens: least });
  const caps = capsOf(question);
  const short = caps.filter(({ leftUsd }) => leastUsd > leftUsd);
  if (short.length > 0) return over(short, reserveFor({ ...planned, maxTokens: wanted }));
  const remainingUsd = Math.min(...caps.map(({ leftUsd }) => leftUsd));
  const maxTokens = Math.max(least, Math.min(wanted, affordableOutput({ ...planned, remainingUsd })));
  return { kind: 'go', maxTokens, reserveUsd: reserveFor({ ...planned, maxTokens }) };
}

interface CapState {
  readonly which: Cap;
  readonly spentUsd: number;
  readonly capUsd: number;
  readonly leftUsd: number;
}

/** The caps that are set, the one that leaves the least first. */
function capsOf(question: RequestQuestion): CapState[] {
  const state = (which: Cap, spentUsd: number, capUsd: number): CapState => {
    return { which, spentUsd, capUsd, leftUsd: dollars(capUsd - spentUsd) };
  };
  const { spentUsd, budgetUsd, stageSpentUsd, stageBudgetUsd } = question;
  const caps = [state('run', spentUsd, budgetUsd)];
  if (stageBudgetUsd !== undefined) caps.push(state('stage', stageSpentUsd, stageBudgetUsd));
  return caps.sort((a, b) => a.leftUsd - b.leftUsd);
}

function over(short: readonly CapState[], reserveUsd: number): RequestDecision {
  const needed = short.map((cap) => ({ ...cap, neededUsd: cents(cap.spentUsd + reserveUsd) }));
  const [tightest] = needed;
  if (tightest === undefined) throw new Error('No cap is short.');
  const spent = needed.map(
    ({ which, spentUsd, capUsd }) =>
      `the ${which} has cost ${money(spentUsd)} of its budget of ${money(capUsd)}`,
  );
  const raises = needed.map(({ which, neededUsd }) => {
    const { name, setting, flag } = CAPS[which];
    return `the ${name} to ${money(neededUsd)} or more (setting ${setting}, or ${flag} on resume)`;
  });
  return {
    kind: 'over',
    which: tightest.which,
    message: `${capitalized(spent.join(', and '))}. The next request may cost up to ${money(cents(reserveUsd))}.`,
    cure: `Raise ${raises.join(' and ')}, then resume: the run goes on where it stopped.`,
    neededUsd: tightest.neededUsd,
  };
}

function promptUsd({ price, inputTokens, webSearches = 0, cacheLife = '1h' }: Planned): number {
  const rates = ratesFor(price, inputTokens);
  const write = cacheLife === '1h' ? rates.cacheWrite1h : rates.cacheWrite5m;
  // Mostly the write is the dearest. A person's own prices may say otherwise.
  const dearest = Math.max(write, rates.input, rates.cacheRead);
  return (inputTokens * dearest) / 1_000_000 + webSearches * price.webSearch;
}

/** `$4.62`; what is not a cent yet is said to be less than one. */
export function money(usd: number): string {
  return usd > 0 && usd < 0.005 ? 'less than $0.01' : `$${usd.toFixed(2)}`;
}

/** Rounded up to cents. */
function cents(usd: number): number {
  return Math.ceil(Math.round(usd * 1e9) / 1e7) / 100;
}

/** To the billionth: 5.43 - 4.62 is 0.81, and not a little less. */
function dollars(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}

function capitalized(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
