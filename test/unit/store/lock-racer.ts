/**
 * A process that takes part in races for locks, `<folder>/<round>/lock`, and keeps what it wins. It says that it is ready,
 * and begins when it is told the time of the first race on its standard input; it ends when its input does.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SourcewrightError } from '../../../src/errors.ts';
import { type Lock, takeLock } from '../../../src/store/lock.ts';

const [folder = '', rounds = '0', every = '0'] = process.argv.slice(2);
const won = new Map<number, Lock>();

async function race(begin: number): Promise<void> {
  const refused: number[] = [];
  const errors: string[] = [];
  for (let round = 0; round < Number(rounds); round += 1) {
    const at = begin + round * Number(every);
    await new Promise((done) => setTimeout(done, Math.max(0, at - Date.now() - 5)));
    while (Date.now() < at); // all at the same moment
    try {
      won.set(round, await takeLock(join(folder, String(round), 'lock'), 'The thing', 'races'));
    } catch (error) {
      if (error instanceof SourcewrightError && error.code === 'locked') refused.push(round);
      else errors.push(String(error));
    }
  }
  const held: number[] = [];
  for (const [round, lock] of won) if (await lock.isHeld()) held.push(round);
  process.stdout.write(`${JSON.stringify({ won: [...won.keys()], held, refused, errors })}\n`);
}

process.stdout.write('ready\n');
createInterface({ input: process.stdin })
  .on('line', (line) => void race(Number(line)))
  .on('close', () => process.exit());
