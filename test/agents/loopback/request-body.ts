/** The shape of message requests: only what the server looks at; what else a request has is kept as it came. */
import { z } from 'zod';
import { invalid } from './errors.ts';

const cacheControl = z.looseObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() });

const block = z.looseObject({ type: z.string(), cache_control: cacheControl.nullish() });

const content = z.union([z.string(), z.array(block)]);

const tool = z.looseObject({
  type: z.string().nullish(),
  name: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object') }).optional(),
  cache_control: cacheControl.nullish(),
});

const countBody = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content })),
  system: content.optional(),
  tools: z.array(tool).optional(),
  cache_control: cacheControl.nullish(),
  tool_choice: z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']) }).optional(),
});

const messageBody = countBody.extend({
  max_tokens: z.int().min(1),
  stream: z.boolean().optional(),
});

export type CacheControl = z.infer<typeof cacheControl>;
export type RequestBlock = z.infer<typeof block>;
export type RequestTool = z.infer<typeof tool>;
export type CountBody = z.infer<typeof countBody>;
export type MessageBody = z.infer<typeof messageBody>;
export type RequestMessage = CountBody['messages'][number];

/** The first problem in the API's words: the path, then what is wrong. */
function describe(error: z.ZodError, body: unknown): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'the body is invalid';
  const path = issue.path.map(String);
  let value = body;
  for (const key of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return `${path.join('.') || 'body'}: ${value === undefined ? 'Field required' : issue.message}`;
}

export function readMessageBody(body: unknown): MessageBody {
  const read = messageBody.safeParse(body);
  if (!read.success) throw invalid(describe(read.error, body));
  return read.data;
}

export function readCountBody(body: unknown): CountBody {
  const read = countBody.safeParse(body);
  if (!read.success) throw invalid(describe(read.error, body));
  return read.data;
}

/** The body if it has the right shape: faults and records want to look at it before anything is refused. */
export function messageBodyOf(body: unknown): MessageBody | undefined {
  const read = messageBody.safeParse(body);
  return read.success ? read.data : undefined;
}

/** A string is short for one text block. */
export function blocksOf(value: string | readonly RequestBlock[]): readonly RequestBlock[] {
  return typeof value === 'string' ? [{ type: 'text', text: value }] : value;
}

/** The blocks in a block's own `content`, such as the texts in a tool result. */
export function innerBlocks(outer: RequestBlock): readonly RequestBlock[] {
  const read = z.array(block).safeParse(outer['content']);
  return read.success ? read.data : [];
}

export function stringIn(outer: RequestBlock, key: string): string {
  const value = outer[key];
  return typeof value === 'string' ? value : '';
}
