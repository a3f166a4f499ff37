import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from '../../../src/pipeline/contracts.ts';
import { capture, ProcessRunner } from '../../../src/python/process-runner.ts';
import { SourcewrightError } from '../../../src/errors.ts';

const never = (): AbortSignal => new AbortController().signal;

/** Whether a process runs; one that has ended and waits to be reaped does not. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/\) [ZX] /.test(stat);
}

async function gone(pid: number): Promise<boolean> {
  for (let n = 0; n < 40 && (await isAlive(pid)); n += 1) await delay(25);
  return !(await isAlive(pid));
}

describe('running programs', () => {
  let dir: string;
  let shown: string;
  let runner: ProcessRunner;

  beforeEach(async () => {
    dir = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-run-')));
    shown = '';
    runner = new ProcessRunner({ write: (text) => (shown += text), maxBytes: 100_000, graceMs: 300 });
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const node = (script: string, overrides: Partial<Command> = {}): Command => ({
    title: 'test',
    file: process.execPath,
    args: ['-e', script],
    cwd: dir,
    env: { PATH: '/usr/bin:/bin' },
    timeoutMs: 20_000,
    ...overrides,
  });

  /** Waits for a file in which a child has noted its process id. */
  async function pidIn(name: string): Promise<number> {
    for (let n = 0; n < 200; n += 1) {
      const text = await readFile(join(dir, name), 'utf8').catch(() => '');
      if (text !== '') return Number(text);
      await delay(25);
    }
    throw new Error(`${name} was not written`);
  }

  it('ends one that does not want to end in time, also where the clock is set back meanwhile', async () => {
    const usual = Date.now;
    let looks = 0;
    Date.now = () => usual() - 3_600_000 * (looks += 1);
    try {
      const began = performance.now();
      const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
      const { timedOut } = await runner.run(node(stubborn, { timeoutMs: 1000 }), never());
      assert.equal(timedOut, true);
      assert.ok(performance.now() - began < 10_000);
    } finally {
      Date.now = usual;
    }
  });

  it('gives the exit code and both streams', async () => {
    const result = await runner.run(
      node('console.log("out"); console.error("err"); process.exit(7)'),
      never(),
    );
    assert.deepEqual(result, { exitCode: 7, timedOut: false });
    assert.match(shown, /out/);
    assert.match(shown, /err/);
  });

  it('passes arguments as they are, without a shell', async () => {
    const hostile = '$(touch hacked); `touch hacked`; "&" > hacked';
    await runner.run(
      node('console.log(process.argv[1])', { args: ['-e', 'console.log(process.argv[1])', hostile] }),
      never(),
    );
    assert.equal(shown.trim(), hostile);
  });

  it('gives the child the named variables and no others', async () => {
    process.env['SOURCEWRIGHT_TEST_SECRET'] = 'inherited';
    await runner.run(node('console.log(JSON.stringify(process.env))', { env: { ONLY: 'this' } }), never());
    delete process.env['SOURCEWRIGHT_TEST_SECRET'];
    assert.deepEqual(JSON.parse(shown), { ONLY: 'this' });
  });

  it('survives a flood of output and says how much is not shown', async () => {
    const before = process.memoryUsage().rss;
    const result = await runner.run(
      node(
        'const b = Buffer.alloc(1 << 20, 97); let n = 0; (function w() { while (n++ < 100) if (!process.stdout.write(b)) return process.stdout.once("drain", w) })()',
      ),
      never(),
    );
    assert.equal(result.exitCode, 0);
    assert.ok(shown.length < 101_000, `${shown.length} shown`);
    assert.match(shown, /… 104\d{6} more bytes of output not shown/);
    assert.ok(process.memoryUsage().rss - before < 80e6);
  });

  it('does not split characters that come in two pieces', async () => {
    await runner.run(
      node(
        'const b = Buffer.from("é"); process.stdout.write(b.subarray(0, 1)); setTimeout(() => process.stdout.write(b.subarray(1)), 50)',
      ),
      never(),
    );
    assert.equal(shown, 'é');
  });

  const family = `
    const { spawn } = require("node:child_process");
    const { writeFileSync } = require("node:fs");
    process.on("SIGTERM", () => undefined);
    const stubborn = 'process.on("SIGTERM", () => undefined); require("node:fs").writeFileSync(process.argv[1], String(process.pid)); setInterval(() => undefined, 1000)';
    spawn(process.execPath, ["-e", stubborn, "child"], { stdio: "inherit" });
    spawn(process.execPath, ["-e", stubborn, "stray"], { stdio: "inherit", detached: true });
    writeFileSync("self", String(process.pid));
    setInterval(() => undefined, 1000);
  `;

  it('ends the whole tree at the time limit, also what ignores SIGTERM or left the group', async function () {
    if (process.platform !== 'linux') return this.skip();
    const running = runner.run(node(family, { timeoutMs: 1500 }), never());
    const pids = await Promise.all(['self', 'child', 'stray'].map(pidIn));
    assert.deepEqual(await running, { exitCode: null, timedOut: true });
    for (const pid of pids) assert.ok(await gone(pid), `process ${pid} is alive`);
  });

  it('ends the whole tree on abort and resolves', async function () {
    if (process.platform !== 'linux') return this.skip();
    const controller = new AbortController();
    const running = runner.run(node(family), controller.signal);
    const pids = await Promise.all(['self', 'child', 'stray'].map(pidIn));
    controller.abort();
    assert.deepEqual(await running, { exitCode: null, timedOut: false });
    for (const pid of pids) assert.ok(await gone(pid), `process ${pid} is alive`);
  });

  it('ends what a finished program left running in its group', async function () {
    if (process.platform === 'win32') return this.skip();
    const script = `
      const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { stdio: "inherit" });
      require("node:fs").writeFileSync("left", String(child.pid)); child.unref(); process.exit(3)`;
    const started = Date.now();
    const result = await runner.run(node(script), never());
    assert.deepEqual(result, { exitCode: 3, timedOut: false });
    assert.ok(Date.now() - started < 5000);
    assert.ok(await gone(await pidIn('left')));
  });

  it('starts nothing when it is cancelled already', async () => {
    const controller = new AbortController();
    controller.abort();
    const result = await runner.run(node('require("node:fs").writeFileSync("ran", "1")'), controller.signal);
    assert.deepEqual(result, { exitCode: null, timedOut: false });
    assert.equal(await readFile(join(dir, 'ran'), 'utf8').catch(() => 'no'), 'no');
  });

  it('says what can’t be started as an error of the environment', async () => {
    await assert.rejects(runner.run(node('', { file: join(dir, 'no-such-program') }), never()), (error) => {
      assert.ok(error instanceof SourcewrightError);
      assert.equal(error.code, 'environment');
      assert.match(error.message, /no-such-program/);
      return true;
    });
  });

  it('captures quietly, with input and a cap', async () => {
    const result = await capture({
      file: process.execPath,
      args: ['-e', 'process.stdin.pipe(process.stdout)'],
      cwd: dir,
      env: {},
      timeoutMs: 10_000,
      input: 'x'.repeat(5000),
      maxBytes: 1000,
    });
    assert.equal(result.stdout.length, 1000);
    assert.equal(result.truncated, true);
    assert.equal(result.exitCode, 0);
  });

  it('does not fail when the program ends without reading its input', async () => {
    const options = { file: process.execPath, args: ['-e', ''], cwd: dir, env: {}, timeoutMs: 10_000 };
    assert.equal((await capture({ ...options, input: 'x'.repeat(5_000_000) })).exitCode, 0);
  });
});
