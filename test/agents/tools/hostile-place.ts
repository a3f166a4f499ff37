/** A connector with everything around and inside it that an agent must not get at, and calls of the file tools in it. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { AgentTool } from '../../../src/agents/contracts.ts';
import type { Role } from '../../../src/agents/policy/paths.ts';
import { type FileToolKind, fileTools } from '../../../src/agents/tools/file-tools.ts';
import { type Answer, call, nameOf } from './support.ts';

export const SECRET = 'sk-live-of-the-person';
export const CODE = 'import httpx\n\nLIMIT = 10\n';

const FILES: Readonly<Record<string, string>> = {
  'connector/src/__init__.py': '',
  'connector/src/client.py': CODE,
  'connector/src/paging/cursor.py': 'LIMIT = 20\n',
  'connector/src/schemas/users.json': '{"LIMIT": 1}\n',
  'connector/src/config.json': SECRET,
  'connector/src/build/hidden.py': SECRET,
  'connector/src/__pycache__/client.cpython-312.pyc': SECRET,
  'connector/tests/test_client.py': 'def test_limit():\n    assert True  # LIMIT\n',
  'connector/tests/fixtures/secrets.json': '["LIMIT"]\n',
  'connector/tests/fixtures/a.pem': 'LIMIT\n',
  'connector/tests/.env': SECRET,
  'connector/tests/test_results.json': '{}\n',
  'connector/README.md': '# LIMIT\n',
  'connector/pyproject.toml': '[project]\n',
  'connector/requirements.txt': 'httpx\n',
  'connector/.env': SECRET,
  'connector/.env.production': SECRET,
  'connector/config.json': SECRET,
  'connector/secrets.json': SECRET,
  'connector/secrets/token.txt': SECRET,
  'connector/credentials-live.json': SECRET,
  'connector/server.pem': SECRET,
  'connector/server.KEY': SECRET,
  'connector/client.p12': SECRET,
  'connector/.git/config': SECRET,
  'connector/.github/workflows/ci.yml': SECRET,
  'connector/.vscode/settings.json': SECRET,
  'connector/.idea/workspace.xml': SECRET,
  'connector/.sourcewright/x.json': SECRET,
  'connector/CLAUDE.md': SECRET,
  'connector/agents.md': SECRET,
  'connector/.claude/settings.json': SECRET,
  'connector/.cursorrules': SECRET,
  'connector/.venv/lib/x.py': SECRET,
  'connector/node_modules/x/index.js': SECRET,
  'outside/secret.txt': SECRET,
  'connector-2/src/x.py': SECRET,
};

/** Paths that no tool may touch, whatever the role; each leads to a file that is there, or to a place that could be made. */
export const KINDS: readonly FileToolKind[] = ['read', 'write', 'edit', 'grep', 'glob'];

/** The folder `connector` in a temporary folder, `base`, with neighbours. */
export class HostilePlace {
  readonly base: string;
  readonly root: string;

  private constructor(base: string) {
    this.base = base;
    this.root = join(base, 'connector');
  }

  static async build(): Promise<HostilePlace> {
    const place = new HostilePlace(await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-file-tools-'))));
    const { base, root } = place;
    for (const [path, content] of Object.entries(FILES)) {
      await mkdir(join(base, dirname(path)), { recursive: true });
      await writeFile(join(base, path), content);
    }
    const links: Readonly<Record<string, string>> = {
      'link-file': join(base, 'outside', 'secret.txt'),
      'src/link.py': join(base, 'outside', 'secret.txt'),
      'src/link-folder': join(base, 'outside'),
      'src/dangling.py': join(base, 'outside', 'made.py'),
      'src/chain.py': 'link.py',
      'src/loop.py': 'loop.py',
      'src/env.py': '../.env',
      'src/git': '../.git',
      'src/up': '..',
      'src/alias.py': 'client.py',
      'src/alias-of-test.py': '../tests/test_client.py',
    };
    for (const [path, target] of Object.entries(links)) await symlink(target, join(root, path));
    return place;
  }

  remove(): Promise<void> {
    return rm(this.base, { recursive: true, force: true });
  }

  tools(role: Role): Map<string, AgentTool> {
    return new Map(fileTools({ root: this.root, role, kinds: KINDS }).map((tool) => [nameOf(tool), tool]));
  }

  use(role: Role, name: FileToolKind, input: unknown): Promise<Answer> {
    return call(this.tools(role).get(name), input);
  }

  /** Everything below the temporary folder, with contents: nothing of it may change or appear. */
  async snapshot(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    // Links are looked at, not gone through: one of them leads back up.
    for (const { parentPath, name } of await readdir(this.base, { recursive: true, withFileTypes: true })) {
      const path = join(parentPath, name);
      const entry = await stat(path).catch(() => undefined);
      found[relative(this.base, path)] = entry?.isFile() === true ? await readFile(path, 'utf8') : '';
    }
    return found;
  }

  assertRefused(answer: Answer, what: string): void {
    assert.equal(answer.isError, true, what);
    assert.match(answer.text, /^Refused: ./, what);
    assert.ok(!answer.text.includes(SECRET), what);
    assert.ok(!answer.text.includes(this.base), `${what}: ${answer.text}`);
  }
}
