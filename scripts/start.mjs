// `npm start`: the whole thing once, on this machine, with nothing but Node and Python. Builds a connector from the bundled
// description through every stage, then reads records with it from the sample server and compares them with what the
// server holds. `npm start -- --editor` opens the editor instead.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import {
  buildIfStale,
  installDependencies,
  NotReady,
  requireNode,
  requirePython,
  root,
  run,
} from './setup.mjs';

const HELP = `npm start                 build the sample connector through every stage and read records with it
npm start -- --editor     open the editor with the extension and a sample workspace
npm start -- --help       this text

SOURCEWRIGHT_PYTHON names the Python to use (3.11 or newer).`;

const args = process.argv.slice(2);
const unknown = args.find((word) => !['--editor', '--help', '-h'].includes(word));
const colour = process.stderr.isTTY && !process.env.NO_COLOR;
const bold = (text) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
const say = (line = '') => process.stderr.write(`${line}\n`);
const step = (text) => say(`\n${bold(text)}`);
const shown = (path) => relative(process.cwd(), path) || path;

const workspace = join(root, 'workspace');
const description = join(workspace, 'pagerduty.openapi.yaml');
let server;

try {
  if (unknown !== undefined) throw new NotReady(`"${unknown}" is not known here.\n\n${HELP}`);
  if (args.includes('--help') || args.includes('-h')) say(HELP);
  else if (args.includes('--editor')) await openEditor();
  else await start();
} catch (error) {
  say(`\n${error instanceof NotReady ? error.message : `npm start failed: ${error.message}`}`);
  process.exitCode = error instanceof NotReady ? 2 : 1;
} finally {
  server?.child.kill('SIGTERM');
}

async function openEditor() {
  requireNode();
  await installDependencies(say);
  await buildIfStale(say);
  prepareWorkspace();
  const open = join(root, 'scripts', 'vscode-host', 'open.mjs');
  process.exitCode = await run(process.execPath, [open, '--workspace', workspace], { check: false });
}

async function start() {
  requireNode();
  const python = requirePython();
  say(`Node ${process.versions.node}, Python ${python.version} (${python.path})`);
  await installDependencies(say);
  await buildIfStale(say);
  prepareWorkspace();

  step('1. Build a connector from sample/pagerduty.openapi.yaml, every gate on auto');
  const result = await generate(python.path);

  step('2. Read records with it from the sample server');
  server = await startServer();
  say(`The sample server answers on ${server.url} as the PagerDuty API does.`);
  const reading = await readEverything(result);

  step('3. Read again, after two new incidents were opened');
  await readAgain(result, reading);

  step('Done. Where everything is');
  tellWhere(result, reading);
}

/** A workspace of its own, ignored by this checkout's git, and a git repository so that publishing has where to go. */
function prepareWorkspace() {
  mkdirSync(workspace, { recursive: true });
  cpSync(join(root, 'sample', 'pagerduty.openapi.yaml'), description);
  const git = (...words) => spawnSync('git', ['-C', workspace, ...words], { encoding: 'utf8' });
  if (existsSync(join(workspace, '.git')) || git('init', '--quiet', '--initial-branch=main').status !== 0)
    return;
  writeFileSync(
    join(workspace, '.gitignore'),
    '.sourcewright/\n/reading/\n__pycache__/\n.*_cache/\n.coverage\n',
  );
  writeFileSync(
    join(workspace, 'README.md'),
    '# Sample workspace\n\nMade by `npm start`. Sourcewright works here; throw it away whenever you like.\n',
  );
  if (!git('config', 'user.email').stdout.trim()) {
    git('config', 'user.name', 'Sourcewright sample');
    git('config', 'user.email', 'sample@example.invalid');
  }
  git('add', '-A');
  git('commit', '--quiet', '-m', 'Start the sample workspace');
}

