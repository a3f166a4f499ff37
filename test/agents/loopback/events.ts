/** A message as the events of a stream. */
import type {
  BetaMessage,
  BetaMessageDeltaUsage,
  BetaRawContentBlockDelta,
  BetaRawMessageStreamEvent,
} from '@anthropic-ai/sdk/resources/beta/messages/messages';
import type { ScriptedBlock } from './contracts.ts';

export type StreamEvent = BetaRawMessageStreamEvent | { readonly type: 'ping' };

/** A message of scripted blocks: narrower than the SDK's, so that every block is known to be streamed. */
export type ScriptedMessage = Omit<BetaMessage, 'content'> & { readonly content: ScriptedBlock[] };

const PIECE = 24;
const MOST_PIECES = 32;

/** Several pieces even of short texts, and not thousands of a long one. */
function piecesOf(value: string): string[] {
  const size = Math.max(Math.min(PIECE, Math.ceil(value.length / 2)), Math.ceil(value.length / MOST_PIECES));
  const pieces: string[] = [];
  for (let at = 0; at < value.length; at += size) pieces.push(value.slice(at, at + size));
  return pieces;
}

function inputOf(input: unknown, malformed: true | 'truncated' | undefined): string {
  const value = JSON.stringify(input);
  if (malformed === 'truncated') return value.slice(0, Math.ceil(value.length / 2));
  return malformed ? `${value.slice(0, -1)} <no JSON>` : value;
}

/** The block as it starts, empty where deltas fill it, and the deltas. */
function streamed(
  block: ScriptedBlock,
  malformed: true | 'truncated' | undefined,
): { start: ScriptedBlock; deltas: BetaRawContentBlockDelta[] } {
  switch (block.type) {
    case 'text':
      return {
        start: { ...block, text: '' },
        deltas: piecesOf(block.text).map((text) => ({ type: 'text_delta', text })),
      };
    case 'thinking':
      return {
        start: { ...block, thinking: '', signature: '' },
        deltas: [
          ...piecesOf(block.thinking).map((thinking): BetaRawContentBlockDelta => ({
            type: 'thinking_delta',
            thinking,
            estimated_tokens: null,
          })),
          { type: 'signature_delta', signature: block.signature },
        ],
      };
    case 'tool_use':
    case 'server_tool_use': {
      const input = inputOf(block.input, block.type === 'tool_use' ? malformed : undefined);
      return {
        start: { ...block, input: {} },
        // The API's first piece is always empty.
        deltas: ['', ...piecesOf(input)].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      };
    }
    case 'web_search_tool_result':
    case 'web_fetch_tool_result':
      return { start: block, deltas: [] };
  }
}

function deltaUsage(usage: BetaMessage['usage']): BetaMessageDeltaUsage {
  return {
    input_tokens: usage.input_tokens,
    cache_creation_input_tokens: usage.cache_creation_input_tokens,
    cache_read_input_tokens: usage.cache_read_input_tokens,
    output_tokens: usage.output_tokens,
    output_tokens_details: usage.output_tokens_details,
    server_tool_use: usage.server_tool_use,
    iterations: usage.iterations,
    fallback_credit: usage.fallback_credit,
  };
}

export function* streamEvents(
  message: ScriptedMessage,
  malformed?: true | 'truncated',
): Generator<StreamEvent, void, undefined> {
  yield {
    type: 'message_start',
    message: {
      ...message,
      content: [],
      stop_reason: null,
      stop_details: null,
      // At this point the API knows the input's cost, and has hardly begun with the output.
      usage: { ...message.usage, output_tokens: 1, server_tool_use: null },
    },
  };
  yield { type: 'ping' };
  for (const [index, block] of message.content.entries()) {
    const { start, deltas } = streamed(block, malformed);
    yield { type: 'content_block_start', index, content_block: start };
    for (const delta of deltas) yield { type: 'content_block_delta', index, delta };
    yield { type: 'content_block_stop', index };
  }
  yield {
    type: 'message_delta',
    context_management: null,
    delta: {
      container: null,
      stop_details: message.stop_details,
      stop_reason: message.stop_reason,
      stop_sequence: message.stop_sequence,
    },
    usage: deltaUsage(message.usage),
  };
  yield { type: 'message_stop' };
}

export function sse(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
