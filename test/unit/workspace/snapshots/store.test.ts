import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { SourcewrightError } from '../../../../src/errors.ts';
import { fileError, type Files, nodeFiles, sha256 } from '../../../../src/store/files.ts';
import { Bench, RUN } from './support.ts';

describe('snapshots: the store', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.make();
  });
  afterEach(() => bench.remove());

  it('keeps every content once, whatever its name and however often it is taken', async () => {
    await bench.write('src/a.py', 'same\n');
    await bench.write('src/b.py', 'same\n');
    await bench.write('src/c.py', 'other\n');
    const first = await bench.take('before');
    assert.deepEqual(
      first.files.map(({ path, sha256: hash }) => [path, hash]),
      [
        ['src/a.py', sha256('same\n')],
        ['src/b.py', sha256('same\n')],
        ['src/c.py', sha256('other\n')],
      ],
    );
    const objects = await bench.objects();
    assert.deepEqual(
      objects,
      [sha256('same\n'), sha256('other\n')].map((hash) => `${hash.slice(0, 2)}/${hash}`).sort(),
    );
    const [path = ''] = objects;
    const stored = join(bench.workspace, '.sourcewright', 'snapshots', 'objects', path);
    const past = new Date('2026-01-01T00:00:00Z');
    await utimes(stored, past, past);
    await bench.write('src/c.py', 'third\n');
    const second = await bench.take('after');
    assert.equal((await stat(stored)).mtimeMs, past.getTime(), 'a content that is there was written again');
    assert.equal((await bench.objects()).length, 3);
    assert.equal(second.sequence, first.sequence + 1);
    assert.equal((await bench.store().objects.get(sha256('other\n'))).toString(), 'other\n');
  });

  it('names its manifests by sequence, run, stage, attempt and phase', async () => {
    await bench.take('before');
    await bench.take('after', { stage: 'publish', attempt: 3 });
    assert.deepEqual((await readdir(await bench.manifestFolder())).sort(), [
      `000001-${RUN}-generate-1-before.json`,
      `000002-${RUN}-publish-3-after.json`,
    ]);
    const listed = await bench.store().list(bench.connector);
    assert.deepEqual(
      listed.map(({ id }) => id),
      [`000001-${RUN}-generate-1-before`, `000002-${RUN}-publish-3-after`],
    );
  });

  it('keeps two folders of one name apart', async () => {
    await bench.write('src/a.py', 'ours\n');
    const elsewhere = join(bench.workspace, 'other', 'source-shop');
    await mkdir(elsewhere, { recursive: true });
    await bench.take('after');
    assert.deepEqual(await bench.store().list(elsewhere), []);
  });

  it('reads neither private files nor links nor what tools leave, and never touches .git', async () => {
    await bench.write('src/a.py', 'a\n');
    await bench.write('config.json', '{"api_key": "hunter2"}');
    await bench.write('.env', 'KEY=hunter2');
    await bench.write('.git/HEAD', 'ref: refs/heads/main');
    await bench.write('src/__pycache__/a.pyc', 'x');
    await symlink('/etc/hostname', join(bench.connector, 'host'));
    const { files } = await bench.take('before');
    assert.deepEqual(
      files.map(({ path }) => path),
      ['src/a.py'],
    );
    assert.equal((await bench.objects()).length, 1);
    assert.deepEqual(await bench.files('connectors/source-shop/.git'), ['HEAD']);
  });

  it('remembers which files can be started as programs', async function () {
    if (process.platform === 'win32') this.skip();
    await bench.write('run.sh', '#!/bin/sh\n');
    await bench.write('plain.txt', 'x');
    await chmod(join(bench.connector, 'run.sh'), 0o755);
    const { files } = await bench.take('before');
    assert.deepEqual(
      files.map(({ path, executable }) => [path, executable]),
      [
        ['plain.txt', undefined],
        ['run.sh', true],
      ],
    );
  });

  it('lists what is too big as left out, and the biggest where all together is too much', async () => {
    await bench.write('big.bin', randomBytes(3000));
    await bench.write('medium.bin', randomBytes(1500));
    await bench.write('small.py', 'x\n');
    const { leftOut, files } = await bench.take('before', {}, { maxFileBytes: 2000 });
    assert.deepEqual(leftOut, [{ path: 'big.bin', why: 'too big' }]);
    assert.equal(files.length, 2);
    const tight = await bench.take('after', {}, { maxFileBytes: 2000, maxBytes: 1000 });
    assert.deepEqual(
      tight.leftOut.map(({ path }) => path),
      ['big.bin', 'medium.bin'],
    );
  });

  it('takes the folder as empty before it is there, and refuses one that is a link or no connector', async () => {
    await rm(bench.connector, { recursive: true });
    assert.deepEqual((await bench.take('before')).files, []);
    await symlink('/etc', bench.connector);
    await assert.rejects(bench.take('before'), /link or a file/);
    await assert.rejects(bench.store().read(bench.workspace), /not the folder of a connector/);
  });

  it('fails on a full disk without a manifest, and is whole again afterwards', async () => {
    await bench.write('src/a.py', 'a\n');
    await bench.take('before');
    for (const failing of [/objects/, /-after\.json$/]) {
      await bench.write('src/b.py', 'b\n');
      const full: Files = {
        ...nodeFiles,
        writeAtomic(path, content) {
          if (!failing.test(path)) return nodeFiles.writeAtomic(path, content);
          const error = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
          return Promise.reject(fileError(error, 'write', path));
        },
      };
      await assert.rejects(bench.take('after', {}, { files: full }), /ENOSPC/);
      assert.equal((await bench.store().list(bench.connector)).length, 1);
    }
    const { files } = await bench.take('after');
    assert.equal(files.length, 2);
    for (const { sha256: hash } of files) await bench.store().objects.get(hash);
  });

  it('notices an object that is damaged, missing, or blown up', async () => {
    await bench.write('src/a.py', 'a\n');
    await bench.take('before');
    const [path = ''] = await bench.objects();
    const object = join(bench.workspace, '.sourcewright', 'snapshots', 'objects', path);
    const whole = await readFile(object);
    const get = (): Promise<Buffer> => bench.store().objects.get(sha256('a\n'));
    for (const damage of [Buffer.from('junk'), whole.subarray(0, 1), Buffer.alloc(0)]) {
      await writeFile(object, damage);
      await assert.rejects(get(), /damaged/);
    }
    await rm(object);
    await assert.rejects(get(), /no longer kept/);
  });

  it('survives a kill between the contents and the manifest: the next snapshot is whole, and leftovers go', async () => {
    await bench.write('src/a.py', 'a\n');
    await bench.take('before');
    await bench.write('src/a.py', 'killed\n');
    const store = new URL('../../../../src/workspace/snapshots/store.ts', import.meta.url).href;
    const files = new URL('../../../../src/store/files.ts', import.meta.url).href;
    const script = `
      import { SnapshotStore } from ${JSON.stringify(store)};
      import { nodeFiles } from ${JSON.stringify(files)};
      const writeAtomic = async (path, content) => {
        if (path.endsWith('.json')) { console.log('at the manifest'); await new Promise((r) => setTimeout(r, 60000)); }
        return nodeFiles.writeAtomic(path, content);
      };
      await new SnapshotStore(${JSON.stringify(bench.workspace)}, { files: { ...nodeFiles, writeAtomic } })
        .take(${JSON.stringify(bench.connector)}, { runId: ${JSON.stringify(RUN)}, stage: 'test', attempt: 1, phase: 'before' });`;
    const file = join(bench.workspace, 'killed.mts');
    await writeFile(file, script);
    const child = spawn(process.execPath, ['--import', 'tsx', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const objects = await bench.objects();
    assert.equal(objects.length, 2, 'the content was stored before the kill');
    const torn = join(bench.workspace, '.sourcewright', 'snapshots', 'objects', objects[0] ?? '', '..', 'x.tmp');
    await writeFile(torn, 'half');
    assert.equal((await bench.store().list(bench.connector)).length, 1);

    await bench.write('src/a.py', 'later\n');
    const next = await bench.take('after');
    assert.equal(next.sequence, 2);
    assert.equal((await bench.objects()).filter((path) => path.endsWith('.tmp')).length, 0);
    // What was stored for the snapshot that never came is the first to go when there is too much.
    const spent = await used(bench);
    await bench.take('before', { attempt: 2 }, { maxBytes: spent });
    assert.ok(!(await bench.objects()).some((path) => path.endsWith(sha256('killed\n'))));
  });

  it('passes over manifests that are damaged, renamed or lead out of the folder', async () => {
    await bench.write('src/a.py', 'a\n');
    const good = await bench.take('before');
    const folder = await bench.manifestFolder();
    const path = join(folder, `${good.id}.json`);
    const text = await readFile(path, 'utf8');
    const manifest = JSON.parse(text) as Record<string, unknown> & { files: { path: string }[] };
    await copyFile(path, join(folder, `000009-${RUN}-generate-1-before.json`));
    await writeFile(join(folder, `000002-${RUN}-generate-1-after.json`), text.slice(0, -20));
    let sequence = 10;
    for (const hostile of ['../../../../.bashrc', '/etc/passwd', 'src/../../x', '.git/hooks/pre-commit', 'a\\..\\b', 'C:x']) {
      sequence += 1;
      const changed = { ...manifest, sequence, files: [{ ...manifest.files[0], path: hostile }] };
      await writeFile(join(folder, `0000${sequence}-${RUN}-generate-1-before.json`), JSON.stringify(changed));
    }
    const badHash = { ...manifest, sequence: 20, files: [{ ...manifest.files[0], sha256: '../../../../etc/passwd' }] };
    await writeFile(join(folder, `000020-${RUN}-generate-1-before.json`), JSON.stringify(badHash));
    assert.deepEqual(
      (await bench.store().list(bench.connector)).map(({ id }) => id),
      [good.id],
    );
    // The next one takes a number that none of them has.
    assert.equal((await bench.take('after')).sequence, 21);
  });

  it('writes through no link', async () => {
    const outside = join(bench.workspace, 'outside');
    await mkdir(outside);
    await mkdir(join(bench.workspace, '.sourcewright'));
    await symlink(outside, join(bench.workspace, '.sourcewright', 'snapshots'));
    await bench.write('src/a.py', 'a\n');
    await assert.rejects(bench.take('before'), (error: unknown) => {
      assert.ok(error instanceof SourcewrightError);
      return error.code === 'environment';
    });
    assert.deepEqual(await readdir(outside), []);
  });

  it('lets two take turns', async () => {
    await bench.write('src/a.py', 'a\n');
    const both = await Promise.all([bench.take('before'), bench.take('after', { stage: 'test' })]);
    assert.deepEqual(both.map(({ sequence }) => sequence).sort(), [1, 2]);
    assert.equal((await bench.store().list(bench.connector)).length, 2);
  });
});