async function generate(python) {
  const words = [
    'generate',
    description,
    '--workspace',
    workspace,
    '--name',
    'pagerduty',
    '--auto',
    '--json',
  ];
  const child = spawn(process.execPath, [join(root, 'dist', 'cli.mjs'), ...words], {
    cwd: workspace,
    env: { ...process.env, SOURCEWRIGHT_PYTHON: python },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const exit = await new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (code) => done(code ?? 1));
  });
  const result = output.trim() === '' ? {} : JSON.parse(output);
  if (exit !== 0 || result.status !== 'published') {
    const why =
      result.error?.message ?? result.pause?.message ?? `the run ended as ${result.status ?? 'nothing'}`;
    const cure = result.error?.cure ?? result.pause?.cure ?? '';
    throw new Error(`${why}\n${cure}\nThe run: ${result.runDir ?? 'not kept'}`);
  }
  const { tests } = result;
  say(
    `${result.streams.length} streams; ${tests.passed} of ${tests.total} tests passed` +
      `${tests.coverage === null ? '' : `, ${Math.round(tests.coverage)}% of the lines ran`}; ` +
      `${result.review.open} open findings; ${(result.durationMs / 1000).toFixed(1)} s`,
  );
  return result;
}

async function startServer() {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'sample', 'server.ts')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise((done, failed) => {
    createInterface({ input: child.stdout }).once('line', done);
    child.once('exit', (code) => failed(new Error(`The sample server ended with exit code ${code}.`)));
  });
  return { child, ...JSON.parse(line) };
}

/** Reads every stream and compares the number of rows with what the server holds. */
async function readEverything(result) {
  const folder = join(workspace, 'reading');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const report = JSON.parse(readFileSync(join(result.runDir, 'test-report.json'), 'utf8'));
  const reading = {
    python: report.command[0],
    connector: result.connector.dir,
    config: join(folder, 'config.json'),
    catalog: join(folder, 'catalog.json'),
    state: join(folder, 'state.json'),
    records: join(folder, 'records.jsonl'),
  };
  writeJson(reading.config, {
    credentials: { api_key: server.apiKey },
    base_url: server.url,
    start_date: '2025-12-01T00:00:00Z',
  });
  const check = connectorSays(reading, ['check', '--config', reading.config]);
  const status = check.find((message) => message.type === 'CONNECTION_STATUS')?.connectionStatus;
  if (status?.status !== 'SUCCEEDED')
    throw new Error(`The connection check did not succeed: ${status?.message}`);

  const discovered = connectorSays(reading, ['discover', '--config', reading.config]);
  const { streams } = discovered.find((message) => message.type === 'CATALOG').catalog;
  writeJson(reading.catalog, {
    streams: streams.map((stream) => ({
      stream,
      sync_mode: stream.supported_sync_modes.includes('incremental') ? 'incremental' : 'full_refresh',
      destination_sync_mode: 'append',
    })),
  });
  const messages = connectorSays(reading, ['read', '--config', reading.config, '--catalog', reading.catalog]);
  writeFileSync(reading.records, messages.filter(isRecord).map(asLine).join(''));
  const states = messages.filter((message) => message.type === 'STATE').map((message) => message.state);
  writeJson(reading.state, newestByStream(states));

  const truth = await (await fetch(`${server.url}/_sample/rows`)).json();
  const brief = JSON.parse(readFileSync(join(result.runDir, 'brief.json'), 'utf8'));
  const counts = countByStream(messages);
  let wrong = 0;
  say(`  ${'stream'.padEnd(28)} ${'read'.padStart(6)} ${'held'.padStart(6)}   path`);
  for (const stream of brief.blueprint.streams.filter((candidate) => candidate.selected)) {
    const read = counts.get(stream.name) ?? 0;
    const held = truth[stream.path];
    if (held !== undefined && held !== read) wrong += 1;
    say(
      `  ${stream.name.padEnd(28)} ${String(read).padStart(6)} ${String(held ?? '?').padStart(6)}   ${stream.path}`,
    );
  }
  if (wrong > 0) throw new Error(`${wrong} streams were not read as the server holds them.`);
  const first = messages.filter(isRecord).filter((message) => message.record.stream === 'incidents');
  say('\nThe first incidents:');
  for (const { record } of first.slice(0, 3)) {
    const { id, created_at: at, status: state, urgency, title } = record.data;
    say(`  ${id}  ${at}  ${state.padEnd(9)} ${urgency.padEnd(5)} ${title}`);
  }
  return reading;
}

