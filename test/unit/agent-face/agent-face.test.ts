import assert from 'node:assert/strict';
import { emitAgentFace } from '../../../src/blueprint/compiler/agent-face.ts';
import type { Blueprint } from '../../../src/blueprint/schema.ts';
import { blueprint, HOSTILE, operation, parameter, stream } from './blueprints.ts';
import { parseModules, type ParsedModule } from './python.ts';

function emit(of: Blueprint): Record<string, string> {
  return Object.fromEntries(emitAgentFace(of).map((file) => [file.path, file.content]));
}

function modules(of: Blueprint): Record<string, ParsedModule> {
  const sources = Object.entries(emit(of)).filter(([path]) => path.endsWith('.py'));
  return parseModules(Object.fromEntries(sources));
}

function only(of: Blueprint): ParsedModule & { source: string } {
  const source = emit(of)['src/operations.py'];
  const parsed = modules(of)['src/operations.py'];
  assert.ok(source !== undefined && parsed !== undefined, 'one module');
  return { ...parsed, source };
}

function withOperation(more: Record<string, unknown>): Blueprint {
  return blueprint({ operations: [operation('things', more)] });
}

describe('the emitted operations', () => {
  it('are the same bytes for the same blueprint', () => {
    const of = blueprint({ operations: [operation('things'), operation('others')] });
    assert.deepEqual(emitAgentFace(of), emitAgentFace(structuredClone(of)));
  });

  it('are one function, one model and one output each, and two sets', () => {
    const { names, classes } = only(blueprint({ operations: [operation('things'), operation('others')] }));
    assert.deepEqual(names, [
      ...['ThingsParams', 'THINGS_OUTPUT', 'things', 'OthersParams', 'OTHERS_OUTPUT', 'others'],
      ...['CONNECTORS', 'FETCH_CONNECTORS'],
    ]);
    assert.deepEqual(classes, {
      ThingsParams: ['limit'],
      OthersParams: ['limit'],
    });
  });

  it('leave out operations that are not selected, and steps to them', () => {
    const next = [{ operation: 'gone', parameter: 'id', field: ['id'] }];
    const { source } = only(
      blueprint({ operations: [operation('things', { next }), operation('gone', { selected: false })] }),
    );
    assert.doesNotMatch(source, /gone/);
  });

  it('are two empty sets where there are none', () => {
    const { names, source } = only(blueprint());
    assert.deepEqual(names, ['CONNECTORS', 'FETCH_CONNECTORS']);
    assert.doesNotMatch(source, /ApiClient|pydantic/);
  });

  it('stay Python whatever the description says', () => {
    const { names, called, longest } = only(
      blueprint({
        api: { title: HOSTILE, version: HOSTILE, description: HOSTILE },
        operations: [
          operation('things', {
            summary: HOSTILE,
            description: HOSTILE,
            path: '/things/{id}',
            recordPath: [HOSTILE, '*'],
            columns: [{ name: HOSTILE.replaceAll('.', ''), type: 'string', role: 'DATA' }],
            parameters: [
              parameter(HOSTILE, {
                pythonName: 'q',
                description: HOSTILE,
                pattern: HOSTILE,
                default: HOSTILE,
              }),
              parameter('e', { enum: [HOSTILE, 'b'] }),
              parameter('h', { in: 'header', name: HOSTILE }),
            ],
            paging: { kind: 'cursor', cursorParam: HOSTILE, nextPath: [HOSTILE] },
          }),
        ],
      }),
    );
    assert.deepEqual(names, ['ThingsParams', 'THINGS_OUTPUT', 'things', 'CONNECTORS', 'FETCH_CONNECTORS']);
    assert.deepEqual(
      called.filter((name) => /import|system|os/.test(name)),
      [],
    );
    assert.ok(longest < 700, 'no text runs on without end');
  });

  it('never take a name that Python, pydantic or the module needs', () => {
    const names = [
      'import',
      'class',
      'list',
      'client',
      'connector',
      'given',
      'match',
      'test_things',
      '_hidden',
    ];
    const parsed = only(blueprint({ operations: names.map((name) => operation(name)) }));
    const functions = parsed.names.filter((name) => /^[a-z]/.test(name));
    assert.deepEqual(functions, [
      ...['import_operation', 'class_operation', 'list_operation', 'client_operation', 'connector_operation'],
      ...['given_operation', 'match_operation', 'test_things_operation', 'hidden'],
    ]);
    assert.equal(new Set(parsed.names).size, parsed.names.length);
  });

  it('give parameters usable names, each once', () => {
    const names = ['from', '_id', 'id', 'schema', 'model_dump', 'limit', 'copy', 'json'];
    const { classes } = only(withOperation({ parameters: names.map((name) => parameter(name)) }));
    assert.deepEqual(classes['ThingsParams'], [
      ...['from_', 'id', 'id_2', 'schema_', 'model_dump_', 'limit', 'copy_', 'json_', 'max_rows'],
    ]);
  });

  it('keep classes apart whose operations differ by underscores only', () => {
    const { names } = only(blueprint({ operations: [operation('a_b'), operation('a__b')] }));
    assert.deepEqual(
      names.filter((name) => /Params\d*$/.test(name)),
      ['ABParams', 'ABParams2'],
    );
  });
});

