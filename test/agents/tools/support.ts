/** Calls a tool as the runtime does: the input goes through its schema, and what is thrown becomes an answer. */
import { runRunnableTool, type BetaToolRunContext } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import type { AgentTool } from '../../../src/agents/contracts.ts';

export interface Answer {
  readonly text: string;
  readonly isError: boolean;
}

export async function call(tool: AgentTool | undefined, input: unknown): Promise<Answer> {
  if (tool === undefined) throw new Error('There is no such tool.');
  const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'x', input } as const;
  const context = { toolUse, toolUseBlock: toolUse } as unknown as BetaToolRunContext;
  const done = await runRunnableTool(tool.tool, input, context);
  if (typeof done.content !== 'string') throw new Error('Not a text.');
  return { text: done.content, isError: done.isError };
}

/** Description of a tool, as the model sees it. */
export function nameOf(tool: AgentTool): string {
  return 'name' in tool.tool ? tool.tool.name : '';
}
