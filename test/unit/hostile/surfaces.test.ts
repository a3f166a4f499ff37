/**
 * What strangers write (a description, a model, a test's message, a file's name) on every surface that shows it: Markdown of
 * the editor, notifications, the models of the panels, the panels' own Markdown, the page they live in, and the terminal.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readPanelMessage, readPanelState } from '../../../src/editor/panels/models/models.ts';
import { renderReport } from '../../../src/editor/reports/report-markdown.ts';
import { markdownText, unlinked } from '../../../src/editor/present.ts';
import { SourcewrightError } from '../../../src/errors.ts';
import { code, plain } from '../../../src/stages/research/markdown.ts';
import { printJson } from '../../../src/terminal/session.ts';
import { coloured, harmless, oneLine } from '../../../src/terminal/terminal.ts';
import { blocksOf, type Block, type Inline } from '../../../src/webview/research/notes.ts';
import { HOSTILE_TEXTS } from '../../fuzz/hostile-values.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SOURCE = join(ROOT, 'src');

const MARKUP: readonly string[] = [
  ...HOSTILE_TEXTS,
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(1)</script>',
  '<svg onload=alert(1)>',
  '<a href="command:workbench.action.terminal.new">x</a>',
  '[x](command:workbench.action.terminal.sendSequence?%7B%22text%22%3A%22id%5Cn%22%7D)',
  '[x](vscode://evil.evil/run)',
  '[x]( javascript:alert(1) )',
  '![](https://evil.example/pixel.png)',
  '<command:workbench.action.quit>',
  '[x]: command:evil\n[x]',
  'https://evil.example and www.evil.example',
  '&#60;script&#62; &lt;b&gt;',
  '`` ` <b> ` [a](b) ``',
  '\\[a](command:x) \\\\[a](command:x)',
  '# Heading\n- item\n| a | b |\n|---|---|',
  '$(trash) $(bell~spin)',
  'data:text/html;base64,PHNjcmlwdD4=',
];

/** What would be a link, an image, a tag or a heading once escapes and code are gone. */
const LEFT_OVER = /\[[^\]]*\]\(|\[[^\]]*\]:|<[a-z/!]|^#{1,6}\s|https?:\/\/|(?<![\w.])www\.|!\[/im;

