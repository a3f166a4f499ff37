/**
 * The settings for agents. They decide about money, reach and where data goes, so all are of application scope: no
 * workspace can set them. A value that can't be used is refused, never replaced: a mistyped domain must not mean "any".
 * Pure: how a setting is read is handed in.
 */
import { SourcewrightError } from '../../errors.ts';
import type { AgentOptions, StageName } from '../../pipeline/contracts.ts';
import { STAGE_LABEL } from '../present.ts';

export interface AgentChoices extends AgentOptions {
  readonly baseUrl: string | undefined;
  readonly webDomains: readonly string[];
  /** Prices by model id; judged where the table of prices is. */
  readonly prices: Readonly<Record<string, unknown>>;
}

/** The value of `sourcewright.agents.<name>`; undefined = not set and without a default. */
export type ReadSetting = (name: string) => unknown;

const DOMAIN = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/i;
/** A slip of the keyboard (5000 for 5.00) is not taken for a wish. */
export const MOST_USD = 1000;

/**
 * @param environmentUrl the gateway that the environment names (`ANTHROPIC_BASE_URL`), where the setting names none
 * @throws SourcewrightError `input`, naming the setting, for a value that can't be used
 */
export function agentChoices(read: ReadSetting, environmentUrl?: string): AgentChoices {
  const stageBudgetUsd = dollars('stageBudget', read('stageBudget') ?? 0, true);
  return {
    budgetUsd: dollars('budget', read('budget') ?? 5, false),
    ...(stageBudgetUsd === 0 ? {} : { stageBudgetUsd }),
    models: models(read('models') ?? {}),
    baseUrl: baseUrl(read('baseUrl') ?? '') ?? fromEnvironment(environmentUrl),
    webDomains: webDomains(read('webDomains') ?? []),
    prices: object('prices', read('prices') ?? {}),
  };
}

/** What of the settings a run's request holds. */
export function optionsOf({ budgetUsd, stageBudgetUsd, models }: AgentChoices): AgentOptions {
  return { budgetUsd, ...(stageBudgetUsd === undefined ? {} : { stageBudgetUsd }), models };
}

function refused(name: string, why: string, cure: string): SourcewrightError {
  return new SourcewrightError('input', why, { where: `setting sourcewright.agents.${name}`, cure });
}

function dollars(name: string, value: unknown, mayBeZero: boolean): number {
  const fits = typeof value === 'number' && value <= MOST_USD && (value > 0 || (mayBeZero && value === 0));
  if (fits) return value;
  throw refused(
    name,
    'The budget for agents is not an amount of US dollars.',
    `Set a number ${mayBeZero ? 'from 0 (no cap of its own)' : 'above 0'} to ${MOST_USD}.`,
  );
}

function object(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw refused(name, 'The setting is not an object.', 'Correct it in the settings as JSON.');
}

/** Empty values mean the built-in choice, as the settings editor leaves them behind. */
function models(setting: unknown): AgentOptions['models'] {
  const chosen: AgentOptions['models'] = {};
  for (const [name, value] of Object.entries(object('models', setting))) {
    if (!isStage(name) || typeof value !== 'string') {
      throw refused(
        'models',
        `"${name}" does not name a stage and its model.`,
        `Stages are ${Object.keys(STAGE_LABEL).join(', ')}; a model is named by its id, as text.`,
      );
    }
    if (value.trim() !== '') chosen[name] = value.trim();
  }
  return chosen;
}

function isStage(name: string): name is StageName {
  return Object.hasOwn(STAGE_LABEL, name);
}

function baseUrl(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return text;
  throw refused(
    'baseUrl',
    'The address of the gateway can’t be used: the key and your code are sent there.',
    'Give an address that starts with https:// (http:// only for this machine), or leave it empty.',
  );
}

function fromEnvironment(url: string | undefined): string | undefined {
  const text = url?.trim() ?? '';
  if (text === '') return undefined;
  if (/^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '')) return text;
  throw new SourcewrightError('input', 'The environment’s ANTHROPIC_BASE_URL is not an address.', {
    where: 'environment variable ANTHROPIC_BASE_URL',
    cure: 'Correct it where it is set, or name the address in the setting sourcewright.agents.baseUrl.',
  });
}

function webDomains(value: unknown): string[] {
  const domains = Array.isArray(value) ? (value as unknown[]) : [value];
  return domains.map((domain) => {
    const text = typeof domain === 'string' ? domain.trim().toLowerCase() : '';
    if (DOMAIN.test(text)) return text;
    throw refused(
      'webDomains',
      `"${String(domain)}" is not a domain.`,
      'Give domains alone, such as "developer.example.com": no https://, no path.',
    );
  });
}
