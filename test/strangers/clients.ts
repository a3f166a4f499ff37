/**
 * Compiles connectors from real APIs' descriptions, installs them, and lets the programs that people already use drive
 * them against a stateful server of each API: Airbyte's own suite, PyAirbyte, dlt and the official MCP client. What they
 * got must be what the server has, multiset for multiset; a second read after changes too.
 *
 *     npm run judge:strangers -- [--descriptions DIR …] [--only CLIENT …] [--markdown FILE] [--keep] [name …]
 *
 * Clients: airbyte-cdk, pyairbyte, dlt, mcp. See docs/strangers.md for where descriptions come from.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { dump, load } from 'js-yaml';
import { z } from 'zod';
import { compileConnector } from '../../src/blueprint/compiler/compile.ts';
import type { Blueprint } from '../../src/blueprint/schema.ts';
import { readDescription } from '../../src/openapi/read.ts';
import { buildBlueprint } from '../../src/openapi/rules/blueprint.ts';
import type { TrueApi } from './contracts.ts';
import { chosenApis, descriptionFolders, descriptionPath, withAuthType } from './descriptions.ts';
import { writeReport, type Judged, type Verdict } from './report.ts';
import { startStranger, type StrangerServer } from './server.ts';

const root = join(import.meta.dirname, '../..');
const here = import.meta.dirname;

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env };
    const settings = { cwd: options.cwd ?? root, env, maxBuffer: 1 << 28, timeout: 300_000 };
    execFile(file, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** A virtual environment with pinned clients, made once for each list of requirements. */
async function environment(requirements: string): Promise<string> {
  const file = join(here, requirements);
  const key = createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
    .slice(0, 12);
  const dir = join(root, '.cache/strangers', key);
  const python = join(dir, 'bin/python');
  if (existsSync(join(dir, 'complete'))) return python;
  console.log(`Installing ${requirements} …`);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dirname(dir), { recursive: true });
  const made = await run(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', dir]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', file];
  const installed = made.code === 0 ? await run(python, pip) : made;
  if (installed.code !== 0) throw new Error(`${requirements}: ${installed.stderr.slice(-2000)}`);
  await writeFile(join(dir, 'complete'), '');
  return python;
}

/** A compiled connector in a folder, and how its streams are named for the resources of the API. */
interface Connector {
  readonly dir: string;
  readonly name: string;
  readonly module: string;
  readonly streams: ReadonlyMap<string, string>;
}

/** What the rules make of the API's description, and what a person says where it says nothing. */
async function describe(api: TrueApi, folders: readonly string[]): Promise<Blueprint> {
  const blueprint = buildBlueprint(await readDescription(descriptionPath(api, folders)), {});
  if (api.signIn === undefined) return blueprint;
  return { ...blueprint, auth: [{ name: api.signIn, parts: [{ kind: api.signIn }] }] };
}

async function compile(api: TrueApi, blueprint: Blueprint, workspace: string): Promise<Connector> {
  const wanted = new Set(api.resources.map((resource) => resource.path));
  const picked: Blueprint = {
    ...blueprint,
    name: api.name,
    streams: blueprint.streams.map((stream) => ({
      ...withCursor(api, stream),
      selected: wanted.has(stream.path),
    })),
    operations: blueprint.operations.map((operation) => ({
      ...operation,
      selected: operation.method === 'GET' && wanted.has(operation.path),
    })),
  };
  const name = `source-${api.name}`;
  const dir = join(workspace, name);
  const files = compileConnector(picked, { templateDir: join(root, 'src/blueprint/template') });
  for (const file of files) {
    await mkdir(dirname(join(dir, file.path)), { recursive: true });
    await writeFile(join(dir, file.path), file.content);
  }
  const streams = new Map(picked.streams.map((stream) => [stream.path, stream.name]));
  for (const path of wanted) if (!streams.has(path)) throw new Error(`${path} is no stream`);
  return { dir, name, module: name.replaceAll('-', '_'), streams };
}

/** Where rows have a time of change that no description names, the person who picks the streams says so. */
function withCursor(api: TrueApi, stream: Blueprint['streams'][number]): Blueprint['streams'][number] {
  const updated = api.resources.find((resource) => resource.path === stream.path)?.updated;
  if (updated === undefined || stream.incremental !== undefined) return stream;
  const cursorFormat = updated.format === 'iso' ? 'date_time' : 'unix_seconds';
  return { ...stream, incremental: { cursorField: [updated.field], cursorFormat, required: false } };
}

