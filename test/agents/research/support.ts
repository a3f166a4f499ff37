/** A runtime that answers from a script, through the task's own schema and check, as the real one does. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type {
  AgentOutcome,
  AgentPaused,
  AgentRuntime,
  AgentTask,
  SeenDocument,
} from '../../../src/agents/contracts.ts';
import type { Blueprint, Fact, Stream } from '../../../src/blueprint/schema.ts';
import { SourcewrightError } from '../../../src/errors.ts';
import { Brief, type Feedback, type StageContext } from '../../../src/pipeline/contracts.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';
import { createAgentResearch } from '../../../src/stages/research/agent.ts';
import type { Claim, ResearchAnswer } from '../../../src/stages/research/agent/answer.ts';
import { minimal } from '../../unit/openapi-reading/support.ts';
import { dependencies, stageContext, type Setup } from '../../unit/research/support.ts';

export const AT = '2026-11-27T12:00:00.000Z';

/** What the model does in one turn: calls a tool, gets a page, or answers. */
export type Step =
  | { readonly call: string; readonly input: Readonly<Record<string, unknown>> }
  | { readonly page: string; readonly text: string }
  | { readonly answer: Partial<ResearchAnswer> }
  | { readonly pause: AgentPaused };

export class ScriptedRuntime implements AgentRuntime {
  readonly #steps: Step[];
  readonly #inputs: Map<string, unknown>;
  readonly tasks: AgentTask<unknown>[] = [];
  readonly reasons: (readonly string[])[] = [];
  /** What tools answered, errors included. */
  readonly answers: string[] = [];
  readonly inputsMade: string[] = [];
  webDomains: readonly string[] = [];

  /** `inputs` of a run that is resumed. */
  constructor(steps: readonly Step[] = [], inputs = new Map<string, unknown>()) {
    this.#steps = [...steps];
    this.#inputs = inputs;
  }

  get inputs(): ReadonlyMap<string, unknown> {
    return this.#inputs;
  }

  get left(): number {
    return this.#steps.length;
  }

