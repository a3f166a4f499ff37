/**
 * Drives one conversation from its question to its result: turn after turn from the transcript, each within the budget,
 * each fault retried or turned into a pause that says what to do.
 */
import { SourcewrightError } from '../errors.ts';
import { Asking, type ConversationSetup, type Stop, throwIfAborted } from './asking.ts';
import type { AgentOutcome, AgentPaused, AgentTask } from './contracts.ts';
import { firstBlocks } from './request.ts';
import { correctionText, documentsOf, judge } from './result.ts';
import { ToolGuard } from './tool-guard.ts';

const MAX_TURNS = 40;
/** How often an unusable result is sent back with the reasons. */
const CORRECTIONS = 2;

export class ConversationRun<R> {
  readonly #task: AgentTask<R>;
  readonly #setup: ConversationSetup;
  readonly #guard: ToolGuard;
  readonly #asking: Asking;
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
    this.#asking = new Asking(task, setup, this.#guard);
  }

  async run(): Promise<AgentOutcome<R>> {
    const { transcript } = this.#setup;
    await this.#begin();
    this.#turnsBefore = transcript.turns;
    this.#task.context.spent(transcript.usage);
    for (;;) {
      throwIfAborted(this.#task.context.signal);
      await this.#asking.answerPending();
      const outcome = await this.#finished();
      if (outcome !== undefined) return outcome;
      const stop = this.#limit() ?? (await this.#asking.ask());
      if (stop !== undefined) return this.#stop(stop);
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

  /** What ends a conversation although the model would go on. */
  #limit(): Stop | undefined {
    const { stop } = this.#guard;
    if (stop !== undefined) {
      const cure = 'Look at the transcript, then resume to let it go on, or cancel the run.';
      return { cause: 'stuck', message: stop, cure };
    }
    const most = this.#task.maxTurns ?? MAX_TURNS;
    if (this.#setup.transcript.turns - this.#turnsBefore < most) return undefined;
    return {
      cause: 'stuck',
      message: `The agent has taken ${most} turns without coming to an end.`,
      cure: 'Look at the transcript, then resume to give it as many again, or cancel the run.',
    };
  }

  async #stop({ cause, message: said, cure }: Stop): Promise<AgentPaused> {
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
