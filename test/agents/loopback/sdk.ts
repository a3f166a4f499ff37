/** The official SDK as the server's own tests drive it. */
import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import type { BetaMessage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import { z } from 'zod';
import { LOOPBACK_KEY, type LoopbackServer } from './server.ts';

export const MODEL = 'claude-opus-5-5';

/** No retries unless a test is about them; and no look at the environment's keys. */
export function clientOf(server: LoopbackServer, maxRetries = 0): Anthropic {
  return new Anthropic({
    baseURL: server.url,
    apiKey: LOOPBACK_KEY,
    authToken: null,
    maxRetries,
    logLevel: 'off',
  });
}

export interface Run {
  readonly client: Anthropic;
  /** Takes the inputs of the tool `look`. */
  readonly seen?: string[];
  readonly system?: string;
  readonly signal?: AbortSignal;
  readonly timeout?: number;
  readonly onEvent?: (type: string) => void;
}

/** A conversation with one tool, to its end, over the streamed tool runner. */
export async function converse({ client, seen = [], ...run }: Run): Promise<BetaMessage> {
  const look = betaZodTool({
    name: 'look',
    description: 'Looks at a path.',
    inputSchema: z.object({ path: z.string() }),
    run: ({ path }) => {
      seen.push(path);
      return `saw ${path}`;
    },
  });
  const runner = client.beta.messages.toolRunner(
    {
      thread: false,
      stream: true,
      model: MODEL,
      max_tokens: 4096,
      cache_control: { type: 'ephemeral' },
      system: run.system ?? 'role: research',
      messages: [{ role: 'user', content: 'Look around.' }],
      tools: [
        look,
        { type: 'web_search_20260318', name: 'web_search' },
        { type: 'web_fetch_20260318', name: 'web_fetch' },
      ],
    },
    {
      ...(run.signal && { signal: run.signal }),
      ...(run.timeout !== undefined && { timeout: run.timeout }),
    },
  );
  for await (const stream of runner) {
    for await (const event of stream) run.onEvent?.(event.type);
  }
  return runner.done();
}

export async function rejection(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('it was expected to fail');
}
