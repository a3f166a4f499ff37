/**
 * A workspace with a git repository in which a run is made by the built program, killed as often as it is told, resumed,
 * and looked at in the end.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readJournal } from '../../../src/pipeline/journal.ts';
import { nodeFiles } from '../../../src/store/files.ts';
import type { RunSummary } from '../../../src/terminal/summary.ts';
import { SnapshotStore } from '../../../src/workspace/snapshots/index.ts';
import { type Kill, named, sit, type Sitting } from './sitting.ts';

const run = promisify(execFile);
const fixtures = fileURLToPath(new URL('../../', import.meta.url));

/** What a run is made of. */
export interface Subject {
  /** Path of the description below `test/`. */
  readonly description: string;
  /** Words behind `generate <description>`. */
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Requests that a model has answered so far; absent where none is asked. */
  readonly answered?: () => number;
}

export const LIBRARY: Subject = {
  description: 'fixtures/workspace/library.openapi.yaml',
  words: ['--streams', 'books', '--auto', '--mutants', '0', '--no-conformance', '--json'],
};

/** What must be the same in the end, wherever the run was killed. */
export interface End {
  readonly status: string;
  /** Steps of the journal, each once: `done test GENERATE 1`. */
  readonly journal: readonly string[];
  readonly connector: Record<string, string>;
  readonly artifacts: Record<string, string>;
  /** Branches with the number of their commits, and whether anything else was touched. */
  readonly git: readonly string[];
  /** Each with the number of its files. */
  readonly snapshots: readonly string[];
}

export interface Ran {
  readonly end: End;
  readonly sittings: readonly Sitting[];
  /** How often each step of the pipeline began: `test 1`. */
  readonly begun: Readonly<Record<string, number>>;
  readonly requests: number;
  /** What is left in the folder for temporary files. */
  readonly left: readonly string[];
}

export class World {
  readonly workspace: string;
  readonly #home: string;
  readonly #subject: Subject;
  readonly sittings: Sitting[] = [];

  private constructor(home: string, subject: Subject) {
    this.#home = home;
    this.workspace = join(home, 'work');
    this.#subject = subject;
  }

  static async make(subject: Subject): Promise<World> {
    const home = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-kill-')));
    const world = new World(home, subject);
    await mkdir(world.workspace);
    await mkdir(world.temporary);
    await cp(join(fixtures, subject.description), join(world.workspace, basename(subject.description)));
    await world.git('init', '-q', '-b', 'main');
    await world.git('add', '.');
    await world.git('-c', 'user.name=Test', '-c', 'user.email=test@localhost', 'commit', '-q', '-m', 'Begin');
    return world;
  }

