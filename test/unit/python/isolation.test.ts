/** How a command is confined: by the person's word, and by what the system has. What that is worth, isolation-faults shows. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcewrightError } from '../../../src/errors.ts';
import type { IsolationPolicy } from '../../../src/pipeline/contracts.ts';
import { findInterpreter } from '../../../src/python/interpreter.ts';
import { confine, type Confinement } from '../../../src/python/isolation/confine.ts';
import { seatbeltProfile } from '../../../src/python/isolation/seatbelt.ts';
import type { SandboxPrograms } from '../../../src/python/isolation/sandboxes.ts';
import { isolationWords } from '../../../src/python/isolation/words.ts';
import { capture, type Captured } from '../../../src/python/process-runner.ts';
import { startedAs } from '../../../src/python/started-as.ts';

const UNSHARE = ['/usr/bin/unshare'];

describe('confining a command', function () {
  this.timeout(60_000);
  let python: string;
  let home: string;

  before(async () => {
    python = (await findInterpreter()).path;
    home = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-isolation-')));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const confined = (policy: IsolationPolicy | undefined, programs?: SandboxPrograms): Promise<Confinement> =>
    confine({ policy, python, home, cwd: home, programs });

  const run = async (code: string, by: Confinement): Promise<Captured> =>
    capture({
      file: python,
      args: ['-I', '-c', code],
      within: by.within,
      cwd: home,
      env: { HOME: home },
      timeoutMs: 30_000,
    });

  it('is started as it is where nothing confines it', () => {
    assert.deepEqual(startedAs({ file: '/p', args: ['a'] }), { file: '/p', args: ['a'] });
    assert.deepEqual(startedAs({ file: '/p', args: ['a'], within: ['/s', '--'] }), {
      file: '/s',
      args: ['--', '/p', 'a'],
    });
  });

  it('is in bubblewrap where that works, which CI sees to', async () => {
    const by = await confined(undefined);
    assert.deepEqual(by.isolation, { kind: 'bubblewrap', lacks: [], reason: null });
    assert.equal(isolationWords(by.isolation), 'in a sandbox (bubblewrap)');
    const ran = await run(
      `import os; print(os.path.exists(${JSON.stringify(homedir())} + "/.bashrc"), os.getpid())`,
      by,
    );
    assert.match(ran.stdout, /^False \d\s*$/, ran.stderr);
  });

  it('passes on exit codes, and the signal that ended a program', async () => {
    for (const programs of [
      undefined,
      { bubblewrap: [], unshare: UNSHARE },
      { bubblewrap: [], unshare: [] },
    ]) {
      const by = await confined('auto', programs);
      assert.equal((await run('raise SystemExit(7)', by)).exitCode, 7);
      const killed = await run('import os; os.kill(os.getpid(), 11)', by);
      assert.ok(killed.exitCode === null || killed.exitCode === 139, String(killed.exitCode));
    }
  });

  it('falls back to namespaces with a network of their own, and says what they lack', async () => {
    const by = await confined('auto', { bubblewrap: ['/nowhere/bwrap'], unshare: UNSHARE });
    assert.equal(by.isolation.kind, 'namespaces');
    assert.equal(by.isolation.reason, 'bubblewrap is not installed');
    assert.match(by.isolation.lacks.join(), /files of the person are seen/);
    const ran = await run(
      `
import os, socket, subprocess
print([name for _, name in socket.if_nameindex()])
server = socket.create_server(("127.0.0.1", 0)); socket.create_connection(server.getsockname()).close()
print([line for line in open("/proc/self/status") if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))])
print(subprocess.run(["/bin/mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True).returncode != 0)
`,
      by,
    );
    assert.equal(
      ran.stdout.replaceAll('\\t', ''),
      `['lo']\n['CapEff:0000000000000000\\n', 'CapBnd:0000000000000000\\n', 'NoNewPrivs:1\\n']\nTrue\n`,
      ran.stderr,
    );
  });

  it('tries what is installed, and does not trust that it works', async () => {
    const by = await confined('auto', { bubblewrap: ['/bin/false'], unshare: ['/bin/false'] });
    assert.equal(by.isolation.kind, 'limits');
    assert.match(by.isolation.reason ?? '', /bubblewrap does not work here.*neither do namespaces/);
    // A program that runs what it is given without confining it is no sandbox.
    const open = await confined('auto', { bubblewrap: ['/usr/bin/env'], unshare: [] });
    assert.equal(open.isolation.kind, 'limits');
  });

  it('without any sandbox still limits, and ends what is left behind', async () => {
    const by = await confined('auto', { bubblewrap: [], unshare: [] });
    assert.equal(by.isolation.kind, 'limits');
    assert.match(
      isolationWords(by.isolation),
      /within limits, without a sandbox \(bubblewrap is not installed\)/,
    );
    const ran = await run(
      `
import os, resource, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (0, 1, 2):
            os.close(number)
        time.sleep(120)
    os._exit(0)
os.wait()
children = [pid for pid in os.listdir("/proc") if pid.isdigit()]
print(resource.getrlimit(resource.RLIMIT_FSIZE)[0] >> 20, resource.getrlimit(resource.RLIMIT_CORE)[0])
print(*[pid for pid in children if b"time.sleep(120)" in open(f"/proc/{pid}/cmdline", "rb").read()])
`,
      by,
    );
    const [limits = '', pids = ''] = ran.stdout.split('\n');
    assert.equal(limits, '64 0', ran.stderr);
    const strays = pids.split(' ').filter((pid) => pid !== '');
    assert.ok(strays.length >= 2, ran.stdout);
    for (const pid of strays) assert.equal(existsSync(`/proc/${pid}`), false, pid);
  });

  it('pauses with a cure where a sandbox is required and there is none', async () => {
    for (const unshare of [UNSHARE, []]) {
      await assert.rejects(confined('require', { bubblewrap: [], unshare }), (error) => {
        assert.ok(error instanceof SourcewrightError);
        assert.equal(error.code, 'environment');
        assert.match(error.message, /without a sandbox.*bubblewrap is not installed/);
        assert.match(error.cure ?? '', /apt install bubblewrap.*resume/);
        return true;
      });
    }
    assert.equal((await confined('require')).isolation.kind, 'bubblewrap');
  });

  it('does nothing where it is switched off, and says so', async () => {
    const by = await confined('off');
    assert.deepEqual([by.within, by.isolation.kind, by.isolation.reason], [[], 'none', 'it is switched off']);
    assert.ok(by.isolation.lacks.length > 2);
  });

  it('writes a profile for macOS in which later rules open no more than what is named', () => {
    const profile = seatbeltProfile(
      {
        cwd: '/Users/a/connectors/source-x',
        readable: ['/Users/a/Library/Caches/sourcewright/venv'],
        writable: ['/private/var/folders/x/T/run "1"\\'],
        copies: [],
        temporary: '/private/var/folders/x/T/run/tmp',
        shared: '/private/var/folders/x/T/run/shm',
      },
      ['/Users', '/Users/a'],
    );
    const lines = profile.split('\n');
    const at = (text: string): number => lines.findIndex((line) => line.includes(text));
    assert.ok(at('(deny network*)') < at('(allow network-outbound (remote ip "localhost:*"))'));
    assert.ok(
      at('(deny file-write*)') <
        at('(allow file-write* (subpath "/private/var/folders/x/T/run \\"1\\"\\\\")'),
    );
    assert.ok(at('(allow file-write*') < at('(deny file-write* (regex'));
    assert.ok(
      at('(deny file-read-data (subpath "/Users")') < at('(allow file-read* (subpath "/Users/a/Library'),
    );
    assert.equal(profile.match(/\(allow file-write\*/g)?.length, 2);
    assert.throws(() =>
      seatbeltProfile(
        {
          cwd: '',
          readable: ['/a\n(allow default)'],
          writable: [],
          copies: [],
          temporary: '/t',
          shared: '/s',
        },
        [],
      ),
    );
  });
});
