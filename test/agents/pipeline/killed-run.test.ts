/**
 * A whole run whose process is killed, again and again, at its records: right after one is on the disk, or in the middle
 * of writing it. Several runs are killed at different places each, so that together they die at most of the records. In
 * the end each of them must be as one that was never disturbed, and nothing that was answered may have been asked again.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTranscript } from '../../../src/agents/transcript.ts';
import type { RunView } from '../../../src/pipeline/contracts.ts';
import { LoopbackServer, tool } from '../loopback/index.ts';
import { approve, BEYOND, research, write, written } from './harbour.ts';
import { type Conversations, scripts, steps } from './support.ts';
import { blame, finding, needsWork, WELL_BEHAVED } from './tides.ts';

/** How many runs are killed, and how many of them go on side by side. */
const RUNS = 4;
const AT_ONCE = 2;
/** Of the records that hold no turn, answer or end of a stage, one in so many is died at. */
const EVERY = 6;

interface Kill {
  readonly when: 'after' | 'torn';
  /** Name of the record, as killed-run.ts gives it. */
  readonly record: string;
}
const named = ({ when, record }: Kill): string => `${when} ${record}`;

/** An edit that would show if it were made twice: what it writes holds what it replaces. */
const before = (file_path: string, line: string, added: string): ReturnType<typeof tool> =>
  tool('edit', { file_path, old_string: line, new_string: `${added}\n${line}` });

const LENGTHS_TEST = `"""Lengths."""

from src.lengths import FEET


def test_feet() -> None:
    """A foot."""
    assert FEET == 0.3048
`;

/** What the reviewer finds, without an edit that would answer it. */
const FAR_AWAY = finding({
  startLine: 1,
  endLine: 1,
  message: 'Hours that are far away are taken as well.',
  before: '"""Tides."""',
  after: null,
});

const CONVERSATIONS: Conversations = {
  ...WELL_BEHAVED,
  research: [research({ beyond: [BEYOND] })],
  generate: [
    [
      [write('src/lengths.py', '"""Lengths."""\n\nFEET = 0.3048\n')],
      tool('check'),
      (request) => written(request),
    ],
  ],
  test: [[write('tests/test_lengths.py', LENGTHS_TEST), (request) => written(request)]],
  diagnose: [[blame('code')]],
  'generate-fix': [
    [
      [
        tool('edit', { file_path: 'src/tides.py', old_string: 'return 1.7 +', new_string: 'return 1.5 +' }),
        before('src/tides.py', 'def height(hour: int) -> float:', 'LOWEST = 1.5\n\n'),
      ],
      tool('check'),
      (request) => written(request),
    ],
  ],
  review: [[needsWork(FAR_AWAY)], approve],
  'generate-improve': [
    [
      before(
        'src/tides.py',
        '    if hour < 0:',
        '    if hour > 9_999:\n        raise ValueError("hour is too far away")',
      ),
      (request) => written(request),
    ],
  ],
};

/** What must be the same in the end, whatever happened. */
interface End {
  readonly status: string;
  readonly stages: unknown;
  readonly counts: unknown;
  readonly requests: number;
  readonly connector: Record<string, string>;
  readonly artifacts: Record<string, string>;
  readonly transcripts: Record<string, unknown[]>;
}

interface Ran {
  readonly end: End;
  /** Names of the records of the last process. */
  readonly appended: readonly string[];
  /** Requests that the server answered to their end. */
  readonly answered: number;
  readonly begun: readonly string[];
}

/** One process: killed by itself, or at its end with what it has to say. */
function sitting(url: string, workspace: string, kill: Kill | undefined): Promise<string | undefined> {
  const script = join(import.meta.dirname, 'killed-run.ts');
  const given = kill === undefined ? [] : [kill.when, kill.record];
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, url, workspace, ...given], {
      // What a killed process leaves behind goes with the workspace.
      env: { ...process.env, TMPDIR: join(workspace, 'tmp') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', failed);
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') done(undefined);
      else if (code === 0) done(stdout);
      else failed(new Error(`exit code ${code}\n${stderr}`));
    });
  });
}