const Difference = z.object({ rows: z.number(), missing: z.number(), extra: z.number() });
const Loaded = z.object({ read: z.number(), streams: z.record(z.string(), Difference) });
const Talked = z.object({
  tools: z.number(),
  called: z.number(),
  refused: z.number(),
  rows: z.number(),
  problems: z.array(z.string()),
});

/** What all clients need to know. */
interface Trial {
  readonly api: TrueApi;
  readonly connector: Connector;
  readonly server: StrangerServer;
  readonly config: Record<string, unknown>;
  readonly workspace: string;
}

/** Installs a connector for an interpreter, beside what that has; returns the folder. */
async function install(python: string, trial: Trial, folder: string): Promise<string> {
  const site = join(trial.workspace, folder);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const done = await run(python, [...pip, '--no-build-isolation', '--target', site, trial.connector.dir]);
  if (done.code !== 0) throw new Error(`pip: ${done.stderr.slice(-500)}`);
  return site;
}

/** Airbyte's standard tests, as `airbyte-cdk connector test` runs them. */
async function airbyteSuite(python: string, site: string, trial: Trial): Promise<Verdict> {
  const { api, connector, config } = trial;
  await mkdir(join(connector.dir, 'secrets'), { recursive: true });
  await writeFile(join(connector.dir, 'secrets/config.json'), JSON.stringify(config));
  if (api.auth !== null) await refuseWrongCredentials(trial);
  const words = ['--pytest-arg=-m', '--pytest-arg=not image_tests', '--pytest-arg=-rA'];
  const args = ['connector', 'test', `${trial.workspace}/${connector.name}`, ...words];
  const done = await run(join(dirname(python), 'airbyte-cdk'), args, {
    cwd: connector.dir,
    env: { PYTHONPATH: site },
  });
  const summary = /(\d+ (?:passed|failed|error)[^=]*?) in [\d.]+s/.exec(done.stdout)?.[1] ?? 'nothing ran';
  const right = done.code === 0 && /\bpassed\b/.test(summary) && !/failed|error/.test(summary);
  return {
    client: 'airbyte-cdk connector test',
    right,
    brief: summary.replace(/, \d+ deselected.*/, ''),
    words: right ? summary : `${summary}\n${tail(done)}`,
  };
}

/** Adds a configuration that the API refuses, which `check` must report as failed. */
async function refuseWrongCredentials({ connector, config }: Trial): Promise<void> {
  const credentials = z.record(z.string(), z.unknown()).parse(config['credentials']);
  const wrong = Object.fromEntries(
    Object.entries(credentials).map(([name, value]) => [name, name === 'auth_type' ? value : 'wrong-0123']),
  );
  await writeFile(
    join(connector.dir, 'secrets/wrong.json'),
    JSON.stringify({ ...config, credentials: wrong }),
  );
  const path = join(connector.dir, 'acceptance-test-config.yml');
  const acceptance = z
    .looseObject({
      acceptance_tests: z.looseObject({ connection: z.object({ tests: z.array(z.unknown()) }) }),
    })
    .parse(load(await readFile(path, 'utf8')));
  acceptance.acceptance_tests.connection.tests.push({ config_path: 'secrets/wrong.json', status: 'failed' });
  await writeFile(path, dump(acceptance));
}

/** The rows of each stream, as the server has them now. */
function rowsByStream({ connector, server }: Trial): Record<string, unknown[]> {
  const rows: Record<string, unknown[]> = {};
  for (const served of server.truth)
    (rows[connector.streams.get(served.resource) ?? ''] ??= []).push(served.row);
  return rows;
}

