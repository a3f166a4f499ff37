/**
 * The next request of a conversation: reserved against the budget, sent, watched, written down, and tried again or given up
 * with what has to be done.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type {
  BetaMessage,
  BetaMessageParam,
  BetaWebFetchToolResultBlock,
} from '@anthropic-ai/sdk/resources/beta/messages';
import type { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { NO_USAGE, type PauseCause } from '../pipeline/contracts.ts';
import type { AgentTask } from './contracts.ts';
import { decideRequest, estimateTokens, money, reserveFor } from './cost/budget.ts';
import type { ModelPrice } from './cost/prices.ts';
import { lostUsage, usageOf } from './cost/usage.ts';
import { backoffMs, exhausted, type Fault, faultOf, LONGEST_WAIT_MS, TRIES } from './faults.ts';
import type { Heartbeat } from './key.ts';
import type { Prompt } from './prompts.ts';
import type { Redactor } from './redaction.ts';
import type { Replay } from './replay.ts';
import { hashesOf, sizeOf, turnParams } from './request.ts';
import { tokensBrought, usesOf } from './server-tools.ts';
import type { ToolGuard } from './tool-guard.ts';
import type { Transcript } from './transcript.ts';
import { runPendingCalls, takeTurn, TurnError, type TurnParams } from './turn.ts';
import { usageText } from './usage-text.ts';

/** Tokens of an answer: enough for a whole module; a cut answer gets twice as much. */
const ANSWER_TOKENS = 16_000;
const LEAST_ANSWER_TOKENS = 2_000;
const MOST_ANSWER_TOKENS = 64_000;

export interface ConversationSetup {
  readonly client: Anthropic;
  readonly transcript: Transcript;
  readonly redactor: Redactor;
  readonly prompt: Prompt;
  readonly model: string;
  readonly price: ModelPrice;
  /** The longest answer that the model gives, in tokens. */
  readonly modelMaxTokens: number;
  readonly budgetUsd: number;
  readonly stageBudgetUsd: number | undefined;
  /** What the other conversations of the run have cost, and those of this stage among them. */
  readonly others: { readonly runUsd: number; readonly stageUsd: number };
  readonly stallMs: number;
  readonly heartbeat: Heartbeat;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly replay: Replay | undefined;
}

/** Why a conversation can't go on now, and what the person can do. */
export interface Stop {
  readonly cause: PauseCause;
  readonly message: string;
  readonly cure: string;
}

/** How a request ended that was answered. */
type Asked = 'turn' | 'cut' | 'refusal' | 'context';

/** What a request needs to know of its task. */
export interface AskingTask extends Pick<AgentTask<unknown>, 'context' | 'stage' | 'tools' | 'serverTools'> {
  readonly result: { readonly schema: z.ZodType };
}

export class Asking {
  readonly #task: AskingTask;
  readonly #setup: ConversationSetup;
  readonly #guard: ToolGuard;
  #maxTokens = ANSWER_TOKENS;
  /** The last request's answer was allowed less than wanted, for want of money. */
  #shortened = false;

  constructor(task: AskingTask, setup: ConversationSetup, guard: ToolGuard) {
    this.#task = task;
    this.#setup = setup;
    this.#guard = guard;
  }

  #params(maxTokens: number): TurnParams {
    const { transcript, prompt, model } = this.#setup;
    const { tools, serverTools = [], result } = this.#task;
    return turnParams({
      model,
      maxTokens,
      prompt: prompt.text,
      messages: transcript.messages(model),
      tools: [...serverTools, ...tools.map((tool) => this.#guard.wrap(tool))],
      schema: result.schema,
    });
  }

  /** Calls that were made before the process ended are answered first; those that have an answer are not run again. */
  async answerPending(): Promise<void> {
    const { transcript, client } = this.#setup;
    if (transcript.unanswered().length === 0) return;
    const { signal } = this.#task.context;
    await this.#keep(await runPendingCalls(client, this.#params(ANSWER_TOKENS), signal));
  }

  /** Writes down answers that never passed the guard: unknown tools, input of the wrong form. */
  async #keep(answers: BetaMessageParam | undefined): Promise<void> {
    this.#guard.throwFatal();
    throwIfAborted(this.#task.context.signal);
    const { transcript, redactor } = this.#setup;
    const blocks = typeof answers?.content === 'object' ? answers.content : [];
    for (const block of blocks) {
      if (block.type !== 'tool_result' || transcript.answerTo(block.tool_use_id) !== undefined) continue;
      const text = typeof block.content === 'string' ? block.content : JSON.stringify(block.content ?? '');
      const name = this.#calledName(block.tool_use_id);
      const known = this.#task.tools.some(({ tool }) => 'name' in tool && tool.name === name);
      const label = `${name}: ${known ? 'input of the wrong form' : 'there is no such tool'}`;
      this.#task.context.activity(`${label} (failed)`);
      await transcript.append({
        type: 'answer',
        turn: transcript.turns,
        id: block.tool_use_id,
        name,
        label,
        content: redactor.text(text),
        isError: block.is_error === true,
        refused: false,
        outside: false,
      });
    }
  }

  /** Name of the tool that the newest turn called so, in one line. */
  #calledName(id: string): string {
    const call = this.#setup.transcript
      .find('turn')
      ?.content.find((block) => block.type === 'tool_use' && block['id'] === id);
    const name = call?.['name'];
    return (typeof name === 'string' ? name : 'a call').replace(/\s+/g, ' ').slice(0, 80);
  }

