import assert from 'node:assert/strict';
import { pruneImports } from '../../../src/blueprint/compiler/imports.ts';
import { holds, selectFeatures } from '../../../src/blueprint/compiler/template.ts';
import { SourcewrightError } from '../../../src/errors.ts';

const lines = (...all: string[]): string => `${all.join('\n')}\n`;

describe('features of the template', () => {
  it('reads expressions with and, or and not', () => {
    const on = new Set(['a', 'b.c']);
    const expected: [string, boolean][] = [
      ['a', true],
      ['!a', false],
      ['x', false],
      ['!x', true],
      ['x|b.c', true],
      ['a&x', false],
      ['a&!x', true],
      ['x&a|b.c', true],
      ['!a|!x', true],
      ['a & b.c', true],
    ];
    for (const [expression, value] of expected) {
      assert.equal(holds(expression, on), value, expression);
    }
  });

  it('keeps what holds and drops the rest with all marks', () => {
    const source = lines(
      'def f():',
      '    # <feature a>',
      '    one()',
      '    # <feature b>',
      '    both()',
      '    # </feature>',
      '    # </feature>',
      '    two()  # <feature !a>',
      '    three()  # <feature b|a>',
    );
    assert.equal(
      selectFeatures(source, new Set(['a']), 'f.py'),
      lines('def f():', '    one()', '    three()'),
    );
    assert.equal(
      selectFeatures(source, new Set(['a', 'b']), 'f.py'),
      lines('def f():', '    one()', '    both()', '    three()'),
    );
    assert.equal(selectFeatures(source, new Set(), 'f.py'), lines('def f():', '    two()'));
  });

  it('leaves blank lines as a formatter would', () => {
    const source = lines(
      'a = 1',
      '# <feature x>',
      '',
      '',
      'class X:',
      '    pass',
      '# </feature>',
      '',
      '',
      'b = 2',
      '',
      '',
    );
    assert.equal(selectFeatures(source, new Set(), 'f.py'), lines('a = 1', '', '', 'b = 2'));
    assert.equal(
      selectFeatures(source, new Set(['x']), 'f.py'),
      lines('a = 1', '', '', 'class X:', '    pass', '', '', 'b = 2'),
    );
  });

  it('refuses regions that are not balanced', () => {
    for (const source of ['# <feature a>\n', '# </feature>\n']) {
      assert.throws(
        () => selectFeatures(source, new Set(['a']), 'f.py'),
        (error) => error instanceof SourcewrightError && error.code === 'internal' && error.where === 'f.py',
      );
    }
  });
});

describe('imports of the template', () => {
  it('keeps the names that the code uses, and only those', () => {
    const source = lines(
      '"""About json and re."""',
      '',
      'import json',
      'import re',
      'from a import one, two',
      'from b import (',
      '    three,',
      '    four,',
      ')',
      'from c import five as six',
      '',
      '# re is not used',
      'x = json.dumps(two, four, six)',
    );
    assert.equal(
      pruneImports(source),
      lines(
        '"""About json and re."""',
        '',
        'import json',
        'from a import two',
        'from b import four',
        'from c import five as six',
        '',
        '# re is not used',
        'x = json.dumps(two, four, six)',
      ),
    );
  });
});
