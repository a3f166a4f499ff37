import assert from 'node:assert/strict';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { emitDocumentation } from '../../../src/blueprint/compiler/documentation.ts';
import { code, fenced, text } from '../../../src/blueprint/compiler/documentation-markdown.ts';
import { metadata, uuidOf } from '../../../src/blueprint/compiler/documentation-metadata.ts';
import type { Blueprint } from '../../../src/blueprint/schema.ts';
import { blueprint, HOSTILE, operation, parameter, stream } from './blueprints.ts';

function emit(of: Blueprint): Record<string, string> {
  return Object.fromEntries(emitDocumentation(of).map((file) => [file.path, file.content]));
}

function part(document: string | undefined, heading: string): string {
  const from = document?.indexOf(`## ${heading}\n`) ?? -1;
  assert.ok(document !== undefined && from >= 0, `there is a part ${heading}`);
  const to = document.indexOf('\n## ', from + 1);
  return document.slice(from, to < 0 ? undefined : to);
}

/** Cells of each row of the tables in a document; a `|` in a cell must be escaped. */
function tableWidths(document: string): number[][] {
  const tables = document.match(/(^\|.*\|$\n?)+/gm) ?? [];
  return tables.map((table) =>
    table
      .trim()
      .split('\n')
      .map((row) => row.replaceAll('\\|', '').split('|').length),
  );
}

const hostile = blueprint({
  api: { title: HOSTILE, version: HOSTILE, description: HOSTILE, docsUrl: 'javascript:alert(1)' },
  source: { location: HOSTILE, format: 'openapi-3.1', sha256: 'ab', bytes: 1 },
  serverVariables: [{ name: 'x', configKey: 'x', description: HOSTILE, default: HOSTILE, enum: [HOSTILE] }],
  auth: [
    { name: 'key', parts: [{ kind: 'api_key', in: 'query', name: HOSTILE }] },
    {
      name: 'app',
      parts: [
        { kind: 'oauth2_refresh_token', tokenUrl: HOSTILE, authorizationUrl: HOSTILE, scopes: [HOSTILE] },
      ],
    },
    { name: 'pair', parts: [{ kind: 'basic', usernameLabel: HOSTILE, passwordLabel: HOSTILE }] },
  ],
  streams: [
    stream('things', {
      path: `/${HOSTILE}`,
      primaryKey: [[HOSTILE]],
      parameters: [
        {
          name: HOSTILE,
          in: 'query',
          type: 'string',
          required: true,
          description: HOSTILE,
          configKey: 'org',
        },
      ],
      paging: { kind: 'next_url', nextPath: [HOSTILE] },
      incremental: { cursorField: [HOSTILE], cursorFormat: 'date_time', param: HOSTILE },
    }),
    stream('left', { selected: false, omittedBecause: HOSTILE }),
  ],
  operations: [operation('things', { summary: HOSTILE }), operation('hidden', { selected: false })],
  facts: [
    {
      subject: null,
      fact: 'auth',
      value: HOSTILE,
      confidence: 0.5,
      rule: HOSTILE,
      evidence: [{ source: 'docs', document: HOSTILE, pointer: HOSTILE, quote: HOSTILE }],
    },
  ],
  gaps: [
    { id: 'g', stream: 'things', fact: 'paging', question: HOSTILE, assumed: HOSTILE, pointer: HOSTILE },
  ],
  problems: [{ severity: 'error', document: HOSTILE, pointer: HOSTILE, message: HOSTILE }],
});

