/**
 * Blueprints written by hand, which between them switch on every part of the template: each way of paging and of
 * authenticating, each shape of an answer, parents and children, incremental reads of every kind.
 */
import type { Blueprint, Stream } from '../../src/blueprint/schema.ts';
import { blueprint, fromId, moment, row, stream, text, whole } from './parts.ts';
import { workbook } from './workbook.ts';

/** Numbered pages, three generations, a filter by time. */
export const shop = blueprint('shop', {
  streams: [
    stream('customers', {
      recordPath: ['data'],
      paging: {
        kind: 'page',
        pageParam: 'page',
        sizeParam: 'perPage',
        pageSize: 50,
        totalPagesPath: ['meta', 'pages'],
      },
      incremental: {
        cursorField: ['updated_at'],
        cursorFormat: 'date_time',
        param: 'updated_since',
        paramFormat: 'date_time',
      },
      schema: row({ id: whole, email: { type: 'string', format: 'email' }, updated_at: moment }),
    }),
    stream('orders', {
      path: '/customers/{id}/orders',
      recordPath: ['data'],
      parent: { stream: 'customers', parameters: [fromId('id')] },
      paging: { kind: 'page', pageParam: 'p', startPage: 0, totalPath: ['total'] },
      incremental: { cursorField: ['changed', 'at'], cursorFormat: 'unix_seconds' },
      schema: row({ id: text, changed: row({ at: whole }), total: { type: ['number', 'null'] } }),
    }),
    stream('lines', {
      path: '/customers/{id}/orders/{orderId}/lines',
      parent: {
        stream: 'orders',
        parameters: [
          { name: 'id', from: { kind: 'partition', parameter: 'id' } },
          { name: 'orderId', from: { kind: 'record', field: ['id'] } },
        ],
      },
    }),
    stream('notes', {
      path: '/notes',
      recordPath: ['notes'],
      parent: { stream: 'customers', parameters: [fromId('customer')] },
    }),
  ],
});

/** A cursor in the body, a word about more, rows in groups. */
export const tickets = blueprint('tickets', {
  auth: [
    { name: 'basic', parts: [{ kind: 'basic', usernameLabel: 'Account SID', passwordLabel: 'Auth token' }] },
  ],
  streams: [
    stream('tickets', {
      recordPath: ['tickets'],
      paging: {
        kind: 'cursor',
        cursorParam: 'after',
        nextPath: ['meta', 'next'],
        hasMorePath: ['meta', 'more'],
        sizeParam: 'limit',
        pageSize: 100,
      },
      incremental: {
        cursorField: ['created'],
        cursorFormat: 'unix_seconds',
        param: 'created_after',
        paramFormat: 'unix_seconds',
      },
      schema: row({ id: whole, created: whole, status: { type: 'string', enum: ['open', 'closed'] } }),
    }),
    stream('tags', { recordPath: ['groups', '*', 'tags'], primaryKey: [['name']] }),
    stream('audits', {
      recordPath: ['audits'],
      paging: { kind: 'cursor', cursorParam: 'cursor', nextPath: ['next'] },
      incremental: { cursorField: ['seq'], cursorFormat: 'integer', param: 'since_seq' },
      schema: row({ id: whole, seq: whole }),
    }),
  ],
});

/** Two keys sent together, URLs in the body, a map of rows, a single row. */
export const files = blueprint('files', {
  auth: [
    {
      name: 'keys',
      parts: [
        { kind: 'api_key', in: 'header', name: 'X-Api-Key', prefix: 'Token ' },
        { kind: 'api_key', in: 'header', name: 'X-Application-Key' },
      ],
    },
  ],
  headers: [{ name: 'X-Api-Version', value: '2024-10' }],
  streams: [
    stream('files', {
      path: '/files?deleted=false',
      recordPath: ['_embedded', 'files'],
      primaryKey: [['meta', 'sid']],
      paging: { kind: 'next_url', nextPath: ['_links', 'next', 'href'], sizeParam: 'count', pageSize: 20 },
      schema: row({ meta: row({ sid: text }), size: { type: 'number' } }),
    }),
    stream('rates', {
      recordPath: ['rates'],
      recordShape: 'map',
      primaryKey: [],
      schema: row({ value: { type: 'number' } }),
    }),
    stream('account', { recordPath: ['account'], recordShape: 'single' }),
    stream('labels', { primaryKey: [], schema: text }),
  ],
});