describe('snapshots: their size', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.make();
  });
  afterEach(() => bench.remove());

  it('is held by throwing the oldest away, with the contents that nothing else names', async () => {
    const maxBytes = 40_000;
    await bench.write('src/stays.py', 'stays in all of them\n');
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      await bench.write('src/a.bin', randomBytes(8000));
      await bench.take('after', { attempt }, { maxBytes });
      assert.ok((await used(bench)) <= maxBytes, `too much after ${attempt}`);
    }
    const listed = await bench.store().list(bench.connector);
    assert.deepEqual(
      listed.map(({ attempt }) => attempt),
      [9, 10, 11, 12],
    );
    // All that is kept can be read, and nothing else is kept.
    const named = new Set(listed.flatMap(({ files }) => files.map(({ sha256: hash }) => hash)));
    for (const hash of named) await bench.store().objects.get(hash);
    assert.equal((await bench.objects()).length, named.size);
  });

  it('spares the runs that have not ended, where that is possible', async () => {
    const waiting = '20261101-000000-waits-aaaa';
    const ended = '20261102-000000-ended-bbbb';
    for (const [runId, status] of [
      [waiting, 'waiting'],
      [ended, 'published'],
    ] as const) {
      await fakeRun(bench, runId, status);
    }
    await bench.write('src/a.bin', randomBytes(8000));
    const oldest = await bench.take('after', { runId: waiting });
    for (const attempt of [1, 2]) {
      await bench.write('src/a.bin', randomBytes(8000));
      await bench.take('after', { runId: ended, attempt });
    }
    await bench.write('src/a.bin', randomBytes(8000));
    const newest = await bench.take('after', { runId: ended, attempt: 3 }, { maxBytes: 20_000 });
    assert.deepEqual(
      (await bench.store().list(bench.connector)).map(({ id }) => id),
      [oldest.id, newest.id],
    );
    await bench.write('src/a.bin', randomBytes(8000));
    const last = await bench.take('after', { runId: ended, attempt: 4 }, { maxBytes: 10_000 });
    assert.deepEqual(
      (await bench.store().list(bench.connector)).map(({ id }) => id),
      [last.id],
      'the newest stays, whatever it takes',
    );
  });
});

/** Bytes of all that is stored. */
async function used(bench: Bench): Promise<number> {
  const root = '.sourcewright/snapshots';
  let total = 0;
  for (const path of await bench.files(root)) total += (await stat(join(bench.workspace, root, path))).size;
  return total;
}

/** A run's folder with a journal-less view: what `viewRun` shows where nothing says otherwise. */
async function fakeRun(bench: Bench, runId: string, status: 'waiting' | 'published'): Promise<void> {
  const runDir = join(bench.workspace, '.sourcewright', 'runs', runId);
  await mkdir(runDir, { recursive: true });
  const { runView } = await import('../../terminal/views.ts');
  // Without a journal a run counts as damaged.
  await writeFile(join(runDir, 'journal.jsonl'), '');
  const view = runView({ runId, status, runDir, workspace: bench.workspace });
  await writeFile(join(runDir, 'run.json'), JSON.stringify(view));
}
