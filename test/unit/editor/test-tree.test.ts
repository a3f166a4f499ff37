import { strict as assert } from 'node:assert';
import { findTests, looksCollected } from '../../../src/editor/tests/find-tests.ts';
import { idsToRun } from '../../../src/editor/tests/selection.ts';
import { isBelow } from '../../../src/editor/tests/test-ids.ts';
import { fileNode, testPath, type TestNode } from '../../../src/editor/tests/test-tree.ts';

const TEXT = `"""Text that is no code:

def test_in_a_docstring():
    ...
"""
import pytest

SAMPLE = '''
class TestQuoted:
'''  # def test_in_a_comment():


def helper():
    def test_inside_a_function():
        return 1


@pytest.mark.parametrize(
    "value",
    ["a", "b"],
)
async def test_many(
    value,
):
    text = "def test_in_a_string():"


class TestRead:
    """Reads."""

    class TestDeep:
        def test_deep(self): ...

    def test_all(self):
        pass

    def helper(self): ...


class Base:
    def test_inherited(self): ...

if True:
    def test_conditional(): ...
`;

const file = 'tests/test_read.py';
const lineOf = (words: string): number => TEXT.split('\n').findIndex((line) => line.includes(words)) + 1;

/** `label:line` with what is below in brackets. */
function shape({ label, line, children }: TestNode): string {
  const below = children.length === 0 ? '' : `(${children.map(shape).join(' ')})`;
  return `${label}:${line ?? '?'}${below}`;
}

describe('tests found by reading', () => {
  it('are functions and classes where Python sees them, each with its line', () => {
    assert.deepEqual(Object.fromEntries(findTests(TEXT)), {
      test_many: lineOf('async def test_many'),
      TestRead: lineOf('class TestRead'),
      'TestRead::TestDeep': lineOf('class TestDeep'),
      'TestRead::TestDeep::test_deep': lineOf('def test_deep'),
      'TestRead::test_all': lineOf('def test_all'),
      Base: lineOf('class Base'),
      'Base::test_inherited': lineOf('def test_inherited'),
      test_conditional: lineOf('def test_conditional'),
    });
  });

  it('take the last of two definitions, and stand a quote that is never closed', () => {
    assert.deepEqual([...findTests('def test_a(): ...\r\ndef test_a(): ...\r\n')], [['test_a', 2]]);
    assert.deepEqual([...findTests('def test_a(): ...\nx = """\ndef test_b(): ...')], [['test_a', 1]]);
    assert.deepEqual([...findTests("x = 'it'\nx = \"it's\"\ndef test_b(): ...")], [['test_b', 3]]);
    assert.deepEqual([...findTests('x = "\\"""\ndef test_b(): ...')], [['test_b', 2]]);
  });

  it('are taken for pytest’s own by their names', () => {
    assert.deepEqual(
      ['test_a', 'TestA::test_b', 'Base::test_b', 'TestA', 'TestA::helper'].map(looksCollected),
      [true, true, false, false, false],
    );
  });
});

describe('the tree of a file', () => {
  it('goes from classes to functions to cases, each at its function', () => {
    const cases = [
      { id: `${file}::test_many[a]`, line: 18 },
      { id: `${file}::test_many[x::y]`, line: 18 },
      { id: `${file}::TestRead::TestDeep::test_deep`, line: 3 },
      { id: `${file}::TestRead::test_all`, line: 4 },
    ];
    const node = fileNode({ file, found: findTests(TEXT), changed: false, cases });
    const many = lineOf('async def test_many');
    assert.equal(
      shape(node),
      `test_read.py:1(test_many:${many}([a]:${many} [x::y]:${many}) ` +
        `TestRead:${lineOf('class TestRead')}(TestDeep:${lineOf('class TestDeep')}(test_deep:${lineOf('def test_deep')}) ` +
        `test_all:${lineOf('def test_all')}) test_conditional:${lineOf('def test_conditional')})`,
    );
    const [first] = node.children;
    assert.deepEqual(
      [first?.kind, first?.id, first?.children[1]?.kind, first?.children[1]?.id],
      ['test', `${file}::test_many`, 'case', `${file}::test_many[x::y]`],
    );
  });

  it('takes the reported line where no definition is to be found', () => {
    const cases = [{ id: `${file}::TestRead::test_from_a_base`, line: 41 }];
    const found = findTests('class TestRead(Base):\n    pass\n');
    assert.equal(
      shape(fileNode({ file, found, changed: false, cases })),
      'test_read.py:1(TestRead:1(test_from_a_base:41))',
    );
  });

  it('loses a test that was deleted, gains one that was written, and keeps one that was only moved', () => {
    const cases = [{ id: `${file}::test_gone` }, { id: `${file}::test_moved[1]` }].map((entry) => ({
      ...entry,
      line: 1,
    }));
    const found = findTests('\n\ndef test_new(): ...\n\ndef test_moved(n): ...\n');
    assert.equal(
      shape(fileNode({ file, found, changed: true, cases })),
      'test_read.py:1(test_moved:5([1]:5) test_new:3)',
    );
  });

  it('gives the file itself to a report that it could not be collected', () => {
    assert.deepEqual(testPath(file, file), { names: [], parameters: undefined });
    assert.deepEqual(
      fileNode({ file, found: new Map(), changed: false, cases: [{ id: file, line: undefined }] }).children,
      [],
    );
  });
});

describe('what is said to pytest', () => {
  const node = fileNode({
    file,
    found: new Map(),
    changed: false,
    cases: ['test_a[1]', 'test_a[2]', 'test_ab', 'TestX::test_c', 'TestX::test_d'].map((name) => ({
      id: `${file}::${name}`,
      line: 1,
    })),
  });
  const all = { id: 'tests', children: [node] };
  const [a, ab] = node.children as [TestNode, TestNode];

  it('is the largest whole that was picked', () => {
    assert.deepEqual(idsToRun([all]), ['tests']);
    assert.deepEqual(idsToRun([node, a]), [file]);
    assert.deepEqual(idsToRun([a, ab]), [`${file}::test_a`, `${file}::test_ab`]);
  });

  it('leaves out what is excluded and nothing else', () => {
    assert.deepEqual(idsToRun([all], new Set([`${file}::test_a[1]`, `${file}::TestX::test_d`])), [
      `${file}::test_a[2]`,
      `${file}::test_ab`,
      `${file}::TestX::test_c`,
    ]);
    assert.deepEqual(idsToRun([a], new Set([file, a.id])), []);
  });

  it('knows what belongs to what', () => {
    const pairs: [string, string][] = [
      [`${file}::test_a[1]`, `${file}::test_a`],
      [`${file}::test_ab`, `${file}::test_a`],
      [`${file}::TestX::test_c`, `${file}::TestX`],
      [file, 'tests'],
      ['tests2/test_a.py', 'tests'],
      [`${file}::test_a[1]`, `${file}::test_a[1]`],
      [`${file}::test_a[1][2]`, `${file}::test_a[1]`],
    ];
    assert.deepEqual(
      pairs.map(([id, of]) => isBelow(id, of)),
      [true, false, true, true, false, true, false],
    );
  });
});
