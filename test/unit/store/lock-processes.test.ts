/** Real processes that want the same lock at the same moment. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { sha256 } from '../../../src/store/files.ts';

const PROCESSES = 8;
const ROUNDS = 16;
const EVERY_MS = 120;

interface Result {
  readonly won: readonly number[];
  readonly held: readonly number[];
  readonly refused: readonly number[];
  readonly errors: readonly string[];
}

class Racer {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #wake: () => void = () => undefined;

  constructor(script: string, folder: string) {
    const words = [script, folder, String(ROUNDS), String(EVERY_MS)];
    this.#child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(this.#child.stdout);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
  }

  async line(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  async end(): Promise<void> {
    const ended = new Promise((done) => this.#child.once('exit', done));
    this.#child.stdin?.end();
    await ended;
  }
}

describe('a lock that several processes want', function () {
  this.timeout(120_000);
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-locks-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  let deadProcess: number | undefined;
  before(async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((ended) => child.once('close', ended));
    deadProcess = child.pid;
  });

  function dead(nonce: string): string {
    const holder = {
      pid: deadProcess,
      process: 'long ago',
      host: hostname(),
      doing: 'died',
      since: '',
      nonce,
    };
    return JSON.stringify(holder);
  }

  /** A lock as it can be found: free, of a dead process, of one that died while it took it over, cut off. */
  async function prepare(round: number, kind: number): Promise<void> {
    const path = join(folder, String(round), 'lock');
    await mkdir(join(folder, String(round)));
    if (kind === 1 || kind === 2) {
      const first = dead(`first of ${round}`);
      await writeFile(path, first);
      if (kind === 2) {
        await writeFile(`${path}.after-${sha256(first).slice(0, 16)}`, dead(`second of ${round}`));
      }
    }
    if (kind === 3) {
      await writeFile(path, '');
      const old = new Date(Date.now() - 60_000);
      await utimes(path, old, old);
    }
  }

  it('is given to exactly one of eight, however it was left', async () => {
    for (let round = 0; round < ROUNDS; round += 1) await prepare(round, round % 4);
    // One file, so that eight processes are there at once.
    const script = join(folder, 'racer.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'lock-racer.ts')],
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'warning',
    });
    const racers = Array.from({ length: PROCESSES }, () => new Racer(script, folder));
    try {
      for (const racer of racers) assert.equal(await racer.line(), 'ready');
      const begin = String(Date.now() + 500);
      for (const racer of racers) racer.tell(begin);
      const results: Result[] = [];
      for (const racer of racers) results.push(JSON.parse(await racer.line()) as Result);
      assert.deepEqual(
        results.flatMap(({ errors }) => errors),
        [],
      );
      const winners = results.flatMap(({ won }) => won).sort((a, b) => a - b);
      assert.deepEqual(
        winners,
        Array.from({ length: ROUNDS }, (_, round) => round),
        JSON.stringify(results),
      );
      for (const { won, held } of results) assert.deepEqual(held, won);
      for (let round = 0; round < ROUNDS; round += 1) {
        const files = (await readdir(join(folder, String(round)))).filter((name) => !name.endsWith('.tmp'));
        assert.deepEqual(files, ['lock'], `round ${round}`);
      }
    } finally {
      for (const racer of racers) await racer.end();
    }
  });
});
