import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import {
  assign,
  call,
  dict,
  list,
  path,
  raw,
  scalar,
  str,
  tuple,
} from '../../../src/blueprint/compiler/python.ts';

const interpreter =
  process.env['SOURCEWRIGHT_PYTHON'] ?? (process.platform === 'win32' ? 'python' : 'python3');

/** What Python makes of some literals. */
function evaluated(sources: readonly string[]): unknown[] {
  const program =
    'import ast,json,sys; print(json.dumps([ast.literal_eval(s) for s in json.load(sys.stdin)]))';
  const done = spawnSync(interpreter, ['-c', program], { input: JSON.stringify(sources), encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout) as unknown[];
}

const HOSTILE = [
  '',
  '"',
  "'",
  '"""',
  '\\',
  '\\"',
  'a\nb\r\nc\td',
  '\u0000\u0007\u007f\u0085',
  '\u202e\u2066abc\u2069',
  '\u2028\u2029\u00a0\ufeff',
  '😀 and \u{e0001}',
  '"); import os; os.system("x") #',
  '{x} %s {{y}} $z `w`',
  "it's \"both\" 'kinds'",
  `${'long words '.repeat(40)}end`,
  'x'.repeat(500),
];

describe('Python literals', function () {
  this.timeout(60_000);

  it('mean what they were made from', () => {
    assert.deepEqual(evaluated(HOSTILE.map((text) => str(text).flat)), HOSTILE);
    assert.deepEqual(evaluated(HOSTILE.map((text) => str(text).broken?.('') ?? '')), HOSTILE);
  });

  it('mean what they were made from, whatever it is', () => {
    const texts = fc.sample(fc.string({ unit: 'grapheme', maxLength: 200 }), { numRuns: 300, seed: 7 });
    assert.deepEqual(evaluated(texts.map((text) => str(text).flat)), texts);
    assert.deepEqual(evaluated(texts.map((text) => str(text).broken?.('    ') ?? '')), texts);
  });

  it('show no character that hides or reorders text, and no line break', () => {
    for (const text of HOSTILE) assert.doesNotMatch(str(text).flat, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it('are laid out on one line or, too long for it, one item a line', () => {
    const code = call('F', [
      ['a', str('x')],
      ['b', undefined],
      [null, tuple([raw('1')])],
      ['c', path(['p', 'q'])],
      ['d', dict([['k', list([scalar(true), scalar(null)])]])],
    ]);
    assert.equal(assign('X', code), 'X = F(a="x", (1,), c=("p", "q"), d={"k": [True, None]})\n');
    const wide = call('F', [
      ['name', str('y'.repeat(90))],
      ['other', raw('2')],
    ]);
    assert.equal(assign('X', wide), `X = F(\n    name="${'y'.repeat(90)}",\n    other=2,\n)\n`);
  });
});
