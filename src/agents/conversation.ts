/**
 * Drives one conversation from its question to its result: turn after turn from the transcript, each within the budget,
 * each fault retried or turned into a pause that says what to do.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { BetaMessage, BetaMessageParam } from '@anthropic-ai/sdk/resources/beta/messages';
import { SourcewrightError } from '../errors.ts';
import type { PauseCause, Usage } from '../pipeline/contracts.ts';
import type { AgentOutcome, AgentPaused, AgentTask } from './contracts.ts';
import { decideRequest, estimateTokens, money, reserveFor } from './cost/budget.ts';
import type { ModelPrice } from './cost/prices.ts';
import { lostUsage, usageOf } from './cost/usage.ts';
import { backoffMs, exhausted, type Fault, faultOf, LONGEST_WAIT_MS, TRIES } from './faults.ts';
import type { Heartbeat } from './key.ts';
import type { Prompt } from './prompts.ts';
import type { Redactor } from './redaction.ts';
import type { Replay } from './replay.ts';
import { firstBlocks, hashesOf, sizeOf, turnParams } from './request.ts';
import { correctionText, documentsOf, judge } from './result.ts';
import { ToolGuard } from './tool-guard.ts';
import type { Transcript } from './transcript.ts';
import { runPendingCalls, takeTurn, TurnError, type TurnParams } from './turn.ts';

const MAX_TURNS = 40;
/** Tokens of an answer: enough for a whole module; a cut answer gets twice as much. */
const ANSWER_TOKENS = 16_000;
const LEAST_ANSWER_TOKENS = 2_000;
const MOST_ANSWER_TOKENS = 64_000;
/** How often an unusable result is sent back with the reasons. */
const CORRECTIONS = 2;

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

/** How a request ended that was answered. */
type Asked = 'turn' | 'cut' | 'refusal' | 'context';

export class ConversationRun<R> {
  readonly #task: AgentTask<R>;
  readonly #setup: ConversationSetup;
  readonly #guard: ToolGuard;
  #maxTokens = ANSWER_TOKENS;
  /** The last request's answer was allowed less than wanted, for want of money. */
  #shortened = false;
  #turnsBefore = 0;

