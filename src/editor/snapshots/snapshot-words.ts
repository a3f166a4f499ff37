/** Snapshots in words: pure. */
import type { Approval, Restored, Snapshot } from '../../workspace/snapshots/index.ts';
import { STAGE_LABEL } from '../present.ts';

/** `After Generate #2`. */
export function snapshotLabel({ stage, attempt, phase }: Snapshot): string {
  const when = phase === 'before' ? 'Before' : 'After';
  if (stage === 'restore') return `${when} a restore`;
  return `${when} ${STAGE_LABEL[stage]}${attempt > 1 ? ` #${attempt}` : ''}`;
}

/** `3 files`. */
export function files(count: number): string {
  return `${count} ${count === 1 ? 'file' : 'files'}`;
}

/** The first of many names, a line each. */
export function someOf(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).join('\n');
  return names.length > most ? `${shown}\n… and ${names.length - most} more` : shown;
}

/** What a restore did, as a sentence. */
export function restoredText(label: string, { written, removed, kept }: Restored): string {
  const parts = [
    `${files(written.length)} restored`,
    ...(removed.length > 0 ? [`${removed.length} removed`] : []),
    ...(kept.length > 0 ? [`${kept.length} left as you edited ${kept.length === 1 ? 'it' : 'them'}`] : []),
  ];
  return `${label}: ${parts.join(', ')}.`;
}

/** What the code at the gate is compared with, for the title of the comparison. */
export function approvalText(approval: Approval | undefined): string {
  if (approval === undefined) return 'everything is new';
  const whose = approval.by === 'person' ? 'your approval' : 'the automatic approval';
  return `new since ${whose} at the gate ${approval.gate}, ${approval.at.slice(0, 16).replace('T', ' ')} UTC`;
}
