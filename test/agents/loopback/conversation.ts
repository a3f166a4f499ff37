/** The rules that hold between the messages of a request: calls and results, thinking, what may come last. */
import { invalid } from './errors.ts';
import { signatureOf } from './replies.ts';
import { blocksOf, stringIn, type RequestBlock, type RequestMessage } from './request-body.ts';

interface PlacedBlock {
  readonly block: RequestBlock;
  readonly path: string;
}

/** Neighbouring messages of one role are one turn to the API. */
interface Turn {
  readonly role: RequestMessage['role'];
  readonly path: string;
  readonly blocks: PlacedBlock[];
}

function turnsOf(messages: readonly RequestMessage[]): Turn[] {
  const turns: Turn[] = [];
  messages.forEach((message, at) => {
    let turn = turns.at(-1);
    if (turn?.role !== message.role) {
      turn = { role: message.role, path: `messages.${at}`, blocks: [] };
      turns.push(turn);
    }
    blocksOf(message.content).forEach((block, index) => {
      turn.blocks.push({ block, path: `messages.${at}.content.${index}` });
    });
  });
  return turns;
}

function checkBlocks(turn: Turn): void {
  for (const { block, path } of turn.blocks) {
    if (block.type === 'text' && stringIn(block, 'text').trim() === '') {
      throw invalid(`${path}: text content blocks must be non-empty and contain non-whitespace text`);
    }
    if (
      block.type === 'thinking' &&
      stringIn(block, 'signature') !== signatureOf(stringIn(block, 'thinking'))
    ) {
      throw invalid(`${path}: Invalid \`signature\` in \`thinking\` block`);
    }
  }
}

function checkToolPairs(turns: readonly Turn[]): void {
  const seen = new Set<string>();
  let open: string[] = [];
  let openPath = '';
  for (const turn of turns) {
    // Results count only at the very start of the turn that follows the calls.
    const first = turn.blocks.findIndex(({ block }) => block.type !== 'tool_result');
    const leading = first === -1 ? turn.blocks : turn.blocks.slice(0, first);
    const answered = new Set(
      turn.role === 'user' ? leading.map(({ block }) => stringIn(block, 'tool_use_id')) : [],
    );
    const missing = open.filter((id) => !answered.has(id));
    if (missing.length > 0) throw unanswered(openPath, missing);
    checkResults(turn, open);
    const calls = turn.blocks
      .filter(({ block }) => block.type === 'tool_use')
      .map(({ block }) => stringIn(block, 'id'));
    for (const id of calls) {
      if (seen.has(id)) throw invalid(`${turn.path}: \`tool_use\` ids must be unique (${id})`);
      seen.add(id);
    }
    open = calls;
    openPath = turn.path;
  }
  if (open.length > 0) throw unanswered(openPath, open);
}

function unanswered(path: string, ids: readonly string[]): Error {
  return invalid(
    `${path}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  );
}

function checkResults(turn: Turn, open: readonly string[]): void {
  const results = turn.blocks.filter(({ block }) => block.type === 'tool_result');
  const seen = new Set<string>();
  for (const { block, path } of results) {
    const id = stringIn(block, 'tool_use_id');
    if (!open.includes(id)) {
      throw invalid(
        `${path}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    }
    if (seen.has(id)) {
      throw invalid(
        `${path}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`,
      );
    }
    seen.add(id);
  }
}

/** A server tool's result stands in the same turn as its call; only the last turn may have been paused between them. */
function checkServerTools(turns: readonly Turn[]): void {
  for (const turn of turns) {
    const called = new Map<string, string>();
    for (const { block, path } of turn.blocks) {
      if (block.type === 'server_tool_use') called.set(stringIn(block, 'id'), path);
      if (block.type !== 'web_search_tool_result' && block.type !== 'web_fetch_tool_result') continue;
      const id = stringIn(block, 'tool_use_id');
      if (!called.delete(id)) {
        throw invalid(
          `${path}: unexpected \`tool_use_id\` found in \`${block.type}\` blocks: ${id}. Each \`${block.type}\` block must have a corresponding \`server_tool_use\` block before it.`,
        );
      }
    }
    const [lost] = called;
    if (lost && turn !== turns.at(-1)) {
      throw invalid(`${lost[1]}: \`server_tool_use\` id ${lost[0]} was found without a result block`);
    }
  }
}

/**
 * Only a paused turn may come last: the newer models take no prefill. A turn is paused among its server tools, so it
 * holds one; `stopReasonOf` keeps scripts to that.
 */
function checkLast(turn: Turn | undefined): void {
  if (turn?.role !== 'assistant' || turn.blocks.some(({ block }) => block.type === 'server_tool_use')) return;
  throw invalid(
    'This model does not support assistant message prefill. The conversation must end with a user message.',
  );
}

export function checkConversation(messages: readonly RequestMessage[]): void {
  if (messages.length === 0) throw invalid('messages: at least one message is required');
  const turns = turnsOf(messages);
  for (const turn of turns) {
    if (turn.role === 'user' && turn.blocks.length === 0) {
      throw invalid(`${turn.path}: user messages must have non-empty content`);
    }
    checkBlocks(turn);
  }
  checkToolPairs(turns);
  checkServerTools(turns);
  checkLast(turns.at(-1));
}
