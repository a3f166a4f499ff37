import { strict as assert } from 'node:assert';
import type { TranscriptLine, TranscriptView } from '../../../src/agents/transcript-view.ts';
import { renderTranscript } from '../../../src/editor/reports/transcript-markdown.ts';
import { SourcewrightError } from '../../../src/errors.ts';

/** All that a preview makes something of: markup, links, images, and what it links by itself. */
const HOSTILE = [
  '<img src=x onerror=alert(1)> [click](command:evil) [ref]: http://evil.example',
  '# Heading ![x](http://evil.example/x.png) | ``` `code` $x$ **bold**',
  '',
  '    indented',
  '- item',
  '1. one',
  '===',
  '> quote //evil.example www.evil.example me@evil.example \u202egnp.exe',
  '<!-- comment',
].join('\n');

const OF = { stage: 'generate', attempt: 2 } as const;

const line = (kind: TranscriptLine['kind'], text: string, usd: number | null = null): TranscriptLine => ({
  at: '2026-11-21T03:12:09.123Z',
  kind,
  text,
  usd,
});

const transcript = (entries: readonly TranscriptLine[]): TranscriptView => ({
  ...OF,
  model: 'claude-x',
  prompt: { name: 'generate', sha256: 'f'.repeat(64) },
  usage: {
    usd: 1.25,
    inputTokens: 61_000,
    outputTokens: 1_234,
    cacheReadTokens: 47_580,
    cacheWriteTokens: 0,
    requests: 3,
  },
  entries,
});

function assertTame(markdown: string): void {
  // Code is shown as it is; whatever is escaped is text.
  const markup = markdown.replace(/\\./g, '¤').replace(/(`+)[^`][^\n]*?\1/g, '');
  assert.doesNotMatch(markup, /[<>[\]!`$|]/);
  assert.doesNotMatch(markup, /:\/\/|\/\/|www\.|@|\u202e/);
  assert.doesNotMatch(markup, /^(# Heading|[-+] item|1\. one|={2,}|> quote|\s{4,}\S)/m);
}

describe('a transcript as Markdown', () => {
  it('shows the model, the prompt, turns with their cost and what happened in between', () => {
    const text = renderTranscript(
      OF,
      transcript([
        line('turn', 'I look at the client first.', 0.02),
        line('tool', 'read src/client.py'),
        line('refused', 'read .env'),
        line('wait', 'rate limit (429); asked again or stopped', 0),
        line('turn', 'Done.', 1.2),
        line('result', '{"changed":["src/client.py"]}'),
      ]),
    );
    assert.match(text, /^# Generate, attempt 2\n/);
    assert.match(text, /\| model \| `claude-x` \|/);
    assert.match(text, /\| prompt \| `generate` \(`ffffffffffff`\) \|/);
    assert.match(text, /\| cost \| \\\$1\.25 \|/);
    assert.match(text, /\| tokens in \| 61,000, 78% from the cache \|/);
    assert.match(text, /\| refused calls \| 1 \|/);
    assert.match(
      text,
      /## Turn 1 · 03:12:09 · \\\$0\.02\n\nI look at the client first\.\n\n- 03:12:09 \*\*Tool\*\*/,
    );
    assert.match(text, /- 03:12:09 \*\*Refused\*\*: read \.env\n/);
    assert.match(text, /## Turn 2 · 03:12:09 · \\\$1\.20\n/);
    assert.match(text, /## Result · 03:12:09\n\n\{"changed":\\\["src\/client\.py"\\\]\}\n/);
  });

  it('makes nothing of what models and pages wrote', () => {
    const kinds = ['turn', 'tool', 'refused', 'wait', 'note', 'result'] as const;
    const rendered = renderTranscript(OF, {
      ...transcript(kinds.map((kind) => line(kind, HOSTILE))),
      model: HOSTILE,
      prompt: { name: HOSTILE, sha256: HOSTILE },
    });
    const entries = rendered.slice(rendered.indexOf('## Turn'));
    assertTame(entries);
    assert.equal(rendered.match(/^#+ /gm)?.length, 3, 'a heading too many');
    assert.match(entries, /Heading/, 'the words are still there');
  });

  it('stays small: long words are cut, old entries left out', () => {
    const many = Array.from({ length: 4000 }, (_, index) =>
      line('turn', `turn ${index} ${'x'.repeat(20_000)}`),
    );
    const text = renderTranscript(OF, transcript(many));
    assert.ok(text.length < 4_000_000, String(text.length));
    assert.match(text, /The first 2500 entries are left out/);
    assert.match(text, /## Turn 4000 /);
  });

  it('says what is wrong where there is nothing to show', () => {
    assert.match(renderTranscript(OF, undefined), /no transcript of this attempt/);
    const corrupt = new SourcewrightError('corrupt', `Line 3 is ${HOSTILE}`, { where: '/a/b.jsonl' });
    const text = renderTranscript(OF, corrupt);
    assert.match(text, /can't be read/);
    assertTame(text.slice(text.indexOf("can't")));
  });
});
