/** The second judge of a defect: our conformance suite, ended at the first check that fails. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { conformanceFolder } from '../../src/conformance/conform.ts';
import type { Verdict } from './generated-tests.ts';

/** Seconds for each check; one that takes longer has failed. */
const CHECK_LIMIT = 60;

/** Judges a connector; `python` has the packages of its `requirements-dev.txt`. */
export async function conformanceSuite(python: string, dir: string): Promise<Verdict> {
  const home = await mkdtemp(join(tmpdir(), 'sourcewright-liars-'));
  try {
    return await judge(python, dir, join(home, 'report.json'));
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

function judge(python: string, dir: string, report: string): Promise<Verdict> {
  const words = ['--connector', dir, '--report', report, '--time-limit', String(CHECK_LIMIT)];
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-m', 'conformance', ...words], {
      env: { ...process.env, PYTHONPATH: conformanceFolder() },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let noticed: string | undefined;
    let last = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      last = line;
      const failed = /^failed\s+(\S+)$/.exec(line)?.[1];
      if (failed === undefined || noticed !== undefined) return;
      noticed = failed;
      child.kill('SIGTERM');
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (noticed !== undefined) resolve({ killed: true, by: noticed });
      else if (code === 0) resolve({ killed: false, by: 'all passed' });
      // A check that broke says nothing of the connector: that is no kill.
      else resolve({ killed: false, by: `exit ${String(code)}: ${last}` });
    });
  });
}
