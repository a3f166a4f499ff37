/** The models that the server knows, as the Models API lists them. */
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';

/** An id alone, or an id with the fields that matter to a test. */
export type ScriptedModel = string | (Partial<ModelInfo> & { readonly id: string });

export const DEFAULT_MODELS: readonly ScriptedModel[] = [
  'claude-opus-5-5',
  'claude-sonnet-5-5',
  'claude-haiku-5-5',
];

export function modelInfo(model: ScriptedModel): ModelInfo {
  const given = typeof model === 'string' ? { id: model } : model;
  return {
    type: 'model',
    display_name: given.id,
    created_at: '2026-01-01T00:00:00Z',
    lifecycle: 'active',
    line: null,
    capabilities: null,
    max_input_tokens: 1_000_000,
    max_tokens: 128_000,
    deprecated_at: null,
    retires_at: null,
    ...given,
  };
}

export interface ModelPage {
  readonly data: readonly ModelInfo[];
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

export function modelPage(models: readonly ModelInfo[], query: Readonly<Record<string, string>>): ModelPage {
  const limit = Number(query['limit'] ?? 20);
  const { after_id: after, before_id: before } = query;
  const start = after === undefined ? 0 : models.findIndex((model) => model.id === after) + 1;
  const end = before === undefined ? models.length : models.findIndex((model) => model.id === before);
  const range = models.slice(start, Math.max(start, end));
  const data = before === undefined ? range.slice(0, limit) : range.slice(-limit);
  return {
    data,
    has_more: range.length > data.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
