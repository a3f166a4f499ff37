/**
 * What stands between a model's call and the tool that runs: one call at a time, the same call not three times, every answer
 * redacted, cut to size and in the transcript before the model hears of it.
 */
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import type { BetaRunnableTool, BetaToolRunContext } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import type { AgentTool } from './contracts.ts';
import type { Redactor } from './redaction.ts';
import type { Recorded, Transcript } from './transcript.ts';

/** Longer answers are cut: the model can ask for a part. Characters. */
const LONGEST_ANSWER = 60_000;
/** The same call with nothing changed in between may be made this often; the next one ends the conversation. */
const SAME_CALLS = 2;
/** Refused calls after which the conversation is ended: it is trying something that it may not do. */
const MOST_REFUSALS = 5;
export const REFUSED = 'Refused: ';

const ENDING: readonly SourcewrightError['code'][] = ['cancelled', 'environment', 'corrupt'];

type Answer = Pick<Recorded<'answer'>, 'content' | 'isError' | 'refused'>;

export interface GuardOptions {
  readonly transcript: Transcript;
  readonly redactor: Redactor;
  readonly signal: AbortSignal;
  /** A line for the live feed. */
  readonly activity: (line: string) => void;
  /** What a recording answers to a call of a tool that reaches outside. */
  readonly recorded?: ((id: string) => Answer | undefined) | undefined;
}

export class ToolGuard {
  readonly #options: GuardOptions;
  readonly #calls = new Map<string, number>();
  #changes = 0;
  #refusals = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #fatal: SourcewrightError | undefined;
  #stop: string | undefined;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Why the conversation has to be stopped, in words for the person. */
  get stop(): string | undefined {
    return this.#stop;
  }

  /** An answer that could not be written down: thrown once the turn is over, for the runner turns it into an answer. */
  throwFatal(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  wrap(agentTool: AgentTool): BetaRunnableTool {
    const { tool } = agentTool;
    return {
      ...tool,
      run: (input: unknown, context?: BetaToolRunContext) =>
        this.#inTurn(() => this.#call(agentTool, input, context)),
    };
  }

  /** The runner calls tools of one turn side by side; two edits of one file must not meet. */
  #inTurn(act: () => Promise<string>): Promise<string> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #call(agentTool: AgentTool, input: unknown, context?: BetaToolRunContext): Promise<string> {
    const { transcript, activity, signal } = this.#options;
    const id = context?.toolUse.id ?? '';
    const stored = transcript.answerTo(id);
    if (stored !== undefined) return handed(stored);
    this.throwFatal();
    signal.throwIfAborted();
    const name = nameOf(agentTool.tool);
    const label = this.#label(agentTool, name, input);
    const answer = this.#repeated(agentTool, name, input) ?? (await this.#answer(agentTool, input, context));
    // Stopped while the tool ran: it runs again on resume.
    signal.throwIfAborted();
    this.#count(agentTool, answer);
    activity(answer.refused ? `refused: ${label}` : answer.isError ? `${label} (failed)` : label);
    const outside = agentTool.outside === true;
    const record = { type: 'answer', turn: transcript.turns, id, name, label, outside, ...answer } as const;
    try {
      await transcript.append(record);
    } catch (error) {
      this.#fatal = asSourcewrightError(error);
      throw this.#fatal;
    }
    return handed(answer);
  }

  #label(agentTool: AgentTool, name: string, input: unknown): string {
    let label: string;
    try {
      label = agentTool.label?.(input) ?? name;
    } catch {
      label = name;
    }
    return this.#options.redactor.text(label).replace(/\s+/g, ' ').slice(0, 200);
  }

  #repeated(agentTool: AgentTool, name: string, input: unknown): Answer | undefined {
    // A change that is made again and again changes nothing more.
    const since = agentTool.changes ? 0 : this.#changes;
    const key = `${since} ${name} ${JSON.stringify(input)}`;
    const before = this.#calls.get(key) ?? 0;
    this.#calls.set(key, before + 1);
    if (before < SAME_CALLS) return undefined;
    this.#stop = `The agent made the same call (${name}) for the third time with nothing changed in between.`;
    return {
      content: `${REFUSED}this is the same call for the third time and nothing has changed. The conversation ends here.`,
      isError: true,
      refused: true,
    };
  }

  async #answer(agentTool: AgentTool, input: unknown, context?: BetaToolRunContext): Promise<Answer> {
    const id = context?.toolUse.id ?? '';
    const recorded = agentTool.outside === true ? this.#options.recorded?.(id) : undefined;
    if (recorded !== undefined) return recorded;
    try {
      const content: unknown = await agentTool.tool.run(input, context);
      return { content: this.#clean(asText(content)), isError: false, refused: false };
    } catch (error) {
      // What no model can mend (no Python, a full disk) ends the turn; the runner would make it an answer.
      if (error instanceof SourcewrightError && ENDING.includes(error.code)) {
        this.#fatal = error;
        throw error;
      }
      const content = this.#clean(errorText(error));
      return { content, isError: true, refused: content.startsWith(REFUSED) };
    }
  }

  #clean(text: string): string {
    const clean = this.#options.redactor.text(text);
    if (clean.length <= LONGEST_ANSWER) return clean;
    const left = clean.length - LONGEST_ANSWER;
    return `${clean.slice(0, LONGEST_ANSWER)}\n[${left} more characters were left out; ask for a smaller part]`;
  }

  #count(agentTool: AgentTool, answer: Answer): void {
    if (agentTool.changes && !answer.isError) this.#changes += 1;
    if (!answer.refused) return;
    this.#refusals += 1;
    if (this.#refusals >= MOST_REFUSALS) {
      this.#stop ??= `The agent tried ${this.#refusals} times to do what it may not do.`;
    }
  }
}

function nameOf(tool: BetaRunnableTool): string {
  return 'name' in tool ? tool.name : 'tool';
}

function asText(content: unknown): string {
  if (typeof content === 'string') return content;
  return JSON.stringify(content);
}

function errorText(error: unknown): string {
  if (error instanceof ToolError) return asText(error.content);
  if (error instanceof SourcewrightError) return error.toText();
  return `Error: ${error instanceof Error ? error.message : String(error)}`;
}

/** An answer as the runner wants it: text, or thrown. */
function handed(answer: Answer): string {
  const text = asText(answer.content);
  if (answer.isError) throw new ToolError(text);
  return text;
}
