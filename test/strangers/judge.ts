/**
 * Generates a connector from a real API's description, reads a stateful server of that API with it, and counts every
 * record: each once, none lost, none twice. What the server knows was written down by a person (`apis/`), not inferred.
 *
 *     npx tsx test/strangers/judge.ts [--descriptions DIR …] [name …]
 *
 * Descriptions named `npm:` come from development dependencies; the others need a folder (or SOURCEWRIGHT_CORPUS).
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { TrueApi } from './contracts.ts';
import { chosenApis, descriptionFolders, descriptionPath, withAuthType } from './descriptions.ts';
import { keyOf, startStranger, type ServedRow } from './server.ts';

const root = join(import.meta.dirname, '../..');
const python = process.env['PYTHON'] ?? 'python3';
/** Exit code of the program where a person has to decide. */
const WAITS_AT_A_GATE = 3;

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  file: string,
  args: readonly string[],
  cwd = root,
  env: Record<string, string> = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 30, timeout: 600_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

const Generated = z.object({
  status: z.string(),
  connector: z.object({ name: z.string(), dir: z.string() }),
  tests: z.object({ total: z.number(), passed: z.number() }),
  publication: z.object({ wheel: z.string().nullable() }),
});
const Inspected = z.object({
  streams: z.array(
    z.object({ name: z.string(), path: z.string(), paging: z.looseObject({ kind: z.string() }) }),
  ),
  gaps: z.array(z.object({ stream: z.string().nullable(), fact: z.string() })),
});
const Message = z.looseObject({
  type: z.string(),
  spec: z.unknown().optional(),
  record: z.object({ stream: z.string(), data: z.record(z.string(), z.unknown()) }).optional(),
  catalog: z.object({ streams: z.array(z.looseObject({ name: z.string() })) }).optional(),
});

/** A virtual environment with the connector's own pinned requirements, kept between runs. */
async function interpreter(connectorDir: string): Promise<string> {
  const requirements = join(connectorDir, 'requirements.txt');
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const dir = join(root, '.cache/strangers', key);
  const bin = join(dir, 'bin/python');
  if (!existsSync(join(dir, 'complete'))) {
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    for (const [file, ...args] of [
      [python, '-m', 'venv', dir],
      [bin, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
    ] as const) {
      const done = await run(file, args);
      if (done.code !== 0) throw new Error(`${file} ${args.join(' ')}: ${done.stderr}`);
    }
    await writeFile(join(dir, 'complete'), '');
  }
  return bin;
}

/** What the program prints of a run that waits at a gate. */
const Waiting = z.object({ run: z.string(), gate: z.literal('research') });

/**
 * Runs the program to the end, as a person would: where the description says nothing of how to sign in, the gate after
 * the research is where it is said.
 */
async function generateConnector(
  api: TrueApi,
  description: string,
  workspace: string,
  streams: readonly string[],
): Promise<Finished> {
  const cli = join(root, 'dist/cli.mjs');
  const signIn = api.signIn;
  const generate = await run(process.execPath, [
    cli,
    'generate',
    description,
    ...(signIn === undefined ? ['--auto'] : []),
    '--mutants',
    '0',
    '--json',
    '--workspace',
    workspace,
    '--name',
    api.name,
    '--streams',
    streams.join(','),
  ]);
  if (signIn === undefined || generate.code !== WAITS_AT_A_GATE) return generate;
  const waiting = Waiting.parse(JSON.parse(generate.stdout));
  const feedback = JSON.stringify([{ fact: 'auth', value: { kind: signIn } }]);
  const told = ['--request-changes', waiting.gate, '--feedback', feedback, '--auto'];
  const resume = ['resume', waiting.run, ...told, '--json', '--workspace', workspace];
  return run(process.execPath, [cli, ...resume]);
}

interface Row {
  readonly api: string;
  readonly resource: string;
  readonly expected: number;
  readonly missing: number;
  readonly twice: number;
  readonly alien: number;
  readonly note: string;
}

const lines = (text: string): z.infer<typeof Message>[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => Message.parse(JSON.parse(line)));

async function judge(api: TrueApi, folders: readonly string[], keep: boolean): Promise<Row[]> {
  const workspace = await mkdtemp(join(tmpdir(), `stranger-${api.name}-`));
  const server = await startStranger(api, { throttleEvery: 17 });
  const allWrong = (note: string): Row[] =>
    api.resources.map((resource) => {
      const expected = server.truth.filter((row) => row.resource === resource.path).length;
      return {
        api: api.name,
        resource: resource.path,
        expected,
        missing: expected,
        twice: 0,
        alien: 0,
        note,
      };
    });
  try {
    const description = descriptionPath(api, folders);
    const cli = join(root, 'dist/cli.mjs');
    const inspect = await run(process.execPath, [cli, 'inspect', description, '--json']);
    if (inspect.code !== 0) return allWrong(`inspect: ${inspect.stderr.slice(-300)}`);
    const inspected = Inspected.parse(JSON.parse(inspect.stdout));
    const streamOf = new Map(inspected.streams.map((stream) => [stream.path, stream]));
    const wanted = api.resources.flatMap((resource) => streamOf.get(resource.path)?.name ?? []);
    const generate = await generateConnector(api, description, workspace, wanted);
    if (generate.code !== 0)
      return allWrong(
        `generate exit ${generate.code}: ${generate.stdout.slice(0, 400)} ${generate.stderr.slice(-400)}`,
      );
    const generated = Generated.parse(JSON.parse(generate.stdout));
    const bin = await interpreter(generated.connector.dir);
    const site = join(workspace, 'site');
    const wheel = generated.publication.wheel;
    if (wheel === null) return allWrong('no wheel');
    const installed = await run(bin, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-deps',
      '--target',
      site,
      wheel,
    ]);
    if (installed.code !== 0) return allWrong(`wheel: ${installed.stderr.slice(-300)}`);
    const module = `source_${api.name.replaceAll('-', '_')}`;
    const env = { PYTHONPATH: site };
    const config = join(workspace, 'config.json');
    const spec = lines((await run(bin, ['-m', module, 'spec'], workspace, env)).stdout).find(
      (message) => message.spec,
    )?.spec;
    await writeFile(config, JSON.stringify({ ...withAuthType(api.config, spec), base_url: server.url }));
    const check = await run(bin, ['-m', module, 'check', '--config', config], workspace, env);
    const discover = await run(bin, ['-m', module, 'discover', '--config', config], workspace, env);
    const catalog = lines(discover.stdout).find((message) => message.catalog)?.catalog;
    if (catalog === undefined)
      return allWrong(`discover: ${discover.stdout.slice(-200)}${discover.stderr.slice(-300)}`);
    const catalogFile = join(workspace, 'catalog.json');
    await writeFile(
      catalogFile,
      JSON.stringify({
        streams: catalog.streams.map((stream) => ({
          stream,
          sync_mode: 'full_refresh',
          destination_sync_mode: 'overwrite',
        })),
      }),
    );
    const read = await run(
      bin,
      ['-m', module, 'read', '--config', config, '--catalog', catalogFile],
      workspace,
      env,
    );
    const messages = lines(read.stdout);
    return api.resources.map((resource) => {
      const stream = streamOf.get(resource.path);
      const truth = server.truth.filter((row) => row.resource === resource.path);
      if (stream === undefined)
        return {
          api: api.name,
          resource: resource.path,
          expected: truth.length,
          missing: truth.length,
          twice: 0,
          alien: 0,
          note: 'not found as a stream',
        };
      const keys = messages.flatMap((message) =>
        message.record?.stream === stream.name ? [keyOf(resource, message.record.data)] : [],
      );
      const result = compare(truth, keys);
      const stated = inspected.gaps.filter((gap) => gap.stream === stream.name).map((gap) => gap.fact);
      const fault = result.missing + result.twice + result.alien > 0;
      const note = [
        fault ? `paging ${JSON.stringify(stream.paging)}` : '',
        fault && stated.length > 0 ? `gaps ${stated.join(' ')}` : '',
        fault && check.code !== 0 ? `check exit ${check.code}` : '',
        fault ? errorsOf(messages, stream.name) : '',
      ];
      return {
        api: api.name,
        resource: resource.path,
        expected: truth.length,
        ...result,
        note: note.filter((part) => part !== '').join('; '),
      };
    });
  } finally {
    if (keep) {
      await writeFile(join(workspace, 'requests.log'), server.requests.join('\n'));
      console.log(`kept: ${workspace}`);
    } else await rm(workspace, { recursive: true, force: true });
    await server.close();
  }
}

