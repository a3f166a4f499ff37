/**
 * The counterfactual: the same conversations with a model that gets the API's description instead of what the rules made of
 * it, and has to write what the compiler writes. Its requests are really sent, to a server that counts them as it counts
 * the real ones; what the model says in them is made up here out of the run's own results.
 */
import type { CompiledFile } from '../../src/blueprint/compiler/compile.ts';
import type { Blueprint, Stream } from '../../src/blueprint/schema.ts';
import { LOOPBACK_KEY, LoopbackServer, reply, type ScriptedBlock } from '../agents/loopback/index.ts';
import {
  blocksOf,
  type MessageBody,
  type RequestBlock,
  type RequestMessage,
} from '../agents/loopback/request-body.ts';
import { type Conversation, conversationsOf } from './agents-counts.ts';

/** Pieces of a first message that rules and the compiler made; all others stay. */
const MADE_BY_RULES =
  /^# (The API|Endpoints with open questions|Open questions|The API and its connector|The compiled files)\n/;
/** What the runtime allows for one answer: no more is written in one turn. */
const ANSWER_TOKENS = 16_000;
/** With more calls in a turn the cache would lose its place: it is looked for within 20 blocks, calls and their answers. */
const CALLS = 9;
const CACHED = { type: 'ephemeral' as const };

export interface Without {
  readonly description: string;
  readonly blueprint: Blueprint;
  /** Files that the agent has to write itself, by the prompt of its conversation. */
  readonly written: Readonly<Record<string, readonly CompiledFile[]>>;
  /** The last answer of a conversation, which its requests do not hold. */
  readonly lastReply: (body: MessageBody) => readonly ScriptedBlock[];
}

interface Exchange {
  readonly said: readonly ScriptedBlock[];
  /** What is sent back; none after a turn that was paused. */
  readonly answered: RequestMessage | undefined;
}

/** Sends the conversations again, in their order and to a server of their own. */
export async function without(
  conversations: readonly Conversation[],
  setup: Without,
): Promise<readonly Conversation[]> {
  const server = await LoopbackServer.start();
  try {
    for (const conversation of conversations) await converse(server, conversation, setup);
    return conversationsOf(server.messageRequests);
  } finally {
    await server.close();
  }
}

async function converse(
  server: LoopbackServer,
  { prompt, turns }: Conversation,
  setup: Without,
): Promise<void> {
  const last = turns.at(-1)?.body;
  const [first, ...rest] = last?.messages ?? [];
  if (last === undefined || first === undefined) return;
  const exchanges = [...writing(setup.written[prompt] ?? []), ...exchangesOf(rest, setup.lastReply(last))];
  const end = exchanges.at(-1);
  if (prompt === 'research' && end !== undefined) {
    exchanges[exchanges.length - 1] = { ...end, said: withStreams(end.said, setup.blueprint) };
  }
  const messages: RequestMessage[] = [firstMessage(first, setup.description)];
  for (const [index, { said, answered }] of exchanges.entries()) {
    const paused = answered === undefined && index < exchanges.length - 1;
    server.setScript(() => reply(said, paused ? { stopReason: 'pause_turn' } : {}));
    await send(server, { ...last, messages, stream: false });
    messages.push({ role: 'assistant', content: said as unknown as RequestBlock[] });
    if (answered !== undefined) messages.push(answered);
  }
}

async function send(server: LoopbackServer, body: MessageBody): Promise<void> {
  const response = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'x-api-key': LOOPBACK_KEY,
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`The server refused the counterfactual: ${await response.text()}`);
}

function firstMessage({ role, content }: RequestMessage, description: string): RequestMessage {
  const kept = blocksOf(content).filter((block) => !MADE_BY_RULES.test(String(block['text'])));
  const bare = kept.map(({ cache_control: _, ...block }) => block as RequestBlock);
  const text = `# The description of the API\n\n${description.trim()}\n`;
  return { role, content: [{ type: 'text', text, cache_control: CACHED }, ...bare] };
}

function exchangesOf(messages: readonly RequestMessage[], last: readonly ScriptedBlock[]): Exchange[] {
  const exchanges = messages.flatMap((message, index): Exchange[] => {
    if (message.role !== 'assistant') return [];
    const next = messages[index + 1];
    const said = blocksOf(message.content) as unknown as readonly ScriptedBlock[];
    return [{ said, answered: next?.role === 'user' ? next : undefined }];
  });
  return [...exchanges, { said: last, answered: undefined }];
}

/** As few turns as the length of an answer and the cache allow, each with as many calls of `write` as fit. */
function writing(files: readonly CompiledFile[]): Exchange[] {
  const turns: CompiledFile[][] = [];
  let room = 0;
  for (const file of files) {
    const tokens = Math.ceil(JSON.stringify(file.content).length / 4);
    if (tokens > room || (turns.at(-1)?.length ?? CALLS) >= CALLS) {
      turns.push([]);
      room = ANSWER_TOKENS;
    }
    turns.at(-1)?.push(file);
    room -= tokens;
  }
  return turns.map((turn, nth) => {
    const calls = turn.map(({ path, content }, index) => ({
      type: 'tool_use' as const,
      id: `toolu_9${String(nth).padStart(2, '0')}${String(index).padStart(3, '0')}`,
      name: 'write',
      input: { file_path: path, content },
    }));
    const answers = calls.map(({ id, input }) => ({
      type: 'tool_result',
      tool_use_id: id,
      content: `wrote ${input.file_path}`,
      is_error: false,
    }));
    return { said: calls, answered: { role: 'user', content: answers } };
  });
}

/** The research agent's own form for streams of an API that no rule has read, without quotes. */
function withStreams(said: readonly ScriptedBlock[], blueprint: Blueprint): ScriptedBlock[] {
  return said.map((block) => {
    if (block.type !== 'text') return block;
    const answer = JSON.parse(block.text) as Record<string, unknown>;
    const streams = blueprint.streams.filter((stream) => stream.selected).map(claimed);
    const from = { url: blueprint.source.location, quote: '' };
    const { title, version, docsUrl = '' } = blueprint.api;
    const { baseUrl } = blueprint;
    const auth = JSON.stringify(blueprint.auth);
    const api = { title, version, docsUrl, baseUrl, baseUrlFrom: from, auth, authFrom: from };
    return { ...block, text: JSON.stringify({ ...answer, streams, api }) };
  });
}

function claimed(stream: Stream): object {
  const { name, title = '', path, method, recordShape, paging, incremental, parent, schema } = stream;
  return {
    name,
    title,
    path,
    method,
    recordPath: stream.recordPath.join('.'),
    recordShape,
    primaryKey: stream.primaryKey.map((key) => key.join('.')),
    rowSchema: JSON.stringify(schema),
    parameters: stream.parameters.map(({ name: parameter, in: place, type, required }) => ({
      name: parameter,
      in: place,
      type,
      required,
      value: null,
    })),
    paging: JSON.stringify(paging),
    incremental: incremental === undefined ? null : JSON.stringify(incremental),
    parent: parent === undefined ? null : JSON.stringify(parent),
    url: '',
    quote: '',
  };
}
