/**
 * Whole descriptions, written for these tests, and what the rules make of them: a line per stream (see `lineOf`). A `*`
 * marks what is selected, a `?` the facts that are a question as well.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Blueprint } from '../../../src/blueprint/schema.ts';
import { inspection, Inspection, inspectionText } from '../../../src/openapi/inspect.ts';
import { readDescription } from '../../../src/openapi/read.ts';
import { buildBlueprint } from '../../../src/openapi/rules/blueprint.ts';
import { lineOf } from './support/lines.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/descriptions');

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'page-numbers': [
    '* ships /ships | / | id | page page from 1 per_page=200 | since updated_at<-updated_since date_time',
    '* calls /ships/{ship_id}/calls | / | call_id | page page from 1 per_page=200 | since created_at<-created_after unix_seconds | under ships ship_id=id',
    '* berths /berths | / | code | page page from 1',
  ],
  'offset-envelope': [
    '* trees /trees | trees | uuid | offset offset limit=1000 | ? incremental',
    '  harvests /harvests | data | id | offset offset | ? paging stream',
  ],
  'page-tokens': [
    '* diary_list /users/me/diaryList | items | id | cursor pageToken<-nextPageToken maxResults=250',
    '* entries /diaries/{diaryId}/entries | items | id | cursor pageToken<-nextPageToken maxResults=250 | since updated<-updatedMin date_time | under diary_list diaryId=id',
    '  colours /colours | / (single) | - | none',
  ],
  keyset: [
    '* receipts /v1/receipts | data | id | cursor starting_after<-last row.id limit=100 | since created<-created[gte] unix_seconds',
    '* lines /v1/receipts/{receipt}/lines | data | id | cursor after<-last row.id limit=50 | under receipts receipt=id',
  ],
  'json-api': [
    '* singers /singers | data | id | url links.next page[size]=100 | since attributes.updated_at<-filter[updated_at][gte] date_time',
  ],
  'hal-swagger2': [
    '* stones /stones | _embedded.stones | code | url _links.next.href limit=100',
    '* cuts /stones/{code}/cuts | / | number | none | under stones code=code | ? primary_key',
  ],
  'link-header': [
    '* repos /user/repos | / | id | link per_page=100',
    '* issues /repos/{owner}/{repo}/issues | / | id | link per_page=100 | since updated_at<-since date_time | under repos owner=owner.login repo=name | ? parent',
    '* users /users | / | id | cursor since<-last row.id',
    '  search_issues /search/issues | items | id | page page from 0 size= | ? incremental stream',
  ],
  'report-window': [
    '* bookings /v1/reports/bookings | booking_details | booking_info.booking_id | page page from 1 page_size=500 | since booking_info.booking_initiation_date<-start_date..end_date date_time | ? incremental',
  ],
  'resource-keys': [
    '* lines /v1/Lines | lines | sid | url meta.next_page_url PageSize=1000 | ? incremental',
    '* signals /v1/Lines/{LineSid}/Signals | signals | sid | url meta.next_page_url PageSize=1000 | under lines LineSid=sid',
    '* changes /v1/Lines/{LineSid}/Signals/{SignalSid}/Changes | changes | sid | url meta.next_page_url | under signals LineSid=~LineSid SignalSid=sid',
  ],
  'examples-only': [
    '* rows /rows | records | id | cursor offset<-offset pageSize=100 | ? incremental',
    '* views /views | / | id | none',
  ],
  oddities: [
    '* members /members | items | _id | none | ? record_path',
    '  settlements /settlements | / | - | page page from 1 perPage= | ? paging primary_key record_path',
    '* class_ /import/class | / | id | none',
    '* rates /rates | / (map) | _key | none | ? record_path',
    '* search /search | hits.*.node | place_id | none | ? primary_key',
    '  old /old | / | _id | none',
    '* groups /groups | data.sections.*.groups | id | none | ? record_path',
  ],
  'no-lists': ['* reading /reading | / (single) | - | none'],
};

async function blueprintOf(name: string): Promise<Blueprint> {
  return buildBlueprint(await readDescription(join(FOLDER, `${name}.yaml`)), {});
}

describe('descriptions of many styles', () => {
  it('has an expectation for each', () => {
    const files = readdirSync(FOLDER).map((file) => file.replace(/\.yaml$/, ''));
    assert.deepEqual(files.sort(), Object.keys(EXPECTED).sort());
  });

  for (const [name, expected] of Object.entries(EXPECTED)) {
    it(`reads ${name}`, async () => {
      const blueprint = await blueprintOf(name);
      assert.deepEqual(
        blueprint.streams.map((stream) => lineOf(blueprint, stream)),
        expected,
      );
    });

    it(`makes a valid blueprint of ${name}, the same each time, with evidence for every fact`, async () => {
      const blueprint = await blueprintOf(name);
      assert.deepEqual(Blueprint.parse(blueprint), blueprint);
      assert.equal(JSON.stringify(await blueprintOf(name)), JSON.stringify(blueprint));
      for (const fact of blueprint.facts) assert.ok(fact.evidence.length > 0, fact.fact);
      const names = [...blueprint.streams, ...blueprint.operations].map((one) => one.name);
      for (const one of names) assert.match(one, /^[a-z][a-z0-9_]*$/);
      assert.equal(new Set(blueprint.streams.map((one) => one.name)).size, blueprint.streams.length);
      assert.equal(new Set(blueprint.operations.map((one) => one.name)).size, blueprint.operations.length);
      assert.equal(new Set(blueprint.gaps.map((gap) => gap.id)).size, blueprint.gaps.length);
    });

    it(`never guesses in silence in ${name}`, async () => {
      const blueprint = await blueprintOf(name);
      const weak = blueprint.facts.filter(
        (fact) => fact.confidence < 0.75 && !['stream', 'schema', 'operation'].includes(fact.fact),
      );
      for (const fact of weak) {
        assert.ok(
          blueprint.gaps.some((gap) => gap.fact === fact.fact && gap.stream === fact.subject),
          `${String(fact.subject)} ${fact.fact} is weak (${String(fact.confidence)}) and no question`,
        );
      }
    });

    it(`shows ${name} as inspect does`, async () => {
      const blueprint = await blueprintOf(name);
      const shown = inspection(blueprint, 12);
      assert.deepEqual(Inspection.parse(shown), shown);
      assert.equal(shown.streams.length, blueprint.streams.length);
      assert.match(inspectionText(blueprint, 12), /Base URL/);
    });
  }

  it('writes paths in inspect as the document does, and keys and cursors with dots', async () => {
    const odd = inspection(await blueprintOf('oddities'), 1);
    assert.ok(odd.streams.some((stream) => stream.path === '/search?kind=place'));
    const window = inspection(await blueprintOf('report-window'), 1);
    assert.deepEqual(window.streams[0]?.primaryKey, ['booking_info.booking_id']);
    assert.equal(window.streams[0].cursorField, 'booking_info.booking_initiation_date');
    assert.equal(window.streams[0].incrementalParam, 'start_date');
    assert.deepEqual(window.auth, [{ kind: 'oauth2_client_credentials' }, { kind: 'bearer' }]);
  });

  it('cuts circular schemas and keeps rows whole otherwise', async () => {
    const blueprint = await blueprintOf('keyset');
    const text = JSON.stringify(blueprint.streams[0]?.schema);
    assert.ok(!text.includes('$ref'));
    assert.match(text, /"latest":\{\}/);
  });

  it('sends constants of the path and of required parameters, and asks for the rest', async () => {
    const odd = await blueprintOf('oddities');
    const search = odd.streams.find((stream) => stream.name === 'search');
    assert.deepEqual(search?.parameters, [
      { name: 'kind', in: 'query', type: 'string', required: true, value: 'place' },
    ]);
    const orchard = await blueprintOf('offset-envelope');
    const harvests = orchard.streams.find((stream) => stream.name === 'harvests');
    assert.equal(harvests?.parameters[0]?.configKey, 'season');
    assert.match(harvests.omittedBecause ?? '', /season/);
  });

  it('finds the limits that the description states', async () => {
    const { rateLimit } = await blueprintOf('page-numbers');
    assert.equal(rateLimit.requests, 120);
    assert.equal(rateLimit.windowSeconds, 60);
    assert.equal(rateLimit.documents429, true);
    assert.equal(rateLimit.retryAfterHeader, 'retry-after');
  });

  it('keeps the window that a report demands', async () => {
    const [bookings] = (await blueprintOf('report-window')).streams;
    assert.equal(bookings?.incremental?.required, true);
    assert.equal(bookings.incremental.maxWindowDays, 31);
    assert.equal(bookings.incremental.endParam, 'end_date');
    assert.deepEqual(bookings.parameters, []);
  });

  it('chains a list to the operation that gets one of its rows', async () => {
    const { operations } = await blueprintOf('page-numbers');
    const list = operations.find((operation) => operation.name === 'list_ships');
    assert.deepEqual(list?.next, [
      { operation: 'get_ship', parameter: 'ship_id', field: ['id'] },
      { operation: 'list_calls', parameter: 'ship_id', field: ['id'] },
    ]);
    assert.deepEqual(
      list.columns.filter((column) => column.role !== 'DATA').map((column) => [column.name, column.role]),
      [
        ['id', 'KEY'],
        ['name', 'TITLE'],
        ['updated_at', 'METADATA'],
      ],
    );
  });

  it('gives parameters of one name different names in Python', async () => {
    const { operations } = await blueprintOf('oddities');
    const names = operations
      .flatMap((operation) => (operation.path === '/import/class' ? operation.parameters : []))
      .map((one) => one.pythonName);
    assert.deepEqual(names, ['class_', 'class__2', 'n1st']);
  });
});
