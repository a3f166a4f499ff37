/**
 * Loaded before the built program (`NODE_OPTIONS=--import=…`): its clock is off by as many milliseconds as the file in
 * `TEST_CLOCK` says, and is set whenever a test writes another number there. Timers stay what they are: the system's, too,
 * do not follow its clock.
 */
import { readFileSync } from 'node:fs';

const file = process.env.TEST_CLOCK;
const RealDate = Date;

function offset() {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

class SetDate extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(SetDate.now());
    else super(...given);
  }
  static now() {
    return RealDate.now() + offset();
  }
}

if (file !== undefined) globalThis.Date = SetDate;
