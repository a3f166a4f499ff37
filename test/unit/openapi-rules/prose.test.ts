/** What the rules read out of sentences, as descriptions really write them. */
import assert from 'node:assert/strict';
import { prefixInText } from '../../../src/openapi/rules/auth-prose.ts';
import { connectorName, NameRegistry, pythonName } from '../../../src/openapi/rules/naming.ts';
import { saysLinkHeader } from '../../../src/openapi/rules/paging.ts';
import {
  saysIsNeeded,
  statedDefault,
  statedFirstPage,
  statedMaxDays,
  statedMaximum,
  timeFormatOf,
} from '../../../src/openapi/rules/prose.ts';
import { statedLimit } from '../../../src/openapi/rules/rate-limit.ts';
import { singular, stem, words } from '../../../src/openapi/rules/words.ts';

function reads<T>(name: string, read: (text: string) => T, cases: readonly (readonly [string, T])[]): void {
  describe(name, () => {
    for (const [text, expected] of cases) {
      it(`"${text}"`, () => {
        assert.deepEqual(read(text), expected);
      });
    }
  });
}

reads('parameters that a request is about', saysIsNeeded, [
  ['ID of the conversation to retrieve members for', true],
  ['Conversation ID to learn more about', true],
  ['`ts` must be the timestamp of an existing message with 0 or more replies.', true],
  ['ID of the user to search for', false],
  ['Cursor indicating which id after which to start retrieving styles for. Exclusive with before.', false],
  ['ID of the team to show issues of. Optional.', false],
  ['Filter by the ID of the project to get issues for', false],
  ['', false],
]);

reads('the largest page', statedMaximum, [
  ['The number of results per page (max 100).', 100],
  ['Rows per page (default 25, max 200).', 200],
  ['Maximum value: 1,000', 1000],
  ['Between 1 and 50, defaults to 10.', 50],
  ['The page size can never be larger than 250 entries.', 250],
  ['How many rows, up to 500', 500],
  ['Limits the rows.', undefined],
]);

reads('the usual page', statedDefault, [
  ['Defaults to 20.', 20],
  ['The default is 50 and the maximum is 1000.', 50],
  ['No number here.', undefined],
]);

reads('the number of the first page', statedFirstPage, [
  ['Zero-based page index (0..N)', 0],
  ['Page number, starting at 1', 1],
  ['The first page is 0.', 0],
  ['Page to return', undefined],
]);

reads('the longest window', statedMaxDays, [
  ['The maximum supported range is 31 days.', 31],
  ['The window can not exceed 3 months', 90],
  ['Up to 100 rows', undefined],
]);

reads('what stands before a key', prefixInText, [
  ['Send `Authorization: Token token={your key}`.', 'Token token='],
  ['API tokens must be prepended with "token" followed by a space.', 'token '],
  ["Enter 'Bearer' [space] and then your token.", 'Bearer '],
  ['Format: `SSWS {api_token}`', 'SSWS '],
  ['Your personal key.', undefined],
]);

reads('limits', (text) => statedLimit(text).requests, [
  ['Limited to 120 requests per minute.', 120],
  ['You may make 10 calls / second and 5,000 requests per hour.', 5000],
  ['60 requests every 30 seconds', 60],
  ['No limits.', undefined],
]);

reads('Link headers', saysLinkHeader, [
  ['Results are paginated; see the `Link` response header for rel="next".', true],
  ['Follow the link in the mail.', false],
]);

describe('formats of time', () => {
  const schema = (type: string, format?: string): Parameters<typeof timeFormatOf>[0] => ({
    types: new Set([type]),
    format,
    pattern: undefined,
  });
  for (const [given, text, expected] of [
    [schema('integer'), 'start_time Refers start of the time range in unix timestamp', 'unix_seconds'],
    [schema('number'), 'after Unix epoch time in milliseconds', 'unix_milliseconds'],
    [schema('string', 'date-time'), '', 'date_time'],
    [schema('string'), 'from as YYYY-MM-DD', 'date'],
    [schema('string'), 'since, ISO 8601', 'date_time'],
    [schema('string'), 'from', undefined],
  ] as const) {
    it(`"${text}" of ${[...given.types].join()} is ${expected ?? 'not told'}`, () => {
      assert.equal(timeFormatOf(given, text, undefined), expected);
    });
  }
});

describe('names', () => {
  it('splits names into words, whatever their spelling', () => {
    assert.deepEqual(words('WorkspaceSid'), ['workspace', 'sid']);
    assert.deepEqual(words('created_at[gte]'), ['created', 'at', 'gte']);
    assert.deepEqual(words('HTMLUrl'), ['html', 'url']);
    assert.equal(stem('task_queues'), stem('TaskQueue'));
  });

  it('knows singulars', () => {
    const plurals = ['companies', 'addresses', 'boxes', 'people', 'statuses', 'news', 'bus', 'categories'];
    assert.deepEqual(plurals.map(singular), [
      'company',
      'address',
      'box',
      'person',
      'status',
      'news',
      'bus',
      'category',
    ]);
  });

  it('makes Python identifiers of anything', () => {
    const hostile = [
      'class',
      '1st',
      '../../etc/passwd',
      'naïve Größe',
      '日本',
      '__init__',
      'a'.repeat(200),
      'x; rm -rf /',
    ];
    for (const name of hostile) assert.match(pythonName(name, 'value'), /^[a-z][a-z0-9_]{0,60}$/);
    assert.equal(pythonName('class', 'value'), 'class_');
    assert.equal(pythonName('../../etc/passwd', 'value'), 'etc_passwd');
  });

  it('hands out each name once', () => {
    const registry = new NameRegistry();
    const taken = [
      registry.take('a'),
      registry.take('a', 'b_a'),
      registry.take('a', 'b_a'),
      registry.take('a', 'b_a'),
    ];
    assert.deepEqual(taken, ['a', 'b_a', 'b_a_2', 'b_a_3']);
  });

  it('makes connector names of titles', () => {
    assert.equal(connectorName('Google Calendar API v3'), 'google-calendar');
    assert.equal(connectorName('../../x'), 'x');
    for (const title of ["Harbour's API documentation", 'The Harbour’s API'])
      assert.equal(connectorName(title), 'harbour');
    assert.equal(connectorName('日本'), 'api');
  });
});
