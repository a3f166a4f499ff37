/** What is sent to the model: stable parts first, so that they are read from the prompt cache. */
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { betaZodOutputFormat } from '@anthropic-ai/sdk/helpers/beta/zod';
import type { BetaToolUnion } from '@anthropic-ai/sdk/resources/beta';
import type { BetaMessageParam, BetaTextBlockParam } from '@anthropic-ai/sdk/resources/beta/messages';
import type { z } from 'zod';
import { sha256 } from '../store/files.ts';
import type { Given } from './contracts.ts';
import type { RequestHashes } from './transcript.ts';
import type { TurnParams } from './turn.ts';

const CACHED = { type: 'ephemeral' } as const;

/** The first message, a block for each piece; a cache breakpoint stands behind the last of those that stay the same. */
export function firstBlocks(given: readonly Given[], redact: (text: string) => string): BetaTextBlockParam[] {
  const sorted = [...given.filter((piece) => piece.stable), ...given.filter((piece) => !piece.stable)];
  const lastStable = given.filter((piece) => piece.stable).length - 1;
  return sorted.map((piece, index) => ({
    type: 'text',
    text: `# ${piece.title}\n\n${redact(piece.text).trim()}\n`,
    ...(index === lastStable ? { cache_control: CACHED } : {}),
  }));
}

export interface RequestParts {
  readonly model: string;
  readonly maxTokens: number;
  readonly prompt: string;
  readonly messages: readonly BetaMessageParam[];
  readonly tools: readonly (BetaToolUnion | BetaRunnableTool)[];
  readonly schema: z.ZodType;
}

export function turnParams(parts: RequestParts): TurnParams {
  // Checked by us, with the reasons sent back: the SDK's own check would throw the whole answer away.
  const { type, schema } = betaZodOutputFormat(parts.schema);
  return {
    model: parts.model,
    max_tokens: parts.maxTokens,
    system: [{ type: 'text', text: parts.prompt, cache_control: CACHED }],
    messages: withLastBreakpoint(parts.messages),
    tools: parts.tools,
    output_config: { format: { type, schema } },
    // The API sets a further breakpoint behind the newest block: each turn reads what the one before wrote.
    cache_control: CACHED,
  };
}

/**
 * Marks the block at which the request before this one ended, where the cache was written: the API looks back only some
 * twenty blocks from a breakpoint, and a turn with many calls is longer than that.
 */
function withLastBreakpoint(messages: readonly BetaMessageParam[]): BetaMessageParam[] {
  const answered = messages.findLastIndex((message) => message.role === 'assistant');
  const index = messages.slice(0, Math.max(0, answered)).findLastIndex((message) => message.role === 'user');
  const message = messages[index];
  if (message?.role !== 'user' || typeof message.content === 'string') return [...messages];
  const last = message.content.at(-1);
  if (last === undefined) return [...messages];
  const content = [...message.content.slice(0, -1), { ...last, cache_control: CACHED } as typeof last];
  return messages.with(index, { ...message, content });
}

/** Only what goes over the wire of a tool. */
function definition(tool: BetaToolUnion | BetaRunnableTool): unknown {
  return Object.fromEntries(Object.entries(tool).filter(([, value]) => typeof value !== 'function'));
}

export function hashesOf(params: TurnParams): RequestHashes {
  const hash = (value: unknown): string => sha256(JSON.stringify(value)).slice(0, 16);
  return {
    system: hash(params.system),
    tools: hash([params.tools.map(definition), params.output_config]),
    messages: params.messages.map(hash),
  };
}

/** Characters of the whole request, for an estimate of its tokens. */
export function sizeOf(params: TurnParams): number {
  const { system, messages, output_config } = params;
  return JSON.stringify([system, messages, output_config, params.tools.map(definition)]).length;
}
