/**
 * A runtime without a model, for tests of a stage: each conversation is one function of the test. It works with the task's
 * own tools, so that real files change, and what it returns must pass the task's own schema and check.
 */
import {
  type BetaToolRunContext,
  runRunnableTool,
  toolName,
} from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import type { z } from 'zod';
import type {
  AgentOutcome,
  AgentPaused,
  AgentRuntime,
  AgentTask,
  Conversation,
  SeenDocument,
} from '../../../src/agents/contracts.ts';
import { SourcewrightError } from '../../../src/errors.ts';
import type { StageContext } from '../../../src/pipeline/contracts.ts';

/** What a script may do in place of a model. */
export interface Hand {
  readonly task: AgentTask<unknown>;
  /** Names of all tools that the task offers, those of the API included. */
  readonly toolNames: readonly string[];
  /** The text of all pieces of the first message. */
  readonly given: string;
  /** Calls one of the task's tools; the answer is what a model would read. */
  call(tool: string, input: unknown): Promise<{ readonly text: string; readonly isError: boolean }>;
  /** Makes a document count as seen in this conversation. */
  see(document: SeenDocument): void;
}

/** One conversation: returns the result, or how the conversation was paused. */
export type Script = (hand: Hand) => unknown;

export interface StubRuntime extends AgentRuntime {
  /** The tasks that were run, in order. */
  readonly tasks: readonly AgentTask<unknown>[];
}

/** Ends a conversation as a budget that is used up does. */
export const PAUSED: AgentPaused = {
  status: 'paused',
  cause: 'budget',
  message: 'The budget is used up.',
  cure: 'Raise it, then resume.',
};

function handFor(task: AgentTask<unknown>, documents: SeenDocument[]): Hand {
  let calls = 0;
  return {
    task,
    toolNames: [
      ...task.tools.map(({ tool }) => toolName(tool)),
      ...(task.serverTools ?? []).map((tool) => toolName(tool)),
    ],
    given: task.given.map(({ title, text }) => `# ${title}\n${text}`).join('\n\n'),
    async call(name, input) {
      const found = task.tools.find(({ tool }) => toolName(tool) === name);
      if (found === undefined) throw new Error(`The task has no tool ${name}.`);
      calls += 1;
      const toolUse = { type: 'tool_use' as const, id: `toolu_${calls}`, name, input };
      const context = { toolUse, signal: task.context.signal } as unknown as BetaToolRunContext;
      const { content, isError } = await runRunnableTool(found.tool, input, context);
      return { text: typeof content === 'string' ? content : JSON.stringify(content), isError };
    },
    see: (document) => {
      documents.push(document);
    },
  };
}

function isPaused(value: unknown): value is AgentPaused {
  return typeof value === 'object' && value !== null && 'status' in value && value.status === 'paused';
}

async function converse<R>(task: AgentTask<R>, script: Script): Promise<AgentOutcome<R>> {
  const documents: SeenDocument[] = [];
  const conversation: Conversation = { documents };
  const said = await script(handFor(task as AgentTask<unknown>, documents));
  if (isPaused(said)) return said;
  const parsed = task.result.schema.safeParse(JSON.parse(JSON.stringify(said)));
  if (!parsed.success)
    throw new SourcewrightError('model', `The result does not fit: ${parsed.error.message}`);
  const reasons = (await task.check?.(parsed.data, conversation)) ?? [];
  if (reasons.length > 0)
    throw new SourcewrightError('model', `The result was refused: ${reasons.join(' ')}`);
  return { status: 'done', result: parsed.data, conversation, refusals: [] };
}

/** Answers the first conversation with the first script, and so on; one more conversation is a failure. */
export function stubRuntime(...scripts: readonly Script[]): StubRuntime {
  const tasks: AgentTask<unknown>[] = [];
  return {
    webDomains: [],
    tasks,
    async run<R>(task: AgentTask<R>): Promise<AgentOutcome<R>> {
      const script = scripts[tasks.length];
      tasks.push(task as AgentTask<unknown>);
      if (script === undefined)
        throw new Error(`No conversation was expected, but ${task.prompt} was asked.`);
      return converse(task, script);
    },
    async input<T>(
      _context: StageContext,
      _name: string,
      schema: z.ZodType<T>,
      make: () => Promise<T>,
    ): Promise<T> {
      return schema.parse(await make());
    },
  };
}
