/** Snapshots in words: pure. */
import type { Approval, Restored, Snapshot } from '../../workspace/snapshots/index.ts';
import { STAGE_LABEL } from '../present.ts';
import { t } from '../l10n.ts';

/** `After Generate #2`. */
export function snapshotLabel({ stage, attempt, phase }: Snapshot): string {
  const isBefore = phase === 'before';
  if (stage === 'restore') return isBefore ? t('Before a restore') : t('After a restore');
  const which = `${t(STAGE_LABEL[stage])}${attempt > 1 ? ` #${attempt}` : ''}`;
  return isBefore ? t('Before {0}', which) : t('After {0}', which);
}

/** `3 files`. */
export function files(count: number): string {
  return count === 1 ? t('1 file') : t('{0} files', count);
}

/** The first of many names, a line each. */
export function someOf(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).join('\n');
  return names.length > most ? `${shown}\n${t('… and {0} more', names.length - most)}` : shown;
}

/** What a restore did, as a sentence. */
export function restoredText(label: string, { written, removed, kept }: Restored): string {
  const parts = [
    t('{0} restored', files(written.length)),
    ...(removed.length > 0 ? [t('{0} removed', removed.length)] : []),
    ...(kept.length > 0
      ? [kept.length === 1 ? t('1 left as you edited it') : t('{0} left as you edited them', kept.length)]
      : []),
  ];
  return `${label}: ${parts.join(', ')}.`;
}

/** What the code at the gate is compared with, for the title of the comparison. */
export function approvalText(approval: Approval | undefined): string {
  if (approval === undefined) return t('everything is new');
  const at = `${approval.at.slice(0, 16).replace('T', ' ')} UTC`;
  return approval.by === 'person'
    ? t('new since your approval at the gate {0}, {1}', approval.gate, at)
    : t('new since the automatic approval at the gate {0}, {1}', approval.gate, at);
}
