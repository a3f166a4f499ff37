/** The end of a conversation: the model's last message as a value that has passed its schema, or the reasons why not. */
import { z } from 'zod';
import type { AgentTask, Conversation, SeenDocument } from './contracts.ts';
import type { Recorded, TranscriptEntry } from './transcript.ts';

export type Judged<R> =
  | { readonly kind: 'good'; readonly value: R }
  | { readonly kind: 'bad'; readonly reasons: readonly string[] };

const MOST_REASONS = 12;
const HELD_SECRET = 'It held what looks like a credential, which was taken out: describe it instead.';

function textOf(turn: Recorded<'turn'>): string {
  return turn.content
    .flatMap((block) => (block.type === 'text' && typeof block['text'] === 'string' ? [block['text']] : []))
    .join('');
}

/** Judges the last message. Only JSON counts: nothing is read out of prose. */
export async function judge<R>(
  task: AgentTask<R>,
  turn: Recorded<'turn'>,
  conversation: Conversation,
): Promise<Judged<R>> {
  // Its checks would see what was put in its place: `[redacted]` would end up in a file or in a commit.
  if (turn.redacted === true) return { kind: 'bad', reasons: [HELD_SECRET] };
  let json: unknown;
  try {
    json = JSON.parse(textOf(turn));
  } catch {
    return { kind: 'bad', reasons: ['It is not one JSON value of the schema that was asked for.'] };
  }
  const parsed = task.result.schema.safeParse(json);
  if (!parsed.success) return { kind: 'bad', reasons: issues(parsed.error) };
  const reasons = (await task.check?.(parsed.data, conversation)) ?? [];
  return reasons.length === 0
    ? { kind: 'good', value: parsed.data }
    : { kind: 'bad', reasons: reasons.slice(0, MOST_REASONS) };
}

function issues(error: z.ZodError): string[] {
  return error.issues
    .slice(0, MOST_REASONS)
    .map((issue) => `${issue.path.length === 0 ? 'The value' : issue.path.join('.')}: ${issue.message}`);
}

export function correctionText(reasons: readonly string[]): string {
  return [
    'This result can’t be used:',
    ...reasons.map((reason) => `- ${reason}`),
    'Correct it and give the whole result again.',
  ].join('\n');
}

/** Documents whose text the conversation has seen: what our own tools fetched, and what the API's web fetch brought. */
export function documentsOf(entries: readonly TranscriptEntry[]): SeenDocument[] {
  const inputs = new Map<string, unknown>();
  const documents: SeenDocument[] = [];
  for (const entry of entries) {
    if (entry.type === 'turn') {
      for (const block of entry.content) {
        if (block.type === 'tool_use') inputs.set(String(block['id']), block['input']);
        const fetched = Fetched.safeParse(block).data?.content;
        if (fetched !== undefined)
          documents.push({ url: fetched.url, text: fetched.content.source.data, at: entry.at });
      }
    }
    if (entry.type === 'answer' && entry.outside && !entry.isError && typeof entry.content === 'string') {
      const url = WithUrl.safeParse(inputs.get(entry.id)).data?.url;
      if (url !== undefined) documents.push({ url, text: entry.content, at: entry.at });
    }
  }
  return documents;
}

const WithUrl = z.object({ url: z.string() });
const Fetched = z.object({
  type: z.literal('web_fetch_tool_result'),
  content: z.object({
    url: z.string(),
    content: z.object({ source: z.object({ type: z.literal('text'), data: z.string() }) }),
  }),
});
