/** One turn: one request to the model, its stream watched, its tools run by the SDK's tool runner. */
import type Anthropic from '@anthropic-ai/sdk';
import type { BetaToolRunnerParams } from '@anthropic-ai/sdk/lib/tools/BetaToolRunner';
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import type {
  BetaMessage,
  BetaMessageParam,
  BetaRawMessageStreamEvent,
  BetaUsage,
} from '@anthropic-ai/sdk/resources/beta/messages';
import type { BetaToolUnion } from '@anthropic-ai/sdk/resources/beta';
import { StalledError } from './faults.ts';
import type { Heartbeat } from './key.ts';

export type TurnParams = Omit<
  BetaToolRunnerParams,
  'tools' | 'thread' | 'max_iterations' | 'runToolsEagerly'
> & {
  readonly tools: readonly (BetaToolUnion | BetaRunnableTool)[];
};

export interface TurnOptions {
  readonly client: Anthropic;
  readonly params: TurnParams;
  readonly signal: AbortSignal;
  readonly stallMs: number;
  /** Beats with every piece of an answer. */
  readonly heartbeat: Heartbeat;
  /** The whole answer has come; its tools run only after this has settled. */
  readonly onMessage: (message: BetaMessage, requestId: string | null) => Promise<void>;
}

/** What had come of an answer when its stream broke off. */
export interface PartialAnswer {
  readonly usage: BetaUsage | undefined;
  readonly characters: number;
}

/** A request that failed, with what had been received (and is paid for). */
export class TurnError extends Error {
  override readonly name = 'TurnError';
  readonly received: PartialAnswer;

  constructor(cause: unknown, received: PartialAnswer) {
    super('A request to the model failed.', { cause });
    this.received = received;
  }
}

/**
 * Sends the conversation and runs the calls that the answer makes. A fresh runner for each turn: what is sent is always what
 * the transcript says, in the first sitting as after a resume.
 * @returns the answers of the calls, as the runner sends them; undefined when none was made
 * @throws TurnError when the request fails; whatever `onMessage` throws
 */
export async function takeTurn(options: TurnOptions): Promise<BetaMessageParam | undefined> {
  const { client, params, signal, stallMs, heartbeat, onMessage } = options;
  const stop = new AbortController();
  const forward = (): void => {
    stop.abort(signal.reason);
  };
  if (signal.aborted) forward();
  signal.addEventListener('abort', forward, { once: true });
  const watchdog = new Watchdog(stallMs, stop);
  heartbeat.beat = () => {
    watchdog.fed();
  };
  const runner = client.beta.messages.toolRunner(
    { ...params, tools: [...params.tools], thread: false, stream: true, max_iterations: 1 },
    { signal: stop.signal },
  );
  const received = new Received();
  let arrived = false;
  try {
    watchdog.start();
    for await (const stream of runner) {
      for await (const event of stream) received.take(event);
      const message = await stream.finalMessage();
      watchdog.end();
      arrived = true;
      await onMessage(message, stream.request_id ?? null);
    }
    return answersOf(runner.params.messages.at(-1));
  } catch (error) {
    // Once the answer has come, what goes wrong is not the request's fault.
    if (arrived) throw error;
    throw new TurnError(watchdog.barked ? new StalledError(Math.round(stallMs / 1000)) : error, received);
  } finally {
    watchdog.end();
    heartbeat.beat = undefined;
    signal.removeEventListener('abort', forward);
  }
}

function answersOf(message: BetaMessageParam | undefined): BetaMessageParam | undefined {
  const answers =
    message?.role === 'user' &&
    Array.isArray(message.content) &&
    message.content.some((block) => block.type === 'tool_result');
  return answers ? message : undefined;
}

/** Runs the calls of the last message again that have no answer yet: the process had been ended before them. */
export async function runPendingCalls(
  client: Anthropic,
  params: TurnParams,
  signal: AbortSignal,
): Promise<BetaMessageParam | undefined> {
  const runner = client.beta.messages.toolRunner(
    { ...params, tools: [...params.tools], thread: false, stream: true, max_iterations: 1 },
    { signal },
  );
  return (await runner.generateToolResponse(signal)) ?? undefined;
}

/** Ends a stream that has been silent for too long. */
class Watchdog {
  readonly #ms: number;
  readonly #stop: AbortController;
  #timer: NodeJS.Timeout | undefined;
  barked = false;

  constructor(ms: number, stop: AbortController) {
    this.#ms = ms;
    this.#stop = stop;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.barked = true;
      this.#stop.abort();
    }, this.#ms);
  }

  fed(): void {
    this.#timer?.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Follows a stream, so that what was paid for is known also when it breaks off. */
class Received implements PartialAnswer {
  usage: BetaUsage | undefined;
  characters = 0;

  take(event: BetaRawMessageStreamEvent): void {
    if (event.type === 'message_start') this.usage = event.message.usage;
    if (event.type === 'content_block_delta') this.characters += JSON.stringify(event.delta).length;
  }
}
