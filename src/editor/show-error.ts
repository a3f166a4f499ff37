/** Errors and log: one sentence and its cure in a notification, the whole of it in the log. */
import { window, type LogOutputChannel } from 'vscode';
import { asSourcewrightError } from '../errors.ts';
import { unlinked } from './present.ts';
import { t } from './l10n.ts';

/**
 * Tells the person what went wrong, with Open Log and, where `retry` is given and may help, Retry. Cancelling is not
 * an error. Returns as soon as it is shown.
 */
export function showError(log: LogOutputChannel, thrown: unknown, retry?: () => void): void {
  const error = asSourcewrightError(thrown);
  if (error.code === 'cancelled') return;
  log.error(error.toText(), ...(error.code === 'internal' ? [error.cause ?? error] : []));
  const actions = [...(error.retry && retry !== undefined ? [t('Retry')] : []), t('Open Log')];
  void window.showErrorMessage(unlinked(error.toText().replace('\n', ' ')), ...actions).then((chosen) => {
    if (chosen === t('Open Log')) log.show(true);
    else if (chosen === t('Retry')) retry?.();
  });
}
