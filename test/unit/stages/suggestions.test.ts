import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Finding } from '../../../src/pipeline/contracts.ts';
import { applySuggestions } from '../../../src/stages/generate/suggestions.ts';
import { lineSuggestion } from '../../../src/stages/review/ruff.ts';

function finding(
  id: string,
  startLine: number,
  endLine: number,
  before: string,
  after: string,
  file = 'a.py',
): Finding {
  const range = { file, startLine, endLine };
  return {
    id,
    rule: 'R',
    source: 'ruff',
    severity: 'warning',
    category: 'style',
    message: 'm',
    range,
    excerpt: before,
    suggestion: { range, before, after, title: 't' },
  };
}

describe('applying suggestions', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-suggest-')));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function apply(
    content: string,
    findings: Finding[],
  ): Promise<{ text: string; applied: string[]; unresolved: string[] }> {
    await writeFile(join(dir, 'a.py'), content);
    const { applied, unresolved } = await applySuggestions(dir, findings);
    return { text: await readFile(join(dir, 'a.py'), 'utf8'), applied: applied.sort(), unresolved };
  }

  it('applies several to one file, whatever their order', async () => {
    const result = await apply('1\n2\n3\n4\n', [
      finding('a', 1, 1, '1', '1a\n1b'),
      finding('c', 4, 4, '4', ''),
      finding('b', 2, 3, '2\n3', 'x'),
    ]);
    assert.deepEqual(result, { text: '1a\n1b\nx\n', applied: ['a', 'b', 'c'], unresolved: [] });
  });

  it('leaves lines alone that have changed since, and says so', async () => {
    const result = await apply('1\nmine\n3\n', [finding('a', 2, 2, '2', 'x'), finding('b', 3, 3, '3', 'y')]);
    assert.deepEqual(result, { text: '1\nmine\ny\n', applied: ['b'], unresolved: ['a'] });
  });

  it('finds lines that were moved by other edits, but only where one place reads so', async () => {
    const moved = await apply('new\n1\n2\n3\n', [finding('a', 2, 2, '2\n', 'x\n')]);
    assert.deepEqual(moved, { text: 'new\n1\nx\n3\n', applied: ['a'], unresolved: [] });
    const twice = await apply('2\nnew\n2\n', [finding('a', 2, 2, '2', 'x')]);
    assert.deepEqual(twice.unresolved, ['a']);
  });

  it('applies one of two that overlap, and both of two that are the same', async () => {
    const overlap = await apply('1\n2\n3\n', [
      finding('a', 1, 2, '1\n2', 'x'),
      finding('b', 2, 3, '2\n3', 'y'),
    ]);
    assert.deepEqual(overlap, { text: '1\ny\n', applied: ['b'], unresolved: ['a'] });
    const same = await apply('1\n2\n', [finding('a', 1, 1, '1', 'x'), finding('b', 1, 1, '1', 'x')]);
    assert.deepEqual(same, { text: 'x\n2\n', applied: ['a', 'b'], unresolved: [] });
  });

  it('keeps Windows line ends, refuses ranges past the end, reports those without a suggestion', async () => {
    const { suggestion: _s, ...bare } = finding('c', 1, 1, '1', 'x');
    const result = await apply('1\r\n2\r\n', [
      finding('a', 1, 1, '1', 'x\ny'),
      finding('b', 9, 9, '', 'z'),
      bare,
    ]);
    assert.deepEqual(result, { text: 'x\r\ny\r\n2\r\n', applied: ['a'], unresolved: ['b', 'c'] });
  });

  it('reports missing files and never writes outside', async () => {
    await mkdir(join(dir, 'in'));
    await writeFile(join(dir, 'outside.py'), '1\n');
    await symlink(join(dir, 'outside.py'), join(dir, 'in', 'link.py'));
    const missing = await applySuggestions(join(dir, 'in'), [finding('a', 1, 1, '1', 'x', 'none.py')]);
    assert.deepEqual(missing.unresolved, ['a']);
    const elsewhere = [
      '../outside.py',
      join(dir, 'outside.py'),
      'link.py',
      'folder/outside.py',
      './../outside.py',
      '.git/x',
    ];
    await symlink(dir, join(dir, 'in', 'folder'));
    for (const file of elsewhere) {
      const { applied, unresolved, files } = await applySuggestions(join(dir, 'in'), [
        finding('a', 1, 1, '1', 'x', file),
      ]);
      assert.deepEqual([applied, unresolved, files], [[], ['a'], []], file);
    }
    assert.equal(await readFile(join(dir, 'outside.py'), 'utf8'), '1\n');
  });

  it('turns any edit of a file into that file', async () => {
    const text = fc.array(fc.constantFrom('a', 'b', '', '  c'), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        const suggestion = lineSuggestion('a.py', before, after, 't');
        if (suggestion === undefined) {
          assert.deepEqual(before, after);
          return;
        }
        const { range } = suggestion;
        const made = {
          ...finding('a', range.startLine, range.endLine, suggestion.before, suggestion.after),
          suggestion,
        };
        const result = await apply(before.join('\n'), [made]);
        assert.equal(result.text, after.join('\n'));
      }),
      { numRuns: 150 },
    );
  });
});