/** The Link header; three ways to authenticate, one of them none at all. */
export const issues = blueprint('issues', {
  auth: [
    { name: 'token', parts: [{ kind: 'bearer' }] },
    { name: 'key', parts: [{ kind: 'api_key', in: 'query', name: 'api-key' }] },
    { name: 'anonymous', parts: [{ kind: 'none' }] },
  ],
  streams: [
    stream('issues', {
      primaryKey: [['repo'], ['number']],
      paging: { kind: 'link', sizeParam: 'per_page', pageSize: 100 },
      incremental: { cursorField: ['day'], cursorFormat: 'date', param: 'since', paramFormat: 'date' },
      schema: row({ repo: text, number: whole, day: { type: 'string', format: 'date' } }),
    }),
  ],
});

/** Tokens for programs, offsets, windows of time, a known limit. */
export const ledger = blueprint('ledger', {
  auth: [
    {
      name: 'oauth2',
      parts: [
        {
          kind: 'oauth2_client_credentials',
          tokenUrl: 'https://auth.ledger.example/token',
          scopes: ['read', 'export'],
        },
      ],
    },
  ],
  rateLimit: { requests: 5, windowSeconds: 10, documents429: true },
  streams: [
    stream('transactions', {
      recordPath: ['result', 'items'],
      primaryKey: [['info', 'id']],
      paging: {
        kind: 'offset',
        offsetParam: 'offset',
        sizeParam: 'limit',
        pageSize: 500,
        totalPath: ['total'],
      },
      incremental: {
        cursorField: ['info', 'updated'],
        cursorFormat: 'date_time',
        param: 'start',
        paramFormat: 'date_time',
        endParam: 'end',
        required: true,
        maxWindowDays: 31,
      },
      schema: row({ info: row({ id: text, updated: moment }), amount: { type: 'string' } }),
    }),
    stream('accounts', {
      recordPath: ['items'],
      paging: { kind: 'offset', offsetParam: 'skip', startOffset: 1 },
    }),
  ],
});

/** A person's consent, the last row as cursor, limits told in headers, a list that is asked for by POST. */
export const crm = blueprint('crm', {
  auth: [
    {
      name: 'oauth2',
      parts: [
        { kind: 'oauth2_refresh_token', tokenUrl: '/oauth/token', scopes: [], clientAuthentication: 'body' },
      ],
    },
    { name: 'token', parts: [{ kind: 'bearer' }] },
  ],
  rateLimit: {
    remainingHeader: 'X-RateLimit-Remaining',
    resetHeader: 'X-RateLimit-Reset',
    documents429: true,
  },
  streams: [
    stream('contacts', {
      recordPath: ['data'],
      primaryKey: [['id']],
      paging: {
        kind: 'cursor',
        cursorParam: 'starting_after',
        lastRecordField: ['id'],
        hasMorePath: ['has_more'],
      },
      schema: row({ id: { type: 'string', format: 'uuid' }, score: { type: 'number', nullable: true } }),
    }),
    stream('deals', {
      method: 'POST',
      path: '/deals/search',
      recordPath: ['results'],
      paging: { kind: 'offset', offsetParam: 'from', sizeParam: 'size', pageSize: 10 },
      parameters: [{ name: 'archived', in: 'body', type: 'boolean', required: false, value: false }],
      incremental: {
        cursorField: ['ts'],
        cursorFormat: 'unix_milliseconds',
        param: 'modifiedSince',
        paramFormat: 'unix_milliseconds',
      },
      schema: row({ id: whole, ts: whole }),
    }),
  ],
});