  /** Sends the next request, as often as it takes. @returns a pause, or undefined when the conversation goes on */
  async ask(): Promise<Stop | undefined> {
    const { transcript, model, random } = this.#setup;
    const turn = transcript.turns + 1;
    for (let attempt = 1; ; attempt += 1) {
      throwIfAborted(this.#task.context.signal);
      const over = await this.#reserve(turn);
      if (over !== undefined) return over;
      this.#task.context.progress(`Asking ${model} (turn ${turn})`);
      try {
        return this.#afterAnswer(await this.#send(turn));
      } catch (error) {
        throwIfAborted(this.#task.context.signal);
        if (!(error instanceof TurnError)) throw error;
        await this.#lose(turn, error);
        const fault = faultOf(error.cause, Date.now());
        if (fault.kind === 'other') throw error.cause;
        const pause = this.#giveUp(fault, attempt);
        if (pause !== undefined) return { cause: pause.cause, message: pause.message, cure: pause.cure };
        if (fault.kind === 'retry')
          await this.#wait(fault, backoffMs(attempt, fault.waitMs, random), attempt);
      }
    }
  }

  /** The request as it will be sent, if there is money for it. */
  #next: TurnParams | undefined;

  async #reserve(turn: number): Promise<Stop | undefined> {
    const { transcript, price, others, budgetUsd, stageBudgetUsd, model, modelMaxTokens, replay } =
      this.#setup;
    const wantedMaxTokens = Math.min(this.#maxTokens, modelMaxTokens);
    const draft = this.#params(wantedMaxTokens);
    const serverTools = this.#task.serverTools ?? [];
    const inputTokensEstimate = estimateTokens(sizeOf(draft)) + tokensBrought(serverTools);
    const spent = transcript.usage.usd;
    const decision = decideRequest({
      price,
      cacheLife: '5m',
      webSearches: usesOf(serverTools, 'web_search'),
      inputTokensEstimate,
      wantedMaxTokens,
      leastMaxTokens: LEAST_ANSWER_TOKENS,
      spentUsd: others.runUsd + spent,
      stageSpentUsd: others.stageUsd + spent,
      budgetUsd,
      stageBudgetUsd,
    });
    if (decision.kind === 'over') return { cause: 'budget', message: decision.message, cure: decision.cure };
    this.#shortened = decision.maxTokens < wantedMaxTokens;
    const params = { ...draft, max_tokens: decision.maxTokens };
    const hashes = hashesOf(params);
    replay?.expect(this.#task.stage, this.#task.context.attempt, turn, hashes);
    const inputUsd = reserveFor({ price, cacheLife: '5m', inputTokens: inputTokensEstimate, maxTokens: 0 });
    await transcript.append({
      type: 'asked',
      turn,
      model,
      maxTokens: decision.maxTokens,
      reserveUsd: decision.reserveUsd,
      inputUsd,
      hashes,
    });
    this.#next = params;
    return undefined;
  }

  async #send(turn: number): Promise<Asked> {
    const { client, stallMs, heartbeat } = this.#setup;
    const params = this.#next ?? this.#params(this.#maxTokens);
    let asked: Asked = 'turn';
    const answers = await takeTurn({
      client,
      params,
      signal: this.#task.context.signal,
      stallMs,
      heartbeat,
      onMessage: async (message, requestId) => {
        asked = await this.#take(turn, message, requestId);
        this.#task.context.spent(this.#setup.transcript.usage);
      },
    });
    await this.#keep(answers);
    return asked;
  }

  /** Writes a whole answer down. One that was cut or refused is paid for, but is no part of the conversation. */
  async #take(turn: number, message: BetaMessage, requestId: string | null): Promise<Asked> {
    const { transcript, price, redactor, model, replay } = this.#setup;
    const usage = replay?.usage() ?? usageOf(message.usage, price);
    const stopReason = message.stop_reason;
    const unusable = UNUSABLE[stopReason ?? ''];
    if (unusable !== undefined) {
      await transcript.append({ type: 'lost', turn, why: unusable.why, stopReason, usage });
      this.#task.context.activity(`turn ${turn}: ${unusable.why}, ${usageText(usage)}`);
      return unusable.asked;
    }
    const content = message.content
      .map((block) => redactBlock(block, redactor))
      .filter((block) => block !== undefined);
    const redacted = replay?.redacted() ?? saysSecret(message, redactor);
    const record = { type: 'turn', turn, model, requestId, stopReason, content, usage } as const;
    await transcript.append(redacted ? { ...record, redacted } : record);
    const calls = message.content.filter((block) => block.type === 'tool_use').length;
    const did = calls === 0 ? 'an answer' : calls === 1 ? '1 call' : `${calls} calls`;
    this.#task.context.activity(`turn ${turn}: ${did}, ${usageText(usage)}`);
    return 'turn';
  }

  async #lose(turn: number, error: TurnError): Promise<void> {
    const { transcript, price } = this.#setup;
    const { usage, characters } = error.received;
    const lost = usage === undefined ? NO_USAGE : lostUsage(usage, characters, price);
    const fault = faultOf(error.cause, Date.now());
    const why =
      fault.kind === 'retry' ? fault.why : fault.kind === 'pause' ? fault.message : String(error.cause);
    await transcript.append({
      type: 'lost',
      turn,
      why: this.#setup.redactor.text(why),
      stopReason: null,
      usage: lost,
    });
    this.#task.context.spent(this.#setup.transcript.usage);
  }

