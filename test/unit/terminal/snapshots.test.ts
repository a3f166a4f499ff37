/** `sourcewright snapshots` and `restore` over real runs, with stages that write what a script says. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../../../src/terminal/program.ts';
import { snapshotHook } from '../../../src/workspace/snapshots/index.ts';
import {
  dependencies,
  done,
  generated,
  scripted,
  temporaryFolder,
  tested,
  type Script,
} from '../pipeline/scripted.ts';
import { recordedTerminal } from './recorder.ts';

describe('terminal: snapshots', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const client = (): string => join(folder.path, 'connectors', 'source-shop', 'src', 'client.py');
  const write = async (content: string): Promise<void> => {
    await mkdir(join(client(), '..'), { recursive: true });
    await writeFile(client(), content);
  };
  const script: Script = {
    generate: async () => (await write('# generated\n'), done(generated())),
    test: async () => (await write('# tested\n'), done(tested())),
  };

  async function call(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const terminal = recordedTerminal({ cwd: folder.path });
    const code = await runProgram(
      {
        terminal,
        interrupts: new EventEmitter(),
        version: '1.2.3',
        command: 'sourcewright',
        pipeline: () => dependencies(scripted(script), { snapshots: snapshotHook(() => undefined) }),
        agents: {
          testKey: () => Promise.reject(new Error('No key is tested here.')),
          readTranscripts: () => Promise.reject(new Error('No agent works here.')),
        },
      },
      words,
    );
    return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
  }

  beforeEach(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, 'shop.yaml'), 'openapi: 3.0.0\n');
    const made = await call('generate', 'shop.yaml', '--auto');
    assert.equal(made.code, 0, made.stderr);
  });
  afterEach(() => folder.remove());

  it('are listed with what changed, in words and as JSON', async () => {
    const listed = await call('snapshots', 'latest');
    assert.equal(listed.code, 0, listed.stderr);
    const lines = listed.stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => /-(\w+-\d-\w+) +\S+ \S+ +(.*)$/.exec(line)?.slice(1)),
      [
        ['generate-1-before', '0 files'],
        ['generate-1-after', '1 file, 1 new or changed'],
        ['test-1-before', '1 file'],
        ['test-1-after', '1 file, 1 new or changed'],
        ['publish-1-before', '1 file'],
        ['publish-1-after', '1 file'],
      ],
    );
    const json = JSON.parse((await call('snapshots', 'latest', '--json')).stdout) as {
      snapshots: { id: string; stage: string; files: number; leftOut: unknown[] }[];
    };
    assert.equal(json.snapshots.length, 6);
    assert.ok(lines[1]?.startsWith(json.snapshots[1]?.id ?? 'none'));
    assert.deepEqual(json.snapshots[1]?.leftOut, []);
  });

  it('are restored by stage, and undone by the command that is printed', async () => {
    const restored = await call('restore', 'latest', '--stage', 'generate');
    assert.equal(restored.code, 0, restored.stderr);
    assert.equal(await readFile(client(), 'utf8'), '# generated\n');
    const [, undo = ''] = /^Undo: sourcewright (.*)$/m.exec(restored.stdout) ?? [];
    const undone = await call(...undo.split(' '));
    assert.equal(undone.code, 0, undone.stderr);
    assert.equal(await readFile(client(), 'utf8'), '# tested\n');
    assert.match((await call('restore', 'latest', '--stage', 'test')).stdout, /Nothing to do/);
    await call('restore', 'latest', '--stage', 'generate', '--before');
    await assert.rejects(readFile(client()), /ENOENT/);
  });

  it('overwrite nothing that the person edited, unless they say so', async () => {
    await write('# edited\n');
    const asked = await call('restore', 'latest', '--stage', 'generate');
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /You changed 1 file since that snapshot: src\/client\.py/);
    assert.match(asked.stderr, /--keep[^]*--force/);
    assert.equal(await readFile(client(), 'utf8'), '# edited\n');

    const kept = await call('restore', 'latest', '--stage', 'generate', '--keep', '--json');
    assert.deepEqual((JSON.parse(kept.stdout) as { kept: string[] }).kept, ['src/client.py']);
    assert.equal(await readFile(client(), 'utf8'), '# edited\n');

    assert.equal((await call('restore', 'latest', '--stage', 'generate', '--force')).code, 0);
    assert.equal(await readFile(client(), 'utf8'), '# generated\n');
  });

  it('are refused in words where they are not there, or too much or too little is said', async () => {
    for (const [words, told] of [
      [['--stage', 'review'], /No snapshot after review of this run is kept/],
      [['--stage', 'test', '--attempt', '7'], /after test \(attempt 7\)/],
      [['--snapshot', '../../x'], /No snapshot \.\.\/\.\.\/x is kept/],
      [[], /Say either --stage or --snapshot/],
      [['--stage', 'test', '--snapshot', 'x'], /Say either/],
      [['--stage', 'test', '--keep', '--force'], /contradict/],
    ] as const) {
      const called = await call('restore', 'latest', ...words);
      assert.equal(called.code, 2, words.join(' '));
      assert.match(called.stderr, told);
    }
    assert.equal(await readFile(client(), 'utf8'), '# tested\n');
  });
});
