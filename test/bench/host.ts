/**
 * What a run asks of the process that the editor's extensions share: how long its event loop stands still in each stage
 * with a large description, whether its memory grows from run to run, and how large the bundles are. The built engine
 * runs as the editor loads it; only the integrated terminal is a plain child process here.
 *
 *   node --expose-gc --import tsx test/bench/host.ts [description] [--runs 20]
 *
 * Without a file, the largest `openapi.*` below SOURCEWRIGHT_CORPUS is taken, and without that the largest that a
 * development dependency ships. Build first: `node esbuild.mjs --production` for the sizes that people get.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type * as engineModule from '../../src/editor/engine.ts';
import type { PipelineDependencies, RunRequest, RunView } from '../../src/pipeline/contracts.ts';
import { ProcessRunner } from '../../src/python/process-runner.ts';
import { largestDescription } from './largest-description.ts';

const root = join(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');
const SMALL = join(root, 'test', 'fixtures', 'workspace', 'library.openapi.yaml');
/** A timer that comes later than this has kept the person's editor waiting. */
const LIMIT_MS = 50;
const TICK_MS = 5;

interface Stall {
  readonly ms: number;
  readonly during: string;
}

/** Notes for each activity the longest time that the event loop stood still. */
class Watch {
  readonly worst = new Map<string, number>();
  during = 'loading the engine';
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    this.note(now - this.#last - TICK_MS);
    this.#last = now;
  }, TICK_MS);

  note(ms: number): void {
    if (ms > (this.worst.get(this.during) ?? 0)) this.worst.set(this.during, ms);
  }
  stop(): Stall[] {
    clearInterval(this.#timer);
    return [...this.worst].map(([during, ms]) => ({ ms: Math.round(ms), during }));
  }
}

function dependenciesOf(engine: typeof engineModule): PipelineDependencies {
  const silent = (): void => undefined;
  return {
    now: () => new Date(),
    log: silent,
    stages: () =>
      engine.createRulesStages({
        runner: new ProcessRunner({ write: silent }),
        templateDir: join(dist, 'template'),
        descriptionWorker: join(dist, 'description-worker.mjs'),
        worker: join(dist, 'worker.mjs'),
        log: silent,
      }),
  };
}

async function wholeRun(
  engine: typeof engineModule,
  description: string,
  onChange: (view: RunView) => void,
): Promise<RunView> {
  const workspace = await mkdtemp(join(tmpdir(), 'sourcewright-bench-'));
  const request: RunRequest = {
    source: { kind: 'description', location: description },
    workspace,
    outDir: join(workspace, 'connectors'),
    engine: 'rules',
    gates: { research: 'auto', code: 'auto', tests: 'auto', review: 'auto', draft: 'auto', publish: 'auto' },
    limits: { testFixes: 3, codeFixes: 3, reviewCycles: 2, reResearch: 1 },
    probe: false,
  };
  try {
    const run = await engine.startRun(request, dependenciesOf(engine));
    const stop = run.onChange(onChange);
    const view = await run.settled();
    stop();
    await run.dispose();
    return view;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

function heapMb(): number {
  if (globalThis.gc === undefined) throw new Error('Start this with node --expose-gc.');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

async function main(args: readonly string[]): Promise<number> {
  const at = args.indexOf('--runs');
  const runs = at < 0 ? 20 : Number(args[at + 1]);
  const named = args.find((word, index) => !word.startsWith('--') && args[index - 1] !== '--runs');
  const description = named ?? largestDescription();
  if (!existsSync(join(dist, 'engine.cjs'))) throw new Error('Build first: node esbuild.mjs');

  const sizes = [...readdirSync(dist), ...readdirSync(join(dist, 'webview')).map((name) => `webview/${name}`)]
    .filter((name) => /\.[cm]?js$/.test(name))
    .map((name) => `${name} ${Math.round(statSync(join(dist, name)).size / 1024)} kB`);
  console.log(`Bundles: ${sizes.join(', ')}`);

  const watch = new Watch();
  const engine = createRequire(import.meta.url)(join(dist, 'engine.cjs')) as typeof engineModule;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const size = (statSync(description).size / 1024 / 1024).toFixed(1);
  watch.during = 'starting';
  const view = await wholeRun(engine, description, ({ stages }) => {
    watch.during = stages.find(({ state }) => state === 'running')?.stage ?? watch.during;
  });
  const stalls = watch.stop().filter(({ during }) => during !== 'loading the engine');
  console.log(`\nOne run of ${description} (${size} MB): ${view.status}`);
  console.log('| during | longest stall, ms |\n| --- | --- |');
  for (const { during, ms } of stalls) console.log(`| ${during} | ${ms} |`);

  const heaps: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const { status } = await wholeRun(engine, SMALL, () => undefined);
    if (status !== 'published') console.log(`Run ${run + 1} ended ${status}.`);
    heaps.push(heapMb());
  }
  if (heaps.length > 0) {
    const [first = 0] = heaps;
    const growth = (heaps.at(-1) ?? first) - first;
    console.log(`\nHeap after each of ${runs} runs, MB: ${heaps.map((mb) => mb.toFixed(1)).join(' ')}`);
    console.log(`Growth from the first to the last: ${growth.toFixed(1)} MB`);
  }
  const late = stalls.filter(({ ms }) => ms > LIMIT_MS);
  if (late.length > 0) console.log(`\nOver ${LIMIT_MS} ms: ${late.map(({ during }) => during).join(', ')}`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
