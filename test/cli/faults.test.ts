/** Faults of the machine and of people in the middle of a run: said in words, nothing lost, and the run goes on afterwards. */
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { oddFolder, smallDisk, unprivileged } from './fault-places.ts';
import { type Outcome, removeFolder, root, sourcewright, temporaryFolder } from './program.ts';

const LIBRARY = join(root, 'test', 'fixtures', 'workspace', 'library.openapi.yaml');

describe('faults', function () {
  this.slow(15_000);
  let folder = '';
  beforeEach(async () => {
    folder = await temporaryFolder();
    await copyFile(LIBRARY, join(folder, 'library.yaml'));
  });
  afterEach(() => removeFolder(folder));

  const generate = (cwd: string, ...words: string[]): Promise<Outcome> =>
    sourcewright(['generate', LIBRARY, ...words], { cwd });
  const resume = (cwd: string, ...words: string[]): Promise<Outcome> =>
    sourcewright(['resume', 'latest', ...words], { cwd });
  const approve = (cwd: string, gate: string): Promise<Outcome> => resume(cwd, '--approve', gate);

  /** The run stopped where it can go on, and a person can read why. */
  function stopped(outcome: Outcome, ...says: RegExp[]): void {
    const said = outcome.stdout + outcome.stderr;
    assert.equal(outcome.exitCode, 4, said);
    for (const pattern of says) assert.match(said, pattern);
    assert.doesNotMatch(said, /Unexpected error|mistake in Sourcewright|\n\s+at .*:\d+:\d+/);
  }
  function waits(outcome: Outcome, gate: string): void {
    assert.equal(outcome.exitCode, 3, outcome.stdout + outcome.stderr);
    assert.match(outcome.stdout, new RegExp(`gate "${gate}"`));
  }
  async function runFile(name: string, cwd = folder): Promise<string> {
    const runs = join(cwd, '.sourcewright', 'runs');
    const [run = ''] = await readdir(runs);
    return join(runs, run, name);
  }
  const connector = (cwd = folder): string => join(cwd, 'connectors', 'source-village-library');

  it('a disk that gets full, and one that gets read-only', async () => {
    const disk = await smallDisk('1m');
    try {
      await disk.fill();
      stopped(await generate(disk.path), /disk is full \(ENOSPC\)/, /Free some space/);
      await rm(join(disk.path, 'ballast'));
      disk.change('size=200k');
      stopped(await generate(disk.path, '--approve', 'research'), /disk is full/, /sourcewright resume/);
      const journal = await readFile(await runFile('journal.jsonl', disk.path), 'utf8');
      assert.match(journal, /"type":"done","stage":"research"/);
      assert.deepEqual(
        (await readdir(disk.path, { recursive: true })).filter((name) => name.endsWith('.tmp')),
        [],
      );
      disk.change('size=100m');
      waits(await resume(disk.path), 'code');
      assert.ok((await readFile(await runFile('journal.jsonl', disk.path), 'utf8')).startsWith(journal));
      disk.change('ro');
      stopped(await approve(disk.path, 'code'), /disk is read-only \(EROFS\)/, /Make the disk writable/);
      assert.match((await sourcewright(['runs'], { cwd: disk.path })).stdout, /waits: code/);
      disk.change('rw');
      waits(
        await sourcewright(['show', 'latest'], { cwd: disk.path }).then((shown) => ({
          ...shown,
          exitCode: 3,
        })),
        'code',
      );
    } finally {
      await disk.dispose();
    }
  });

  it('folders that may not be written, and a connector on another disk that is full', async () => {
    await chmod(folder, 0o555);
    const words = ['generate', LIBRARY, '--approve', 'research', '--mutants', '0', '--no-conformance'];
    stopped(
      await unprivileged(words, folder),
      /you have no permission \(EACCES\)/,
      /Give yourself permission/,
    );
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'connectors'));
    await chmod(join(folder, 'connectors'), 0o555);
    stopped(await unprivileged(words, folder), /no permission/, /source-village-library/);
    await chmod(join(folder, 'connectors'), 0o755);
    const runs = join(folder, '.sourcewright', 'runs');
    await chmod(runs, 0o000);
    stopped(await unprivileged(['runs'], folder), /no permission/, /runs/);
    await chmod(runs, 0o755);
    const disk = await smallDisk('100k');
    try {
      await rm(join(folder, 'connectors'), { recursive: true });
      await symlink(disk.path, join(folder, 'connectors'));
      stopped(await resume(folder), /disk is full/);
      disk.change('size=100m');
      waits(await resume(folder), 'code');
    } finally {
      await disk.dispose();
    }
  });

  it('snapshots on a disk that is full: the run goes on without them and says so, and nothing is restored by half', async () => {
    waits(await generate(folder), 'research');
    const snapshots = join(folder, '.sourcewright', 'snapshots');
    await mkdir(snapshots);
    const disk = await smallDisk('24k', snapshots);
    try {
      const outcome = await approve(folder, 'research');
      waits(outcome, 'code');
      assert.match(outcome.stderr, /warn: No snapshot of the connector after generate: .*disk is full/);
      const listed = await sourcewright(['snapshots', 'latest'], { cwd: folder });
      assert.doesNotMatch(listed.stdout, /generate.*after/);
      disk.change('size=10m');
      waits(await sourcewright(['stage', 'generate', '--run', 'latest'], { cwd: folder }), 'code');
      await writeFile(join(connector(), 'README.md'), 'mine\n');
      await disk.fill();
      const words = ['restore', 'latest', '--stage', 'generate', '--force'];
      const refused = await sourcewright(words, { cwd: folder });
      assert.notEqual(refused.exitCode, 0);
      assert.match(refused.stderr, /disk is full \(ENOSPC\)[^]*Free some space/);
      assert.equal(await readFile(join(connector(), 'README.md'), 'utf8'), 'mine\n');
      await rm(join(snapshots, 'ballast'));
      const restored = await sourcewright(words, { cwd: folder });
      assert.equal(restored.exitCode, 0, restored.stderr);
      assert.match(await readFile(join(connector(), 'README.md'), 'utf8'), /Village Library/);
    } finally {
      await disk.dispose();
    }
  });

  it('a folder for temporary files that is missing or full, and a file where a folder belongs', async () => {
    await writeFile(join(folder, 'connectors'), '');
    stopped(
      await generate(folder, '--approve', 'research'),
      /a folder and a file have the same name/,
      /connectors/,
    );
    await rm(join(folder, 'connectors'));
    waits(await resume(folder), 'code');
    const approveIn = (TMPDIR: string): Promise<Outcome> =>
      sourcewright(['resume', 'latest', '--approve', 'code'], { cwd: folder, env: { TMPDIR } });
    stopped(await approveIn(join(folder, 'nowhere')), /nowhere/);
    const disk = await smallDisk('64k');
    try {
      await disk.fill();
      stopped(
        await sourcewright(['resume', 'latest'], { cwd: folder, env: { TMPDIR: disk.path } }),
        /disk for temporary files is full \(ENOSPC\)/,
      );
    } finally {
      await disk.dispose();
    }
    waits(await resume(folder), 'tests');
  });

  it('a brief that is deleted or spoilt', async () => {
    waits(await generate(folder), 'research');
    const brief = await runFile('brief.json');
    const text = await readFile(brief, 'utf8');
    await writeFile(brief, '{');
    stopped(await approve(folder, 'research'), /not what it should be/, /correct it there/);
    await rm(brief);
    stopped(await resume(folder), /no brief \(any more\)/, /research once more by hand/);
    await sourcewright(['stage', 'research', '--run', 'latest'], { cwd: folder });
    assert.deepEqual(JSON.parse(await readFile(brief, 'utf8')), JSON.parse(text));
    waits(await resume(folder), 'code');
  });

  it('a connector’s folder that is deleted', async () => {
    waits(await generate(folder, '--approve', 'research'), 'code');
    await rm(connector(), { recursive: true });
    stopped(await approve(folder, 'code'), /connector’s files are gone/, /restore a snapshot/);
    const restored = await sourcewright(['restore', 'latest', '--stage', 'generate', '--force'], {
      cwd: folder,
    });
    assert.equal(restored.exitCode, 0, restored.stderr);
    assert.ok((await readdir(connector())).includes('requirements.txt'));
  });

  it('a run’s folder that is deleted while it works, and comes back from the trash', async () => {
    const trash = join(folder, 'trash');
    let moved: Promise<void> | undefined;
    const outcome = await sourcewright(['generate', LIBRARY, '--approve', 'research'], {
      cwd: folder,
      onStderr: (text) => {
        if (/generate\s+…/.test(text)) moved ??= rename(join(folder, '.sourcewright', 'runs'), trash);
      },
    });
    await moved;
    stopped(outcome, /journal\.jsonl was deleted or replaced|The run’s folder is gone/, /Put it back/);
    await rm(join(folder, '.sourcewright', 'runs'), { recursive: true, force: true });
    await rename(trash, join(folder, '.sourcewright', 'runs'));
    waits(await resume(folder), 'code');
  });

  it('a journal that is deleted', async () => {
    waits(await generate(folder), 'research');
    const journal = await runFile('journal.jsonl');
    await rename(journal, join(folder, 'kept'));
    assert.match((await sourcewright(['runs'], { cwd: folder })).stdout, /failed/);
    const refused = await approve(folder, 'research');
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /journal is empty or missing[^]*Put the file back/);
    await rename(join(folder, 'kept'), journal);
    waits(
      await sourcewright(['show', 'latest'], { cwd: folder }).then((shown) => ({ ...shown, exitCode: 3 })),
      'research',
    );
  });

  it('paths that are long and odd, through links, for a connector with a reserved name', async () => {
    const odd = await oddFolder(folder);
    await symlink(odd, join(folder, 'linked'));
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(odd, 'connectors'));
    waits(await generate(join(folder, 'linked'), '--approve', 'research', '--name', 'con'), 'code');
    assert.deepEqual(await readdir(join(folder, 'elsewhere')), ['source-con']);
  });
});
