/** A stage's context in a temporary run, and a runtime that talks to a scripted server on the loopback address. */
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentSettings, AgentTask, AgentTool } from '../../../src/agents/contracts.ts';
import { createAgentRuntime } from '../../../src/agents/runtime.ts';
import { readTranscript, transcriptPath, type TranscriptEntry } from '../../../src/agents/transcript.ts';
import { Limits, NO_USAGE, type AgentOptions, type StageContext } from '../../../src/pipeline/contracts.ts';
import { LOOPBACK_KEY, LoopbackServer, type LoopbackOptions } from '../loopback/index.ts';

export const Answer = z.object({ colour: z.string(), sure: z.boolean() });
export const PROMPT = 'You name colours. role: research';

export interface World {
  readonly server: LoopbackServer;
  readonly runDir: string;
  readonly lines: string[];
  readonly progress: string[];
  /** Milliseconds that were waited, without waiting. */
  readonly waits: number[];
  readonly stop: AbortController;
  /** What the last report of the cost said. */
  spent(): typeof NO_USAGE;
  context(changes?: Partial<StageContext>, options?: Partial<AgentOptions>): StageContext;
  settings(changes?: Partial<AgentSettings>): AgentSettings;
  runtime(changes?: Partial<AgentSettings>): ReturnType<typeof createAgentRuntime>;
  task(changes?: Partial<AgentTask<z.infer<typeof Answer>>>): AgentTask<z.infer<typeof Answer>>;
  transcript(attempt?: number): Promise<TranscriptEntry[]>;
  close(): Promise<void>;
}

export async function world(options: LoopbackOptions = {}): Promise<World> {
  const server = await LoopbackServer.start(options);
  const folder = await mkdtemp(join(tmpdir(), 'sourcewright-runtime-'));
  const promptsDir = join(folder, 'prompts');
  const runDir = join(folder, 'run');
  await mkdir(promptsDir);
  await mkdir(runDir);
  await writeFile(join(promptsDir, 'colours.md'), `${PROMPT}\n`);
  const lines: string[] = [];
  const progress: string[] = [];
  const waits: number[] = [];
  const stop = new AbortController();
  let spent = NO_USAGE;
  const context: World['context'] = (changes = {}, agents = {}) => ({
    runId: 'r1',
    request: {
      source: { kind: 'name', location: 'colours' },
      workspace: folder,
      outDir: join(folder, 'connectors'),
      engine: 'agents',
      gates: {},
      limits: Limits.parse({}),
      probe: false,
      agents: { budgetUsd: 5, models: {}, ...agents },
    },
    runDir,
    connectorDir: join(folder, 'connectors', 'source-colours'),
    mode: 'RUN',
    attempt: 1,
    feedback: undefined,
    draft: false,
    signal: stop.signal,
    progress: (line) => {
      progress.push(line);
    },
    activity: (line) => {
      lines.push(line);
    },
    spent: (total) => {
      spent = total;
    },
    readArtifact: () => Promise.resolve(undefined),
    writeArtifact: () => Promise.resolve(),
    ...changes,
  });
  const settings: World['settings'] = (changes = {}) => ({
    apiKey: () => Promise.resolve(LOOPBACK_KEY),
    baseUrl: server.url,
    promptsDir,
    log: () => undefined,
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    stallMs: 400,
    ...changes,
  });
  return {
    server,
    runDir,
    lines,
    progress,
    waits,
    stop,
    spent: () => spent,
    context,
    settings,
    runtime: (changes) => createAgentRuntime(settings(changes)),
    task: (changes = {}) => ({
      context: context(),
      stage: 'research',
      prompt: 'colours',
      given: [
        { title: 'Known', text: 'The sky is above.', stable: true },
        { title: 'Asked', text: 'Which colour has the sky?', stable: false },
      ],
      tools: [look()],
      result: { name: 'answer', schema: Answer },
      ...changes,
    }),
    transcript: async (attempt = 1) =>
      (await readTranscript(transcriptPath(runDir, 'research', attempt))) ?? [],
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A tool that looks somewhere; `seen` gets each place where it really looked. */
export function look(
  seen: string[] = [],
  answer: (place: string) => string = (place) => `${place} is blue`,
): AgentTool {
  return {
    tool: betaZodTool({
      name: 'look',
      description: 'Looks at a place.',
      inputSchema: z.object({ place: z.string() }),
      run: ({ place }) => {
        seen.push(place);
        return answer(place);
      },
    }),
    changes: false,
    label: (input) => `look ${z.object({ place: z.string() }).parse(input).place}`,
  };
}

/** Types of a transcript's records, in order. */
export function types(entries: readonly TranscriptEntry[]): string[] {
  return entries.map((entry) => entry.type);
}

/** A tool with an effect: appends a line to a file. */
export function note(path: string): AgentTool {
  return {
    tool: betaZodTool({
      name: 'note',
      description: 'Writes a line down.',
      inputSchema: z.object({ line: z.string() }),
      run: async ({ line }) => {
        await appendFile(path, `${line}\n`);
        return 'noted';
      },
    }),
    changes: true,
  };
}
