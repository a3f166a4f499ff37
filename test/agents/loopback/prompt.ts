/** A request as the cache sees it: blocks in the order tools, system, messages, with their breakpoints. */
import {
  blocksOf,
  innerBlocks,
  stringIn,
  type CacheControl,
  type CountBody,
  type RequestBlock,
  type RequestTool,
} from './request-body.ts';

export type Ttl = '5m' | '1h';

export interface PromptBlock {
  /** What makes this block the same block in a later request. */
  readonly identity: string;
  readonly tokens: number;
  /** Where it stands, in the API's words. */
  readonly path: string;
  /** How long the prefix up to here is to be kept; `null` without a breakpoint. */
  readonly breakpoint: Ttl | null;
}

export function tokensOf(block: unknown): number {
  return Math.ceil(JSON.stringify(block).length / 4);
}

export function ttlOf(control: CacheControl): Ttl {
  return control.ttl ?? '5m';
}

type Marked = Pick<RequestBlock, 'cache_control'>;

/** Breakpoints are no part of what is cached. A tool's input is left alone: a key of that name there is data. */
function unmarked(block: RequestBlock | RequestTool): object {
  const { cache_control: _, ...rest } = block;
  // The order of a block's own keys is no difference between two blocks, that of the keys in an input is one.
  const sorted = Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Array.isArray(sorted['content'])
    ? { ...sorted, content: (sorted['content'] as RequestBlock[]).map(unmarked) }
    : sorted;
}

/** The markers on a block and in it: a text in a tool result may carry one. */
export function markersOf(block: RequestBlock | RequestTool): readonly CacheControl[] {
  const inner: readonly Marked[] =
    'type' in block && block.type === 'tool_result' ? innerBlocks(block as RequestBlock) : [];
  return [block, ...inner].flatMap((marked) => marked.cache_control ?? []);
}

/** Thinking can be cached with what follows it, but cannot carry a breakpoint itself. */
export function mayCarryBreakpoint(block: RequestBlock | RequestTool): boolean {
  if (block.type === 'thinking' || block.type === 'redacted_thinking') return false;
  return block.type !== 'text' || stringIn(block as RequestBlock, 'text') !== '';
}

interface Placed {
  readonly block: RequestBlock | RequestTool;
  readonly section: string;
  readonly path: string;
}

export function placedBlocks(body: CountBody): Placed[] {
  const tools = (body.tools ?? []).map((block, index) => ({
    block,
    section: 'tools',
    path: `tools.${index}`,
  }));
  const system = blocksOf(body.system ?? []).map((block, index) => ({
    block,
    section: 'system',
    path: `system.${index}`,
  }));
  const messages = body.messages.flatMap((message, at) =>
    blocksOf(message.content).map((block, index) => ({
      block,
      section: message.role,
      path: `messages.${at}.content.${index}`,
    })),
  );
  return [...tools, ...system, ...messages];
}

/** What changes everything that the model makes of the messages, and so their cache, but not that of tools and system. */
function settingsOf(body: CountBody): string {
  const output = body['output_config'];
  const format = typeof output === 'object' && output !== null && 'format' in output ? output.format : null;
  return JSON.stringify([body.tool_choice ?? null, body['thinking'] ?? null, format]);
}

export function promptBlocks(body: CountBody): PromptBlock[] {
  const placed = placedBlocks(body);
  const automatic = body.cache_control ? placed.findLastIndex(({ block }) => mayCarryBreakpoint(block)) : -1;
  const settings = settingsOf(body);
  return placed.map(({ block, section, path }, index) => {
    const bare = unmarked(block);
    const own = markersOf(block).at(-1);
    const control = own ?? (index === automatic ? body.cache_control : undefined);
    const seed = section === 'tools' || section === 'system' ? section : `${section} ${settings}`;
    return {
      identity: `${seed} ${JSON.stringify(bare)}`,
      tokens: tokensOf(bare),
      path,
      breakpoint: control ? ttlOf(control) : null,
    };
  });
}

export function countTokens(body: CountBody): number {
  return promptBlocks(body).reduce((sum, block) => sum + block.tokens, 0);
}
