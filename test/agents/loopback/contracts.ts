/**
 * What the loopback server takes and gives. Blocks and usage are the SDK's own types, so that the compiler notices when
 * the wire format that the server speaks is no longer the one that the SDK reads.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type {
  BetaServerToolUseBlock,
  BetaStopReason,
  BetaTextBlock,
  BetaThinkingBlock,
  BetaToolUseBlock,
  BetaUsage,
  BetaWebFetchToolResultBlock,
  BetaWebSearchToolResultBlock,
} from '@anthropic-ai/sdk/resources/beta/messages/messages';
import type { MessageBody } from './request-body.ts';

export type ScriptedBlock =
  | BetaTextBlock
  | BetaThinkingBlock
  | BetaToolUseBlock
  | BetaServerToolUseBlock
  | BetaWebSearchToolResultBlock
  | BetaWebFetchToolResultBlock;

/** Blocks in any nesting: `webSearch()` gives two blocks, and a script should not have to spread them. */
export type Blocks = ScriptedBlock | readonly Blocks[];

export interface ReplyOptions {
  /** Inferred when it is left out: `tool_use` if there is a call of a client tool, `end_turn` otherwise. */
  readonly stopReason?: BetaStopReason;
  /** Laid over the usage that the server computes. */
  readonly usage?: Partial<BetaUsage>;
}

export interface ScriptedReply extends ReplyOptions {
  readonly blocks: readonly ScriptedBlock[];
}

export interface ReceivedToolResult {
  readonly id: string;
  /** The tool's name, found in the call that this answers. */
  readonly name: string;
  readonly text: string;
  readonly isError: boolean;
}

/** A message request that passed the check of its shape, with what scripts ask about it most. */
export interface ReceivedMessageRequest {
  /** Counts all requests of this server, not only message requests. */
  readonly index: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: MessageBody;
  /** How many assistant messages it holds: 0 asks for the conversation's first reply. */
  readonly position: number;
  readonly systemText: string;
  /** All text of user messages, tool results left out. */
  readonly userText: string;
  readonly toolNames: readonly string[];
  /** The results in the last user turn. */
  readonly toolResults: readonly ReceivedToolResult[];
}

/** A reply, or the blocks of one. */
export type Scripted = ScriptedReply | Blocks;

/** Answers a message request. Asked again when a request is retried, so it must depend on the request alone. */
export type Script = (request: ReceivedMessageRequest) => Scripted | Promise<Scripted>;

export type Outcome =
  /** A whole message, or a whole answer of another endpoint. */
  | 'answered'
  /** A status of 400 or more. */
  | 'error'
  /** An SSE event `error` after status 200. */
  | 'errorEvent'
  | 'cut'
  | 'stalled'
  | 'hung'
  | 'refused'
  /** The client went away before the end. */
  | 'disconnected';

export interface RecordedAnswer {
  /** `null` when no status line was sent. */
  readonly status: number | null;
  readonly outcome: Outcome;
  readonly requestId: string;
  /** Of message requests that reached the script; of a broken reply, what it would have cost. */
  readonly usage?: BetaUsage;
  readonly error?: { readonly type: string; readonly message: string };
}

export interface RecordedRequest {
  readonly index: number;
  /** Milliseconds since the epoch, when the whole body had arrived. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: string;
  /** `undefined` if there was none or it is no JSON. */
  readonly body: unknown;
  /** Of message requests with a body of the right shape. */
  readonly message?: ReceivedMessageRequest;
  /** `null` until the answer is complete or broken off. */
  answer: RecordedAnswer | null;
}

export interface Totals {
  readonly requests: number;
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
}
