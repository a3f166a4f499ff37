import assert from 'node:assert/strict';
import {
  approvalText,
  restoredText,
  snapshotLabel,
  someOf,
} from '../../../src/editor/snapshots/snapshot-words.ts';
import type { Snapshot } from '../../../src/workspace/snapshots/index.ts';

const SNAPSHOT: Snapshot = {
  schemaVersion: 1,
  id: '000001-run-generate-1-after',
  sequence: 1,
  runId: 'run',
  stage: 'generate',
  attempt: 1,
  phase: 'after',
  at: '2026-11-28T11:12:13.000Z',
  files: [],
  leftOut: [],
};

describe('snapshots in words', () => {
  it('name the moment, and the attempt only where there were several', () => {
    assert.equal(snapshotLabel(SNAPSHOT), 'After Generate');
    assert.equal(
      snapshotLabel({ ...SNAPSHOT, phase: 'before', stage: 'test', attempt: 3 }),
      'Before Test #3',
    );
    assert.equal(snapshotLabel({ ...SNAPSHOT, phase: 'before', stage: 'restore' }), 'Before a restore');
  });

  it('say what a restore did and left', () => {
    const done = { written: ['a'], removed: [], kept: [], undo: 'x' };
    assert.equal(restoredText('After Test', done), 'After Test: 1 file restored.');
    assert.equal(
      restoredText('After Test', { ...done, written: ['a', 'b'], removed: ['c'], kept: ['d', 'e'] }),
      'After Test: 2 files restored, 1 removed, 2 left as you edited them.',
    );
  });

  it('say whose approval the code is compared with', () => {
    const approval = {
      runId: 'run',
      gate: 'code',
      by: 'person',
      at: SNAPSHOT.at,
      snapshot: SNAPSHOT,
    } as const;
    assert.equal(approvalText(undefined), 'everything is new');
    assert.equal(approvalText(approval), 'new since your approval at the gate code, 2026-11-28 11:12 UTC');
    assert.match(approvalText({ ...approval, by: 'auto' }), /the automatic approval/);
  });

  it('list no more names than can be read', () => {
    assert.equal(someOf(['a', 'b'], 2), 'a\nb');
    assert.equal(someOf(['a', 'b', 'c', 'd'], 2), 'a\nb\n… and 2 more');
  });
});
