/**
 * How fast a generated connector reads, beside its peers and a floor, on one local API:
 *
 *   npm run bench:read -- [--lane bulk]… [--records N] [--own-records N] [--peer-records N] [--rounds N]
 *                         [--only ours]… [--config '{"concurrency": 8}']… [--environments DIR] [--output FILE]
 *
 * Each reader is verified first: what it read must be what the API has, by number and by hash. Then all are timed in turn,
 * round after round, so that what else the machine does falls on all of them. Ratios are taken within a round.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startApi, type RunningApi } from './api.ts';
import { writeConnector } from './connector.ts';
import { environment, type EnvironmentName, install } from './environments.ts';
import { LANES, type Lane, lanesOf } from './lanes.ts';
import { time, verify } from './measure.ts';
import { type Reader, readersOf, type Task } from './readers.ts';
import { Comparison, type Result, type Round } from './table.ts';

/** A folder in memory, where there is one: what is timed is reading, not a disk. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

interface Options {
  readonly rounds: number;
  readonly only: readonly string[];
  readonly configs: readonly Record<string, unknown>[];
  readonly environments: string | undefined;
}

/** What is ready to read a lane. */
interface Setting {
  readonly lane: Lane;
  readonly api: RunningApi;
  readonly workspace: string;
  readonly pythons: ReadonlyMap<EnvironmentName, string>;
}

function rowsOf(reader: Reader, lane: Lane): number {
  return reader.whole ? lane.server.rows : lane.peerRows;
}

/** The read of so many pages of each list. */
function taskFor(setting: Setting, reader: Reader, pages: number): Task {
  const python = setting.pythons.get(reader.environment);
  if (python === undefined) throw new Error(`${reader.name} has no environment`);
  return {
    lane: setting.lane,
    url: setting.api.urlOf(pages),
    dir: join(setting.workspace, 'read'),
    python,
    site: (limit) => join(setting.workspace, limit ? 'site' : 'site-without-limit'),
  };
}

function pagesOf(reader: Reader, { server, peerRows }: Lane): number {
  const rows = reader.whole ? server.rows : peerRows;
  return Math.ceil(rows / server.parts / server.pageRows);
}

/** Compiles and installs ours, and makes the environments that the readers need. */
async function prepare(
  workspace: string,
  lane: Lane,
  readers: readonly Reader[],
  { environments }: Options,
): Promise<ReadonlyMap<EnvironmentName, string>> {
  const pythons = new Map<EnvironmentName, string>();
  for (const limit of lane.server.ratePerSecond === null ? [true] : [true, false]) {
    const connector = join(workspace, limit ? 'connector' : 'connector-without-limit');
    await writeConnector(connector, lane, { limit });
    for (const { environment: name } of readers) {
      if (!pythons.has(name)) pythons.set(name, await environment(name, connector, environments));
    }
    const python = pythons.get('ours');
    const site = join(workspace, limit ? 'site' : 'site-without-limit');
    if (python !== undefined) await install(python, connector, site);
  }
  return pythons;
}

/** Reads once with every reader; returns those that read something else than the API has. */
async function verifyAll(setting: Setting, readers: readonly Reader[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const reader of readers) {
    const pages = pagesOf(reader, setting.lane);
    const due = await setting.api.proof(pages, setting.lane.since);
    try {
      const read = await verify(reader, taskFor(setting, reader, pages));
      const right = read.count === due.count && read.digest === due.digest;
      const words = `${read.count} rows ${read.digest}`;
      console.error(`${right ? 'ok  ' : 'FAIL'} ${reader.name}: ${words}`);
      if (!right) wrong.push(`${reader.name}: ${words}, not ${due.count} rows ${due.digest}`);
    } catch (error) {
      wrong.push(error instanceof Error ? error.message : String(error));
    }
  }
  return wrong;
}

async function measureOnce(setting: Setting, reader: Reader): Promise<Round> {
  const load = loadavg()[0] ?? NaN;
  const { api, lane } = setting;
  const pages = pagesOf(reader, lane);
  const share = rowsOf(reader, lane) < lane.targetRows;
  const start = share ? await time(reader, taskFor(setting, reader, 1)) : undefined;
  await api.reset();
  const measured = await time(reader, taskFor(setting, reader, pages));
  return { ...measured, start, load, counts: await api.counts() };
}

async function measureLane(lane: Lane, options: Options): Promise<{ text: string; wrong: string[] }> {
  const readers = readersOf(lane, options.configs).filter(
    ({ name }) => options.only.length === 0 || options.only.some((word) => name.startsWith(word)),
  );
  const workspace = await mkdtemp(join(MEMORY, 'bench-read-'));
  let api: RunningApi | undefined;
  try {
    const pythons = await prepare(workspace, lane, readers, options);
    api = await startApi(lane.server);
    const setting = { lane, api, workspace, pythons };
    const wrong = await verifyAll(setting, readers);
    const failed = (reader: Reader): boolean => wrong.some((words) => words.startsWith(reader.name));
    const timed = readers.filter((reader) => !failed(reader));
    const rounds = new Map<Reader, Round[]>(timed.map((reader) => [reader, []]));
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const [reader, measured] of rounds) {
        measured.push(await measureOnce(setting, reader));
        const { seconds, peakMb } = measured.at(-1) ?? { seconds: NaN, peakMb: NaN };
        console.error(`round ${round}: ${reader.name}: ${seconds.toFixed(2)} s, ${peakMb.toFixed(0)} MB`);
      }
    }
    const results: Result[] = [];
    for (const [reader, measured] of rounds) {
      const { count } = await api.proof(pagesOf(reader, lane), lane.since);
      results.push({ reader, rows: count, rounds: measured });
    }
    const comparison = new Comparison(lane, results);
    return { text: [comparison.markdown(), ...comparison.aims(), ''].join('\n'), wrong };
  } finally {
    await api?.close();
    await rm(workspace, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    lane: { type: 'string', multiple: true, default: ['bulk'] },
    records: { type: 'string', default: '1000000' },
    'own-records': { type: 'string' },
    'peer-records': { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] },
    config: { type: 'string', multiple: true, default: [] },
    environments: { type: 'string' },
    output: { type: 'string' },
  },
});
const names = z.array(z.enum(LANES)).parse(values.lane);
const Count = z.coerce.number().int().positive();
const records = Count.parse(values.records);
const amounts = {
  records,
  ownRecords: Count.parse(values['own-records'] ?? records),
  peerRecords: Count.parse(values['peer-records']),
};
const options: Options = {
  rounds: Count.parse(values.rounds),
  only: values.only,
  configs: values.config.map((text) => z.record(z.string(), z.unknown()).parse(JSON.parse(text))),
  environments: values.environments ?? process.env['SOURCEWRIGHT_READ_ENVIRONMENTS'],
};
const texts: string[] = [];
for (const lane of names.flatMap((name) => lanesOf(name, amounts))) {
  const { text, wrong } = await measureLane(lane, options);
  texts.push(text);
  console.log(text);
  for (const words of wrong) console.log(`FAIL ${words}`);
  if (wrong.length > 0) process.exitCode = 1;
}
if (values.output !== undefined) await writeFile(values.output, texts.join('\n'));