function withoutCodeAndEscapes(markdown: string): string {
  return markdown.replace(/\\[!-/:-@[-`{-~]/g, '').replace(/(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, '');
}

// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** The first argument of a notification: fixed words through l10n, with values for them or without, a template, a call. */
const FIRST_WORDS =
  /show(?:Information|Warning|Error)Message\(\s*(`[^`]*`|t\(\s*'[^']*'(?=\s*[,)])|\w+)(?:\s*(,)\s*(?!\s*\)))?/g;

describe('hostile text in the editor', () => {
  for (const [name, render] of [
    ['comments and tooltips', markdownText],
    ['notes', (text: string) => plain(text, 100_000)],
    ['code in notes', (text: string) => code(text, 100_000)],
  ] as const) {
    it(`stays text in ${name}`, () => {
      for (const text of MARKUP) {
        const left = withoutCodeAndEscapes(render(text));
        assert.doesNotMatch(left, LEFT_OVER, `${JSON.stringify(text)} became ${left}`);
        assert.doesNotMatch(render(text), CONTROLS);
      }
    });
  }

  it('makes no link in a notification, whatever it is', () => {
    // The workbench makes links of exactly this form, of commands as well.
    const link = /\[[^\]]+\]\(/;
    for (const text of MARKUP) assert.doesNotMatch(unlinked(text), link);
    fc.assert(
      fc.property(fc.array(fc.constantFrom('[', ']', '(', ')', 'a', ' ', '\n', '\\')), (parts) => {
        assert.doesNotMatch(unlinked(parts.join('')), link);
      }),
    );
  });

  it('is unlinked wherever a notification says more than our own words', () => {
    const files = readdirSync(join(SOURCE, 'editor'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const fixed = new Set<string>();
    for (const name of files) {
      const text = readFileSync(join(SOURCE, 'editor', name), 'utf8');
      for (const [, first = '', more] of text.matchAll(FIRST_WORDS)) {
        const own = first.startsWith('`') ? !first.includes('${') : more === undefined;
        if (first === 'unlinked' || (own && first !== '' && !/^\w+$/.test(first))) continue;
        fixed.add(`${name.replaceAll('\\', '/')}: ${first.replace(/\s+/g, ' ')}`);
      }
    }
    // Put together of numbers and words of our own: nothing of a stranger's is in them.
    assert.deepEqual([...fixed].sort(), [
      "commands.ts: `${open === 1 ? t('One error or warning has no answer yet.') : t('{0} errors and warnings have no answer yet.', open)} ${afterReview(review)}`",
      'findings/finding-answers.ts: missed',
      "snapshots/snapshots.ts: `${t('Nothing to restore.')}${left}`",
      'snapshots/snapshots.ts: restoredText',
      "snapshots/snapshots.ts: t('Nothing has changed since: {0}'",
      "snapshots/snapshots.ts: t('You changed {0} since that snapshot.'",
      "tests/debug-tests.ts: t( 'Tests are debugged with the extension Python Debugger ({0}), which is not installed here. They can be run without it.'",
    ]);
  });

  it('never makes Markdown trusted, or lets it hold HTML', () => {
    for (const name of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
      if (!/\.tsx?$/.test(name)) continue;
      const text = readFileSync(join(SOURCE, name), 'utf8');
      assert.doesNotMatch(text, /isTrusted\s*=|supportHtml\s*=|new MarkdownString\([^)]*,\s*true/, name);
      assert.doesNotMatch(
        text,
        /dangerouslySetInnerHTML|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(/,
        name,
      );
    }
  });

  it('stays text in the report of tests', () => {
    for (const text of MARKUP) {
      const json = {
        schemaVersion: 1,
        verdict: 'failed',
        reason: text,
        exitCode: 1,
        timedOut: false,
        total: 1,
        passed: 0,
        failed: 1,
        errors: 0,
        skipped: 0,
        coverage: null,
        cases: [
          {
            id: `tests/${text}.py::t[${text}]`,
            file: text,
            outcome: 'failed',
            durationMs: 1,
            message: text,
            details: text,
          },
        ],
        codeSha256: '',
        testsSha256: '',
        command: ['python', text],
        python: text,
        startedAt: '',
        durationMs: 1,
        integrity: [],
      };
      const shown = renderReport('test-report.json', JSON.stringify(json));
      assert.match(shown, /^# Tests: failed/);
      const prose = shown
        .replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '')
        .replace(/^(#+ .*|Ran `.*)$/gm, (line) => line.replace(/^#+ /, ''));
      assert.doesNotMatch(withoutCodeAndEscapes(prose), LEFT_OVER, JSON.stringify(text));
    }
  });
});

describe('hostile messages from a panel', () => {
  const kinds = ['research', 'review', 'run'] as const;

  it('are refused unless they are what the contract says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.anything({ withObjectString: true, withNullPrototype: true }),
        (kind, raw) => {
          try {
            const action = readPanelMessage(kind, raw);
            assert.ok(action === undefined || typeof action.type === 'string');
          } catch (error) {
            assert.ok(error instanceof SourcewrightError && error.code === 'input');
          }
          const state = readPanelState(raw);
          assert.ok(state === undefined || kinds.includes(state.kind));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('bring nothing along that the contract does not name, and pollute no prototype', () => {
    const raw: unknown = JSON.parse(
      '{"type":"act","action":{"type":"accept","finding":"f","command":"evil","__proto__":{"polluted":1}},"constructor":{"prototype":{"polluted":1}}}',
    );
    assert.deepEqual(readPanelMessage('review', raw), { type: 'accept', finding: 'f' });
    assert.equal(({} as { polluted?: number }).polluted, undefined);
    for (const kind of kinds)
      for (const type of ['command', 'open', 'eval', '__proto__', 'approve '])
        assert.throws(
          () => readPanelMessage(kind, { type: 'act', action: { type, command: 'x' } }),
          SourcewrightError,
        );
  });

  it('are bounded', () => {
    const long = 'x'.repeat(1_000_000);
    for (const [kind, action] of [
      ['research', { type: 'words', text: long }],
      ['research', { type: 'show', streams: Array.from({ length: 1000 }, () => 'x') }],
      ['review', { type: 'reply', finding: 'f', text: long }],
      ['review', { type: 'accept', finding: long }],
      ['review', { type: 'acceptKind', rule: long }],
    ] as const)
      assert.throws(() => readPanelMessage(kind, { type: 'act', action }), SourcewrightError);
  });
});

describe('the Markdown of a model in a panel', () => {
  const inlinesOf = (block: Block): readonly Inline[] =>
    block.kind === 'code' ? [] : block.kind === 'list' ? block.items.flat() : block.content;

  it('links to https alone, and is text otherwise', () => {
    for (const text of MARKUP)
      for (const part of blocksOf(text).flatMap(inlinesOf))
        if (part.kind === 'link') assert.match(part.url, /^https:\/\/[^\s<>"']+$/);
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '[',
            ']',
            '(',
            ')',
            'a',
            ' ',
            '`',
            '**',
            '\n',
            '```',
            'https://a',
            'command:x',
            '- ',
          ),
        ),
        (parts) => {
          for (const part of blocksOf(parts.join('')).flatMap(inlinesOf))
            if (part.kind === 'link') assert.match(part.url, /^https:\/\//);
        },
      ),
    );
  });

  it('takes no longer for text that was made to be slow', () => {
    const started = performance.now();
    for (const unit of [
      '[',
      '![',
      '`',
      '**',
      '```\n',
      '- \n',
      '# ',
      'https://',
      '[a](https://',
      '\n',
      '1. ',
      '~~~\n```\n',
    ])
      blocksOf(unit.repeat(Math.ceil(200_000 / unit.length)));
    assert.ok(performance.now() - started < 6000, `${performance.now() - started} ms`);
  });
});

describe('the page of a panel', () => {
  const page = readFileSync(join(SOURCE, 'editor', 'panels', 'page.ts'), 'utf8');

  it('loads nothing from elsewhere and runs our script alone', () => {
    const policy = [...page.matchAll(/^ {4}["`]([a-z]+-[a-z]+ [^"`]+)["`],$/gm)].map(([, line]) => line);
    assert.deepEqual(policy, [
      "default-src 'none'",
      'style-src ${webview.cspSource}',
      "script-src 'nonce-${nonce}'",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    assert.match(page, /randomBytes\(16\)/);
    // Each value that is not ours is escaped; the kind is one of our own words and the nonce is base64.
    const body = page.slice(page.indexOf('<!doctype html>'), page.indexOf('</html>'));
    const put = [...body.matchAll(/\$\{([^}]+)\}/g)].map(([, what = '']) => what);
    assert.deepEqual(
      put.filter((what) => !what.startsWith('escaped(')),
      ['kind', 'nonce'],
    );
  });

  it('has no link but one to https, and no handler in its markup', () => {
    const views = readdirSync(join(SOURCE, 'webview'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.tsx'),
    );
    assert.ok(views.length > 8);
    for (const name of views) {
      const text = readFileSync(join(SOURCE, 'webview', name), 'utf8');
      const hrefs = [...text.matchAll(/href=\{([^}]+)\}/g)].map(([, what]) => what);
      if (name.endsWith('notes-view.tsx')) assert.deepEqual(hrefs, ['part.url', 'url']);
      else assert.deepEqual(hrefs, [], name);
      assert.doesNotMatch(text, /<(iframe|img|object|embed|style)\b|\bon[a-z]+="|style=\{/, name);
    }
  });
});

describe('hostile text in the terminal', () => {
  const STEERING = [
    '\u001b]0;title\u0007',
    '\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\',
    '\u001b[2J\u001b[H\u001b[31mred\u001b[0m',
    '\u009b2J\u009d0;t\u009c',
    '\u001b]52;c;ZXZpbA==\u0007',
    '\u001bP$q"p\u001b\\',
    '\rerror: all is well',
    '\u202Egnp.exe\u2066',
    'a\u0008\u0008\u0008b\u007f',
    ...MARKUP,
  ];

  it('steers nothing', () => {
    for (const text of STEERING) {
      assert.doesNotMatch(harmless(text), CONTROLS);
      assert.doesNotMatch(oneLine(text, 400), CONTROLS);
      // Colours are let through, and nothing else of what begins with an escape.
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(coloured(text).replace(/\u001b\[[\d;]*m/g, ''), CONTROLS);
    }
    assert.equal(coloured('\u001b[31mred\u001b[0m\r\nnext\rover'), '\u001b[31mred\u001b[0m\nnext\nover');
  });

  it('steers nothing in pieces either', () => {
    fc.assert(
      fc.property(fc.constantFrom(...STEERING), fc.nat(40), (text, at) => {
        const printed = coloured(text.slice(0, at)) + coloured(text.slice(at));
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(printed.replace(/\u001b\[[\d;]*m/g, ''), CONTROLS);
      }),
    );
  });

  it('is escaped in the object for scripts, which stays the same object', () => {
    for (const text of STEERING) {
      let printed = '';
      const stdout = { write: (piece: string) => (printed += piece) !== '' };
      printJson({ stdout } as unknown as Parameters<typeof printJson>[0], { [text]: text });
      assert.doesNotMatch(printed.slice(0, -1), CONTROLS);
      assert.deepEqual(JSON.parse(printed), { [text]: text });
    }
  });

  it('goes through it wherever the program prints', () => {
    const raw: string[] = [];
    for (const name of readdirSync(join(SOURCE, 'terminal'), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const text = readFileSync(join(SOURCE, 'terminal', name), 'utf8');
      for (const [line] of text.matchAll(/std(?:out|err)\.write\([^;]*;/g))
        if (!/harmless|coloured\(|#cut\(text\)/.test(line) && line.includes('${'))
          raw.push(`${name.replaceAll('\\', '/')}: ${line.replace(/\s+/g, ' ')}`);
    }
    assert.deepEqual(raw.sort(), [
      'commands/models.ts: stderr.write(`${known}\\n`);',
      "commands/runs.ts: stdout.write(`${count(all.length, 'finding')}, ${open} open\\n`);",
      'session.ts: stdout.write(`${json}\\n`);',
    ]);
  });
});