/** Accounts that sign for themselves: statements exchanged or sent as they are, requests signed with a secret. */
export const signed = blueprint('signed', {
  auth: [
    {
      name: 'account',
      parts: [
        {
          kind: 'jwt_bearer',
          tokenUrl: 'https://auth.signed.example/token',
          scopes: ['read', 'list'],
          issuerLabel: 'Client email',
        },
      ],
    },
    {
      name: 'app',
      parts: [
        {
          kind: 'jwt_bearer',
          algorithm: 'ES256',
          audience: 'signed-v1',
          lifetimeSeconds: 600,
          keyId: 'required',
          subject: 'none',
        },
      ],
    },
    {
      name: 'shared',
      parts: [
        {
          kind: 'jwt_bearer',
          algorithm: 'HS256',
          audience: 'signed-v1',
          keyId: 'none',
          subject: 'none',
        },
      ],
    },
    {
      name: 'hmac_header',
      parts: [
        {
          kind: 'hmac',
          message: '{method}\n{host}\n{path_and_query}\n{timestamp}\n{nonce}\n{body_hash}',
          algorithm: 'sha512',
          encoding: 'base64',
          secretEncoding: 'base64',
          timestampFormat: 'date_time',
          sent: [
            { in: 'header', name: 'X-Date', value: '{timestamp}' },
            { in: 'header', name: 'X-Nonce', value: '{nonce}' },
            { in: 'header', name: 'Authorization', value: 'Sig key={key}, sig={signature}' },
          ],
        },
      ],
    },
    {
      name: 'hmac_query',
      parts: [
        {
          kind: 'hmac',
          message: '{query}',
          secretEncoding: 'hex',
          timestampFormat: 'unix_milliseconds',
          sent: [
            { in: 'header', name: 'X-Key', value: '{key}' },
            { in: 'query', name: 'timestamp', value: '{timestamp}' },
            { in: 'query', name: 'signature', value: '{signature}' },
          ],
        },
      ],
    },
  ],
  streams: [
    stream('trades', {
      recordPath: ['data'],
      paging: { kind: 'next_url', nextPath: ['next'], sizeParam: 'limit', pageSize: 50 },
    }),
    stream('fills', {
      recordPath: ['data'],
      paging: { kind: 'page', pageParam: 'page', totalPagesPath: ['pages'] },
    }),
  ],
});

/** Sessions that begin with a log-in: named in a header, or in a cookie. */
export const sessions = blueprint('sessions', {
  auth: [
    {
      name: 'login',
      parts: [
        {
          kind: 'session',
          loginUrl: 'auth/login',
          tokenPath: ['data', 'token'],
          name: 'X-Session',
          fields: { client: 'connector' },
          lifetimeSeconds: 3600,
        },
      ],
    },
    {
      name: 'form',
      parts: [
        {
          kind: 'session',
          loginUrl: 'https://id.sessions.example/login',
          encoding: 'form',
          usernameField: 'user',
          passwordField: 'pass',
          tokenCookie: 'SID',
          sentIn: 'cookie',
          name: 'SID',
        },
      ],
    },
  ],
  streams: [
    stream('reports', {
      recordPath: ['data'],
      paging: { kind: 'offset', offsetParam: 'offset', sizeParam: 'limit', pageSize: 10 },
    }),
    stream('lines', {
      path: '/reports/{reportId}/lines',
      recordPath: ['lines'],
      parent: { stream: 'reports', parameters: [fromId('reportId')] },
      paging: { kind: 'cursor', cursorParam: 'cursor', nextPath: ['next'] },
    }),
  ],
});

/** Nothing but lists: no authentication, no paging, no keys. */
export const plain = blueprint('plain', {
  auth: [{ name: 'none', parts: [{ kind: 'none' }] }],
  streams: [stream('pages', { primaryKey: [], schema: { type: 'object' } })],
});