/** Runs a client of ours twice over one database, with a change of the API's rows between, and judges what it holds. */
async function readTwice(
  client: string,
  script: string,
  python: string,
  site: string,
  trial: Trial,
): Promise<Verdict[]> {
  const task = {
    name: trial.connector.name,
    module: trial.connector.module,
    executable: join(site, 'bin', trial.connector.name),
    config: trial.config,
    database: join(trial.workspace, `${script}.duckdb`),
    pipelines: join(trial.workspace, 'pipelines'),
  };
  const verdicts: Verdict[] = [];
  for (const time of ['first read', 'second read, after changes']) {
    if (verdicts.length > 0) trial.server.grow();
    const streams = rowsByStream(trial);
    const done = await drive(script, python, site, { ...task, streams }, trial);
    const loaded = Loaded.safeParse(done.answer);
    const name = `${client}, ${time}`;
    if (!loaded.success) {
      verdicts.push({ client: name, right: false, brief: 'broke off', words: tail(done) });
      continue;
    }
    const found = Object.entries(loaded.data.streams);
    const wrong = found.filter(([, one]) => one.missing + one.extra > 0 || one.rows === 0);
    const total = found.reduce((sum, [, one]) => sum + one.rows, 0);
    verdicts.push({
      client: name,
      right: wrong.length === 0 && found.length === Object.keys(streams).length,
      brief:
        wrong.length === 0
          ? `${total} rows, ${loaded.data.read} read`
          : `wrong: ${wrong.map(([stream, one]) => `${stream} ${one.missing} missing, ${one.extra} extra`).join('; ')}`,
      words: [
        `${total} rows in ${found.length} streams, ${loaded.data.read} read`,
        ...wrong.map(([stream, one]) => `${stream}: ${JSON.stringify(one)}`),
      ].join('; '),
    });
  }
  return verdicts;
}

/** Values for the parameters that stand in paths: those that are fixed, and keys of the parents' first rows. */
function pathValues({ api, server }: Trial): Record<string, unknown> {
  const values: Record<string, unknown> = { ...api.pathValues };
  for (const { parent } of api.resources) {
    const row = server.truth.find((served) => served.resource === parent?.path)?.row;
    if (parent !== undefined) values[parent.parameter] ??= row?.[parent.field];
  }
  return values;
}

async function talk(python: string, site: string, trial: Trial): Promise<Verdict> {
  const config = join(trial.workspace, 'config.json');
  await writeFile(config, JSON.stringify(trial.config));
  const credentials = Object.values(trial.config['credentials'] ?? {}).map(String);
  const secrets = trial.api.auth === null ? [] : credentials.filter((one) => one.length > 6);
  const task = {
    executable: join(site, 'bin', trial.connector.name),
    config,
    secrets,
    values: pathValues(trial),
  };
  const done = await drive('mcp_session', python, site, task, trial);
  const talked = Talked.safeParse(done.answer);
  if (!talked.success) return { client: 'MCP client', right: false, brief: 'broke off', words: tail(done) };
  const { tools, called, refused, rows, problems } = talked.data;
  return {
    client: 'MCP client',
    right: problems.length === 0 && tools > 0 && refused === tools,
    brief: `${called} of ${tools} tools, ${rows} rows${problems.length === 0 ? '' : `, ${problems.length} problems`}`,
    words: [`${tools} tools, ${called} called, ${rows} rows`, ...problems].join('; '),
  };
}

/** Runs a script of `clients/`; its answer is the last line that it prints. */
async function drive(
  script: string,
  python: string,
  site: string,
  task: Record<string, unknown>,
  trial: Trial,
): Promise<Finished & { readonly answer: unknown }> {
  const file = join(trial.workspace, `${script}.task.json`);
  await writeFile(file, JSON.stringify(task));
  const done = await run(python, [join(here, 'clients', `${script}.py`), file], {
    cwd: trial.workspace,
    env: {
      PYTHONPATH: [site, join(here, 'clients')].join(delimiter),
      DO_NOT_TRACK: '1',
      AIRBYTE_OFFLINE_MODE: '1',
      RUNTIME__DLTHUB_TELEMETRY: 'false',
    },
  });
  const last = done.stdout.trimEnd().split('\n').at(-1) ?? '';
  let answer: unknown;
  try {
    answer = done.code === 0 ? JSON.parse(last) : undefined;
  } catch {
    answer = undefined;
  }
  return { ...done, answer };
}

function tail({ code, stdout, stderr }: Finished): string {
  return `exit ${code}\n${stdout.slice(-2500)}\n${stderr.slice(-2500)}`;
}

/** The description's own example of a row, without the fields that its schema doesn't name: PyAirbyte leaves those out. */
function exampleRow(stream: Blueprint['streams'][number]): Record<string, unknown> {
  const rows = z.record(z.string(), z.unknown()).catch({});
  const named = rows.parse(stream.schema['properties']);
  return Object.fromEntries(Object.entries(rows.parse(stream.example)).filter(([name]) => name in named));
}

