/** The runtime of the agents: gives a conversation its client, model, price, budget and transcript, and runs it. */
import type Anthropic from '@anthropic-ai/sdk';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { AgentOptions, type StageContext, StageName } from '../pipeline/contracts.ts';
import { nodeFiles, sha256 } from '../store/files.ts';
import type { AgentOutcome, AgentRuntime, AgentSettings, AgentTask } from './contracts.ts';
import { ConversationRun } from './conversation.ts';
import { checkModels, maxTokensFor, type ModelCheck, modelFor } from './cost/models.ts';
import { type ModelPrice, requirePrice } from './cost/prices.ts';
import { faultOf } from './faults.ts';
import { createClient, type Heartbeat, listModels } from './key.ts';
import { readPrompt } from './prompts.ts';
import { Redactor, secretsOfFolders } from './redaction.ts';
import { INPUTS, Replay } from './replay.ts';
import { readTranscript, Transcript, transcriptPath, TRANSCRIPTS, usageOfRecords } from './transcript.ts';

const STALL_MS = 90_000;

export function createAgentRuntime(settings: AgentSettings): AgentRuntime {
  return new Runtime(settings);
}

/** A replay costs nothing now; it shows what the recorded run has cost. */
const FREE = (model: string): ModelPrice => {
  const rates = { input: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0, output: 0 };
  return { model, source: 'setting', rates, longer: [], webSearch: 0 };
};

class Runtime implements AgentRuntime {
  readonly webDomains: readonly string[];
  readonly #settings: AgentSettings;
  readonly #replay: Replay | undefined;
  #checked: Promise<ModelCheck> | undefined;

  constructor(settings: AgentSettings) {
    this.#settings = settings;
    this.webDomains = settings.webDomains ?? [];
    this.#replay = settings.replay === undefined ? undefined : new Replay(settings.replay);
  }

  async run<R>(task: AgentTask<R>): Promise<AgentOutcome<R>> {
    const { context, stage } = task;
    const settings = this.#settings;
    const options = AgentOptions.parse(context.request.agents ?? {});
    await this.#replay?.load(stage, context.attempt);
    const apiKey = await this.#key();
    const redactor = await this.#redactor(context, apiKey);
    const heartbeat: Heartbeat = { beat: undefined };
    const client = createClient({
      apiKey,
      baseUrl: settings.baseUrl,
      heartbeat,
      redactor,
      fetch: this.#replay?.fetch,
    });
    const model = this.#replay?.model(stage, context.attempt) ?? modelFor(stage, options, settings);
    const price = this.#replay === undefined ? requirePrice(model, new Date(), settings.prices) : FREE(model);
    const info = this.#replay === undefined ? await this.#check(client, context, options, model) : undefined;
    const transcript = await Transcript.open(transcriptPath(context.runDir, stage, context.attempt));
    try {
      const conversation = new ConversationRun(task, {
        client,
        transcript,
        redactor,
        prompt: await readPrompt(settings.promptsDir, task.prompt),
        model,
        price,
        modelMaxTokens: maxTokensFor(info),
        budgetUsd: settings.budgetUsd ?? options.budgetUsd,
        stageBudgetUsd: settings.stageBudgetUsd ?? options.stageBudgetUsd,
        others: await spentElsewhere(context, stage),
        stallMs: settings.stallMs ?? STALL_MS,
        heartbeat,
        sleep: settings.sleep ?? pause,
        random: Math.random,
        replay: this.#replay,
      });
      return await conversation.run();
    } finally {
      await transcript.close();
    }
  }

  async input<T>(
    context: StageContext,
    name: string,
    schema: z.ZodType<T>,
    make: () => Promise<T>,
  ): Promise<T> {
    const file = `${context.mode.toLowerCase()}-${context.attempt}-${slug(name)}-${sha256(name).slice(0, 8)}.json`;
    const path = join(context.runDir, INPUTS, file);
    if (this.#replay !== undefined) return schema.parse(JSON.parse(await this.#replay.input(file)));
    const stored = await nodeFiles.read(path);
    if (stored !== undefined) return schema.parse(JSON.parse(stored.toString('utf8')));
    const made = await make();
    await mkdir(join(context.runDir, INPUTS), { recursive: true });
    await nodeFiles.writeAtomic(path, JSON.stringify(made));
    return made;
  }

  /** Knows the key, what the settings name, and what private files hold. */
  async #redactor({ connectorDir, request }: StageContext, apiKey: string | undefined): Promise<Redactor> {
    const found = await secretsOfFolders(connectorDir, request.workspace);
    return new Redactor([apiKey, ...(this.#settings.secrets ?? []), ...found]);
  }

  async #key(): Promise<string> {
    if (this.#replay !== undefined) return 'replayed-without-a-key';
    const key = (await this.#settings.apiKey())?.trim() ?? '';
    if (key !== '') return key;
    throw new SourcewrightError('credentials', 'The agents need an Anthropic API key, and none is set.', {
      cure: 'Set it ("Sourcewright: Set Anthropic API Key" in the editor, ANTHROPIC_API_KEY in the terminal), then resume. The engine "rules" needs none.',
    });
  }

  /** Compares the models of all stages with what the key has, once. @throws SourcewrightError `environment` */
  async #check(client: Anthropic, context: StageContext, options: AgentOptions, model: string) {
    const wanted = StageName.options.map((stage) => modelFor(stage, options, this.#settings));
    this.#checked ??= checkModels(wanted, () => listModels(client, context.signal)).then((check) => {
      for (const { message } of check.problems) this.#settings.log('warn', message);
      return check;
    });
    let check: ModelCheck;
    try {
      check = await this.#checked;
    } catch (error) {
      this.#checked = undefined;
      throw asFault(error);
    }
    const problem = check.problems.find((one) => one.severity === 'problem');
    if (problem !== undefined) {
      this.#checked = undefined;
      throw new SourcewrightError('environment', problem.message, { cure: problem.cure });
    }
    return check.models.get(model);
  }
}

/** What a refused or failed list of models means for a run. */
function asFault(error: unknown): SourcewrightError {
  if (error instanceof SourcewrightError) return error;
  const fault = faultOf(error, Date.now());
  if (fault.kind === 'pause') {
    const code = fault.cause === 'credentials' || fault.cause === 'budget' ? fault.cause : 'remote';
    return new SourcewrightError(code, fault.message, { cure: fault.cure, cause: error });
  }
  const why = fault.kind === 'retry' ? fault.why : String(error);
  return new SourcewrightError('remote', `The models of the key could not be listed: ${why}.`, {
    cure: 'Check the network and the base URL, then resume.',
    retry: true,
    cause: error,
  });
}

/** What all other conversations of the run have cost, and those of other attempts of this stage. */
async function spentElsewhere(
  context: StageContext,
  stage: StageName,
): Promise<{ runUsd: number; stageUsd: number }> {
  const own = `${stage}-${context.attempt}.jsonl`;
  const folder = join(context.runDir, TRANSCRIPTS);
  const names = (await readdir(folder).catch(() => [])).filter(
    (name) => name.endsWith('.jsonl') && name !== own,
  );
  let runUsd = 0;
  let stageUsd = 0;
  for (const name of names) {
    const { usd } = usageOfRecords((await readTranscript(join(folder, name))) ?? []);
    runUsd += usd;
    if (name.startsWith(`${stage}-`)) stageUsd += usd;
  }
  return { runUsd, stageUsd };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40);
}
