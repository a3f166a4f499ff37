/** The clock of the machine is set while the built program works: forwards, backwards, and wrong from the beginning. */
import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeFiles } from '../../src/store/files.ts';
import { readJournal } from '../../src/pipeline/journal.ts';
import type { RunSummary } from '../../src/terminal/summary.ts';
import { LOOPBACK_KEY, LoopbackServer } from '../agents/loopback/index.ts';
import { HAPPY } from '../agents/pipeline/harbour.ts';
import { scripts } from '../agents/pipeline/support.ts';
import { only, type Outcome, removeFolder, root, sourcewright, temporaryFolder } from './program.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const said = (outcome: Outcome): RunSummary => only(outcome) as unknown as RunSummary;

describe('a clock that is set', function () {
  this.slow(60_000);
  let folder = '';
  let env: Record<string, string> = {};
  beforeEach(async () => {
    folder = await temporaryFolder();
    env = {
      TEST_CLOCK: join(folder, 'clock'),
      NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'set-clock.mjs')).href}`,
    };
  });
  afterEach(() => removeFolder(folder));

  const setClock = (offset: number): Promise<void> => writeFile(env['TEST_CLOCK'] ?? '', String(offset));
  const library = async (): Promise<string> => {
    const path = join(root, 'test', 'fixtures', 'workspace', 'library.openapi.yaml');
    await copyFile(path, join(folder, 'library.yaml'));
    return 'library.yaml';
  };

  it('forwards and backwards between the stages: the run ends well, no time goes back, and durations are true', async () => {
    await setClock(0);
    const jumps: Record<string, number> = { generate: 30 * DAY, test: -400 * DAY, review: 2 * HOUR };
    const jumped = new Set<string>();
    const outcome = await sourcewright(
      ['generate', await library(), '--streams', 'books', '--auto', '--json'],
      {
        cwd: folder,
        env,
        onStderr: (text) => {
          for (const [stage, offset] of Object.entries(jumps)) {
            if (jumped.has(stage) || !new RegExp(`^ +${stage} +…`, 'm').test(text)) continue;
            jumped.add(stage);
            void setClock(offset);
          }
        },
      },
    );
    assert.equal(outcome.exitCode, 0, outcome.stderr);
    assert.equal(jumped.size, 3);
    const { status, runDir } = said(outcome);
    assert.equal(status, 'published');
    const { records } = await readJournal(runDir ?? '', nodeFiles);
    const times = records.map(({ at }) => at);
    assert.deepEqual(times, [...times].sort());
    for (const record of records) {
      if (record.type !== 'done') continue;
      const { stage, durationMs } = record;
      assert.ok(durationMs >= 0 && durationMs <= outcome.durationMs, `${stage}: ${durationMs} ms`);
    }
  });

  it('back by a month between two runs: the latest run is the one that was begun last', async () => {
    const begin = async (name: string): Promise<RunSummary> =>
      said(await sourcewright(['generate', await library(), '--name', name, '--json'], { cwd: folder, env }));
    await setClock(0);
    await begin('first');
    await setClock(-30 * DAY);
    const second = await begin('second');
    const shown = await sourcewright(['resume', 'latest', '--approve', 'research', '--json'], {
      cwd: folder,
      env,
    });
    assert.equal(shown.exitCode, 3, shown.stderr);
    assert.deepEqual([said(shown).run, said(shown).gate], [second.run, 'code']);
  });

  it('an hour slow, where a model says by date when it may be asked again: it is waited for as long as it says', async () => {
    await copyFile(
      join(root, 'test', 'agents', 'pipeline', 'fixtures', 'harbour.openapi.yaml'),
      join(folder, 'harbour.openapi.yaml'),
    );
    await setClock(-HOUR);
    const server = await LoopbackServer.start();
    try {
      const scripted = await scripts(HAPPY);
      server.setScript((request) => scripted.script(request));
      server.fail(1, { status: 429, retryAfter: new Date(Date.now() + 5000).toUTCString() });
      const outcome = await sourcewright(['generate', 'harbour.openapi.yaml', '--engine', 'agents'], {
        cwd: folder,
        env: { ...env, ANTHROPIC_API_KEY: LOOPBACK_KEY, ANTHROPIC_BASE_URL: server.url },
        onStderr: (text) => {
          // In the middle of the wait.
          if (/[Rr]ate limit \(429\)/.test(text)) void setClock(DAY);
        },
      });
      assert.equal(outcome.exitCode, 3, outcome.stderr);
      assert.match(outcome.stderr, /rate limit \(429\)[^]* in [1-5] s/i);
      assert.ok(outcome.durationMs < 120_000);
    } finally {
      await server.close();
    }
  });
});
