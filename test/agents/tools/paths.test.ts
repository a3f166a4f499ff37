import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { changedLocked, type Lock, lockHash, PathPolicy, Roles } from '../../../src/agents/policy/paths.ts';
import { listFiles } from '../../../src/workspace/files.ts';

describe('the path policy', () => {
  let root: string;

  const write = async (path: string, content = 'x'): Promise<void> => {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), content);
  };

  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-policy-')));
    for (const path of ['src/client.py', 'src/schemas/a.json', 'tests/test_a.py', 'tests/fixtures/a.json'])
      await write(path);
    for (const path of ['pyproject.toml', 'README.md', '.gitignore']) await write(path);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('gives reasons in words, with what is allowed', () => {
    const policy = new PathPolicy(Roles.code);
    assert.equal(policy.readable('src/client.py'), undefined);
    assert.equal(policy.writable('src/client.py'), undefined);
    assert.equal(policy.readable(''), undefined);
    assert.equal(policy.readable('.gitignore'), undefined);
    assert.equal(policy.readable('../x'), 'a path must not lead out of a folder with "..".');
    assert.equal(policy.readable('.Env'), '.Env holds private settings, which is closed to agents.');
    assert.equal(
      policy.writable('tests/test_a.py'),
      'tests/test_a.py is locked here. You may write Python files below src/, README.md, IMPLEMENTATION.md and CHANGELOG.md.',
    );
    assert.match(new PathPolicy(Roles.none).writable('src/client.py') ?? '', /You may write nothing\.$/);
  });

  it('closes what does not belong to a connector, as the list of its files leaves it out', async () => {
    const leftOut = [
      ...[
        '__pycache__',
        '.pytest_cache',
        '.mypy_cache',
        '.ruff_cache',
        '.venv',
        'venv',
        '.git',
        '.idea',
        '.vscode',
      ],
      ...['build', 'dist', 'htmlcov', 'node_modules', 'x.egg-info'],
    ].map((folder) => `src/${folder}/x.py`);
    const files = [
      'a.pyc',
      'a.pyo',
      'a.pyd',
      'a.swp',
      'a.py~',
      'a.orig',
      'a.rej',
      '.coverage',
      '.coverage.1',
    ];
    const all = [...leftOut, ...[...files, '.DS_Store', 'coverage.xml'].map((file) => `src/${file}`)];
    for (const path of all) await write(path);
    const { files: listed } = await listFiles(root);
    const policy = new PathPolicy(Roles.code);
    for (const path of all) {
      assert.ok(!listed.includes(path), path);
      assert.notEqual(policy.readable(path), undefined, path);
    }
    for (const path of listed) assert.equal(policy.readable(path), undefined, path);
  });

  describe('the hash of what is locked', () => {
    const change = async (role: keyof typeof Roles, act: () => Promise<void>): Promise<string[]> => {
      const before: Lock = await lockHash(root, Roles[role]);
      await act();
      const after = await lockHash(root, Roles[role]);
      const changed = changedLocked(before, after);
      assert.equal(before.sha256 === after.sha256, changed.length === 0);
      return changed;
    };

    it('is the same while nothing locked changes', async () => {
      assert.deepEqual(
        await change('code', async () => {
          await write('src/client.py', 'y');
          await write('src/new.py');
          await rm(join(root, 'README.md'));
        }),
        [],
      );
      assert.deepEqual(await change('tests', () => write('tests/fixtures/b.json')), []);
    });

    it('notices what was changed, added and removed behind the back of the tools', async () => {
      assert.deepEqual(
        await change('code', async () => {
          await write('tests/test_a.py', 'assert True');
          await write('tests/conftest.py');
          await write('src/sitecustomize.pth');
          await rm(join(root, 'tests/fixtures/a.json'));
        }),
        ['src/sitecustomize.pth', 'tests/conftest.py', 'tests/fixtures/a.json', 'tests/test_a.py'],
      );
      assert.deepEqual(await change('tests', () => write('src/client.py', 'y')), ['src/client.py']);
      assert.deepEqual(await change('none', () => write('src/client.py', 'z')), ['src/client.py']);
    });

    it('notices a link in the place of a file, and one that now leads elsewhere', async () => {
      const replace = async (target: string): Promise<void> => {
        await rm(join(root, 'tests/test_a.py'), { force: true });
        await symlink(target, join(root, 'tests/test_a.py'));
      };
      assert.deepEqual(await change('code', () => replace('/elsewhere')), ['tests/test_a.py']);
      assert.deepEqual(await change('code', () => replace('/somewhere')), ['tests/test_a.py']);
      assert.deepEqual(await change('code', () => symlink('client.py', join(root, 'src/link.py'))), [
        'src/link.py',
      ]);
    });

    it('takes no notice of the results of a run, nor of what a killed write has left', async () => {
      assert.deepEqual(
        await change('tests', async () => {
          await write('tests/test_results.json', '{}');
          await write('src/.tmp-4242-5f0c9d3e-1111-4222-8333-944445555666');
        }),
        [],
      );
    });

    it('reads no credentials', async () => {
      await write('.env', 'TOKEN=x');
      const { files } = await lockHash(root, Roles.none);
      assert.equal(files['.env'], undefined);
      assert.deepEqual(Object.keys(files).sort(), Object.keys(files));
    });
  });
});
