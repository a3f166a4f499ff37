/**
 * What the agents' stages hand to the runtime that drives a model, and what they get back. A stage says what is known, what
 * is asked and which tools may be used; turns, retries, budget, the transcript and the recording are the runtime's.
 */
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import type { BetaToolUnion } from '@anthropic-ai/sdk/resources/beta';
import type { z } from 'zod';
import type { PauseCause, StageContext, StageName } from '../pipeline/contracts.ts';
import type { PriceOverrides } from './cost/prices.ts';

/**
 * A tool that runs here. Made with `betaZodTool` or taken from the SDK's file tools; what it returns is redacted, cut to
 * size and journalled by the runtime. It must not name absolute paths, ports, times or durations: what a tool answers has
 * to be the same when a run is replayed.
 */
export interface AgentTool {
  readonly tool: BetaRunnableTool;
  /** A call may change files: after it, a call that was made before is no longer "the same call again". */
  readonly changes: boolean;
  /** One line for the live feed: `edit src/client.py`. */
  readonly label?: (input: unknown) => string;
  /** Its answer comes from outside this machine's files (a fetched page): a replay takes it from the recording. */
  readonly outside?: boolean;
}

/** A piece of the first message. What stays the same over attempts goes first, so that it is read from the cache. */
export interface Given {
  readonly title: string;
  readonly text: string;
  /** The same for each attempt of this stage in this run: ends with a cache breakpoint where the next piece is not. */
  readonly stable: boolean;
}

/** A document whose text the conversation has seen: what a claim may quote from. */
export interface SeenDocument {
  readonly url: string;
  readonly text: string;
  readonly at: string;
}

/** What a check of a result may look at. */
export interface Conversation {
  readonly documents: readonly SeenDocument[];
}

/** One conversation with a model, from the question to a result that has passed its schema. */
export interface AgentTask<R> {
  readonly context: StageContext;
  readonly stage: StageName;
  /** Name of a file in `prompts/`, without `.md`: the system prompt. */
  readonly prompt: string;
  readonly given: readonly Given[];
  readonly tools: readonly AgentTool[];
  /** Tools that run at the API: web search and fetch. */
  readonly serverTools?: readonly BetaToolUnion[];
  /** Name of the schema in the transcript, and the schema itself: an object, made of what structured outputs can say. */
  readonly result: { readonly name: string; readonly schema: z.ZodType<R> };
  /** What a schema can't say: reasons why this result can't be used, told to the model. Empty = good. */
  readonly check?: (result: R, conversation: Conversation) => readonly string[] | Promise<readonly string[]>;
  /** Turns after which the conversation is stopped. Default 40. */
  readonly maxTurns?: number;
}

/** The stage can't go on; resuming goes on after the last whole turn. Fits a stage's own outcome. */
export interface AgentPaused {
  readonly status: 'paused';
  readonly cause: PauseCause;
  readonly message: string;
  readonly cure: string;
}

export type AgentOutcome<R> =
  | {
      readonly status: 'done';
      readonly result: R;
      readonly conversation: Conversation;
      /** Calls that the policy refused, in words. */
      readonly refusals: readonly string[];
    }
  | AgentPaused;

/** Drives models. One for all stages of a run; holds no state beyond what the run's folder holds. */
export interface AgentRuntime {
  /** Domains that may be searched and fetched; empty = any public one. */
  readonly webDomains: readonly string[];
  /**
   * Runs a conversation to its result. Reports turns, calls and cost through the task's context.
   * @throws SourcewrightError `model` when the result stays unusable after two corrections; `cancelled` on abort
   */
  run<R>(task: AgentTask<R>): Promise<AgentOutcome<R>>;
  /**
   * Something that comes from outside (a description at an address, what a probe saw): made now, and kept where the run is
   * recorded; taken from the recording where one is replayed.
   */
  input<T>(context: StageContext, name: string, schema: z.ZodType<T>, make: () => Promise<T>): Promise<T>;
}

/** What the runtime may be set up with; secrets are asked for when they are needed and kept nowhere. */
export interface AgentSettings {
  /** The API key; undefined = none is set. */
  readonly apiKey: () => Promise<string | undefined>;
  /** Another address than the API's own: a gateway, a test server. */
  readonly baseUrl?: string | undefined;
  /** Overrides what the run's request says, e.g. a raised budget on resume. */
  readonly budgetUsd?: number | undefined;
  readonly stageBudgetUsd?: number | undefined;
  readonly models?: Partial<Record<StageName, string>> | undefined;
  /** Prices by model id that replace the built-in table's. US dollars per million tokens. */
  readonly prices?: PriceOverrides | undefined;
  /** Only these domains may be searched and fetched; absent or empty = any public one. */
  readonly webDomains?: readonly string[] | undefined;
  /** Further values that must never reach a prompt, a transcript or a recording. */
  readonly secrets?: readonly string[] | undefined;
  /** Folder of the prompts (`dist/prompts`, or `src/agents/prompts` in a checkout). */
  readonly promptsDir: string;
  /** Replay this recording instead of asking a model. */
  readonly replay?: string | undefined;
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  /** Waits, in tests without waiting. */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
  /** Milliseconds without an event after which a stream counts as stalled. Default 90,000. */
  readonly stallMs?: number | undefined;
}
