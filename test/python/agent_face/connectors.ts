/**
 * Writes the connectors that the checks of the agent face are tried on: `tsx connectors.ts FOLDER`. One between its
 * operations has every kind of step, parameter, result and paging; the other one has no operation.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import type { Blueprint } from '../../../src/blueprint/schema.ts';
import { blueprint, operation, parameter, stream } from '../../unit/agent-face/blueprints.ts';

const path = (name: string): Record<string, unknown> => parameter(name, { in: 'path', required: true });
const column = (name: string, type: string, role = 'DATA'): Record<string, unknown> => ({ name, type, role });
const project = [
  column('id', 'string', 'KEY'),
  column('name', 'string', 'TITLE'),
  column('owner.name', 'string'),
];

const operations = [
  operation('list_projects', {
    path: '/projects',
    recordPath: ['data'],
    columns: project,
    paging: { kind: 'cursor', cursorParam: 'after', nextPath: ['next'], sizeParam: 'size', pageSize: 50 },
    parameters: [
      parameter('archived', { type: 'boolean' }),
      parameter('label', { type: 'array', itemType: 'string' }),
    ],
    next: [
      { operation: 'get_project', parameter: 'project_id', field: ['id'] },
      { operation: 'search_tasks', parameter: 'project', field: ['id'] },
    ],
  }),
  operation('get_project', {
    path: '/projects/{project_id}',
    kind: 'get',
    summary: 'Get a project',
    columns: [...project, column('budget', 'number'), column('opened_at', 'datetime')],
    parameters: [path('project_id')],
  }),
  operation('search_tasks', {
    path: '/tasks',
    kind: 'search',
    summary: 'Search tasks',
    recordPath: ['tasks'],
    columns: [column('id', 'string', 'KEY'), column('title', 'string', 'TITLE'), column('done', 'boolean')],
    paging: { kind: 'page', pageParam: 'page', startPage: 1, totalPagesPath: ['pages'] },
    parameters: [
      parameter('query', { required: true }),
      parameter('project'),
      parameter('priority', { type: 'integer', minimum: 1, maximum: 5 }),
    ],
    next: [{ operation: 'read_notes', parameter: 'task_id', field: ['id'] }],
  }),
  operation('read_notes', {
    path: '/tasks/{task_id}/notes',
    kind: 'get',
    summary: 'Read the notes of a task',
    result: 'text',
    columns: [],
    parameters: [path('task_id')],
  }),
  operation('list_events', {
    path: '/events',
    summary: 'List events',
    paging: { kind: 'link' },
    columns: [column('id', 'integer', 'KEY'), column('name', 'string', 'TITLE')],
  }),
  operation('list_cells', {
    path: '/sheets/{sheet}/cells',
    summary: 'List the cells of a sheet',
    recordPath: ['values'],
    columns: [column('item', 'string', 'TITLE'), column('amount', 'integer')],
    parameters: [
      { ...path('sheet'), quote: "'" },
      parameter('view', { value: 'plain' }),
      parameter('where', { in: 'query', type: 'object', value: { hidden: false } }),
    ],
  }),
];

const connectors: readonly Blueprint[] = [
  blueprint({
    name: 'rules',
    streams: [
      stream('events'),
      stream('sheets', { schema: { type: 'object', properties: { id: { type: 'string' } } } }),
      // Tells that the operation of the same address reads a table.
      stream('cells', {
        path: '/sheets/{sheet}/cells',
        pointer: '/paths/~1list_cells/get',
        recordPath: ['values'],
        recordShape: 'table',
        primaryKey: [],
        parent: {
          stream: 'sheets',
          parameters: [{ name: 'sheet', quote: "'", from: { kind: 'record', field: ['id'] } }],
        },
      }),
    ],
    operations,
    auth: [{ name: 'api_key', parts: [{ kind: 'api_key', in: 'query', name: 'key' }] }],
  }),
  blueprint({ name: 'silent', streams: [stream('events')] }),
];

const folder = process.argv[2];
if (folder === undefined) throw new Error('Name a folder.');
for (const one of connectors) {
  for (const file of compileConnector(one, {
    templateDir: join(import.meta.dirname, '../../../src/blueprint/template'),
  })) {
    const target = join(folder, `source-${one.name}`, file.path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, file.content);
  }
}
