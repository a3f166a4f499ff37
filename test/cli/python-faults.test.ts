/** Python that is missing or too old, and pip without a network: said in words, and the run goes on when it is there. */
import assert from 'node:assert/strict';
import { chmod, copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../src/python/environments.ts';
import { smallDisk } from './fault-places.ts';
import { type Outcome, removeFolder, root, sourcewright, temporaryFolder } from './program.ts';

describe('faults of Python', function () {
  this.timeout(600_000);
  this.slow(60_000);
  let folder = '';
  beforeEach(async () => {
    folder = await temporaryFolder();
    const library = join(root, 'test', 'fixtures', 'workspace', 'library.openapi.yaml');
    await copyFile(library, join(folder, 'library.yaml'));
  });
  afterEach(() => removeFolder(folder));

  const generate = (env: Readonly<Record<string, string>>): Promise<Outcome> =>
    sourcewright(['generate', 'library.yaml', '--streams', 'books', '--approve', 'research'], {
      cwd: folder,
      env,
    });
  const resume = (env: Readonly<Record<string, string>>, ...words: string[]): Promise<Outcome> =>
    sourcewright(['resume', 'latest', ...words], { cwd: folder, env });

  function stopped(outcome: Outcome, ...says: RegExp[]): void {
    const said = outcome.stdout + outcome.stderr;
    assert.equal(outcome.exitCode, 4, said);
    for (const pattern of says) assert.match(said, pattern);
    assert.doesNotMatch(said, /Unexpected error|mistake in Sourcewright|\n\s+at .*:\d+:\d+/);
  }
  function waits(outcome: Outcome): void {
    assert.equal(outcome.exitCode, 3, outcome.stdout + outcome.stderr);
    assert.match(outcome.stdout, /gate "code"/);
  }

  it('none, one that is too old, one that the setting names and is not there', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    const only = { PATH: bin, SOURCEWRIGHT_PYTHON: '' };
    stopped(
      await generate(only),
      /No usable Python 3\.11 or newer: none was found/,
      /Install Python 3\.11 or newer with venv/,
    );
    const answer = { path: '/opt/python3', version: '3.9.2', venv: true, major: 3, minor: 9, platform: 'x' };
    await writeFile(join(bin, 'python3'), `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
    await chmod(join(bin, 'python3'), 0o755);
    stopped(await resume(only), /python3 is Python 3\.9\.2, older than 3\.11/);
    stopped(
      await resume({ SOURCEWRIGHT_PYTHON: join(folder, 'nowhere', 'python3') }),
      /nowhere\/python3 does not run/,
      /Correct the Python path/,
    );
    waits(await resume({}));
  });

  it('a disk that gets full while the environment is made, and while packages are installed', async () => {
    // Too small for the interpreter's own files, and for the packages.
    const disk = await smallDisk('4m');
    const env = { SOURCEWRIGHT_CACHE: disk.path, PATH: await withoutUv(process.env['PATH'] ?? '') };
    try {
      stopped(
        await generate(env),
        /environment could not be created, and \d MB are left on the disk/,
        /about 300 MB/,
      );
      disk.change('size=40m');
      stopped(
        await resume(env),
        /packages could not be \w+(: the disk is full|, and \d MB are left)/,
        /about 300 MB/,
      );
      assert.deepEqual(
        (await readdir(join(disk.path, 'environments'))).filter((name) => !/lock/.test(name)),
        [],
        'half an environment was left',
      );
      disk.change('size=1g');
      waits(await resume(env));
    } finally {
      await disk.dispose();
    }
  });

  it('pip without a network: a pause without the packages, and none of it with those that were fetched before', async () => {
    const cache = join(folder, 'cache');
    // Where uv is installed, it has a cache of its own: here it is pip that is looked at.
    const PATH = await withoutUv(process.env['PATH'] ?? '');
    const offline = {
      PATH,
      SOURCEWRIGHT_CACHE: cache,
      PIP_CONFIG_FILE: '/dev/null',
      PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
      PIP_FIND_LINKS: '',
      PIP_NO_CACHE_DIR: '1',
    };
    stopped(
      await generate(offline),
      /the Python package index can't be reached/,
      /needed once and then kept\. Connect to the network/,
    );
    // What earlier runs on this machine fetched saves time here; what it lacks is fetched now.
    for (const kept of ['wheels', 'locks']) {
      await cp(join(cacheFolder(process.env), kept), join(cache, kept), { recursive: true }).catch(
        () => undefined,
      );
    }
    waits(await resume({ PATH, SOURCEWRIGHT_CACHE: cache }));
    await rm(join(cache, 'environments'), { recursive: true });
    const again = await sourcewright(['stage', 'generate', '--run', 'latest'], { cwd: folder, env: offline });
    waits(again);
    assert.equal((await readdir(join(cache, 'environments'))).length, 1);
  });
});

/** A search path without the folders that hold uv. */
async function withoutUv(path: string): Promise<string> {
  const folders = path.split(':');
  const has = await Promise.all(
    folders.map(async (one) => (await readdir(one).catch((): string[] => [])).includes('uv')),
  );
  return folders.filter((_one, index) => has[index] !== true).join(':');
}
