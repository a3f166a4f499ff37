import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Roles } from '../../../src/agents/policy/paths.ts';
import { HostilePlace, SECRET } from './hostile-place.ts';
import { call } from './support.ts';

const HOSTILE: readonly string[] = [
  // Out of the folder.
  '../outside/secret.txt',
  'src/../../outside/secret.txt',
  'tests/../../outside/secret.txt',
  'src/../../connector-2/src/x.py',
  'src/../tests/../../outside/new.py',
  './../outside/secret.txt',
  'src/..',
  '..',
  '/etc/passwd',
  '//etc/passwd',
  '~/.ssh/id_rsa',
  'ROOT/src/client.py',
  'file:///etc/passwd',
  // By links.
  'link-file/../../outside/secret.txt',
  'src/link.py',
  'src/link-folder/secret.txt',
  'src/link-folder/new.py',
  'src/dangling.py',
  'src/chain.py',
  'src/loop.py',
  'src/env.py',
  'src/git/config',
  'src/up/.env',
  // Closed names, in any way of writing.
  '.env',
  '.ENV',
  '.Env.Production',
  '.env.production',
  'src/.env',
  'tests/.env',
  'tests/.env.json',
  '.git/config',
  '.Git/config',
  '.GIT/hooks/pre-commit.py',
  'src/.git/x.py',
  'tests/.git/x.py',
  '.ｇｉｔ/config',
  '.g\u200cit/config',
  'GIT~1/config',
  '.vſcode/settings.json',
  '.VSCode/settings.json',
  '.idea/workspace.xml',
  '.github/workflows/ci.yml',
  '.sourcewright/x.json',
  'CLAUDE.md',
  'claude.md',
  'tests/CLAUDE.md',
  'tests/Agents.md',
  'agents.md',
  '.claude/settings.json',
  'tests/.claude/settings.json',
  '.cursorrules',
  '.cursor/rules/x.md',
  'config.json',
  'CONFIG.JSON',
  'src/config.json',
  'secrets.json',
  'secrets/token.txt',
  'credentials-live.json',
  'server.pem',
  'server.KEY',
  'client.p12',
  // Leftovers, which nobody reviews.
  'src/__pycache__/client.cpython-312.pyc',
  'src/__pycache__/x.py',
  'tests/__pycache__/x.py',
  'src/build/hidden.py',
  'src/Build/new.py',
  'tests/dist/new.py',
  '.venv/lib/x.py',
  'node_modules/x/index.js',
  'src/source_x.egg-info/x.py',
  // Forms that mean something else to a system.
  'src/client.py\0.txt',
  'src/\0',
  'C:/Windows/x.py',
  'C:src/client.py',
  'src\\client.py',
  '..\\outside\\secret.txt',
  'src/client.py::$DATA',
  'src/client.py:stream',
  'tests/x.py ',
  'tests/x.py.',
  'tests /x.py',
  'src/nul.py',
  'src/CON',
  'src/client.py\n',
  `src/${'a'.repeat(220)}.py`,
];

describe('the file tools of an agent, given a hostile path', () => {
  let place: HostilePlace;
  it('has a long table of hostile paths', () => {
    assert.ok(HOSTILE.length >= 40);
    assert.equal(new Set(HOSTILE).size, HOSTILE.length);
  });

  let untouched: Record<string, string>;

  before(async () => {
    place = await HostilePlace.build();
    untouched = await place.snapshot();
  });
  after(() => place.remove());

  for (const [index, row] of HOSTILE.entries()) {
    it(`refuses ${JSON.stringify(row)} (${index + 1})`, async () => {
      const path = row.replace('ROOT', place.root);
      for (const role of Object.values(Roles)) {
        const tools = place.tools(role);
        place.assertRefused(await call(tools.get('read'), { file_path: path }), `read as ${role.name}`);
        place.assertRefused(
          await call(tools.get('write'), { file_path: path, content: 'x' }),
          `write as ${role.name}`,
        );
        const change = { file_path: path, old_string: SECRET, new_string: 'x' };
        place.assertRefused(await call(tools.get('edit'), change), `edit as ${role.name}`);
        place.assertRefused(await call(tools.get('grep'), { pattern: '.', path }), `grep as ${role.name}`);
      }
      // A glob only ever lists what may be read; a path that is no pattern either is refused or has no match.
      const listed = await place.use(Roles.code, 'glob', { pattern: path });
      if (!listed.isError) assert.equal(listed.text, 'no matches');
    });
  }

  it('has changed and made nothing in the end', async () => {
    assert.deepEqual(await place.snapshot(), untouched);
    assert.equal(existsSync(join(place.base, 'outside', 'made.py')), false);
  });
});
