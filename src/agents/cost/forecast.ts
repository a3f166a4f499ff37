/**
 * What a run will probably cost, said before it starts. The counts below are guesses from the shape of the work until
 * runs have been measured; the arithmetic is that of a conversation whose beginning is read from the cache.
 */
import { type Limits, StageName } from '../../pipeline/contracts.ts';
import { money } from './budget.ts';
import { type ModelPrice, PRICES_AS_OF, ratesFor } from './prices.ts';

/** The least and the most. */
export type Range = readonly [low: number, high: number];

/** A stage's conversation with its model. Sizes are in tokens. */
export interface StageShape {
  /** The first prompt without streams: system prompt, tools, task. */
  readonly firstPrompt: number;
  /** What each stream adds to the first prompt. */
  readonly promptPerStream: number;
  /** By how much the prompt grows from one request to the next: the answer, and what the tools answered to it. */
  readonly growth: number;
  /** Output of one request, thinking included. */
  readonly output: number;
  /** Requests of the first attempt. */
  readonly requests: Range;
  readonly requestsPerStream?: Range;
  readonly requestsPerGap?: Range;
  /** Requests of an attempt that answers feedback: it looks at what failed, not at everything. */
  readonly again: Range;
  /** Web searches of the first attempt. */
  readonly searches?: Range;
}

/** Searches and requests on top where there is no description to read: pages have to be found and read instead. */
const WITHOUT_DESCRIPTION = { requests: [6, 20], searches: [4, 12] } as const;
/** Streams of a run that does not know them yet: in the middle of what the sensible choice takes from real descriptions. */
const UNKNOWN_STREAMS = 8;
/** Gaps left by the rules, where they have not read anything yet. */
const UNKNOWN_GAPS = 4;

const NONE: Range = [0, 0];

export const TYPICAL: Readonly<Record<StageName, StageShape>> = {
  /** Rests on: the rules have read the description; each gap takes a look at a page, and some take a second one. */
  research: {
    firstPrompt: 9_000,
    promptPerStream: 500,
    growth: 3_000,
    output: 700,
    requests: [3, 8],
    requestsPerGap: [0.5, 2],
    again: [3, 8],
    searches: [0, 4],
  },
  /** Rests on: the compiler has written the connector; the model writes by hand what a blueprint can't say. */
  generate: {
    firstPrompt: 12_000,
    promptPerStream: 500,
    growth: 2_500,
    output: 900,
    requests: [4, 12],
    requestsPerStream: [0, 0.5],
    again: [3, 10],
  },
  /** Rests on: the compiler's tests are there; the model adds some, a file with its fixtures in two or three requests. */
  test: {
    firstPrompt: 10_000,
    promptPerStream: 400,
    growth: 2_500,
    output: 1_200,
    requests: [3, 10],
    requestsPerStream: [0, 0.5],
    again: [3, 8],
  },
  /** Rests on: one look where all tests pass, else a few files for each group of failures. */
  diagnose: {
    firstPrompt: 7_000,
    promptPerStream: 100,
    growth: 2_500,
    output: 700,
    requests: [1, 5],
    again: [2, 6],
  },
  /** Rests on: the whole connector is read once, about ten files, and the findings are written at the end. */
  review: {
    firstPrompt: 14_000,
    promptPerStream: 700,
    growth: 3_000,
    output: 900,
    requests: [3, 10],
    again: [2, 6],
  },
  /** Rests on: one text is written, and once more where it did not pass its check. */
  publish: {
    firstPrompt: 6_000,
    promptPerStream: 100,
    growth: 1_500,
    output: 800,
    requests: [1, 3],
    again: [1, 3],
  },
};

export interface ForecastFacts {
  /** Undefined: not known yet. */
  readonly streams?: number | undefined;
  readonly gaps?: number | undefined;
  /** False: the research has documentation pages or a name only. */
  readonly hasDescription: boolean;
  /** Rounds of changes that a person is going to ask for; each generates, tests and diagnoses again. Default 0. */
  readonly feedback?: number | undefined;
}

export interface ForecastQuestion {
  readonly models: Readonly<Record<StageName, string>>;
  readonly prices: (model: string) => ModelPrice;
  readonly facts: ForecastFacts;
  readonly limits: Limits;
  /** Measured numbers instead of the typical ones. */
  readonly typical?: Readonly<Record<StageName, StageShape>> | undefined;
}

export interface StageForecast {
  readonly stage: StageName;
  readonly model: string;
  readonly requests: Range;
  /** US dollars. */
  readonly usd: Range;
}

export interface Forecast {
  readonly stages: readonly StageForecast[];
  /** US dollars. Low: nothing has to be done twice. High: all fixes and review cycles are used up. */
  readonly usd: Range;
  /** What it rests on, in words. */
  readonly basis: string;
  /** A sentence about the prices. */
  readonly prices: string;
}

export function forecastRun(question: ForecastQuestion): Forecast {
  const stages = StageName.options.map((stage) => forecastStage(stage, question));
  const sum = (at: 0 | 1): number => stages.reduce((total, { usd }) => total + usd[at], 0);
  return {
    stages,
    usd: [sum(0), sum(1)],
    basis: basisOf(question),
    prices: pricesText(stages.map(({ model }) => question.prices(model))),
  };
}

