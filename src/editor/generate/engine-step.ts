/** The step about the engine: who does the work, what that costs, and the key where agents need one. */
import { window, type QuickPickItem } from 'vscode';
import type { ForecastFacts } from '../../agents/cost/forecast.ts';
import { asSourcewrightError } from '../../errors.ts';
import type { Engine, Limits } from '../../pipeline/contracts.ts';
import type { AgentChoices } from '../agents/agent-choices.ts';
import { askForKey, type KeyServices } from '../agents/key-commands.ts';
import { unlinked } from '../present.ts';
import { readAgentSettings } from '../settings.ts';
import { frame, totalSteps, type Answers } from './answers.ts';
import { BACK, CANCEL, pickStep, type Leave } from './quick-steps.ts';
import { t, text } from '../l10n.ts';

export interface EngineSurroundings extends KeyServices {
  /** What a run by agents will probably cost, in words. Throws `input` where the settings are in the way. */
  readonly forecast: (choices: AgentChoices, facts: ForecastFacts, limits: Limits) => Promise<string>;
}

interface EngineItem extends QuickPickItem {
  readonly engine: Engine;
}

/** What rules can do with each kind of source, honestly. */
const RULES = {
  description: text(
    'Everything that the description states, compiled from tested templates. Always the same result.',
  ),
  docs: text('Only where the page or its host leads to an OpenAPI description; prose is not read.'),
  name: text(
    'Only where this workspace or the bundled sample has a description of that name; not on the web.',
  ),
} as const;

export class EngineStep {
  readonly #around: EngineSurroundings;
  readonly #usual: Engine;
  readonly #limits: Limits;

  /** @param usual what the settings say */
  constructor(around: EngineSurroundings, usual: Engine, limits: Limits) {
    this.#around = around;
    this.#usual = usual;
    this.#limits = limits;
  }

  async ask(answers: Answers): Promise<Leave | undefined> {
    const { key } = this.#around;
    const hasKey = await key.isSet();
    const expected = await this.#expected(answers);
    const kind = answers.source?.kind ?? 'description';
    // What is written for people is for agents to read; rules may find nothing there.
    const usual = kind !== 'description' && hasKey ? 'agents' : this.#usual;
    const outcome = await pickStep<EngineItem, 'key' | undefined>({
      ...frame(3, t('engine'), totalSteps(answers)),
      placeholder: t(
        'Agents also read documentation, answer open questions, write what a description can’t say, repair and review',
      ),
      items: [
        {
          label: `$(law) ${t('Rules')}`,
          description: t('no key, no cost, seconds'),
          detail: t(RULES[kind]),
          engine: 'rules',
        },
        {
          label: `$(sparkle) ${t('Agents')}`,
          description: hasKey
            ? t('Claude, with your API key')
            : t('Claude; asks for an Anthropic API key first, which Rules do not need'),
          detail: expected.words,
          engine: 'agents',
        },
      ],
      picked: ({ engine }) => engine === (answers.engine ?? usual),
      accept: async ([item]) => {
        if (item?.engine === 'agents') {
          if (expected.problem !== undefined) throw expected.problem;
          if (!(await key.isSet())) return 'key';
        }
        answers.engine = item?.engine ?? 'rules';
        return undefined;
      },
    });
    return outcome === 'key' ? this.#askForKey(answers) : outcome;
  }

  async #askForKey(answers: Answers): Promise<Leave | undefined> {
    const step = { ...frame(3, t('API key for the agents'), totalSteps(answers)), back: true };
    const saved = await askForKey(this.#around, step);
    if (saved === BACK) return this.ask(answers);
    if (saved === CANCEL) return CANCEL;
    void window.showInformationMessage(unlinked(saved));
    answers.engine = 'agents';
    return undefined;
  }

  /** The forecast in words; where the settings are in the way of one, what to correct, which also refuses the choice. */
  async #expected(answers: Answers): Promise<{ readonly words: string; readonly problem?: Error }> {
    try {
      const choices = readAgentSettings();
      return { words: await this.#around.forecast(choices, factsOf(answers), this.#limits) };
    } catch (thrown) {
      const problem = asSourcewrightError(thrown);
      return { words: problem.message, problem };
    }
  }
}

/** What is known of the work to come: everything with a description, nothing without. */
function factsOf({ blueprint, streams }: Answers): ForecastFacts {
  if (blueprint === undefined) return { hasDescription: false };
  const chosen = new Set(
    streams ?? blueprint.streams.filter(({ selected }) => selected).map(({ name }) => name),
  );
  const gaps = blueprint.gaps.filter(({ stream }) => stream === null || chosen.has(stream));
  return { hasDescription: true, streams: chosen.size, gaps: gaps.length };
}
