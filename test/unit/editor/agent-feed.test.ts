import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { feedKind, feedLabel, withIds } from '../../../src/editor/agents/feed.ts';
import { transcriptOf } from '../../../src/editor/agents/transcripts.ts';
import { unlinked } from '../../../src/editor/present.ts';

describe('the live feed of an agent', () => {
  it('knows what each line is about', () => {
    const kinds = {
      'turn 3: 2 calls, 61000 tokens in (78% cached), 410 out, $0.0312': 'turn',
      'edit src/client.py': 'tool',
      'edit src/client.py (failed)': 'failed',
      'refused: read .env': 'refused',
      'rate limit (429): try 2 of 8 in 4 s': 'wait',
      'result sent back: no such stream': 'sent-back',
      'locked files were changed and put back: tests/test_read.py': 'put-back',
      'stopped: The next request may cost up to $0.81.': 'stopped',
    };
    for (const [line, kind] of Object.entries(kinds)) assert.equal(feedKind(line), kind, line);
  });

  it('says so to those who do not see the icon', () => {
    assert.equal(feedLabel('refused: read .env'), 'Refused tool call: refused: read .env');
    assert.equal(feedLabel('edit a.py'), 'Tool call: edit a.py');
  });

  it('keeps the id of a line while newer ones come', () => {
    const line = (at: string, text: string) => ({ at, line: text });
    const before = withIds([line('1', 'a'), line('1', 'b'), line('2', 'a')]);
    const after = withIds([line('1', 'a'), line('1', 'b'), line('2', 'a'), line('2', 'a')]);
    assert.deepEqual(after.slice(0, 3), before);
    assert.equal(new Set(after.map(({ id }) => id)).size, 4);
  });
});

describe('files of transcripts', () => {
  it('are told from other files', () => {
    const path = join('/runs', 'a', 'transcripts', 'generate-12.jsonl');
    assert.deepEqual(transcriptOf(path), { stage: 'generate', attempt: 12, path });
    for (const other of [
      '/runs/a/journal.jsonl',
      '/runs/a/transcripts/generate-0.jsonl',
      '/runs/a/transcripts/constructor-1.jsonl',
      '/runs/a/transcripts/generate-1.json',
      '/runs/a/nottranscripts/generate-1.jsonl',
    ]) {
      assert.equal(transcriptOf(other), undefined, other);
    }
  });
});

describe('text in notifications', () => {
  it('holds no links: the workbench would run commands for them', () => {
    const text = unlinked(
      'See [here](command:workbench.action.terminal.new) and [there](https://evil.example)',
    );
    assert.doesNotMatch(text, /\]\(/);
    assert.match(text, /here/);
  });
});
