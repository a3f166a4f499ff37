import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUNDLE, bundleOf, gather } from '../../../scripts/l10n.mjs';
import { keyProblem } from '../../../src/editor/agents/key-form.ts';
import { speakBy, t } from '../../../src/editor/l10n.ts';
import { ago } from '../../../src/editor/present.ts';
import { snapshotLabel } from '../../../src/editor/snapshots/snapshot-words.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const english = (message: string, ...inserted: (string | number | boolean)[]): string =>
  message.replace(/\{(\d+)\}/g, (_, index: string) => String(inserted[Number(index)]));

describe('the words of the editor', () => {
  afterEach(() => {
    speakBy(english);
  });

  it('are all in the bundle, which has no others', async () => {
    const { messages, problems } = await gather();
    assert.deepEqual(problems, []);
    assert.ok(messages.length > 200, 'the messages are found');
    assert.ok(messages.includes('Nothing waits for your approval.'));
    assert.ok(messages.includes('The research is ready to approve'), 'those of tables, too');
    assert.equal(await readFile(BUNDLE, 'utf8'), bundleOf(messages), 'run `npm run l10n`');
  });

  it('are found where the manifest says', async () => {
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { l10n: string };
    assert.equal(join(ROOT, manifest.l10n, 'bundle.l10n.json'), BUNDLE);
    assert.match(await readFile(join(ROOT, '.vscodeignore'), 'utf8'), /^!media\/l10n\/\*\*$/m);
  });

  it('are said in the language that is given, whatever is made of them', () => {
    const german = new Map([
      ['{0} minutes ago', 'vor {0} Minuten'],
      ['After {0}', 'Nach {0}'],
      ['Generate', 'Erzeugen'],
      ['Paste the key.', 'Den Schlüssel einfügen.'],
    ]);
    speakBy((message, ...inserted) => english(german.get(message) ?? message, ...inserted));
    assert.equal(ago('2026-01-01T10:00:00Z', Date.parse('2026-01-01T10:05:00Z')), 'vor 5 Minuten');
    const snapshot = { stage: 'generate', attempt: 2, phase: 'after' } as Parameters<typeof snapshotLabel>[0];
    assert.equal(snapshotLabel(snapshot), 'Nach Erzeugen #2');
    assert.equal(keyProblem(''), 'Den Schlüssel einfügen.');
    assert.equal(t('{1} before {0}', 'a', 'b'), 'b before a');
  });
});
