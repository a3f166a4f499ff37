/** Raise Budget: says what it would take and what is changed for it, writes the setting and lets the run go on. */
import { ConfigurationTarget, workspace } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import { inputStep } from '../generate/quick-steps.ts';
import { runName } from '../present.ts';
import type { RunEntry, RunService } from '../run-service.ts';
import { readAgentSettings } from '../settings.ts';
import { cost } from '../usage-words.ts';
import { amountOf, amountProblem, capOf, proposedUsd, raisesIn, type Raise } from './raise.ts';
import { t } from '../l10n.ts';

/** @param given the new cap, where a keybinding or a test hands it over: then nothing is asked */
export async function raiseBudget(runs: RunService, entry: RunEntry, given?: number): Promise<void> {
  const { view } = entry;
  const raises = view.pause?.cause === 'budget' ? raisesIn(view.pause.cure) : [];
  if (view.status !== 'paused' || raises.length === 0) {
    throw new SourcewrightError('input', `${runName(view)} is not paused at its budget.`, {
      cure: 'The caps stand in the settings, under Sourcewright: Agents.',
    });
  }
  // Both are known before either is written: stepping out changes nothing.
  const chosen: { readonly raise: Raise; readonly usd: number }[] = [];
  for (const raise of raises) {
    const usd = given ?? (await askFor(entry, raise));
    if (typeof usd !== 'number') return;
    const problem = amountProblem(String(usd), raise, readAgentSettings());
    if (problem !== undefined) throw new SourcewrightError('input', problem);
    chosen.push({ raise, usd });
  }
  for (const { raise, usd } of chosen) await write(raise, usd);
  await (await runs.open(view.runId)).resume();
}

/** Throws `environment` where the setting does not take: a policy, or a file of settings that counts more. */
async function write(raise: Raise, usd: number): Promise<void> {
  const name = `sourcewright.agents.${raise.setting}`;
  await workspace.getConfiguration().update(name, usd, ConfigurationTarget.Global);
  const cap = capOf(raise, readAgentSettings());
  if (cap === usd) return;
  throw new SourcewrightError(
    'environment',
    `The setting was written but does not count: the cap is still ${cost(cap ?? 0)}.`,
    {
      where: `setting ${name}`,
      cure: 'It is set elsewhere as well, by a policy or in the settings of the remote machine. Change it there, then resume.',
    },
  );
}

function askFor({ view }: RunEntry, raise: Raise): Promise<number | symbol> {
  const now = readAgentSettings();
  const cap = capOf(raise, now);
  const current = cap === undefined ? t('none') : cost(cap);
  return inputStep({
    title: t('Raise Budget: {0}', runName(view)),
    back: false,
    prompt: [
      t('Cost so far {0}.', cost(view.usage.usd)),
      ...(raise.neededUsd === undefined
        ? []
        : [t('The next request needs a cap of {0}.', cost(raise.neededUsd))]),
      raise.setting === 'budget'
        ? t(
            'Enter sets sourcewright.agents.budget, the cap of a run for all your workspaces (now {0}), and resumes this run.',
            current,
          )
        : t(
            'Enter sets sourcewright.agents.stageBudget, the cap of a stage for all your workspaces (now {0}), and resumes this run.',
            current,
          ),
    ].join(' '),
    value: proposedUsd(raise, now).toFixed(2),
    validate: (text) => amountProblem(text, raise, now),
    accept: (text) => amountOf(text) ?? 0,
  });
}
