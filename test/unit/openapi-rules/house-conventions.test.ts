/** Conventions that hold for a whole API and only show when its lists are seen side by side, or behind odd schemas. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Blueprint, Stream } from '../../../src/blueprint/schema.ts';
import { readDescription } from '../../../src/openapi/read.ts';
import { buildBlueprint } from '../../../src/openapi/rules/blueprint.ts';

type Json = Record<string, unknown>;

async function blueprintOf(paths: Json, components: Json = {}): Promise<Blueprint> {
  const folder = await mkdtemp(join(tmpdir(), 'house-'));
  try {
    const file = join(folder, 'openapi.json');
    const info = { title: 'Depot', version: '1' };
    const servers = [{ url: 'https://api.depot.example/v1' }];
    await writeFile(file, JSON.stringify({ openapi: '3.0.3', info, servers, paths, components }));
    return buildBlueprint(await readDescription(file, {}), {});
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const query = (name: string, schema: Json, description = ''): Json => ({
  name,
  in: 'query',
  schema,
  description,
});
const answer = (schema: Json, extra: Json = {}): Json => ({
  responses: { 200: { description: 'OK', content: { 'application/json': { schema, ...extra } } } },
});
const listOf = (key: string, row: Json, beside: Json = {}): Json => ({
  type: 'object',
  properties: { [key]: { type: 'array', items: row }, ...beside },
});
const object = (...names: string[]): Json => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
});
const inPath = (name: string): Json => ({ name, in: 'path', required: true, schema: { type: 'string' } });

function stream(blueprint: Blueprint, path: string): Stream {
  const found = blueprint.streams.find((one) => one.path === path);
  assert.ok(
    found,
    `${path} is not a stream; there are ${blueprint.streams.map((one) => one.path).join(' ')}`,
  );
  return found;
}

describe('conventions of a whole API', () => {
  it('takes the id with the house’s own prefix, not a code, a slug or the id of something inside the row', async () => {
    const row = (...others: string[]): Json => ({
      ...object('depot_id', ...others),
      required: ['depot_id', 'code'],
    });
    const inner = {
      ...object('depot_id'),
      properties: {
        ...(row('code', 'slug')['properties'] as Json),
        payment_method: object('payment_method_id'),
      },
    };
    const names = ['plans', 'coupons', 'add_ons', 'invoices', 'taxes', 'wallets'];
    const paths = Object.fromEntries(
      names.map((name) => [
        `/${name}`,
        { get: { ...answer(listOf(name, name === 'wallets' ? inner : row('code', 'slug', 'name'))) } },
      ]),
    );
    const blueprint = await blueprintOf(paths);
    for (const name of names)
      assert.deepEqual(stream(blueprint, `/${name}`).primaryKey, [['depot_id']], name);
  });

  it('takes a textual offset with a next_offset in the answer for a cursor', async () => {
    const rows = listOf(
      'list',
      {
        type: 'object',
        properties: { customer: object('id', 'email'), card: object('id') },
        required: ['customer'],
      },
      { next_offset: { type: 'string' } },
    );
    const blueprint = await blueprintOf({
      '/customers': {
        get: {
          parameters: [
            query('limit', { type: 'integer', maximum: 100 }),
            query('offset', { type: 'string' }),
          ],
          ...answer(rows),
        },
      },
    });
    const { paging } = stream(blueprint, '/customers');
    assert.equal(paging.kind, 'cursor');
    assert.deepEqual(
      [paging.cursorParam, paging.nextPath, paging.sizeParam],
      ['offset', ['next_offset'], 'limit'],
    );
  });

  it('takes what came with a prior invocation for a cursor, whatever it is called', async () => {
    const rows = listOf('data', object('id'), {
      iterator: { type: 'string', nullable: true },
      done: { type: 'boolean' },
    });
    const parameters = [
      query('limit', { type: 'integer', maximum: 250 }),
      query('iterator', { type: 'string' }, 'The iterator returned from a prior invocation'),
    ];
    const blueprint = await blueprintOf({ '/app': { get: { parameters, ...answer(rows) } } });
    const { paging } = stream(blueprint, '/app');
    assert.deepEqual(paging.kind === 'cursor' && [paging.cursorParam, paging.nextPath], [
      'iterator',
      ['iterator'],
    ]);
  });

  it('finds the parent of a list by its parameter’s name, though both paths have one parameter', async () => {
    const blueprint = await blueprintOf({
      '/v1/teams/{team_id}/projects': {
        get: { parameters: [inPath('team_id')], ...answer(listOf('projects', object('id', 'name'))) },
      },
      '/v1/teams/{team_id}/styles': {
        get: { parameters: [inPath('team_id')], ...answer(listOf('styles', object('key', 'name'))) },
      },
      '/v1/projects/{project_id}/files': {
        get: { parameters: [inPath('project_id')], ...answer(listOf('files', object('key', 'name'))) },
      },
    });
    const projects = stream(blueprint, '/v1/teams/{team_id}/projects');
    assert.deepEqual(stream(blueprint, '/v1/projects/{project_id}/files').parent, {
      stream: projects.name,
      parameters: [{ name: 'project_id', from: { kind: 'record', field: ['id'] } }],
    });
    assert.equal(projects.parent, undefined);
  });

  it('never makes two lists each other’s parent', async () => {
    const blueprint = await blueprintOf({
      '/teams/{project_id}/teams': {
        get: { parameters: [inPath('project_id')], ...answer(listOf('teams', object('id'))) },
      },
      '/projects/{team_id}/projects': {
        get: { parameters: [inPath('team_id')], ...answer(listOf('projects', object('id'))) },
      },
    });
    for (const one of blueprint.streams) {
      const seen = new Set<string>();
      let at: Stream | undefined = one;
      while (at?.parent !== undefined) {
        assert.ok(!seen.has(at.name), `a circle of parents at ${at.name}`);
        seen.add(at.name);
        const above: string = at.parent.stream;
        at = blueprint.streams.find((other) => other.name === above);
      }
    }
  });

  it('reads rows out of the example where the schema shows none', async () => {
    const example = {
      ok: true,
      members: [
        { id: 'U1', name: 'ada', updated: 1_502_138_686 },
        { id: 'U2', name: 'bob', updated: 1_502_138_690 },
      ],
      response_metadata: { next_cursor: 'dXNlcjpVMEc5V0ZYTlo=' },
    };
    const blueprint = await blueprintOf({
      '/users.list': {
        get: {
          parameters: [query('cursor', { type: 'string' }), query('limit', { type: 'integer' })],
          ...answer(
            { type: 'object', properties: { ok: { type: 'boolean' } }, additionalProperties: true },
            { example },
          ),
        },
      },
    });
    const users = stream(blueprint, '/users.list');
    assert.deepEqual(users.recordPath, ['members']);
    assert.deepEqual(users.primaryKey, [['id']]);
    assert.equal(users.paging.kind, 'cursor');
  });

  it('states a gap where rows carry a time of change that no filter takes', async () => {
    const row = {
      type: 'object',
      properties: {
        id: { type: 'string' },
        attributes: {
          type: 'object',
          properties: { datetime: { type: 'string', format: 'date-time' }, name: { type: 'string' } },
        },
      },
    };
    const blueprint = await blueprintOf({
      '/events': {
        get: {
          parameters: [
            query(
              'filter',
              { type: 'string' },
              'Allowed fields: `datetime`: `greater-or-equal`, `less-than`',
            ),
          ],
          ...answer(listOf('data', row)),
        },
      },
    });
    const events = stream(blueprint, '/events');
    const known =
      events.incremental !== undefined ||
      blueprint.gaps.some((gap) => gap.stream === events.name && gap.fact === 'incremental');
    assert.ok(known, 'neither a cursor nor a question about it');
  });

  it('asks for no key where the key parameter is optional', async () => {
    const key = query('apiKey', { type: 'string' }, 'API key, optional');
    const blueprint = await blueprintOf({
      '/animals': { get: { parameters: [key], ...answer(listOf('animals', object('uid', 'name'))) } },
      '/books': { get: { parameters: [key], ...answer(listOf('books', object('uid', 'title'))) } },
    });
    assert.ok(
      blueprint.auth.some((option) => option.parts.every((part) => part.kind === 'none')),
      'a connector must be able to read without a key here',
    );
  });

  it('reads untyped items with alternatives as one of those, as converters write them', async () => {
    const any = (...schemas: Json[]): Json => ({ items: { anyOf: schemas } });
    const body = {
      type: 'object',
      properties: {
        ok: { type: 'boolean' },
        boxes: { type: 'array', items: { $ref: '#/components/schemas/box' } },
        response_metadata: { ...any(object('next_cursor'), object('warnings')), title: 'Metadata' },
      },
    };
    const parameters = [query('cursor', { type: 'string' }), query('limit', { type: 'integer' })];
    const box = { ...any(object('id', 'name'), object('id', 'size')), description: 'A box.' };
    const { streams } = await blueprintOf(
      { '/boxes.list': { get: { parameters, ...answer(body) } } },
      { schemas: { box } },
    );
    const [stream] = streams;
    assert.deepEqual(stream?.recordPath, ['boxes']);
    assert.deepEqual(stream.primaryKey, [['id']]);
    assert.deepEqual(stream.paging.kind === 'cursor' && stream.paging.nextPath, [
      'response_metadata',
      'next_cursor',
    ]);
  });

  it('asks for what is below an organization by the login that its text takes, of those that are one’s own', async () => {
    const organization = {
      type: 'object',
      properties: { id: { type: 'integer' }, login: { type: 'string' }, url: { type: 'string' } },
    };
    const list = (row: Json): Json => answer({ type: 'array', items: row });
    const below = (row: Json, schema: Json = { type: 'string' }): Json => ({
      get: { ...list(row), parameters: [{ name: 'org', in: 'path', required: true, schema }] },
    });
    const paths = {
      '/organizations': { get: list(organization) },
      '/user/orgs': { get: list(organization) },
      '/orgs/{org}/members': below(object('id', 'name')),
      '/organizations/{org}/budgets': below(object('id', 'name')),
    };
    const parentOf = (blueprint: Blueprint, path: string): unknown[] => {
      const { parent } = stream(blueprint, path);
      return [parent?.stream, parent?.parameters.map(({ from }) => from)];
    };
    const blueprint = await blueprintOf(paths);
    const login = [{ kind: 'record', field: ['login'] }];
    assert.deepEqual(parentOf(blueprint, '/orgs/{org}/members'), [
      stream(blueprint, '/user/orgs').name,
      login,
    ]);
    assert.deepEqual(parentOf(blueprint, '/organizations/{org}/budgets'), [
      stream(blueprint, '/organizations').name,
      login,
    ]);
    const numbered = await blueprintOf({
      ...paths,
      '/orgs/{org}/members': below(object('id', 'name'), { type: 'integer' }),
    });
    assert.deepEqual(parentOf(numbered, '/orgs/{org}/members')[1], [{ kind: 'record', field: ['id'] }]);
  });

  it('reads once for each row of a list what demands the id of one in its query, and nothing by a filter', async () => {
    const demand = (name: string): Json => ({ ...query(name, { type: 'string' }), required: true });
    const of = (row: Json, ...parameters: Json[]): Json => ({
      get: { ...answer(listOf('items', row)), parameters },
    });
    const blueprint = await blueprintOf({
      '/projects': of(object('id', 'name')),
      '/sections': of(object('id', 'title'), demand('project_id')),
      '/tasks': of(object('id', 'title'), query('project_id', { type: 'string' }, 'Filter by project.')),
      '/projects/lookup': of(object('id', 'title'), demand('term')),
    });
    const sections = stream(blueprint, '/sections');
    assert.deepEqual(sections.parent, {
      stream: 'projects',
      parameters: [{ name: 'project_id', from: { kind: 'record', field: ['id'] } }],
    });
    assert.deepEqual(sections.parameters, []);
    assert.equal(sections.selected, true);
    assert.equal(stream(blueprint, '/tasks').parent, undefined);
    const lookup = stream(blueprint, '/projects/lookup');
    assert.match(lookup.omittedBecause ?? '', /only you know: term/);
  });

  it('understands verbs behind a dot, ids that a text demands, and messages that are no notices', async () => {
    const of = (key: string, row: Json, ...parameters: Json[]): Json => ({
      get: { ...answer(listOf(key, row, { ok: { type: 'boolean' } })), parameters },
    });
    const channel = { name: 'channel', in: 'query', schema: { type: 'string' } };
    const message = object('ts', 'text', 'user', 'thread_ts', 'reactions');
    const blueprint = await blueprintOf({
      '/rooms.list': of('channels', object('id', 'name')),
      '/rooms.history': of('messages', message, {
        ...channel,
        description: 'Room ID to fetch history for.',
      }),
      '/files.list': of('files', object('id', 'name'), {
        ...channel,
        description: 'Filter files of a channel, by its ID.',
      }),
      '/rooms.archive': of('channels', object('id', 'name')),
      '/notes.list': of('notes', object('id', 'name'), {
        ...channel,
        required: false,
        description: 'Room ID to fetch notes for.',
      }),
      '/logs.list': { get: answer(listOf('messages', object('code', 'text', 'level'))) },
    });
    const history = stream(blueprint, '/rooms.history');
    assert.deepEqual(history.recordPath, ['messages']);
    assert.deepEqual(history.parent?.parameters, [
      { name: 'channel', from: { kind: 'record', field: ['id'] } },
    ]);
    assert.equal(stream(blueprint, '/files.list').parent, undefined);
    assert.equal(stream(blueprint, '/notes.list').parent, undefined);
    assert.match(stream(blueprint, '/rooms.archive').omittedBecause ?? '', /changes something/);
    assert.ok(!blueprint.operations.some((one) => one.path === '/rooms.archive' && one.selected));
    const asks = blueprint.operations.find((one) => one.path === '/rooms.history');
    assert.equal(asks?.parameters.find(({ name }) => name === 'channel')?.required, true);
    assert.ok(!blueprint.streams.some((one) => one.path === '/logs.list' && one.recordShape === 'list'));
  });

  it('takes a person’s address for the key of people only', async () => {
    const of = (row: Json): Json => ({ get: answer(listOf('items', row)) });
    const blueprint = await blueprintOf({
      '/timesheets': of(object('email', 'hours', 'day')),
      '/logs': of(object('username', 'ip')),
      '/members': of(object('email', 'joined')),
    });
    assert.deepEqual(stream(blueprint, '/timesheets').primaryKey, []);
    assert.deepEqual(stream(blueprint, '/logs').primaryKey, []);
    assert.deepEqual(stream(blueprint, '/members').primaryKey, [['email']]);
  });

  it('looks for a cursor that no answer shows where most answers have theirs', async () => {
    const next = (beside: Json): Json => ({
      get: {
        ...answer(listOf('items', object('id'), beside)),
        parameters: [query('cursor', { type: 'string' }), query('limit', { type: 'integer' })],
      },
    });
    const usual = { meta: object('next_cursor') };
    const blueprint = await blueprintOf({
      '/odd': next({ next_cursor: { type: 'string' } }),
      '/some': next(usual),
      '/more': next(usual),
      '/silent': next({}),
    });
    const { paging } = stream(blueprint, '/silent');
    assert.deepEqual(paging.kind === 'cursor' && paging.nextPath, ['meta', 'next_cursor']);
  });

  it('gives agents nothing to call that takes a secret of the person’s', async () => {
    const of = (...parameters: Json[]): Json => ({ get: { ...answer(object('ok')), parameters } });
    const text = { type: 'string' };
    const { operations } = await blueprintOf({
      '/oauth.access': of(query('client_id', text), query('client_secret', text)),
      '/session': of(query('user', text), query('password', text)),
      '/secrets.find': of(query('client_id', text), query('secret_name', text)),
    });
    const picked = operations.filter(({ selected }) => selected).map(({ path }) => path);
    assert.deepEqual(picked, ['/secrets.find']);
  });
});