  constructor(task: AgentTask<R>, setup: ConversationSetup) {
    this.#task = task;
    this.#setup = setup;
    const { transcript, redactor, replay } = setup;
    const { context, stage } = task;
    this.#guard = new ToolGuard({
      transcript,
      redactor,
      signal: context.signal,
      activity: (line) => {
        context.activity(line);
      },
      recorded: replay === undefined ? undefined : (id) => replay.answer(stage, context.attempt, id),
    });
  }

  async run(): Promise<AgentOutcome<R>> {
    const { transcript } = this.#setup;
    await this.#begin();
    this.#turnsBefore = transcript.turns;
    this.#report();
    for (;;) {
      this.#throwIfAborted();
      await this.#answerPending();
      const ended = (await this.#stopped()) ?? (await this.#finished());
      if (ended !== undefined) return ended;
      const paused = await this.#ask();
      if (paused !== undefined) return paused;
    }
  }

  async #begin(): Promise<void> {
    const { transcript, prompt, redactor } = this.#setup;
    const { context, stage, tools, serverTools = [], given, result } = this.#task;
    if (transcript.find('begin') !== undefined) return;
    const names = [...tools.map(({ tool }) => tool), ...serverTools].map((tool) =>
      'name' in tool ? tool.name : tool.type,
    );
    await transcript.append({
      type: 'begin',
      schemaVersion: 1,
      stage,
      attempt: context.attempt,
      mode: context.mode,
      prompt: { name: prompt.name, sha256: prompt.sha256 },
      tools: names.map(String),
      result: result.name,
      first: firstBlocks(given, (text) => redactor.text(text)).map((block) => ({ ...block })),
    });
  }

  #report(): void {
    this.#task.context.spent(this.#setup.transcript.usage);
  }

  #throwIfAborted(): void {
    if (this.#task.context.signal.aborted) throw new SourcewrightError('cancelled', 'Cancelled.');
  }

  // ---------------------------------------------------------------------------------------------- what is asked

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
  async #answerPending(): Promise<void> {
    const { transcript, client } = this.#setup;
    if (transcript.unanswered().length === 0) return;
    const { signal } = this.#task.context;
    await this.#keep(await runPendingCalls(client, this.#params(ANSWER_TOKENS), signal));
  }

  /** Writes down answers that never passed the guard: unknown tools, input of the wrong form. */
  async #keep(answers: BetaMessageParam | undefined): Promise<void> {
    this.#guard.throwFatal();
    this.#throwIfAborted();
    const { transcript, redactor } = this.#setup;
    const blocks = typeof answers?.content === 'object' ? answers.content : [];
    for (const block of blocks) {
      if (block.type !== 'tool_result' || transcript.answerTo(block.tool_use_id) !== undefined) continue;
      const text = typeof block.content === 'string' ? block.content : JSON.stringify(block.content ?? '');
      const name = 'a call of the wrong form';
      this.#task.context.activity(`${name} (failed)`);
      await transcript.append({
        type: 'answer',
        turn: transcript.turns,
        id: block.tool_use_id,
        name,
        label: name,
        content: redactor.text(text),
        isError: block.is_error === true,
        refused: false,
        outside: false,
      });
    }
  }

  /** Sends the next request, as often as it takes. @returns a pause, or undefined when the conversation goes on */
  async #ask(): Promise<AgentPaused | undefined> {
    const { transcript, model, random } = this.#setup;
    const turn = transcript.turns + 1;
    for (let attempt = 1; ; attempt += 1) {
      this.#throwIfAborted();
      const over = await this.#reserve(turn);
      if (over !== undefined) return over;
      this.#task.context.progress(`Asking ${model} (turn ${turn})`);
      try {
        return await this.#afterAnswer(await this.#send(turn));
      } catch (error) {
        this.#throwIfAborted();
        if (!(error instanceof TurnError)) throw error;
        await this.#lose(turn, error);
        const fault = faultOf(error.cause, Date.now());
        if (fault.kind === 'other') throw error.cause;
        const pause = this.#giveUp(fault, attempt);
        if (pause !== undefined) return this.#stop(pause.cause, pause.message, pause.cure);
        if (fault.kind === 'retry')
          await this.#wait(fault, backoffMs(attempt, fault.waitMs, random), attempt);
      }
    }
  }

  /** The request as it will be sent, if there is money for it. */
  #next: TurnParams | undefined;

  async #reserve(turn: number): Promise<AgentPaused | undefined> {
    const { transcript, price, others, budgetUsd, stageBudgetUsd, model, modelMaxTokens, replay } =
      this.#setup;
    const wantedMaxTokens = Math.min(this.#maxTokens, modelMaxTokens);
    const draft = this.#params(wantedMaxTokens);
    const inputTokensEstimate = estimateTokens(sizeOf(draft));
    const spent = transcript.usage.usd;
    const decision = decideRequest({
      price,
      cacheLife: '5m',
      webSearches: searchesOf(this.#task),
      inputTokensEstimate,
      wantedMaxTokens,
      leastMaxTokens: LEAST_ANSWER_TOKENS,
      spentUsd: others.runUsd + spent,
      stageSpentUsd: others.stageUsd + spent,
      budgetUsd,
      stageBudgetUsd,
    });
    if (decision.kind === 'over') return this.#stop('budget', decision.message, decision.cure);
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
        this.#report();
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
    await transcript.append({ type: 'turn', turn, model, requestId, stopReason, content, usage });
    const calls = message.content.filter((block) => block.type === 'tool_use').length;
    const did = calls === 0 ? 'an answer' : calls === 1 ? '1 call' : `${calls} calls`;
    this.#task.context.activity(`turn ${turn}: ${did}, ${usageText(usage)}`);
    return 'turn';
  }

  async #lose(turn: number, error: TurnError): Promise<void> {
    const { transcript, price } = this.#setup;
    const { usage, characters } = error.received;
    const lost = usage === undefined ? NOTHING : lostUsage(usage, characters, price);
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
    this.#report();
  }

  // --------------------------------------------------------------------------------------- how it goes on or ends

  async #afterAnswer(asked: Asked): Promise<AgentPaused | undefined> {
    switch (asked) {
      case 'turn':
        this.#maxTokens = ANSWER_TOKENS;
        return undefined;
      case 'refusal':
        return this.#stop(
          'stuck',
          'The model declined to go on with this.',
          `Choose another model for the stage ${this.#task.stage}, or take this step by hand, then resume.`,
        );
      case 'context':
        return this.#stop(
          'stuck',
          'The conversation has become longer than the model can take.',
          'Choose fewer streams and start again, or a model with a larger context, then resume.',
        );
      case 'cut':
        return this.#afterCut();
    }
  }

  async #afterCut(): Promise<AgentPaused | undefined> {
    if (this.#shortened) {
      return this.#stop(
        'budget',
        `What is left of ${money(this.#setup.budgetUsd)} was too little for the whole answer.`,
        'Raise the cap (setting sourcewright.agents.budget, or --budget on resume), then resume.',
      );
    }
    const limit = Math.min(MOST_ANSWER_TOKENS, this.#setup.modelMaxTokens);
    if (this.#maxTokens >= limit) {
      return this.#stop(
        'stuck',
        `The answer was cut off at ${limit} tokens.`,
        'Choose fewer streams, or another model for this stage, then resume.',
      );
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
      this.#throwIfAborted();
    }
  }

  async #stopped(): Promise<AgentPaused | undefined> {
    const { stop } = this.#guard;
    if (stop !== undefined) {
      return this.#stop(
        'stuck',
        stop,
        'Look at the transcript, then resume to let it go on, or cancel the run.',
      );
    }
    const most = this.#task.maxTurns ?? MAX_TURNS;
    if (this.#setup.transcript.turns - this.#turnsBefore < most) return undefined;
    return this.#stop(
      'stuck',
      `The agent has taken ${most} turns without coming to an end.`,
      'Look at the transcript, then resume to give it as many again, or cancel the run.',
    );
  }

  async #stop(cause: PauseCause, said: string, cure: string): Promise<AgentPaused> {
    const { transcript, redactor } = this.#setup;
    const message = redactor.text(said);
    await transcript.append({ type: 'stopped', turn: transcript.turns, cause, message, cure });
    this.#task.context.activity(`stopped: ${message}`);
    return { status: 'paused', cause, message, cure };
  }

  /** The result, when the model has given a good one. A bad one is sent back. @throws SourcewrightError `model` */
  async #finished(): Promise<AgentOutcome<R> | undefined> {
    const { transcript } = this.#setup;
    const stored = transcript.find('result');
    if (stored !== undefined) return this.#done(this.#task.result.schema.parse(stored.value));
    const turn = transcript.find('turn');
    if (turn === undefined || turn.stopReason === 'tool_use' || turn.stopReason === 'pause_turn')
      return undefined;
    const corrections = transcript.all('correction');
    if (corrections.some((correction) => correction.turn === turn.turn)) return undefined;
    const judged = await judge(this.#task, turn, { documents: documentsOf(transcript.entries) });
    if (judged.kind === 'good') {
      await transcript.append({ type: 'result', turn: turn.turn, value: judged.value });
      return this.#done(judged.value);
    }
    const { reasons } = judged;
    if (corrections.length >= CORRECTIONS) {
      throw new SourcewrightError(
        'model',
        `The result of the model could not be used, also after ${CORRECTIONS} corrections: ${reasons[0] ?? ''}`,
        {
          cure: 'Choose another model for this stage, or the engine "rules", and start again. The files stay.',
        },
      );
    }
    this.#task.context.activity(`result sent back: ${reasons[0] ?? ''}`);
    await transcript.append({
      type: 'correction',
      turn: turn.turn,
      reasons: [...reasons],
      text: correctionText(reasons),
    });
    return undefined;
  }

  #done(result: R): AgentOutcome<R> {
    const { entries } = this.#setup.transcript;
    const refusals = entries.flatMap((entry) =>
      entry.type === 'answer' && entry.refused ? [entry.label] : [],
    );
    return { status: 'done', result, conversation: { documents: documentsOf(entries) }, refusals };
  }
}

