/** Installing from an index of our own on 127.0.0.1: wheels only, by a lock, and no package that is not known or allowed. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import { ensureEnvironment, type EnvironmentOptions } from '../../../src/python/environments.ts';
import { findInterpreter, type Interpreter } from '../../../src/python/interpreter.ts';
import { imitated, refuseUnknown, UnknownPackages } from '../../../src/python/known-packages.ts';
import { fits, lockText, parseLock, requirementsDigest } from '../../../src/python/lock.ts';
import { capture } from '../../../src/python/process-runner.ts';
import { uvProgram } from './uv.ts';

/** Writes wheels and one sdist whose set-up leaves a mark: {file name: [name, version, needs, text of the module]}. */
const MAKE = `
import io, json, sys, tarfile, zipfile
folder, order = sys.argv[1], json.loads(sys.argv[2])
for file, (name, version, needs, text) in order.items():
    module = name.replace("-", "_")
    meta = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n" + "".join(f"Requires-Dist: {need}\\n" for need in needs)
    if file.endswith(".whl"):
        info = f"{module}-{version}.dist-info"
        with zipfile.ZipFile(f"{folder}/{file}", "w") as wheel:
            wheel.writestr(f"{module}.py", text)
            wheel.writestr(f"{info}/METADATA", meta)
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            wheel.writestr(f"{info}/RECORD", "")
    else:
        with tarfile.open(f"{folder}/{file}", "w:gz") as archive:
            for path, content in (("setup.py", text), ("PKG-INFO", meta)):
                entry = tarfile.TarInfo(f"{name}-{version}/{path}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content.encode()))
`;