/** Everything that the person fills in beside credentials. */
export const regions = blueprint('regions', {
  baseUrl: 'https://{region}.example.com:8443/{tenant}/api',
  serverVariables: [
    { name: 'region', configKey: 'region', default: 'eu', enum: ['eu', 'us'] },
    { name: 'tenant', configKey: 'tenant', description: 'Your "tenant" \\ account' },
  ],
  auth: [{ name: 'session', parts: [{ kind: 'api_key', in: 'cookie', name: 'sid' }] }],
  streams: [
    stream('sites', {
      path: '/projects/{projectId}/sites',
      recordPath: ['sites'],
      parameters: [
        { name: 'projectId', in: 'path', type: 'string', required: true, configKey: 'project_id' },
        { name: 'kind', in: 'query', type: 'string', required: false, enum: ['a', 'b'], configKey: 'kind' },
        { name: 'X-Tenant', in: 'header', type: 'integer', required: true, configKey: 'tenant_number' },
        { name: 'view', in: 'cookie', type: 'string', required: true, value: 'full' },
        { name: 'expand', in: 'query', type: 'boolean', required: true, value: true },
      ],
      paging: { kind: 'page', pageParam: 'page', sizeParam: 'size', pageSize: 25 },
      incremental: { cursorField: ['version'], cursorFormat: 'string' },
      schema: row({ id: whole, version: text }),
    }),
  ],
});

/** Rows below rows of the same kind: with a word about which have any and without, below two parents, with children. */
export const outline = blueprint('outline', {
  streams: [
    stream('documents', {
      recordPath: ['documents'],
      paging: { kind: 'cursor', cursorParam: 'after', nextPath: ['next'] },
      incremental: { cursorField: ['edited'], cursorFormat: 'date_time' },
      schema: row({ id: whole, edited: moment }),
    }),
    stream('nodes', {
      path: '/nodes/{node}/children',
      recordPath: ['children'],
      paging: { kind: 'cursor', cursorParam: 'after', nextPath: ['next'] },
      parent: { stream: 'documents', parameters: [fromId('node')], recursive: { flag: ['has', 'children'] } },
      schema: row({ id: whole, has: row({ children: whole }), name: text }),
    }),
    stream('remarks', {
      path: '/nodes/{node}/remarks',
      parent: { stream: 'nodes', parameters: [{ name: 'node', from: { kind: 'record', field: ['id'] } }] },
    }),
    stream('folders', {
      path: '/documents/{document}/folders',
      recordPath: ['folders'],
      parent: {
        stream: 'nodes',
        parameters: [
          { name: 'document', from: { kind: 'partition', parameter: 'node' } },
          { name: 'in', from: { kind: 'record', field: ['id'] } },
        ],
        recursive: { field: ['key'] },
      },
      schema: row({ id: text, key: text }),
    }),
  ],
});

const single = [
  shop,
  tickets,
  files,
  issues,
  ledger,
  crm,
  signed,
  sessions,
  plain,
  regions,
  workbook,
  outline,
];

/** All streams of the others in one connector, with every way to authenticate that may stand beside others. */
export const everything = blueprint('everything', {
  baseUrl: regions.baseUrl,
  serverVariables: regions.serverVariables,
  auth: single.flatMap((one) =>
    one.auth.map((option) => ({ ...option, name: `${one.name}_${option.name}` })),
  ),
  headers: files.headers,
  rateLimit: { ...crm.rateLimit, ...ledger.rateLimit },
  streams: single.flatMap((one) =>
    one.streams.map((each): Stream => ({
      ...each,
      name: `${one.name}_${each.name}`,
      path: `/${one.name}${each.path}`,
      ...(each.parent === undefined
        ? {}
        : { parent: { ...each.parent, stream: `${one.name}_${each.parent.stream}` } }),
    })),
  ),
});

export const blueprints: readonly Blueprint[] = [...single, everything];