const UNUSABLE: Readonly<Record<string, { readonly asked: Asked; readonly why: string }>> = {
  max_tokens: { asked: 'cut', why: 'cut off at its length' },
  refusal: { asked: 'refusal', why: 'declined by the model' },
  model_context_window_exceeded: { asked: 'context', why: 'too long for the model' },
};

const NOTHING: Usage = {
  usd: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  requests: 0,
};

/** Web searches that one request may make. */
function searchesOf(task: { readonly serverTools?: AgentTask<unknown>['serverTools'] }): number {
  const search = task.serverTools?.find((tool) => 'name' in tool && tool.name === 'web_search');
  return search !== undefined && 'max_uses' in search
    ? (search.max_uses ?? 10)
    : search === undefined
      ? 0
      : 10;
}

/** A block of the model's as it is kept. Thoughts are signed, so they stay as they are, or go. */
function redactBlock(
  block: BetaMessage['content'][number],
  redactor: Redactor,
): { type: string } | undefined {
  if (block.type === 'thinking' || block.type === 'redacted_thinking') {
    return redactor.holds(JSON.stringify(block)) ? undefined : block;
  }
  if (block.type === 'text' || block.type === 'tool_use') return redactor.deep<{ type: string }>(block);
  return block;
}

export function usageText(usage: Usage): string {
  const cached = usage.inputTokens === 0 ? 0 : Math.round((100 * usage.cacheReadTokens) / usage.inputTokens);
  const read = cached === 0 ? '' : ` (${cached}% cached)`;
  return `${usage.inputTokens} tokens in${read}, ${usage.outputTokens} out, $${usage.usd.toFixed(4)}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