  #afterAnswer(asked: Asked): Stop | undefined {
    switch (asked) {
      case 'turn':
        this.#maxTokens = ANSWER_TOKENS;
        return undefined;
      case 'refusal':
        return {
          cause: 'stuck',
          message: 'The model declined to go on with this.',
          cure: `Choose another model for the stage ${this.#task.stage}, or take this step by hand, then resume.`,
        };
      case 'context':
        return {
          cause: 'stuck',
          message: 'The conversation has become longer than the model can take.',
          cure: 'Choose fewer streams and start again, or a model with a larger context, then resume.',
        };
      case 'cut':
        return this.#afterCut();
    }
  }

  #afterCut(): Stop | undefined {
    if (this.#shortened) {
      return {
        cause: 'budget',
        message: `What is left of ${money(this.#setup.budgetUsd)} was too little for the whole answer.`,
        cure: 'Raise the cap (setting sourcewright.agents.budget, or --budget on resume), then resume.',
      };
    }
    const limit = Math.min(MOST_ANSWER_TOKENS, this.#setup.modelMaxTokens);
    if (this.#maxTokens >= limit) {
      return {
        cause: 'stuck',
        message: `The answer was cut off at ${limit} tokens.`,
        cure: 'Choose fewer streams, or another model for this stage, then resume.',
      };
    }
    this.#maxTokens = Math.min(limit, this.#maxTokens * 2);
    return undefined;
  }

  #giveUp(
    fault: Exclude<Fault, { kind: 'other' }>,
    attempt: number,
  ): Extract<Fault, { kind: 'pause' }> | undefined {
    if (fault.kind === 'pause') return fault;
    const tooLong = (fault.waitMs ?? 0) > LONGEST_WAIT_MS;
    if (!tooLong && attempt < TRIES) return undefined;
    const end = exhausted(fault, attempt, tooLong ? fault.waitMs : undefined);
    return end.kind === 'pause' ? end : undefined;
  }

  /** Waits with a countdown that the person sees. */
  async #wait(fault: Extract<Fault, { kind: 'retry' }>, ms: number, attempt: number): Promise<void> {
    const { context } = this.#task;
    context.activity(`${fault.why}: try ${attempt + 1} of ${TRIES} in ${Math.ceil(ms / 1000)} s`);
    for (let left = ms; left > 0; left -= 1000) {
      context.progress(
        `${capital(fault.why)}: trying again in ${Math.ceil(left / 1000)} s (${attempt + 1} of ${TRIES})`,
      );
      await this.#setup.sleep(Math.min(1000, left), context.signal);
      throwIfAborted(this.#task.context.signal);
    }
  }
}

const UNUSABLE: Readonly<Record<string, { readonly asked: Asked; readonly why: string }>> = {
  max_tokens: { asked: 'cut', why: 'cut off at its length' },
  refusal: { asked: 'refusal', why: 'declined by the model' },
  model_context_window_exceeded: { asked: 'context', why: 'too long for the model' },
};

/** A block of the model's as it is kept. Thoughts are signed, so they stay as they are, or go. */
function redactBlock(
  block: BetaMessage['content'][number],
  redactor: Redactor,
): { type: string } | undefined {
  if (block.type === 'thinking' || block.type === 'redacted_thinking') {
    return redactor.holds(JSON.stringify(block)) ? undefined : block;
  }
  if (block.type === 'text' || block.type === 'tool_use') return redactor.deep<{ type: string }>(block);
  return block.type === 'web_fetch_tool_result' ? redactFetched(block, redactor) : block;
}

/** A page that the API fetched: keys that stand in its examples are not kept. Only its text is touched, as all else is checked. */
function redactFetched(block: BetaWebFetchToolResultBlock, redactor: Redactor): BetaWebFetchToolResultBlock {
  const { content: fetched } = block;
  if (fetched.type !== 'web_fetch_result' || fetched.content.source.type !== 'text') return block;
  const { source } = fetched.content;
  const clean = { ...source, data: redactor.text(source.data) };
  return { ...block, content: { ...fetched, content: { ...fetched.content, source: clean } } };
}

function saysSecret({ content }: BetaMessage, redactor: Redactor): boolean {
  return content.some((block) => block.type === 'text' && redactor.text(block.text) !== block.text);
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
}
