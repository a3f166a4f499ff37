import assert from 'node:assert/strict';
import { mkdir, realpath, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CompiledFile, compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import type { Blueprint } from '../../../src/blueprint/schema.ts';
import { lockHash, Roles } from '../../../src/agents/policy/paths.ts';
import { checkTool, probeTool, runTestsTool } from '../../../src/stages/agent-tools.ts';
import { crm, everything, plain, shop } from '../../python/blueprints.ts';
import { workbench, type Workbench } from '../../unit/stages/support/context.ts';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { type Answer, call, nameOf } from './support.ts';

describe('the tools that run our own commands', function () {
  this.timeout(300_000);
  let bench: Workbench;

  beforeEach(async () => {
    bench = await workbench();
  });
  afterEach(() => bench.dispose());

  async function writeAll(files: readonly CompiledFile[]): Promise<void> {
    for (const file of files) {
      await mkdir(join(bench.connectorDir, dirname(file.path)), { recursive: true });
      await bench.write(file.path, file.content);
    }
  }
  const edit = async (path: string, from: string | RegExp, to: string): Promise<void> => {
    const text = await bench.read(path);
    assert.notEqual(text.replace(from, to), text);
    await bench.write(path, text.replace(from, to));
  };
  /** An answer says nothing about this machine, nor how long anything took. */
  function assertSettled(answer: Answer): void {
    assert.ok(!answer.text.includes(bench.workspace), answer.text);
    assert.doesNotMatch(answer.text, /\/(tmp|root|home|usr)\/|\d\.\d+ ?s\b|0x[0-9a-f]{6}/, answer.text);
  }

  describe('check', () => {
    const check = (): Promise<Answer> => call(checkTool(bench.dependencies(), bench.context()), {});

    it('says in one line that all is clean', async () => {
      await writeAll(miniConnector());
      assert.deepEqual(await check(), {
        isError: false,
        text: 'Clean: compile, import, ruff, format, mypy.',
      });
    });

    it('shows what is not, with relative paths, and the same each time', async () => {
      await writeAll(miniConnector());
      await edit('src/tides.py', 'return 1.5', 'import os\n    return "x" + 1.5');
      await bench.write('src/broken.py', '"""Fails."""\n\nraise RuntimeError("at import")\n');
      const first = await check();
      assert.match(first.text, /^Clean: compile\.\n/);
      assert.match(
        first.text,
        /Not clean: import\n[\s\S]*File "src\/broken\.py", line 3[\s\S]*RuntimeError: at import/,
      );
      assert.match(first.text, /Not clean: ruff\nsrc\/tides\.py:\d+:\d+: F401/);
      assert.match(first.text, /Not clean: format\n[\s\S]*src\/tides\.py/);
      assert.match(first.text, /Not clean: mypy\nsrc\/tides\.py:\d+: error: /);
      assertSettled(first);
      assert.deepEqual(await check(), first);
    });
  });

  describe('run_tests', () => {
    const run = (input: unknown = {}): Promise<Answer> =>
      call(runTestsTool(bench.dependencies(), bench.context()), input);

    beforeEach(() => writeAll(miniConnector()));

    it('counts what passed, shows nothing to the person, and changes no file', async () => {
      await bench.write('tests/test_results.json', '{"of": "the stage"}');
      const before = await lockHash(bench.connectorDir, Roles.none);
      const answer = await run();
      assert.deepEqual(answer, { isError: false, text: '4 tests: 4 passed, 0 failed, 0 errors, 0 skipped.' });
      assert.deepEqual(await lockHash(bench.connectorDir, Roles.none), before);
      assert.equal(await bench.read('tests/test_results.json'), '{"of": "the stage"}');
      assert.ok(!bench.lines.some((line) => line.includes('passed')));
    });

    it('shows failures by id with their tracebacks, the same each time', async () => {
      await edit('src/tides.py', '1.5', '1.4');
      await edit(
        'tests/test_tides.py',
        'import pytest\n',
        'import asyncio\n\nimport pytest\n\n\ndef test_noise(tmp_path) -> None:\n' +
          '    assert ("127.0.0.1:54321", str(tmp_path), object()) == 0\n\n\n' +
          'def test_coroutine() -> None:\n    asyncio.run("no coroutine")\n',
      );
      const first = await run();
      assert.match(
        first.text,
        /^6 tests: 1 passed, 5 failed, 0 errors, 0 skipped\.\n\nfailed: tests\/test_tides\.py::/,
      );
      assert.match(
        first.text,
        /failed: tests\/test_tides\.py::test_table\[1\]\n[\s\S]*E {3,}assert 1\.5 == 1\.6/,
      );
      assert.match(
        first.text,
        /\('127\.0\.0\.1:<port>', '<temporary>\/pytest-0\/test_noise0', <object object at 0x…>\)/,
      );
      assert.match(first.text, /<python>\/asyncio\/runners\.py:\d+/);
      assertSettled(first);
      assert.deepEqual(await run(), first);
    });

    it('shows ten failures in full, and the others by id', async () => {
      await bench.write(
        'tests/test_many.py',
        'import pytest\n\n\n@pytest.mark.parametrize("n", range(15))\ndef test_n(n):\n' +
          Array.from({ length: 60 }, (_, i) => `    x = ${i}\n`).join('') +
          '    assert n < 0\n',
      );
      const { text } = await run({ only: ['tests/test_many.py'] });
      assert.match(text, /^15 tests: 0 passed, 15 failed/);
      assert.equal(text.match(/^failed: /gm)?.length, 10);
      assert.match(text, /These failed as well:\n(tests\/test_many\.py::test_n\[\d+\]\n?){5}$/);
      assert.equal(text.match(/^ +x = 59$/gm)?.length, 10);
      assert.doesNotMatch(text, /^ +x = 2$/m);
    });

    it('runs only the tests that are named', async () => {
      const counts = async (only: readonly string[]): Promise<string> =>
        (await run({ only })).text.split(':')[0] ?? '';
      assert.equal(await counts(['tests/test_tides.py::test_noon']), '1 tests');
      assert.equal(
        await counts(['tests/test_tides.py::test_table[1]', 'tests/test_tides.py::TestErrors']),
        '2 tests',
      );
      assert.equal(await counts(['tests/test_tides.py']), '4 tests');
      assert.equal(await counts(['tests']), '4 tests');
      assert.equal(await counts([]), '4 tests');
    });

    it('says why there is no verdict', async () => {
      const absent = await run({ only: ['tests/test_tides.py::test_absent'] });
      assert.match(
        absent.text,
        /^0 tests: [\s\S]*This says nothing: [\s\S]*not found: tests\/test_tides\.py::test_absent/,
      );
      assertSettled(absent);
      await bench.write('tests/conftest.py', 'import no_such_module\n');
      const broken = await run();
      assert.match(broken.text, /This says nothing: [\s\S]*No module named 'no_such_module'/);
      assertSettled(broken);
    });

    for (const id of [
      '--collect-only',
      '-x',
      '-p no:x',
      '@tests/arguments.txt',
      '--rootdir=/',
      ' tests/test_tides.py',
      'src',
      '/etc/passwd',
      '../tests/test_tides.py',
      'tests/../src',
      'tests/../../x',
      'tests2/test_x.py',
      'tests/.env',
      'tests/x.py\n--collect-only',
      'tests/x.py\0',
      'tests\\test_tides.py',
      '',
    ]) {
      it(`takes ${JSON.stringify(id)} for no test`, async () => {
        const answer = await run({ only: ['tests/test_tides.py', id] });
        assert.equal(answer.isError, true);
        if (id !== '') assert.match(answer.text, /^Refused: .* is no test: /);
      });
    }

    it('names both ways of running in the feed', () => {
      const tool = runTestsTool(bench.dependencies(), bench.context());
      assert.deepEqual([nameOf(tool), tool.changes, tool.outside], ['run_tests', false, undefined]);
      const label = (input: unknown): string | undefined => tool.label?.(input);
      assert.equal(label({}), 'run the tests');
      assert.equal(label({ only: ['tests/a.py', 'tests/b.py'] }), 'run 2 of the tests');
    });

    it('works in a connector whose folder is reached through a link', async () => {
      const elsewhere = join(await realpath(bench.workspace), 'moved');
      await rename(bench.connectorDir, elsewhere);
      await symlink(elsewhere, bench.connectorDir);
      await edit('src/tides.py', '1.5', '1.4');
      const answer = await run({ only: ['tests/test_tides.py::test_noon'] });
      assert.match(answer.text, /^1 tests: 0 passed, 1 failed/);
      assertSettled(answer);
    });
  });

  describe('probe_mock', () => {
    const templateDir = (): string => bench.dependencies().templateDir;
    const compiled = (blueprint: Blueprint): Promise<void> =>
      writeAll(compileConnector(blueprint, { templateDir: templateDir() }));
    const probe = (input: unknown): Promise<Answer> =>
      call(probeTool(bench.dependencies(), bench.context()), input);

    it('answers as the API does, with the credentials that it asks for', async () => {
      await compiled(shop);
      const answer = await probe({ path: '/customers', query: { page: '1', per_page: '100' } });
      assert.equal(answer.isError, false, answer.text);
      assert.match(answer.text, /^status \d{3}\ncontent-type: application\/json\n\n[[{]/);
      assertSettled(answer);
      const absent = await probe({ path: '/no-such-thing' });
      assert.match(absent.text, /^status 404\n[\s\S]*There is no GET/);
      assert.deepEqual(await probe({ path: '/customers', query: { page: '1', per_page: '100' } }), answer);
    });

    for (const blueprint of [plain, crm, everything]) {
      it(`is let in by the API of ${blueprint.name}`, async () => {
        await compiled(blueprint);
        const api = JSON.parse(await bench.read('tests/fixtures/api.json')) as {
          streams: Record<string, { method: string }>;
        };
        const name = Object.keys(api.streams).find((stream) => api.streams[stream]?.method === 'GET') ?? '';
        const lists = JSON.parse(await bench.read(`tests/fixtures/streams/${name}.json`)) as {
          path: string;
        }[];
        const answer = await probe({ path: lists[0]?.path ?? '' });
        assert.match(answer.text, /^status (200|400)\n/, answer.text);
      });
    }

    it('cuts a long body, and shows the headers of the API', async () => {
      await compiled(plain);
      await bench.write(
        'tests/mock_api.py',
        `import httpx

API = {"base_url": "https://api.example/v1", "headers": {"Version": "3"}, "auth": []}
print("noise")


class MockApi(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        print("more noise")
        text = f"{request.method} {request.url} {request.headers['Version']} " + "x" * 10000
        return httpx.Response(429, headers={"Retry-After": "7", "Link": "<x>"}, text=text)
`,
      );
      const { text } = await probe({ path: '/a', query: { q: 'ä &' } });
      assert.match(text, /^status 429\nretry-after: 7\nlink: <x>\n/);
      assert.match(
        text,
        /\n\nGET https:\/\/api\.example\/v1\/a\?q=%C3%A4\+%26 3 x{8000,8192}\n… \d+ characters left out$/,
      );
    });

    it('shows where the mock itself is broken', async () => {
      await compiled(plain);
      await bench.write('tests/mock_api.py', 'raise RuntimeError("broken mock")\n');
      const answer = await probe({ path: '/x' });
      assert.equal(answer.isError, true);
      assert.match(
        answer.text,
        /^probe_mock: the mock API failed\.\n[\s\S]*tests\/mock_api\.py", line 1[\s\S]*broken mock/,
      );
      assertSettled(answer);
    });

    it('gives up on a mock that does not answer', async () => {
      await compiled(plain);
      await bench.write('tests/mock_api.py', 'import time\n\ntime.sleep(600)\n');
      const answer = await call(probeTool(bench.dependencies(), bench.context(), 3000), { path: '/x' });
      assert.deepEqual(answer, { isError: true, text: 'probe_mock: the mock API did not answer in time.' });
    });

    for (const input of [
      { path: 'https://evil.example/x' },
      { path: 'x' },
      { path: '/x?y=1' },
      { path: '/x y' },
      { path: '/x\n' },
      { path: '/x', query: { a: 1 } },
      { path: '/x', method: 'POST' },
      {},
    ]) {
      it(`does not take ${JSON.stringify(input)}`, async () => {
        assert.equal((await probe(input)).isError, true);
      });
    }
  });
});
