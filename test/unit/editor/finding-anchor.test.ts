import assert from 'node:assert/strict';
import { type Anchored, anchorFindings, follow } from '../../../src/editor/findings/anchor.ts';
import { nextFinding, type Place } from '../../../src/editor/findings/next.ts';

const FILE = ['import os', '', 'def one() -> None:', '    pass', '', 'def two() -> None:', '    pass', ''];

function about(id: string, startLine: number, excerpt: string): Anchored {
  const endLine = startLine + excerpt.split('\n').length - 1;
  return { id, range: { file: 'src/a.py', startLine, endLine }, excerpt };
}

function place(
  lines: readonly string[] | undefined,
  findings: readonly Anchored[],
  hints?: [string, number][],
) {
  const anchors = anchorFindings(lines?.join('\n'), findings, new Map(hints));
  return findings.map(({ id }) => {
    const { startLine, endLine, state } = anchors.get(id)!;
    return `${startLine}-${endLine} ${state}`;
  });
}

describe('the place of a finding', () => {
  const two = about('two', 6, 'def two() -> None:\n    pass');

  it('is its lines while the file reads as it did', () => {
    assert.deepEqual(place(FILE, [about('os', 1, 'import os'), two]), ['1-1 same', '6-7 same']);
  });

  it('goes down and up with what is put in and taken out above', () => {
    assert.deepEqual(place(['# one', '# two', ...FILE], [two]), ['8-9 moved']);
    assert.deepEqual(place(FILE.slice(2), [two]), ['4-5 moved']);
  });

  it('is found with other line breaks and in a block that was indented', () => {
    const anchors = anchorFindings(['', ...FILE].join('\r\n'), [two]);
    assert.deepEqual(anchors.get('two'), { startLine: 7, endLine: 8, state: 'moved' });
    assert.deepEqual(place(['class A:', ...FILE.map((line) => `    ${line}`)], [two]), ['7-8 moved']);
  });

  it('says that the lines have changed, and stays by what is left of them', () => {
    const changed = ['# more', ...FILE.with(6, '    return')];
    assert.deepEqual(place(changed, [two]), ['7-8 changed']);
    assert.deepEqual(place(FILE.with(5, 'def other() -> int:'), [two]), ['6-7 changed']);
    assert.deepEqual(place(['just', 'this'], [two]), ['2-2 changed'], 'beyond the end of the file');
    assert.deepEqual(place([''], [two]), ['1-1 changed']);
  });

  it('tells lines apart that stand there more than once', () => {
    const first = about('first', 4, '    pass');
    const second = about('second', 7, '    pass');
    assert.deepEqual(place(['# 1', '# 2', '# 3', ...FILE], [first, second]), ['7-7 moved', '10-10 moved']);
    assert.deepEqual(place(['# 1', '# 2', '# 3', ...FILE], [about('os', 1, 'import os'), second]), [
      '4-4 moved',
      '10-10 moved',
    ]);
    assert.deepEqual(place(['# 1', ...FILE], [second]), ['8-8 nearest']);
    assert.deepEqual(
      place(['# 1', '# 2', '# 3', ...FILE], [second]),
      ['7-7 same'],
      'nothing tells them apart',
    );
    assert.deepEqual(place(['# 1', '# 2', '# 3', ...FILE], [second], [['second', 10]]), ['10-10 moved']);
  });

  it('is said to be gone with its file, and kept where the review hides what stood there', () => {
    assert.deepEqual(place(undefined, [two]), ['6-7 gone']);
    assert.deepEqual(place(FILE, [about('secret', 4, '(not shown)')]), ['4-4 hidden']);
    assert.deepEqual(place([''], [about('empty', 1, '')]), ['1-1 same']);
    assert.deepEqual(place(['text'], [about('empty', 1, '')]), ['1-1 changed']);
  });

  it('takes 2,000 findings of one file in its stride', () => {
    const lines = Array.from({ length: 8000 }, (_, at) => (at % 4 === 0 ? `x = ${at % 97}` : `y${at} = 1`));
    const findings = Array.from({ length: 2000 }, (_, at) => about(`f${at}`, at * 4 + 1, lines[at * 4]!));
    const begun = performance.now();
    const places = place(['# moved', ...lines], findings);
    const ms = performance.now() - begun;
    assert.equal(places[1999], '7998-7998 moved');
    assert.ok(ms < 3000, `took ${Math.round(ms)} ms`);
  });
});

describe('lines that are followed through edits', () => {
  const edit = (startLine: number, endLine: number, endCharacter: number, text: string) => ({
    start: startLine,
    end: { line: endLine, character: endCharacter },
    text,
  });

  it('move with edits above and stay with edits below or in them', () => {
    assert.equal(follow(10, [edit(0, 0, 0, 'a\nb\n')]), 12);
    assert.equal(follow(10, [edit(2, 5, 0, '')]), 7);
    assert.equal(follow(10, [edit(9, 9, 0, '\n')]), 11, 'a line put right above');
    assert.equal(follow(10, [edit(8, 8, 4, '\r\nx')]), 11);
    assert.equal(follow(10, [edit(9, 9, 3, 'x')]), 10);
    assert.equal(follow(10, [edit(20, 22, 0, '')]), 10);
    assert.equal(follow(10, [edit(20, 20, 0, 'a\n'), edit(4, 4, 0, 'a\n'), edit(0, 1, 0, '')]), 10);
  });
});

describe('the next finding', () => {
  const places: Place[] = [
    { file: 'a.py', line: 3 },
    { file: 'a.py', line: 3 },
    { file: 'a.py', line: 9 },
    { file: 'b.py', line: 1 },
  ];
  const next = (step: 1 | -1, where: { current?: number; cursor?: Place }, open = [0, 1, 2, 3]) =>
    nextFinding({
      places,
      isWanted: (at) => open.includes(at),
      current: where.current,
      cursor: where.cursor,
      step,
    });

  it('is counted from the one that the person is at, round the end', () => {
    assert.equal(next(1, { current: 0 }), 1);
    assert.equal(next(1, { current: 1 }), 2);
    assert.equal(next(1, { current: 3 }), 0);
    assert.equal(next(-1, { current: 0 }), 3);
    assert.equal(next(1, { current: 0 }, [2]), 2);
    assert.equal(next(1, { current: 2 }, [2]), 2);
    assert.equal(next(1, { current: 2 }, []), undefined);
  });

  it('is counted from the cursor elsewhere, and from the start outside', () => {
    assert.equal(next(1, { cursor: { file: 'a.py', line: 5 } }), 2);
    assert.equal(next(-1, { cursor: { file: 'a.py', line: 5 } }), 1);
    assert.equal(next(1, { cursor: { file: 'c.py', line: 1 } }), 0);
    assert.equal(next(-1, { cursor: { file: 'b.py', line: 1 } }), 3);
    assert.equal(next(1, {}), 0);
  });
});
