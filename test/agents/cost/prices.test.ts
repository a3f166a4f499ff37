import assert from 'node:assert/strict';
import {
  knownModels,
  PRICE_TABLE,
  priceOf,
  ratesFor,
  readPriceOverrides,
  requirePrice,
} from '../../../src/agents/cost/prices.ts';
import { SourcewrightError } from '../../../src/errors.ts';
import { NOVEMBER, priceIn } from './support.ts';

const rates = (model: string, day = '2026-11-27', promptTokens = 1) =>
  ratesFor(priceIn(model, new Date(`${day}T00:00:00Z`)), promptTokens);

describe('prices: the table', () => {
  it('has what the vendor published', () => {
    const of = (model: string): number[] => Object.values({ ...rates(model) });
    assert.deepEqual(of('claude-fable-5-2'), [8, 10, 16, 0.2, 40]);
    assert.deepEqual(of('claude-fable-5-1'), [10, 12.5, 20, 0.25, 50]);
    assert.deepEqual(of('claude-opus-5-5'), [4, 5, 8, 0.2, 20]);
    assert.deepEqual(of('claude-opus-5'), [5, 6.25, 10, 0.5, 25]);
    assert.deepEqual(of('claude-sonnet-5-5'), [2, 2.5, 4, 0.1, 10]);
    assert.deepEqual(of('claude-haiku-5-5'), [0.1, 0.125, 0.2, 0.01, 0.5]);
  });

  it('has one usual row for each model and day, and writes at 1.25 and 2 times the input', () => {
    const keys = PRICE_TABLE.map((row) => `${row.model} ${row.from} ${row.band?.promptTokensAbove ?? 0}`);
    assert.equal(new Set(keys).size, keys.length);
    for (const row of PRICE_TABLE) {
      assert.match(row.from, /^20\d\d-[01]\d-[0-3]\d$/);
      assert.ok(keys.includes(`${row.model} ${row.from} 0`), `${row.model} has no usual row`);
      assert.equal(row.cacheWrite5m, row.input * 1.25);
      assert.equal(row.cacheWrite1h, row.input * 2);
      assert.ok(row.cacheRead < row.input && row.output > row.input);
    }
  });

  it('changes price on the day, in UTC', () => {
    assert.equal(rates('claude-sonnet-5-5', '2026-09-28').cacheRead, 0.2);
    const justBefore = priceIn('claude-sonnet-5-5', new Date('2026-10-06T23:59:59.999Z'));
    assert.equal(justBefore.rates.cacheRead, 0.2);
    assert.equal(rates('claude-sonnet-5-5', '2026-10-07').cacheRead, 0.1);
    assert.equal(rates('claude-sonnet-5-5', '2030-01-01').cacheRead, 0.1);
  });

  it('takes the first price where the clock is before it', () => {
    assert.equal(rates('claude-sonnet-5-5', '2020-01-01').cacheRead, 0.2);
  });

  it('charges a prompt over the band by the band, from the first token over it', () => {
    assert.equal(rates('claude-haiku-5-5', '2026-11-27', 100_000).input, 0.1);
    assert.deepEqual(
      Object.values(rates('claude-haiku-5-5', '2026-11-27', 100_001)),
      [0.5, 0.625, 1, 0.05, 2.5],
    );
    assert.equal(rates('claude-opus-5-5', '2026-11-27', 900_000).input, 4);
  });
});

describe('prices: which model', () => {
  it('finds a dated variant by the id before the date', () => {
    assert.equal(priceOf('claude-opus-5-5-20260922', NOVEMBER)?.model, 'claude-opus-5-5');
    assert.equal(priceOf('claude-opus-5-20260724', NOVEMBER)?.model, 'claude-opus-5');
  });

  it('takes no other id for a variant', () => {
    for (const id of [
      'claude-opus-5-6',
      'claude-opus-5-5-fast',
      'claude-opus-5-5-2026',
      'claude',
      '',
      'opus',
    ]) {
      assert.equal(priceOf(id, NOVEMBER), undefined, id);
    }
    assert.equal(priceOf('constructor', NOVEMBER, {}), undefined);
  });

  it('does not run a model without a price, and says what to fill in', () => {
    assert.throws(
      () => requirePrice('house-model', NOVEMBER, { 'my-model': { input: 1, output: 2 } }),
      (error) => {
        assert.ok(error instanceof SourcewrightError);
        assert.equal(error.code, 'input');
        assert.equal(
          error.toText(),
          'The price of the model house-model is not known, so the budget could not be kept. (sourcewright.agents.prices)\n' +
            'Add its price in US dollars per million tokens to the setting sourcewright.agents.prices, such as ' +
            '{ "house-model": { "input": 4, "output": 20 } }, or choose one of: ' +
            'my-model, claude-fable-5-2, claude-fable-5-1, claude-opus-5-5, claude-opus-5, claude-sonnet-5-5, claude-haiku-5-5.',
        );
        return true;
      },
    );
    assert.equal(requirePrice('claude-opus-5-5', NOVEMBER).model, 'claude-opus-5-5');
  });
});

describe('prices: the setting', () => {
  it('fills in what is left out by the usual multiples', () => {
    const price = priceOf('house', NOVEMBER, { house: { input: 3, output: 15 } });
    assert.equal(price?.source, 'setting');
    assert.deepEqual(price.rates, {
      input: 3,
      cacheWrite5m: 3.75,
      cacheWrite1h: 6,
      cacheRead: 0.3,
      output: 15,
    });
  });

  it('replaces the table whole: dates, bands and all', () => {
    const own = { input: 1, output: 2, cacheWrite5m: 3, cacheWrite1h: 4, cacheRead: 5 };
    const price = requirePrice('claude-haiku-5-5', NOVEMBER, { 'claude-haiku-5-5': own });
    assert.deepEqual(ratesFor(price, 500_000), own);
    assert.deepEqual(price.longer, []);
  });

  it('counts for dated variants too, unless they have a price of their own', () => {
    const overrides = {
      'claude-opus-5-5': { input: 1, output: 1 },
      'claude-opus-5-5-20260922': { input: 7, output: 7 },
    };
    assert.equal(requirePrice('claude-opus-5-5-20260922', NOVEMBER, overrides).rates.input, 7);
    assert.equal(requirePrice('claude-opus-5-5-20261001', NOVEMBER, overrides).rates.input, 1);
    assert.equal(knownModels(overrides).filter((id) => id === 'claude-opus-5-5').length, 1);
  });

  it('is read strictly, and free models are allowed', () => {
    assert.deepEqual(readPriceOverrides(undefined), {});
    assert.deepEqual(readPriceOverrides({ local: { input: 0, output: 0 } }), {
      local: { input: 0, output: 0 },
    });
    const bad: [unknown, string][] = [
      [{ house: { input: 3 } }, 'house.output'],
      [{ house: { input: -1, output: 1 } }, 'house.input'],
      [{ house: { input: 1, output: '2' } }, 'house.output'],
      [{ house: { input: 1, output: Infinity } }, 'house.output'],
      [{ house: { input: 1, output: 1, cacheReads: 1 } }, 'house'],
      ['cheap', ''],
    ];
    for (const [setting, place] of bad) {
      assert.throws(
        () => readPriceOverrides(setting),
        (error) => {
          assert.ok(error instanceof SourcewrightError);
          assert.equal(error.code, 'input');
          assert.equal(error.where, 'sourcewright.agents.prices');
          assert.equal(error.place, place);
          assert.match(error.cure ?? '', /US dollars per million tokens/);
          return true;
        },
      );
    }
  });
});