const CLIENTS = ['airbyte-cdk', 'pyairbyte', 'dlt', 'mcp'] as const;

async function judge(
  api: TrueApi,
  pythons: { airbyte: string; faces: string },
  options: { folders: readonly string[]; only: readonly string[]; keep: boolean },
): Promise<Judged> {
  const workspace = await mkdtemp(join(tmpdir(), `strangers-${api.name}-`));
  let server: StrangerServer | undefined;
  const verdicts: Verdict[] = [];
  let incremental = 0;
  try {
    const blueprint = await describe(api, options.folders);
    const connector = await compile(api, blueprint, workspace);
    const read = blueprint.streams.filter((stream) => connector.streams.has(stream.path));
    incremental = read
      .filter((stream) => api.resources.some((resource) => resource.path === stream.path))
      .filter((stream) => withCursor(api, stream).incremental !== undefined).length;
    const examples = new Map(read.map((stream) => [stream.path, exampleRow(stream)]));
    server = await startStranger(api, { throttleEvery: 17, examples });
    const plain: Trial = {
      api,
      connector,
      server,
      workspace,
      config: { ...api.config, base_url: server.url },
    };
    const site = await install(pythons.airbyte, plain, 'airbyte-site');
    const spec = await run(pythons.airbyte, ['-m', connector.module, 'spec'], { env: { PYTHONPATH: site } });
    const { spec: content } = z.looseObject({ spec: z.unknown() }).parse(JSON.parse(spec.stdout));
    const trial: Trial = { ...plain, config: { ...withAuthType(api.config, content), base_url: server.url } };
    const { only } = options;
    if (only.includes('airbyte-cdk')) verdicts.push(await airbyteSuite(pythons.airbyte, site, trial));
    if (only.includes('pyairbyte'))
      verdicts.push(...(await readTwice('PyAirbyte', 'pyairbyte_read', pythons.airbyte, site, trial)));
    if (only.includes('dlt') || only.includes('mcp')) {
      const faces = await install(pythons.faces, trial, 'faces-site');
      if (only.includes('dlt'))
        verdicts.push(...(await readTwice('dlt', 'dlt_load', pythons.faces, faces, trial)));
      if (only.includes('mcp')) verdicts.push(await talk(pythons.faces, faces, trial));
    }
  } catch (error) {
    verdicts.push({ client: 'set-up', right: false, brief: 'could not be set up', words: String(error) });
  } finally {
    if (options.keep) {
      await writeFile(join(workspace, 'requests.log'), server?.requests.join('\n') ?? '');
      console.log(`kept: ${workspace}`);
    } else await rm(workspace, { recursive: true, force: true });
    await server?.close();
  }
  return { api: api.name, streams: api.resources.length, incremental, verdicts };
}

const { values, positionals } = parseArgs({
  options: {
    descriptions: { type: 'string', multiple: true, default: [] },
    corpus: { type: 'string', multiple: true, default: [] },
    apis: { type: 'string', default: join(here, 'apis') },
    only: { type: 'string', multiple: true, default: [...CLIENTS] },
    markdown: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const folders = descriptionFolders([...values.descriptions, ...values.corpus]);
const started = Date.now();
const pythons = {
  airbyte: await environment('requirements-airbyte.txt'),
  faces: await environment('requirements-faces.txt'),
};
const wrong: string[] = [];
const judged: Judged[] = [];
const { chosen, leftOut } = await chosenApis(values.apis, positionals, folders);
for (const api of chosen) {
  const one = await judge(api, pythons, { folders, only: values.only, keep: values.keep });
  judged.push(one);
  for (const { client, right, words } of one.verdicts) {
    if (!right) wrong.push(`${api.name}: ${client}`);
    console.log(`${right ? 'ok  ' : 'FAIL'} ${api.name.padEnd(16)} ${client.padEnd(38)} ${words}`);
  }
}
const seconds = Math.round((Date.now() - started) / 1000);
const verdicts = judged.reduce((sum, { verdicts }) => sum + verdicts.length, 0);
if (leftOut.length > 0) console.log(`Left out, their descriptions aren't here: ${leftOut.join(', ')}`);
if (values.markdown !== undefined) await writeReport(values.markdown, judged, leftOut);
console.log(`${verdicts - wrong.length} passed, ${wrong.length} failed in ${seconds} s`);
process.exitCode = wrong.length > 0 || verdicts === 0 ? 1 : 0;
