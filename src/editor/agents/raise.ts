/** What it would take for a run that stands at its cap to go on. Pure. */
import { MOST_USD, type AgentChoices } from './agent-choices.ts';
import { t } from '../l10n.ts';

export interface Raise {
  readonly setting: 'budget' | 'stageBudget';
  /** What the cap has to be for the next request, where that is known. US dollars. */
  readonly neededUsd: number | undefined;
}

const RAISE = /(?:\$(\d+(?:\.\d+)?) or more )?\(setting sourcewright\.agents\.(budget|stageBudget)\b/g;

/**
 * The caps that a pause asks to raise, by the settings that its cure names. None where money is short elsewhere: an account
 * without credit isn't helped by a cap.
 */
export function raisesIn(cure: string): Raise[] {
  return [...cure.matchAll(RAISE)].map(([, usd, setting]) => ({
    setting: setting === 'stageBudget' ? 'stageBudget' : 'budget',
    neededUsd: usd === undefined ? undefined : Number(usd),
  }));
}

export function capOf({ setting }: Raise, now: AgentChoices): number | undefined {
  return setting === 'budget' ? now.budgetUsd : now.stageBudgetUsd;
}

/** What to propose: half as much again, so that the cap isn't reached at once. */
export function proposedUsd(raise: Raise, now: AgentChoices): number {
  const usd = Math.max(raise.neededUsd ?? 0, capOf(raise, now) ?? 0) * 1.5;
  return Math.min(MOST_USD, Math.ceil(Number((usd * 100).toFixed(6))) / 100);
}

/** Why an amount can't be the new cap, in words; undefined = it can. */
export function amountProblem(text: string, raise: Raise, now: AgentChoices): string | undefined {
  const usd = amountOf(text);
  if (usd === undefined || usd > MOST_USD)
    return t('An amount of US dollars up to {0}, such as 7.50', MOST_USD);
  const { neededUsd = 0 } = raise;
  if (usd < neededUsd) return t('The next request alone needs a cap of ${0}.', neededUsd.toFixed(2));
  const cap = capOf(raise, now) ?? 0;
  return neededUsd === 0 && usd <= cap ? t('The cap is ${0} already.', cap.toFixed(2)) : undefined;
}

/** `7.5`, `$7.50` and `7,50` are amounts. */
export function amountOf(text: string): number | undefined {
  const [, digits] = /^\$?\s*(\d+(?:[.,]\d{1,2})?)$/.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits.replace(',', '.'));
}
