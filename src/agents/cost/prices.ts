/**
 * What models cost. The API's list of models carries no prices, so a dated table ships with the program and a setting
 * overrides it. Rows are never changed, only added: a run of last month has to come to the same sum when it is told again.
 */
import { z } from 'zod';
import { SourcewrightError } from '../../errors.ts';

/**
 * Month in which the table was last compared with the vendor's pages. Input and output prices of the current models were
 * read from an overview that was stored after 9 November 2026; prices of caching and of long prompts from pages of October.
 */
export const PRICES_AS_OF = '2026-11';
/** US dollars for one web search that runs at the API. What it finds is paid for as input beside that. */
export const WEB_SEARCH_USD = 0.01;
export const PRICES_SETTING = 'sourcewright.agents.prices';

/** US dollars per million tokens. */
export interface Rates {
  /** Input that was neither read from the cache nor written to it. */
  readonly input: number;
  /** Input that was written to the cache for five minutes. */
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheRead: number;
  /** Thinking included, also where it is not shown. */
  readonly output: number;
}

export interface PriceRow extends Rates {
  readonly model: string;
  /** First day of this price, UTC: `YYYY-MM-DD`. It holds until a later row of the same model. */
  readonly from: string;
  /**
   * The row is for requests whose prompt, cache reads and writes included, has more tokens than this; then the whole
   * request, its output too, is charged by it.
   */
  readonly band?: { readonly promptTokensAbove: number };
}

const OVER_100K = { promptTokensAbove: 100_000 };

function row(
  model: string,
  from: string,
  [input, cacheWrite5m, cacheWrite1h, cacheRead, output]: readonly [number, number, number, number, number],
  band?: PriceRow['band'],
): PriceRow {
  const rates = { input, cacheWrite5m, cacheWrite1h, cacheRead, output };
  return { model, from, ...rates, ...(band !== undefined && { band }) };
}

/** A row's numbers: input, written for 5 minutes, written for an hour, read from the cache, output. */
export const PRICE_TABLE: readonly PriceRow[] = [
  row('claude-fable-5-2', '2026-11-09', [8, 10, 16, 0.2, 40]),
  row('claude-fable-5-1', '2026-09-01', [10, 12.5, 20, 0.25, 50]),
  row('claude-opus-5-5', '2026-09-22', [4, 5, 8, 0.2, 20]),
  row('claude-opus-5', '2026-07-24', [5, 6.25, 10, 0.5, 25]),
  row('claude-sonnet-5-5', '2026-09-28', [2, 2.5, 4, 0.2, 10]),
  row('claude-sonnet-5-5', '2026-10-07', [2, 2.5, 4, 0.1, 10]),
  row('claude-haiku-5-5', '2026-10-07', [0.1, 0.125, 0.2, 0.01, 0.5]),
  row('claude-haiku-5-5', '2026-10-07', [0.5, 0.625, 1, 0.05, 2.5], OVER_100K),
];

const UsdPerMillion = z.number().nonnegative();

/**
 * The setting that overrides the table: prices by model id, US dollars per million tokens. What is left out follows the
 * usual multiples of the input's price: 1.25 and 2 for writing to the cache, 0.1 for reading from it.
 */
export const PriceOverrides = z.record(
  z.string().min(1),
  z.strictObject({
    input: UsdPerMillion,
    output: UsdPerMillion,
    cacheWrite5m: UsdPerMillion.optional(),
    cacheWrite1h: UsdPerMillion.optional(),
    cacheRead: UsdPerMillion.optional(),
  }),
);
export type PriceOverrides = z.infer<typeof PriceOverrides>;

/** What a model costs at one point in time. */
export interface ModelPrice {
  /** The id that the price stands under; the model asked for may be a dated variant of it. */
  readonly model: string;
  readonly source: 'table' | 'setting';
  readonly rates: Rates;
  /** Rates of longer prompts, the shortest first. Mostly none. */
  readonly longer: readonly { readonly promptTokensAbove: number; readonly rates: Rates }[];
  /** US dollars each. */
  readonly webSearch: number;
}

