/** Which model works in which stage, and whether the person's key has it. */
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import type { AgentOptions, StageName } from '../../pipeline/contracts.ts';
import type { AgentSettings } from '../contracts.ts';

/** Where a person says which model works, in the editor and in the terminal. */
const WHERE = 'sourcewright.agents.models (in the terminal: --model)';

/** Writing code is worth the strongest; what publishing has to write is short and made of what is known. */
export const DEFAULT_MODELS: Readonly<Record<StageName, string>> = {
  research: 'claude-sonnet-5-5',
  generate: 'claude-opus-5-5',
  test: 'claude-sonnet-5-5',
  diagnose: 'claude-sonnet-5-5',
  review: 'claude-sonnet-5-5',
  publish: 'claude-haiku-5-5',
};

/** The settings of whoever drives the run now count more than the run's request, and that more than the built-in choice. */
export function modelFor(
  stage: StageName,
  options?: Pick<AgentOptions, 'models'>,
  settings?: Pick<AgentSettings, 'models'>,
): string {
  return settings?.models?.[stage] ?? options?.models[stage] ?? DEFAULT_MODELS[stage];
}

/** Output tokens where a model's limit is not known: what every model of the last years allows. */
const UNKNOWN_MAX_TOKENS = 32_000;

/** The longest answer that a model may be asked for, in tokens. */
export function maxTokensFor(model: Pick<ModelInfo, 'max_tokens'> | undefined): number {
  const limit = model?.max_tokens ?? 0;
  return limit > 0 ? limit : UNKNOWN_MAX_TOKENS;
}

export interface ModelProblem {
  /** Null: it is about the list, not about one model. */
  readonly model: string | null;
  /** With a `problem` the run can't be done; a `warning` is for the person to know. */
  readonly severity: 'problem' | 'warning';
  readonly message: string;
  readonly cure: string;
}

export interface ModelCheck {
  readonly problems: readonly ModelProblem[];
  /** What the list says about each wanted model, by the wanted id. */
  readonly models: ReadonlyMap<string, ModelInfo>;
}

/**
 * Compares the wanted models with those that the key has. A gateway without a list of models is no failure.
 * @throws what `list` throws, but for the answers of a gateway that has no such list
 */
export async function checkModels(
  wanted: readonly string[],
  list: () => Promise<readonly ModelInfo[]>,
): Promise<ModelCheck> {
  const listed = await listOrNone(list);
  if (listed.length === 0) return { problems: [UNCHECKED], models: new Map() };
  const found = [...new Set(wanted)].map((id) => ({ id, model: named(id, listed) }));
  return {
    problems: found.flatMap(({ id, model }) => problemWith(id, model, listed) ?? []),
    models: new Map(found.flatMap(({ id, model }) => (model === undefined ? [] : [[id, model] as const]))),
  };
}

const UNCHECKED: ModelProblem = {
  model: null,
  severity: 'warning',
  message: 'The address that answers for the API has no list of models, so the models could not be checked.',
  cure: `If a model turns out to be unknown there, name another in the setting ${WHERE}.`,
};

/** What a server answers that knows no `/v1/models`: not found, method not allowed, not implemented. */
const NO_SUCH_LIST: readonly unknown[] = [404, 405, 501];

async function listOrNone(list: () => Promise<readonly ModelInfo[]>): Promise<readonly ModelInfo[]> {
  try {
    return await list();
  } catch (error) {
    const status = error instanceof Error && 'status' in error ? error.status : undefined;
    if (NO_SUCH_LIST.includes(status)) return [];
    throw error;
  }
}

/** The model of this id, or the newest one that it is the name of without a date. */
function named(id: string, listed: readonly ModelInfo[]): ModelInfo | undefined {
  const dated = listed.filter((model) => model.id.replace(/-\d{8}$/, '') === id);
  return listed.find((model) => model.id === id) ?? dated.sort((a, b) => (a.id < b.id ? 1 : -1))[0];
}

function problemWith(
  id: string,
  model: ModelInfo | undefined,
  listed: readonly ModelInfo[],
): ModelProblem | undefined {
  const cure = cureFor(id, listed);
  if (model === undefined) {
    return { model: id, severity: 'problem', message: `Your key has no model ${id}.`, cure };
  }
  if (model.lifecycle === 'retired') {
    return {
      model: id,
      severity: 'problem',
      message: `The model ${id} is retired and no longer answers.`,
      cure,
    };
  }
  if (model.lifecycle === 'deprecated') {
    const when =
      model.retires_at === null ? 'No date is set yet' : `It retires on ${model.retires_at.slice(0, 10)}`;
    return { model: id, severity: 'warning', message: `The model ${id} is deprecated. ${when}.`, cure };
  }
  return undefined;
}

function cureFor(id: string, listed: readonly ModelInfo[]): string {
  // A deprecated model would be the next warning.
  const near = nearest(
    id,
    listed.filter(({ lifecycle }) => lifecycle === 'active'),
  );
  const names = near.length === 0 ? '' : ` The nearest that your key has: ${near.join(', ')}.`;
  return `Name another in the setting ${WHERE}.${names}`;
}

/** The ids most like this one, the likest first. */
function nearest(id: string, models: readonly ModelInfo[]): string[] {
  return models
    .filter((model) => model.id !== id)
    .map((model) => ({ id: model.id, likeness: likeness(id, model.id) }))
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, 3)
    .map((model) => model.id);
}

/** Share of the neighbouring letters that two names have in common, 0 to 1. */
function likeness(one: string, other: string): number {
  const [a, b] = [pairs(one), pairs(other)];
  const common = [...a].filter((pair) => b.has(pair)).length;
  return a.size + b.size === 0 ? 0 : (2 * common) / (a.size + b.size);
}

function pairs(name: string): Set<string> {
  return new Set(Array.from({ length: Math.max(0, name.length - 1) }, (_, at) => name.slice(at, at + 2)));
}
