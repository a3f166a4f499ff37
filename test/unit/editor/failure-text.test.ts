/** What pytest 9 printed, word for word, into its JUnit file. */
import { strict as assert } from 'node:assert';
import { sides, valueText } from '../../../src/editor/tests/assertion.ts';
import { frameIn, readFailure } from '../../../src/editor/tests/failure-text.ts';
import type { TestCase } from '../../../src/pipeline/contracts.ts';

const FILE = 'tests/test_a.py';
const failed = (details: string, more: Partial<TestCase> = {}): TestCase => ({
  id: `${FILE}::test_x`,
  file: FILE,
  outcome: 'failed',
  durationMs: 1,
  details,
  ...more,
});

const NUMBERS = `def test_eq():
>       assert len([1, 2]) == 3
E       assert 2 == 3
E        +  where 2 = len([1, 2])

tests/test_a.py:7: AssertionError`;

const NESTED = `def test_dict():
>       assert found == wanted
E       AssertionError: assert {'a': 1, 'b': ['x == y']} == {'a': 2, 'b': ['x == y']}
E         
E         Common items:
E         {'b': ['x == y']}
E         Differing items:
E         {'a': 1} != {'a': 2}
E         
E         Full diff: (-: missing in left side, +: extra in left side)
E           {
E         -     'a': 2,
E         ?          ^
E         +     'a': 1,
E         ?          ^
E               'b': [
E                   'x == y',
E               ],
E           }

tests/test_a.py:45: AssertionError`;

const TEXTS = `def test_str():
>       assert "hello\\nworld" == "hello\\nthere"
E       AssertionError: assert 'hello\\nworld' == 'hello\\nthere'
E         
E           hello
E         - there
E         + world

tests/test_a.py:13: AssertionError`;

const DEEP = `def test_deep():
>       deep(3)

tests/test_a.py:20: 
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ 

x = 3

    def deep(x):
>       raise ValueError(f"bad {x}")
E       ValueError: bad 3

src/client.py:4: ValueError`;

const GROUP = `+ Exception Group Traceback (most recent call last):
  |   File "/projects/source-x/tests/test_a.py", line 34, in test_group
  |     raise ExceptionGroup("eg", [ValueError("one"), TypeError("two")])
  | ExceptionGroup: eg (2 sub-exceptions)`;

describe('what pytest says about a failure', () => {
  it('is the assertion, both values of it, and its place', () => {
    assert.deepEqual(readFailure(failed(NUMBERS)), {
      text: 'assert 2 == 3\n +  where 2 = len([1, 2])',
      expected: '3',
      actual: '2',
      frames: [{ file: FILE, line: 7, label: 'AssertionError' }],
    });
  });

  it('gives nested values line by line, the expected one on its own side', () => {
    const { expected, actual, text } = readFailure(failed(NESTED));
    assert.equal(expected, "{\n    'a': 2,\n    'b': [\n        'x == y',\n    ],\n}");
    assert.equal(actual, "{\n    'a': 1,\n    'b': [\n        'x == y',\n    ],\n}");
    assert.match(text, /^AssertionError: assert \{'a': 1/);
    assert.match(text, /Differing items/);
  });

  it('gives texts as they are, not as Python writes them', () => {
    const { expected, actual } = readFailure(failed(TEXTS));
    assert.deepEqual([expected, actual], ['hello\nthere', 'hello\nworld']);
  });

  it('finds the assertion behind the author’s own words', () => {
    const { text, expected, actual } = readFailure(
      failed(
        '>   assert x == 2, "x must be two"\nE       AssertionError: x must be two\nE       assert 1 == 2',
      ),
    );
    assert.deepEqual([text, expected, actual], ['AssertionError: x must be two\nassert 1 == 2', '2', '1']);
  });

  it('points into the test, though the error came from deeper', () => {
    const failure = readFailure(failed(DEEP));
    assert.equal(failure.text, 'ValueError: bad 3');
    assert.deepEqual(failure.frames, [
      { file: FILE, line: 20, label: '' },
      { file: 'src/client.py', line: 4, label: 'ValueError' },
    ]);
    assert.equal(frameIn(failure, FILE)?.line, 20);
    assert.equal(failure.expected, undefined);
  });

  it('reads Python’s own tracebacks, and falls back to the message', () => {
    const failure = readFailure(failed(GROUP, { message: 'ExceptionGroup: eg (2 sub-exceptions)' }));
    assert.equal(failure.text, 'ExceptionGroup: eg (2 sub-exceptions)');
    assert.equal(frameIn(failure, FILE)?.line, 34);
    assert.equal(readFailure({ ...failed(''), outcome: 'error' }).text, 'The test ended with error.');
  });

  it('offers no values where they were shortened or cut', () => {
    const short = readFailure(failed('E       AssertionError: assert [1, 2, 3, ...] == [1, 2, 4, ...]'));
    assert.equal(short.expected, undefined);
    const cut = readFailure(
      failed("E       AssertionError: assert {'a': 1} == {'a': 2}\n… 900 characters left out …\nE       x"),
    );
    assert.equal(cut.expected, undefined);
    assert.equal(readFailure(failed("E       assert 'a' in ['b']")).expected, undefined);
  });
});

describe('an assertion as Python writes it', () => {
  it('has two sides at the one == outside quotes and brackets', () => {
    assert.deepEqual(sides("'a == b' == {'x': f(1 == 2)}"), { left: "'a == b'", right: "{'x': f(1 == 2)}" });
    assert.deepEqual(sides(`'it\\'s == ' == "x"`), { left: `'it\\'s == '`, right: '"x"' });
    for (const none of ['1 == 2 == 3', 'a in b', "'open == 2", '[1 == 2', '1) == 2']) {
      assert.equal(sides(none), undefined, none);
    }
  });

  it('stands for a text only where it is a plain literal', () => {
    assert.equal(valueText(`'a\\n\\t\\'b\\\\ \\x41\\u00fc'`), "a\n\t'b\\ Aü");
    assert.equal(valueText('"it\'s"'), "it's");
    for (const none of ['1', "b'x'", "'a' 'b'", "'open"]) assert.equal(valueText(none), undefined, none);
  });
});
