/** What a run with agents will probably cost, said before it starts. */
import { forecastRun, forecastText } from '../agents/cost/forecast.ts';
import { modelFor } from '../agents/cost/models.ts';
import { knownModels, priceOf, type ModelPrice, type PriceOverrides } from '../agents/cost/prices.ts';
import { SourcewrightError } from '../errors.ts';
import { AgentOptions, type RunRequest, type StageName } from '../pipeline/contracts.ts';
import type { AgentChoice } from './agent-options.ts';

/** The forecast, and in a second line what it rests on. @throws SourcewrightError `input` for a model without a price */
export function forecastLines(request: RunRequest, choice: AgentChoice, now = new Date()): string[] {
  const options = request.agents ?? AgentOptions.parse({});
  const forecast = forecastRun({
    models: modelsOf(options, choice),
    prices: (model) => requirePrice(model, now, choice.prices),
    facts: { streams: request.streams?.length, hasDescription: request.source.kind === 'description' },
    limits: request.limits,
  });
  const text = forecastText(forecast, choice.budgetUsd ?? options.budgetUsd);
  return [`forecast: ${text.charAt(0).toLowerCase()}${text.slice(1)}`, `  for ${forecast.basis}`];
}

function modelsOf(options: AgentOptions, choice: AgentChoice): Record<StageName, string> {
  const model = (stage: StageName): string => modelFor(stage, options, choice);
  return {
    research: model('research'),
    generate: model('generate'),
    test: model('test'),
    diagnose: model('diagnose'),
    review: model('review'),
    publish: model('publish'),
  };
}

/** Without a price no budget can be kept, so this is said before anything begins. */
function requirePrice(model: string, now: Date, prices: PriceOverrides | undefined): ModelPrice {
  const price = priceOf(model, now, prices);
  if (price !== undefined) return price;
  throw new SourcewrightError(
    'input',
    `What the model "${model}" costs is not known, so no budget can be kept.`,
    {
      where: '--model',
      cure:
        `Give its price with --prices FILE, such as {${JSON.stringify(model)}: {"input": 4, "output": 20}} ` +
        `(US dollars per million tokens), or take one of ${knownModels(prices).join(', ')}.`,
    },
  );
}
