/** The connector that is measured: compiled from a blueprint as a person's would be, read by its command line. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import { Blueprint } from '../../../src/blueprint/schema.ts';
import type { Lane } from './lanes.ts';
import { ROW_PROPERTIES } from './rows.ts';

const root = join(import.meta.dirname, '../../..');

/** The template that connectors are compiled from; another one may be measured beside it. */
const TEMPLATE = process.env['SOURCEWRIGHT_TEMPLATE'] ?? join(root, 'src/blueprint/template');

/** Whether the description of the API names its rate limit: many do not, and then only a 429 tells. */
export interface Described {
  readonly limit: boolean;
}

function stream(name: string, path: string, pageRows: number, more: object = {}): object {
  return {
    name,
    method: 'GET',
    path,
    pointer: `/paths/${path.replaceAll('/', '~1')}/get`,
    selected: true,
    parameters: [],
    recordPath: ['data'],
    recordShape: 'list',
    primaryKey: [['id']],
    paging: {
      kind: 'cursor',
      cursorParam: 'cursor',
      nextPath: ['meta', 'next'],
      sizeParam: 'limit',
      pageSize: pageRows,
    },
    schema: { type: 'object', properties: ROW_PROPERTIES },
    ...more,
  };
}

function streams({ server, incremental, streams: names }: Lane): object[] {
  const { pageRows, layout } = server;
  const cursor = {
    cursorField: ['updated_at'],
    cursorFormat: 'date_time',
    param: 'updated_since',
    paramFormat: 'date_time',
  };
  const more = incremental ? { incremental: cursor } : {};
  if (layout !== 'accounts') return names.map((name) => stream(name, `/${name}`, pageRows, more));
  const parent = {
    stream: 'accounts',
    parameters: [{ name: 'account_id', from: { kind: 'record', field: ['id'] } }],
  };
  const account = { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } };
  return [
    stream('accounts', '/accounts', pageRows, { schema: account }),
    stream('events', '/accounts/{account_id}/events', pageRows, { parent, ...more }),
  ];
}

function blueprint(lane: Lane, described: Described): Blueprint {
  const { ratePerSecond } = lane.server;
  const rate = described.limit && ratePerSecond !== null ? { requests: ratePerSecond, windowSeconds: 1 } : {};
  return Blueprint.parse({
    schemaVersion: 1,
    name: 'bench',
    api: { title: 'Bench API', version: '1.0' },
    source: { location: 'bench.yaml', format: 'openapi-3.1', sha256: '0'.repeat(64), bytes: 1 },
    baseUrl: 'https://bench.example',
    serverVariables: [],
    auth: [{ name: 'bearer', parts: [{ kind: 'bearer' }] }],
    headers: [],
    rateLimit: { documents429: ratePerSecond !== null, ...rate },
    streams: streams(lane),
    operations: [],
    facts: [],
    gaps: [],
    problems: [],
  });
}

/** Writes the connector into a folder, which is emptied before. */
export async function writeConnector(dir: string, lane: Lane, described: Described): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  for (const file of compileConnector(blueprint(lane, described), { templateDir: TEMPLATE })) {
    const path = join(dir, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.content);
  }
}
