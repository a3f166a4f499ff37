/** `npm run soak [-- <runs in turn> <side by side> <batches>]`: 50 runs in turn, then 4 side by side, and what is left. */
import { judge, soak } from './runs.ts';

const [inTurn = 50, sideBySide = 4, batches = 3] = process.argv.slice(2).map(Number);
const soaked = await soak({ inTurn, sideBySide, batches }, (line) => process.stdout.write(`${line}\n`));
judge(soaked);
process.stdout.write('Nothing is left, and nothing grows.\n');