/** The rates of a request whose prompt has so many tokens, cache reads and writes included. */
export function ratesFor(price: ModelPrice, promptTokens: number): Rates {
  return (
    price.longer.findLast(({ promptTokensAbove }) => promptTokens > promptTokensAbove)?.rates ?? price.rates
  );
}

/** @throws SourcewrightError `input` when the setting can't be read as prices */
export function readPriceOverrides(setting: unknown): PriceOverrides {
  const read = PriceOverrides.safeParse(setting ?? {});
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new SourcewrightError('input', `The prices in the settings can't be used: ${issue?.message ?? ''}.`, {
    where: PRICES_SETTING,
    place: issue?.path.join('.'),
    cure: `Give US dollars per million tokens for each model: ${example('model-id')}.`,
    cause: read.error,
  });
}

/** The price of a model at a time; undefined where neither the setting nor the table has it. */
export function priceOf(model: string, at: Date, overrides: PriceOverrides = {}): ModelPrice | undefined {
  const undated = model.replace(/-\d{8}$/, '');
  for (const id of undated === model ? [model] : [model, undated]) {
    const price = overridden(id, overrides) ?? tabled(id, at);
    if (price !== undefined) return price;
  }
  return undefined;
}

/** @throws SourcewrightError `input`: without a price no cap can be kept, so the model is not run */
export function requirePrice(model: string, at: Date, overrides: PriceOverrides = {}): ModelPrice {
  const price = priceOf(model, at, overrides);
  if (price !== undefined) return price;
  throw new SourcewrightError(
    'input',
    `The price of the model ${model} is not known, so the budget could not be kept.`,
    {
      where: PRICES_SETTING,
      cure: `Add its price in US dollars per million tokens to the setting ${PRICES_SETTING}, such as ${example(model)}, or choose one of: ${knownModels(overrides).join(', ')}.`,
    },
  );
}

/** Ids that have a price. */
export function knownModels(overrides: PriceOverrides = {}): string[] {
  return [...new Set([...Object.keys(overrides), ...PRICE_TABLE.map(({ model }) => model)])];
}

function example(model: string): string {
  return `{ ${JSON.stringify(model)}: { "input": 4, "output": 20 } }`;
}

function overridden(model: string, overrides: PriceOverrides): ModelPrice | undefined {
  const own = Object.hasOwn(overrides, model) ? overrides[model] : undefined;
  if (own === undefined) return undefined;
  const { input, output } = own;
  const rates: Rates = {
    input,
    cacheWrite5m: own.cacheWrite5m ?? input * 1.25,
    cacheWrite1h: own.cacheWrite1h ?? input * 2,
    // Divided, because 3 * 0.1 is not 0.3.
    cacheRead: own.cacheRead ?? input / 10,
    output,
  };
  return { model, source: 'setting', rates, longer: [], webSearch: WEB_SEARCH_USD };
}

function tabled(model: string, at: Date): ModelPrice | undefined {
  const day = at.toISOString().slice(0, 10);
  const rows = PRICE_TABLE.filter((one) => one.model === model);
  const days = rows.map(({ from }) => from).sort();
  // Before a model's first day its first price holds: then the clock of this machine is wrong, not the table.
  const from = days.findLast((one) => one <= day) ?? days[0];
  const now = rows.filter((one) => one.from === from);
  const usual = now.find(({ band }) => band === undefined);
  if (usual === undefined) return undefined;
  const longer = now
    .flatMap((one) => (one.band === undefined ? [] : [{ ...one.band, rates: ratesIn(one) }]))
    .sort((a, b) => a.promptTokensAbove - b.promptTokensAbove);
  return { model, source: 'table', rates: ratesIn(usual), longer, webSearch: WEB_SEARCH_USD };
}

function ratesIn({ input, cacheWrite5m, cacheWrite1h, cacheRead, output }: PriceRow): Rates {
  return { input, cacheWrite5m, cacheWrite1h, cacheRead, output };
}
