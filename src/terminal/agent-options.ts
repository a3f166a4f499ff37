/** The options about agents on the command line: what may be spent, and with which models. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PriceOverrides } from '../agents/cost/prices.ts';
import { SourcewrightError } from '../errors.ts';
import { AgentOptions, StageName } from '../pipeline/contracts.ts';

/** As commander hands them over. */
export interface AgentWords {
  readonly budget?: string;
  readonly stageBudget?: string;
  /** `STAGE=ID`, or `ID` alone for all stages. */
  readonly model?: readonly string[];
  /** A JSON file that overrides the table of prices. */
  readonly prices?: string;
}

/** What the agents of this command work with, beside what the run's request says. */
export interface AgentChoice {
  readonly budgetUsd?: number;
  readonly stageBudgetUsd?: number;
  readonly models?: Models;
  readonly prices?: PriceOverrides;
  /** Folder of the recorded run that is replayed instead of asking a model. */
  readonly replay?: string;
}
type Models = Partial<Record<StageName, string>>;

const FLAGS: Record<keyof AgentWords, string> = {
  budget: '--budget',
  stageBudget: '--stage-budget',
  model: '--model',
  prices: '--prices',
};

/** For the request of a new run. @throws SourcewrightError `input` */
export function agentOptionsFrom(words: AgentWords): AgentOptions {
  return AgentOptions.parse(limitsFrom(words));
}

/** For a run that exists: what is given here overrides its request. @throws SourcewrightError `input` */
export async function agentChoiceFrom(words: AgentWords, cwd: string): Promise<AgentChoice> {
  return { ...limitsFrom(words), ...(await pricesFrom(words, cwd)) };
}

/** The table of prices alone: a new run has the rest in its request. @throws SourcewrightError `input` */
export async function pricesFrom(words: AgentWords, cwd: string): Promise<Pick<AgentChoice, 'prices'>> {
  return words.prices === undefined ? {} : { prices: await readPrices(resolve(cwd, words.prices)) };
}

function limitsFrom(words: AgentWords): Pick<AgentChoice, 'budgetUsd' | 'stageBudgetUsd' | 'models'> {
  return {
    ...(words.budget !== undefined && { budgetUsd: amount(words.budget, FLAGS.budget) }),
    ...(words.stageBudget !== undefined && { stageBudgetUsd: amount(words.stageBudget, FLAGS.stageBudget) }),
    ...(words.model !== undefined && { models: modelsFrom(words.model) }),
  };
}

/** Rules have no use for these options: said, because somebody who gives one expects agents to work. */
export function refuseForRules(words: AgentWords, cure: string): void {
  const flag = Object.entries(FLAGS).find(([key]) => words[key as keyof AgentWords] !== undefined)?.[1];
  if (flag === undefined) return;
  throw new SourcewrightError('input', `${flag} is for the engine "agents", and this run works by rules.`, {
    where: flag,
    cure,
  });
}

function amount(text: string, flag: string): number {
  const usd = /^\$?\d+(\.\d+)?$/.test(text) ? Number(text.replace('$', '')) : 0;
  if (usd > 0) return usd;
  throw new SourcewrightError('input', `"${text}" is not an amount of US dollars above zero.`, {
    where: flag,
    cure: `Write for instance ${flag} 2.50`,
  });
}

/** A stage's own model counts more than the one for all, whatever their order. */
function modelsFrom(words: readonly string[]): Models {
  const all: Models = {};
  const own: Models = {};
  for (const word of words) {
    const [first = '', second] = word.split('=', 2).map((part) => part.trim());
    const stages = second === undefined ? StageName.options : [stageOf(first, word)];
    const target = second === undefined ? all : own;
    const id = second ?? first;
    if (id === '') throw badModel(word, 'It names no model.');
    for (const stage of stages) {
      if (target[stage] !== undefined) throw badModel(word, 'It comes after another for the same stage.');
      target[stage] = id;
    }
  }
  return { ...all, ...own };
}

function stageOf(text: string, word: string): StageName {
  const parsed = StageName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw badModel(word, `There is no stage "${text}".`);
}

function badModel(word: string, why: string): SourcewrightError {
  return new SourcewrightError('input', `"${word}" can't be used. ${why}`, {
    where: FLAGS.model,
    cure:
      `Write STAGE=ID, with one of the stages ${StageName.options.join(', ')}, or ID alone for all of them. ` +
      '`sourcewright models` lists the ids.',
  });
}

async function readPrices(path: string): Promise<PriceOverrides> {
  const refused = (why: string, place?: string): SourcewrightError =>
    new SourcewrightError('input', `The table of prices can't be used: ${why}.`, {
      where: path,
      place,
      cure: 'Give US dollars per million tokens by model id: {"model-id": {"input": 4, "output": 20}}',
    });
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    throw refused(thrown instanceof SyntaxError ? 'it is not JSON' : 'the file can not be read');
  }
  const prices = PriceOverrides.safeParse(json);
  if (prices.success) return prices.data;
  const [issue] = prices.error.issues;
  throw refused(issue?.message ?? 'unknown reason', issue?.path.join('.'));
}
