/**
 * What a run will probably cost, said before it starts. How long first prompts are was measured (`npm run bench:agents`);
 * how many requests are made, what they read and how long answers are is assumed: nobody has measured a model at this work.
 * The arithmetic is that of a conversation that reads from the cache what it has sent before.
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
  /** What each gap adds to it. */
  readonly promptPerGap?: number;
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

/**
 * First prompts are those of scripted runs against a server that counts characters / 4 (harbour: 2 streams, 3 gaps; the bundled
 * sample: 13 and 10), with the schema of the result, which that server leaves out. They are raised by a fifth: the models'
 * tokenizer makes a token of 3.6 characters of English, and of fewer of code. What the API adds by itself for tools is not in
 * them. What streams and gaps add was fitted to six descriptions of 1 to 40 streams and 3 to 35 gaps: 53 tokens a stream and 132
 * a gap in research, 27 and 20 in the other stages, before they were raised.
 *
 * That each request reads from the cache all that the one before it had sent was so in every conversation of those runs (86% to
 * 97% of the input of second and later requests), but that server has no clock: after five minutes without a request the
 * API forgets.
 *
 * Assumed, all of them: `output`, `requests` and what follows from them, `searches`. `growth` is the answer and one module read:
 * compiled modules have 1,200 to 1,850 tokens in the mean. Scripted turns grew by 74 to 650; scripts read less than models do.
 */
export const TYPICAL: Readonly<Record<StageName, StageShape>> = {
  /**
   * Measured: 1,700 and 3,800 without the schema of 580. Assumed: each gap takes a look at a page, and some take a second one;
   * a page and its answer bring 3,000 (the API cuts pages at 12,000).
   */
  research: {
    firstPrompt: 2_500,
    promptPerStream: 65,
    promptPerGap: 160,
    growth: 3_000,
    output: 700,
    requests: [3, 8],
    requestsPerGap: [0.5, 2],
    again: [3, 8],
    searches: [0, 4],
  },
  /**
   * Measured: 2,700 and 3,200 for one thing to be written, 2,900 for a fix. Assumed: some more is asked; the model reads what is
   * around the few things that a blueprint can't say.
   */
  generate: {
    firstPrompt: 3_800,
    promptPerStream: 35,
    promptPerGap: 25,
    growth: 2_500,
    output: 900,
    requests: [4, 12],
    requestsPerStream: [0, 0.5],
    again: [3, 10],
  },
  /** Measured: 2,800 and 3,400 with a difference of ten lines. Assumed: 60 lines; a test file in two or three requests. */
  test: {
    firstPrompt: 4_300,
    promptPerStream: 35,
    promptPerGap: 25,
    growth: 2_500,
    output: 1_200,
    requests: [3, 10],
    requestsPerStream: [0, 0.5],
    again: [3, 8],
  },
  /**
   * Measured: 2,700 and 3,200 where all tests pass, most of it their names; 1,400 with two failing tests, each further one 100.
   * Assumed: one look where all pass, else a few files for each group of failures.
   */
  diagnose: {
    firstPrompt: 3_500,
    promptPerStream: 35,
    promptPerGap: 25,
    growth: 2_500,
    output: 700,
    requests: [1, 5],
    again: [2, 6],
  },
  /**
   * Measured: 1,200 and 1,600 with a difference of ten lines. Assumed: 200 lines of it (at most 5,000 tokens are shown), and a
   * look at the files around it.
   */
  review: {
    firstPrompt: 3_700,
    promptPerStream: 35,
    promptPerGap: 25,
    growth: 2_500,
    output: 900,
    requests: [3, 10],
    again: [2, 6],
  },
  /** Measured: 940 and 1,300. Assumed: one text is written, and once more where it did not pass its check. */
  publish: {
    firstPrompt: 1_400,
    promptPerStream: 35,
    promptPerGap: 25,
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
  const prompt = shape.firstPrompt + streams * shape.promptPerStream + gaps * (shape.promptPerGap ?? 0);
  const estimate = (at: 0 | 1): { requests: number; usd: number } => {
    const { requestsPerStream = NONE, requestsPerGap = NONE, searches: usual = NONE } = shape;
    const scaled = streams * requestsPerStream[at] + gaps * requestsPerGap[at];
    const first = Math.ceil(shape.requests[at] + scaled + reads.requests[at]);
    const searches = usual[at] + reads.searches[at];
    const again = conversationUsd(price, shape, prompt, shape.again[at]);
    return {
      requests: first + further[at] * shape.again[at],
      usd: conversationUsd(price, shape, prompt, first) + searches * price.webSearch + further[at] * again,
    };
  };
  const [low, high] = [estimate(0), estimate(1)];
  return { stage, model, requests: [low.requests, high.requests], usd: [low.usd, high.usd] };
}

/** A conversation in which each request reads the prompt before it from the cache and writes what has come since. */
function conversationUsd(price: ModelPrice, shape: StageShape, first: number, requests: number): number {
  let before = 0;
  let prompt = first;
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
