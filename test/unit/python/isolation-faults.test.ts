/**
 * What foreign code tries, and what comes of it: real tests of a connector in a real pytest, in each sandbox that this
 * system has. The sandboxes themselves are not pretended: where one can't be had, the suite fails.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { TestReport } from '../../../src/pipeline/contracts.ts';
import { connectorEnvironment } from '../../../src/stages/connector.ts';
import { runSuite } from '../../../src/python/pytest.ts';
import type { PythonEnvironment } from '../../../src/python/environments.ts';
import type { Limits } from '../../../src/python/isolation/limits.ts';
import { ProcessRunner } from '../../../src/python/process-runner.ts';
import { workbench, type Workbench } from '../stages/support/context.ts';
import { miniConnector } from '../stages/support/mini-connector.ts';

/** A process that was started with this word among its arguments. */
async function runsWith(word: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(word)) return true;
  }
  return false;
}

/** An address of this machine that is not loopback: where a listener stands for all that is outside. */
function outerAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry?.family === 'IPv4' && !entry.internal)?.address;
}

const LIMITS: Partial<Limits> = { memory: 300 << 20, data: 200 << 20, disk: 100 << 20, processes: 60 };

describe('foreign code in the sandbox', function () {
  this.timeout(600_000);
  this.slow(15_000);
  let bench: Workbench;
  let environment: PythonEnvironment;
  let canaries: string;
  let shown: string;

  before(async () => {
    bench = await workbench();
    for (const { path, content } of miniConnector()) await bench.write(path, content);
    environment = await connectorEnvironment(bench.dependencies(), bench.context());
    canaries = await mkdtemp(join(homedir(), '.sourcewright-canary-'));
    await writeFile(join(canaries, 'id_ed25519'), 'CANARY-KEY');
  });
  after(async () => {
    await rm(canaries, { recursive: true, force: true });
    await bench.dispose();
  });

  /** Runs these tests alone, with a test beside them that passes. */
  async function suite(
    text: string,
    limits: Partial<Limits> = LIMITS,
    timeoutMs = 60_000,
  ): Promise<TestReport> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-hostile-')));
    shown = '';
    try {
      await mkdir(join(dir, 'tests'));
      await mkdir(join(dir, 'src'));
      await mkdir(join(dir, '.git'));
      await writeFile(join(dir, '.env'), 'API_KEY=CANARY-ENV');
      await writeFile(join(dir, 'src', '__init__.py'), '');
      await writeFile(join(dir, 'tests', 'test_a.py'), text);
      await writeFile(join(dir, 'tests', 'test_z.py'), 'def test_after() -> None:\n    assert 1 + 1 == 2\n');
      const report = await runSuite({
        connectorDir: dir,
        environment,
        runner: new ProcessRunner({ write: (piece) => (shown += piece) }),
        title: 'hostile',
        timeoutMs,
        signal: new AbortController().signal,
        coverage: false,
        limits,
      });
      assert.deepEqual(report.isolation, { kind: 'bubblewrap', lacks: [], reason: null });
      assert.deepEqual((await readdir(dir)).sort(), ['.env', '.git', 'src', 'tests']);
      assert.deepEqual(await readdir(join(dir, '.git')), []);
      assert.deepEqual((await readdir(join(dir, 'tests'))).sort(), ['test_a.py', 'test_z.py']);
      return report;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  const outcomes = (report: TestReport): Record<string, string> =>
    Object.fromEntries(report.cases.map(({ id, outcome }) => [id.split('::')[1] ?? '', outcome]));

  it('sees no file of the person, none of the connector’s private ones, and no secret', async () => {
    process.env['SOURCEWRIGHT_CANARY_TOKEN'] = 'CANARY-TOKEN';
    const report = await suite(`
import os, pathlib, pytest

def test_home():
    assert os.environ["HOME"] != ${JSON.stringify(homedir())}
    assert os.environ["TMPDIR"] == os.environ["HOME"]

def test_canary():
    with pytest.raises(OSError):
        pathlib.Path(${JSON.stringify(join(canaries, 'id_ed25519'))}).read_text()

@pytest.mark.parametrize("path", [".ssh", ".config", ".gitconfig", ".npmrc", ".bashrc"])
def test_dot_files(path):
    assert not pathlib.Path(${JSON.stringify(homedir())}, path).exists()

@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/ssl/private", "/root/.ssh", "/var", "/run", "/sys", "/srv", "/mnt"])
def test_system(path):
    assert not pathlib.Path(path).exists()

def test_environment():
    assert "CANARY" not in str(dict(os.environ))
    for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
        assert b"CANARY" not in entry.read_bytes()

def test_private_files():
    assert not pathlib.Path(".env").exists()
    assert not pathlib.Path(".git").exists()
`);
    delete process.env['SOURCEWRIGHT_CANARY_TOKEN'];
    assert.equal(report.verdict, 'passed', shown);
    assert.equal(report.passed, 18);
  });

  it('writes nothing outside of its temporary folder, and what it writes into the connector is thrown away', async () => {
    const report = await suite(`
import os, pathlib, pytest

@pytest.mark.parametrize("path", ["/usr/bin/x", "/etc/x", "/x", ${JSON.stringify(join(canaries, 'x'))}])
def test_elsewhere(path):
    with pytest.raises(OSError):
        pathlib.Path(path).write_text("x")

def test_environment_of_packages():
    with pytest.raises(OSError):
        pathlib.Path(pytest.__file__).with_name("x.pth").write_text("import os")

def test_hooks():
    pathlib.Path(".git/hooks").mkdir(parents=True)
    pathlib.Path(".git/hooks/pre-commit").write_text("#!/bin/sh")
    pathlib.Path(".vscode").mkdir()
    pathlib.Path("tests/golden.json").write_text("{}")

def test_temporary(tmp_path):
    (tmp_path / "x").write_text("x")
    pathlib.Path("/tmp/x").write_text("x")
`);
    assert.deepEqual(
      Object.entries(outcomes(report)).filter(([, outcome]) => outcome !== 'passed'),
      [],
      shown,
    );
    // golden.json is a new file among the tests: what ran is not what stands there.
    assert.equal(report.verdict, 'unusable');
    assert.deepEqual(await readdir(canaries), ['id_ed25519']);
  });

  it('reaches loopback of its own and nothing else', async () => {
    const address = outerAddress();
    let met = 0;
    const listen = (host: string): Promise<Server> =>
      new Promise((resolve) => {
        const server = createServer((socket) => {
          met += 1;
          socket.destroy();
        }).listen(0, host, () => {
          resolve(server);
        });
      });
    const servers = await Promise.all(['127.0.0.1', ...(address === undefined ? [] : [address])].map(listen));
    try {
      const targets = servers.map((server) => {
        const { address: host, port } = server.address() as AddressInfo;
        return `("${host}", ${port})`;
      });
      const report = await suite(`
import socket, pytest

@pytest.mark.parametrize("target", [${targets.join(', ')}])
def test_outside(target):
    with pytest.raises(OSError):
        socket.create_connection(target, 5)

def test_interfaces():
    assert [name for _, name in socket.if_nameindex()] == ["lo"]

@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback(host):
    server = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    socket.create_connection((host, server.getsockname()[1]), 5).close()

def test_names():
    with pytest.raises(OSError):
        socket.getaddrinfo("sourcewright.invalid", 80)
`);
      assert.equal(report.verdict, 'passed', shown);
      assert.equal(met, 0);
    } finally {
      for (const server of servers) server.close();
    }
  });

  it('cuts a flood of output, keeps its end, and goes on', async () => {
    const report = await suite(
      `
import os, sys

def test_flood():
    for n in range(100_000_000):
        print("flood", n, "x" * 1000)

def test_prints():
    print("begin" + "y" * 10_000_000 + "the end")
    assert False
`,
      { ...LIMITS, data: 2 ** 30, memory: 2 ** 31, disk: 2 ** 30 },
    );
    assert.deepEqual(
      outcomes(report),
      { test_flood: 'failed', test_prints: 'failed', test_after: 'passed' },
      `${report.reason ?? ''}\n${shown.slice(-3000)}`,
    );
    const [flood, prints] = report.cases;
    assert.match(flood?.message ?? '', /File too large/);
    assert.match(prints?.details ?? '', /assert False|the end/);
    assert.equal(report.verdict, 'failed');
    assert.ok(JSON.stringify(report).length < 1_000_000);
  });

  it('survives gigabytes past the capture, and shows the end of it', async () => {
    const report = await suite(`
import os, pytest

def test_flood(capfd):
    with capfd.disabled():
        for _ in range(2000):
            os.write(1, b"z" * 1_048_576)
        os.write(1, b"THE-END")
`);
    assert.equal(report.verdict, 'passed', shown.slice(-2000));
    assert.ok(shown.length < 5 << 20, String(shown.length));
    assert.match(shown, /more bytes of output not shown/);
    assert.match(shown, /THE-END/);
  });

  it('ends a fork bomb by the number of its processes', async () => {
    const report = await suite(
      `
import os, time

def test_bomb():
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)
`,
      { ...LIMITS, memory: 2 ** 31 },
    );
    assert.equal(report.verdict, 'unusable');
    assert.match(report.reason ?? '', /more processes at once than they may/);
    assert.match(shown, /ended, as it used more than 60 processes at once/);
    assert.ok(report.durationMs < 20_000, String(report.durationMs));
  });

  it('gives a test that eats memory an error of its own, and ends many that do', async () => {
    const one = await suite(`
def test_eats():
    held = []
    while True:
        held.append(bytearray(10_000_000))
`);
    assert.deepEqual(outcomes(one), { test_eats: 'failed', test_after: 'passed' });
    assert.match(one.cases[0]?.message ?? '', /MemoryError/);
    const many = await suite(`
import os, time

def test_eat_together():
    for _ in range(4):
        if os.fork() == 0:
            held = bytearray(b"x" * 90_000_000)
            time.sleep(60)
    time.sleep(60)
`);
    assert.match(many.reason ?? '', /more memory than they may/);
  });

  it('limits one file, and all of them together', async () => {
    const one = await suite(
      `
def test_fills(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        for _ in range(10_000):
            file.write(b"x" * 1_048_576)
`,
      { ...LIMITS, file: 20 << 20 },
    );
    assert.deepEqual(outcomes(one), { test_fills: 'failed', test_after: 'passed' });
    assert.match(one.cases[0]?.message ?? '', /File too large/);
    const many = await suite(`
import time

def test_fills(tmp_path):
    for number in range(10_000):
        (tmp_path / str(number)).write_bytes(b"x" * 1_048_576)
        time.sleep(0.001)

def test_shared_memory():
    open("/dev/shm/x", "wb").write(b"x" * 1_048_576)
`);
    assert.match(many.reason ?? '', /wrote more to the disk than they may/);
  });

  it('leaves no daemon behind', async () => {
    const word = `daemon-${process.pid}-${Date.now()}`;
    const report = await suite(`
import os, subprocess, sys, time

def test_daemons():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "${word}"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(300)", "${word}"])
        os._exit(0)
    time.sleep(0.5)
    assert any(b"${word}" in open(f"/proc/{pid}/cmdline", "rb").read() for pid in os.listdir("/proc") if pid.isdigit())
`);
    assert.equal(report.verdict, 'passed', shown);
    assert.equal(await runsWith(word), false);
  });

  it('ends what hangs and does not listen, at the time limit', async () => {
    const word = `hangs-${process.pid}-${Date.now()}`;
    const report = await suite(
      `
import os, signal, subprocess, sys, time

def test_hangs():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "${word}"], start_new_session=True)
    time.sleep(300)
`,
      LIMITS,
      4000,
    );
    assert.deepEqual([report.verdict, report.timedOut], ['unusable', true]);
    assert.ok(report.durationMs < 12_000, String(report.durationMs));
    assert.equal(await runsWith(word), false);
  });

  it('can’t reach what watches it', async () => {
    const report = await suite(`
import os, signal, pytest

def test_kill_all():
    with pytest.raises(ProcessLookupError):
        os.kill(-1, signal.SIGSTOP)
    os.kill(1, signal.SIGSTOP)
    lines = [open(f"/proc/{pid}/cmdline").read() for pid in os.listdir("/proc") if pid.isdigit()]
    assert len(lines) >= 2
    assert not any("supervise.py" in line for line in lines)

def test_own_namespaces():
    assert os.system("unshare --user --map-root-user true") != 0
`);
    assert.equal(report.verdict, 'passed', shown);
  });
});
