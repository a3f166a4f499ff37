import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES } from './hostile-files.ts';
import { PAGES } from './hostile-pages.ts';
import { type HostileCase, Stage, table } from './hostile-support.ts';
import { TESTS_BENT } from './hostile-tests.ts';
import { WORDS } from './hostile-words.ts';

const GROUPS: Readonly<Record<string, readonly HostileCase[]>> = {
  'bent tests': TESTS_BENT,
  'files and endless talk': FILES,
  'pages of strangers': PAGES,
  'words and secrets': WORDS,
};

describe('agents: hostile cases', function () {
  this.timeout(300_000);

  it('are told in docs/agents.md', async () => {
    const text = await readFile(join(import.meta.dirname, '..', '..', '..', 'docs', 'agents.md'), 'utf8');
    const [, section = ''] = text.split('<!-- hostile cases -->');
    // Rows alone: without the padding, the head and the line below it.
    const rows = section
      .split('\n')
      .flatMap((line) => (line.startsWith('|') ? line.replace(/ +/g, ' ') : []));
    assert.deepEqual(rows.slice(2), table(Object.values(GROUPS).flat()));
  });

  for (const [name, cases] of Object.entries(GROUPS)) {
    describe(name, () => {
      for (const { tries, run } of cases) {
        it(tries, async () => {
          const stage = new Stage();
          try {
            await run(stage);
            stage.assertScripted();
          } finally {
            await stage.close();
          }
        });
      }
    });
  }
});
