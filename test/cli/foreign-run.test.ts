/** A run that came with a folder, as the built program meets it: its author's gates and decisions are not the person's. */
import assert from 'node:assert/strict';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Outcome, removeFolder, root, sourcewright, temporaryFolder } from './program.ts';

describe('a run that the person did not begin', function () {
  this.timeout(300_000);
  let folder = '';
  before(async () => {
    folder = await temporaryFolder();
    const description = join(root, 'test', 'fixtures', 'workspace', 'library.openapi.yaml');
    await cp(description, join(folder, 'library.openapi.yaml'));
    const begun = await as('author', 'generate', 'library.openapi.yaml', '--streams', 'books');
    assert.equal(begun.exitCode, 3, begun.stderr);
  });
  after(() => removeFolder(folder));

  const as = (who: string, ...words: string[]): Promise<Outcome> =>
    sourcewright(words, { cwd: folder, env: { SOURCEWRIGHT_STATE: join(folder, `home of ${who}`) } });

  it('is listed, shown and refused: with what to do, and without a file being written', async () => {
    const shown = await as('person', 'show', 'latest');
    assert.equal(shown.exitCode, 0, shown.stderr);
    for (const words of [
      ['resume', 'latest', '--auto'],
      ['stage', 'generate', '--run', 'latest'],
      ['cancel', 'latest'],
    ]) {
      const refused = await as('person', ...words);
      assert.equal(refused.exitCode, 2, refused.stderr);
      assert.match(refused.stderr, /not begun by you on this machine.*\n.*\n?.*resume --adopt/);
    }
    assert.ok(!(await readdir(folder)).includes('connectors'));
  });

  it('is taken on by who says so, and is theirs from then on', async () => {
    const taken = await as('person', 'resume', 'latest', '--adopt', '--approve', 'research');
    assert.equal(taken.exitCode, 3, taken.stderr);
    assert.ok((await readdir(folder)).includes('connectors'));
    const cancelled = await as('person', 'cancel', 'latest');
    assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  });
});
