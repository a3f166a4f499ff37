/** A message request as scripts and faults see it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ReceivedMessageRequest, ReceivedToolResult } from './contracts.ts';
import { blocksOf, innerBlocks, stringIn, type MessageBody, type RequestBlock } from './request-body.ts';

function textsIn(blocks: readonly RequestBlock[]): string {
  return blocks
    .filter((block) => block.type === 'text')
    .map((block) => stringIn(block, 'text'))
    .join('\n');
}

function toolResultsIn(body: MessageBody): ReceivedToolResult[] {
  const blocks = body.messages.flatMap((message) => blocksOf(message.content));
  const names = new Map(
    blocks
      .filter((block) => block.type === 'tool_use')
      .map((block) => [stringIn(block, 'id'), stringIn(block, 'name')]),
  );
  const lastAssistant = body.messages.findLastIndex((message) => message.role === 'assistant');
  return body.messages
    .slice(lastAssistant + 1)
    .flatMap((message) => blocksOf(message.content))
    .filter((block) => block.type === 'tool_result')
    .map((block) => ({
      id: stringIn(block, 'tool_use_id'),
      name: names.get(stringIn(block, 'tool_use_id')) ?? '',
      text: stringIn(block, 'content') || textsIn(innerBlocks(block)),
      isError: block['is_error'] === true,
    }));
}

export function received(
  index: number,
  headers: IncomingHttpHeaders,
  body: MessageBody,
): ReceivedMessageRequest {
  const users = body.messages.filter((message) => message.role === 'user');
  return {
    index,
    headers,
    body,
    position: body.messages.filter((message) => message.role === 'assistant').length,
    systemText: body.system === undefined ? '' : textsIn(blocksOf(body.system)),
    userText: users.map((message) => textsIn(blocksOf(message.content))).join('\n'),
    toolNames: (body.tools ?? []).flatMap((tool) => tool.name ?? []),
    toolResults: toolResultsIn(body),
  };
}
