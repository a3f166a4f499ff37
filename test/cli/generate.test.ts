/** The bundled sample from its description to a published connector, and records read with it, by the built program. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rowsByPath, startSampleServer, type SampleServer } from '../../sample/server.ts';
import { Brief, NO_USAGE, TestReport } from '../../src/pipeline/contracts.ts';
import type { RunSummary } from '../../src/terminal/summary.ts';
import { only, removeFolder, sample, sourcewright, temporaryFolder, type Outcome } from './program.ts';

interface Message {
  readonly type: string;
  readonly record?: { readonly stream: string; readonly data: Record<string, unknown> };
  readonly state?: { readonly stream: { readonly stream_descriptor: { readonly name: string } } };
  readonly catalog?: { readonly streams: { name: string; supported_sync_modes: string[] }[] };
  readonly connectionStatus?: { readonly status: string };
}

describe('the sample, from its description to records', function () {
  this.timeout(600_000);
  let folder = '';
  let summary: RunSummary;
  let generated: Outcome;
  let brief: Brief;
  let server: SampleServer;

  before(async () => {
    folder = await temporaryFolder();
    execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: folder });
    execFileSync('git', ['config', 'user.email', 'tests@example.invalid'], { cwd: folder });
    execFileSync('git', ['config', 'user.name', 'Tests'], { cwd: folder });
    await writeFile(join(folder, 'own.txt'), 'mine\n');
    execFileSync('git', ['add', 'own.txt'], { cwd: folder });
    execFileSync('git', ['commit', '--quiet', '-m', 'Mine'], { cwd: folder });
    await writeFile(join(folder, 'own.txt'), 'mine, changed\n');
    generated = await sourcewright(['generate', sample, '--name', 'pagerduty', '--auto', '--json'], {
      cwd: folder,
    });
    assert.equal(generated.exitCode, 0, generated.stderr + generated.stdout);
    summary = only(generated) as unknown as RunSummary;
    brief = Brief.parse(JSON.parse(await readFile(join(summary.runDir ?? '', 'brief.json'), 'utf8')));
    server = await startSampleServer();
  });
  after(async () => {
    await server.close();
    await removeFolder(folder);
  });

  it('is published with all tests passed, and says so in one object', () => {
    assert.equal(summary.status, 'published');
    assert.equal(summary.connector.dir, join(folder, 'connectors', 'source-pagerduty'));
    assert.ok(summary.tests.total > 50, `${summary.tests.total} tests`);
    assert.equal(summary.tests.passed + summary.tests.skipped, summary.tests.total);
    assert.ok((summary.tests.coverage ?? 0) > 50);
    assert.deepEqual(summary.usage, NO_USAGE);
    assert.equal(summary.replayOf, null);
    assert.ok(summary.durationMs > 1000);
    assert.deepEqual(
      summary.review.findings.filter((finding) => finding.severity === 'error'),
      [],
    );
    assert.equal(summary.publication.draft, false);
    for (const stage of ['research', 'generate', 'test', 'diagnose', 'review', 'publish']) {
      assert.match(generated.stderr, new RegExp(`✓ ${stage}`));
    }
  });

  it('finds what the description says', () => {
    const byPath = new Map(
      brief.blueprint.streams.filter((one) => one.selected).map((one) => [one.path, one]),
    );
    assert.equal(byPath.get('/incidents')?.paging.kind, 'offset');
    assert.equal(byPath.get('/audit/records')?.paging.kind, 'cursor');
    assert.deepEqual(byPath.get('/incidents')?.incremental?.cursorField, ['created_at']);
    assert.equal(byPath.get('/incidents')?.incremental?.param, 'since');
    assert.equal(byPath.get('/incidents/{id}/notes')?.parent?.stream, byPath.get('/incidents')?.name);
    assert.deepEqual(byPath.get('/users')?.primaryKey, [['id']]);
    const [part] = brief.blueprint.auth[0]?.parts ?? [];
    assert.deepEqual(part, { kind: 'api_key', in: 'header', name: 'Authorization', prefix: 'Token token=' });
  });

  it('commits on its own branch and leaves the person’s work alone', async () => {
    const git = (...words: string[]): string =>
      execFileSync('git', words, { cwd: folder, encoding: 'utf8' }).trim();
    assert.equal(summary.publication.branch, 'connector/pagerduty');
    assert.equal(git('rev-parse', 'connector/pagerduty'), summary.publication.commit);
    assert.match(
      git('ls-tree', '-r', '--name-only', 'connector/pagerduty'),
      /connectors\/source-pagerduty\/src\/client\.py/,
    );
    assert.equal(git('branch', '--show-current'), 'main');
    assert.equal(await readFile(join(folder, 'own.txt'), 'utf8'), 'mine, changed\n');
    assert.equal(git('diff', '--cached', '--name-only'), '');
    assert.ok(existsSync(summary.publication.wheel ?? ''), 'the wheel is there');
  });

  it('is the same to the byte when it is made again', async () => {
    const again = join(folder, 'again');
    await mkdir(again);
    const words = [
      'generate',
      sample,
      '--name',
      'pagerduty',
      '--approve',
      'research',
      '--out',
      again,
      '--json',
    ];
    const second = await sourcewright(words, { cwd: folder });
    assert.equal(second.exitCode, 3, second.stderr);
    assert.equal((only(second) as unknown as RunSummary).gate, 'code');
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
    const fresh = join(again, 'source-pagerduty');
    const files = (await readdir(fresh, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    const sources = files
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => path.endsWith('.py') && path.includes('/src/'));
    assert.ok(sources.length > 10);
    for (const path of sources) {
      const relative = path.slice(fresh.length + 1);
      const committed = git('show', `connector/pagerduty:connectors/source-pagerduty/${relative}`);
      assert.equal(await readFile(path, 'utf8'), committed, relative);
    }
  });

  it('reads every row that the server holds, once, and only what is new the second time', async () => {
    const report = TestReport.parse(
      JSON.parse(await readFile(join(summary.runDir ?? '', 'test-report.json'), 'utf8')),
    );
    const [python = ''] = report.command;
    const reading = join(folder, 'reading');
    await mkdir(reading);
    const write = async (name: string, value: unknown): Promise<string> => {
      await writeFile(join(reading, name), JSON.stringify(value));
      return join(reading, name);
    };
    const config = await write('config.json', {
      credentials: { api_key: server.apiKey },
      base_url: server.url,
      start_date: '2025-12-01T00:00:00Z',
    });
    const says = (...words: string[]): Promise<Message[]> =>
      messagesOf(python, ['-m', 'src', ...words], summary.connector.dir ?? '');
    const [status] = (await says('check', '--config', config)).filter(
      ({ type }) => type === 'CONNECTION_STATUS',
    );
    assert.equal(status?.connectionStatus?.status, 'SUCCEEDED');
    const streams = (await says('discover', '--config', config)).flatMap(
      ({ catalog }) => catalog?.streams ?? [],
    );
    const configured = streams.map((stream) => ({
      stream,
      sync_mode: stream.supported_sync_modes.includes('incremental') ? 'incremental' : 'full_refresh',
      destination_sync_mode: 'append',
    }));
    const all = await write('all.json', { streams: configured });
    const first = await says('read', '--config', config, '--catalog', all);
    const truth = rowsByPath(server.account);
    for (const stream of brief.blueprint.streams.filter(({ selected }) => selected)) {
      const rows = first.flatMap(({ record }) =>
        record?.stream === stream.name ? [JSON.stringify(record.data)] : [],
      );
      assert.equal(rows.length, truth[stream.path], `rows of ${stream.name}`);
      assert.equal(new Set(rows).size, rows.length, `${stream.name}: none twice`);
    }
    const states = new Map(
      first.flatMap(({ state }) => (state ? [[state.stream.stream_descriptor.name, state]] : [])),
    );
    assert.ok(states.has('incidents'));
    const kept = await write('state.json', [...states.values()]);
    const created = await fetch(`${server.url}/incidents`, {
      method: 'POST',
      headers: { authorization: `Token token=${server.apiKey}`, from: 'noor.haddad@example.com' },
      body: JSON.stringify({ incident: { title: 'New', service: { id: 'PSVC001' } } }),
    });
    assert.equal(created.status, 201);
    const incidents = await write('incidents.json', {
      streams: configured.filter(({ stream }) => stream.name === 'incidents'),
    });
    const second = await says('read', '--config', config, '--catalog', incidents, '--state', kept);
    const titles = second.flatMap(({ record }) => (record ? [record.data['title']] : []));
    assert.ok(titles.includes('New'));
    assert.ok(titles.length < 10, `${titles.length} rows were read again`);
  });

  it('survives an API that throttles', async () => {
    const slow = await startSampleServer({ throttleEvery: 4, retryAfterSeconds: 1 });
    try {
      const report = TestReport.parse(
        JSON.parse(await readFile(join(summary.runDir ?? '', 'test-report.json'), 'utf8')),
      );
      const config = join(folder, 'slow.json');
      await writeFile(config, JSON.stringify({ credentials: { api_key: slow.apiKey }, base_url: slow.url }));
      const catalog = join(folder, 'slow-catalog.json');
      const names = ['services', 'users', 'teams', 'members'];
      const streams = names.map((name) => ({
        stream: { name, json_schema: {}, supported_sync_modes: ['full_refresh'] },
        sync_mode: 'full_refresh',
        destination_sync_mode: 'append',
      }));
      await writeFile(catalog, JSON.stringify({ streams }));
      const messages = await messagesOf(
        report.command[0] ?? '',
        ['-m', 'src', 'read', '--config', config, '--catalog', catalog],
        summary.connector.dir ?? '',
      );
      const records = messages.filter(({ type }) => type === 'RECORD');
      const truth = rowsByPath(slow.account);
      const wanted = ['/services', '/users', '/teams', '/teams/{id}/members'];
      assert.equal(
        records.length,
        wanted.reduce((sum, path) => sum + (truth[path] ?? 0), 0),
      );
      assert.ok(Object.entries(slow.requests).some(([key]) => key.endsWith(' 429')));
    } finally {
      await slow.close();
    }
  });
});

/** Not `execFileSync`: the server that the connector reads from lives in this process. */
function messagesOf(python: string, words: readonly string[], cwd: string): Promise<Message[]> {
  return new Promise((done, failed) => {
    const child = spawn(python, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', failed);
    child.once('close', (code) => {
      const messages = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Message);
      if (code === 0) done(messages);
      else failed(new Error(`exit code ${code}\n${stderr}\n${JSON.stringify(messages.at(-1))}`));
    });
  });
}
