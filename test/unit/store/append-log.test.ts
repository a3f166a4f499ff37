import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { SourcewrightError } from '../../../src/errors.ts';
import { AppendLog, formatLine, parseLine, parseLog } from '../../../src/store/append-log.ts';
import { type Files, nodeFiles } from '../../../src/store/files.ts';

const now = (): Date => new Date('2026-11-21T03:12:00Z');

function corruptAt(line: number) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SourcewrightError);
    assert.equal(error.code, 'corrupt');
    assert.equal(error.place, `line ${line}`);
    assert.ok(error.cure !== undefined);
    return true;
  };
}

describe('the append-only log', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-log-'));
    path = join(folder, 'journal.jsonl');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function write(...records: unknown[]): Promise<void> {
    const { log } = await AppendLog.open(path, nodeFiles, now);
    for (const record of records) await log.append(record);
    await log.close();
  }
  async function records(): Promise<unknown[]> {
    return parseLog(await readFile(path), path).entries.map(({ record }) => record);
  }

  it('gives back what was written, numbered from 1, over several openings', async () => {
    await write({ a: 1 }, 'zwei', null);
    await write([4]);
    const { entries, tornBytes } = parseLog(await readFile(path), path);
    assert.deepEqual(
      entries.map(({ seq }) => seq),
      [1, 2, 3, 4],
    );
    assert.deepEqual(await records(), [{ a: 1 }, 'zwei', null, [4]]);
    assert.equal(tornBytes, 0);
    assert.equal(entries[0]?.at, '2026-11-21T03:12:00.000Z');
  });

  it('never goes back in time, also when it is opened anew after the clock was set back', async () => {
    await write('first');
    for (const hour of ['02', '05', '04']) {
      const { log } = await AppendLog.open(path, nodeFiles, () => new Date(`2026-11-21T${hour}:00:00Z`));
      await log.append(hour);
      assert.equal(log.lastAt, parseLog(await readFile(path), path).entries.at(-1)?.at);
      await log.close();
    }
    const times = parseLog(await readFile(path), path).entries.map(({ at }) => at.slice(11, 16));
    assert.deepEqual(times, ['03:12', '03:12', '05:00', '05:00']);
  });

  it('keeps any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (record) => {
        const json: unknown = JSON.parse(JSON.stringify(record));
        assert.deepEqual(parseLine(formatLine({ seq: 1, at: 'now', record }))?.record, json);
      }),
    );
  });

  it('notices any change of a line', () => {
    const line = formatLine({ seq: 7, at: '2026-11-21', record: { name: 'Müller', n: 12 } });
    assert.equal(parseLine(line)?.seq, 7);
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, letter) => {
        const changed = line.slice(0, at) + letter + line.slice(at + 1);
        assert.equal(parseLine(changed)?.seq, changed === line ? 7 : undefined);
      }),
    );
  });

  it('cuts a last line off that was torn anywhere, and goes on behind it', async () => {
    await write({ n: 1 }, { n: 2 }, { text: 'drei €' });
    const whole = await readFile(path);
    const second = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let length = second + 1; length < whole.length; length += 3) {
      await writeFile(path, whole.subarray(0, length));
      const { log, content } = await AppendLog.open(path, nodeFiles, now);
      assert.equal(content.tornBytes, length - second);
      await log.append({ n: 'new' });
      await log.close();
      assert.deepEqual(await records(), [{ n: 1 }, { n: 2 }, { n: 'new' }]);
    }
  });

  it('cuts a last line off whose bytes the disk has lost', async () => {
    await write({ n: 1 }, { n: 2 });
    const whole = await readFile(path);
    const second = whole.indexOf('\n') + 1;
    whole.fill(0, second, whole.length - 1);
    await writeFile(path, whole);
    assert.deepEqual(await records(), [{ n: 1 }]);
  });

  it('stops at damage before the last line, at a missing, a doubled and a swapped line', async () => {
    await write({ n: 1 }, { n: 2 }, { n: 3 });
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const [a = '', b = '', c = ''] = lines;
    const cases: [string[], number][] = [
      [[a, b.replace('2', '9'), c], 2],
      [['', a, b, c], 1],
      [[a, c], 2],
      [[a, b, b, c], 3],
      [[b, a, c], 1],
      [[a, 'not json', c], 2],
    ];
    for (const [damaged, line] of cases) {
      await writeFile(path, `${damaged.join('\n')}\n`);
      await assert.rejects(AppendLog.open(path, nodeFiles, now), corruptAt(line));
    }
  });

  it('has nothing in it when a failed write was half done, and goes on when the disk is well again', async () => {
    let full = false;
    const files: Files = {
      ...nodeFiles,
      async openAppend(target) {
        const file = await nodeFiles.openAppend(target);
        return {
          ...file,
          async append(text) {
            if (!full) return file.append(text);
            await file.append(text.slice(0, 9));
            throw new SourcewrightError('environment', 'Full.');
          },
          truncate: (bytes) => (full ? Promise.reject(new Error('full, too')) : file.truncate(bytes)),
        };
      },
    };
    const { log } = await AppendLog.open(path, files, now);
    await log.append({ n: 1 });
    full = true;
    await assert.rejects(log.append({ n: 2 }), SourcewrightError);
    await assert.rejects(log.append({ n: 2 }));
    full = false;
    assert.equal((await log.append({ n: 3 })).seq, 2);
    await log.close();
    assert.deepEqual(await records(), [{ n: 1 }, { n: 3 }]);
  });
});
