/** What a test of the key has shown, in words. Pure. */
import type { StageName } from '../../pipeline/contracts.ts';
import { t } from '../l10n.ts';

export interface KeyTest {
  /** Ids of the models that the key may use; empty where a gateway has no list. */
  readonly models: readonly string[];
  readonly warning: string | undefined;
  readonly missing: readonly string[];
  /** The gateway that was asked, where it is not the API itself. */
  readonly baseUrl: string | undefined;
}

/** Models that stages are to work with and the key does not have. Without a list nothing is known to be missing. */
export function modelsMissing(
  wanted: Readonly<Partial<Record<StageName, string>>>,
  models: readonly string[],
): string[] {
  if (models.length === 0) return [];
  const has = (id: string): boolean =>
    models.some((model) => model === id || model.replace(/-\d{8}$/, '') === id);
  return [...new Set(Object.values(wanted))].filter((id) => !has(id));
}

export function tested({ models, warning, missing, baseUrl }: KeyTest): string {
  const count = models.length === 1 ? t('one model') : t('{0} models', models.length);
  const host = baseUrl === undefined ? undefined : new URL(baseUrl).host;
  return [
    worksWords(host, models.length === 0 ? undefined : count),
    warning === undefined ? '' : ` ${warning}`,
    missing.length === 0
      ? ''
      : ` ${t('Not among them: {0}. Name others in the setting sourcewright.agents.models.', missing.join(', '))}`,
  ].join('');
}

function worksWords(host: string | undefined, count: string | undefined): string {
  if (host === undefined) {
    return count === undefined
      ? t('The Anthropic API key works.')
      : t('The Anthropic API key works and may use {0}.', count);
  }
  return count === undefined
    ? t('The Anthropic API key works at {0}.', host)
    : t('The Anthropic API key works at {0} and may use {1}.', host, count);
}
