import assert from 'node:assert/strict';
import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Roles } from '../../../src/agents/policy/paths.ts';
import { fileTools } from '../../../src/agents/tools/file-tools.ts';
import { CODE, HostilePlace, KINDS } from './hostile-place.ts';
import { type Answer, call, nameOf } from './support.ts';

describe('the file tools of an agent', () => {
  let place: HostilePlace;
  let root: string;

  beforeEach(async () => {
    place = await HostilePlace.build();
    root = place.root;
  });
  afterEach(() => place.remove());
  const use: HostilePlace['use'] = (role, name, input) => place.use(role, name, input);

  it('finds nothing that is closed by searching everything', async () => {
    const found = await use(Roles.code, 'grep', { pattern: 'sk-live|LIMIT' });
    assert.deepEqual(found.text.split('\n'), [
      'README.md:1:# LIMIT',
      'src/client.py:3:LIMIT = 10',
      'src/paging/cursor.py:1:LIMIT = 20',
      'src/schemas/users.json:1:{"LIMIT": 1}',
      'tests/fixtures/a.pem:1:LIMIT',
      'tests/fixtures/secrets.json:1:["LIMIT"]',
      'tests/test_client.py:2:    assert True  # LIMIT',
    ]);
    const listed = await use(Roles.code, 'glob', { pattern: '**' });
    assert.deepEqual(listed.text.split('\n'), [
      'README.md',
      'pyproject.toml',
      'requirements.txt',
      'src/__init__.py',
      'src/client.py',
      'src/paging/cursor.py',
      'src/schemas/users.json',
      'tests/fixtures/a.pem',
      'tests/fixtures/secrets.json',
      'tests/test_client.py',
      'tests/test_results.json',
    ]);
  });

  it('searches one file or one folder, and takes a pattern as JavaScript does', async () => {
    const grep = (input: object): Promise<Answer> => use(Roles.none, 'grep', input);
    assert.equal(
      (await grep({ pattern: 'LIMIT', path: 'src/client.py' })).text,
      'src/client.py:3:LIMIT = 10',
    );
    assert.equal(
      (await grep({ pattern: '(?<=LIMIT = )20', path: 'src/paging' })).text,
      'src/paging/cursor.py:1:LIMIT = 20',
    );
    assert.equal((await grep({ pattern: 'nowhere' })).text, 'no matches');
    const broken = await grep({ pattern: '(' });
    assert.equal(broken.isError, true);
    assert.match(broken.text, /invalid regex/);
  });

  it('says when there is more than it shows, and cuts long lines', async () => {
    await writeFile(join(root, 'src/many.py'), `${'x = 1\n'.repeat(400)}${'y'.repeat(900)}\n`);
    const many = await use(Roles.none, 'grep', { pattern: 'x =' });
    assert.equal(many.text.split('\n').length, 301);
    assert.match(many.text, /\[there are more matches/);
    assert.ok((await use(Roles.none, 'grep', { pattern: 'yyy' })).text.length < 600);
  });

  it('lists files by pattern', async () => {
    const glob = async (pattern: string): Promise<string[]> =>
      (await use(Roles.none, 'glob', { pattern })).text.split('\n');
    assert.deepEqual(await glob('src/**/*.py'), ['src/__init__.py', 'src/client.py', 'src/paging/cursor.py']);
    assert.deepEqual(await glob('src/*.py'), ['src/__init__.py', 'src/client.py']);
    assert.deepEqual(await glob('*.json'), [
      'src/schemas/users.json',
      'tests/fixtures/secrets.json',
      'tests/test_results.json',
    ]);
    assert.deepEqual(await glob('src/{client,paging/cursor}.py'), ['src/client.py', 'src/paging/cursor.py']);
    assert.deepEqual(await glob('nothing/**'), ['no matches']);
  });

  for (const pattern of [
    '(a+)+b',
    '*a*a*a*a*a*a*a*b',
    '../**',
    '/etc/*',
    '**/.env',
    '.git/**',
    '{.git,src}/../../*',
  ]) {
    it(`does not match the pattern ${pattern}`, async () => {
      assert.equal((await use(Roles.none, 'glob', { pattern })).isError, true);
    });
  }

  it('reads files, whole and in part', async () => {
    assert.equal((await use(Roles.none, 'read', { file_path: './src//client.py' })).text, CODE);
    assert.equal(
      (await use(Roles.none, 'read', { file_path: 'src/client.py', view_range: [3, 3] })).text,
      'LIMIT = 10',
    );
    assert.equal((await use(Roles.none, 'read', { file_path: 'src/alias.py' })).text, CODE);
    assert.match(
      (await use(Roles.none, 'read', { file_path: 'src/__init__.py' })).text,
      /nothing stands there/,
    );
    assert.equal(
      (await use(Roles.none, 'read', { file_path: 'tests/fixtures/secrets.json' })).text,
      '["LIMIT"]\n',
    );
    const absent = await use(Roles.none, 'read', { file_path: 'src/absent.py' });
    assert.deepEqual(absent, { isError: true, text: 'read: src/absent.py: no such file or directory' });
    const folder = await use(Roles.none, 'read', { file_path: 'src' });
    assert.deepEqual(folder, { isError: true, text: 'read: src is not a regular file' });
    await writeFile(join(root, 'src/big.py'), '#\n'.repeat(200_000));
    const big = await use(Roles.none, 'read', { file_path: 'src/big.py' });
    assert.match(big.text, /exceeds 262144-byte limit/);
    assert.equal(
      (await use(Roles.none, 'read', { file_path: 'src/big.py', view_range: [1, 2] })).text,
      '#\n#',
    );
  });

  it('takes no input of another shape', async () => {
    for (const input of [
      {},
      { file_path: 5 },
      { file_path: '' },
      { file_path: 'src/client.py', root: '/' },
      null,
    ]) {
      assert.equal((await use(Roles.none, 'read', input)).isError, true);
    }
  });

  const WRITABLE: Readonly<Record<string, readonly string[]>> = {
    code: ['src/new.py', 'src/a/b/new.py', 'src/client.py', 'README.md', 'IMPLEMENTATION.md', 'CHANGELOG.md'],
    tests: [
      'tests/new.py',
      'tests/fixtures/new.json',
      'tests/NOTES.md',
      'tests/test_client.py',
      'tests/conftest.py',
    ],
    none: [],
  };
  const LOCKED: Readonly<Record<string, readonly string[]>> = {
    code: [
      ...[
        'tests/test_client.py',
        'tests/new.py',
        'tests/fixtures/secrets.json',
        'tests/README.md',
        'tests/src/x.py',
      ],
      ...[
        'pyproject.toml',
        'requirements.txt',
        'requirements-dev.txt',
        'metadata.yaml',
        'setup.py',
        'conftest.py',
      ],
      ...[
        'src/schemas/users.json',
        'src/x.pth',
        'src/new.PY',
        'SRC/new.py',
        'readme.md',
        'docs/README.md',
        'src',
      ],
      ...['src/alias-of-test.py', 'sitecustomize.py', '.gitignore', ''],
    ],
    tests: [
      ...['src/client.py', 'src/new.py', 'README.md', 'pyproject.toml', 'requirements.txt', 'conftest.py'],
      ...[
        'tests/test_results.json',
        'tests/Test_Results.json',
        'tests/pytest.ini',
        'tests/x.pth',
        'Tests/x.py',
      ],
      ...['tests', 'src/alias.py', 'metadata.yaml'],
    ],
    none: ['src/client.py', 'tests/test_client.py', 'README.md', 'new.py'],
  };

  for (const role of Object.values(Roles)) {
    it(`lets the role ${role.name} write what is its own`, async () => {
      for (const path of WRITABLE[role.name] ?? []) {
        const written = await use(role, 'write', { file_path: path, content: 'x = 1\n' });
        assert.deepEqual(written, { isError: false, text: `wrote 6 bytes to ${path}` });
        assert.equal(await readFile(join(root, path), 'utf8'), 'x = 1\n');
        const edited = await use(role, 'edit', { file_path: path, old_string: '1', new_string: '2' });
        assert.deepEqual(edited, { isError: false, text: `edited ${path} (1 replacement(s))` });
        assert.equal(await readFile(join(root, path), 'utf8'), 'x = 2\n');
      }
    });

    it(`keeps from the role ${role.name} what is locked, and says what it may write`, async () => {
      const before = await place.snapshot();
      for (const path of LOCKED[role.name] ?? []) {
        const written = await use(role, 'write', { file_path: path, content: 'x' });
        const edited = await use(role, 'edit', { file_path: path, old_string: 'LIMIT', new_string: 'x' });
        for (const answer of [written, edited]) {
          assert.equal(answer.isError, true, path);
          if (path === '') continue;
          place.assertRefused(answer, path);
          assert.ok(answer.text.includes(role.words), answer.text);
        }
      }
      assert.deepEqual(await place.snapshot(), before);
    });
  }

  it('gives new files and folders the rights that others have, and leaves those of old ones', async () => {
    await chmod(join(root, 'src/client.py'), 0o755);
    await use(Roles.code, 'write', { file_path: 'src/a/new.py', content: '' });
    await use(Roles.code, 'write', { file_path: 'src/client.py', content: '' });
    const mode = async (path: string): Promise<number> => (await stat(join(root, path))).mode & 0o777;
    assert.equal(await mode('src/a/new.py'), 0o644);
    assert.equal((await mode('src/a')) & 0o055, 0o055);
    assert.equal(await mode('src/client.py'), 0o755);
  });

  it('writes no file that it could not read again', async () => {
    const big = await use(Roles.code, 'write', { file_path: 'src/big.py', content: 'x'.repeat(300_000) });
    assert.equal(big.isError, true);
    assert.match(big.text, /at most 256 kB/);
  });

  describe('an edit whose answer was lost', () => {
    const edit = (old_string: string, new_string: string): Promise<Answer> =>
      use(Roles.code, 'edit', { file_path: 'src/client.py', old_string, new_string });

    for (const [what, before, after] of [
      ['another text', 'LIMIT = 10', 'SIZE = 50'],
      ['a text that holds the old one', 'import httpx', 'import httpx\nimport json'],
      ['a text that holds the old one twice', 'LIMIT', 'LIMIT = LIMIT'],
    ] as const) {
      it(`is not done twice: ${what}`, async () => {
        assert.equal((await edit(before, after)).text, 'edited src/client.py (1 replacement(s))');
        const once = await readFile(join(root, 'src/client.py'), 'utf8');
        assert.deepEqual(await edit(before, after), {
          isError: false,
          text: 'edited src/client.py (1 replacement(s))',
        });
        assert.equal(await readFile(join(root, 'src/client.py'), 'utf8'), once);
      });
    }

    it('is told from one that does not fit', async () => {
      assert.match((await edit('NO SUCH TEXT', 'neither this')).text, /old_string not found/);
      assert.match((await edit('NO SUCH TEXT', '')).text, /old_string not found/);
      await writeFile(join(root, 'src/client.py'), 'a\na\n');
      assert.match((await edit('a', 'b')).text, /appears 2 times/);
    });
  });

  it('does changes one after the other, and takes away what a killed write has left', async () => {
    await writeFile(join(root, 'src/.tmp-4242-5f0c9d3e-1111-4222-8333-944445555666'), 'half');
    const edit = place.tools(Roles.code).get('edit');
    const lines = Array.from({ length: 20 }, (_, i) => `V${i} = 0\n`).join('');
    await writeFile(join(root, 'src/client.py'), lines);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        call(edit, { file_path: 'src/client.py', old_string: `V${i} = 0`, new_string: `V${i} = 1` }),
      ),
    );
    assert.equal(await readFile(join(root, 'src/client.py'), 'utf8'), lines.replaceAll('= 0', '= 1'));
    assert.deepEqual(
      (await readdir(join(root, 'src'))).filter((name) => name.startsWith('.tmp-')),
      [],
    );
  });

  it('works where the folder itself is reached through a link', async () => {
    await symlink(root, join(place.base, 'by-link'));
    const [read, write, grep] = fileTools({
      root: join(place.base, 'by-link'),
      role: Roles.code,
      kinds: ['read', 'write', 'grep'],
    });
    assert.equal((await call(read, { file_path: 'src/client.py' })).text, CODE);
    assert.equal((await call(write, { file_path: 'src/new.py', content: 'LIMIT' })).isError, false);
    assert.match(
      (await call(grep, { pattern: 'LIMIT', path: 'src' })).text,
      /^src\/client\.py:3:.*\nsrc\/new\.py:1:/,
    );
    place.assertRefused(await call(read, { file_path: 'src/link.py' }), 'a link out of the folder');
  });

  it('gives only the tools that were asked for, never a shell, with one line for each call', () => {
    const tools = fileTools({ root, role: Roles.none, kinds: ['grep', 'read'] });
    assert.deepEqual(tools.map(nameOf), ['grep', 'read']);
    const all = place.tools(Roles.code);
    assert.deepEqual([...all.keys()], KINDS);
    const label = (name: string, input: unknown): string | undefined => all.get(name)?.label?.(input);
    assert.equal(label('read', { file_path: 'src/client.py' }), 'read src/client.py');
    assert.equal(label('write', { file_path: 'src/client.py', content: 'x' }), 'write src/client.py');
    assert.equal(label('edit', { file_path: 'src/\nclient.py' }), 'edit src/ client.py');
    assert.equal(label('grep', { pattern: 'a  b' }), 'grep "a b"');
    assert.equal(label('grep', { pattern: 'x', path: 'src' }), 'grep "x" in src');
    assert.equal(label('glob', { pattern: 'src/**' }), 'glob src/**');
    assert.equal(label('read', null), 'read ?');
    assert.deepEqual(
      [...all].map(([name, tool]) => [name, tool.changes, tool.outside ?? false]),
      [
        ['read', false, false],
        ['write', true, false],
        ['edit', true, false],
        ['grep', false, false],
        ['glob', false, false],
      ],
    );
  });
});