/** A run from its beginning to its end, in as many processes as it is killed, and one more. */
async function runKilled(kills: readonly Kill[]): Promise<Ran> {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-killed-')));
  const server = await LoopbackServer.start();
  try {
    await mkdir(join(workspace, 'tmp'));
    const description = join(import.meta.dirname, 'fixtures', 'harbour.openapi.yaml');
    await cp(description, join(workspace, 'harbour.openapi.yaml'));
    const scripted = await scripts(CONVERSATIONS);
    server.setScript((request) => scripted.script(request));
    for (const kill of kills) {
      const said = await sitting(server.url, workspace, kill);
      assert.equal(said, undefined, `was not killed ${named(kill)}: ${said}`);
    }
    const said = (await sitting(server.url, workspace, undefined)) ?? '{}';
    const { view, appended } = JSON.parse(said) as { view: RunView; appended: string[] };
    assert.deepEqual(scripted.missing, []);
    return {
      end: await endOf(view),
      appended,
      answered: server.totals().requests,
      begun: await steps(view.runDir),
    };
  } finally {
    await server.close();
    await rm(workspace, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function endOf(view: RunView): Promise<End> {
  const { runDir, workspace, runId } = view;
  const plain = (text: string): string =>
    text
      .replaceAll(runId, '<run>')
      .replaceAll(workspace, '<workspace>')
      .replace(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, '<time>')
      .replace(/("duration(Ms)?": )[\d.]+/g, '$1<duration>')
      // STATISTICS.md: an answer that never came whole may have been paid for all the same.
      .replace(/^\| Time of the tests \|.*$/gm, '<time of the tests>')
      .replace(/\$\d+\.\d\d/g, '<dollars>');
  // The record of publishing has hashes and sizes of files that are made plain above, and compared themselves.
  const withoutHashes = (path: string, text: string): string =>
    path.endsWith('provenance.json')
      ? text.replace(/"[0-9a-f]{40,64}"/g, '<hash>').replace(/("bytes": )\d+/g, '$1<bytes>')
      : text;
  const contents = async (folder: string, wanted: (path: string) => boolean) => {
    const found: Record<string, string> = {};
    for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !wanted(path.slice(folder.length + 1))) continue;
      const text = /\.(whl|gz)$/.test(path) ? 'a package' : await readFile(path, 'utf8');
      found[plain(path.slice(folder.length + 1))] = withoutHashes(path, plain(text));
    }
    return Object.fromEntries(Object.entries(found).sort());
  };
  // The run's own files, and what a process left of one that it was writing.
  const own = /^(journal\.jsonl|run\.json|usage\.json|lock|transcripts\/.*|.*\.tmp)$/;
  return {
    status: view.status,
    stages: view.stages.map(({ stage, state, mode, attempt, note }) => ({
      stage,
      state,
      mode,
      attempt,
      note: plain(note),
    })),
    counts: view.counts,
    requests: view.usage.requests,
    connector: await contents(view.connectorDir ?? '', () => true),
    artifacts: await contents(runDir, (path) => !own.test(path)),
    transcripts: await conversations(runDir),
  };
}

/** What was said and done in each conversation; how often it had to be asked for is left out. */
async function conversations(runDir: string): Promise<Record<string, unknown[]>> {
  const folder = join(runDir, 'transcripts');
  const said: Record<string, unknown[]> = {};
  for (const name of (await readdir(folder)).sort()) {
    const entries = (await readTranscript(join(folder, name))) ?? [];
    said[name] = entries
      .filter(({ type }) => type !== 'asked')
      .map((entry) => ({ ...entry, at: '', ...(entry.type === 'turn' && { requestId: '', usage: null }) }));
  }
  return said;
}

/**
 * Where the runs are killed: after each turn and answer of an agent, in the middle of writing down an answer, every other
 * turn and the end of each stage, and after some of the other records.
 */
function killsOf(records: readonly string[]): Kill[] {
  const isOf = (record: string, ...types: string[]): boolean => types.includes(record.split(' ')[1] ?? '');
  const turns = records.filter((record) => isOf(record, 'turn'));
  const others = records.filter((record) => !isOf(record, 'turn', 'answer', 'done'));
  return records.flatMap((record): Kill[] => {
    const after = { when: 'after', record } as const;
    const torn = { when: 'torn', record } as const;
    if (isOf(record, 'answer')) return [torn, after];
    if (isOf(record, 'turn')) return turns.indexOf(record) % 2 === 0 ? [torn, after] : [after];
    if (isOf(record, 'done')) return [torn];
    return others.indexOf(record) % EVERY === 0 ? [after] : [];
  });
}

describe('agents: a whole run whose process is killed', function () {
  this.timeout(900_000);

  it('ends as if nothing had happened, wherever it was killed', async () => {
    const calm = await runKilled([]);
    assert.equal(calm.end.status, 'published');
    assert.equal(calm.answered, calm.end.requests);
    const kills = killsOf(calm.appended);
    assert.ok(kills.length > 50, `${kills.length} kills`);
    const runs = Array.from({ length: RUNS }, (_, run) => kills.filter((_kill, at) => at % RUNS === run));
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
        await killedRun(calm, run).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (failures.length > 0) throw failures[0];
  });
});

/** A run that is killed in these places ends as the calm one did, and asks only for what it had not got. */
async function killedRun(calm: Ran, kills: readonly Kill[]): Promise<void> {
  const ran = await runKilled(kills);
  const where = `killed ${kills.map(named).join('; ')}`;
  for (const part of ['connector', 'artifacts', 'transcripts'] as const) {
    assert.deepEqual(Object.keys(ran.end[part]), Object.keys(calm.end[part]), where);
    for (const [path, content] of Object.entries(calm.end[part])) {
      assert.deepEqual(ran.end[part][path], content, `${path}, ${where}`);
    }
  }
  assert.deepEqual(ran.end, calm.end, where);
  assert.deepEqual([...new Set(ran.begun)], calm.begun, where);
  // An answer that had come but not been written down has to be asked for again; any other is not.
  const lost = kills.filter(({ when, record }) => when === 'torn' && / turn /.test(record)).length;
  assert.equal(ran.answered - calm.answered, lost, where);
}
