/**
 * Many whole runs in one process, as an editor's host makes them over weeks: with rules, of a connector in miniature, in
 * real environments, with real tests, packages and commits. What is left of them is measured around each run.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  GateName,
  Limits,
  type PipelineDependencies,
  type RunRequest,
} from '../../src/pipeline/contracts.ts';
import { startRun } from '../../src/pipeline/run.ts';
import { ProcessRunner } from '../../src/python/process-runner.ts';
import { createRulesStages } from '../../src/stages/rules.ts';
import { snapshotHook } from '../../src/workspace/snapshots/index.ts';
import { miniConnector } from '../unit/stages/support/mini-connector.ts';
import { isLeftover } from './leftovers.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const DESCRIPTION = join(root, 'test', 'agents', 'pipeline', 'fixtures', 'harbour.openapi.yaml');

/** What a process holds, when nothing runs in it. */
export interface Held {
  /** Open file descriptors; 0 where the system does not tell. */
  readonly descriptors: number;
  /** Handles and requests that keep Node awake, by kind. */
  readonly resources: readonly string[];
  /** Processes below this one. */
  readonly children: readonly string[];
  /** Names in the folder for temporary files. */
  readonly temporary: readonly string[];
  /** Bytes of the heap after a collection; of the whole process in `rss`. */
  readonly heap: number;
  readonly rss: number;
}

export interface Soaked {
  readonly before: Held;
  /** After each run, or each batch of runs side by side. */
  readonly after: readonly Held[];
  /** Files in workspaces that a run leaves only when it dies: halves and locks. */
  readonly halves: readonly string[];
  readonly durationsMs: readonly number[];
}

async function childrenOf(parent: number): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(ppid) !== parent) continue;
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // What tsx keeps for itself is not ours.
    if (!/esbuild/.test(words)) found.push(`${state} ${words.replaceAll('\0', ' ').trim()}`);
  }
  return found;
}

async function descriptors(): Promise<number> {
  const all = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  // The listing itself has one open, which is gone by the time it is looked at.
  return targets.filter((target) => target !== '' && !/\/proc\//.test(target)).length;
}

export async function held(): Promise<Held> {
  // Ends of processes and streams are told to Node a moment later.
  await new Promise((done) => setTimeout(done, 300));
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    descriptors: await descriptors(),
    resources: process.getActiveResourcesInfo().sort(),
    children: await childrenOf(process.pid),
    temporary: await readdir(tmpdir()),
    heap: heapUsed,
    rss,
  };
}

function dependencies(): PipelineDependencies {
  const log = (): void => undefined;
  const stages = createRulesStages({
    runner: new ProcessRunner({ write: () => undefined }),
    templateDir: join(root, 'src', 'blueprint', 'template'),
    log,
    environment: process.env,
    compile: () => miniConnector(),
  });
  return { stages: () => stages, now: () => new Date(), log, snapshots: snapshotHook(log) };
}

/** One run in a workspace of its own, from a description to a commit. @returns what it should not have left */
async function once(parent: string): Promise<string[]> {
  const workspace = await mkdtemp(join(parent, 'work-'));
  try {
    await cp(DESCRIPTION, join(workspace, 'harbour.openapi.yaml'));
    const git = (...words: string[]) => run('git', words, { cwd: workspace });
    await git('init', '-q', '-b', 'main');
    await git(
      '-c',
      'user.name=Test',
      '-c',
      'user.email=test@localhost',
      'commit',
      '-qm',
      'x',
      '--allow-empty',
    );
    const request: RunRequest = {
      source: { kind: 'description', location: join(workspace, 'harbour.openapi.yaml') },
      workspace,
      outDir: join(workspace, 'connectors'),
      name: 'tides',
      engine: 'rules',
      gates: Object.fromEntries(GateName.options.map((gate) => [gate, 'auto' as const])),
      limits: Limits.parse({ mutants: 0, conformance: false }),
      probe: false,
    };
    const pipeline = await startRun(request, dependencies());
    const view = await pipeline.settled();
    await pipeline.dispose();
    assert.equal(view.status, 'published', JSON.stringify(view.pause ?? view.error));
    const files = await readdir(workspace, { recursive: true });
    return files.filter((path) => isLeftover(path) && !path.includes('.git/'));
  } finally {
    await rm(workspace, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** @param tell receives a line after each run or batch */
export async function soak(
  {
    inTurn,
    sideBySide,
    batches,
  }: { readonly inTurn: number; readonly sideBySide: number; readonly batches: number },
  tell: (line: string) => void = () => undefined,
): Promise<Soaked> {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-soak-')));
  const usual = process.env['TMPDIR'];
  await mkdir(join(home, 'tmp'));
  process.env['TMPDIR'] = join(home, 'tmp');
  const after: Held[] = [];
  const halves: string[] = [];
  const durationsMs: number[] = [];
  try {
    // What is loaded and kept once is no leak.
    halves.push(...(await once(home)));
    const before = await held();
    const measure = async (name: string, runs: readonly (() => Promise<string[]>)[]): Promise<void> => {
      const began = performance.now();
      for (const left of await Promise.all(runs.map((one) => one()))) halves.push(...left);
      durationsMs.push(performance.now() - began);
      const now = await held();
      after.push(now);
      const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
      tell(
        `${name.padEnd(8)} ${((durationsMs.at(-1) ?? 0) / 1000).toFixed(1)} s, ${now.descriptors} descriptors, ` +
          `${now.children.length} processes, ${now.temporary.length} temporary files, heap ${megabytes(now.heap)} MB, rss ${megabytes(now.rss)} MB`,
      );
    };
    for (let n = 1; n <= inTurn; n += 1) await measure(`run ${n}`, [() => once(home)]);
    for (let n = 1; n <= batches; n += 1) {
      await measure(
        `batch ${n}`,
        Array.from({ length: sideBySide }, () => () => once(home)),
      );
    }
    return { before, after, halves, durationsMs };
  } finally {
    if (usual === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usual;
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Heap that a run may add, on average over the runs after the first half, in bytes. */
const GROWTH = 256 * 1024;

/** Throws where something has been left or has grown. */
export function judge({ before, after, halves }: Soaked): void {
  assert.deepEqual(halves, []);
  for (const now of after) {
    assert.deepEqual(now.children, [], 'processes');
    assert.deepEqual(now.temporary, [], 'temporary files');
    assert.ok(
      now.descriptors <= before.descriptors,
      `${before.descriptors} → ${now.descriptors} descriptors`,
    );
    assert.ok(
      now.resources.length <= before.resources.length,
      `${before.resources.join()} → ${now.resources.join()}`,
    );
  }
  const half = after[Math.floor((after.length - 1) / 2)] ?? before;
  const last = after.at(-1) ?? before;
  const runs = Math.max(1, after.length - 1 - Math.floor((after.length - 1) / 2));
  const growth = (last.heap - half.heap) / runs;
  assert.ok(
    globalThis.gc === undefined || growth < GROWTH,
    `the heap grows by ${Math.round(growth)} bytes a run`,
  );
}
