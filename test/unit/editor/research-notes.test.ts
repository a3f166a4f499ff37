import { strict as assert } from 'node:assert';
import { blocksOf, inlines } from '../../../src/webview/research/notes.ts';

describe('the notes of a model', () => {
  it('are headings, paragraphs, lists and code', () => {
    const blocks = blocksOf(
      '# Sign-in\nKeys go\ninto a header.\n\n- one\n  more\n- two\n1. first\n\n```\n<b>\n```\nend',
    );
    assert.deepEqual(
      blocks.map(({ kind }) => kind),
      ['heading', 'paragraph', 'list', 'list', 'code', 'paragraph'],
    );
    assert.deepEqual(blocks[1], {
      kind: 'paragraph',
      content: [{ kind: 'text', text: 'Keys go into a header.' }],
    });
    assert.deepEqual(blocks[2], {
      kind: 'list',
      ordered: false,
      items: [[{ kind: 'text', text: 'one more' }], [{ kind: 'text', text: 'two' }]],
    });
    assert.deepEqual(blocks[4], { kind: 'code', text: '<b>' });
    assert.deepEqual(blocksOf('```\nnever closed'), [{ kind: 'code', text: 'never closed' }]);
  });

  it('link to https only', () => {
    assert.deepEqual(inlines('see [docs](https://a.example/x) and https://b.example/y.'), [
      { kind: 'text', text: 'see ' },
      { kind: 'link', text: 'docs', url: 'https://a.example/x' },
      { kind: 'text', text: ' and ' },
      { kind: 'link', text: 'https://b.example/y', url: 'https://b.example/y' },
      { kind: 'text', text: '.' },
    ]);
    for (const text of [
      '[x](javascript:alert(1))',
      '[x](command:workbench.action.terminal.new)',
      '[x](http://a.example)',
      '[x](data:text/html,hi)',
      '<img src=x onerror=alert(1)>',
      '<a href="https:">x</a>',
    ]) {
      assert.ok(
        inlines(text).every(({ kind }) => kind === 'text'),
        text,
      );
    }
  });

  it('lose no text, and take time by their length only', () => {
    const shown = (text: string): string =>
      inlines(text)
        .map((part) => part.text)
        .join('');
    assert.equal(shown('a <b>c</b> & "d"'), 'a <b>c</b> & "d"');
    const begun = performance.now();
    for (const part of ['`', '**', '[', '[x](', 'https://', '[['.repeat(10)])
      shown(part.repeat(20_000 / part.length));
    assert.ok(performance.now() - begun < 3000, `${performance.now() - begun} ms`);
  });
});