describe('parameters', () => {
  const declared = (more: Record<string, unknown>): string =>
    only(withOperation({ parameters: [parameter('x', more)] })).source;

  it('of numbers are bounded, also where the description does not say how', () => {
    assert.match(
      declared({ type: 'integer' }),
      /x: int \| None = Field\(\s+default=None,\s+ge=-9_22.*,\s+le=9_22/,
    );
    assert.match(declared({ type: 'integer', minimum: 1.5, maximum: 9.5 }), /ge=2,\s+le=9,/);
    assert.match(
      declared({ type: 'number', minimum: -0.5 }),
      /x: float \| None = Field\([^)]*ge=-0.5,\s+le=1e15/,
    );
  });

  it('ignore bounds that exclude each other or that no number keeps', () => {
    assert.match(declared({ type: 'integer', minimum: 10, maximum: 1 }), /ge=-9_22/);
    assert.match(declared({ type: 'integer', minimum: 0.2, maximum: 0.8 }), /ge=-9_22/);
    assert.match(declared({ type: 'integer', maximum: 1e300 }), /le=9_22/);
  });

  it('of a few values are literals, of many or of fractions described', () => {
    assert.match(declared({ enum: ['a', 'a', 'b'] }), /x: Literal\["a", "b"\] \| None/);
    assert.match(
      declared({ type: 'array', itemType: 'string', enum: ['a'] }),
      /x: list\[Literal\["a"\]\] \| None/,
    );
    assert.match(declared({ type: 'number', enum: [0.5, 1] }), /x: float \| None[^)]*One of 0.5, 1\./);
    const many = Array.from({ length: 80 }, (_, index) => `v${String(index)}`);
    assert.match(declared({ enum: many }).replace(/"\s+"/g, ''), /x: str \| None[^)]*v19 and others\./);
  });

  it('that are required have no default and can not be left empty', () => {
    const source = only(
      withOperation({
        path: '/things/{id}',
        parameters: [parameter('y'), parameter('id', { in: 'path', required: true })],
      }),
    ).source;
    assert.match(source, /id: str = Field\(\s+\.\.\.,\s+min_length=1,/);
    assert.ok(source.indexOf('    id: str') < source.indexOf('    y: str'), 'required ones come first');
  });

  it('of JSON are typed as that, never as anything', () => {
    const { source } = only(
      withOperation({
        parameters: [
          parameter('filter', { type: 'object' }),
          parameter('steps', { type: 'array', itemType: 'object' }),
        ],
      }),
    );
    assert.match(source, /from pydantic import BaseModel, ConfigDict, Field, JsonValue\n/);
    assert.match(source, /filter: dict\[str, JsonValue\] \| None = Field\(/);
    assert.match(source, /steps: list\[dict\[str, JsonValue\]\] \| None = Field\(/);
    assert.doesNotMatch(source, /\bAny\b/);
  });

  it('go where the API expects them', () => {
    const { source } = only(
      withOperation({
        method: 'POST',
        path: '/{ids}',
        parameters: [
          parameter('ids', { in: 'path', type: 'array', itemType: 'integer', required: true }),
          parameter('q'),
          parameter('filter', { type: 'object' }),
          parameter('X-H', { in: 'header' }),
          parameter('c', { in: 'cookie' }),
          parameter('b', { in: 'body' }),
        ],
      }),
    );
    assert.match(source, /path_params=\{\s+"ids": joined\(params\.ids\),/);
    assert.match(source, /params=\{\s+"q": params\.q,\s+\*\*deep\("filter", params\.filter\),\s+\}/);
    assert.match(source, /\*\*texts\(\s+\{\s+"X-H": params\.x_h,/);
    assert.match(source, /\*\*cookies\(\s+\{\s+"c": params\.c,/);
    assert.match(source, /body=given\(\s+\{\s+"b": params\.b,/);
  });

  it('that the blueprint fixes are sent and can not be set', () => {
    const long = { property: 'object', values: ['page', 1, true, null], more: { text: 'x'.repeat(60) } };
    const { classes, source } = only(
      withOperation({
        method: 'POST',
        path: '/{version}/{id}',
        parameters: [
          parameter('id', { in: 'path', required: true }),
          parameter('version', { in: 'path', required: true, value: 'v2' }),
          parameter('fields', { value: ['a', 'b'] }),
          parameter('by', { type: 'object', value: { key: 1 } }),
          parameter('X-H', { in: 'header', value: HOSTILE }),
          parameter('b', { in: 'body', type: 'object', value: long }),
        ],
      }),
    );
    assert.deepEqual(classes['ThingsParams'], ['id', 'limit']);
    assert.match(source, /path_params=\{\s+"id": params\.id,\s+"version": "v2",\s+\}/);
    assert.match(source, /params=\{\s+"fields": \["a", "b"\],\s+\*\*deep\("by", \{"key": 1\}\),\s+\}/);
    assert.match(
      source,
      /body=given\(\s+\{\s+"b": \{\s+"property": "object",\s+"values": \["page", 1, True, None\],/,
    );
    assert.doesNotMatch(source, /params\.(version|fields|by|x_h|b)\b/);
  });

  it('that a stream reads from the configuration are named, for servers that have one', () => {
    const account = { name: 'account', in: 'path', type: 'string', required: true };
    const team = { name: 'team', in: 'query', type: 'string', required: true };
    const of = blueprint({
      streams: [
        stream('things', {
          path: '/{account}/things',
          parameters: [
            { ...account, configKey: 'account_id' },
            { ...team, configKey: 'team' },
          ],
        }),
      ],
      operations: [
        operation('things', {
          path: '/{account}/things',
          parameters: [
            parameter('account', { in: 'path', required: true }),
            parameter('team', { required: true }),
          ],
        }),
        operation('thing', {
          kind: 'get',
          path: '/{account}/things/{id}',
          parameters: [
            parameter('account', { in: 'path', required: true }),
            parameter('id', { in: 'path', required: true }),
            parameter('team', { required: true }),
          ],
        }),
      ],
    });
    const { source } = only(of);
    assert.match(source, /properties=\{"settings": \{"account": "account_id", "team": "team"\}\}/);
    assert.match(source, /properties=\{"settings": \{"account": "account_id"\}\}/);
    assert.equal(source.match(/properties=/g)?.length, 2);
  });

  it('that page a list are set by the runtime, which counts rows instead', () => {
    const { classes, source } = only(
      withOperation({
        parameters: [parameter('limit', { type: 'integer' }), parameter('offset', { type: 'integer' })],
        paging: { kind: 'offset', offsetParam: 'offset', sizeParam: 'limit', pageSize: 50, totalPath: ['n'] },
      }),
    );
    assert.deepEqual(classes['ThingsParams'], ['limit']);
    assert.match(source, /limit: int = Field\(\s+default=100,\s+ge=1,\s+le=1000,/);
    assert.match(
      source,
      /paging=Offset\([^)]*offset_param="offset",[^)]*size_param="limit",\s+page_size=50,/,
    );
    assert.doesNotMatch(source, /"limit": params/);
  });
});

describe('results', () => {
  it('have exactly one title where they have a key', () => {
    const columns = [
      { name: 'status', type: 'string', role: 'DATA' },
      { name: 'full_name', type: 'string', role: 'DATA' },
      { name: 'id', type: 'integer', role: 'KEY' },
      { name: 'id', type: 'integer', role: 'DATA' },
    ];
    const { source } = only(withOperation({ columns: columns.slice(0, 3) }));
    assert.match(
      source,
      /"id"[^\n]*KEY\),\s+Column\("full_name"[^\n]*TITLE\),\s+Column\("status", dtype="string"\)/,
    );
    const twoTitles = columns.slice(0, 2).map((column) => ({ ...column, role: 'TITLE' }));
    assert.equal(only(withOperation({ columns: twoTitles })).source.match(/ColumnRole\.TITLE/g)?.length, 1);
    assert.equal(only(withOperation({ columns })).source.match(/Column\("id"/g)?.length, 1);
  });

  it('of a fetched record have the key by which it was fetched', () => {
    const { source } = only(
      blueprint({
        operations: [
          operation('things', { next: [{ operation: 'thing', parameter: 'thing_ref', field: ['ref'] }] }),
          operation('thing', {
            kind: 'get',
            path: '/things/{thing_ref}',
            parameters: [parameter('thing_ref', { in: 'path', required: true })],
            columns: [
              { name: 'title', type: 'string', role: 'DATA' },
              { name: 'ref', type: 'string', role: 'DATA' },
            ],
          }),
        ],
      }),
    );
    assert.match(
      source,
      /THING_OUTPUT = OutputConfig\(\s+\(\s+Column\("ref"[^\n]*KEY\),\s+Column\("title"[^\n]*TITLE/,
    );
  });

  it('of maps keep the key of each row', () => {
    const of = blueprint({
      streams: [stream('things', { recordShape: 'map' })],
      operations: [operation('things', { recordPath: ['by_id'] })],
    });
    assert.match(only(of).source, /rows_at=RowsAt\(\("by_id",\), is_map=True\)/);
  });

  it('of tables are rows that the first row names, and tell where each stands', () => {
    const of = blueprint({
      streams: [stream('things', { recordShape: 'table' })],
      operations: [
        operation('things', {
          path: '/{sheet}',
          recordPath: ['values'],
          columns: [{ name: 'a.b', type: 'string', role: 'DATA' }],
          parameters: [parameter('sheet', { in: 'path', required: true, quote: "'" })],
        }),
      ],
    });
    const { source } = only(of);
    assert.match(source, /rows_at=RowsAt\(\("values",\), is_table=True\)/);
    assert.match(source, /Column\("_row", dtype="integer", role=ColumnRole\.METADATA\)/);
    assert.match(source, /"sheet": quoted\("'", params\.sheet\)/);
    assert.match(source, /the first row of the table\s+names the columns/);
  });

  it('of documents are marked as text', () => {
    const { source } = only(withOperation({ result: 'text', kind: 'get', columns: [] }));
    assert.match(source, /@connector\(result_type="text", tags=\["demo", "get"\]\)/);
    assert.match(source, /return await fetch_text\(client, request, params\)/);
    assert.doesNotMatch(source, /OutputConfig|limit/);
  });
});

describe('docstrings', () => {
  const { docstrings, source } = only(
    blueprint({
      operations: [
        operation('things', {
          summary: 'List all things.',
          next: [
            { operation: 'thing', parameter: 'id', field: ['id'] },
            { operation: 'find', parameter: 'kind', field: ['kind', 'code'] },
            { operation: 'find', parameter: 'no_such', field: ['id'] },
          ],
        }),
        operation('thing', {
          kind: 'get',
          summary: 'Get one thing',
          path: '/things/{id}',
          parameters: [parameter('id', { in: 'path', type: 'integer', required: true })],
        }),
        operation('parts', {
          summary: 'List parts',
          path: '/things/{id}/parts/{part}',
          parameters: [
            parameter('id', { in: 'path', required: true }),
            parameter('part', { in: 'path', required: true }),
          ],
        }),
        operation('find', { kind: 'search', summary: 'Search', parameters: [parameter('kind')] }),
      ],
    }),
  );

  it('name the next operation with its identifier, and filters that take codes', () => {
    assert.match(docstrings['things'] ?? '', /Next: use id with thing\(id=<id>\) to get one thing\./);
    assert.match(
      docstrings['things'] ?? '',
      /Lookup: kind\.code is a value for the filter in find\(kind=<kind\.code>\)\./,
    );
    assert.doesNotMatch(docstrings['things'] ?? '', /no_such/);
  });

  it('say where identifiers come from, also those higher up in a path', () => {
    assert.match(docstrings['thing'] ?? '', /Get id from id of things\./);
    assert.match(docstrings['parts'] ?? '', /Get id from id of things\./);
    assert.match(source, /The id to look at\. From id of things\./);
  });

  it('warn of searches that find nothing', () => {
    assert.match(docstrings['find'] ?? '', /Raises ValueError/);
    assert.doesNotMatch(docstrings['things'] ?? '', /Raises/);
  });
});

describe('credentials', () => {
  const clientOf = (more: Record<string, unknown>): string | undefined =>
    /client: (.*?)\) ->/.exec(only(blueprint({ operations: [operation('things')], ...more })).source)?.[1];

  it('must be bound where the API asks for any', () => {
    assert.equal(clientOf({}), 'ApiClient');
    assert.match(
      only(blueprint({ operations: [operation('things')] })).source,
      /FETCH_CONNECTORS = CONNECTORS\n/,
    );
  });

  it('need no binding where the API is open and complete', () => {
    const auth = [{ name: 'none', parts: [{ kind: 'none' }] }];
    assert.equal(clientOf({ auth }), 'ApiClient | None = None');
    assert.equal(
      clientOf({ auth, baseUrl: 'https://{host}', serverVariables: [{ name: 'host', configKey: 'host' }] }),
      'ApiClient',
    );
    assert.equal(clientOf({ auth, baseUrl: '/relative' }), 'ApiClient');
  });
});

describe('large APIs', () => {
  const operations = Array.from({ length: 200 }, (_, index) =>
    operation(`list_thing_${String(index)}`, {
      path: `/v1/resource${String(index % 12)}/${String(index)}`,
      parameters: Array.from({ length: 8 }, (_unused, at) => parameter(`p${String(at)}`)),
      next: [{ operation: `list_thing_${String((index + 1) % 200)}`, parameter: 'p0', field: ['id'] }],
    }),
  );
  const of = blueprint({ operations });

  it('get a package of modules that stay readable', () => {
    const files = emit(of);
    const sources = Object.entries(files).filter(([path]) => path.startsWith('src/operations/'));
    assert.ok(sources.length > 20);
    for (const [path, content] of sources) {
      if (path.endsWith('__init__.py')) continue;
      assert.ok(content.split('\n').length <= 401, path);
    }
    assert.equal(files['src/operations.py'], undefined);
  });

  it('export every operation once, in the order of the blueprint', () => {
    const parsed = modules(of);
    const functions = Object.values(parsed).flatMap((one) =>
      one.names.filter((name) => name.startsWith('list_thing')),
    );
    assert.equal(new Set(functions).size, 200);
    const init = emit(of)['src/operations/__init__.py'] ?? '';
    const listed = init.slice(init.indexOf('CONNECTORS = ')).match(/list_thing_\d+/g);
    assert.deepEqual(
      listed,
      operations.map((one) => one['name']),
    );
  });

  it('are emitted in a moment', () => {
    const started = performance.now();
    emitAgentFace(of);
    assert.ok(performance.now() - started < 2000);
  });
});

describe('fixtures of the operations’ tests', () => {
  it('hold a valid value for every parameter and a row for every column', () => {
    const files = emit(
      withOperation({
        parameters: [
          parameter('n', { type: 'integer', minimum: 5, maximum: 7 }),
          parameter('tags', { type: 'array', itemType: 'string', enum: ['a'] }),
        ],
        columns: [
          { name: 'id', type: 'integer', role: 'KEY' },
          { name: 'owner.name', type: 'string', role: 'TITLE' },
          { name: '__proto__.x', type: 'string', role: 'DATA' },
        ],
      }),
    );
    const fixture = JSON.parse(files['tests/fixtures/operations.json'] ?? '') as {
      config: { credentials: Record<string, string> };
      operations: Record<
        string,
        { every: unknown; rows: Record<string, unknown>[]; bounds: unknown; columns: unknown[] }
      >;
    };
    const things = fixture.operations['things'];
    assert.deepEqual(things?.every, { n: 5, tags: ['a'] });
    assert.deepEqual(things.bounds, [
      { field: 'n', outside: 4 },
      { field: 'n', outside: 8 },
    ]);
    assert.deepEqual(things.columns[0], { name: 'id', type: 'integer', role: 'KEY' });
    assert.equal(things.rows.length, 5);
    assert.deepEqual(things.rows[0]?.['owner'], { name: 'owner.name 1' });
    assert.equal(fixture.config.credentials['api_key'], 'test-secret-api_key');
    assert.equal(({} as Record<string, unknown>)['x'], undefined, 'no prototype is polluted');
  });
});
