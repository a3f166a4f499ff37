/** Entry of the suite inside the editor: runs mocha and leaves the results where the launcher looks for them. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

interface Outcome {
  readonly title: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly error?: string;
}

/** Called by the extension host; a rejection makes it end with exit code 1. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, color: false });
  const grep = process.env['SOURCEWRIGHT_GREP'];
  if (grep !== undefined) mocha.grep(grep);
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.js')) mocha.addFile(join(__dirname, name));
  }
  const tests: Outcome[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on('pass', (test) => {
      tests.push({ title: test.fullTitle(), ok: true, ms: test.duration ?? 0 });
    });
    runner.on('fail', (test, error: Error) => {
      tests.push({
        title: test.fullTitle(),
        ok: false,
        ms: test.duration ?? 0,
        error: error.stack ?? error.message,
      });
    });
  });
  const file = process.env['SOURCEWRIGHT_SUITE_RESULT'];
  if (file !== undefined) writeFileSync(file, JSON.stringify({ failures, tests }, null, 2));
  if (failures > 0) throw new Error(`${failures} tests failed.`);
}
