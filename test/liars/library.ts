/** The connector that defects of the agent face are planted into: lists, searches, one record, a text, steps between them. */
import { Blueprint } from '../../src/blueprint/schema.ts';

type Loose = Record<string, unknown>;

function parameter(name: string, more: Loose = {}): Loose {
  return {
    name,
    pythonName: name,
    in: 'query',
    type: 'string',
    required: false,
    description: `The ${name} to look for.`,
    ...more,
  };
}

function operation(name: string, more: Loose): Loose {
  return {
    name,
    method: 'GET',
    path: `/${name}`,
    pointer: `/paths/~1${name}/get`,
    selected: true,
    summary: `Read ${name}`,
    kind: 'list',
    parameters: [],
    recordPath: [],
    result: 'dataframe',
    columns: [],
    paging: { kind: 'none' },
    next: [],
    ...more,
  };
}

const bookId = parameter('book_id', { in: 'path', required: true, type: 'integer', minimum: 1 });
const nextPage = { kind: 'cursor', cursorParam: 'after', nextPath: ['next'] };
const wide = Array.from({ length: 34 }, (_, at) => ({
  name: `field_${String(at)}`,
  type: 'string',
  role: 'DATA',
}));

export const library = Blueprint.parse({
  schemaVersion: 1,
  name: 'library',
  api: { title: 'library API', version: '1.0', docsUrl: 'https://docs.example.com/api' },
  source: { location: 'library.yaml', format: 'openapi-3.1', sha256: '0'.repeat(64), bytes: 1 },
  baseUrl: 'https://api.lending.example/v1',
  serverVariables: [],
  auth: [{ name: 'key', parts: [{ kind: 'api_key', in: 'header', name: 'X-Api-Key' }] }],
  headers: [],
  rateLimit: { documents429: true },
  streams: [
    {
      name: 'books',
      method: 'GET',
      path: '/books',
      pointer: '/paths/~1books/get',
      selected: true,
      parameters: [],
      recordPath: ['items'],
      recordShape: 'list',
      primaryKey: [['id']],
      paging: nextPage,
      schema: { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } },
    },
  ],
  operations: [
    operation('search_books', {
      path: '/books/search',
      kind: 'search',
      recordPath: ['items'],
      paging: nextPage,
      parameters: [
        parameter('query', { required: true }),
        parameter('year', { type: 'integer', minimum: 1450, maximum: 2100 }),
        parameter('genre', { enum: ['novel', 'poetry'] }),
      ],
      columns: [
        { name: 'id', type: 'integer', role: 'KEY' },
        { name: 'title', type: 'string', role: 'TITLE' },
        { name: 'author.name', type: 'string', role: 'DATA' },
        { name: 'tags', type: 'json', role: 'DATA' },
      ],
      next: [
        { operation: 'get_book', parameter: 'book_id', field: ['id'] },
        { operation: 'read_text', parameter: 'book_id', field: ['id'] },
      ],
    }),
    operation('list_loans', {
      path: '/loans',
      recordPath: ['data', 'loans'],
      paging: { kind: 'offset', offsetParam: 'offset', sizeParam: 'count', pageSize: 2 },
      parameters: [parameter('open', { type: 'boolean' })],
      columns: [
        { name: 'loan_id', type: 'string', role: 'KEY' },
        { name: 'borrower', type: 'string', role: 'TITLE' },
        { name: 'due', type: 'datetime', role: 'DATA' },
      ],
    }),
    operation('get_book', {
      path: '/books/{book_id}',
      kind: 'get',
      parameters: [bookId],
      columns: [
        { name: 'id', type: 'integer', role: 'KEY' },
        { name: 'title', type: 'string', role: 'TITLE' },
        ...wide,
      ],
      next: [{ operation: 'read_text', parameter: 'book_id', field: ['id'] }],
    }),
    operation('read_text', {
      path: '/books/{book_id}/text',
      kind: 'get',
      parameters: [bookId],
      result: 'text',
    }),
  ],
  facts: [],
  gaps: [],
  problems: [],
});
