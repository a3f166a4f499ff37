/** `sourcewright models`: which models the key has, what they cost, and where they work by default. */
import { DEFAULT_MODELS } from '../../agents/cost/models.ts';
import { PRICES_AS_OF, priceOf, type ModelPrice } from '../../agents/cost/prices.ts';
import { StageName } from '../../pipeline/contracts.ts';
import { pricesFrom, type AgentWords } from '../agent-options.ts';
import { baseUrlFrom, requireKey } from '../agent-settings.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printJson, type Session } from '../session.ts';
import { harmless } from '../terminal.ts';

export interface ModelsOptions extends Pick<AgentWords, 'prices'> {
  readonly json?: boolean;
}

interface ModelRow {
  readonly id: string;
  /** US dollars per million tokens; null where neither the table nor --prices has the model. */
  readonly price: { readonly input: number; readonly output: number; readonly source: string } | null;
  /** Stages that it works in where nothing else is said. */
  readonly defaultFor: readonly StageName[];
}

export async function models(session: Session, options: ModelsOptions): Promise<ExitCode> {
  const { terminal } = session;
  const { prices } = await pricesFrom(options, terminal.cwd);
  const apiKey = requireKey(terminal.env);
  const stop = new AbortController();
  const interrupt = (): void => {
    stop.abort();
  };
  session.interrupts.on('SIGINT', interrupt);
  try {
    const baseUrl = baseUrlFrom(terminal.env);
    const tested = await session.agents.testKey({ apiKey, baseUrl, signal: stop.signal });
    const now = new Date();
    const rows = tested.models.map((id) => rowOf(id, priceOf(id, now, prices)));
    const warning = tested.warning ?? null;
    if (options.json === true) printJson(terminal, { models: rows, pricesAsOf: PRICES_AS_OF, warning });
    else print(session, rows, warning);
    return EXIT.done;
  } finally {
    session.interrupts.off('SIGINT', interrupt);
  }
}

function rowOf(id: string, price: ModelPrice | undefined): ModelRow {
  const undated = id.replace(/-\d{8}$/, '');
  return {
    id,
    price:
      price === undefined
        ? null
        : { input: price.rates.input, output: price.rates.output, source: price.source },
    defaultFor: StageName.options.filter((stage) => [id, undated].includes(DEFAULT_MODELS[stage])),
  };
}

function print({ terminal }: Session, rows: readonly ModelRow[], warning: string | null): void {
  const width = Math.max(0, ...rows.map((row) => row.id.length));
  for (const { id, price, defaultFor } of rows) {
    const cost = price === null ? 'price not known' : `$${price.input} in, $${price.output} out`;
    const stages = defaultFor.length === 0 ? '' : `  ${defaultFor.join(', ')}`;
    terminal.stdout.write(`${harmless(id).padEnd(width)}  ${cost.padEnd(22)}${stages}`.trimEnd() + '\n');
  }
  const known = `US dollars per million tokens, table of ${PRICES_AS_OF}; behind it the stages that a model works in by default.`;
  if (rows.length > 0) terminal.stderr.write(`${known}\n`);
  if (rows.some(({ price }) => price === null)) {
    terminal.stderr.write('A model without a price can be used with --prices FILE.\n');
  }
  if (warning !== null) terminal.stderr.write(`warning: ${harmless(warning)}\n`);
}