  async run<R>(task: AgentTask<R>): Promise<AgentOutcome<R>> {
    this.tasks.push(task as unknown as AgentTask<unknown>);
    const documents: SeenDocument[] = [];
    let corrections = 0;
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      if ('pause' in step) return step.pause;
      if ('page' in step) documents.push({ url: step.page, text: step.text, at: AT });
      else if ('call' in step) documents.push(...(await this.#call(task, step.call, step.input)));
      else {
        const result = task.result.schema.parse({ ...EMPTY, ...step.answer });
        const reasons = (await task.check?.(result, { documents })) ?? [];
        if (reasons.length === 0)
          return { status: 'done', result, conversation: { documents }, refusals: [] };
        this.reasons.push(reasons);
        corrections += 1;
        if (corrections > 2) throw new SourcewrightError('model', reasons[0] ?? '');
      }
    }
    throw new Error('The script has ended without a result.');
  }

  /** As the real runtime: what a tool that reaches outside answers to a URL is a document. */
  async #call<R>(
    task: AgentTask<R>,
    name: string,
    input: Readonly<Record<string, unknown>>,
  ): Promise<SeenDocument[]> {
    const found = task.tools.find(({ tool }) => 'name' in tool && tool.name === name);
    assert.ok(found, `there is no tool ${name}`);
    assert.equal(found.outside, true);
    try {
      const text = await found.tool.run(found.tool.parse(input));
      assert.ok(typeof text === 'string');
      this.answers.push(text);
      return [{ url: String(input['url']), text, at: AT }];
    } catch (error) {
      if (error instanceof SourcewrightError && error.code === 'cancelled') throw error;
      this.answers.push(`error: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  }

  async input<T>(
    context: StageContext,
    name: string,
    schema: z.ZodType<T>,
    make: () => Promise<T>,
  ): Promise<T> {
    const key = `${context.attempt} ${name}`;
    if (!this.#inputs.has(key)) {
      this.inputsMade.push(name);
      this.#inputs.set(key, JSON.parse(JSON.stringify(await make())));
    }
    return schema.parse(this.#inputs.get(key));
  }
}

const EMPTY: ResearchAnswer = {
  summary: 'Read what there is.',
  claims: [],
  streams: [],
  api: null,
  beyond: [],
  existingConnectors: [],
  withdrawn: [],
  openQuestions: [],
};

export interface Ran {
  readonly brief: Brief;
  readonly notes: string;
  readonly outcome: { readonly status: string };
  readonly runtime: ScriptedRuntime;
}

export interface RunOptions {
  readonly steps?: readonly Step[];
  readonly runtime?: ScriptedRuntime;
  readonly attempt?: number;
  readonly feedback?: Feedback;
  readonly extra?: Partial<StageDependencies>;
  /** Domains that may be searched and read. */
  readonly webDomains?: readonly string[];
}

/** Runs the stage once in its folder and reads what it wrote. */
export async function investigate(setup: Setup, run: RunOptions = {}): Promise<Ran> {
  const runtime = run.runtime ?? new ScriptedRuntime(run.steps);
  if (run.webDomains !== undefined) runtime.webDomains = run.webDomains;
  const context = await contextOf(setup, run);
  const stage = createAgentResearch(dependencies(run.extra), runtime);
  const outcome = await stage.run(context);
  assert.equal(outcome.status, 'done');
  return { ...(await written(context)), outcome, runtime };
}

export async function contextOf(setup: Setup, run: RunOptions = {}): Promise<StageContext> {
  const base = await stageContext(setup);
  return {
    ...base,
    request: { ...base.request, engine: 'agents' },
    attempt: run.attempt ?? base.attempt,
    ...(run.feedback === undefined ? {} : { feedback: run.feedback, mode: 'REVISE' as const }),
  };
}

export async function written(context: StageContext): Promise<{ brief: Brief; notes: string }> {
  const text = await readFile(join(context.runDir, 'brief.json'), 'utf8');
  const notes = await readFile(join(context.runDir, 'brief.md'), 'utf8');
  return { brief: Brief.parse(JSON.parse(text)), notes };
}

export function said(text: string, from: Feedback['from'] = 'person'): Feedback {
  return { from, text, failingTests: [], findings: [] };
}

export function factOf(blueprint: Blueprint, subject: string | null, name: Fact['fact']): Fact {
  const fact = blueprint.facts.find((one) => one.subject === subject && one.fact === name);
  assert.ok(fact, `no fact ${name} of ${String(subject)}`);
  return fact;
}

export function streamOf(blueprint: Blueprint, name: string): Stream {
  const stream = blueprint.streams.find((one) => one.name === name);
  assert.ok(stream, `no stream ${name}`);
  return stream;
}

export function gapsOf(blueprint: Blueprint, subject: string | null): string[] {
  return blueprint.gaps.filter((gap) => gap.stream === subject).map((gap) => gap.fact);
}

export const DOCS = 'https://docs.example.com/paging';
/** A page that answers what `shop` leaves open. */
export const DOCS_TEXT = `
  # Paging and limits
  Orders come in pages: send  after  with the cursor that stands in next_cursor.
  You may send at most 100 requests per minute. Each order is told apart by its number.
  Use changed_since to get only orders that changed.
`;

/** Orders with parameters whose meaning the description does not tell, and rows without a plain key. */
export function shop(changes: object = {}): object {
  const order = {
    type: 'object',
    properties: {
      number: { type: 'string' },
      total: { type: 'number' },
      customer: { type: 'object', properties: { ref: { type: 'string' } } },
      changed: { type: 'string', format: 'date-time' },
    },
  };
  const ok = (schema: object) => ({
    200: { description: 'ok', content: { 'application/json': { schema } } },
  });
  const query = (name: string, description?: string) => ({
    name,
    in: 'query',
    schema: { type: 'string' },
    ...(description === undefined ? {} : { description }),
  });
  return minimal({
    info: { title: 'Shop', version: '1.0' },
    security: [{ key: [] }],
    paths: {
      '/orders': {
        get: {
          summary: 'Lists orders',
          parameters: [
            query('after', 'The order to go on behind, as an opaque mark.'),
            query('size'),
            query('changed_since'),
          ],
          responses: ok({
            type: 'object',
            properties: { orders: { type: 'array', items: order }, next_cursor: { type: 'string' } },
          }),
        },
      },
    },
    components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } } },
    ...changes,
  });
}

export const given = (workspace: string): Setup => ({
  source: { kind: 'description', location: 'api.json' },
  workspace,
});

export function claim(changes: Partial<Claim>): Claim {
  return {
    stream: 'orders',
    fact: 'primary_key',
    value: '["number"]',
    url: DOCS,
    quote: 'Each order is told apart by its number',
    confidence: 0.6,
    ...changes,
  };
}
