import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  docstring,
  LINE_LENGTH,
  plainText,
  pythonString,
  pythonTuple,
  pythonValue,
  stringLines,
} from '../../../src/blueprint/compiler/agent-face-python.ts';
import { HOSTILE } from './blueprints.ts';
import { askPython } from './python.ts';

const EVALUATE =
  'import ast, json, sys; json.dump([ast.literal_eval(s) for s in json.load(sys.stdin)], sys.stdout)';

/** Any text, with what breaks literals in it more often than chance has it. */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('"""', "'", '\\', '\n', '\u2028', ' word ', '{{'),
    ),
  )
  .map((parts) => parts.join(''));

describe('text as Python', () => {
  it('reads back as the same text, whatever it holds', () => {
    const samples = [HOSTILE.replace('\uD800', ''), ...fc.sample(texts, { numRuns: 500, seed: 7 })];
    assert.deepEqual(askPython(EVALUATE, samples.map(pythonString)), samples);
  });

  it('replaces half surrogate pairs, which no file can hold', () => {
    assert.deepEqual(askPython(EVALUATE, [pythonString('a\uD800b')]), ['a\uFFFDb']);
  });

  it('reads back the same when split over lines of the allowed length', () => {
    const samples = fc.sample(texts, { numRuns: 300, seed: 8 });
    const lines = samples.map((text) => stringLines('        ', 'x(', `long ${text}`, ')'));
    const expressions = lines.map((each) => each.join('\n').trim().replace(/^x/, ''));
    assert.deepEqual(
      askPython(EVALUATE, expressions),
      samples.map((text) => `long ${text}`),
    );
  });

  it('keeps lines short where words allow it', () => {
    const lines = stringLines('        ', 'description=', 'many words '.repeat(60), ',');
    assert.ok(lines.length > 5);
    assert.ok(lines.every((line) => line.length <= LINE_LENGTH));
  });

  it('never lets a docstring end early', () => {
    const samples = [
      HOSTILE,
      '"',
      '\\',
      'a"',
      'a\\',
      '"""',
      "'''",
      ...fc.sample(texts, { numRuns: 300, seed: 9 }),
    ];
    const sources = samples.map((text) =>
      ['def f():', ...docstring('    ', text, [text]), '    pass'].join('\n'),
    );
    const script =
      'import ast, json, sys\n' +
      'trees = [ast.parse(s) for s in json.load(sys.stdin)]\n' +
      'json.dump([[len(t.body), len(t.body[0].body)] for t in trees], sys.stdout)';
    assert.deepEqual(
      askPython(script, sources),
      samples.map(() => [1, 2]),
    );
  });

  it('writes JSON values as Python', () => {
    const value = { a: [1, -0.5, 1e21, true, null, 'x'], __proto__x: {} };
    assert.deepEqual(askPython(EVALUATE, [pythonValue(value)]), [value]);
    assert.equal(pythonValue(Number.NaN), 'None');
    assert.deepEqual(
      [[], ['a'], ['a', 'b']].map((items) => pythonTuple(items)),
      ['()', '("a",)', '("a", "b")'],
    );
  });
});

describe('plain text', () => {
  it('drops marks, tags, links and line breaks', () => {
    assert.equal(
      plainText('# Title\n\n**Bold** <b>tag</b> [link](https://x.test/a) ![pic](p.png)\n```\ncode\n```', 200),
      'Title Bold tag link pic code',
    );
  });

  it('cuts at the end of a sentence or a word', () => {
    assert.equal(plainText('One sentence here. Another one follows.', 25), 'One sentence here.');
    assert.equal(plainText('word '.repeat(20), 23), 'word word word word…');
    assert.equal(plainText('x'.repeat(50), 10), `${'x'.repeat(9)}…`);
  });

  it('never cuts a character in two and never grows', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 5, max: 60 }), (text, most) => {
        const cut = plainText(text, most);
        assert.ok(cut.length <= most);
        assert.doesNotMatch(cut, /\p{Surrogate}/u);
      }),
    );
  });

  it('takes no longer for text made to be slow', () => {
    const started = performance.now();
    for (const unit of ['<a ', '[x](', '![', '**', '# ', '``', '<', '(', '['])
      plainText(unit.repeat(50_000), 300);
    assert.ok(performance.now() - started < 3000);
  });
});
