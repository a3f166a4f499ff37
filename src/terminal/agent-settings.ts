/** What the agents' runtime is set up with when it works for the terminal: the key and its like from the environment. */
import type { AgentSettings } from '../agents/contracts.ts';
import { secretsOfEnvironment } from '../agents/redaction.ts';
import { SourcewrightError } from '../errors.ts';
import type { Stage, StageName, Stages } from '../pipeline/contracts.ts';
import { givenSecrets } from '../workspace/known-secrets.ts';
import type { PipelineSetting } from './session.ts';
import type { Terminal } from './terminal.ts';

const KEY = 'ANTHROPIC_API_KEY';
const BASE_URL = 'ANTHROPIC_BASE_URL';

type Environment = Terminal['env'];

export function apiKeyFrom(env: Environment): string | undefined {
  const key = env[KEY]?.trim();
  return key === '' ? undefined : key;
}

export function baseUrlFrom(env: Environment): string | undefined {
  const url = env[BASE_URL]?.trim();
  return url === '' ? undefined : url;
}

/** Says before anything begins that a key is missing. @throws SourcewrightError `credentials` */
export function requireKey(env: Environment): string {
  const key = apiKeyFrom(env);
  if (key !== undefined) return key;
  throw new SourcewrightError('credentials', 'Agents need a key for the Anthropic API, and none is set.', {
    where: KEY,
    cure: [
      `Set the environment variable ${KEY} to a key of yours (and ${BASE_URL}, where you use a gateway).`,
      'Without a key, --engine rules builds a connector from an OpenAPI description. What agents would add:',
      'they work from documentation or an API’s name alone, look up what a description leaves open,',
      'write by hand what it can not say, repair what failing tests show, and read the code for a review.',
    ].join('\n'),
  });
}

/** What must not be written down, beside the contents of private files. */
export function secretsOf(env: Environment, setting: PipelineSetting): string[] {
  return [...secretsOfEnvironment(env), ...givenSecrets(setting.credentials).map(({ value }) => value)];
}

/** Where the composition root finds things. */
interface Places {
  readonly promptsDir: string;
  readonly log: AgentSettings['log'];
}

export function agentSettings(env: Environment, setting: PipelineSetting, places: Places): AgentSettings {
  const { budgetUsd, stageBudgetUsd, models, prices, replay } = setting.agents ?? {};
  return {
    ...places,
    // A replay has no use for a key, so it gets none.
    apiKey: () => Promise.resolve(replay === undefined ? apiKeyFrom(env) : undefined),
    baseUrl: baseUrlFrom(env),
    budgetUsd,
    stageBudgetUsd,
    models,
    prices,
    replay,
    secrets: secretsOf(env, setting),
  };
}

/** Stages that are loaded when the first of them runs: a run by rules has no need of what agents are made of. */
export function lazyStages(load: () => Promise<Stages>): Stages {
  let loading: Promise<Stages> | undefined;
  const stage = <S extends StageName>(name: S): Stage<S> => ({
    name,
    async run(context) {
      loading ??= load();
      return (await loading)[name].run(context);
    },
  });
  return {
    research: stage('research'),
    generate: stage('generate'),
    test: stage('test'),
    diagnose: stage('diagnose'),
    review: stage('review'),
    publish: stage('publish'),
  };
}
