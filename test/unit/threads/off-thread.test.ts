import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { SourcewrightError } from '../../../src/errors.ts';
import { researchDescription } from '../../../src/openapi/research.ts';
import { PublishedBrief } from '../../../src/pipeline/brief-parts.ts';
import { offThread } from '../../../src/threads/off-thread.ts';
import { work } from '../../../src/threads/tasks.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const templateDir = join(ROOT, 'src', 'blueprint', 'template');

describe('heavy work off the thread', function () {
  this.timeout(60_000);
  let folder = '';
  let worker = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-threads-'));
    worker = join(folder, 'worker.mjs');
    await build({
      absWorkingDir: ROOT,
      entryPoints: ['src/threads/worker.ts'],
      outfile: worker,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const written = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  /** White space makes a file large enough for a thread. */
  const padding = ' '.repeat(200 * 1024);

  it('compiles to the same bytes as on this thread', async () => {
    const blueprint = await researchDescription(
      join(ROOT, 'test', 'fixtures', 'workspace', 'library.openapi.yaml'),
    );
    const brief = await written(
      'brief.json',
      `${JSON.stringify({ schemaVersion: 1, blueprint, probes: [] })}${padding}`,
    );
    const there = await offThread('compile', { brief, templateDir }, brief, { worker });
    assert.deepEqual(there, await work('compile', { brief, templateDir }));
    assert.ok(there.some(({ path }) => path === 'src/streams.py'));
  });

  it('brings errors back whole', async () => {
    const brief = await written('broken.json', `{"schemaVersion": 1${padding}`);
    await assert.rejects(
      offThread('compile', { brief, templateDir }, brief, { worker }),
      (error: unknown) => {
        assert.ok(error instanceof SourcewrightError);
        assert.equal(error.code, 'corrupt');
        assert.equal(error.where, brief);
        return true;
      },
    );
  });

  it('reads of a large brief what is asked for, and no more', async () => {
    const blueprint = await researchDescription(
      join(ROOT, 'test', 'fixtures', 'workspace', 'library.openapi.yaml'),
    );
    const path = await written(
      'parts.json',
      `${JSON.stringify({ schemaVersion: 1, blueprint, probes: [] })}${padding}`,
    );
    const read = await offThread('brief', { path, part: 'publication' }, path, { worker });
    assert.deepEqual(read, await work('brief', { path, part: 'publication' }));
    const { blueprint: part } = PublishedBrief.parse(read);
    assert.deepEqual(part.api, blueprint.api);
    assert.ok(part.streams.length > 0);
    assert.ok(part.streams.every((stream) => !('schema' in stream)));
  });

  it('finds a credential among many files, on whichever thread it looks', async () => {
    const token = `ghp_${'q7Rk2mZx9TbL4wVn8cYd'.repeat(2)}`;
    await written('clean.py', `# ${padding}`);
    await written('leak.py', `TOKEN = "${token}"`);
    const input = { dir: folder, files: ['clean.py', 'leak.py', 'gone.py'], known: [] };
    const there = await offThread('secrets', input, Infinity, { worker });
    assert.deepEqual(there, await work('secrets', input));
    assert.deepEqual(
      there.map(({ file, line, kind }) => ({ file, line, kind })),
      [{ file: 'leak.py', line: 1, kind: 'GitHub token' }],
    );
    assert.ok(!JSON.stringify(there).includes(token));
  });

  it('says why a result file is no evidence', async () => {
    const path = await written('junit.xml', `<testsuites>${padding}`);
    assert.deepEqual(await offThread('junit', { path }, path, { worker }), {
      unusable: 'the result file is cut off',
    });
  });

  it('ends when it is cancelled', async () => {
    const brief = await written('cancelled.json', `{}${padding}`);
    const stop = new AbortController();
    const doing = offThread('compile', { brief, templateDir }, brief, { worker, signal: stop.signal });
    stop.abort();
    await assert.rejects(doing, { code: 'cancelled' });
  });

  it('says so when the thread dies', async () => {
    const dying = await written('dying.mjs', 'process.exit(7);');
    const path = await written('large.xml', padding);
    await assert.rejects(
      offThread('junit', { path }, path, { worker: dying }),
      /ended early \(exit code 7\)/,
    );
  });
});