/** For a person: what the run will probably cost, and where it stops. */
export function forecastText(forecast: Forecast, budgetUsd: number): string {
  // Down and up to 5 cents: more digits would claim a precision that a guess does not have.
  const low = Math.floor(forecast.usd[0] * 20 + 1e-6) / 20;
  const high = Math.ceil(forecast.usd[1] * 20 - 1e-6) / 20;
  const cap = money(budgetUsd);
  const about = low === high ? money(high) : `${money(low)} to ${money(high)}`;
  if (forecast.usd[0] > budgetUsd) {
    return `About ${about}: more than the budget of ${cap}, at which the run pauses. ${forecast.prices}`;
  }
  const stop = high > budgetUsd ? `; the run pauses at ${cap}.` : ` (at most ${cap}, then the run pauses).`;
  return `About ${about}${stop} ${forecast.prices}`;
}

/** Further attempts of a stage with its model when all limits are used up. Tests that only run again need no model. */
function furtherAttempts(stage: StageName, limits: Limits, feedback: number): Range {
  const { codeFixes, testFixes, reviewCycles, reResearch } = limits;
  const most: Record<StageName, number> = {
    research: reResearch,
    generate: codeFixes + reviewCycles + reResearch,
    test: testFixes + reResearch,
    diagnose: codeFixes + testFixes + reviewCycles + reResearch,
    review: reviewCycles + reResearch,
    publish: 0,
  };
  const asked = stage === 'generate' || stage === 'test' || stage === 'diagnose' ? feedback : 0;
  return [asked, most[stage] + asked];
}

function forecastStage(stage: StageName, question: ForecastQuestion): StageForecast {
  const { models, prices, facts, limits, typical = TYPICAL } = question;
  const { streams = UNKNOWN_STREAMS, gaps = UNKNOWN_GAPS, hasDescription, feedback = 0 } = facts;
  const shape = typical[stage];
  const model = models[stage];
  const price = prices(model);
  const reads =
    stage === 'research' && !hasDescription ? WITHOUT_DESCRIPTION : { requests: NONE, searches: NONE };
  const further = furtherAttempts(stage, limits, feedback);
  const estimate = (at: 0 | 1): { requests: number; usd: number } => {
    const { requestsPerStream = NONE, requestsPerGap = NONE, searches: usual = NONE } = shape;
    const scaled = streams * requestsPerStream[at] + gaps * requestsPerGap[at];
    const first = Math.ceil(shape.requests[at] + scaled + reads.requests[at]);
    const searches = usual[at] + reads.searches[at];
    const again = conversationUsd(price, shape, streams, shape.again[at]);
    return {
      requests: first + further[at] * shape.again[at],
      usd: conversationUsd(price, shape, streams, first) + searches * price.webSearch + further[at] * again,
    };
  };
  const [low, high] = [estimate(0), estimate(1)];
  return { stage, model, requests: [low.requests, high.requests], usd: [low.usd, high.usd] };
}

/** A conversation in which each request reads the prompt before it from the cache and writes what has come since. */
function conversationUsd(price: ModelPrice, shape: StageShape, streams: number, requests: number): number {
  let before = 0;
  let prompt = shape.firstPrompt + streams * shape.promptPerStream;
  let millionths = 0;
  for (let request = 0; request < requests; request += 1) {
    const rates = ratesFor(price, prompt);
    millionths +=
      before * rates.cacheRead + (prompt - before) * rates.cacheWrite5m + shape.output * rates.output;
    before = prompt;
    prompt += shape.growth;
  }
  return millionths / 1_000_000;
}

function basisOf({ facts, limits, typical }: ForecastQuestion): string {
  const streams =
    facts.streams === undefined ? `about ${UNKNOWN_STREAMS} streams` : plural(facts.streams, 'stream');
  const gaps = facts.gaps === undefined ? `about ${UNKNOWN_GAPS} gaps` : plural(facts.gaps, 'gap');
  const source = facts.hasDescription ? 'a description' : 'documentation pages';
  const most = [
    plural(limits.codeFixes, 'code fix', 'code fixes'),
    plural(limits.testFixes, 'test fix', 'test fixes'),
    plural(limits.reviewCycles, 'review cycle'),
  ];
  const numbers = typical === undefined ? 'typical' : 'measured';
  return `${streams}, ${gaps}, from ${source}; at most ${most.join(', ')}; ${numbers} numbers of requests and tokens`;
}

function pricesText(prices: readonly ModelPrice[]): string {
  const own = [...new Set(prices.filter(({ source }) => source === 'setting').map(({ model }) => model))];
  if (prices.every(({ source }) => source === 'setting')) return 'Prices from your settings.';
  const month = new Intl.DateTimeFormat('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' });
  const table = `Prices of ${month.format(new Date(PRICES_AS_OF))}`;
  return own.length === 0 ? `${table}.` : `${table}; ${own.join(', ')} from your settings.`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
