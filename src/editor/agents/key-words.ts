/** What a test of the key has shown, in words. Pure. */
import type { StageName } from '../../pipeline/contracts.ts';

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
  const count = models.length === 1 ? 'one model' : `${models.length} models`;
  return [
    `The Anthropic API key works${baseUrl === undefined ? '' : ` at ${new URL(baseUrl).host}`}`,
    models.length === 0 ? '.' : ` and may use ${count}.`,
    warning === undefined ? '' : ` ${warning}`,
    missing.length === 0
      ? ''
      : ` Not among them: ${missing.join(', ')}. Name others in the setting sourcewright.agents.models.`,
  ].join('');
}
