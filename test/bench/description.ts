/**
 * How long research (reading and rules) of a description takes, and research with generation (compiling the files of
 * the connector), beside what the plain parser alone takes; how much memory; and how long the calling thread stands
 * still while the worker works.
 *
 *   node --import tsx test/bench/description.ts <file> [--worker dist/description-worker.mjs] [--json]
 *
 * Every measurement runs in a process of its own, so that none warms up or fills the memory of another. Times are the
 * median of five. Without a file, the largest `openapi.*` below SOURCEWRIGHT_CORPUS is taken, and without that the
 * largest that a development dependency ships.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import yaml from 'js-yaml';
import { compileConnector } from '../../src/blueprint/compiler/compile.ts';
import { researchDescription } from '../../src/openapi/research.ts';
import { largestDescription } from './largest-description.ts';

type Mode = 'parser' | 'thread' | 'worker' | 'generation';
interface Measured {
  readonly ms: number;
  readonly peakMb: number;
  /** Longest time that a timer of 5 ms came late. */
  readonly stallMs: number;
}

const ROUNDS = 5;
const root = join(import.meta.dirname, '../..');
const TEMPLATE = join(root, 'src/blueprint/template');

/** One measurement, in the process of its own. */
async function measure(mode: Mode, file: string, worker: string): Promise<Measured> {
  let stallMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    stallMs = Math.max(stallMs, performance.now() - last - 5);
    last = performance.now();
  }, 5);
  const started = performance.now();
  if (mode === 'parser') {
    const text = readFileSync(file, 'utf8');
    if (/^\s*[{[]/.test(text)) JSON.parse(text);
    else yaml.load(text, { schema: yaml.CORE_SCHEMA });
  } else {
    const blueprint = await researchDescription(file, mode === 'worker' ? { worker } : {});
    if (mode === 'generation') compileConnector(blueprint, { templateDir: TEMPLATE });
  }
  const ms = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 10));
  clearInterval(timer);
  return { ms, peakMb: process.resourceUsage().maxRSS / 1024, stallMs };
}

function measureApart(mode: Mode, file: string, worker: string): Measured {
  const self = fileURLToPath(import.meta.url);
  const runs = Array.from({ length: ROUNDS }, () => {
    const args = ['--import', 'tsx', self, '--measure', mode, file, worker];
    const output = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1e6 });
    return JSON.parse(output) as Measured;
  });
  const median = (pick: (run: Measured) => number): number =>
    runs.map(pick).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
  return {
    ms: median((run) => run.ms),
    peakMb: median((run) => run.peakMb),
    stallMs: median((run) => run.stallMs),
  };
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === '--measure') {
    const [, mode, file = '', worker = ''] = args;
    process.stdout.write(JSON.stringify(await measure(mode as Mode, file, worker)));
    return 0;
  }
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const worker = option('--worker') ?? 'dist/description-worker.mjs';
  const named = args.find((arg, index) => !arg.startsWith('--') && args[index - 1] !== '--worker');
  const file = named ?? largestDescription();
  if (!existsSync(file)) {
    console.error(
      'Name a description, or set SOURCEWRIGHT_CORPUS to a folder of folders with an openapi.json or .yaml each.',
    );
    return 2;
  }
  const modes: Mode[] = [
    'parser',
    'thread',
    ...(existsSync(worker) ? ['worker' as const] : []),
    'generation',
  ];
  if (!modes.includes('worker'))
    console.error(`No worker at ${worker}: run "npm run build" to measure it as well.`);
  const results = Object.fromEntries(modes.map((mode) => [mode, measureApart(mode, file, worker)]));
  const parser = results.parser?.ms ?? 1;
  const rows = modes.map((mode) => {
    const { ms = 0, peakMb = 0, stallMs = 0 } = results[mode] ?? {};
    return {
      mode,
      ms: Math.round(ms),
      ratio: Number((ms / parser).toFixed(2)),
      peakMb: Math.round(peakMb),
      stallMs: Math.round(stallMs),
    };
  });
  const kilobytes = Math.round(statSync(file).size / 1024);
  if (args.includes('--json')) console.log(JSON.stringify({ file, kilobytes, rows }));
  else {
    console.log(`${file} (${kilobytes} KB); times are the median of ${ROUNDS}`);
    console.table(rows);
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
