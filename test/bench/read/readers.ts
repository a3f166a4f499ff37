/** The readers: ours, its peers each as it comes and with its documented tuning, and the floor. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog, manifest, savedState } from './airbyte.ts';
import type { EnvironmentName } from './environments.ts';
import type { Lane } from './lanes.ts';
import { pathOf, TOKEN } from './server.ts';

const peers = join(import.meta.dirname, 'peers');
const MODULE = 'source_bench';

/** One read that is to be made. */
export interface Task {
  readonly lane: Lane;
  /** Base address of the API, which ends where this reader's share does. */
  readonly url: string;
  /** A folder of this read's own, on a file system in memory where there is one. */
  readonly dir: string;
  readonly python: string;
  /** Where the connector is installed whose description names its limit, or does not. */
  readonly site: (limit: boolean) => string;
}

/** What is started, and where the records go: to its standard output, or to files. */
export interface Command {
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly folder: string | null;
}

export interface Reader {
  readonly name: string;
  readonly environment: EnvironmentName;
  readonly role: 'ours' | 'peer' | 'floor';
  /** Whether it reads as much as ours does, or the share of a slow one. */
  readonly whole: boolean;
  readonly prepare: (task: Task) => Promise<Command>;
}

async function written(task: Task, name: string, content: unknown): Promise<string> {
  await mkdir(task.dir, { recursive: true });
  const path = join(task.dir, name);
  await writeFile(path, JSON.stringify(content));
  return path;
}

/** Ours, with properties of its configuration beside the credentials. */
function ours(name: string, config: object, limit: boolean): Reader {
  return {
    name,
    environment: 'ours',
    role: 'ours',
    whole: true,
    prepare: async (task) => {
      const { lane, url } = task;
      const configured = { credentials: { access_token: TOKEN }, base_url: url, ...config };
      const args = ['-m', MODULE, 'read', '--config', await written(task, 'config.json', configured)];
      args.push('--catalog', await written(task, 'catalog.json', catalog(lane)));
      if (lane.since !== null)
        args.push('--state', await written(task, 'state.json', savedState(lane, lane.since)));
      return { args, env: { PYTHONPATH: task.site(limit) }, folder: null };
    },
  };
}

const floor: Reader = {
  name: 'floor: requests + orjson',
  environment: 'floor',
  role: 'floor',
  whole: true,
  prepare: ({ lane, url }) => {
    const { layout, parts, pageRows } = lane.server;
    const paths = Array.from({ length: parts }, (_, index) => pathOf(layout, index + 1));
    const task = { base_url: url, token: TOKEN, paths, limit: pageRows, since: lane.since };
    const args = [join(peers, 'floor.py'), JSON.stringify(task)];
    return Promise.resolve({ args, env: {}, folder: null });
  },
};

/** What dlt's pages on performance and files offer for extraction; `parallelized` is set where the source is made. */
const DLT_TUNING = {
  DATA_WRITER__BUFFER_MAX_ITEMS: '50000',
  DATA_WRITER__DISABLE_COMPRESSION: 'true',
  EXTRACT__WORKERS: '16',
  EXTRACT__MAX_PARALLEL_ITEMS: '32',
};

function dlt(name: string, mode: 'emit' | 'extract', tuned: boolean): Reader {
  return {
    name,
    environment: 'dlt',
    role: 'peer',
    whole: false,
    prepare: async (task) => {
      const { lane, url } = task;
      const folder = join(task.dir, 'pipelines');
      await mkdir(folder, { recursive: true });
      const described = {
        base_url: url,
        token: TOKEN,
        streams: lane.streams,
        accounts: lane.server.layout === 'accounts',
        limit: lane.server.pageRows,
        incremental: lane.incremental,
        since: lane.since,
        mode,
        tuned,
        folder,
      };
      const env = {
        RUNTIME__DLTHUB_TELEMETRY: 'false',
        DLT_DATA_DIR: folder,
        ...(tuned ? DLT_TUNING : {}),
      };
      const args = [join(peers, 'dlt_reader.py'), JSON.stringify(described)];
      return { args, env, folder: mode === 'extract' ? folder : null };
    },
  };
}

function airbyte(name: string, tuned: boolean): Reader {
  return {
    name,
    environment: 'airbyte',
    role: 'peer',
    whole: false,
    prepare: async (task) => {
      const { lane, url } = task;
      const program = join(task.python, '../source-declarative-manifest');
      const args = [
        program,
        'read',
        '--config',
        await written(task, 'config.json', { base_url: url, token: TOKEN }),
        '--catalog',
        await written(task, 'catalog.json', catalog(lane)),
        '--manifest-path',
        await written(task, 'manifest.json', manifest(lane, tuned)),
      ];
      if (lane.since !== null)
        args.push('--state', await written(task, 'state.json', savedState(lane, lane.since)));
      return { args, env: { DO_NOT_TRACK: '1', AIRBYTE_OFFLINE_MODE: '1' }, folder: null };
    },
  };
}

function singer(name: string, tuned: boolean): Reader {
  return {
    name,
    environment: 'singer',
    role: 'peer',
    whole: false,
    prepare: async (task) => {
      const { lane, url } = task;
      const config = {
        base_url: url,
        token: TOKEN,
        limit: lane.server.pageRows,
        streams: lane.streams,
        accounts: lane.server.layout === 'accounts',
        incremental: lane.incremental,
      };
      const args = [join(peers, 'singer_tap.py'), tuned ? 'tuned' : 'default'];
      args.push('--config', await written(task, 'config.json', config));
      if (lane.since !== null) {
        const bookmark = { replication_key: 'updated_at', replication_key_value: lane.since };
        args.push('--state', await written(task, 'state.json', { bookmarks: { events: bookmark } }));
      }
      return { args, env: {}, folder: null };
    },
  };
}

/**
 * The readers of a lane. `configs` are properties that ours is configured with beside its credentials: each makes one
 * more reader, as a person would set it.
 */
export function readersOf(lane: Lane, configs: readonly Record<string, unknown>[]): Reader[] {
  const limited = lane.server.ratePerSecond !== null;
  const named = configs.map((config) => {
    const words = Object.entries(config).map(([key, value]) => `${key} ${String(value)}`);
    return ours(`ours, ${words.join(', ')}`, config, true);
  });
  return [
    floor,
    ours('ours', {}, true),
    ...(limited ? [ours('ours, limit not described', {}, false)] : []),
    ...named,
    dlt('dlt, records emitted', 'emit', false),
    dlt('dlt, records emitted, tuned', 'emit', true),
    dlt('dlt, extract', 'extract', false),
    dlt('dlt, extract, tuned', 'extract', true),
    airbyte('airbyte-cdk', false),
    airbyte('airbyte-cdk, tuned', true),
    singer('Singer SDK', false),
    singer('Singer SDK, tuned', true),
  ];
}
