/** The blueprint with tables as lists of lists, for both faces, and with constants in every place of a request. */
import { blueprint, operation, parameter, row, stream, text, whole } from './parts.ts';

/** Tables as lists of lists, one for each sheet, whose title stands in the path in quotes. */
export const workbook = blueprint('workbook', {
  streams: [
    stream('sheets', {
      path: '/books/{bookId}',
      parameters: [
        { name: 'bookId', in: 'path', type: 'string', required: true, configKey: 'book_id' },
        { name: 'select', in: 'query', type: 'string', required: true, value: 'sheets.properties' },
      ],
      recordPath: ['sheets'],
      primaryKey: [['properties', 'sheetId']],
      schema: row({ properties: row({ sheetId: whole, title: text }) }),
    }),
    stream('cells', {
      path: '/books/{bookId}/values/{range}',
      parameters: [{ name: 'bookId', in: 'path', type: 'string', required: true, configKey: 'book_id' }],
      parent: {
        stream: 'sheets',
        parameters: [{ name: 'range', quote: "'", from: { kind: 'record', field: ['properties', 'title'] } }],
      },
      recordPath: ['values'],
      recordShape: 'table',
      primaryKey: [],
      schema: row({ name: text, amount: whole }),
    }),
    stream('summary', {
      path: '/books/{bookId}/summary',
      method: 'POST',
      parameters: [
        { name: 'bookId', in: 'path', type: 'string', required: true, configKey: 'book_id' },
        {
          name: 'filter',
          in: 'body',
          type: 'object',
          required: true,
          value: { property: 'object', values: ['page', 1, true, null] },
        },
      ],
      recordPath: ['data', 'values'],
      recordShape: 'table',
      primaryKey: [],
      schema: row({ total: whole }),
    }),
  ],
  operations: [
    operation('list_sheets', 'sheets', {
      path: '/{version}/books/{bookId}',
      parameters: [
        parameter('bookId', 'path'),
        parameter('version', 'path', { value: 'v4/ö' }),
        parameter('select', 'query', { value: 'sheets.properties' }),
        parameter('with', 'query', { type: 'array', value: ['titles', 'sizes'] }),
        parameter('where', 'query', {
          type: 'object',
          value: { hidden: false, owner: 'a person whose name is as long as it takes to fill a line' },
        }),
        parameter('view', 'cookie', { value: 'full' }),
      ],
      recordPath: ['sheets'],
      columns: [
        { name: 'properties.sheetId', type: 'integer', role: 'KEY' },
        { name: 'properties.title', type: 'string', role: 'TITLE' },
      ],
      paging: { kind: 'cursor', cursorParam: 'after', nextPath: ['next'] },
    }),
    operation('list_cells', 'cells', {
      path: '/books/{bookId}/values/{range}',
      parameters: [
        parameter('bookId', 'path'),
        parameter('range', 'path', { quote: "'" }),
        parameter('within', 'query', { required: true, quote: '"' }),
      ],
      recordPath: ['values'],
      columns: [
        { name: 'name', type: 'string', role: 'DATA' },
        { name: 'amount', type: 'integer', role: 'DATA' },
      ],
    }),
    operation('find_totals', 'summary', {
      method: 'POST',
      path: '/books/{bookId}/totals',
      parameters: [
        parameter('bookId', 'path'),
        parameter('X-View', 'header', { pythonName: 'view', type: 'integer', value: 3 }),
        parameter('since', 'body'),
        parameter('filter', 'body', {
          type: 'object',
          value: {
            property: 'object',
            values: ['page', 1, true, null],
            sort: { by: 'total', descending: true },
          },
        }),
      ],
      kind: 'search',
      recordPath: ['totals', 'values'],
    }),
  ],
});