/** Opens two incidents through the API and reads with the state of the first read: only what is new comes. */
async function readAgain(result, reading) {
  for (const title of ['Checkout answers slowly', 'Mail lags behind']) {
    const answer = await fetch(`${server.url}/incidents`, {
      method: 'POST',
      headers: {
        authorization: `Token token=${server.apiKey}`,
        'content-type': 'application/json',
        from: 'noor.haddad@example.com',
      },
      body: JSON.stringify({
        incident: { type: 'incident', title, service: { id: 'PSVC001', type: 'service_reference' } },
      }),
    });
    if (!answer.ok) throw new Error(`The sample server refused a new incident: ${answer.status}`);
  }
  const catalog = JSON.parse(readFileSync(reading.catalog, 'utf8'));
  catalog.streams = catalog.streams.filter(({ stream }) => stream.name === 'incidents');
  const only = reading.catalog.replace('catalog.json', 'catalog-incidents.json');
  writeJson(only, catalog);
  const words = ['read', '--config', reading.config, '--catalog', only, '--state', reading.state];
  const records = connectorSays(reading, words).filter(isRecord);
  const fresh = records.filter(({ record }) => record.data.created_at >= server.now);
  say(
    `  incidents: ${records.length} read, ${fresh.length} of them new; the others share the last second of the first read.`,
  );
  if (fresh.length !== 2) throw new Error('The second read should have found exactly the two new incidents.');
  if (records.length > 10)
    throw new Error('The second read started from the beginning instead of from the state.');
}

/** Runs the connector's own command line in its own environment; answers the messages it printed. */
function connectorSays(reading, words) {
  const done = spawnSync(reading.python, ['-m', 'src', ...words], {
    cwd: reading.connector,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    timeout: 300_000,
  });
  if (done.error) throw done.error;
  const messages = done.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  if (done.status === 0) return messages;
  const trace = messages.find((message) => message.type === 'TRACE')?.trace?.error?.message;
  throw new Error(
    `The connector's ${words[0]} ended with exit code ${done.status}. ${trace ?? done.stderr.slice(-2000)}`,
  );
}

function isRecord(message) {
  return message.type === 'RECORD';
}

function asLine(message) {
  return `${JSON.stringify(message)}\n`;
}

function countByStream(messages) {
  const counts = new Map();
  for (const { record } of messages.filter(isRecord))
    counts.set(record.stream, (counts.get(record.stream) ?? 0) + 1);
  return counts;
}

/** The last state of each stream: what a platform would keep and hand back. */
function newestByStream(states) {
  const newest = new Map(
    states.map((state) => [JSON.stringify(state.stream?.stream_descriptor ?? null), state]),
  );
  return [...newest.values()];
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

function tellWhere(result, reading) {
  const rows = [
    ['connector', shown(result.connector.dir)],
    ['brief', shown(join(result.runDir, 'brief.md'))],
    ['run', shown(result.runDir)],
    ['package', result.publication.wheel === null ? 'none' : shown(result.publication.wheel)],
    [
      'branch',
      result.publication.branch === null
        ? `none: ${result.publication.notes.join(' ')}`
        : `${result.publication.branch} in ${shown(workspace)}/ (${String(result.publication.commit).slice(0, 12)})`,
    ],
    ['records', shown(reading.records)],
  ];
  for (const [name, value] of rows) say(`  ${name.padEnd(10)} ${value}`);
  say('\nWhat to do next');
  say('  Your own API:    npm run sourcewright -- generate path/or/url/of/openapi.yaml --auto');
  say('  With a say:      npm run sourcewright -- generate path/or/url/of/openapi.yaml');
  say('  Look first:      npm run sourcewright -- inspect path/or/url/of/openapi.yaml');
  say('  In the editor:   npm start -- --editor');
  say('  Run its tests:   npm run sourcewright -- stage test --run latest --workspace workspace');
}
