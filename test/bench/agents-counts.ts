/** What requests to the loopback server came to: by stage, by conversation, in tokens and in dollars. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BetaUsage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import { requirePrice } from '../../src/agents/cost/prices.ts';
import { usageOf } from '../../src/agents/cost/usage.ts';
import { NO_USAGE, StageName, type Usage } from '../../src/pipeline/contracts.ts';
import { addUsage } from '../../src/pipeline/view.ts';
import type { RecordedRequest } from '../agents/loopback/index.ts';
import type { MessageBody } from '../agents/loopback/request-body.ts';

export interface Conversation {
  readonly stage: StageName;
  /** Name of the prompt: `generate-fix`. */
  readonly prompt: string;
  /** The requests in their order, each with what it cost. */
  readonly turns: readonly { readonly body: MessageBody; readonly usage: Usage }[];
}

const PROMPTS = join(import.meta.dirname, '../../src/agents/prompts');
const prompts = new Map(
  readdirSync(PROMPTS).map((file) => [
    readFileSync(join(PROMPTS, file), 'utf8').trim(),
    file.replace(/\.md$/, ''),
  ]),
);

/** The conversations that the requests belong to: told apart by their system prompt and their first message. */
export function conversationsOf(requests: readonly RecordedRequest[]): Conversation[] {
  const found = new Map<string, { prompt: string; turns: { body: MessageBody; usage: Usage }[] }>();
  for (const { message, answer } of requests) {
    if (message === undefined || answer?.outcome !== 'answered' || answer.usage === undefined) continue;
    const prompt = prompts.get(message.systemText.trim()) ?? 'unknown';
    // Breakpoints of the cache wander with the turns.
    const first = JSON.stringify([prompt, message.body.messages[0]], (key, value: unknown) =>
      key === 'cache_control' ? undefined : value,
    );
    const key = createHash('sha256').update(first).digest('hex');
    const conversation = found.get(key) ?? { prompt, turns: [] };
    conversation.turns.push({ body: message.body, usage: costOf(message.body.model, answer.usage) });
    found.set(key, conversation);
  }
  return [...found.values()].map(({ prompt, turns }) => ({
    stage: StageName.parse(prompt.split('-')[0]),
    prompt,
    turns,
  }));
}

function costOf(model: string, usage: BetaUsage): Usage {
  return usageOf(usage, requirePrice(model, new Date()));
}

export function sum(conversations: readonly Conversation[]): Usage {
  return conversations.flatMap(({ turns }) => turns.map(({ usage }) => usage)).reduce(addUsage, NO_USAGE);
}

/** Of the input of second and later turns, how much was read from the cache; undefined where there are none. */
export function readLater(conversations: readonly Conversation[]): number | undefined {
  const later = conversations.flatMap(({ turns }) => turns.slice(1).map(({ usage }) => usage));
  const { inputTokens, cacheReadTokens } = later.reduce(addUsage, NO_USAGE);
  return inputTokens === 0 ? undefined : cacheReadTokens / inputTokens;
}

/** Of the second and later requests, those that read the whole prompt of the one before from the cache. */
export function wholeReads(conversations: readonly Conversation[]): {
  readonly whole: number;
  readonly of: number;
} {
  const pairs = conversations.flatMap(({ turns }) =>
    turns.slice(1).map(({ usage }, index) => ({ usage, before: turns[index]?.usage.inputTokens ?? 0 })),
  );
  const whole = pairs.filter(({ usage, before }) => usage.cacheReadTokens >= before).length;
  return { whole, of: pairs.length };
}

/** Tokens of the first request, and by how much the prompt grows from one to the next. */
export function shapeOf({ turns }: Conversation): { readonly first: number; readonly growth: number } {
  const first = turns[0]?.usage.inputTokens ?? 0;
  const last = turns.at(-1)?.usage.inputTokens ?? first;
  return { first, growth: turns.length < 2 ? 0 : (last - first) / (turns.length - 1) };
}

/** Columns as wide as their widest cell; the first to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      widths
        .map((width, column) => {
          const cell = row[column] ?? '';
          return column === 0 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const number = (value: number): string => Math.round(value).toLocaleString('en');
export const dollars = (usd: number): string => `$${usd.toFixed(4)}`;
export const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(100 * share).toFixed(1)}%`;
export const times = (part: number, whole: number): string =>
  part === 0 ? '–' : `${(whole / part).toFixed(1)}×`;
