import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import {
  cacheFolder,
  ensureEnvironment,
  type EnvironmentOptions,
  installEnvironment,
} from '../../../src/python/environments.ts';
import { findInterpreter, type Interpreter } from '../../../src/python/interpreter.ts';
import { capture } from '../../../src/python/process-runner.ts';
import { requirementLines } from '../../../src/python/requirements.ts';

/** Environments without packages: quick to build, and no network is needed. */
describe('Python environments', function () {
  this.timeout(60_000);
  let interpreter: Interpreter;
  let cacheDir: string;

  before(async () => {
    interpreter = await findInterpreter();
  });
  beforeEach(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'sourcewright-cache-'));
  });
  afterEach(() => rm(cacheDir, { recursive: true, force: true, maxRetries: 3 }));

  const options = (content = '', more: Partial<EnvironmentOptions> = {}): EnvironmentOptions => ({
    interpreter,
    cacheDir,
    requirements: [{ name: 'requirements.txt', content }],
    ...more,
  });

  it('builds one that works, and finds it again at once', async () => {
    const said: string[] = [];
    const first = await ensureEnvironment(options('', { progress: (message) => said.push(message) }));
    const ran = await capture({
      file: first.python,
      args: ['-c', 'import sys; print(sys.prefix != sys.base_prefix, sys.version.split()[0])'],
      cwd: cacheDir,
      env: {},
      timeoutMs: 20_000,
    });
    assert.equal(ran.stdout.trim(), `True ${interpreter.version}`);
    const built = (await stat(first.python)).birthtimeMs;
    const started = Date.now();
    const second = await ensureEnvironment(
      options('# only a comment\n\n', { progress: (message) => said.push(message) }),
    );
    assert.equal(second.python, first.python);
    assert.equal((await stat(second.python)).birthtimeMs, built);
    assert.ok(Date.now() - started < 1000);
    assert.equal(said.length, 1);
  });

  it('builds anew what was cut short, and passes over the lock of a dead process', async () => {
    const first = await ensureEnvironment(options());
    await rm(join(first.dir, 'sourcewright-environment.json'));
    await writeFile(join(first.dir, 'half-written'), '');
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => dead.once('exit', resolve));
    await writeFile(`${dirname(first.dir)}.lock`, `${dead.pid} token`);
    const again = await ensureEnvironment(options());
    assert.equal(again.dir, first.dir);
    assert.ok(!(await readdir(again.dir)).includes('half-written'));
    assert.deepEqual(
      (await readdir(join(cacheDir, 'environments'))).filter((name) => name.includes('lock')),
      [],
    );
  });

  it('is built once by two processes that need it at the same time', async () => {
    const module = join(import.meta.dirname, '../../../src/python/environments.ts');
    const script = `import { ensureEnvironment } from ${JSON.stringify(module)};
      const said = [];
      const { python } = await ensureEnvironment({ ...${JSON.stringify(options())}, progress: (m) => said.push(m) });
      console.log(JSON.stringify({ python, built: said.filter((m) => m.startsWith('Setting up')).length }));`;
    const run = async (): Promise<{ python: string; built: number }> => {
      const result = await capture({
        file: process.execPath,
        args: ['--import', 'tsx', '--input-type=module', '-e', script],
        cwd: join(import.meta.dirname, '../../..'),
        env: process.env,
        timeoutMs: 50_000,
      });
      assert.equal(result.exitCode, 0, result.stderr);
      return JSON.parse(result.stdout) as { python: string; built: number };
    };
    const [a, b] = await Promise.all([run(), run()]);
    assert.equal(a.python, b.python);
    assert.equal(a.built + b.built, 1);
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const controller = new AbortController();
    const building = ensureEnvironment(
      options('', {
        signal: controller.signal,
        progress: () =>
          setTimeout(() => {
            controller.abort();
          }, 50),
      }),
    );
    await assert.rejects(
      building,
      (error) => error instanceof SourcewrightError && error.code === 'cancelled',
    );
    assert.deepEqual(await readdir(join(cacheDir, 'environments')), []);
  });

  it('says that the package index can’t be reached, and what to do', async () => {
    const environment = {
      ...process.env,
      PIP_CONFIG_FILE: '/dev/null',
      PIP_FIND_LINKS: '',
      PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
      UV_INDEX_URL: 'http://127.0.0.1:9/simple',
      PIP_NO_CACHE_DIR: '1',
    };
    await assert.rejects(
      ensureEnvironment(
        options('sourcewright-has-no-such-package==1', {
          environment,
          allowed: ['sourcewright-has-no-such-package'],
        }),
      ),
      (error) => {
        assert.ok(error instanceof SourcewrightError);
        assert.equal(error.code, 'environment');
        assert.equal(error.retry, true);
        assert.match(error.message, /index can't be reached/);
        assert.match(error.cure ?? '', /resume/);
        return true;
      },
    );
    assert.deepEqual(await readdir(join(cacheDir, 'environments')), []);
  });

  it('says that the cache folder can’t be made', async () => {
    await writeFile(join(cacheDir, 'file'), '');
    const inFile = ensureEnvironment({ ...options(), cacheDir: join(cacheDir, 'file') });
    await assert.rejects(inFile, (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'environment');
      assert.match(error.cure ?? '', /SOURCEWRIGHT_CACHE/);
      return true;
    });
  });

  it('ignores variables that would install elsewhere', async () => {
    await mkdir(join(cacheDir, 'elsewhere'));
    const environment = {
      ...process.env,
      PIP_TARGET: join(cacheDir, 'elsewhere'),
      PYTHONHOME: '/nonsense',
      PYTHONPATH: '/nonsense',
    };
    const found = await ensureEnvironment(options('', { environment }));
    assert.ok((await stat(found.python)).isFile());
  });

  it('keeps secrets from the packages that it installs, but not the index’s own', () => {
    const given = {
      PATH: '/bin',
      GITHUB_TOKEN: 'x',
      MY_API_KEY: 'x',
      DB_PASSWORD: 'x',
      PIP_INDEX_URL: 'https://u:p@x.test',
      UV_INDEX_X_PASSWORD: 'y',
      HTTPS_PROXY: 'p',
      PYTHONPATH: '/x',
    };
    const {
      PIP_NO_INPUT: _input,
      PIP_DISABLE_PIP_VERSION_CHECK: _check,
      ...kept
    } = installEnvironment(given);
    assert.deepEqual(kept, {
      PATH: '/bin',
      PIP_INDEX_URL: 'https://u:p@x.test',
      UV_INDEX_X_PASSWORD: 'y',
      HTTPS_PROXY: 'p',
    });
  });

  it('keeps its cache where the person says', () => {
    assert.equal(cacheFolder({ SOURCEWRIGHT_CACHE: '/x' }), '/x');
    if (process.platform === 'linux') {
      assert.equal(cacheFolder({ XDG_CACHE_HOME: '/y' }), '/y/sourcewright');
      assert.ok(cacheFolder({ XDG_CACHE_HOME: 'relative' }).endsWith('/.cache/sourcewright'));
    }
  });
});