function errorsOf(messages: readonly z.infer<typeof Message>[], stream: string): string {
  const traces = messages.filter(
    (message) =>
      message.type === 'TRACE' &&
      JSON.stringify(message).includes(`"${stream}"`) &&
      JSON.stringify(message).includes('ERROR'),
  );
  return traces.map((message) => JSON.stringify(message).slice(0, 300)).join(' ');
}

function compare(
  truth: readonly ServedRow[],
  keys: readonly string[],
): { missing: number; twice: number; alien: number } {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const known = new Set(truth.map((row) => row.key));
  return {
    missing: [...known].filter((key) => !counts.has(key)).length,
    twice: [...counts].reduce((sum, [key, count]) => sum + (known.has(key) ? count - 1 : 0), 0),
    alien: [...counts].reduce((sum, [key, count]) => sum + (known.has(key) ? 0 : count), 0),
  };
}

const { values, positionals } = parseArgs({
  options: {
    descriptions: { type: 'string', multiple: true, default: [] },
    corpus: { type: 'string', multiple: true, default: [] },
    apis: { type: 'string', default: join(import.meta.dirname, 'apis') },
    keep: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const folders = descriptionFolders([...values.descriptions, ...values.corpus]);
const { chosen: apis, leftOut } = await chosenApis(values.apis, positionals, folders);
let passed = 0;
let failed = 0;
for (const api of apis) {
  for (const row of await judge(api, folders, values.keep)) {
    const right = row.missing === 0 && row.twice === 0 && row.alien === 0 && row.expected > 0;
    if (right) passed += 1;
    else failed += 1;
    console.log(
      `${right ? 'ok  ' : 'FAIL'} ${row.api} ${row.resource}: ${row.expected} rows, ${row.missing} missing, ${row.twice} twice, ${row.alien} alien${row.note === '' ? '' : ` (${row.note})`}`,
    );
  }
}
if (leftOut.length > 0) console.log(`Left out, their descriptions aren't here: ${leftOut.join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