describe('installing packages', function () {
  this.timeout(600_000);
  this.slow(20_000);
  let interpreter: Interpreter;
  let folder: string;
  let server: Server | undefined;
  let asked: string[];
  let environment: Record<string, string | undefined>;
  const allowed = ['swt-alpha', 'swt-beta', 'swt-sdist'];

  const make = async (order: Record<string, [string, string, string[], string]>): Promise<void> => {
    const ran = await capture({
      file: interpreter.path,
      args: ['-I', '-c', MAKE, join(folder, 'index'), JSON.stringify(order)],
      cwd: folder,
      env: {},
      timeoutMs: 20_000,
    });
    assert.equal(ran.exitCode, 0, ran.stderr);
  };

  /** A simple index as PEP 503 has it, without hashes. */
  async function serve(): Promise<string> {
    server = createServer((request, response) => {
      const url = request.url ?? '';
      asked.push(url);
      const answer = async (): Promise<void> => {
        const files = await readdir(join(folder, 'index'));
        const project = /^\/simple\/([^/]+)\/$/.exec(url)?.[1];
        if (project === undefined) {
          response.end(await readFile(join(folder, 'index', url.replace('/files/', ''))));
          return;
        }
        const links = files
          .filter((file) => file.replaceAll('_', '-').startsWith(`${project}-`))
          .map((file) => `<a href="/files/${file}">${file}</a>`);
        response.statusCode = links.length === 0 ? 404 : 200;
        response.setHeader('content-type', 'text/html');
        response.end(`<!DOCTYPE html><html><body>${links.join('')}</body></html>`);
      };
      answer().catch(() => {
        response.statusCode = 404;
        response.end();
      });
    });
    await new Promise<void>((done) => {
      server?.listen(0, '127.0.0.1', done);
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
  }

  async function close(): Promise<void> {
    server?.closeAllConnections();
    await new Promise<void>((done) => {
      if (server === undefined) done();
      else
        server.close(() => {
          done();
        });
    });
    server = undefined;
  }

  before(async () => {
    interpreter = await findInterpreter();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-install-'));
    await mkdir(join(folder, 'index'));
    asked = [];
    environment = {
      PATH: '/usr/bin:/bin',
      PIP_CONFIG_FILE: '/dev/null',
      PIP_NO_CACHE_DIR: '1',
      PIP_INDEX_URL: await serve(),
      PIP_NO_BINARY: ':all:',
    };
    await make({
      'swt_alpha-1.0-py3-none-any.whl': ['swt-alpha', '1.0', ['swt-beta>=1'], 'VALUE = 1\n'],
      'swt_beta-1.5-py3-none-any.whl': ['swt-beta', '1.5', [], 'VALUE = 15\n'],
      'swt-sdist-1.0.tar.gz': [
        'swt-sdist',
        '1.0',
        [],
        `open(${JSON.stringify(join(folder, 'RAN'))}, "w").close()\nfrom setuptools import setup\nsetup(name="swt-sdist", version="1.0")\n`,
      ],
    });
  });
  afterEach(async () => {
    await close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  const options = (content: string, more: Partial<EnvironmentOptions> = {}): EnvironmentOptions => ({
    interpreter,
    cacheDir: join(folder, 'cache'),
    environment,
    allowed,
    requirements: [{ name: 'requirements.txt', content }],
    ...more,
  });

  const refused = (work: Promise<unknown>, message: RegExp, cure: RegExp): Promise<void> =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'environment');
      assert.match(error.message, message);
      assert.match(error.cure ?? '', cure);
      return true;
    });

  const valueOf = async (python: string, module: string): Promise<string> => {
    const args = ['-I', '-c', `import ${module}; print(${module}.VALUE)`];
    return (await capture({ file: python, args, cwd: folder, env: {}, timeoutMs: 20_000 })).stdout.trim();
  };

  it('makes a lock with hashes, keeps to it, and needs no network for it again', async () => {
    const first = await ensureEnvironment(options('swt-alpha>=1'));
    assert.equal(await valueOf(first.python, 'swt_beta'), '15');
    const content = await readFile(first.lock ?? '', 'utf8');
    const lock = parseLock(content, 'requirements.lock');
    assert.deepEqual(
      lock.packages.map(({ name, version, sha256 }) => [name, version, sha256.length]),
      [
        ['swt-alpha', '1.0', 1],
        ['swt-beta', '1.5', 1],
      ],
    );
    // A newer version is out: another machine that is given the lock installs what was tested.
    await make({ 'swt_beta-2.0-py3-none-any.whl': ['swt-beta', '2.0', [], 'VALUE = 20\n'] });
    const given = { name: 'requirements.lock', content };
    const other = await ensureEnvironment(
      options('swt-alpha>=1', { lock: given, cacheDir: join(folder, 'other') }),
    );
    assert.equal(await valueOf(other.python, 'swt_beta'), '15');
    assert.equal(await readFile(other.lock ?? '', 'utf8'), content);
    // The same lock is no other environment where it was made.
    assert.equal((await ensureEnvironment(options('swt-alpha>=1', { lock: given }))).key, first.key);
    assert.deepEqual((await readdir(folder)).sort(), ['cache', 'index', 'other']);
    await close();
    await rm(join(folder, 'cache', 'environments'), { recursive: true });
    const again = await ensureEnvironment(options('swt-alpha>=1'));
    assert.equal(await valueOf(again.python, 'swt_beta'), '15');
  });

  describe('with uv', () => {
    let uv = '';
    before(async () => {
      uv = await uvProgram();
    });
    const withUv = (index: string | undefined, cache = 'uv'): Record<string, string | undefined> => ({
      ...environment,
      PATH: `${dirname(uv)}:/usr/bin:/bin`,
      UV_CACHE_DIR: join(folder, cache),
      UV_INDEX_URL: index,
      UV_PYTHON_DOWNLOADS: 'never',
    });

    it('makes the lock that pip makes, keeps to it, and needs no network for it again', async () => {
      const index = environment['PIP_INDEX_URL'];
      const byPip = await ensureEnvironment(options('swt-alpha>=1', { cacheDir: join(folder, 'by-pip') }));
      const first = await ensureEnvironment(options('swt-alpha>=1', { environment: withUv(index) }));
      assert.ok((await readdir(folder)).includes('uv'), 'uv was not used');
      assert.equal(await valueOf(first.python, 'swt_beta'), '15');
      const content = await readFile(first.lock ?? '', 'utf8');
      assert.equal(content, await readFile(byPip.lock ?? '', 'utf8'));
      await close();
      await rm(join(folder, 'cache', 'environments'), { recursive: true });
      const again = await ensureEnvironment(options('swt-alpha>=1', { environment: withUv(index) }));
      assert.equal(await valueOf(again.python, 'swt_beta'), '15');
    });

    it('refuses a package that was replaced on the index, and runs no set-up code', async () => {
      const index = environment['PIP_INDEX_URL'];
      const first = await ensureEnvironment(options('swt-beta==1.5', { environment: withUv(index) }));
      const content = await readFile(first.lock ?? '', 'utf8');
      await make({ 'swt_beta-1.5-py3-none-any.whl': ['swt-beta', '1.5', [], 'import os\nVALUE = 666\n'] });
      const lock = { name: 'requirements.lock', content };
      const elsewhere = { environment: withUv(index, 'uv-other'), cacheDir: join(folder, 'other') };
      await refused(
        ensureEnvironment(options('swt-beta==1.5', { lock, ...elsewhere })),
        /not the one that was locked/,
        /delete the lock/,
      );
      await refused(
        ensureEnvironment(options('swt-sdist==1.0', elsewhere)),
        /could not be fetched/,
        /no wheel of that name/,
      );
      assert.ok(!(await readdir(folder)).includes('RAN'));
    });

    it('is left alone where only pip is told of an index: it would ask another', async () => {
      const made = await ensureEnvironment(options('swt-beta==1.5', { environment: withUv(undefined) }));
      assert.equal(await valueOf(made.python, 'swt_beta'), '15');
      assert.ok(!(await readdir(folder)).includes('uv'), 'uv was asked');
      assert.ok(asked.some((url) => url.includes('swt-beta')));
    });
  });

  it('refuses a package that was replaced on the index', async () => {
    const first = await ensureEnvironment(options('swt-beta==1.5'));
    const content = await readFile(first.lock ?? '', 'utf8');
    await make({ 'swt_beta-1.5-py3-none-any.whl': ['swt-beta', '1.5', [], 'import os\nVALUE = 666\n'] });
    const cacheDir = join(folder, 'other');
    const lock = { name: 'requirements.lock', content };
    await refused(
      ensureEnvironment(options('swt-beta==1.5', { lock, cacheDir })),
      /not the one that was locked/,
      /delete the lock/,
    );
    assert.deepEqual(await readdir(join(cacheDir, 'environments')), []);
  });

  it('pauses offline where nothing was kept', async () => {
    await close();
    await refused(
      ensureEnvironment(options('swt-beta==1.5')),
      /can't be reached/,
      /Connect to the network.*resume/,
    );
  });

  it('runs no set-up code: a package without a wheel is not installed', async () => {
    await refused(
      ensureEnvironment(options('swt-sdist==1.0')),
      /could not be fetched/,
      /no wheel of that name/,
    );
    assert.ok(asked.some((url) => url.includes('swt-sdist')));
    assert.ok(!(await readdir(folder)).includes('RAN'));
  });

  for (const [line, why] of [
    ['reqeusts==2.0', /imitation of "requests"/],
    ['python-httpx', /imitation of "httpx"/],
    ['pydantlc>=2', /imitation of "pydantic"/],
    ['acme-internal-client==9', /anybody may own that name/],
    ['source-tides==1', /anybody may own that name/],
    ['quantum-flux-loader', /none of the packages that connectors are known to use/],
  ] as const) {
    it(`asks no index for "${line}"`, async () => {
      await refused(ensureEnvironment(options(`swt-beta==1.5\n${line}`)), why, /packages\.allowed/);
      assert.deepEqual(asked, []);
    });
  }

  it('refuses what a foreign lock smuggles in', async () => {
    const digest = parseLock(
      await readFile((await ensureEnvironment(options('swt-beta==1.5'))).lock ?? '', 'utf8'),
      '',
    );
    const hash = 'a'.repeat(64);
    const smuggled = lockText({
      ...digest,
      packages: [...digest.packages, { name: 'quantum-flux-loader', version: '1', sha256: [hash] }],
    });
    asked = [];
    await refused(
      ensureEnvironment(options('swt-beta==1.5', { lock: { name: 'requirements.lock', content: smuggled } })),
      /"quantum-flux-loader" is none/,
      /Correct the name/,
    );
    for (const line of ['--index-url http://127.0.0.1:1', 'x @ http://127.0.0.1:1/x.whl', 'x==1', '-e .']) {
      const content = `${lockText(digest)}${line}\n`;
      await refused(
        ensureEnvironment(options('swt-beta==1.5', { lock: { name: 'requirements.lock', content } })),
        /is not a package with its version and hash/,
        /made anew/,
      );
    }
    assert.deepEqual(asked, []);
  });

  it('does not mind a lock of other requirements or another Python', () => {
    const made = {
      requirements: requirementsDigest(['swt-beta==1.5']),
      platform: interpreter.platform,
      packages: [{ name: 'swt-beta', version: '1.5', sha256: ['a'.repeat(64)] }],
    };
    assert.deepEqual(parseLock(lockText(made), ''), made);
    assert.ok(fits(made, ['swt-beta==1.5'], interpreter.platform));
    assert.ok(!fits(made, ['swt-beta==1.6'], interpreter.platform));
    assert.ok(!fits(made, ['swt-beta==1.5'], 'cpython-399-other'));
    const elsewhere = { ...made, packages: [{ name: 'swt-beta', version: '1.4', sha256: ['b'.repeat(64)] }] };
    assert.ok(!fits(elsewhere, ['swt-beta==1.5'], interpreter.platform));
  });

  it('knows what generated connectors need, and takes no known name for an imitation', () => {
    assert.doesNotThrow(() => {
      refuseUnknown('', ['httpx==0.28.1', 'pyjwt[crypto]==2.15.1', 'hatchling>=1.27,<2', 'Pytest_Cov'], []);
    });
    assert.equal(imitated('boto4'), 'boto3');
    assert.equal(imitated('quantum-flux-loader'), undefined);
    assert.throws(
      () => {
        refuseUnknown('', ['reqests'], []);
      },
      (error) => error instanceof SourcewrightError && error.cause instanceof UnknownPackages,
    );
  });
});
