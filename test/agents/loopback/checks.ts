/** Refuses what the API would refuse, in its words. */
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import { ApiError, invalid } from './errors.ts';
import { countTokens, markersOf, mayCarryBreakpoint, placedBlocks, ttlOf } from './prompt.ts';
import { checkConversation } from './conversation.ts';
import type { CountBody, MessageBody } from './request-body.ts';

const MAX_BREAKPOINTS = 4;

function checkTools(body: CountBody): void {
  const names = new Set<string>();
  (body.tools ?? []).forEach((tool, index) => {
    const custom = tool.type === undefined || tool.type === null || tool.type === 'custom';
    if (custom && tool.input_schema === undefined) {
      throw invalid(`tools.${index}.custom.input_schema: Field required`);
    }
    if (tool.name === undefined) {
      if (custom) throw invalid(`tools.${index}.custom.name: Field required`);
      return;
    }
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name)) {
      throw invalid(`tools.${index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    }
    if (names.has(tool.name)) throw invalid('tools: Tool names must be unique.');
    names.add(tool.name);
  });
}

function checkCacheControl(body: CountBody): void {
  const placed = placedBlocks(body);
  for (const { block, path } of placed) {
    if (block.cache_control && !mayCarryBreakpoint(block)) {
      throw invalid(
        block.type === 'text'
          ? `${path}: cache_control cannot be set for empty text blocks`
          : `${path}.${block.type ?? 'custom'}.cache_control: Extra inputs are not permitted`,
      );
    }
  }
  const markers = placed.flatMap(({ block }) => markersOf(block));
  const found = markers.length + (body.cache_control ? 1 : 0);
  if (found > MAX_BREAKPOINTS) {
    throw invalid(
      `A maximum of ${MAX_BREAKPOINTS} blocks with cache_control may be provided. Found ${found}.`,
    );
  }
  const lifetimes = [...markers, ...(body.cache_control ? [body.cache_control] : [])].map(ttlOf);
  if (lifetimes.includes('5m') && lifetimes.lastIndexOf('1h') > lifetimes.indexOf('5m')) {
    throw invalid("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block");
  }
}

function findModel(body: CountBody, models: readonly ModelInfo[]): ModelInfo {
  const model = models.find(({ id }) => id === body.model);
  if (!model || model.lifecycle === 'retired') throw new ApiError(404, `model: ${body.model}`);
  return model;
}

/** What counting tokens and sending a message have in common. */
export function checkPrompt(body: CountBody, models: readonly ModelInfo[]): ModelInfo {
  const model = findModel(body, models);
  if (body['thread'] !== undefined && body['thread'] !== null) {
    throw invalid(
      'thread: the loopback server holds no threads; send the whole history with `thread: false`',
    );
  }
  checkTools(body);
  checkCacheControl(body);
  checkConversation(body.messages);
  return model;
}

export function checkMessage(body: MessageBody, models: readonly ModelInfo[]): void {
  const model = checkPrompt(body, models);
  if (model.max_tokens !== null && body.max_tokens > model.max_tokens) {
    throw invalid(
      `max_tokens: ${body.max_tokens} > ${model.max_tokens}, which is the maximum allowed number of output tokens for ${model.id}`,
    );
  }
  const tokens = countTokens(body);
  if (model.max_input_tokens !== null && tokens > model.max_input_tokens) {
    throw invalid(`prompt is too long: ${tokens} tokens > ${model.max_input_tokens} maximum`);
  }
}
