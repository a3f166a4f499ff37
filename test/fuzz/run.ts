/**
 * Reads, understands and compiles mutated descriptions, each within a limit of time and memory, and says what came of them.
 *
 *   npm run fuzz -- [--count 1000] [--seed 1] [--only 17] [--seconds 30] [--heap 768]
 *
 * Exit code 1 where one crashed, hung or ran out of memory. `--only` does one case again and prints all of it. The
 * descriptions are those that development dependencies ship, and those below SOURCEWRIGHT_CORPUS.
 */
import { parseArgs } from 'node:util';
import { basename, dirname } from 'node:path';
import { Judge, type Result } from './pool.ts';
import { casesOf, sources } from './sources.ts';

const DEFECTS: ReadonlySet<Result['outcome']> = new Set(['crashed', 'hung', 'died']);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      seconds: { type: 'string', default: '30' },
      heap: { type: 'string', default: '768' },
    },
  });
  const cases = casesOf(Number(values.count), Number(values.seed), sources());
  const chosen =
    values.only === undefined ? cases : cases.filter(({ index }) => index === Number(values.only));
  const judge = new Judge({ timeMs: Number(values.seconds) * 1000, heapMb: Number(values.heap) });
  const results: Result[] = [];
  try {
    for (const one of chosen) {
      const result = await judge.judge(one);
      results.push(result);
      const name = `${basename(dirname(one.path))}/${basename(one.path)}`;
      if (DEFECTS.has(result.outcome) || values.only !== undefined)
        process.stdout.write(
          `${one.index} ${name} seed ${one.seed}: ${result.outcome} after ${result.ms.toFixed(0)} ms (${result.changes.join(', ')})\n${result.detail}\n`,
        );
      if (results.length % 50 === 0) process.stderr.write(`${results.length} of ${chosen.length}\n`);
    }
  } finally {
    judge.close();
  }
  report(results);
  return results.some(({ outcome }) => DEFECTS.has(outcome)) ? 1 : 0;
}

function report(results: readonly Result[]): void {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const times = results.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(0);
  const rss = Math.max(0, ...results.map(({ rssMb }) => rssMb));
  process.stdout.write(
    `${results.length} cases: ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ')}\n` +
      `time of one: median ${at(0.5)} ms, 95 of 100 below ${at(0.95)} ms, longest ${at(1)} ms; memory at most ${rss.toFixed(0)} MB\n`,
  );
}

process.exitCode = await main();
