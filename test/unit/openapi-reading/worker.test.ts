import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { build } from 'esbuild';
import { researchDescription } from '../../../src/openapi/research.ts';
import { fromParts, toParts } from '../../../src/openapi/worker-protocol.ts';
import { minimal, rejection, withFiles } from './support.ts';

/** A description of more than 256 KB, so that the worker is taken. */
function large(paths = 400, extra: object = {}): object {
  const one = minimal();
  const list = (one.paths as Record<string, unknown>)['/things'];
  const all = Array.from({ length: paths }, (_, i) => [`/things${i}`, structuredClone(list)] as const);
  return minimal({ paths: Object.fromEntries(all), 'x-padding': 'x'.repeat(256 * 1024), ...extra });
}

describe('research in a worker', () => {
  let folder: string;
  let worker: string;

  before(async function () {
    this.timeout(60_000);
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-worker-'));
    worker = join(folder, 'description-worker.mjs');
    await build({
      entryPoints: ['src/openapi/description-worker.ts'],
      outfile: worker,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
    });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('gives what this thread gives, further documents and problems included', async () => {
    const files = {
      'api.json': large(20, {
        components: { schemas: { Thing: { $ref: 'thing.json' }, Broken: { $ref: 'gone.json' } } },
      }),
      'thing.json': { type: 'object', properties: { id: { type: 'integer' } } },
    };
    await withFiles(files, async (root) => {
      const path = join(root, 'api.json');
      const here = await researchDescription(path);
      const there = await researchDescription(path, { worker });
      assert.deepEqual(there, here);
      assert.match(there.problems[0]!.message, /gone\.json/);
    });
  });

  it('brings a blueprint over in parts, with all its items in their order', async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [
        `field_${i}`,
        { type: 'string', description: 'words '.repeat(20) },
      ]),
    );
    const extra = { components: { schemas: { Thing: { type: 'object', properties } } } };
    await withFiles({ 'api.json': large(200, extra) }, async (root) => {
      const here = await researchDescription(join(root, 'api.json'));
      const parts = toParts(here);
      const whole = JSON.stringify(here).length;
      assert.ok(parts.length > 3, `${whole} characters in ${parts.length} parts`);
      assert.ok(Math.max(...parts.map(({ length }) => length)) < 600 * 1024);
      assert.equal(JSON.stringify(await fromParts(parts)), JSON.stringify(here));
    });
  }).timeout(60_000);

  it('leaves this thread free', async () => {
    await withFiles({ 'api.json': large(3000) }, async (root) => {
      let longest = 0;
      let last = performance.now();
      const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 5);
      const started = performance.now();
      await researchDescription(join(root, 'api.json'), { worker });
      clearInterval(timer);
      const whole = performance.now() - started;
      assert.ok(longest < Math.max(150, whole / 3), `stalled for ${longest} of ${whole} ms`);
    });
  }).timeout(60_000);

  it('brings errors over whole', async () => {
    const text = `openapi: 3.0.0\n${'# filler\n'.repeat(40_000)}paths:\n  /a: {get: [}\n`;
    await withFiles({ 'api.yaml': text }, async (root) => {
      const path = join(root, 'api.yaml');
      const here = await rejection(researchDescription(path));
      const there = await rejection(researchDescription(path, { worker }));
      assert.equal(there.code, 'input');
      assert.equal(there.toText(), here.toText());
      assert.match(there.place ?? '', /^line 40003/);
    });
  });

  it('ends at once when stopped', async () => {
    await withFiles({ 'api.json': large(3000) }, async (root) => {
      const controller = new AbortController();
      setTimeout(() => {
        controller.abort();
      }, 60);
      const error = await rejection(
        researchDescription(join(root, 'api.json'), { worker, signal: controller.signal }),
      );
      assert.equal(error.code, 'cancelled');
    });
  });

  it('turns a worker that dies into an error of ours', async () => {
    const dies = join(folder, 'dies.mjs');
    const throws = join(folder, 'throws.mjs');
    const hungry = join(folder, 'hungry.mjs');
    await writeFile(dies, 'process.exit(3);');
    await writeFile(throws, 'throw new Error("bang");');
    await writeFile(hungry, 'const all = []; for (;;) all.push(new Array(100000).fill(Math.random()));');
    await withFiles({ 'api.json': large(1) }, async (root) => {
      const path = join(root, 'api.json');
      assert.match(
        (await rejection(researchDescription(path, { worker: dies }))).message,
        /ended early \(exit code 3\)/,
      );
      assert.match((await rejection(researchDescription(path, { worker: throws }))).message, /bang/);
      const memory = await rejection(researchDescription(path, { worker: hungry, workerMemoryMb: 64 }));
      assert.equal(memory.code, 'input');
      assert.match(memory.message, /more than 64 MB/);
    });
  }).timeout(60_000);

  it('works without a worker where none was built', async () => {
    await withFiles({ 'api.json': large(2) }, async (root) => {
      const blueprint = await researchDescription(join(root, 'api.json'), {
        worker: join(folder, 'not-there.mjs'),
      });
      assert.equal(blueprint.streams.length, 2);
    });
  });
});