describe('requirement lines', () => {
  const lines = (content: string): string[] => requirementLines([{ name: 'r.txt', content }]);

  it('joins, sorts and drops comments and the reference to the other file', () => {
    assert.deepEqual(
      lines('-r requirements.txt\nb==2 # why\r\n\na[x,y]>=1,<2 ; python_version < "3.12"\nb==2\n'),
      ['a[x,y]>=1,<2 ; python_version < "3.12"', 'b==2'],
    );
  });

  for (const line of [
    '-e .',
    '--index-url https://evil.test/simple',
    'pkg @ https://evil.test/pkg.zip',
    'https://evil.test/pkg.zip',
    './local',
    '../up',
    '-r other.txt',
    '--find-links=/tmp',
    'git+https://evil.test/x',
    'pkg==1 --index-url evil.test',
    'pkg==1 --find-links .',
    'pkg==${GITHUB_TOKEN}',
    'pkg>=1,',
    'pkg-',
    // pip ends lines at these signs too: what follows would be an option.
    ...['\r', '\v', '\f', '\x1c', '\x85', '\u2028'].map((end) => `pkg==1${end}-e .`),
    `pkg ; python_version > "3"\r-e .`,
    // Letters that look like others, of another width, or that are not seen.
    'r\u0435quests==2',
    'r\u00e9quests==2',
    '\uff52equests',
    'requ\u200bests',
    'requests\u00a0==2',
    '\u202estseuqer',
  ]) {
    it(`refuses ${JSON.stringify(line)}`, () => {
      assert.throws(
        () => lines(`ok==1\n${line}`),
        (error) => error instanceof SourcewrightError && error.place === 'line 2',
      );
    });
  }

  it('names the sign that is none of a name, and repeats none that is not seen', () => {
    const said = (line: string): string => {
      try {
        return lines(line).join();
      } catch (error) {
        return error instanceof SourcewrightError ? `${error.message} ${error.cure ?? ''}` : '';
      }
    };
    assert.match(said('r\u0435quests==2'), /It holds "\u0435" \(U\+0435\)[^]*Type the name anew/);
    assert.match(said('requ\u200bests'), /"requ\ufffdests" is not[^]*It holds U\+200B,/);
  });

  it('takes what names and versions hold', () => {
    const plain = [
      'A.b_c-d',
      'a[x, y]>=1.0,<2',
      'a==1!2.0.post1+local',
      'a ~= 1.4',
      'a !=1.*',
      "a; sys_platform == 'linux'",
    ];
    for (const line of plain) assert.equal(lines(line).length, 1);
    assert.deepEqual(lines('\ufeffhttpx\t>=1\n  pytest'), ['httpx >=1', 'pytest']);
  });
});