  /** Where the program puts its temporary files. */
  get temporary(): string {
    return join(this.#home, 'tmp');
  }

  async git(...words: string[]): Promise<string> {
    return (await run('git', words, { cwd: this.workspace })).stdout.trim();
  }

  /** Id of the newest run that has begun: its journal has a first line. */
  async begun(): Promise<string | undefined> {
    const runs = join(this.workspace, '.sourcewright', 'runs');
    for (const name of (await readdir(runs).catch(() => [])).sort().reverse()) {
      const text = await readFile(join(runs, name, 'journal.jsonl'), 'utf8').catch(() => '');
      if (text.includes('\n')) return name;
    }
    return undefined;
  }

  /** What a person does: begins the run where it never came to be, and else resumes it. */
  async sit(kill?: Kill): Promise<Sitting> {
    const begun = await this.begun();
    const fresh = ['generate', basename(this.#subject.description), ...this.#subject.words];
    const sitting = await sit(begun === undefined ? fresh : ['resume', begun, '--json'], {
      cwd: this.workspace,
      log: join(this.#home, `steps-${this.sittings.length}.log`),
      env: { ...this.#subject.env, TMPDIR: this.temporary },
      kill,
    });
    this.sittings.push(sitting);
    return sitting;
  }

  async end(): Promise<Ran> {
    const last = this.sittings.at(-1);
    assert.equal(last?.exitCode, 0, last?.stderr);
    const summary = JSON.parse(last.stdout) as RunSummary;
    const { runDir, connector, run: runId } = summary;
    assert.ok(runDir !== null && connector.dir !== null && runId !== null);
    const { records } = await readJournal(runDir, nodeFiles);
    const begun: Record<string, number> = {};
    const journal = new Set<string>();
    for (const record of records) {
      if (record.type === 'started') {
        const key = `${record.stage} ${record.attempt}`;
        begun[key] = (begun[key] ?? 0) + 1;
        journal.add(`started ${key} ${record.mode}`);
      } else if (record.type === 'done') journal.add(`done ${record.stage} ${record.attempt}`);
      else if (record.type === 'decided') journal.add(`decided ${record.gate} ${record.decision.kind}`);
      else if (!['paused', 'resumed', 'note'].includes(record.type)) journal.add(record.type);
    }
    const plain = plainly(runId, this.workspace);
    const own = /^(journal\.jsonl|run\.json|usage\.json|lock|transcripts\/.*|.*\.tmp)$/;
    return {
      end: {
        status: summary.status,
        journal: [...journal],
        connector: await contents(connector.dir, plain, () => true),
        artifacts: await contents(runDir, plain, (path) => !own.test(path)),
        git: await this.#repository(plain),
        snapshots: await this.#snapshots(connector.dir),
      },
      sittings: this.sittings,
      begun,
      requests: this.#subject.answered?.() ?? 0,
      left: await readdir(this.temporary),
    };
  }

  async #repository(plain: (text: string) => string): Promise<string[]> {
    const branches = (await this.git('for-each-ref', '--format=%(refname)')).split('\n');
    const told: string[] = [];
    for (const branch of branches) {
      const commits = await this.git('rev-list', '--count', branch);
      const names = await this.git('ls-tree', '-r', '--name-only', branch);
      told.push(
        `${branch}: ${commits} commits`,
        plain(await this.git('log', '-1', '--format=%B', branch)),
        names,
      );
    }
    return [...told, await this.git('symbolic-ref', 'HEAD'), await this.git('status', '--porcelain')];
  }

  async #snapshots(connectorDir: string): Promise<string[]> {
    const kept = await new SnapshotStore(this.workspace).list(connectorDir);
    return kept.map(({ stage, attempt, phase, files }) => `${stage} ${attempt} ${phase}: ${files.length}`);
  }

  /** Processes that work in the workspace or its temporary folder. Linux only; elsewhere none are seen. */
  async strays(): Promise<string[]> {
    const found: string[] = [];
    for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
      if (cwd.startsWith(this.#home) || words.includes(this.#home)) found.push(`${pid} ${words}`);
    }
    return found;
  }

  async remove(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** A text without what differs from run to run: ids, paths, times, hashes of what holds times. */
function plainly(runId: string, workspace: string): (text: string) => string {
  return (text) =>
    text
      .replaceAll(runId, '<run>')
      .replaceAll(workspace, '<workspace>')
      .replace(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, '<time>')
      .replace(/("duration(Ms)?": ?)[\d.]+/g, '$1<duration>')
      .replace(/^\| Time of the tests \|.*$/gm, '<time of the tests>')
      .replace(/("commit": ?)"[0-9a-f]{40}"/g, '$1<commit>')
      .replace(/\$\d+\.\d\d/g, '<dollars>');
}

async function contents(
  folder: string,
  plain: (text: string) => string,
  wanted: (path: string) => boolean,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1).replaceAll('\\', '/');
    if (!entry.isFile() || !wanted(name)) continue;
    found[plain(name)] = /\.(whl|gz)$/.test(path)
      ? 'a package'
      : withoutHashes(name, plain(await readFile(path, 'utf8')));
  }
  return Object.fromEntries(Object.entries(found).sort());
}

/** A run from its beginning to its end, killed at each of these steps in turn, and resumed each time. */
export async function killed(
  subject: Subject,
  kills: readonly Kill[],
  tell: (line: string) => void = () => undefined,
): Promise<Ran> {
  const world = await World.make(subject);
  try {
    for (const kill of kills) {
      const sitting = await world.sit(kill);
      tell(`${named(kill).padEnd(48)} ${(sitting.durationMs / 1000).toFixed(1).padStart(6)} s`);
      assert.equal(sitting.exitCode, null, `was not killed ${named(kill)}:\n${sitting.stderr}`);
    }
    const last = await world.sit();
    tell(`${'to its end'.padEnd(48)} ${(last.durationMs / 1000).toFixed(1).padStart(6)} s`);
    return await world.end();
  } finally {
    await world.remove();
  }
}

/** Kills at a line of the journal, of which nothing is half done. */
const isLine = ({ what }: Kill): boolean => what.startsWith('journal.jsonl ');

/** The disturbed run must have ended as the undisturbed one did, and must not have done more than it had to. */
export function compare(calm: Ran, disturbed: Ran, kills: readonly Kill[]): void {
  const where = `killed ${kills.map(named).join('; ')}`;
  for (const part of ['connector', 'artifacts'] as const) {
    assert.deepEqual(Object.keys(disturbed.end[part]), Object.keys(calm.end[part]), where);
    for (const [path, content] of Object.entries(calm.end[part])) {
      assert.equal(disturbed.end[part][path], content, `${path}, ${where}`);
    }
  }
  // What a step had half done when it was killed is kept as well: there may be more snapshots, but not fewer.
  const snapshots = kills.every(isLine)
    ? disturbed.end.snapshots
    : calm.end.snapshots.filter((one) => disturbed.end.snapshots.includes(one));
  assert.deepEqual({ ...disturbed.end, snapshots }, calm.end, where);
  for (const [step, times] of Object.entries(disturbed.begun)) {
    const ended = `journal.jsonl done ${step}`;
    const sat = disturbed.sittings.map(({ steps }) => steps.includes(ended));
    // A step begins again after each kill before its end is written down, and never after that.
    assert.ok(times <= sat.indexOf(true) + 1, `${step} began ${times} times, ${where}`);
    assert.equal(sat.filter(Boolean).length, 1, `${ended}, ${where}`);
  }
  // An answer that had come but not been written down has to be asked for again; any other is not.
  const lost = kills.filter(({ when, what }) => when !== 'after' && / turn /.test(what)).length;
  assert.equal(disturbed.requests - calm.requests, lost, `requests to a model, ${where}`);
}

/** The record of publishing has hashes and sizes of files whose times are made plain here; the files are compared themselves. */
function withoutHashes(name: string, text: string): string {
  return name.endsWith('provenance.json')
    ? text.replace(/"[0-9a-f]{40,64}"/g, '<hash>').replace(/("bytes": )\d+/g, '$1<bytes>')
    : text;
}
