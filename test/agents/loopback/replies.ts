/**
 * Builders of scripted replies, and what turns one into the content of a message. Ids are given when a reply is sent,
 * from the ids that the request already holds: the same request always gets the same ids, without a counter anywhere.
 */
import { createHash } from 'node:crypto';
import type {
  BetaServerToolUsage,
  BetaServerToolUseBlock,
  BetaStopReason,
  BetaTextBlock,
  BetaThinkingBlock,
  BetaToolUseBlock,
  BetaWebFetchToolResultErrorCode,
  BetaWebSearchToolResultErrorCode,
} from '@anthropic-ai/sdk/resources/beta/messages/messages';
import type {
  Blocks,
  ReceivedMessageRequest,
  ReplyOptions,
  Scripted,
  ScriptedBlock,
  ScriptedReply,
} from './contracts.ts';
import { ScriptError } from './errors.ts';
import { blocksOf, stringIn } from './request-body.ts';

/** Stands for the id that is given when the reply is sent. */
const LATER = '';

export function text(value: string): BetaTextBlock {
  return { type: 'text', text: value, citations: null };
}

/** A text block of JSON, as structured outputs give it. */
export function json(value: unknown): BetaTextBlock {
  return text(JSON.stringify(value));
}

export function tool(
  name: string,
  input: unknown = {},
  options: { readonly id?: string } = {},
): BetaToolUseBlock {
  return { type: 'tool_use', id: options.id ?? LATER, name, input };
}

/** The server checks this when the block comes back, as the API does: thinking must be returned unchanged. */
export function signatureOf(thought: string): string {
  return createHash('sha256').update(`loopback ${thought}`).digest('base64');
}

export function thinking(thought: string): BetaThinkingBlock {
  return { type: 'thinking', thinking: thought, signature: signatureOf(thought) };
}

export interface ScriptedSearchResult {
  readonly url: string;
  readonly title: string;
  readonly pageAge?: string;
}

export type ScriptedSearch = { readonly query: string } & (
  { readonly results: readonly ScriptedSearchResult[] } | { readonly error: BetaWebSearchToolResultErrorCode }
);

function serverTool(
  name: 'web_search' | 'web_fetch',
  input: Record<string, unknown>,
): BetaServerToolUseBlock {
  return { type: 'server_tool_use', id: LATER, name, input };
}

/** The search and its results, as the API puts both into one reply. */
export function webSearch(search: ScriptedSearch): readonly ScriptedBlock[] {
  return [
    serverTool('web_search', { query: search.query }),
    {
      type: 'web_search_tool_result',
      tool_use_id: LATER,
      content:
        'error' in search
          ? { type: 'web_search_tool_result_error', error_code: search.error }
          : search.results.map(({ url, title, pageAge }) => ({
              type: 'web_search_result',
              url,
              title,
              page_age: pageAge ?? null,
              encrypted_content: createHash('sha256').update(url).digest('base64'),
            })),
    },
  ];
}

export type ScriptedFetch = { readonly url: string } & (
  | { readonly text: string; readonly title?: string; readonly retrievedAt?: string }
  | { readonly error: BetaWebFetchToolResultErrorCode }
);

/** The fetch and its document. */
export function webFetch(fetched: ScriptedFetch): readonly ScriptedBlock[] {
  return [
    serverTool('web_fetch', { url: fetched.url }),
    {
      type: 'web_fetch_tool_result',
      tool_use_id: LATER,
      content:
        'error' in fetched
          ? { type: 'web_fetch_tool_result_error', error_code: fetched.error }
          : {
              type: 'web_fetch_result',
              url: fetched.url,
              retrieved_at: fetched.retrievedAt ?? '2026-01-01T00:00:00Z',
              content: {
                type: 'document',
                title: fetched.title ?? null,
                citations: null,
                source: { type: 'text', media_type: 'text/plain', data: fetched.text },
              },
            },
    },
  ];
}

function flat(blocks: Blocks): ScriptedBlock[] {
  return 'type' in blocks ? [blocks] : blocks.flatMap(flat);
}

export function reply(blocks: Blocks, options: ReplyOptions = {}): ScriptedReply {
  return { blocks: flat(blocks), ...options };
}

export function asReply(scripted: Scripted): ScriptedReply {
  return 'blocks' in scripted ? scripted : reply(scripted);
}

/** Gives out `toolu_0004` after a request that holds `toolu_0003`. */
class Ids {
  readonly #next = new Map<string, number>();

  constructor(request: ReceivedMessageRequest) {
    for (const block of request.body.messages.flatMap((message) => blocksOf(message.content))) {
      const match = /^((?:srv)?toolu)_(\d+)$/.exec(stringIn(block, 'id'));
      if (match) this.#next.set(match[1]!, Math.max(this.#next.get(match[1]!) ?? 1, Number(match[2]) + 1));
    }
  }

  take(prefix: 'toolu' | 'srvtoolu'): string {
    const number = this.#next.get(prefix) ?? 1;
    this.#next.set(prefix, number + 1);
    return `${prefix}_${String(number).padStart(4, '0')}`;
  }
}

/** The blocks with their ids: a server tool's result gets that of the last server tool before it. */
export function numbered(blocks: readonly ScriptedBlock[], request: ReceivedMessageRequest): ScriptedBlock[] {
  const ids = new Ids(request);
  let lastServerTool: string | undefined;
  return blocks.map((block) => {
    switch (block.type) {
      case 'tool_use':
        return { ...block, id: block.id === LATER ? ids.take('toolu') : block.id };
      case 'server_tool_use':
        if (!request.toolNames.includes(block.name)) {
          throw new ScriptError(`the scripted reply uses ${block.name}, which the request does not offer`);
        }
        lastServerTool = block.id === LATER ? ids.take('srvtoolu') : block.id;
        return { ...block, id: lastServerTool };
      case 'web_search_tool_result':
      case 'web_fetch_tool_result':
        if (lastServerTool === undefined)
          throw new ScriptError(`a scripted ${block.type} has no tool before it`);
        return { ...block, tool_use_id: lastServerTool };
      default:
        return block;
    }
  });
}

export function stopReasonOf(scripted: ScriptedReply): BetaStopReason {
  const has = (type: ScriptedBlock['type']) => scripted.blocks.some((block) => block.type === type);
  if (scripted.stopReason === 'pause_turn' && !has('server_tool_use')) {
    throw new ScriptError('a scripted reply pauses without a server tool, which the API never does');
  }
  return scripted.stopReason ?? (has('tool_use') ? 'tool_use' : 'end_turn');
}

export function serverToolUsage(blocks: readonly ScriptedBlock[]): BetaServerToolUsage | null {
  const count = (name: string) =>
    blocks.filter((block) => block.type === 'server_tool_use' && block.name === name).length;
  const usage = { web_search_requests: count('web_search'), web_fetch_requests: count('web_fetch') };
  return usage.web_search_requests + usage.web_fetch_requests > 0 ? usage : null;
}