describe('documents of a connector', () => {
  it('are the same bytes for the same blueprint, and bear no date', () => {
    assert.deepEqual(emitDocumentation(hostile), emitDocumentation(structuredClone(hostile)));
    const all = Object.values(emit(hostile)).join('\n').replaceAll('2024-01-01T00:00:00Z', '');
    assert.doesNotMatch(all, /\b20\d\d-\d\d-\d\d/);
  });

  it('show hostile text as text', () => {
    const files = emit(hostile);
    for (const [path, content] of Object.entries(files)) {
      if (!path.endsWith('.md')) continue;
      const prose = content.replace(/(`+)[^`][\s\S]*?\1/g, '');
      assert.doesNotMatch(prose, /<(?!https?:)/, `${path} has no tags`);
      assert.doesNotMatch(prose, /(^|[^\\])\]\((?!IMPLEMENTATION)/, `${path} has no links from outside`);
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(content, /[\u0000\u202E\u2028]/, `${path} has no invisible characters`);
      assert.doesNotMatch(content, /^# Heading/m, `${path} has no headings from outside`);
      for (const widths of tableWidths(content))
        assert.equal(new Set(widths).size, 1, `${path}: ${widths.join()}`);
    }
  });

  it('say that the licence is the person’s to choose', () => {
    assert.match(part(emit(hostile)['README.md'], 'Licence'), /no licence file/);
    assert.equal(emit(hostile)['LICENSE'], undefined);
  });
});

describe('README', () => {
  const of = blueprint({
    auth: [
      { name: 'api_key', parts: [{ kind: 'api_key', in: 'header', name: 'X-Key' }] },
      {
        name: 'oauth',
        parts: [{ kind: 'oauth2_client_credentials', tokenUrl: 'https://x.test/token', scopes: ['read'] }],
      },
    ],
    streams: [
      stream('orgs'),
      stream('teams', {
        path: '/orgs/{org}/teams',
        parent: { stream: 'orgs', parameters: [{ name: 'org', from: { kind: 'record', field: ['id'] } }] },
        incremental: { cursorField: ['updated_at'], cursorFormat: 'date_time', param: 'since' },
        paging: { kind: 'page', pageParam: 'page' },
        parameters: [
          { name: 'region', in: 'query', type: 'string', required: true, configKey: 'region', enum: ['eu'] },
        ],
      }),
    ],
    operations: [
      operation('team', {
        kind: 'get',
        parameters: [parameter('id', { in: 'path', required: true })],
        path: '/t/{id}',
      }),
      operation('orgs'),
    ],
    gaps: [{ id: 'g', stream: 'teams', fact: 'paging', question: 'Which?', assumed: 'page' }],
    rateLimit: { requests: 10, windowSeconds: 60, documents429: true },
  });
  const readme = emit(of)['README.md'];

  it('leads to credentials for each way to authenticate', () => {
    const credentials = part(readme, 'Credentials');
    assert.match(credentials, /### With `api_key`[\s\S]*"auth_type": "api_key",\s+"api_key": "<api_key>"/);
    assert.match(credentials, /### With `oauth`[\s\S]*scopes `read`[\s\S]*`https:\/\/x\.test\/token`/);
  });

  it('lists every property of the configuration and starts one that validates', () => {
    const configuration = part(readme, 'Configuration');
    for (const property of [
      'credentials.auth_type',
      'credentials.client_secret',
      'region',
      'start_date',
      'base_url',
    ]) {
      assert.match(
        configuration,
        new RegExp(`^\\| \`${property.replaceAll('.', '\\.')}\` \\|`, 'm'),
        property,
      );
    }
    const example = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(configuration)?.[1] ?? '') as Record<
      string,
      unknown
    >;
    assert.deepEqual(Object.keys(example), ['credentials', 'region', 'start_date']);
    assert.equal(example['region'], 'eu');
  });

  it('shows each stream with key, cursor, paging and parent', () => {
    assert.match(
      part(readme, 'Streams'),
      /\| `teams` \| `GET \/orgs\/\{org\}\/teams` \| `id` \| `updated_at` \(filter `since`\) \| page number `page` \| `orgs` \|/,
    );
  });

  it('shows how to run both faces', () => {
    assert.match(
      part(readme, 'Data face'),
      /python -m src read --config config\.json --catalog catalog\.json --state/,
    );
    assert.match(part(readme, 'Data face'), /connector\.read\("teams"\)/);
    assert.match(part(readme, 'Agent face'), /operations\["orgs"\]\(limit=5\)/);
  });

  it('names limits and open questions', () => {
    assert.match(part(readme, 'Limits'), /10 requests in 60 seconds/);
    assert.match(part(readme, 'Limits'), /1 fact could not be told/);
  });

  it('does without credentials and operations where there are none', () => {
    const bare = emit(blueprint({ auth: [{ name: 'none', parts: [{ kind: 'none' }] }] }))['README.md'];
    assert.match(part(bare, 'Credentials'), /without credentials/);
    assert.match(part(bare, 'Agent face'), /no operation/);
  });
});

describe('IMPLEMENTATION', () => {
  it('gives each fact with its confidence and what it rests on, and each gap with what is assumed', () => {
    const notes = emit(
      blueprint({
        streams: [stream('things'), stream('left', { selected: false, omittedBecause: 'It needs a body.' })],
        facts: [
          {
            subject: 'things',
            fact: 'record_path',
            value: 'data',
            confidence: 0.93,
            rule: 'one_array',
            status: 'confirmed',
            evidence: [{ source: 'description', pointer: '/paths/~1things' }],
          },
          { subject: null, fact: 'auth', value: 'a key', confidence: 1, rule: 'scheme', evidence: [] },
        ],
        gaps: [
          { id: 'g', stream: 'things', fact: 'primary_key', question: 'What is the key?', assumed: 'none' },
        ],
        problems: Array.from({ length: 60 }, () => ({
          severity: 'warning',
          document: 'd',
          pointer: '/x',
          message: 'broken',
        })),
      }),
    )['IMPLEMENTATION.md'];
    const facts = part(notes, 'Facts');
    assert.match(
      facts,
      /\| record path \| data \| 93% \(confirmed\) \| `one_array` \| `\/paths\/~1things` \|/,
    );
    assert.ok(facts.indexOf('as a whole') < facts.indexOf('`things`'));
    assert.match(part(notes, 'Open questions'), /- `things`, primary key: What is the key\? Assumed: none\./);
    assert.match(part(notes, 'Left out'), /\| `left` \| `GET \/left` \| It needs a body\. \|/);
    assert.match(part(notes, 'Problems in the description'), /and 10 more/);
  });

  it('does not list a parent that is read after all as left out', () => {
    const notes = emit(
      blueprint({
        streams: [
          stream('orgs', { selected: false, omittedBecause: 'limit' }),
          stream('teams', { parent: { stream: 'orgs', parameters: [] } }),
        ],
      }),
    )['IMPLEMENTATION.md'];
    assert.match(part(notes, 'Left out'), /No stream\./);
  });
});

describe('metadata', () => {
  it('is YAML with a stable identifier, whatever the title', () => {
    const data = (load(metadata(hostile)) as { data: Record<string, unknown> }).data;
    assert.equal(data['connectorType'], 'source');
    assert.match(
      String(data['definitionId']),
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.equal(data['definitionId'], uuidOf('source-demo'));
    assert.notEqual(uuidOf('source-demo'), uuidOf('source-other'));
    assert.match(String(data['documentationUrl']), /^https:/);
  });

  it('allows the host of the base URL, variables as wildcards', () => {
    const hosts = (baseUrl: string): unknown =>
      (load(metadata(blueprint({ baseUrl }))) as { data: { allowedHosts: { hosts: unknown } } }).data
        .allowedHosts.hosts;
    assert.deepEqual(hosts('https://user@{shop}.example.com:8443/v1'), ['*.example.com']);
    assert.deepEqual(hosts('/relative'), ['*']);
  });
});

describe('Markdown from outside', () => {
  it('stays in its cell, line and code span', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (words) => {
        for (const shown of [text(words), code(words)]) {
          assert.doesNotMatch(shown, /[\n\r]/);
          assert.doesNotMatch(shown.replaceAll('\\|', ''), /\|/);
        }
        assert.doesNotMatch(text(words), /</);
        const spans = code(words);
        const fence = /^`*/.exec(spans)?.[0] ?? '';
        if (fence !== '') assert.ok(!spans.slice(fence.length, -fence.length).split(/[^`]+/).includes(fence));
      }),
    );
  });

  it('can not close a fence', () => {
    assert.deepEqual(fenced('json', ['a ``` b']), ['````json', 'a ``` b', '````']);
  });
});
